"""What a snapshot's manifest says beside its tables: what was found under which settings, and how the run went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Literal

from graphkit import privacy
from graphkit.config import Config
from graphkit.detect.chance import ChanceRun
from graphkit.detect.communities import choose_resolution
from graphkit.detect.findings import Graph
from graphkit.ingest.events import Intake
from graphkit.link.tags import Known
from graphkit.link.weights import link_threshold, weak_threshold
from graphkit.snapshot import Snapshot
from graphkit.stages import Clock

EngineName = Literal["duckdb", "spark"]

_LIBRARIES = ("graphkit", "duckdb", "igraph", "leidenalg", "numpy", "pandas", "pyarrow", "scipy")
_MORE: Mapping[EngineName, tuple[str, ...]] = {"duckdb": (), "spark": ("pyspark", "sqlglot")}


def describe_content(  # all that the digest covers
    graph: Graph,
    chance: Sequence[ChanceRun],
    config: Config,
    *,
    intake: Intake,
    key: bytes,
    days: dict[str, int],
    parent: Snapshot | None,
    faults: list[dict[str, Any]],
) -> dict[str, Any]:
    """What a snapshot's digest covers besides its tables.

    Parameters
    ----------
    days
        Times of the first and the last event that count, in epoch seconds: ``first``, ``last``.
    faults
        What is wrong with the data since the parent snapshot.
    """
    links, threshold = graph.links, link_threshold(config, graph.links.n_population)
    linked = graph.pairs.weight >= threshold
    return {
        "config": config.model_dump(mode="json"),
        "key_fingerprint": privacy.key_fingerprint(key),
        "population": {
            "n_accounts": links.n_population,
            "n_events": intake.n_in_window,
            "n_links": len(links.account),
            "n_shared_entities": len(links.entities),
            "first_day": datetime.fromtimestamp(days["first"], UTC).date().isoformat(),
            "last_day": datetime.fromtimestamp(days["last"], UTC).date().isoformat(),
        },
        "resolved": {
            "kinds": list(links.kinds),
            "threshold_bits": threshold,
            "weak_threshold_bits": weak_threshold(links, config),
            "n_features": links.profiles.shape[1],
            "resolution": choose_resolution(config, links.n_population),
            "n_linked_accounts": int(graph.pairs.joined(len(links.accounts), linked).sum()),
            "n_pairs": int(linked.sum()),
            "n_weak_pairs": int((~linked).sum()),
        },
        "parent": None if parent is None else parent.id,
        "faults": faults,
        "chance": [_describe_chance(run) for run in chance],
    }


def describe_run(
    clock: Clock, engine: EngineName, intake: Intake, *, unusable: list[dict[str, Any]], known: Known | None
) -> dict[str, Any]:
    """What a snapshot's digest does not cover: the clock, versions, paths, what was set aside.

    Parameters
    ----------
    unusable
        Rows of the table ``rejected`` beside those of the intake.
    """
    listed = [] if known is None else [known.listed]
    rejected = [*intake.rejected, *unusable, *(dict(row) for one in listed for row in one.rejected)]
    return {
        "started": clock.started.isoformat(timespec="milliseconds"),
        "engine": engine,
        "versions": {library: version(library) for library in [*_LIBRARIES, *_MORE[engine]]},
        "seconds": clock.seconds,
        "sources": list(intake.sources),
        "infrastructure": [one.name for one in listed],
        "optional_columns": sorted(intake.has),
        "n_rows": intake.n_rows,
        "n_accepted": intake.n_accepted,
        "n_in_window": intake.n_in_window,
        "rejected": sorted(rejected, key=lambda row: (row["source"], row["reason"])),
    }


def _describe_chance(run: ChanceRun) -> dict[str, int]:
    return {
        "n_pairs": run.n_pairs,
        "n_clusters": len(run.sizes),
        "n_accounts": int(run.sizes.sum()),
        "largest": int(run.sizes.max(initial=0)),
    }
