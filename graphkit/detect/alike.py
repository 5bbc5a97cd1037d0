"""In what the members of a cluster are alike: what they ask for, how much and since when, beside everyone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from graphkit.detect.explanation import records_of
from graphkit.detect.holding import is_weak, read_thresholds
from graphkit.snapshot import Snapshot
from graphkit.wording import percent, plural

MOST_VALUES = 15
"""Models and capabilities that are listed."""

_COLUMNS = ("model", "capability")
_TOLD = 3
_LEAST_BITS = 0.02
"""Bits an event that a value must tell to be named in a sentence."""
_LONGEST = 60
_DAY = 86_400
_LEAST_MEMBERS = 3
"""Members of known creation from which its spread is told."""


def compare_usage(snapshot: Snapshot, cluster_id: str) -> pd.DataFrame:
    """Compare what a cluster asks for with what everyone does.

    Returns
    -------
    A row per model and capability, those that tell most first: trait ("model" or "capability"), name, share (of the
    cluster's events that name any), everyone (the same of all events), and event_bits (by which an event tells the
    cluster from everyone, on average: the value's part of the relative entropy, never below 0).
    """
    table = snapshot.table("usage", columns=["cluster_id", *_COLUMNS, "n_events"])
    own = (pc.field("cluster_id") == cluster_id) | pc.field("cluster_id").is_null()
    usage: pd.DataFrame = table.filter(own).to_pandas()
    rows = [_compare_column(usage, column, cluster_id) for column in _COLUMNS]
    frame = pd.concat(rows, ignore_index=True)
    return frame.sort_values(["event_bits", "trait", "name"], ascending=[False, True, True], ignore_index=True).head(
        MOST_VALUES
    )


def _compare_column(usage: pd.DataFrame, column: str, cluster_id: str) -> pd.DataFrame:
    """Shares of the values of a column, the cluster's and everyone's; no rows where it has fewer than two."""
    known = usage.dropna(subset=[column])
    inside = known["cluster_id"] == cluster_id
    counts = [known[chosen].groupby(column)["n_events"].sum() for chosen in (inside, known["cluster_id"].isna())]
    both = pd.concat(counts, axis=1, keys=["share", "everyone"]).fillna(0.0)
    if len(both) < 2 or not inside.any():
        both = both.iloc[:0]
    share, usual = (both[name] / max(both[name].sum(), 1) for name in ("share", "everyone"))
    ratio = np.divide(share, usual, out=np.ones(len(both)), where=(share > 0) & (usual > 0))
    bits = share * np.log2(ratio) + (usual - share) / np.log(2)
    return pd.DataFrame(
        {
            "trait": column,
            "name": both.index.astype(object),
            "share": share.to_numpy(),
            "everyone": usual.to_numpy(),
            "event_bits": np.maximum(bits.to_numpy(), 0),
        }
    )


def tell_alike(snapshot: Snapshot, members: pd.DataFrame, usage: pd.DataFrame, parts: pd.DataFrame) -> tuple[str, ...]:
    """Tell how alike the members are, and in what.

    Parameters
    ----------
    members
        The cluster's rows of the table ``accounts``.
    usage
        As of ``compare_usage``.
    parts
        The cluster's rows of the table ``score_parts``.
    """
    told = _tell_likeness(snapshot, members)
    strong = usage[usage["event_bits"] >= _LEAST_BITS].head(_TOLD)
    named = [
        f"{row['trait']} {row['name'][:_LONGEST]} in {percent(row['share'])} of its events "
        f"(everyone's: {percent(row['everyone'])})"
        for row in records_of(strong)
    ]
    if named:
        told.append(f"What it asks for: {', '.join(named)}.")
    elif len(usage):
        told.append("The models and capabilities it asks for are those of everyone.")
    value = parts.set_index("part")["population"]
    low, high = members["n_events"].quantile([0.25, 0.75], interpolation="nearest")
    usual = value.get("volume", float("nan"))
    beside = f"; half of all accounts made {usual:,.0f} or more" if pd.notna(usual) else ""
    told.append(f"The middle half of its accounts made {low:,.0f} to {high:,.0f} events{beside}.")
    created = members["created_at"].dropna()
    if len(created) >= _LEAST_MEMBERS:
        first, last = (pd.Timestamp(time) for time in created.quantile([0.25, 0.75], interpolation="nearest"))
        days = plural(max(1, round((last - first).total_seconds() / _DAY)), "day")
        told.append(f"The middle half of its accounts were created within {days}, {first:%Y-%m-%d} to {last:%Y-%m-%d}.")
    return tuple(told)


def _tell_likeness(snapshot: Snapshot, members: pd.DataFrame) -> list[str]:
    """How alike the members are in bits; nothing where links alone decide."""
    link, weak = read_thresholds(snapshot)
    likeness = members["likeness"].dropna()
    if weak == link or likeness.empty:
        return []
    told = [
        f"Likeness in behavior: {likeness.median():.1f} bits a member (median); below 0 a member is unlike the others."
    ]
    if not is_weak(members).any():
        told.append("Nobody is in by likeness: each member has a link of its own.")
    return told


def tell_weak(n_weak: int, n_accounts: int) -> str:
    """Tell that weak pairs and like behavior hold some members of a cluster."""
    hold = "It is held by" if 2 * n_weak > n_accounts else "Some are held by"
    have = "has" if n_weak == 1 else "have"
    return f"{hold} weak pairs and like behavior: {n_weak:,} of {n_accounts:,} accounts {have} no link of their own."
