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
    "weak_links": "None of its sampled pairs inside is a link: such a member is never above review.",
    "one_kind": "One kind of link alone ties it to the others. Two addresses of one proxy pool are one kind: such a "
    "member is never above review.",
    "kinds_of_different_partners": "Several kinds of link tie it to the others, but never two of them to the same one.",
    "two_kinds": "Two kinds of link or more tie it to the same partner.",
    "one_partner": "It has met only one partner in the sample.",
    "strays": f"It stays with its cluster in fewer than {STEADY:.0%} of the runs that leave all evidence in place.",
}
"""What the reason codes of the table ``accounts`` mean; ``breaks_without_KIND`` is told besides."""

CUT_LOOSE, REVIEW, STAYS = "nothing holds it", "one kind alone is left: review at most", "stays linked"
HELD_WEAKLY = "no link is left; weak pairs and likeness may hold it: review at most"
LEAVES = "no longer is with most of its cluster, found again without it"
"""What becomes of an account without some evidence."""

_TOLD = 5
_LEAST_TOLD_BITS = 0.05
_LEAST_LIKENESS = 1.0
"""Bits of likeness, above or below 0, from which it is said to tell something."""


def tell_membership(facts: Mapping[str, Any], shared: pd.DataFrame, partners: pd.DataFrame) -> tuple[str, ...]:
    """Tell why an account is where it is."""
    told = ["It is linked to others but in no cluster: no community of enough accounts holds it."]
    outside = 0
    if facts["cluster_id"] is not None:
        rank = f"a score of {facts['cluster_score']:.2f} and rank {facts['cluster_rank']:,} of {facts['n_clusters']:,}"
        size = plural(facts["cluster_accounts"], "account")
        told = [f"It is a {facts['tier']} member of cluster {facts['cluster_id']}, which has {size}, {rank}."]
        outside = int((~partners["inside"].astype(bool)).sum())
    told += _tell_weak_pairs(facts) if "weak_links" in facts["reasons"] else [_tell_links(facts)]
    if outside:
        told.append(f"Outside its cluster it has met {plural(outside, 'account')} to which it is linked as well.")
    told += _tell_kinds(shared, clustered=facts["cluster_id"] is not None)
    told += [tell_reason(reason) for reason in facts["reasons"]]
    if (stability := facts.get("stability")) is not None:
        told.append(
            f"It stays with most of its cluster in {percent(stability)} of the runs with all evidence in place."
        )
    return tuple(told)


def _tell_links(facts: Mapping[str, Any]) -> str:
    whom = plural(facts["n_linked"], "account")
    if facts["cluster_id"] is not None:
        whom = f"{facts['n_linked']:,} of the {plural(facts['n_others'], 'other member')}"
    return (
        f"It shares enough with {whom} to be linked: {facts['threshold_bits']:.1f} bits or more. "
        f"Its strongest link has {facts['best_bits'] or 0:.1f}."
    )


def _tell_weak_pairs(facts: Mapping[str, Any]) -> list[str]:
    """What holds a member of which no sampled pair inside is a link."""
    which, best = ("pair", facts["best_bits"] or 0) if not facts["n_linked"] else ("sampled pair", facts["strength"])
    lacks = f"No {which} of its own is a link, which takes {facts['threshold_bits']:.1f} bits; its strongest has "
    told = [f"{lacks}{best:.1f}."]
    if likeness_counts(facts):
        told[0] += (
            f" That it behaves as the others in its cluster do adds {facts['likeness']:.1f} bits of likeness, "
            "which make up the rest."
        )
    others = plural(facts["n_others"], "other member")
    if facts["n_linked"]:
        told.append(f"Weighed with each member, sampled or not, it is linked to {facts['n_linked']:,} of the {others}.")
    elif facts["n_weak"]:
        least = f"{facts['needed_bits']:.1f} bits or more"
        told.append(f"With {facts['n_weak']:,} of the {others} it shares enough for that: {least}.")
    return told


def likeness_counts(facts: Mapping[str, Any]) -> bool:
    """Whether likeness makes up for anything that an account's pairs may lack."""
    return bool(facts["needed_bits"] < facts["threshold_bits"])


def _tell_kinds(shared: pd.DataFrame, *, clustered: bool) -> list[str]:
    """What holds an account, a sentence a kind, the kind that adds most first."""
    holding = shared[shared["n_pairs"] > 0]
    worth = (holding["n_pairs"] * holding["bits"]).groupby(holding["kind"]).sum().sort_values(ascending=False)
    told = []
    for kind in worth.index:
        rows = holding[holding["kind"] == kind]
        own = int((rows["n_outside"] == 0).sum())
        some = "" if own == len(rows) else f"{own:,} of them "
        alone = f", {some}used by no one outside the cluster" if clustered and own else ""
        most = rows["bits"].max()
        adds = f"one adds up to {most:.1f} bits to a pair" if most >= _LEAST_TOLD_BITS else "it adds nothing to a pair"
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
    of = {name: records_of(clearing[clearing["set_aside"] == name]) for name in ("entity", "kind", "together")}
    unlinking = [
        row for row in of["entity"] if not row["n_linked"] and (facts["n_linked"] or row["outcome"] == CUT_LOOSE)
    ]
    told = [_tell_innocent(row, facts) for row in unlinking[:_TOLD]]
    freeing = [row for row in of["entity"] if row["outcome"] == CUT_LOOSE]
    if not freeing:
        told.append(f"No single entity clears it. {_tell_least(of['entity'])}")
    together, last = plural(len(of["together"]), "entity"), of["together"][-1]
    if last["outcome"] != CUT_LOOSE:
        told.append(f"Even without the {together} that hold most of its pairs together: {last['outcome']}.")
    elif not freeing:
        told.append(f"Set aside together, {together} would clear it: those of the rows “together”.")
    told += [f"Without every {kind_name(row['kind'])}: {row['outcome']}." for row in of["kind"]]
    if "weak_links" in facts["reasons"] and likeness_counts(facts):
        alone = "nothing would hold it" if not facts["n_linked"] else "its links would"
        told.append(f"If it did not behave as the others do, {alone}.")
    if likeness_counts(facts):
        told.append(
            f"Its likeness to the other members, {facts['likeness']:.1f} bits, is held as it is throughout, so a "
            f"pair of {facts['needed_bits']:.1f} bits may hold it. If others left too, it would be another, which the "
            "snapshot cannot tell."
        )
    return tuple(told)


def _tell_innocent(row: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    """What would follow if an entity that holds all links of an account were innocent."""
    innocent = (
        f"If the {kind_name(row['kind'])} that {plural(row['n_accounts'], 'account')} use were known to be innocent"
    )
    needed, left = f"{facts['threshold_bits']:.1f}", f"{row['best_bits']:.1f}"
    if row["outcome"] != CUT_LOOSE:
        likeness = f"its likeness of {facts['likeness']:.1f} bits may make up the rest"
        return f"{innocent}, nothing would link it: {left} of {needed} bits are left at most; {likeness}."
    if likeness_counts(facts):
        made_up = f"with likeness it takes {facts['needed_bits']:.1f}"
        return f"{innocent}, nothing would hold it: {left} bits are left at most; {made_up}."
    return f"{innocent}, nothing would link it: {left} of {needed} bits are left at most."


def _tell_least(entities: list[dict[str, Any]]) -> str:
    """What would be left without the entity that matters most."""
    least = min(entities, key=lambda row: (row["n_linked"], row["n_weak"] or 0, row["best_bits"]))
    without = f"Without the {kind_name(least['kind'])} that matters most"
    strongest = f"the strongest of {least['best_bits']:.1f} bits"
    if least["n_linked"]:
        return f"{without}, {plural(least['n_linked'], 'link')} would be left, {strongest}."
    return f"{without}, {plural(least['n_weak'], 'weak pair')} would be left, {strongest}."


def tell_comparison(comparison: pd.DataFrame | None, facts: Mapping[str, Any]) -> tuple[str, ...]:
    """Tell whether an account behaves like its cluster."""
    if comparison is None:
        return ("Behavior is kept for accounts in clusters only.",)
    like = comparison["like"].value_counts()
    cluster, population, neither = (int(like.get(name, 0)) for name in (CLUSTER, POPULATION, NEITHER))
    alike = f"{cluster} and like the population in {population}"
    if neither:
        alike += f"; in {neither} the two are too much alike to tell"
    told = [f"Of {plural(len(comparison), 'trait')}, it is like its cluster in {alike}.", *_tell_likeness(facts)]
    if facts["n_events"] < LEAST_EVENTS:
        told.append(f"Its hours are not compared: it has fewer than {LEAST_EVENTS} events.")
    return tuple(told)


def _tell_likeness(facts: Mapping[str, Any]) -> list[str]:
    """What likeness says of an account, and whether anything rests on it."""
    likeness, told = facts["likeness"], []
    if likeness is not None and facts["weak_threshold_bits"] < facts["threshold_bits"]:
        models = (
            f"In models, capabilities, events and creation it has {likeness:.1f} bits of likeness to the other members"
        )
        if likeness <= -_LEAST_LIKENESS:
            told.append(f"{models}: it behaves unlike them, which speaks for it.")
        elif likeness < _LEAST_LIKENESS:
            told.append(f"{models}: that says next to nothing.")
        else:
            told.append(f"{models}: each doubles the odds that it belongs to them rather than to anyone.")
    if "weak_links" in facts["reasons"] and likeness_counts(facts):
        return [*told, "It is in by that likeness; what the table compares helps to check it."]
    links = "Its links alone hold it, and behavior links no one. " if facts["n_linked"] else ""
    return [
        *told,
        f"{links}Behavior helps to see who is a member by accident: a customer whose connection was lent out.",
    ]


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
        if account["likeness"] is not None and account["weak_threshold_bits"] < account["threshold_bits"]:
            told.append("What likeness was made of is not kept, only its bits.")
        told.append("Links to accounts outside its cluster are sampled where more than a few use an entity.")
    if not config.stability:
        told.append("Stability was not tested: stability = false.")
    elif cluster_id is not None and snapshot.require_cluster(cluster_id)["stability"] is None:
        told.append("Stability was not tested: it is for the largest clusters, of two million pairs in all.")
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
