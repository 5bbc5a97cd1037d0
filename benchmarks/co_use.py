"""Co-use in time against a peer: the same pairs of accounts, and the seconds that each computes.

    python benchmarks/co_use.py [FOLDER]

The folder holds ``shares.parquet`` (account_id, object_id, content_id, timestamp_share) and ``run_peer.py``, which
runs coordination-network-toolkit; that is installed from PyPI into a virtual environment of its own.
"""

import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from statistics import median
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

import graphkit as gk

POSTS = Path(__file__).parents[2] / "shared" / "data" / "coordinated_tweets"
_LINKING = ("make links", "weigh pairs")


def main(
    folder: Annotated[Path, typer.Argument(help="Folder of shares.parquet and run_peer.py.")] = POSTS,
    seconds: Annotated[list[int] | None, typer.Option(help="Windows.")] = None,
    runs: Annotated[int, typer.Option(help="Runs of each; the median counts.")] = 3,
) -> None:
    """Print pairs and seconds of both, window by window."""
    if not (folder / "shares.parquet").exists():
        Console().print(f"{folder} holds no shares.parquet: nothing to compare")
        return
    windows = seconds or [10, 60, 300]
    with tempfile.TemporaryDirectory() as scratch:
        peer_python = _install_peer(Path(scratch) / "peer")
        peers = [_run_peer(peer_python, folder, Path(scratch), windows) for _ in range(runs)]
    table = Table("window", "pairs", "peer's pairs", "linking s", "whole s", "peer's compute s", "ratio", box=None)
    for window in windows:
        snapshots = [_link(folder / "shares.parquet", window) for _ in range(runs)]
        stages = [snapshot.manifest["run"]["seconds"] for snapshot in snapshots]
        linking = median(sum(stage[name] for name in _LINKING) for stage in stages)
        whole = median(sum(stage.values()) for stage in stages)
        peer_pairs, peer_seconds = peers[0][window][0], median(peer[window][1] for peer in peers)
        n_pairs = snapshots[0].content["resolved"]["n_pairs"]
        row = (
            f"{window} s",
            f"{n_pairs:,}",
            f"{peer_pairs:,}",
            f"{linking:.2f}",
            f"{whole:.2f}",
            f"{peer_seconds:.2f}",
        )
        table.add_row(*row, f"{linking / peer_seconds:.2f}")
    Console().print(table)


def _link(shares: Path, window: int) -> gk.Snapshot:
    config = gk.Config(
        columns={"timestamp": "timestamp_share"},
        kinds={"object": {"column": "object_id", "within": f"{window}s"}},
        threshold_bits=0,
        hub_bits=0,
    )
    return gk.analyze(shares, config=config)


def _install_peer(folder: Path) -> Path:
    """Make a virtual environment with the peer; its interpreter."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "coordination-network-toolkit", "pandas", "pyarrow"]
    subprocess.run(install, check=True, stdout=sys.stderr)
    return python


def _run_peer(python: Path, folder: Path, scratch: Path, windows: list[int]) -> dict[int, tuple[int, float]]:
    """Run the peer once; its pairs and computing seconds by window."""
    command = [python, folder / "run_peer.py", scratch, *map(str, windows)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rows = re.findall(r"^(\d+) s: \d+ accounts, (\d+) pairs, load [\d.]+ s, compute ([\d.]+) s$", told, re.MULTILINE)
    return {int(window): (int(pairs), float(compute)) for window, pairs, compute in rows}


if __name__ == "__main__":
    typer.run(main)
