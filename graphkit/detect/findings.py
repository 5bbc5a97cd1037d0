"""Findings: the tables of a snapshot, made from links, pairs and communities."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from graphkit.config import Config
from graphkit.detect.chance import ChanceRun, expect_by_chance, measure_density
from graphkit.detect.evidence import gather_evidence, say_what_binds
from graphkit.detect.members import Bonds, Grouping, add_up_bonds, describe_members, list_kinds
from graphkit.detect.parts import Clusters
from graphkit.detect.scores import score_clusters
from graphkit.detect.stability import Stability, stability_table
from graphkit.detect.uses import Uses, list_uses
from graphkit.link.arrays import is_among
from graphkit.link.couse import CoUses
from graphkit.link.links import Integers, Links, Numbers
from graphkit.link.weights import Weighted, link_threshold
from graphkit.naming import name_places
from graphkit.tables import TABLES


@dataclass(frozen=True)
class Graph:
    """The match-weight graph: links, the pairs that count, and how well each entity is corroborated."""

    links: Links
    co_uses: CoUses
    pairs: Weighted
    corroboration: Numbers


@dataclass(frozen=True)
class Checks:
    """What speaks for and against the clusters: whether they hold, and what chance makes."""

    stability: Stability
    chance: list[ChanceRun]


@dataclass(frozen=True)
class Behavior:
    """What the events say besides links: the tables activity and usage, and n_events and created_at of all accounts."""

    activity: pa.Table
    usage: pa.Table
    population: pd.DataFrame


@dataclass(frozen=True)
class Makeup:
    """What the clusters are made of: who is in them, what these use, and what their pairs add up to."""

    members: pd.DataFrame
    """As ``describe_members`` gives them."""
    uses: Uses
    bonds: Bonds


def leave_out_idle_pairs(graph: Graph, grouping: Grouping, *, config: Config) -> tuple[Graph, Grouping]:
    """Leave out the weak pairs that lie in no cluster: nothing rests on them."""
    kept = grouping.inside | (graph.pairs.weight >= link_threshold(config, graph.links.n_population))
    return replace(graph, pairs=graph.pairs.take(kept)), replace(grouping, inside=grouping.inside[kept])


def describe_makeup(graph: Graph, grouping: Grouping, checks: Checks, *, config: Config) -> Makeup:
    """Describe what the clusters are made of."""
    links, pairs = graph.links, graph.pairs
    members = describe_members(
        grouping,
        pairs,
        links,
        threshold=link_threshold(config, links.n_population),
        stability=checks.stability.of_accounts(grouping.cluster),
        breaks_without=checks.stability.breaks_without(links.kinds),
    )
    return Makeup(members, list_uses(grouping, links), add_up_bonds(grouping, pairs))


def make_findings(
    graph: Graph, grouping: Grouping, makeup: Makeup, behavior: Behavior, checks: Checks, *, config: Config
) -> dict[str, pa.Table]:
    """Make the tables of a snapshot that tell of clusters, all but the layout, in any row order."""
    links, pairs, members, uses = graph.links, graph.pairs, makeup.members, makeup.uses
    makes_pairs = links.makes_pairs(config)
    clusters = Clusters(
        grouping,
        members,
        makeup.bonds,
        links,
        uses,
        config,
        population=behavior.population,
        activity=behavior.activity,
        usage=behavior.usage,
    )
    score, parts = score_clusters(clusters)
    expected = np.full(clusters.n, np.nan)
    if checks.chance:
        density = measure_density(pairs, grouping.cluster, links, config=config)
        expected = expect_by_chance(clusters.size, density, clusters.mean(members["likeness"]), runs=checks.chance)
    binding = say_what_binds(uses, grouping, links, shares=clusters.bonds.shares(), makes_pairs=makes_pairs)
    return {
        "accounts": TABLES["accounts"].from_frame(members),
        "clusters": TABLES["clusters"].from_frame(
            _describe_clusters(grouping, members, behavior.usage).assign(
                score=score,
                stability=checks.stability.of_clusters(),
                expected_by_chance=expected,
                binding=binding,
            ),
        ),
        "score_parts": parts,
        "stability": stability_table(checks.stability, grouping),
        "evidence": TABLES["evidence"].from_frame(gather_evidence(uses, grouping, links, makes_pairs=makes_pairs)),
        "usage": behavior.usage,
        "exclusions": _exclusions_table(links, config),
    }


def list_graph(graph: Graph, *, config: Config) -> dict[str, pa.Table]:
    """Make the tables of the graph, which no cluster's name changes."""
    return {
        "links": _links_table(graph.links, graph.pairs),
        "entities": _entities_table(graph, config),
        "pairs": _pairs_table(graph.pairs, graph.links),
        "co_uses": _co_uses_table(graph),
    }


def _describe_clusters(grouping: Grouping, members: pd.DataFrame, usage: pa.Table) -> pd.DataFrame:
    by_cluster = members.groupby("cluster")
    counted = usage.select(["cluster_id", "input_tokens", "output_tokens"]).to_pandas()
    tokens = counted.groupby("cluster_id").sum(min_count=1)
    tokens = tokens.reindex(list(grouping.names)).astype("Float64").round().astype("Int64")
    n_core = (members["tier"] == "core").groupby(members["cluster"]).sum()
    return pd.DataFrame(
        {
            "cluster_id": grouping.names,
            "n_accounts": by_cluster.size(),
            "n_core": n_core,
            "n_events": by_cluster["n_events"].sum(),
            "input_tokens": tokens["input_tokens"].array,
            "output_tokens": tokens["output_tokens"].array,
            "first_seen": by_cluster["first_seen"].min(),
            "last_seen": by_cluster["last_seen"].max(),
            "verdict": None,
            "verdict_basis": None,
            "verdict_covers": np.nan,
        }
    )


def _links_table(links: Links, pairs: Weighted) -> pa.Table:
    chosen = pairs.joined(len(links.accounts))[links.account]
    return pa.table(
        {
            "account_id": _name_accounts(links, links.account[chosen]),
            **_name_entities(links, links.entity[chosen]),
            "n_events": links.n_events[chosen],
            "first_seen": _times(links.first_seen[chosen]),
            "last_seen": _times(links.last_seen[chosen]),
        }
    )


def _entities_table(graph: Graph, config: Config) -> pa.Table:
    links = graph.links
    known = links.makes_pairs(config) & ~np.isnan(graph.corroboration)
    return links.entities.append_column("rarity_bits", pa.array(links.rarity())).append_column(
        "corroboration", pa.array(graph.corroboration, mask=~known)
    )


def _pairs_table(pairs: Weighted, links: Links) -> pa.Table:
    return pa.table(
        {
            "account_a": _name_accounts(links, pairs.a),
            "account_b": _name_accounts(links, pairs.b),
            "match_weight": pairs.weight,
            "kinds": list_kinds(pairs.bits, pairs.bits >= 0, links.kinds),
            "sampling_probability": pairs.probability,
        }
    )


def _co_uses_table(graph: Graph) -> pa.Table:
    """Co-uses of the pairs that are kept."""
    links, co_uses = graph.links, graph.co_uses
    if not len(co_uses.pair):
        return TABLES["co_uses"].schema().empty_table()
    linked = is_among(co_uses.pair, graph.pairs.keys(len(links.accounts)))
    a, b = np.divmod(co_uses.pair[linked], max(len(links.accounts), 1))
    return pa.table(
        {
            "account_a": _name_accounts(links, a),
            "account_b": _name_accounts(links, b),
            **_name_entities(links, co_uses.entity[linked]),
            "seconds_apart": co_uses.gap_us[linked] / 1e6,
        }
    )


def _exclusions_table(links: Links, config: Config) -> pa.Table:
    """List the entities that do not link, and what that costs."""
    makes_pairs, too_common = links.makes_pairs(config), links.is_hub(config)
    paired = np.zeros(len(links.accounts), dtype=bool)
    paired[links.account[makes_pairs[links.entity]]] = True
    alone = np.bincount(links.entity, weights=~paired[links.account], minlength=len(links.entities)).astype(np.int64)
    d = links.entities["n_accounts"].to_numpy()
    columns = {
        "reason": pa.array(np.where(too_common, "too_common", "tag").astype(object), pa.string()),
        "n_links_dropped": links.entities["n_accounts"],
        "n_pairs_dropped": pa.array(np.minimum(config.partners * d, d * (d - 1) // 2)),
        "n_accounts_unpaired": pa.array(alone),
    }
    ledger = links.entities
    for name, column in columns.items():
        ledger = ledger.append_column(name, column)
    return ledger.filter(pa.array(~makes_pairs))


def _name_accounts(links: Links, places: npt.NDArray[np.integer]) -> pa.DictionaryArray:
    return name_places(places, links.accounts["account_id"])


def _name_entities(links: Links, places: Integers) -> dict[str, pa.DictionaryArray]:
    return {name: name_places(places, links.entities[name]) for name in ("kind", "entity")}


def _times(seconds: Integers) -> pa.Array:
    """Epoch seconds as the times of the tables."""
    return pa.array(seconds * 1000, pa.int64()).cast(pa.timestamp("ms", tz="UTC"))
