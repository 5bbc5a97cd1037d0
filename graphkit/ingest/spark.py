"""Read events and accounts with Spark's workers: rows stay there, the driver hears what is told of each file."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import date, datetime
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from graphkit import errors
from graphkit.config import Config
from graphkit.errors import GraphkitError, UsageError
from graphkit.ingest.codes import make_secret
from graphkit.ingest.coding import OPTIONAL
from graphkit.ingest.events import Intake, list_sources, sum_up, tell_latest
from graphkit.ingest.partials import Source
from graphkit.ingest.sources import find_files, is_frame
from graphkit.ingest.tasks import ROWS, TOLD, Task, read_files
from graphkit.sparkengine import Spark, explain_spark, quote, to_arrow

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def read_events_with_spark(
    engine: Spark,
    events: Any,
    accounts: Any = None,
    *,
    config: Config,
    key: bytes,
    as_of: date | None = None,
    now: datetime | None = None,
) -> Intake:
    """Read files of events, and of accounts if given, as ``read_events`` does; a task reads a file.

    Raises
    ------
    InputError
        As for ``read_events``.
    UsageError
        If a frame is given, or the workers have another version of DuckDB.
    """
    latest_us = tell_latest(as_of, now=now)
    secret = make_secret(key)
    scratch = None if engine.scratch is None else str(engine.scratch)
    task = Task("events", config, key, secret, latest_us, scratch)
    read, sources = _read(engine, events, task)
    read_too: DataFrame | None = None
    account_sources: list[Source] = []
    if accounts is not None:
        read_too, account_sources = _read(engine, accounts, replace(task, what="accounts"))
    intake = replace(
        sum_up(sources, account_sources, config=config, secret=secret, as_of=as_of),
        sources=list_sources(events, accounts),
    )
    with explain_spark():
        _define(engine, read, read_too, task, intake)
    return intake


def _read(engine: Spark, given: Any, task: Task) -> tuple[DataFrame, list[Source]]:
    """Let tasks read files; gives what they hand on, which Spark keeps, and what they tell."""
    if is_frame(given):
        raise UsageError(f'{task.what}: engine "spark" reads files; write the frame as Parquet and give its path')
    files = find_files(given, what=task.what)
    with explain_spark():
        rows = [(json.dumps(asdict(file)),) for file in files]
        listed = engine.session.sparkContext.parallelize(rows, len(rows))
        schema = ", ".join(f"{quote(name)} {kind}" for name, kind in task.columns.items())
        paths = engine.session.createDataFrame(listed, "file STRING")
        frame = paths.mapInArrow(partial(read_files, task=task), schema)
        read = engine.define(f"read_{task.what}", frame, keep=True)
        told = {
            one["path"]: one
            for text in to_arrow(read.where(f"section = {TOLD}").select("text"))["text"].to_pylist()
            for one in [json.loads(text)]
        }
    return read, [_hear(told[file.path]) for file in files]


def _hear(told: dict[str, Any]) -> Source:
    if "failure" in told:
        error: type[GraphkitError] = getattr(errors, told["error"])
        raise error(told["failure"])
    if told["version"] != version("duckdb"):
        raise UsageError(
            f"the workers of Spark have DuckDB {told['version']}, this machine {version('duckdb')}; install the same"
        )
    return Source.model_validate(told["source"])


def _define(engine: Spark, read: DataFrame, read_too: DataFrame | None, task: Task, intake: Intake) -> None:
    """Make the views that ``read_events`` makes."""
    rows = read.where(f"section = {ROWS}")
    if intake.window:
        rows = rows.where("t BETWEEN {} AND {}".format(*intake.window))
    kinds = [f"kind_{kind}" for kind in intake.event_kinds]
    engine.define("events", rows.select("account", "t", *kinds, *OPTIONAL))

    accounts = (read.limit(0) if read_too is None else read_too).where(f"section = {ROWS}")
    kinds = [f"kind_{kind}" for kind in intake.account_kinds]
    engine.define("accounts_file", accounts.selectExpr("account", "t AS created_us", "organization", *kinds))

    for what, section in task.names_sections.items():
        names = [frame.where(f"section = {section}") for frame in (read, read_too) if frame is not None]
        both = names[0] if len(names) == 1 else names[0].unionAll(names[1])
        engine.define(f"names_{what}", both.selectExpr("code", "text AS name"))
