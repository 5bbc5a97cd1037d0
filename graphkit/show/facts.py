"""What a report says, as plain values: every number and every name that its template shows."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from graphkit import wording
from graphkit.detect.alike import tell_weak
from graphkit.detect.holding import is_weak, read_thresholds
from graphkit.detect.life import tell_standing, tell_turns
from graphkit.show.labels import ACCOUNT, DASH, NameOf, clean_text, compact, kind_label, percent
from graphkit.show.layouts import LEAST_ACCOUNTS
from graphkit.show.left_out import describe_entity, list_rejected, sum_exclusions, tell_infrastructure
from graphkit.show.ring import order_evidence
from graphkit.snapshot import Snapshot, is_found_benign, rank_clusters
from graphkit.wording import plural, tell_verdict

_ROWS = 500
_EVIDENCE_ROWS, _EVIDENCE_ROWS_ALONE = 15, 100
_MEMBER_ROWS = 200


def gather_facts(snapshot: Snapshot, *, name_of: NameOf, cluster_id: str | None, top: int) -> dict[str, Any]:
    """Gather what the report of a snapshot, or of one of its clusters, says; names are ready to show."""
    clusters = rank_clusters(snapshot.table("clusters").to_pylist())
    alone = cluster_id is not None
    told = [snapshot.require_cluster(cluster_id)] if cluster_id is not None else clusters[:top]
    facts = {
        "snapshot_id": snapshot.id,
        "as_of": snapshot.as_of.isoformat(),
        "alone": alone,
        "overview": not alone and any(row["n_accounts"] >= LEAST_ACCOUNTS for row in clusters),
        "rows": [] if alone else _list_clusters(clusters[:_ROWS], told),
        "n_rows_left_out": max(0, len(clusters) - _ROWS),
        "any_tokens": any(row["input_tokens"] is not None or row["output_tokens"] is not None for row in clusters),
        "any_verdict": any(row["verdict"] for row in clusters),
        "any_found_benign": any(map(is_found_benign, clusters)),
        "n_clusters": len(clusters),
        "sections": _tell_clusters(snapshot, told, name_of=name_of, alone=alone),
        "population": dict(snapshot.content["population"]),
        "exclusions": sum_exclusions(snapshot, name_of=name_of),
        "infrastructure": tell_infrastructure(snapshot),
        "rejected": list_rejected(snapshot),
        "kinds": _list_kinds(snapshot),
        "settings": _list_settings(snapshot),
        "origin": list_origin(snapshot),
        "resolved": dict(snapshot.content["resolved"]),
        "weak_bits": read_thresholds(snapshot)[1],
        "chance": _average_chance(snapshot),
        "config": snapshot.config,
    }
    if alone:
        return facts | {
            "title": f"Cluster {clean_text(cluster_id)}",
            "headline": _headline_cluster(told[0]),
            "members": _list_members(snapshot, str(cluster_id), name_of=name_of),
        }
    return facts | {"title": "Report on clusters of accounts", "headline": _headline(snapshot, clusters), "members": []}


def _average_chance(snapshot: Snapshot) -> dict[str, float]:
    """Averages over the runs with links dealt at random; empty without such runs."""
    runs = snapshot.content.get("chance", [])
    return {name: sum(run[name] for run in runs) / len(runs) for name in (runs[0] if runs else ())}


def _headline(snapshot: Snapshot, clusters: Sequence[Mapping[str, Any]]) -> list[tuple[str, float | None, str]]:
    """The page's main numbers: label, number, note."""
    population = snapshot.content["population"]
    n_clustered = sum(row["n_accounts"] for row in clusters)
    n_events = sum(row["n_events"] for row in clusters)
    n_large = sum(row["n_accounts"] >= LEAST_ACCOUNTS for row in clusters)
    largest = max(clusters, key=lambda row: row["n_accounts"], default=None)
    return [
        ("Accounts examined", population["n_accounts"], f"{population['n_events']:,} events"),
        ("Clusters", len(clusters), f"{n_large:,} of {LEAST_ACCOUNTS} accounts or more"),
        ("Accounts in clusters", n_clustered, f"{_share(n_clustered, population['n_accounts'])} of all"),
        ("Largest cluster", largest and largest["n_accounts"], clean_text(largest["cluster_id"]) if largest else ""),
        ("Events by them", n_events, f"{_share(n_events, population['n_events'])} of all"),
        _headline_tokens(clusters),
    ]


def _headline_cluster(row: Mapping[str, Any]) -> list[tuple[str, float | None, str]]:
    return [
        ("Accounts", row["n_accounts"], f"{row['n_core']:,} of them core"),
        ("Events", row["n_events"], f"{row['n_events'] / row['n_accounts']:,.0f} an account"),
        _headline_tokens([row]),
    ]


def _headline_tokens(rows: Sequence[Mapping[str, Any]]) -> tuple[str, float | None, str]:
    sums = {name: _sum_known(row[f"{name}_tokens"] for row in rows) for name in ("input", "output")}
    notes = [f"{compact(total)} {name}" for name, total in sums.items() if total is not None]
    return "Tokens by them", _sum_known(sums.values()), ", ".join(notes) or "the events count none"


def _sum_known(numbers: Iterable[int | None]) -> int | None:
    """Sum of the numbers that are known; None if none is."""
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None


def _share(part: float, whole: float) -> str:
    return percent(part / whole if whole else 0.0)


def _list_clusters(rows: Sequence[Mapping[str, Any]], told: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of the ranked table; those with a section link to it."""
    places = {row["cluster_id"]: f"cluster-{i}" for i, row in enumerate(told, 1)}
    return [_describe(row) | {"rank": rank, "place": places.get(row["cluster_id"])} for rank, row in enumerate(rows, 1)]


def _describe(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "id": clean_text(row["cluster_id"], limit=40),
        "binding": clean_text(row["binding"], limit=600),
        "verdict": clean_text(tell_verdict(row), limit=60),
        "n_tokens": _sum_known([row["input_tokens"], row["output_tokens"]]),
        "first_seen": f"{row['first_seen']:%Y-%m-%d}",
        "last_seen": f"{row['last_seen']:%Y-%m-%d}",
    }


def _tell_clusters(
    snapshot: Snapshot, told: Sequence[Mapping[str, Any]], *, name_of: NameOf, alone: bool
) -> list[dict[str, Any]]:
    """A section per cluster: what binds it, the parts of its score, its most telling entities."""
    ids = [row["cluster_id"] for row in told]
    evidence = snapshot.evidence
    evidence = evidence[evidence["cluster_id"].isin(ids)]
    parts, stability = snapshot.score_parts, snapshot.stability
    most = _EVIDENCE_ROWS_ALONE if alone else _EVIDENCE_ROWS
    population = int(snapshot.content["population"]["n_accounts"])
    weak = _tell_weak(snapshot, ids)
    sections = []
    for i, row in enumerate(told, 1):
        own = evidence[evidence["cluster_id"] == row["cluster_id"]]
        telling = order_evidence(own, population=population).head(most)
        sections.append(
            _describe(row)
            | {
                "place": f"cluster-{i}",
                "figures": {name: {"id": f"{name}-{i}", "drawn": True} for name in ("ring", "matrix", "rhythm")},
                "parts": _list_parts(parts[parts["cluster_id"] == row["cluster_id"]]),
                "trials": _list_trials(stability[stability["cluster_id"] == row["cluster_id"]]),
                "evidence": [
                    describe_entity(entity, snapshot.config, name_of=name_of) for entity in telling.to_dict("records")
                ],
                "n_evidence": len(own),
                "life": _tell_life(snapshot, row),
                "weak": weak.get(row["cluster_id"], ""),
            }
        )
    return sections


def _tell_life(snapshot: Snapshot, row: Mapping[str, Any]) -> str:
    """What became of a cluster over the snapshots of a store, and a verdict that is to be renewed."""
    turns = tell_turns(snapshot, row["cluster_id"]) if snapshot.content.get("parent") else ()
    standing = () if row["verdict_basis"] == "own" else (tell_standing(row),)
    return clean_text(" ".join(filter(None, (*turns, *standing))), limit=2_000)


def _tell_weak(snapshot: Snapshot, cluster_ids: Sequence[str]) -> dict[str, str]:
    """For clusters of which most members have no link of their own, that and how many, in a sentence."""
    table = snapshot.table("accounts", columns=["cluster_id", "reasons"])
    members: pd.DataFrame = table.filter(pc.field("cluster_id").isin(pa.array(cluster_ids, pa.string()))).to_pandas()
    by_cluster = is_weak(members).groupby(members["cluster_id"]).agg(["sum", "size"])
    return {
        str(cluster_id): tell_weak(int(row["sum"]), int(row["size"]))
        for cluster_id, row in by_cluster.iterrows()
        if 2 * row["sum"] > row["size"]
    }


def _list_parts(parts: pd.DataFrame) -> list[dict[Any, Any]]:
    """The parts of a score, largest contribution first; nan is none."""
    ordered = parts.sort_values(["contribution", "part"], ascending=[False, True]).astype(object)
    rows: list[dict[Any, Any]] = ordered.where(ordered.notna(), None).to_dict("records")
    return [
        {**row, "part": clean_text(row["part"].replace("_", " ")), "missing": clean_text(row["missing"] or "")}
        for row in rows
    ]


def _list_trials(stability: pd.DataFrame) -> list[dict[str, str]]:
    """What became of a cluster under each perturbation, in words."""
    return [
        {"perturbation": clean_text(wording.in_words(trial["perturbation"])), "outcome": wording.tell_outcome(trial)}
        for trial in stability.to_dict("records")
    ]


def _list_members(snapshot: Snapshot, cluster_id: str, *, name_of: NameOf) -> list[dict[str, Any]]:
    """The strongest members of a cluster, core ones first."""
    table = snapshot.table("accounts")
    rows = table.filter(pc.equal(table["cluster_id"], cluster_id)).to_pylist()
    tiers = {"core": 0, "likely": 1}
    rows.sort(key=lambda row: (tiers.get(row["tier"], 2), -row["strength"], row["account_id"]))
    return [
        {
            **row,
            "name": clean_text(name_of(ACCOUNT, row["account_id"]), limit=200),
            "kinds": ", ".join(kind_label(kind) for kind in row["kinds"]),
            "first_seen": f"{row['first_seen']:%Y-%m-%d}",
            "last_seen": f"{row['last_seen']:%Y-%m-%d}",
            "created_at": f"{row['created_at']:%Y-%m-%d}" if row["created_at"] else None,
        }
        for row in rows[:_MEMBER_ROWS]
    ]


def _list_kinds(snapshot: Snapshot) -> list[dict[str, Any]]:
    active = set(snapshot.content["resolved"]["kinds"])
    calibration = {row["kind"]: row for row in snapshot.table("calibration").to_pylist()}
    return [
        {
            "label": kind_label(name),
            "active": name in active,
            **kind.model_dump(mode="json"),
            "calibration": calibration.get(name, {"given_prior": None, "learnt_prior": None, "verdict": DASH}),
        }
        for name, kind in sorted(snapshot.weighing_config.kinds.items())
    ]


def _list_settings(snapshot: Snapshot) -> list[tuple[str, str]]:
    """Settings in one line each, as graphkit.toml would have them; kinds have a table of their own."""
    config = dict(snapshot.content["config"])
    config.pop("kinds", None)
    return [(name, clean_text(json.dumps(value, sort_keys=True))) for name, value in sorted(config.items())]


def list_origin(snapshot: Snapshot) -> list[tuple[str, str]]:
    """What it takes to make the same snapshot again; not its digest, which salts the masks."""
    content, run = snapshot.content, snapshot.manifest["run"]
    config = json.dumps(content["config"], sort_keys=True).encode()
    sources = [clean_text(PurePath(source).name, limit=120) for source in run.get("sources", [])]
    rows = [
        ("Snapshot", snapshot.id),
        ("Config hash", hashlib.sha256(config).hexdigest()[:16]),
        ("Key fingerprint", content["key_fingerprint"]),
        ("Parent snapshot", content["parent"] or "none"),
        ("Data cut-off", f"{content['as_of']} (that UTC day included)"),
        ("Engine", run.get("engine", "")),
        ("Versions", ", ".join(f"{name} {number}" for name, number in sorted(run.get("versions", {}).items()))),
        (
            "Sources",
            ", ".join(sources[:10]) + (f" and {plural(len(sources) - 10, 'more file')}" if sources[10:] else ""),
        ),
    ]
    return [(name, clean_text(value)) for name, value in rows if value]
