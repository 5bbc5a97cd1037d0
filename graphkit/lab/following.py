"""How well clusters are followed through time, against lives whose truth is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from graphkit.detect.matching import HALF
from graphkit.detect.past import TURNS
from graphkit.lab.lives import Lives
from graphkit.snapshot import Snapshot

_TURN = ["day", "event", "farm"]


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
    told, elsewhere = _read_turns(snapshots, farm_of)
    until = snapshots[-1].as_of
    true = _count(_expect_turns(lives, look_back=look_back), "n_true", until=until)
    both = true.join(_count(told, "n_told", until=until), how="outer").fillna(0).astype(int)
    elsewhere = elsewhere[elsewhere["event"].isin(["merge", "split", "resurrection"])].reset_index(drop=True)
    return Following(farm_days, both.reset_index(), elsewhere.rename(columns={"farm": "cluster_id"}))


def _read_turns(snapshots: Sequence[Snapshot], farm_of: Mapping[str, str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Turns told of farms, and of other clusters: day, event, farm (of other clusters the id)."""
    rows = []
    for snapshot in snapshots:
        for row in snapshot.table("lineage").to_pylist():
            farm = next((farm_of[name] for name in (row["cluster_id"], *row["previous_ids"]) if name in farm_of), None)
            rows.append((snapshot.as_of, row["event"], farm or row["cluster_id"], farm is not None))
    told = pd.DataFrame(rows, columns=[*_TURN, "is_farm"])
    told = told[told["event"].isin(TURNS)]
    return told.loc[told["is_farm"], _TURN], told.loc[~told["is_farm"], _TURN]


def _expect_turns(lives: Lives, *, look_back: int) -> pd.DataFrame:
    """Turns as they show: a split and a death when the last common day is out of sight, if that is before a return."""
    shift = lives.turns["event"].map({"split": look_back - 1, "death": look_back}).fillna(0)
    days = [day + timedelta(days=int(by)) for day, by in zip(lives.turns["day"], shift, strict=True)]
    turns = lives.turns.assign(day=days)[_TURN]
    by_farm = {name: turns[turns["event"] == name].set_index("farm")["day"] for name in ("death", "resurrection")}
    back = by_farm["resurrection"]
    unseen = back.index[back <= by_farm["death"].reindex(back.index)]
    return turns[~(turns["farm"].isin(unseen) & turns["event"].isin(["death", "resurrection"]))]


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
