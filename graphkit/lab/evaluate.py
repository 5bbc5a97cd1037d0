"""Evaluation: a snapshot against the truth, beside what one would use instead on the same links."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from graphkit import privacy
from graphkit.config import Config
from graphkit.engine import open_engine
from graphkit.errors import InputError
from graphkit.ingest.events import read_events
from graphkit.lab.baselines import run_baselines
from graphkit.lab.measures import evaluate_clusters
from graphkit.link.links import Links, make_links
from graphkit.snapshot import Snapshot

FIGURES = {
    "recall": "of the farm accounts, those in clusters that are mostly farm",
    "purity": "of the accounts in those clusters, those in farms",
    "farms_found": "farms of which 80 % are in mostly-farm clusters that together are 80 % it",
    "farms_whole": "farms of which 80 % are in one cluster that is 80 % it",
    "cluster_precision": "average precision of the clusters by score",
    "account_precision": "average precision of the accounts by their cluster's score, then by strength",
    "recall_at_named_innocents": "of the farm accounts, those named before 0.1 % of the innocents are",
    "solitary_clustered": "of the innocents in no look-alike group, those in a cluster",
    "innocents_clustered": "of all innocents, those in a cluster",
}
"""What each figure means, in the order in which they are shown."""


def read_truth(path: str | Path) -> pd.DataFrame:
    """Read a truth: account_id, farm (empty: innocent), group, and optionally style; Parquet or CSV, also compressed.

    Raises
    ------
    InputError
        If it cannot be read or lacks a column.
    """
    path = Path(path)
    try:
        if ".parquet" in path.suffixes:
            truth = pd.read_parquet(path)
        else:
            truth = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])
    except (OSError, ValueError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: the truth cannot be read: {error}") from error
    if missing := [name for name in ("account_id", "farm", "group") if name not in truth]:
        raise InputError(f"{path}: the truth has no column {', '.join(missing)}; it needs account_id, farm and group")
    if truth["account_id"].isna().any():
        raise InputError(f"{path}: the truth has {truth['account_id'].isna().sum():,} rows without an account_id")
    return truth.assign(account_id=truth["account_id"].astype(str))


def evaluate_snapshot(snapshot: Snapshot, truth: pd.DataFrame) -> dict[str, Any]:
    """Compare a snapshot's clusters and their ranking with the truth, as ``evaluate_clusters`` does."""
    return evaluate_clusters(snapshot.accounts, truth, scores=snapshot.clusters)


def link_events(
    events: Any,
    accounts: Any = None,
    *,
    config: Config | None = None,
    as_of: date | None = None,
    memory: str = "4GB",
) -> Links:
    """Make the links that ``analyze`` makes of the same events, accounts, settings and as-of."""
    config = config or Config()
    with open_engine(memory=memory) as engine:
        intake = read_events(engine, events, accounts, config=config, key=privacy.PUBLIC_KEY, as_of=as_of)
        links, _ = make_links(engine, intake, config=config)
    return links


def compare_methods(snapshot: Snapshot, truth: pd.DataFrame, *, links: Links | None = None) -> pd.DataFrame:
    """Compare a snapshot, and the baselines if there are links, with the truth.

    Parameters
    ----------
    truth
        As in ``evaluate_clusters``.
    links
        Of the events that the snapshot was made of, as ``link_events`` makes them.

    Returns
    -------
    A row is a method, graphkit first: method, the figures of ``evaluate_clusters``, seconds (graphkit: from events to
    snapshot; the baselines: from links to groups), skipped (why there are no figures, empty if there are).
    """
    ours = sum(snapshot.manifest["run"]["seconds"].values())
    rows = [{"method": "graphkit", **evaluate_snapshot(snapshot, truth), "seconds": ours, "skipped": ""}]
    for outcome in run_baselines(links, seed=snapshot.config.seed) if links else []:
        figures = {}
        if outcome.found is not None:
            scores = outcome.found[["cluster_id", "score"]].drop_duplicates()
            figures = evaluate_clusters(outcome.found, truth, scores=scores)
        rows.append({"method": outcome.method, **figures, "seconds": outcome.seconds, "skipped": outcome.skipped})
    return pd.DataFrame(rows)
