"""Alerts: what a person should see today, each told once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from graphkit.snapshot import Snapshot, rank_clusters
from graphkit.store.lines import append_lines, read_lines
from graphkit.store.names import ALERTS
from graphkit.store.reviews import Review, read_reviews
from graphkit.store.store import Store, open_store
from graphkit.wording import percent, plural

Alert = dict[str, Any]

_LOUD = ("confirmed", "watch")


def find_alerts(store: Store | str | Path, snapshot: Snapshot | None = None) -> list[Alert]:
    """Find what is to be told of a snapshot and was not told before.

    Parameters
    ----------
    snapshot
        By default the latest.

    Returns
    -------
    Alerts as JSON would hold them: alert (bad_data, new_cluster, growth, resurrection, benign_changed), state (what is
    told once), snapshot_id, as_of, cluster_id (null for bad data), n_accounts, score, verdict, text. Bad data first,
    then clusters in the order of the list.
    """
    opened = store if isinstance(store, Store) else open_store(store)
    snapshot = opened.latest() if snapshot is None else snapshot
    told = read_lines(opened.path / ALERTS)
    states = {alert["state"] for alert in told}
    found = [*_judge_data(snapshot), *_judge_clusters(snapshot, told, read_reviews(opened.path))]
    return [alert for alert in found if alert["state"] not in states]


def note_alerts(store: Store | str | Path, alerts: Sequence[Alert]) -> None:
    """Note in the store that these alerts were told, so that they are not told again."""
    if alerts:
        opened = store if isinstance(store, Store) else open_store(store)
        append_lines(opened.path / ALERTS, alerts)


def _judge_data(snapshot: Snapshot) -> Iterator[Alert]:
    for fault in snapshot.content.get("faults", []):
        text = f"Bad data: {fault['subject']}: {fault['what']}. Clusters that are not found now are not told as ended."
        yield _describe(snapshot, None, "bad_data", f"{fault['fault']}:{fault['subject']}", text)


def _judge_clusters(snapshot: Snapshot, told: Sequence[Alert], reviews: Sequence[Review]) -> Iterator[Alert]:
    limits = snapshot.config.alerts
    last_told = {alert["cluster_id"]: alert["n_accounts"] for alert in told if alert["cluster_id"] is not None}
    reviewed = {each.cluster_id: each for each in reviews}
    lineage = snapshot.table("lineage", columns=["cluster_id", "event", "n_kept", "n_lost", "reason"]).to_pylist()
    back = {row["cluster_id"]: row for row in lineage if row["event"] == "resurrection"}
    for row in rank_clusters(snapshot.table("clusters").to_pylist()):
        name, n, own = row["cluster_id"], row["n_accounts"], reviewed.get(row["cluster_id"])
        if n < limits.least_accounts:
            continue
        if row["verdict"] == "benign":
            yield from _judge_benign(snapshot, row, own)
            continue
        loud = row["score"] >= limits.score or row["verdict"] in _LOUD
        if not loud and not (name in back and name in last_told):
            continue
        base = last_told.get(name, own.n_accounts if own else None)
        what = f"{name}: {plural(n, 'account')}, score {row['score']:.2f}: {row['binding']}"
        if name in back:
            yield _describe(
                snapshot, row, "resurrection", f"{name}:{snapshot.as_of}", f"Back: {_tell_return(back[name])} {what}"
            )
        elif base is None:
            yield _describe(snapshot, row, "new_cluster", name, f"New: {what}")
        elif n >= (1 + limits.growth) * base:
            text = f"Grown by {percent(n / base - 1)} since it was last told ({base:,}): {what}"
            yield _describe(snapshot, row, "growth", f"{name}:{n}", text)


def _judge_benign(snapshot: Snapshot, row: Mapping[str, Any], own: Review | None) -> Iterator[Alert]:
    """Tell a cluster whose benign verdict does not simply hold."""
    if row["verdict_basis"] == "own":
        return
    covers = "an unknown share" if row["verdict_covers"] is None else percent(row["verdict_covers"])
    what = f"{row['cluster_id']} ({plural(row['n_accounts'], 'account')})"
    text = f"Found benign, and has changed: the review covers {covers} of {what}; look again"
    if row["verdict_basis"] == "inherited":
        text = f"Comes from a cluster found benign, whose review covers {covers} of it: {what}; look at it by itself"
    since = "" if own is None else f"{own.snapshot_id}:{own.time}"
    yield _describe(snapshot, row, "benign_changed", f"{row['cluster_id']}:{row['verdict_basis']}:{since}", text)


def _tell_return(row: Mapping[str, Any]) -> str:
    if row["reason"] == "entities":
        return f"other accounts use what {row['cluster_id']} had to itself."
    return f"{plural(row['n_kept'], 'account')} of {row['n_kept'] + row['n_lost']:,} that it had."


def _describe(snapshot: Snapshot, row: Mapping[str, Any] | None, alert: str, state: str, text: str) -> Alert:
    known = {name: None if row is None else row[name] for name in ("cluster_id", "n_accounts", "score", "verdict")}
    when = {"snapshot_id": snapshot.id, "as_of": snapshot.as_of.isoformat()}
    return {"alert": alert, "state": f"{alert}:{state}", "text": text} | known | when
