"""What is different between two snapshots, and whether the world changed or the settings did."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from graphkit.detect.lineage import tell_events
from graphkit.detect.matching import keep_contained, match_one_to_one, overlap_clusters, weigh_members
from graphkit.detect.tracing import Trace, follow_accounts
from graphkit.snapshot import Snapshot
from graphkit.wording import plural

_CHANGES = {"birth": "new", "death": "gone", "growth": "grown", "contraction": "shrunk", "merge": "merged",
            "split": "split", "resurrection": "returned", "continuation": "same"}  # fmt: skip
_ORDER = ("new", "returned", "split", "merged", "grown", "shrunk", "gone", "same")
_COLUMNS = ["cluster_id", "change", "previous_ids", "n_before", "n_after", "n_kept", "n_gained", "n_lost",
            "score_before", "score_after", "cause"]  # fmt: skip
_SHOWN = 20


@dataclass(frozen=True, eq=False, repr=False)
class SnapshotDiff:
    """What is different between two snapshots."""

    before: str
    """Id of the earlier snapshot."""
    after: str
    """Id of the later."""
    clusters: pd.DataFrame
    """A row is a change of a cluster: cluster_id, change (new, returned, split: a part that left, merged, grown,
    shrunk, gone, same), previous_ids, n_before, n_after, n_kept, n_gained, n_lost, score_before, score_after, cause
    (world, settings, or unknown: the settings differ and the old ones were not run on the new data)."""
    accounts: pd.DataFrame
    """A row is an account that changed its place: account_id, before, after (clusters; null for none), change (joined,
    left, moved)."""
    binding: pd.DataFrame
    """A row is a linking entity that two or more accounts of a cluster share now and did not before: cluster_id, kind,
    entity, n_inside, n_outside, coverage, lift; for clusters that are in both snapshots, widest first."""
    settings: pd.DataFrame
    """A row is a setting that differs: key, before, after."""
    n_undone: int | None
    """Changes of the world that the new settings hide; None where the old ones were not run on the new data."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """What changed, and why, in plain words; no identifier but clusters' ids."""
        counts = self.clusters["change"].value_counts()
        told = [f"{counts[change]:,} {change}" for change in _ORDER if change in counts]
        moves = self.accounts["change"].value_counts()
        moved = [f"{moves.get(change, 0):,} {change}" for change in ("joined", "left", "moved")]
        clusters = f"Clusters: {', '.join(told) or 'none'}."
        return clusters, f"Accounts: {', '.join(moved)}.", *self._explain_why()

    def _explain_why(self) -> tuple[str, ...]:
        if self.before == self.after:
            return ("Both are the same snapshot: nothing changed.",)
        if self.settings.empty:
            return ("The settings are the same: the world changed.",)
        keys = ", ".join(self.settings["key"].head(_SHOWN))
        differ = f"The settings differ in {plural(len(self.settings), 'key')}: {keys}."
        if self.n_undone is None:
            return differ, "Only the old settings run on the new data would tell what they did from what the world did."
        changed = self.clusters[self.clusters["change"] != "same"]
        n_settings = int((changed["cause"] == "settings").sum())
        return differ, (
            f"With the old settings on the new data {plural(len(changed) - n_settings, 'change')} would be the same; "
            f"{n_settings:,} came with the new settings, which also hide {self.n_undone:,}."
        )

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON would hold it."""
        frames = {name: getattr(self, name) for name in ("clusters", "accounts", "binding", "settings")}
        rows = {
            name: [
                {key: None if not isinstance(value, list) and pd.isna(value) else value for key, value in row.items()}
                for row in frame.to_dict("records")
            ]
            for name, frame in frames.items()
        }
        ids = {"before": self.before, "after": self.after, "n_undone": self.n_undone}
        return {**ids, "sentences": list(self.sentences), **rows}

    def __repr__(self) -> str:
        return f"<SnapshotDiff {self.before} to {self.after}: {' '.join(self.sentences)}>"

    def _repr_html_(self) -> str:
        told = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in self.sentences)
        changed = self.clusters[self.clusters["change"] != "same"].head(_SHOWN)
        table: str = changed.to_html(index=False, escape=True, border=0)
        return f"<p><b>{html.escape(self.before)} to {html.escape(self.after)}</b></p><ul>{told}</ul>{table}"


def diff_snapshots(before: Snapshot, after: Snapshot, *, rerun: Snapshot | None = None) -> SnapshotDiff:
    """Compare two snapshots, of one store or not, with any number of others between them.

    Clusters of one id are the same; the others are matched by containment, as lineage does.

    Parameters
    ----------
    rerun
        The later data under the earlier settings, as
        ``gk.analyze(events, accounts, before.config, as_of=after.as_of, key=store.key())`` makes it. It tells what the
        world changed from what the settings did.
    """
    clusters, same = _compare_clusters(before, after)
    settings = _compare_settings(before, after)
    n_undone = None
    if settings.empty:
        clusters = clusters.assign(cause="world")
    elif rerun is None:
        clusters = clusters.assign(cause="unknown")
    else:
        clusters, n_undone = _find_causes(clusters, before, after, rerun)
    return SnapshotDiff(
        before=before.id,
        after=after.id,
        clusters=clusters[_COLUMNS],
        accounts=_compare_accounts(before, after, same),
        binding=_find_new_entities(before, after, same),
        settings=settings,
        n_undone=n_undone,
    )


def find_events(before: Snapshot, after: Snapshot) -> tuple[pd.DataFrame, dict[str, str]]:
    """Find what became of each cluster between two snapshots.

    Where the earlier is the parent of the later, that is the later's lineage; else clusters of one id are the same, and
    the others are matched by containment, as lineage does.

    Returns
    -------
    Rows as of the table ``lineage``; and the cluster before by the one after that is the same.
    """
    if after.content.get("parent") != before.id:
        return _match_clusters(before, after)
    events = after.lineage
    both = {*_read_sizes(before)} & {*_read_sizes(after)}
    return events, {name: name for name in sorted(both)}


def _read_members(snapshot: Snapshot) -> pd.DataFrame:
    return weigh_members(snapshot.table("accounts", columns=["account_id", "cluster_id", "tier"]))


def _match_clusters(before: Snapshot, after: Snapshot) -> tuple[pd.DataFrame, dict[str, str]]:
    """What ``find_events`` gives, of any two snapshots."""
    old, new = _read_members(before), _read_members(after)
    both = sorted({*old["cluster_id"]} & {*new["cluster_id"]})
    same, joined, came_from, pairs = follow_accounts(old, new, known=dict(zip(both, both, strict=True)))
    known = {*before.table("former_accounts", columns=["cluster_id"])["cluster_id"].to_pylist()}
    ended = sorted({*old["cluster_id"]} - {*same.values()} - {*joined})
    trace = Trace(same, joined, came_from, returned={}, ended=tuple(ended), pairs=pairs)
    events = tell_events(trace, new, old, least_change=after.config.lineage.least_change)
    events.loc[(events["event"] == "birth") & events["cluster_id"].isin(list(known)), "event"] = "resurrection"
    return events, same


def _compare_clusters(before: Snapshot, after: Snapshot) -> tuple[pd.DataFrame, dict[str, str]]:
    """Rows of ``SnapshotDiff.clusters`` without causes, and the clusters before by those after that they are."""
    events, same = _match_clusters(before, after)
    events["change"] = events["event"].map(_CHANGES)
    sizes = {"n_before": _read_sizes(before), "n_after": _read_sizes(after)}
    origin = pd.Series([same.get(name, name) for name in events["cluster_id"]], index=events.index, dtype=object)
    for name, side, ids in (("before", before, origin), ("after", after, events["cluster_id"])):
        events[f"n_{name}"] = ids.map(sizes[f"n_{name}"]).fillna(0).astype("int64")
        events[f"score_{name}"] = ids.map(_read_column(side, "score")).astype("float64")
    rank = events["change"].map({change: place for place, change in enumerate(_ORDER)})
    ordered = events.assign(rank=rank).sort_values(
        ["rank", "score_after", "n_after", "n_before", "cluster_id"], ascending=[True, False, False, False, True]
    )
    return ordered.drop(columns=["rank", "event"]).reset_index(drop=True), same


def _read_column(snapshot: Snapshot, column: str) -> dict[str, Any]:
    table = snapshot.table("clusters", columns=["cluster_id", column])
    return dict(zip(table["cluster_id"].to_pylist(), table[column].to_pylist(), strict=True))


def _read_sizes(snapshot: Snapshot) -> dict[str, Any]:
    return _read_column(snapshot, "n_accounts")


def _compare_accounts(before: Snapshot, after: Snapshot, same: Mapping[str, str]) -> pd.DataFrame:
    """Rows of ``SnapshotDiff.accounts``."""
    old, new = (_read_members(each)[["account_id", "cluster_id"]] for each in (before, after))
    both = old.merge(new, on="account_id", how="outer", suffixes=("_before", "_after"))
    was, now = both["cluster_id_before"], both["cluster_id_after"]
    change = pd.Series("moved", index=both.index).mask(was.isna(), "joined").mask(now.isna(), "left")
    frame = pd.DataFrame({"account_id": both["account_id"], "before": was, "after": now, "change": change})
    return frame[was.isna() | now.isna() | (now.map(same) != was)].sort_values("account_id", ignore_index=True)


def _find_new_entities(before: Snapshot, after: Snapshot, same: Mapping[str, str]) -> pd.DataFrame:
    """Rows of ``SnapshotDiff.binding``."""
    old = before.table("evidence", columns=["cluster_id", "kind", "entity"]).to_pandas()
    now = after.table("evidence").to_pandas()
    now = now[now["cluster_id"].isin(list(same)) & now["enrichment"].isna()]
    was = now["cluster_id"].map(same).to_frame("cluster_id").assign(kind=now["kind"], entity=now["entity"])
    known = pd.MultiIndex.from_frame(was).isin(pd.MultiIndex.from_frame(old))
    columns = ["cluster_id", "kind", "entity", "n_inside", "n_outside", "coverage", "lift"]
    order = ["coverage", "n_inside", "cluster_id", "kind", "entity"]
    fresh: pd.DataFrame = now.loc[~known, columns]
    return fresh.sort_values(order, ascending=[False, False, True, True, True], ignore_index=True)


def _compare_settings(before: Snapshot, after: Snapshot) -> pd.DataFrame:
    """Rows of ``SnapshotDiff.settings``; what only alerts read changes no cluster and is left out."""
    old, new = (_flatten(each.config.model_dump(mode="json", exclude={"alerts"})) for each in (before, after))
    keys = sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
    rows = [(key, *("" if side.get(key) is None else str(side[key]) for side in (old, new))) for key in keys]
    return pd.DataFrame(rows, columns=["key", "before", "after"])


def _flatten(settings: Mapping[str, Any], start: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        flat |= _flatten(value, f"{start}{name}.") if isinstance(value, dict) else {f"{start}{name}": value}
    return flat


def _find_causes(
    clusters: pd.DataFrame, before: Snapshot, after: Snapshot, rerun: Snapshot
) -> tuple[pd.DataFrame, int]:
    """Tell for each change whether it is also there under the old settings; and count those that are only there."""
    world, _ = _compare_clusters(before, rerun)
    overlap = overlap_clusters(_read_members(rerun), _read_members(after))
    name_after = match_one_to_one(keep_contained(overlap))
    of_world = {
        (row["change"], name_after.get(row["cluster_id"], row["cluster_id"])) for row in world.to_dict("records")
    }
    of_both = list(zip(clusters["change"], clusters["cluster_id"], strict=True))
    causes = ["world" if each in of_world else "settings" for each in of_both]
    undone = {each for each in of_world - {*of_both} if each[0] != "same"}
    return clusters.assign(cause=causes), len(undone)
