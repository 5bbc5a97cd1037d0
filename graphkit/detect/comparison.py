"""How an account's behavior compares with that of its cluster and of everyone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from graphkit.link.links import Numbers
from graphkit.snapshot import Snapshot

LEAST_EVENTS = 20
"""Events from which an account's hours are compared."""

CLUSTER, POPULATION, NEITHER = "its cluster", "the population", "cannot be told"
"""What an account is like."""

_DAYS = pd.Timedelta(days=3.5)
_LEAST_SHARE, _LEAST_DOUBLINGS, _LEAST_BITS = 0.05, 0.5, 0.02
"""What cluster and population must lie apart for the account to be told like one of them."""
_COLUMNS = ["trait", "account", "cluster", "population", "like"]


def compare_account(
    snapshot: Snapshot, account: Mapping[str, object], members: pd.DataFrame, *, shared: pd.DataFrame
) -> pd.DataFrame:
    """Compare a member with its cluster and the population, trait by trait.

    Parameters
    ----------
    account
        Its row of the table ``accounts``.
    members
        The rows of its cluster.
    shared
        The entities that it shares, with its n_events and whether they weigh.

    Returns
    -------
    A row per trait that can be compared: trait, account, cluster, population (null if not known), and like
    ("its cluster" or "the population", whichever is nearer; "cannot be told" where these lie too close).
    """
    others = members[members["account_id"] != account["account_id"]]
    table = snapshot.table("score_parts").filter(pc.field("cluster_id") == account["cluster_id"])
    parts = table.to_pandas().set_index("part")[["value", "population"]]
    n_events = float(str(account["n_events"]))
    usual = _value(parts, "volume", "population")
    rows = [_compare("events", n_events, float(others["n_events"].median()), usual, doublings=True)]
    addresses = shared["kind"].map(lambda kind: snapshot.config.kinds[kind].normalize == "ip").astype(bool)
    if addresses.any():
        private = float(np.clip(1 - shared.loc[addresses, "n_events"].sum() / n_events, 0, 1))
        rows.append(_compare_part("share of events from addresses of its own", private, parts, "private_share"))
    if "prompt_template" in set(shared["kind"]):
        own = shared.loc[shared["weighs"] & (shared["kind"] == "prompt_template"), "n_events"].sum()
        made = float(np.clip(own / n_events, 0, 1))
        rows.append(_compare_part("share of events from shared, uncommon templates", made, parts, "template_share"))
    created = account["created_at"]
    if isinstance(created, pd.Timestamp) and (known := others["created_at"].dropna()).size:
        near = float(((known - created).abs() <= _DAYS).mean())
        rows.append(_compare_part("share of the others created in the week around it", near, parts, "creation_burst"))
    hours = _compare_hours(snapshot, str(account["account_id"]), others) if n_events >= LEAST_EVENTS else None
    return pd.DataFrame([*rows, hours] if hours else rows, columns=_COLUMNS)


def _value(parts: pd.DataFrame, part: str, column: str) -> float:
    return float(parts[column].get(part, float("nan")))


def _compare_part(trait: str, value: float, parts: pd.DataFrame, part: str) -> dict[str, object]:
    return _compare(trait, value, _value(parts, part, "value"), _value(parts, part, "population"))


def _compare(
    trait: str, value: float, cluster: float, population: float, *, least: float = _LEAST_SHARE, doublings: bool = False
) -> dict[str, object]:
    """A row of the comparison: what the account is nearer to."""
    points = np.array([value, cluster, population])
    if doublings:
        points, least = np.log2(np.maximum(points, 1)), _LEAST_DOUBLINGS
    apart = abs(points[1] - points[2])
    nearer = CLUSTER if abs(points[0] - points[1]) <= abs(points[0] - points[2]) else POPULATION
    like = nearer if apart >= least else NEITHER
    return dict(zip(_COLUMNS, (trait, value, cluster, population, like), strict=True))


def _compare_hours(snapshot: Snapshot, account_id: str, others: pd.DataFrame) -> dict[str, object] | None:
    """Whether its hours of the day are likelier from the others of its cluster than from everyone, in bits an event."""
    table = snapshot.table("activity")
    names = [account_id, *others["account_id"]]
    kept = table.filter(pc.field("account_id").isin(names) | pc.field("account_id").is_null()).to_pandas()
    own = kept["account_id"] == account_id
    everyone = kept["account_id"].isna()
    counts = [_by_hour(kept[chosen]) for chosen in (own, ~own & ~everyone, everyone)]
    if min(count.sum() for count in counts) == 0:
        return None
    usual = (counts[2] + 1) / (counts[2] + 1).sum()
    theirs = (counts[1] + 24 * usual) / (counts[1].sum() + 24)
    bits = np.log2(theirs / usual)
    value = float(counts[0] @ bits / counts[0].sum())
    trait = "hours of the day: bits an event that speak for its cluster's"
    return _compare(trait, value, float(theirs @ bits), float(usual @ bits), least=_LEAST_BITS)


def _by_hour(activity: pd.DataFrame) -> Numbers:
    return np.bincount(activity["hour_of_week"] % 24, weights=activity["n_events"], minlength=24).astype(float)
