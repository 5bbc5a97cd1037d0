"""Blind spots: farms of graded dilution planted among a snapshot's own links, and which of them its settings find."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from graphkit import privacy
from graphkit.config import Config
from graphkit.detect.communities import find_communities
from graphkit.errors import UsageError
from graphkit.lab.backdrop import Backdrop, rebuild_backdrop
from graphkit.lab.measures import judge_farms
from graphkit.lab.planting import FarmGrade, Planted, behave_alike, plant_farms
from graphkit.link.links import Integers
from graphkit.link.pairs import sample_pairs
from graphkit.link.weights import link_threshold, weak_threshold, weigh_pairs
from graphkit.snapshot import Snapshot

ENTITIES_PER_ACCOUNT = (1, 2, 4, 8)
"""Entities an account in the grades of one kind; mixtures of two have the first two of these."""
ACCOUNTS_PER_ENTITY = (4, 10, 25, 100, 1000)
"""Accounts an entity, as far as they are fewer than the farm's; the last grade shares each with the whole farm."""
MIXED_KINDS = 4
"""Kinds, the first of the snapshot, of which each two are mixed."""
PLANTED_SHARE = 0.05
"""Accounts planted at once, of all accounts: so few that farms do not disturb each other."""
_MOST_CO_USERS = 1_000
"""Accounts of one entity of a kind with ``within``: each two of them are a pair."""

Told = Callable[[int, int], None]
"""Told how many runs are done, and how many there are."""


def measure_blind_spots(
    snapshot: Snapshot,
    *,
    n_accounts: Sequence[int] = (200,),
    grades: Sequence[FarmGrade] | None = None,
    backdrop: Backdrop | None = None,
    replicates: int = 3,
    seed: int = 0,
    key: bytes = privacy.PUBLIC_KEY,
    progress: Told | None = None,
) -> pd.DataFrame:
    """Plant farms that share less and less among a snapshot's links, and tell which the snapshot's settings find.

    Nothing is written, and the snapshot stays as it is. The same arguments give the same frame.

    Parameters
    ----------
    n_accounts
        Sizes of the farms of the default grades.
    grades
        Farms to plant; by default those of ``grade_farms``.
    backdrop
        Everybody's links: ``read_backdrop`` makes them of the events; by default ``rebuild_backdrop`` rebuilds them,
        nearly, from the snapshot.
    replicates
        Farms of each grade, each planted anew.
    key
        For sampling, as in ``analyze``.
    progress
        Told of each run.

    Returns
    -------
    A row is a grade and a behavior: kinds (joined by " + "), n_accounts, entities_per_account, accounts_per_entity,
    n_farms planted; alike, whether the accounts of a farm behave alike, else as differently as any (the same farms are
    judged both ways; only the latter where the snapshot took no account of behavior); found and whole, shares of these
    farms, as ``judge_farms`` defines them; recall (share of a farm's accounts in clusters that are mostly it),
    best_share (share of it in the cluster with most of it) and best_purity (its share of that cluster's accounts),
    means over the farms; n_population, accounts in the service; exact, whether links and behavior are the events' own.

    Raises
    ------
    UsageError
        If a farm is below the smallest cluster or larger than the service, or there is none to plant.
    """
    config, kinds = snapshot.weighing_config, tuple(snapshot.content["resolved"]["kinds"])
    planned = list(grade_farms(config, kinds, n_accounts=n_accounts) if grades is None else grades)
    backdrop = backdrop or rebuild_backdrop(snapshot, seed=seed)
    n_population = backdrop.links.n_population
    _check(planned, kinds, sizes=(config.min_cluster_size, n_population), replicates=replicates)
    most = int(PLANTED_SHARE * n_population)
    batches = [batch for number in range(replicates) for batch in _split(planned, most=most, seed=[seed, number])]
    judged = []
    for number, batch in enumerate(batches):
        if progress is not None:
            progress(number, len(batches))
        farms = [planned[place] for place in batch]
        planted = plant_farms(backdrop, farms, config=config, seed=[seed, number])
        judged += [
            fates.assign(grade=batch)
            for fates in _judge_behaviors(planted, seed=[seed, number], config=config, key=key)
        ]
    if progress is not None:
        progress(len(batches), len(batches))
    described = pd.DataFrame([_describe(grade) for grade in planned]).assign(n_farms=replicates)
    means = pd.concat(judged).groupby(["grade", "alike"]).mean().reset_index("alike")
    return described.join(means).reset_index(drop=True).assign(n_population=n_population, exact=backdrop.exact)


def grade_farms(config: Config, kinds: Sequence[str], *, n_accounts: Sequence[int] = (200,)) -> Iterator[FarmGrade]:
    """Grades of farms: those of each kind of link alone, and weak mixtures of two kinds."""
    alone = [((kind,), ENTITIES_PER_ACCOUNT) for kind in kinds]
    mixed = [(pair, ENTITIES_PER_ACCOUNT[:2]) for pair in combinations(kinds[:MIXED_KINDS], 2)]
    for size in dict.fromkeys(n_accounts):
        for chosen, grades in [*alone, *mixed]:
            timed = any(config.kinds[kind].within is not None for kind in chosen)
            most = min(size, _MOST_CO_USERS) if timed else size
            for each in grades:
                for users in [*(users for users in ACCOUNTS_PER_ENTITY if users < most), most]:
                    yield FarmGrade(chosen, size, each, users)


def _check(grades: Sequence[FarmGrade], kinds: Sequence[str], *, sizes: tuple[int, int], replicates: int) -> None:
    least, n_population = sizes
    faults = [
        text
        for wrong, text in (
            (not grades, "there is no farm to plant"),
            (replicates < 1, f"replicates is {replicates}; give 1 or more"),
            *(
                (grade.n_accounts < least, f"a farm of {grade.n_accounts} is below the smallest cluster, {least}")
                for grade in grades
            ),
            *(
                (grade.n_accounts > n_population, f"a farm of {grade.n_accounts:,} is larger than the service")
                for grade in grades
            ),
            *(
                (bool(set(grade.kinds) - set(kinds)), f"the snapshot has no kind {', '.join(grade.kinds)}")
                for grade in grades
            ),
        )
        if wrong
    ]
    if faults:
        raise UsageError("; ".join(dict.fromkeys(faults)))


def _split(grades: Sequence[FarmGrade], *, most: int, seed: Sequence[int]) -> Iterator[list[int]]:
    """Places of the grades in random order, in batches of ``most`` accounts, or of one farm if that is larger."""
    batch: list[int] = []
    n_planted = 0
    for place in np.random.Generator(np.random.PCG64([*seed, 2])).permutation(len(grades)).tolist():
        if batch and n_planted + grades[place].n_accounts > most:
            yield batch
            batch, n_planted = [], 0
        batch.append(place)
        n_planted += grades[place].n_accounts
    if batch:
        yield batch


def _judge_behaviors(planted: Planted, *, seed: Sequence[int], config: Config, key: bytes) -> Iterator[pd.DataFrame]:
    """Look for planted farms as ``analyze`` does; where likeness counts, once more with accounts that behave alike."""
    links, co_uses = planted.links, planted.co_uses
    candidates = sample_pairs(links, co_uses=co_uses, config=config, key=key)
    likeness_counts = weak_threshold(links, config) < link_threshold(config, links.n_population)
    for alike in (False, True) if likeness_counts else (False,):
        links = behave_alike(planted, seed=seed).links if alike else planted.links
        pairs, _ = weigh_pairs(candidates, links, co_uses=co_uses, config=config)
        membership = find_communities(pairs, links, config=config)
        yield _judge(planted, membership, least=config.min_cluster_size).assign(alike=alike)


def _judge(planted: Planted, membership: Integers, *, least: int) -> pd.DataFrame:
    """A row a planted farm, in their order: found, whole, recall, best_share, best_purity."""
    farm = planted.farm
    met = np.unique(membership[farm >= 0])
    account = np.flatnonzero((farm >= 0) | np.isin(membership, met[met >= 0]))
    frame = pd.DataFrame({"account_id": account, "cluster_id": membership[account], "farm": farm[account]})
    assigned = frame.loc[frame["cluster_id"] >= 0, ["account_id", "cluster_id"]]
    truth = frame.assign(farm=frame["farm"].where(frame["farm"] >= 0), group="")[["account_id", "farm", "group"]]
    judged = judge_farms(assigned, truth, min_size=least).set_index("farm").sort_index()
    recall = _recall(frame.loc[frame["cluster_id"] >= 0])
    judged["recall"] = recall.reindex(judged.index, fill_value=0.0) / judged["n_accounts"]
    return judged[["found", "whole", "recall", "best_share", "best_purity"]].astype(float).reset_index(drop=True)


def _recall(clustered: pd.DataFrame) -> pd.Series[Any]:
    """Accounts of each farm that are in clusters of which it is more than half."""
    size = clustered["cluster_id"].value_counts()
    inside = clustered[clustered["farm"] >= 0].groupby(["farm", "cluster_id"]).size().rename("n").reset_index()
    mostly = inside[2 * inside["n"] > inside["cluster_id"].map(size)]
    return mostly.groupby("farm")["n"].sum()


def _describe(grade: FarmGrade) -> dict[str, Any]:
    return {
        "kinds": " + ".join(grade.kinds),
        "n_accounts": grade.n_accounts,
        "entities_per_account": grade.entities_per_account,
        "accounts_per_entity": grade.accounts_per_entity,
    }
