"""How well clusters are followed through time, against lives whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from graphkit.detect.matching import HALF
from graphkit.lab.lives import Lives
from graphkit.snapshot import Snapshot

_TOLD = ("merge", "split", "resurrection", "death", "birth")
_LINGER = ("split", "death")


@dataclass(frozen=True, eq=False)
class Following:
    """What a lineage made of lives."""

    farm_days: pd.DataFrame
    """A row is a day of a farm: day, farm, cluster_id (that holds half its accounts or more; null for none),
    expected (the id that it had first), right."""
    turns: pd.DataFrame
    """A row is a turn: day, event, farm, n_true, n_told (1 and 1 where all is well)."""
    elsewhere: pd.DataFrame
    """Merges, splits and resurrections told of clusters that hold no farm: day, event, cluster_id."""

    @property
    def share_right(self) -> float:
        """Share of the farm-days that have the right id."""
        return float(self.farm_days["right"].mean())

    @property
    def wrong_turns(self) -> pd.DataFrame:
        """Turns not told once on the right day, and turns invented."""
        return self.turns[self.turns["n_true"] != self.turns["n_told"]]


def judge_lives(snapshots: Sequence[Snapshot], lives: Lives, *, look_back: int) -> Following:
    """Compare the lineage of daily snapshots with lives.

    Parameters
    ----------
    snapshots
        One a day.
    look_back
        Days that count in each: what is over shows when the last of its days is out of sight.
    """
    farm_days = _follow_farms(snapshots, lives, look_back=look_back)
    known = farm_days.dropna(subset="cluster_id")
    farm_of = dict(zip(known["cluster_id"], known["farm"].astype(str), strict=True))
    told: list[tuple[date, str, str]] = []
    elsewhere: list[tuple[date, str, str]] = []
    for snapshot in snapshots:
        for row in snapshot.table("lineage").to_pylist():
            if row["event"] not in _TOLD:
                continue
            farm = next((farm_of[name] for name in (row["cluster_id"], *row["previous_ids"]) if name in farm_of), None)
            (elsewhere if farm is None else told).append((snapshot.as_of, row["event"], farm or row["cluster_id"]))
    columns = ["day", "event", "farm"]
    late = lives.turns["event"].isin(_LINGER)
    shift = late.map({True: look_back - 1, False: 0}) + (lives.turns["event"] == "death")
    days = [day + timedelta(days=int(by)) for day, by in zip(lives.turns["day"], shift, strict=True)]
    true = _count(lives.turns.assign(day=days)[columns], "n_true", until=snapshots[-1].as_of)
    both = true.join(_count(pd.DataFrame(told, columns=columns), "n_told", until=snapshots[-1].as_of), how="outer")
    others = pd.DataFrame(elsewhere, columns=["day", "event", "cluster_id"])
    return Following(farm_days, both.fillna(0).astype(int).reset_index(), others)


def _follow_farms(snapshots: Sequence[Snapshot], lives: Lives, *, look_back: int) -> pd.DataFrame:
    """Rows of ``Following.farm_days``; a part that split off counts from when what it shared before is out of sight."""
    rows, expected = [], dict[str, str | None]()
    parted = lives.turns[lives.turns["event"] == "split"].set_index("farm")["day"].to_dict()
    for snapshot in snapshots:
        cluster = snapshot.accounts.set_index("account_id")["cluster_id"]
        for farm, accounts in _members_on(lives, snapshot.as_of).items():
            if farm in parted and snapshot.as_of < parted[farm] + timedelta(days=look_back - 1):
                continue
            held = cluster.reindex(accounts).value_counts()
            most = str(held.index[0]) if len(held) and held.iloc[0] >= HALF * len(accounts) else None
            first = expected.setdefault(farm, most if most not in expected.values() else None)
            rows.append((snapshot.as_of, farm, most, first, most is not None and most == first))
    return pd.DataFrame(rows, columns=["day", "farm", "cluster_id", "expected", "right"])


def _members_on(lives: Lives, day: date) -> dict[str, list[str]]:
    """Accounts of each farm that acts on a day."""
    today = lives.members[lives.members["day"] == day]
    return {str(farm): accounts.tolist() for farm, accounts in today.groupby("farm")["account_id"]}


def _count(turns: pd.DataFrame, name: str, *, until: date) -> pd.DataFrame:
    return turns[turns["day"] <= until].value_counts(["day", "event", "farm"]).rename(name).to_frame()
