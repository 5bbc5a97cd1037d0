"""How well graphkit finds farms, beside what one would use instead on the same links, in two suites of worlds.

    python benchmarks/evaluation.py                                 both suites, 50,000 accounts, seeds 100, 101, 102
    python benchmarks/evaluation.py --suite frontier --farms        and each farm's fate
    python benchmarks/evaluation.py --accounts 1000000 --events 30000000 --seed 100

Campaigns: large farms of seven styles and ten rings among look-alikes. Frontier: 33 farms of 200 accounts that share
less and less. docs/evaluation.md says what the figures mean.
"""

import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.console import Console
from rich.table import Table

import graphkit as gk
from graphkit.lab.evaluate import FIGURES, compare_methods, link_events
from graphkit.lab.frontier import frontier_farms
from graphkit.lab.measures import judge_farms
from graphkit.lab.plans import FarmPlan, default_farms
from graphkit.lab.worlds import write_world

_COUNTS = {"farms_found", "farms_whole"}
_console = Console(width=200)


class Suite(StrEnum):
    """Which farms are planted."""

    campaigns = "campaigns"
    frontier = "frontier"


def main(
    suite: Annotated[list[Suite] | None, typer.Option(help="Suites; by default both.")] = None,
    accounts: Annotated[int, typer.Option(help="Accounts of a world.")] = 50_000,
    events: Annotated[int, typer.Option(help="Events of a world.")] = 2_000_000,
    seed: Annotated[list[int] | None, typer.Option(help="Seeds of the worlds.")] = None,
    config: Annotated[Path | None, typer.Option(help="Settings of graphkit.")] = None,
    baselines: Annotated[bool, typer.Option(help="Run the baselines too.")] = True,
    farms: Annotated[bool, typer.Option(help="Say of each farm whether graphkit holds it.")] = False,
) -> None:
    """Print a table a suite: a row a method, means over the seeds."""
    settings = gk.load_config(config) if config else gk.Config()
    for name in suite or list(Suite):
        plans = frontier_farms() if name == Suite.frontier else default_farms(accounts)
        rows, fates = [], {}
        for number in seed or [100, 101, 102]:
            with tempfile.TemporaryDirectory() as folder:
                write_world(folder, n_accounts=accounts, n_events=events, seed=number, farms=plans)
                found, fates[f"seed {number}"] = _run(Path(folder), settings, baselines=baselines)
            rows.append(found.assign(seed=number))
        _print_methods(f"{name}: {len(plans)} farms", pd.concat(rows))
        if farms:
            _print_farms(plans, fates)


def _run(folder: Path, settings: gk.Config, *, baselines: bool) -> tuple[pd.DataFrame, pd.Series]:
    """A row a method, and each farm's fate."""
    files = str(folder / "events"), str(folder / "accounts.parquet")
    truth = pd.read_parquet(folder / "truth.parquet")
    snapshot = gk.analyze(*files, settings)
    links = link_events(*files, config=settings) if baselines else None
    fates = judge_farms(snapshot.accounts, truth).set_index("farm")
    lost = fates["clustered"].map("{:.0%} clustered".format)
    fate = lost.mask(fates["found"], "found").mask(fates["whole"], "whole")
    return compare_methods(snapshot, truth, links=links), fate


def _print_methods(title: str, rows: pd.DataFrame) -> None:
    names = [name for name in FIGURES if name != "innocents_clustered"]
    table = Table("method", *names, "clusters", "seconds", "skipped", title=title, title_justify="left", box=None)
    for method, of_method in rows.groupby("method", sort=False):
        means = of_method.mean(numeric_only=True)
        figures = [
            "-" if pd.isna(means[name]) else f"{means[name]:.1f}" if name in _COUNTS else f"{means[name]:.4f}"
            for name in names
        ]
        others = "-" if pd.isna(means["n_clusters"]) else f"{means['n_clusters']:,.0f}", f"{means['seconds']:.1f}"
        table.add_row(method, *figures, *others, "; ".join(sorted(set(of_method["skipped"]) - {""})))
    _console.print(table, "")


def _print_farms(plans: tuple[FarmPlan, ...], fates: dict[str, pd.Series]) -> None:
    table = Table("farm", "accounts", *fates, box=None)
    for plan in plans:
        table.add_row(plan.name, f"{plan.n_accounts:,}", *(fate[plan.name] for fate in fates.values()))
    _console.print(table, "")


if __name__ == "__main__":
    typer.run(main)
