"""What calibration is worth: right and wrong priors, weighed as given and as learnt, in two suites of worlds.

    python benchmarks/calibration.py                      both suites, 50,000 accounts, seeds 100, 101, 102
    python benchmarks/calibration.py --suite frontier --seed 7

docs/calibration.md explains the table, docs/evaluation.md its figures.
"""

import tempfile
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.console import Console
from rich.table import Table

import graphkit as gk
from graphkit.lab.evaluate import evaluate_snapshot
from graphkit.lab.frontier import frontier_farms
from graphkit.lab.worlds import write_world

_GIVEN = {
    "the defaults": {},
    "agent +8, payment -8": {"user_agent": 8, "payment_instrument": -8},
    "all 0": {"user_agent": 0, "payment_instrument": 0},
    "address +8": {"ip": 8},
    "address +4": {"ip": 4},
    "address -8": {"ip": -8},
    "template +8": {"prompt_template": 8},
    "template -8": {"prompt_template": -8},
}
_FIGURES = {
    "recall": ".3f",
    "purity": ".3f",
    "farms_found": ".1f",
    "farms_whole": ".1f",
    "cluster_precision": ".3f",
    "account_precision": ".3f",
    "recall_at_named_innocents": ".3f",
    "solitary_clustered": ".4f",
}
_console = Console(width=300)


def main(
    suite: Annotated[list[str] | None, typer.Option(help="campaigns, frontier; by default both.")] = None,
    accounts: Annotated[int, typer.Option(help="Accounts of a world.")] = 50_000,
    events: Annotated[int, typer.Option(help="Events of a world.")] = 2_000_000,
    seed: Annotated[list[int] | None, typer.Option(help="Seeds of the worlds.")] = None,
    given: Annotated[list[str] | None, typer.Option(help="Choices of priors, by their names; by default all.")] = None,
) -> None:
    """Print a table a suite: two rows for each choice of priors, means over the seeds."""
    for name in suite or ["campaigns", "frontier"]:
        rows = []
        for number in seed or [100, 101, 102]:
            with tempfile.TemporaryDirectory() as folder:
                farms = frontier_farms() if name == "frontier" else None
                write_world(folder, n_accounts=accounts, n_events=events, seed=number, farms=farms)
                rows += [row for choice in given or _GIVEN for row in _run(Path(folder), choice)]
        _print(name, pd.DataFrame(rows))


def _run(folder: Path, given: str) -> list[dict[str, object]]:
    """Figures of the given priors and of the learnt ones, and what was learnt where it contradicts."""
    events, accounts = str(folder / "events"), str(folder / "accounts.parquet")
    truth = pd.read_parquet(folder / "truth.parquet")
    rows: list[dict[str, object]] = []
    for calibrate in (False, True):
        if rows and not rows[0]["contradicted"]:
            return [*rows, rows[0] | {"weighed": "learnt"}]  # the same, byte for byte
        config = gk.Config(calibrate=calibrate, stability=False, chance_runs=0).with_priors(_GIVEN[given])
        snapshot = gk.analyze(events, accounts, config)
        learnt = snapshot.calibration.set_index("kind")["learnt_prior"].add_prefix("learnt ")
        contradicted = snapshot.calibration.loc[snapshot.calibration["verdict"].isin(["too high", "too low"]), "kind"]
        rows.append(
            {"given": given, "weighed": "learnt" if calibrate else "given", "contradicted": ", ".join(contradicted)}
            | learnt.to_dict()
            | evaluate_snapshot(snapshot, truth)
        )
    return rows


def _print(suite: str, rows: pd.DataFrame) -> None:
    learnt = [name for name in rows if str(name).startswith("learnt ")]
    table = Table("given", "weighed", *_FIGURES, *learnt, "contradicted", title=suite, title_justify="left", box=None)
    for (given, weighed), of_both in rows.groupby(["given", "weighed"], sort=False):
        means = of_both.mean(numeric_only=True)
        figures = [format(means[name], spec) for name, spec in _FIGURES.items()]
        contradicted = "; ".join(sorted(set(of_both["contradicted"])))
        table.add_row(given, weighed, *figures, *(f"{means[name]:+.1f}" for name in learnt), contradicted)
    _console.print(table, "")


if __name__ == "__main__":
    typer.run(main)
