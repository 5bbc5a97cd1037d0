"""How long a refresh takes, and what it needs, beside the least that any tool must do with the same files.

    python benchmarks/scale.py                                          1 million events, and the peers
    python benchmarks/scale.py --events 30000000 --world /data/w30      a folder that is there is used again
    python benchmarks/scale.py --sizes 1e6,3e6,10e6                     how the time grows with the events
    python benchmarks/scale.py --compare artifacts/A.json artifacts/B.json

The floor is one query, GROUPING SETS of (account, kind) over the texts, by DuckDB in 4 GB; it runs before and after,
and its median counts. Each run is a process of its own. What it took is kept as JSON in artifacts/.
"""

import json
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import numpy as np
import pyarrow.parquet as pq
import typer
from rich.console import Console
from rich.table import Table
from scaling.measure import Run, run_floor, run_peer, run_refresh, size_of

from graphkit.lab.worlds import write_world

ROOT = Path(__file__).parents[1]
EVENTS_PER_ACCOUNT = 29
MOST_EVENTS = {"components-networkx": 3_000_000, "louvain-networkx": 1_000_000, "louvain-igraph": 10_000_000}
"""Above these a peer is left out: its memory or its hours."""
LIBRARIES = ("graphkit", "duckdb", "igraph", "leidenalg", "networkx", "numpy", "pandas", "pyarrow", "scipy")
console = Console(width=140)


def main(  # noqa: PLR0913, PLR0917  # one argument an option
    events: Annotated[int, typer.Option(help="Events of the service, over 45 days.")] = 1_000_000,
    accounts: Annotated[int | None, typer.Option(help="Its accounts; default: one for 29 events.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the service.")] = 0,
    world: Annotated[Path | None, typer.Option(help="Folder of the service: written, or used if it is there.")] = None,
    sizes: Annotated[str, typer.Option(help="Events of several services, such as 1e6,3e6,10e6: growth alone.")] = "",
    floors: Annotated[int, typer.Option(help="Runs of the floor before, and again after.")] = 2,
    peers: Annotated[bool, typer.Option(help="Run the peers too, up to their sizes.")] = True,
    out: Annotated[Path, typer.Option(help="Folder of the JSON.")] = ROOT / "artifacts",
    compare: Annotated[tuple[Path, Path] | None, typer.Option(help="Two of these: stages side by side.")] = None,
) -> None:
    """Print a row for each run; its seconds as a multiple of the floor's."""
    if compare is not None:
        compare_runs(*(json.loads(path.read_text(encoding="utf-8")) for path in compare))
    elif sizes:
        measure_growth([int(float(size)) for size in sizes.split(",")], seed, world, out=out)
    else:
        with open_world(world, accounts or events // EVENTS_PER_ACCOUNT, events, seed) as folder:
            measure_world(folder, floors, out=out, peers=peers)


@contextmanager
def open_world(folder: Path | None, n_accounts: int, n_events: int, seed: int) -> Iterator[Path]:
    """Folder of a service; without a name it goes at the end."""
    if folder is not None and (folder / "events").is_dir():
        yield folder
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = folder or Path(temporary)
        console.print(f"writing {n_events:,} events of {n_accounts:,} accounts, seed {seed}")
        yield write_world(folder, n_accounts=n_accounts, n_events=n_events, seed=seed)


def measure_world(world: Path, floors: int, *, out: Path, peers: bool) -> None:
    """Run everything on one service: print it, keep it."""
    files, accounts, n_events = sorted((world / "events").glob("*.parquet")), world / "accounts.parquet", count(world)
    with tempfile.TemporaryDirectory(dir=world) as scratch:
        at = Path(scratch)
        before = [run_floor(f"floor, before ({n})", world / "events", at) for n in range(1, floors + 1)]
        runs = [run_refresh("first refresh", files, accounts, store=at / "first")]
        runs.append(run_refresh(f"first {len(files) - 1} days", files[:-1], accounts, store=at / "daily"))
        for name in ("one new day", "nothing new"):
            runs.append(run_refresh(name, files, accounts, store=at / "daily"))
            for snapshot in (at / "daily" / "snapshots").iterdir():  # else the next, the same, tells of this run
                shutil.rmtree(snapshot)
        small = ("--memory", "2GB")
        runs.append(run_refresh("first, in 2 GB", files, accounts, store=at / "small", options=small))
        after = [run_floor(f"floor, after ({n})", world / "events", at) for n in range(1, floors + 1)]
        for method, most in MOST_EVENTS.items() if peers else ():
            if n_events > most:
                console.print(f"{method}: left out, it is run up to {most:,} events")
            else:
                runs.append(run_peer(method, method, world / "events"))
    show_runs([*before, *after, *runs], floor=median(run.seconds for run in [*before, *after]), n_events=n_events)
    show_stages([run for run in runs if run.stages])
    keep(out, f"scale-{n_events}", describe(world) | {"runs": [run.to_json() for run in [*before, *after, *runs]]})


def measure_growth(sizes: list[int], seed: int, folder: Path | None, *, out: Path) -> None:
    """Refresh services of several sizes, and fit how seconds grow with events."""
    floors, runs, counts, worlds = [], [], [], []
    for size in sizes:
        place = folder / str(size) if folder else None
        with (
            open_world(place, size // EVENTS_PER_ACCOUNT, size, seed) as world,
            tempfile.TemporaryDirectory(dir=world) as scratch,
        ):
            files, at = sorted((world / "events").glob("*.parquet")), Path(scratch)
            floors.append(run_floor(f"floor, {size:,}", world / "events", at))
            runs.append(run_refresh(f"first refresh, {size:,}", files, world / "accounts.parquet", store=at / "store"))
            counts.append(count(world))
            worlds.append(describe(world))
    table = Table("events", "floor s", "refresh s", "ratio", "CPU s", "largest MB", "s per million", box=None)
    for n, floor, run in zip(counts, floors, runs, strict=True):
        figures = [f"{floor.seconds:.1f}", f"{run.seconds:.1f}", f"{run.seconds / floor.seconds:.2f}"]
        table.add_row(
            f"{n:,}", *figures, f"{run.cpu_seconds:.1f}", f"{run.peak_mb:,.0f}", f"{run.seconds / n * 1e6:.2f}"
        )
    console.print(table)
    exponents = {
        "floor, seconds": fit_exponent(counts, [run.seconds for run in floors]),
        "refresh, seconds": fit_exponent(counts, [run.seconds for run in runs]),
        "refresh, CPU seconds": fit_exponent(counts, [run.cpu_seconds for run in runs]),
        "refresh, seconds in stages": fit_exponent(counts, [sum(run.stages.values()) for run in runs]),
        "refresh, seconds, last two": fit_exponent(counts[-2:], [run.seconds for run in runs[-2:]]),
        "refresh, CPU seconds, last two": fit_exponent(counts[-2:], [run.cpu_seconds for run in runs[-2:]]),
    }
    for name, exponent in exponents.items():
        console.print(f"exponent of {name}: {exponent:.2f}")
    told = {"worlds": worlds, "runs": [run.to_json() for run in [*floors, *runs]], "exponents": exponents}
    keep(out, "growth", told)


def fit_exponent(events: list[int], seconds: list[float]) -> float:
    """Slope of log seconds over log events."""
    return round(float(np.polyfit(np.log(events), np.log(seconds), 1)[0]), 3)


def show_runs(runs: list[Run], *, floor: float, n_events: int) -> None:
    """Print a row a run."""
    table = Table("run", "seconds", "x floor", "CPU s", "largest MB", "all MB", "partials MB", "snapshot MB", box=None)
    for run in runs:
        disk = [f"{run.n_bytes[what] / 1e6:,.0f}" if run.n_bytes else "" for what in ("partials", "snapshot")]
        row = [f"{run.seconds:.1f}", f"{run.seconds / floor:.2f}", f"{run.cpu_seconds:.1f}", f"{run.peak_mb:,.0f}"]
        table.add_row(run.name, *row, f"{run.all_mb:,.0f}", *disk, run.said)
    console.print(f"{n_events:,} events; the floor is {floor:.2f} s")
    console.print(table)


def show_stages(runs: list[Run]) -> None:
    """Print a row a stage, a column a run; what is no stage is Python's start, and reading back what was written."""
    table = Table("stage, seconds", *(run.name for run in runs), box=None)
    for stage in dict.fromkeys(stage for run in runs for stage in run.stages):
        table.add_row(stage, *(f"{run.stages.get(stage, 0):.2f}" for run in runs))
    table.add_row("(no stage)", *(f"{run.seconds - sum(run.stages.values()):.2f}" for run in runs))
    console.print(table)


def compare_runs(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Print the stages of the runs that two files have in common, side by side."""
    labels = [f"{told['commit']} of {told['when'][:16]}" for told in (one, other)]
    console.print(f"one: {labels[0]}; other: {labels[1]}")
    by_name = {run["name"]: run for run in other["runs"]}
    table = Table("run", "stage", "one s", "other s", "other / one", box=None)
    for run in one["runs"]:
        again = by_name.get(run["name"])
        if again is None:
            continue
        rows = {"whole": (run["seconds"], again["seconds"]), "CPU": (run["cpu_seconds"], again["cpu_seconds"])}
        rows["largest MB"] = (run["peak_mb"], again["peak_mb"])
        rows |= {stage: (seconds, again["stages"].get(stage, 0.0)) for stage, seconds in run["stages"].items()}
        for stage, (left, right) in rows.items():
            table.add_row(run["name"], stage, f"{left:,.2f}", f"{right:,.2f}", f"{right / left:.2f}" if left else "")
    console.print(table)


def count(world: Path) -> int:
    """Events of a service."""
    return sum(pq.read_metadata(path).num_rows for path in (world / "events").glob("*.parquet"))


def describe(world: Path) -> dict[str, Any]:
    """What a service is, for the JSON."""
    n_accounts = pq.read_metadata(world / "truth.parquet").num_rows
    n_bytes = size_of(world / "events")
    return {"world": {"events": count(world), "accounts": n_accounts, "bytes": n_bytes}}


def keep(folder: Path, name: str, told: dict[str, Any]) -> None:
    """Write what was measured, with what it was measured on."""
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=10"]
    commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
    when = datetime.now(UTC)
    machine = {"cpus": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()}
    versions = {library: version(library) for library in LIBRARIES}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{when:%Y%m%dT%H%M%S}-{commit}.json"
    told = {"commit": commit, "when": when.isoformat(timespec="seconds")} | told
    path.write_text(json.dumps(told | {"machine": machine, "versions": versions}, indent=1), encoding="utf-8")
    console.print(f"kept in {path}")


if __name__ == "__main__":
    typer.run(main)
