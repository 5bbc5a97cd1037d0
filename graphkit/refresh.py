"""The batch job: events in, a snapshot in the store."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from graphkit.analysis import analyze
from graphkit.config import Config
from graphkit.ingest.infrastructure import Infrastructure
from graphkit.manifest import EngineName
from graphkit.snapshot import Snapshot
from graphkit.stages import Progress
from graphkit.store.store import open_store


def refresh_store(  # noqa: PLR0913  # the one entry of the batch job
    events: Any,
    store: str | Path,
    *,
    accounts: Any = None,
    config: Config | None = None,
    as_of: date | None = None,
    infrastructure: str | Path | Infrastructure | None = None,
    public_templates: Any = None,
    key_file: str | Path | None = None,
    memory: str = "4GB",
    rehash: bool = False,
    engine: EngineName = "duckdb",
    spark_master: str | None = None,
    wait: float = 0.0,
    progress: Progress | None = None,
) -> Snapshot:
    """Analyze events and publish the snapshot in a store, which is made if it is not there.

    Parameters
    ----------
    events, accounts, config, as_of, infrastructure, public_templates, memory, engine, spark_master, progress
        As for ``analyze``.
    store
        Folder of the store, or its URL, such as ``s3://bucket/store``.
    rehash
        Tell whether a file is the one read before by its whole content, not by a sample.
    key_file
        The key for digests; by default the environment's ``GRAPHKIT_KEY``, else the store's own key.
    wait
        Seconds to wait while another process writes to the store.

    Returns
    -------
    The snapshot as the store holds it; the same input, settings, key and parent give the same one.

    Raises
    ------
    InputError, BudgetError
        As for ``analyze``; the store stays as it was.
    StoreError
        If the store cannot be used or written.
    """
    opened = open_store(store, create=True, key_file=key_file)
    with opened.lock(timeout=wait), opened.scratch() as scratch:
        snapshot = analyze(
            events,
            accounts,
            config,
            as_of=as_of,
            infrastructure=infrastructure,
            public_templates=public_templates,
            key=opened.key(),
            parent_of=opened.parent_of,
            memory=memory,
            scratch=scratch,
            partials=opened.partials,
            tables_in=scratch,
            rehash=rehash,
            engine=engine,
            spark_master=spark_master,
            progress=progress,
        )
        return opened.publish(snapshot)
