"""How well and how fast farms are found in a synthetic service.

    python benchmarks/detection.py                          50,000 accounts, 2 million events, seeds 0, 1, 2
    python benchmarks/detection.py --accounts 500000 --events 10000000 --rotating-farm 25000

A world is written as daily Parquet files first; the refresh then runs in a process of its own, whose
whole seconds and peak memory are told.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.console import Console
from rich.table import Table

import graphkit as gk
from graphkit.lab.measures import judge_farms
from graphkit.lab.plans import default_farms, rotating_farm
from graphkit.lab.worlds import write_world


def main(
    accounts: Annotated[int, typer.Option(help="Accounts of the service.")] = 50_000,
    events: Annotated[int, typer.Option(help="Events of the service.")] = 2_000_000,
    seed: Annotated[list[int] | None, typer.Option(help="Seeds of the worlds.")] = None,
    rotating: Annotated[int, typer.Option("--rotating-farm", help="Plant one more farm, of so many accounts.")] = 0,
    config: Annotated[Path | None, typer.Option(help="Settings of the refresh.")] = None,
) -> None:
    """Print a row a world, and each farm that is not whole."""
    figures = (
        "recall",
        "purity",
        "farms_found",
        "farms_whole",
        "n_farms",
        "cluster_precision",
        "recall_at_named_innocents",
        "n_clusters",
        "solitary_clustered",
    )
    table = Table("seed", *figures, "seconds", "peak MB", box=None)
    broken = []
    for number in seed or [0, 1, 2]:
        with tempfile.TemporaryDirectory() as folder:
            farms = (*default_farms(accounts), *([rotating_farm(rotating)] if rotating else []))
            write_world(folder, n_accounts=accounts, n_events=events, seed=number, farms=farms)
            seconds, megabytes = _refresh(Path(folder), config)
            snapshot = gk.open_store(Path(folder) / "store").latest()
            found, clusters = snapshot.accounts, snapshot.clusters
            truth = pd.read_parquet(Path(folder) / "truth.parquet")
        measures = gk.evaluate_clusters(found, truth, scores=clusters)
        shown = [f"{v:.4f}" if isinstance(v := measures[name], float) else f"{v:,}" for name in figures]
        table.add_row(str(number), *shown, f"{seconds:.1f}", f"{megabytes:,.0f}")
        farms_judged = judge_farms(found, truth)
        broken.append(farms_judged[~farms_judged["whole"]].assign(seed=number))
    console = Console(width=160)
    console.print(table)
    left = pd.concat(broken)
    console.print("Every farm is whole." if left.empty else left.to_string(index=False))


def _refresh(folder: Path, config: Path | None) -> tuple[float, float]:
    """Refresh a store from a world in a new process; its seconds and peak MB."""
    command = ["graphkit", "refresh", str(folder / "events"), "--accounts", str(folder / "accounts.parquet")]
    command += ["--store", str(folder / "store"), "--json", *(["--config", str(config)] if config else [])]
    start = time.perf_counter()
    with subprocess.Popen([sys.executable, "-m", *command], stdout=subprocess.PIPE, text=True) as process:
        answer = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit("the refresh failed")
    sys.stderr.write(f"seconds by stage: {json.loads(answer)['seconds']}\n")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


if __name__ == "__main__":
    typer.run(main)
