"""Why an account is in its cluster, what would clear it, and what is not known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from graphkit.detect.comparison import compare_account
from graphkit.detect.explanation import AccountExplanation, records_of
from graphkit.detect.holding import bits_to_hold, is_weak, reaches, read_thresholds
from graphkit.detect.life import tell_life
from graphkit.detect.nearest import unknown_account
from graphkit.detect.setaside import set_aside
from graphkit.detect.sharing import Sharing, makes_pairs, read_entities, read_sharing, weigh_sharing
from graphkit.detect.telling import (
    CUT_LOOSE,
    HELD_WEAKLY,
    LEAVES,
    REVIEW,
    STAYS,
    tell_clearing,
    tell_comparison,
    tell_membership,
    tell_unknowns,
)
from graphkit.detect.template_names import add_template_names
from graphkit.link.links import Numbers
from graphkit.snapshot import Snapshot, rank_clusters


def explain_account(snapshot: Snapshot, account_id: str) -> AccountExplanation:
    """Explain why an account is linked and in its cluster, and what would clear it.

    Its pairs inside its cluster are exact, over all members; those with others are the ones that were sampled.
    What would clear it is computed: the pairs are weighed again as if an entity, a kind, or several
    entities together were known to be innocent, so that no one's use of them counts. Its likeness to the
    other members, and who these are, is held as it is.

    Raises
    ------
    UsageError
        If the account has no links in the snapshot; the error says what that means and names near ids.
    """
    links = snapshot.table("links").filter(pc.field("account_id") == account_id).to_pandas()
    if links.empty:
        raise unknown_account(snapshot, account_id)
    member, members = _find_cluster(snapshot, account_id)
    met = _sampled_partners(snapshot, account_id)
    inside = [each for each in members["account_id"] if each != account_id] if member else list(met["account_id"])
    link, weak = read_thresholds(snapshot)
    needed = float(bits_to_hold(member["likeness"] if member else 0.0, link=link, weak=weak))
    sharing = read_sharing(snapshot, [account_id] * len(inside), inside)
    bits = weigh_sharing(sharing)
    linked, holding = reaches(bits, link), reaches(bits, needed)
    partners = _list_partners(sharing, bits, inside=inside, linked=linked, holding=holding, met=met, member=member)
    shared = _list_shared(snapshot, links, sharing, bits, holding=holding, members=members)
    facts: dict[str, Any] = {"threshold_bits": link, "weak_threshold_bits": weak, "needed_bits": needed}
    facts |= _gather_facts(snapshot, member, members, links)
    n_linked = int(linked.sum())
    facts |= {"n_linked": n_linked, "n_weak": int(holding.sum()) - n_linked, "n_others": len(inside)}
    facts["best_bits"] = _best(bits, holding)
    clearing = _try_to_clear(sharing, facts)
    comparison = compare_account(snapshot, member, members, shared=shared) if member else None
    return AccountExplanation(
        snapshot_id=snapshot.id,
        account_id=account_id,
        cluster_id=member["cluster_id"] if member else None,
        facts=facts,
        why=tell_membership(facts, shared, partners),
        shared=shared,
        partners=partners,
        compared=tell_comparison(comparison, facts),
        comparison=pd.DataFrame() if comparison is None else comparison,
        clears=tell_clearing(clearing, facts),
        clearing=clearing,
        life=tell_life(snapshot, snapshot.require_cluster(member["cluster_id"])) if member else (),
        unknown=tell_unknowns(snapshot, cluster_id=member["cluster_id"] if member else None, account=facts),
    )


def _find_cluster(snapshot: Snapshot, account_id: str) -> tuple[dict[str, Any] | None, pd.DataFrame]:
    """The account's row of the table ``accounts``, or none, and those of all members of its cluster."""
    accounts = snapshot.table("accounts")
    mine = accounts.filter(pc.field("account_id") == account_id).to_pylist()
    cluster_id = mine[0]["cluster_id"] if mine else None
    members = accounts.filter(pc.field("cluster_id") == cluster_id) if mine else accounts.slice(0, 0)
    frame: pd.DataFrame = members.to_pandas()
    if not mine:
        return None, frame
    return records_of(frame[frame["account_id"] == account_id])[0], frame


def _sampled_partners(snapshot: Snapshot, account_id: str) -> pd.DataFrame:
    """The sampled pairs of an account: account_id (of the other), match_weight, kinds, cluster_id."""
    table = snapshot.table("pairs")
    mine = (pc.field("account_a") == account_id) | (pc.field("account_b") == account_id)
    pairs = table.filter(mine).to_pandas()
    other = pairs["account_a"].where(pairs["account_a"] != account_id, pairs["account_b"])
    accounts = snapshot.table("accounts", columns=["account_id", "cluster_id"])
    clusters = accounts.filter(pc.field("account_id").isin(list(other))).to_pandas()
    met = pairs.assign(account_id=other)[["account_id", "match_weight", "kinds"]]
    merged: pd.DataFrame = met.merge(clusters, on="account_id", how="left")
    return merged


def _list_partners(
    sharing: Sharing,
    bits: Numbers,
    *,
    inside: Sequence[str],
    linked: np.ndarray,
    holding: np.ndarray,
    met: pd.DataFrame,
    member: Mapping[str, Any] | None,
) -> pd.DataFrame:
    """Whom it shares enough with: exactly inside its cluster, by the sample outside."""
    chosen = np.flatnonzero(holding)
    order = np.argsort(-bits[chosen], axis=1, kind="stable")
    kinds = [[sharing.kinds[k] for k in row if bits[place, k] >= 0] for place, row in zip(chosen, order, strict=True)]
    n_shared = np.bincount(sharing.pair, minlength=len(holding))[chosen]
    own = pd.DataFrame(
        {
            "account_id": np.array(inside, dtype=object)[chosen],
            "cluster_id": member["cluster_id"] if member else None,
            "inside": member is not None,
            "match_weight": np.maximum(bits[chosen], 0).sum(axis=1),
            "linked": linked[chosen],
            "kinds": pd.Series(kinds, dtype=object),
            "n_shared": n_shared,
        }
    )
    if member is None:
        own["cluster_id"] = own["account_id"].map(met.set_index("account_id")["cluster_id"])
        return own.sort_values(["match_weight", "account_id"], ascending=[False, True], ignore_index=True)
    outside = met[met["cluster_id"] != member["cluster_id"]].assign(inside=False, linked=True, n_shared=pd.NA)
    outside["kinds"] = outside["kinds"].map(list)
    rows = [*own.to_dict("records"), *outside[list(own.columns)].to_dict("records")]
    frame = pd.DataFrame(rows, columns=own.columns)
    return frame.sort_values(
        ["inside", "match_weight", "account_id"], ascending=[False, False, True], ignore_index=True
    )


def _list_shared(
    snapshot: Snapshot,
    links: pd.DataFrame,
    sharing: Sharing,
    bits: Numbers,
    *,
    holding: np.ndarray,
    members: pd.DataFrame,
) -> pd.DataFrame:
    """What it shares with anyone, and what that adds to its pairs."""
    entities = read_entities(snapshot, links)
    shared = links.drop(columns="account_id").merge(entities, on=["kind", "entity"])
    rows = holding[sharing.pair]
    pair, entity = sharing.pair[rows], sharing.entity[rows]
    slot = pair * len(sharing.kinds) + sharing.kind[entity]
    own = np.bincount(slot, weights=sharing.bits[entity], minlength=bits.size)
    n = np.bincount(slot, minlength=bits.size)
    share = np.where(own[slot] > 0, sharing.bits[entity] / np.maximum(own[slot], np.finfo(float).tiny), 1 / n[slot])
    most = np.zeros(len(sharing.bits))
    np.maximum.at(most, entity, np.maximum(bits.ravel()[slot], 0) * share)
    told = sharing.entities[["kind", "entity"]].assign(
        n_pairs=np.bincount(entity, minlength=len(sharing.bits)), bits=most
    )
    shared = shared.merge(told, on=["kind", "entity"], how="left").fillna({"n_pairs": 0, "bits": 0.0})
    inside = _count_inside(snapshot, shared, members)
    shared = shared.assign(
        weighs=makes_pairs(shared, snapshot.config),
        n_pairs=shared["n_pairs"].astype(int),
        n_inside=inside,
        n_outside=shared["n_accounts"] - inside,
    )
    columns = ["kind", "entity", "tag", "n_events", "first_seen", "last_seen", "n_accounts", "n_inside", "n_outside"]
    order = shared.assign(worth=shared["n_pairs"] * shared["bits"]).sort_values(
        ["worth", "rarity_bits", "kind", "entity"], ascending=[False, False, True, True], ignore_index=True
    )
    return add_template_names(order[[*columns, "rarity_bits", "weighs", "n_pairs", "bits"]], snapshot)


def _count_inside(snapshot: Snapshot, shared: pd.DataFrame, members: pd.DataFrame) -> pd.Series[int]:
    """Accounts of the cluster that use each entity: those in the table ``evidence``, else the account alone."""
    if members.empty:
        return pd.Series(0, index=shared.index)
    evidence = snapshot.table("evidence", columns=["cluster_id", "kind", "entity", "n_inside"])
    own = evidence.filter(pc.field("cluster_id") == members["cluster_id"].iloc[0]).to_pandas()
    merged = shared[["kind", "entity"]].merge(own, on=["kind", "entity"], how="left")
    return merged["n_inside"].fillna(1).astype(int).set_axis(shared.index)


def _gather_facts(
    snapshot: Snapshot, member: Mapping[str, Any] | None, members: pd.DataFrame, links: pd.DataFrame
) -> dict[str, Any]:
    """Numbers about the account and its cluster."""
    facts: dict[str, Any] = {"cluster_id": member["cluster_id"] if member else None}
    if member is None:
        return facts | {
            "tier": None,
            "likeness": None,
            "reasons": [],
            "n_events": None,
            "first_seen": links["first_seen"].min(),
            "last_seen": links["last_seen"].max(),
        }
    ranked = rank_clusters(snapshot.table("clusters").to_pylist())
    rank, cluster = next((i, row) for i, row in enumerate(ranked, 1) if row["cluster_id"] == member["cluster_id"])
    names = ("tier", "strength", "n_partners", "n_events", "first_seen", "last_seen")
    return (
        facts
        | {name: member[name] for name in names}
        | {name: member[name] if pd.notna(member[name]) else None for name in ("likeness", "stability", "created_at")}
        | {
            "kinds": list(member["kinds"]),
            "reasons": list(member["reasons"]),
            "cluster_accounts": cluster["n_accounts"],
            "cluster_weak": int(is_weak(members).sum()),
            "cluster_score": cluster["score"],
            "cluster_rank": rank,
            "n_clusters": len(ranked),
            "binding": cluster["binding"],
        }
    )


def _best(bits: Numbers, holding: np.ndarray) -> float | None:
    return float(np.maximum(bits[holding], 0).sum(axis=1).max()) if holding.any() else None


def _try_to_clear(sharing: Sharing, facts: Mapping[str, Any]) -> pd.DataFrame:
    """Weigh its pairs again without each piece of evidence, and say what that leaves."""
    link, needed = facts["threshold_bits"], facts["needed_bits"]

    def measure(bits: Numbers) -> dict[str, object]:
        linked = reaches(bits, link)
        n_weak = int(reaches(bits, needed).sum() - linked.sum())
        return {
            "best_bits": float(np.maximum(bits, 0).sum(axis=1).max(initial=0)),
            "n_linked": int(linked.sum()),
            "n_weak": n_weak if needed < link else pd.NA,
            "n_kinds": int((bits[linked] > 0).any(axis=0).sum()),
        }

    now = measure(weigh_sharing(sharing))
    trials = set_aside(sharing, least=needed, measure=measure, undone=lambda left: not _holds(left))
    if "weak_links" in facts["reasons"] and _holds(now):
        likeness = {"set_aside": "likeness", "kind": None, "entity": None, "n_accounts": pd.NA} | now | {"n_weak": 0}
        trials = pd.DataFrame([*trials.to_dict("records"), likeness], columns=trials.columns)
    breaks = {reason.removeprefix("breaks_without_") for reason in facts["reasons"]}

    def judge(trial: Mapping[str, Any]) -> str:
        if not _holds(trial):
            return CUT_LOOSE
        if trial["set_aside"] == "kind" and trial["kind"] in breaks:
            return LEAVES
        if not trial["n_linked"]:
            return HELD_WEAKLY
        return REVIEW if trial["n_kinds"] < 2 <= int(str(now["n_kinds"])) else STAYS

    return trials.assign(outcome=[judge(trial) for trial in records_of(trials)])


def _holds(left: Mapping[str, Any]) -> bool:
    """Whether any pair is left that may hold the account."""
    n_weak = left["n_weak"]
    return bool(left["n_linked"]) or bool(pd.notna(n_weak) and n_weak)
