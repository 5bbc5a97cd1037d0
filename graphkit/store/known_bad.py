"""Known-bad share: how much of each cluster confirmed farms account for, shrunk to what is usual."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from scipy.optimize import minimize
from scipy.special import betaln

from graphkit.detect.former import own_entities
from graphkit.link.links import Numbers
from graphkit.snapshot import Snapshot
from graphkit.store.store import Store, open_store

_ACCOUNT = ["account_id", "cluster_id"]
_LEAST, _GREATEST = np.log(1e-3), np.log(1e3)


def measure_known_bad(store: Store | str | Path, snapshot: Snapshot | None = None) -> pd.DataFrame:
    """Measure what share of each cluster's accounts is tied to clusters that were confirmed.

    An account is tied if it was in such a cluster when that was reviewed, or uses a thing which that cluster had to
    itself then. The share k / n of a small cluster says little, so it is shrunk by empirical Bayes: (k + a) / (n + a +
    b), where the beta distribution of a and b is the one under which the shares of all clusters without a verdict of
    their own are most probable (beta-binomial; Efron and Morris 1973 for the idea).

    Parameters
    ----------
    snapshot
        By default the latest.

    Returns
    -------
    A row is a cluster, highest share first: cluster_id, n_accounts, n_members (that were in a confirmed cluster),
    n_tied (those, and the others that use its things), known_bad_share (shrunk), verdict. It is empty where nothing is
    confirmed.
    """
    opened = store if isinstance(store, Store) else open_store(store)
    snapshot = opened.latest() if snapshot is None else snapshot
    names = ["cluster_id", "n_accounts", "n_members", "n_tied", "known_bad_share", "verdict"]
    last = opened.reviews().drop_duplicates("cluster_id", keep="last")
    confirmed = last[last["verdict"] == "confirmed"]
    confirmed = confirmed[[opened.holds(name) for name in confirmed["snapshot_id"]]]
    if confirmed.empty:
        return pd.DataFrame(columns=names)
    bad, things = _gather(opened, confirmed)
    members = snapshot.table("accounts", columns=_ACCOUNT).to_pandas()
    links = snapshot.table("links", columns=["account_id", "kind", "entity"])
    used = links.filter(pc.is_in(links["entity"], value_set=pa.array(things["entity"].unique(), pa.string())))
    users = set(used.to_pandas().merge(things, on=["kind", "entity"])["account_id"])
    members["member"] = members["account_id"].isin(list(bad))
    members["tied"] = members["member"] | members["account_id"].isin(list(users))
    counts = members.groupby("cluster_id").agg(n_members=("member", "sum"), n_tied=("tied", "sum")).reset_index()
    clusters = snapshot.clusters[["cluster_id", "n_accounts", "verdict", "verdict_basis"]].merge(counts)
    fresh = clusters[clusters["verdict_basis"] != "own"]
    a, b = _fit_beta(*(fresh[name].to_numpy(dtype=float) for name in ("n_tied", "n_accounts")))
    clusters["known_bad_share"] = (clusters["n_tied"] + a) / (clusters["n_accounts"] + a + b)
    order = ["known_bad_share", "n_accounts", "cluster_id"]
    return clusters.sort_values(order, ascending=[False, False, True], ignore_index=True)[names]


def _gather(store: Store, confirmed: pd.DataFrame) -> tuple[set[str], pd.DataFrame]:
    """Accounts of confirmed clusters as they were reviewed, and the things that those had to themselves."""
    bad: set[str] = set()
    things = []
    for snapshot_id, reviews in confirmed.groupby("snapshot_id"):
        snapshot = store.load(str(snapshot_id))
        ids = pd.Index(reviews["cluster_id"])
        members = snapshot.table("accounts", columns=_ACCOUNT).to_pandas()
        bad.update(members.loc[members["cluster_id"].isin(ids), "account_id"])
        things.append(own_entities(snapshot.table("evidence"), ids)[["kind", "entity"]])
    return bad, pd.concat(things).drop_duplicates()


def _fit_beta(k: Numbers, n: Numbers) -> tuple[float, float]:
    """The beta distribution under which k of n are most probable, over all clusters; flat where there are none."""
    if not len(n):
        return 1.0, 1.0

    def improbability(logs: Numbers) -> float:
        a, b = np.exp(logs)
        return float(-(betaln(k + a, n - k + b) - betaln(a, b)).sum())

    bounds = [(_LEAST, _GREATEST)] * 2
    best = minimize(improbability, np.zeros(2), method="L-BFGS-B", bounds=bounds)
    a, b = np.exp(best.x)
    return float(a), float(b)
