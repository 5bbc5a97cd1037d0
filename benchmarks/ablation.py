"""What each part of the score adds to the ranking, what an Isolation Forest does alone, and what missing inputs cost.

    python benchmarks/ablation.py                                   50,000 accounts, seeds 100, 101, 102
    python benchmarks/ablation.py --suite imitators                 the farms work as people do: as much, as unevenly
    python benchmarks/ablation.py --suite frontier
    python benchmarks/ablation.py --accounts 1000000 --events 30000000 --seed 100 --no-inputs

The clusters are the same in all rows but those of missing inputs; only their order differs. docs/scores.md has the
results.
"""

import tempfile
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from rich import box
from rich.console import Console
from rich.table import Table

import graphkit as gk
from graphkit.detect.anomaly import isolate
from graphkit.detect.scores import combine_effects
from graphkit.lab.frontier import frontier_farms
from graphkit.lab.plans import default_farms, imitating_farms
from graphkit.lab.worlds import write_world

_FIGURES = ("cluster_precision", "account_precision", "recall_at_named_innocents")
_INPUTS = {
    "created_at": ["created_at"],
    "model and capability": ["model", "capability"],
    "prompt_template": ["prompt_template"],
    "ip": ["ip"],
    "payment_instrument": ["payment_instrument"],
    "all but addresses and times": ["created_at", "model", "capability", "prompt_template", "payment_instrument",
                                    "user_agent"],
}  # fmt: skip
_SETTINGS = gk.Config(stability=False, chance_runs=0)


class Suite(StrEnum):
    """Which farms are planted."""

    campaigns = "campaigns"
    imitators = "imitators"
    frontier = "frontier"


def main(
    suite: Annotated[Suite, typer.Option(help="Which farms are planted.")] = Suite.campaigns,
    accounts: Annotated[int, typer.Option(help="Accounts of a world.")] = 50_000,
    events: Annotated[int, typer.Option(help="Events of a world.")] = 2_000_000,
    seed: Annotated[list[int] | None, typer.Option(help="Seeds of the worlds.")] = None,
    inputs: Annotated[bool, typer.Option(help="Leave out inputs too; the events are then held in memory.")] = True,
) -> None:
    """Print a table in Markdown: a row a variant of the score, means over the seeds."""
    plans = {
        Suite.campaigns: default_farms(accounts),
        Suite.imitators: imitating_farms(accounts),
        Suite.frontier: frontier_farms(),
    }[suite]
    rows = []
    for number in seed or [100, 101, 102]:
        with tempfile.TemporaryDirectory() as folder:
            write_world(folder, n_accounts=accounts, n_events=events, seed=number, farms=plans)
            truth = pd.read_parquet(Path(folder) / "truth.parquet")
            rows += [
                {"ranked by": name} | gk.evaluate_clusters(members, truth, scores=scores)
                for name, members, scores in _vary(Path(folder), inputs=inputs)
            ]
    table = Table("ranked by", *_FIGURES, "clusters", box=box.MARKDOWN)
    for name, of_variant in pd.DataFrame(rows).groupby("ranked by", sort=False):
        means = of_variant.mean(numeric_only=True)
        table.add_row(name, *(f"{means[figure]:.3f}" for figure in _FIGURES), f"{means['n_clusters']:,.0f}")
    Console(width=160).print(table)


def _vary(folder: Path, *, inputs: bool) -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """Name, members and scores of each variant."""
    snapshot = gk.analyze(str(folder / "events"), str(folder / "accounts.parquet"), _SETTINGS)
    members = snapshot.accounts[["account_id", "cluster_id", "strength"]]
    effects = snapshot.score_parts.pivot_table(index="cluster_id", columns="part", values="effect", dropna=False)
    for name, scores in _rank(effects).items():
        yield name, members, pd.DataFrame({"cluster_id": effects.index, "score": scores})
    if not inputs:
        return
    events = pd.concat(pd.read_parquet(path) for path in sorted((folder / "events").iterdir()))
    accounts = pd.read_parquet(folder / "accounts.parquet")
    for name, columns in _INPUTS.items():
        left = [frame.drop(columns=[c for c in columns if c in frame]) for frame in (events, accounts)]
        found = gk.analyze(*left, _SETTINGS)
        lost = found.score_parts.groupby("part")["value"].count().eq(0)
        gone = f" ({', '.join(lost.index[lost])})" if lost.any() else ""
        yield f"input without {name}{gone}", found.accounts, found.clusters


def _rank(effects: pd.DataFrame) -> dict[str, np.ndarray]:
    """Scores by variant, in the order of the rows."""
    score = gk.Score()
    parts = list(score.weights)
    variants = {"all parts": _combine(effects, parts)}
    variants |= {f"without {part}": _combine(effects, [p for p in parts if p != part]) for part in parts}
    variants |= {f"{part} alone": _combine(effects, [part]) for part in parts}
    measured = effects[[part for part in parts if part != "anomaly"]].fillna(0.5).to_numpy()
    variants["Isolation Forest alone, both sides"] = isolate(measured, seed=0)
    return variants


def _combine(effects: pd.DataFrame, parts: list[str]) -> np.ndarray:
    """The score of some parts; the forest, unless it is alone, sees no others than those."""
    used = {part: effects[part].to_numpy() for part in parts}
    others = [part for part in parts if part != "anomaly"]
    if "anomaly" in used and others:
        used["anomaly"] = isolate(np.fmax(effects[others].to_numpy(), 0.5), seed=0)
    return combine_effects(used, gk.Score())[0]


if __name__ == "__main__":
    typer.run(main)
