"""Explanations in sentences, which name no account and no entity: only counts, kinds and clusters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow.compute as pc

from graphkit.detect.comparison import CLUSTER, LEAST_EVENTS, NEITHER, POPULATION
from graphkit.detect.explanation import records_of
from graphkit.detect.members import STEADY
from graphkit.snapshot import Snapshot
from graphkit.wording import kind_name, percent, plural

REASONS = {
    "weak_links": "No pair of its own is strong enough to link it; it is in because it also behaves as the others do.",
    "one_kind": "One kind of link alone ties it to the others. Two addresses of one proxy pool are one kind: such a "
    "member is never above review.",
    "kinds_of_different_partners": "Several kinds of link tie it to the others, but never two of them to the same one.",
    "two_kinds": "Two kinds of link or more tie it to the same partner.",
    "one_partner": "It has met only one partner in the sample.",
    "strays": f"It stays with its cluster in fewer than {STEADY:.0%} of the runs that leave all evidence in place.",
}
"""What the reason codes of the table ``accounts`` mean; ``breaks_without_KIND`` is told besides."""

CUT_LOOSE, REVIEW, STAYS = "no link is left", "one kind alone is left: review at most", "stays linked"
LEAVES = "no longer is with most of its cluster, found again without it"
"""What becomes of an account without some evidence."""

_TOLD = 5
_LEAST_TOLD_BITS = 0.05


def tell_membership(facts: Mapping[str, Any], shared: pd.DataFrame, partners: pd.DataFrame) -> tuple[str, ...]:
    """Tell why an account is where it is."""
    told = ["It is linked to others but in no cluster: no community of enough accounts holds it."]
    whom, outside = plural(facts["n_linked"], "account"), 0
    if facts["cluster_id"] is not None:
        rank = f"a score of {facts['cluster_score']:.2f} and rank {facts['cluster_rank']:,} of {facts['n_clusters']:,}"
        size = plural(facts["cluster_accounts"], "account")
        told = [f"It is a {facts['tier']} member of cluster {facts['cluster_id']}, which has {size}, {rank}."]
        whom = f"{facts['n_linked']:,} of the {plural(facts['n_others'], 'other member')}"
        outside = int((~partners["inside"].astype(bool)).sum())
    told.append(
        f"It shares enough with {whom} to be linked: {facts['threshold_bits']:.1f} bits or more. "
        f"Its strongest link has {facts['best_bits'] or 0:.1f}."
    )
    if "weak_links" in facts["reasons"]:
        told.append(
            f"None of these is a link of its own, which takes {facts['link_bits']:.1f} bits; that it behaves as the "
            f"others in its cluster do adds {facts['likeness']:.1f} bits of likeness, which make up the rest."
        )
    if outside:
        told.append(f"Outside its cluster it has met {plural(outside, 'account')} to which it is linked as well.")
    told += _tell_links(shared, clustered=facts["cluster_id"] is not None)
    told += [tell_reason(reason) for reason in facts["reasons"]]
    if (stability := facts.get("stability")) is not None:
        told.append(
            f"It stays with most of its cluster in {percent(stability)} of the runs with all evidence in place."
        )
    return tuple(told)


def _tell_links(shared: pd.DataFrame, *, clustered: bool) -> list[str]:
    """What links an account, a sentence a kind, the kind that adds most first."""
    holding = shared[shared["n_links"] > 0]
    worth = (holding["n_links"] * holding["bits"]).groupby(holding["kind"]).sum().sort_values(ascending=False)
    told = []
    for kind in worth.index:
        rows = holding[holding["kind"] == kind]
        own = int((rows["n_outside"] == 0).sum())
        some = "" if own == len(rows) else f"{own:,} of them "
        alone = f", {some}used by no one outside the cluster" if clustered and own else ""
        most = rows["bits"].max()
        adds = f"one adds up to {most:.1f} bits to a link" if most >= _LEAST_TOLD_BITS else "it adds nothing to a link"
        told.append(f"Shared: {plural(len(rows), kind_name(kind))}{alone}; {adds}.")
    return told


def tell_reason(reason: str) -> str:
    """Put a reason code of the table ``accounts`` in plain words."""
    if reason.startswith("breaks_without_"):
        kind = kind_name(reason.removeprefix("breaks_without_"))
        return f"Where links by {kind} are left out, it no longer is with most of its cluster."
    return REASONS.get(reason, reason.replace("_", " "))


def tell_clearing(clearing: pd.DataFrame, facts: Mapping[str, Any]) -> tuple[str, ...]:
    """Tell what would clear an account."""
    if clearing.empty:
        return ("No entity that weighs links it.",)
    of = {name: clearing[clearing["set_aside"] == name] for name in ("entity", "kind", "together")}
    freeing = of["entity"][of["entity"]["outcome"] == CUT_LOOSE]
    told = [
        f"If the {kind_name(row['kind'])} that {plural(row['n_accounts'], 'account')} use were known to be innocent, "
        f"nothing would link it: {row['best_bits']:.1f} of {facts['threshold_bits']:.1f} bits are left at most."
        for row in records_of(freeing.head(_TOLD))
    ]
    if not told:
        least = records_of(of["entity"].sort_values(["n_linked", "best_bits"], kind="stable"))[0]
        told.append(
            f"No single entity clears it. Without the {kind_name(least['kind'])} that matters most, "
            f"{plural(least['n_linked'], 'link')} would be left, the strongest of {least['best_bits']:.1f} bits."
        )
    together = plural(len(of["together"]), "entity")
    if of["together"]["outcome"].iloc[-1] != CUT_LOOSE:
        told.append(f"Even without the {together} that hold most of its links together it stays linked.")
    elif freeing.empty:
        told.append(f"Set aside together, {together} would clear it: those of the rows “together”.")
    told += [f"Without all links by {kind_name(row['kind'])}: {row['outcome']}." for row in records_of(of["kind"])]
    return tuple(told)


def tell_comparison(comparison: pd.DataFrame | None, facts: Mapping[str, Any]) -> tuple[str, ...]:
    """Tell whether an account behaves like its cluster."""
    if comparison is None:
        return ("Behavior is kept for accounts in clusters only.",)
    like = comparison["like"].value_counts()
    cluster, population, neither = (int(like.get(name, 0)) for name in (CLUSTER, POPULATION, NEITHER))
    alike = f"{cluster} and like the population in {population}"
    if neither:
        alike += f"; in {neither} the two are too much alike to tell"
    told = [
        f"Of {plural(len(comparison), 'trait')}, it is like its cluster in {alike}.",
        "Behavior links no one. It helps to see who is a member by accident: a customer whose connection was lent out.",
    ]
    if facts["n_events"] < LEAST_EVENTS:
        told.append(f"Its hours are not compared: it has fewer than {LEAST_EVENTS} events.")
    return tuple(told)


def tell_unknowns(
    snapshot: Snapshot, *, cluster_id: str | None, account: Mapping[str, Any] | None = None
) -> tuple[str, ...]:
    """Tell what is not known about a cluster, or an account in it, in sentences without an identifier."""
    config, content = snapshot.config, snapshot.content
    told = ["Who stands behind an address, a payment instrument or a tool is not in the data: someone has to ask."]
    absent = [kind_name(kind) for kind in config.kinds if kind not in content["resolved"]["kinds"]]
    if absent:
        told.append(f"The data have no {' and no '.join(absent)}: what is shared there is not seen.")
    told.append(
        f"Only events from {content['population']['first_day']} to {content['population']['last_day']} count; "
        "what was shared before or after is not seen."
    )
    if cluster_id is not None:
        told += _tell_missing_parts(snapshot, cluster_id)
    if account is not None:
        if cluster_id is not None and account["created_at"] is None:
            told.append("When the account was created is not known.")
        told.append("Models and capabilities are kept by cluster, not by account; prompts are not kept.")
        told.append("Links to accounts outside its cluster are sampled where more than a few use an entity.")
    if not config.stability:
        told.append("Stability was not tested: stability = false.")
    if not content.get("chance"):
        told.append("What chance would make was not tested.")
    told.append("A tier says that an account belongs to a group. Whether the group is a farm is another question.")
    return tuple(told)


def _tell_missing_parts(snapshot: Snapshot, cluster_id: str) -> list[str]:
    parts = snapshot.table("score_parts").filter(pc.field("cluster_id") == cluster_id).to_pylist()
    return [
        f"The part {part['part'].replace('_', ' ')} of the cluster's score is missing: {part['missing']}."
        for part in parts
        if part["missing"]
    ]
