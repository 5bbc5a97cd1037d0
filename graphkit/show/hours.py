"""What the rhythm of a cluster shows: its events by hour of the week, account by account, beside everyone's."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_array

from graphkit.snapshot import Snapshot

HOURS = 168
MOST_ACCOUNTS = 120
_MOST_COMPARED = 300
"""Accounts whose pairs are compared."""

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Rhythm:
    """One cluster's events by hour of the week, 0 = Monday 00 UTC."""

    cluster_id: str
    accounts: list[str]
    """Drawn accounts, the one most like the cluster as a whole first."""
    n_events: npt.NDArray[np.int64]
    """Events of each drawn account, shape (accounts, 168)."""
    share: Numbers
    """Share of the cluster's events, shape (168,)."""
    everyone: Numbers
    """The same of all accounts."""
    n_accounts: int
    n_all_events: int
    similarity: float
    """Median cosine of pairs of accounts; nan where there are no two."""
    expected: float
    """The same of as many accounts, each with as many events at hours drawn from everyone's."""
    first_day: str
    last_day: str


def arrange_rhythms(snapshot: Snapshot, cluster_ids: Sequence[str]) -> dict[str, Rhythm]:
    """Arrange clusters, reading the snapshot's activity once for all of them.

    Of more accounts than fit, every so manyth row is drawn.
    """
    own = pc.field("cluster_id").isin(pa.array(cluster_ids, pa.string()))
    members = snapshot.table("accounts", columns=["account_id", "cluster_id"]).filter(own)
    activity = snapshot.table("activity")
    everyone = activity.filter(pc.field("account_id").is_null())
    usual = np.bincount(everyone["hour_of_week"], weights=everyone["n_events"], minlength=HOURS)
    runs = pc.run_end_encode(activity["account_id"].combine_chunks(), run_end_type=pa.int64())
    member = pc.index_in(runs.values, value_set=members["account_id"]).fill_null(-1).to_numpy()
    row_member = np.repeat(member, np.diff(runs.run_ends.to_numpy(), prepend=0))
    own_rows = row_member >= 0
    row_member = row_member[own_rows]
    hour, n_events = (activity[name].to_numpy()[own_rows] for name in ("hour_of_week", "n_events"))
    population = snapshot.content["population"]
    days = (str(population.get("first_day", "")), str(population.get("last_day", "")))
    rhythms = {}
    for cluster_id in cluster_ids:
        inside = pc.equal(members["cluster_id"], cluster_id).to_numpy()
        ids, place = members["account_id"].filter(pa.array(inside)), np.cumsum(inside) - 1
        rows = inside[row_member]
        cells = (place[row_member[rows]], hour[rows])
        counts = csr_array((n_events[rows], cells), shape=(len(ids), HOURS), dtype=np.int64)
        rhythms[cluster_id] = _arrange(cluster_id, ids, counts, _normalize(usual), days, seed=snapshot.config.seed)
    return rhythms


def _arrange(
    cluster_id: str,
    members: pa.ChunkedArray,
    counts: csr_array,
    everyone: Numbers,
    days: tuple[str, str],
    *,
    seed: int,
) -> Rhythm:
    share = _normalize(counts.sum(axis=0))
    order = _order_rows(counts, share)
    drawn = order[np.linspace(0, len(order) - 1, min(len(order), MOST_ACCOUNTS)).round().astype(np.int64)]
    return Rhythm(
        cluster_id,
        members.take(pa.array(drawn)).to_pylist(),
        counts[drawn].toarray(),
        share,
        everyone,
        len(members),
        int(counts.sum()),
        *compare_rhythms(counts, everyone, seed=seed),
        *days,
    )


def compare_rhythms(counts: csr_array, population: Numbers, *, seed: int) -> tuple[float, float]:
    """Compare accounts with each other, and as many that keep everyone's hours.

    Parameters
    ----------
    counts
        Events by account and hour of the week.
    population
        Share of everyone's events in each hour.

    Returns
    -------
    The median cosine of pairs of accounts, and that of accounts with as many events each whose hours are drawn from
    everyone's. Nobody is as average as everyone, so the second is rather high, and a difference is one to believe.
    Of more than 300 accounts as many are drawn; nan where there are no two with events, or no hours of everyone's.
    """
    random = np.random.default_rng(seed)
    chosen = np.flatnonzero(counts.sum(axis=1))
    if len(chosen) > _MOST_COMPARED:
        chosen = chosen[np.sort(random.choice(len(chosen), _MOST_COMPARED, replace=False))]
    if len(chosen) < 2:
        return float("nan"), float("nan")
    active = counts[chosen].toarray()
    like = float(_median_cosine(active))
    if not population.sum():
        return like, float("nan")
    drawn = np.stack([random.multinomial(n, population) for n in active.sum(axis=1)])
    return like, float(_median_cosine(drawn))


def _median_cosine(counts: npt.NDArray[np.int64]) -> float:
    unit = counts / np.linalg.norm(counts, axis=1, keepdims=True)
    above = np.triu_indices(len(unit), k=1)
    return float(np.median((unit @ unit.T)[above]))


def _normalize(counts: npt.NDArray[np.int64] | Numbers) -> Numbers:
    return np.asarray(counts / max(counts.sum(), 1), dtype=np.float64)


def _order_rows(counts: csr_array, share: Numbers) -> npt.NDArray[np.int64]:
    """Accounts by how much their hours are the cluster's, the most typical first."""
    length = np.sqrt(counts.multiply(counts).sum(axis=1)) * np.linalg.norm(share)
    typical = np.divide(counts @ share, length, out=np.zeros(len(length)), where=length > 0)
    return np.lexsort((np.arange(len(length)), -typical.round(9)))
