"""The demo: a synthetic service with hidden farms, two snapshots of it, and a report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from graphkit.lab.measures import evaluate_clusters
from graphkit.lab.worlds import synthesize
from graphkit.refresh import refresh_store
from graphkit.show.report import write_report
from graphkit.snapshot import Snapshot
from graphkit.stages import Progress, Stage

_EVENTS_AN_ACCOUNT = 40
_DAYS_BETWEEN = 7


@dataclass(frozen=True)
class Demo:
    """What a demo left behind."""

    snapshot: Snapshot
    """The later of the two snapshots."""
    measures: dict[str, Any]
    """How well its clusters fit the truth."""
    events: Path
    store: Path
    report: Path


def run_demo(folder: str | Path, *, n_accounts: int = 10_000, seed: int = 0, progress: Progress | None = None) -> Demo:
    """Make a synthetic service in ``folder``, refresh a store from it twice, a week apart, and write a report."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tell = progress or (lambda _: None)
    tell(Stage("make a synthetic service"))
    world = synthesize(n_accounts=n_accounts, n_events=n_accounts * _EVENTS_AN_ACCOUNT, seed=seed)
    events, accounts = folder / "events.parquet", folder / "accounts.parquet"
    world.events.to_parquet(events, index=False)
    world.accounts.to_parquet(accounts, index=False)
    world.truth.to_csv(folder / "truth.csv", index=False)
    world.infrastructure.to_csv(folder / "infrastructure.csv", index=False)
    last_day = world.events["timestamp"].max().date()
    store = folder / "store"
    earlier = refresh_store(
        str(events), store, accounts=str(accounts), as_of=last_day - timedelta(days=_DAYS_BETWEEN), progress=progress
    )
    snapshot = refresh_store(str(events), store, accounts=str(accounts), as_of=last_day, progress=progress)
    measures = evaluate_clusters(snapshot.accounts[["account_id", "cluster_id"]], world.truth)
    tell(Stage("write the report"))
    report = write_report(snapshot, folder / "report.html", earlier=[earlier])
    return Demo(snapshot, measures, events, store, report)
