"""Why a cluster is a finding, whether it holds, what would undo it, and what is not known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.compute as pc
from scipy import sparse
from scipy.sparse import csgraph

from graphkit.detect.alike import compare_usage, tell_alike, tell_weak
from graphkit.detect.explanation import ClusterExplanation, records_of
from graphkit.detect.holding import bits_to_hold, is_weak, reaches, read_thresholds, tell_held
from graphkit.detect.life import list_turns, tell_life
from graphkit.detect.setaside import set_aside
from graphkit.detect.sharing import Sharing, read_entities, read_sharing, weigh_sharing
from graphkit.detect.telling import tell_reason, tell_unknowns
from graphkit.detect.template_names import add_template_names, name_public_templates
from graphkit.link.links import Numbers
from graphkit.snapshot import Snapshot, is_found_benign, rank_clusters
from graphkit.wording import in_words, kind_name, percent, plural, tell_outcome

MOST_PAIRS = 50_000
"""Pairs of a cluster that are weighed again without some of its evidence; of more, evenly chosen ones."""

_PARTS_TOLD = 3
_LEAST_TOLD = 0.1
_LARGEST_PART_TOLD = 0.99
_BROKEN = 0.5
"""Share of the accounts in the largest part below which a cluster counts as undone."""


def explain_cluster(snapshot: Snapshot, cluster_id: str) -> ClusterExplanation:
    """Explain why a cluster is a finding and what would undo it.

    What would undo it is computed: its sampled pairs, 50,000 at most, are weighed again as if an entity, a
    kind, or several entities together were known to be innocent. That tells which accounts still hang
    together by pairs that link them, or that are weak where likeness, held as it is, makes up the rest; the table
    ``stability`` has runs that find the communities again.

    Raises
    ------
    UsageError
        If there is no such cluster.
    """
    cluster = snapshot.require_cluster(cluster_id)
    ranked = rank_clusters(snapshot.table("clusters").to_pylist())
    facts = {name: value for name, value in cluster.items() if name != "cluster_id"}
    rank = 1 + [row["cluster_id"] for row in ranked].index(cluster_id)
    facts |= {"rank": rank, "n_clusters": len(ranked)}
    members = snapshot.table("accounts").filter(pc.field("cluster_id") == cluster_id).to_pandas()
    parts, stability = _own(snapshot, "score_parts", cluster_id), _own(snapshot, "stability", cluster_id)
    stability = stability.assign(outcome=[tell_outcome(row) for row in records_of(stability)])
    parts = parts.sort_values(["contribution", "part"], ascending=[False, True], ignore_index=True)
    evidence = _list_evidence(snapshot, cluster_id)
    public = name_public_templates(evidence[evidence["enrichment"].isna()], snapshot)
    undoing, n_pairs = _try_to_undo(snapshot, members)
    usage, n_weak = compare_usage(snapshot, cluster_id), int(is_weak(members).sum())
    likeness = members["likeness"].dropna()
    facts |= {"n_weak": n_weak, "likeness": float(likeness.median()) if len(likeness) else None}
    return ClusterExplanation(
        snapshot_id=snapshot.id,
        cluster_id=cluster_id,
        facts=facts | {"n_pairs_weighed": n_pairs},
        why=_tell_why(facts, evidence, parts, public=public),
        evidence=evidence,
        alike=tell_alike(snapshot, members, usage, parts),
        usage=usage,
        parts=parts,
        tiers=_count_tiers(members),
        holds=_tell_stability(facts, stability),
        stability=stability,
        undoes=_tell_undoing(undoing),
        undoing=undoing,
        life=tell_life(snapshot, cluster),
        turns=list_turns(snapshot, cluster_id),
        unknown=tell_unknowns(snapshot, cluster_id=cluster_id),
    )


def _own(snapshot: Snapshot, table: str, cluster_id: str) -> pd.DataFrame:
    """A cluster's rows of a table, without the cluster's id."""
    rows = snapshot.table(table).filter(pc.field("cluster_id") == cluster_id)
    frame: pd.DataFrame = rows.drop_columns("cluster_id").to_pandas()
    return frame


def _list_evidence(snapshot: Snapshot, cluster_id: str) -> pd.DataFrame:
    """Entities by how much they tell: accounts inside times log2 of the lift."""
    evidence = _own(snapshot, "evidence", cluster_id)
    entities = read_entities(snapshot, evidence)[["kind", "entity", "rarity_bits", "corroboration"]]
    evidence = evidence.merge(entities, on=["kind", "entity"], how="left")
    telling = evidence["n_inside"] * np.log2(evidence["lift"].clip(lower=1))
    order = evidence.assign(telling=telling).sort_values(
        ["telling", "kind", "entity"], ascending=[False, True, True], ignore_index=True
    )
    return add_template_names(order.drop(columns="telling"), snapshot)


def _count_tiers(members: pd.DataFrame) -> pd.DataFrame:
    """Accounts by tier and reason."""
    exploded = members[["tier", "reasons"]].explode("reasons").dropna()
    counts = exploded.groupby(["tier", "reasons"]).size().rename("n_accounts").reset_index()
    order = counts["tier"].map({"core": 0, "likely": 1}).fillna(2)
    counts = counts.assign(order=order).sort_values(["order", "n_accounts", "reasons"], ascending=[True, False, True])
    return pd.DataFrame(
        {
            "tier": counts["tier"],
            "reason": [tell_reason(reason) for reason in counts["reasons"]],
            "n_accounts": counts["n_accounts"],
            "share": counts["n_accounts"] / max(len(members), 1),
        }
    ).reset_index(drop=True)


def _try_to_undo(snapshot: Snapshot, members: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Weigh its sampled pairs again without each piece of evidence; also the number of pairs."""
    names = list(members["account_id"])
    table = snapshot.table("pairs", columns=["account_a", "account_b", "match_weight", "sampling_probability"])
    inside = pc.field("account_a").isin(names) & pc.field("account_b").isin(names)
    pairs = table.filter(inside).to_pandas()
    pairs = pairs.iloc[:: max(1, -(-len(pairs) // MOST_PAIRS))]
    if pairs.empty:
        return pd.DataFrame(columns=["set_aside", "kind", "entity", "n_accounts", "pairs_left", "outcome"]), 0
    link, weak = read_thresholds(snapshot)
    sharing = read_sharing(snapshot, pairs["account_a"].tolist(), pairs["account_b"].tolist())
    likeness = members.set_index("account_id")["likeness"].reindex(list(sharing.accounts))
    needed = bits_to_hold(likeness, link=link, weak=weak)
    times = 1 / pairs["sampling_probability"].to_numpy(dtype=float)

    def measure(bits: Numbers) -> dict[str, object]:
        return _measure_pairs(sharing, tell_held(sharing.a, sharing.b, bits, weak=weak, needed=needed), times)

    def undone(left: Mapping[str, Any]) -> bool:
        return bool(left["largest_part"] < _BROKEN)

    trials = set_aside(sharing, least=weak, measure=measure, undone=undone)
    if is_weak(members).any() and weak < link:
        left = _measure_pairs(sharing, reaches(weigh_sharing(sharing), link), times)
        likeness_row = {"set_aside": "likeness", "kind": None, "entity": None, "n_accounts": pd.NA} | left
        trials = pd.DataFrame([*trials.to_dict("records"), likeness_row], columns=trials.columns)
    return trials.assign(outcome=[_tell_trial(trial) for trial in records_of(trials)]), len(pairs)


def _measure_pairs(sharing: Sharing, held: np.ndarray, times: Numbers) -> dict[str, object]:
    """Share of the pairs left, parts of two accounts or more that they join, and the share of the largest."""
    n = len(sharing.accounts)
    ends = (sharing.a[held], sharing.b[held])
    graph = sparse.coo_array((np.ones(int(held.sum())), ends), shape=(n, n))
    _, part = csgraph.connected_components(graph, directed=False)
    sizes = np.bincount(part)
    return {
        "pairs_left": float(times[held].sum() / times.sum()),
        "n_parts": int((sizes > 1).sum()),
        "largest_part": float(sizes.max() / n) if held.any() else 0.0,
    }


def _tell_trial(trial: Mapping[str, Any]) -> str:
    if trial["n_parts"] == 0:
        return "nothing holds it together"
    if trial["largest_part"] == 1:
        return f"all stay together, by {percent(trial['pairs_left'])} of the pairs"
    largest = percent(min(trial["largest_part"], _LARGEST_PART_TOLD))
    if trial["n_parts"] == 1:
        return f"{largest} of the accounts stay together, nothing holds the others"
    return f"falls into {plural(trial['n_parts'], 'part')} of two accounts or more; the largest keeps {largest}"


def _tell_why(
    facts: Mapping[str, Any], evidence: pd.DataFrame, parts: pd.DataFrame, *, public: Sequence[str]
) -> tuple[str, ...]:
    binding = evidence[evidence["enrichment"].isna()]
    own = int((binding["n_outside"] == 0).sum())
    why_last = "; clusters found benign stand last" if is_found_benign(facts) else ""
    accounts, events = plural(facts["n_accounts"], "account"), plural(facts["n_events"], "event")
    span = f"from {facts['first_seen']:%Y-%m-%d} to {facts['last_seen']:%Y-%m-%d}"
    told = [
        f"{facts['binding']}.",
        f"{accounts}, {facts['n_core']:,} of them core, made {events} {span}.",
        f"They share {plural(len(binding), 'entity')} rare enough to link; {own:,} of these no one else uses.",
        f"Its score is {facts['score']:.2f}, rank {facts['rank']:,} of {facts['n_clusters']:,}{why_last}.",
    ]
    known = parts[parts["value"].notna()]
    for verb, rows in (
        ("Most speaks for it", known[known["contribution"] > _LEAST_TOLD].head(_PARTS_TOLD)),
        ("Most speaks against it", known[known["contribution"] < -_LEAST_TOLD].tail(_PARTS_TOLD).iloc[::-1]),
    ):
        if len(rows):
            named = [
                f"{row['part'].replace('_', ' ')} ({row['value']:.3g}, the population's {row['population']:.3g})"
                for row in records_of(rows)
            ]
            told.append(f"{verb}: {', '.join(named)}.")
    if facts["n_weak"]:
        told.insert(2, tell_weak(facts["n_weak"], facts["n_accounts"]))
    if public:
        told.append(f"Public prompt templates, of your list, among what links it: {', '.join(public)}.")
    common = evidence[evidence["enrichment"] < 0.01]
    if len(common):
        told.append(
            f"{plural(len(common), 'entity')} that cannot link, too common or by a tag, are used by more of them "
            "than chance explains."
        )
    return tuple(told)


def _tell_stability(facts: Mapping[str, Any], stability: pd.DataFrame) -> tuple[str, ...]:
    told = []
    if facts["stability"] is not None:
        share = percent(facts["stability"])
        told.append(
            f"Under other seeds, resolutions and draws of edges, {share} of its pairs of accounts stay together."
        )
    for row in records_of(stability):
        if row["perturbation"].startswith("without "):
            what = in_words(row["perturbation"]).removeprefix("without ").replace("strongest", "its strongest")
            told.append(f"Found again without {what}, it {row['outcome']}.")
    expected = facts["expected_by_chance"]
    if expected is not None:
        means = "near 0 is evidence" if expected < 1 else "1 and more is not evidence"
        told.append(f"Links dealt at random give {expected:.3g} clusters as large, as dense and as alike ({means}).")
    return tuple(told)


def _tell_undoing(undoing: pd.DataFrame) -> tuple[str, ...]:
    """Tell what would undo a cluster: its strongest entities one by one, and together."""
    if undoing.empty:
        return ("None of its sampled pairs is inside.",)
    of = {name: records_of(undoing[undoing["set_aside"] == name]) for name in ("entity", "kind", "together")}
    told = []
    if of["entity"]:
        worst = min(of["entity"], key=lambda row: (row["largest_part"], row["pairs_left"]))
        told.append(f"Without the {kind_name(worst['kind'])} that matters most: {worst['outcome']}.")
    told += [f"Without every {kind_name(row['kind'])}: {row['outcome']}." for row in of["kind"]]
    told += [
        f"If like behavior counted for nothing, by links alone: {row['outcome']}."
        for row in records_of(undoing[undoing["set_aside"] == "likeness"])
    ]
    if of["together"]:
        last = of["together"][-1]
        told.append(f"Without its {plural(len(of['together']), 'strongest entity')} together: {last['outcome']}.")
    return tuple(told)
