"""Run the command line in tests as a person does, and give back how it ended."""

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from typer.testing import CliRunner

from graphkit.cli import app
from graphkit.cli.ending import run_to_end


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        """What it printed, which is one JSON object on one line."""
        assert self.out.count("\n") == 1
        return json.loads(self.out)


def run(*arguments, env=None) -> Ended:
    """Run a command in this process, by the same way as ``main``, and hold it to its promises."""
    runner = CliRunner()
    with runner.isolation(env=env) as (out, err, _):
        code = run_to_end(lambda: app([str(argument) for argument in arguments], prog_name="graphkit"))
        ended = Ended(code, out.getvalue().decode(), err.getvalue().decode())
    assert "Traceback" not in ended.err, ended.err
    assert "should not happen" not in ended.err, ended.err
    assert not (code == 1 and not ended.err and not ended.out), "a failure without a word"
    return ended


def start(*arguments, **options) -> subprocess.Popen:
    """Start a command as a process of its own."""
    command = [sys.executable, "-m", "graphkit", *map(str, arguments)]
    # a shell's background job may ignore Ctrl-C, and would hand that on
    hear = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.default_int_handler)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, **(pipes | hear | options))


def finish(process: subprocess.Popen) -> Ended:
    """Wait for a process."""
    out, err = process.communicate(timeout=120)
    return Ended(process.returncode, out, err)


def refresh(events, store, *options) -> dict:
    """Refresh a store; what ``--json`` says of it."""
    ended = run("refresh", *(events if isinstance(events, list) else [events]), "--store", store, "--json", *options)
    assert ended.code == 0, ended.err
    return ended.json


def small_events(*, farm: int = 8, others: int = 120) -> pd.DataFrame:
    """Events, one every 7 minutes: a farm on four addresses and one device, and others alone on their addresses."""
    rows = [(f"farm{n}", f"198.51.100.{(n + k) % 4}", "d-farm", "template") for n in range(farm) for k in range(6)]
    rows += [(f"u{n:04}", f"10.0.{n}.{k // 2}", f"d{n}", f"t{n}") for n in range(others) for k in range(3)]
    frame = pd.DataFrame(rows, columns=["account_id", "ip", "device_id", "prompt_template"])
    minutes = pd.to_timedelta(np.arange(len(frame)) * 7, unit="min")
    return frame.assign(timestamp=pd.Timestamp("2026-05-04", tz="UTC") + minutes)


def write_days(folder: Path) -> list[Path]:
    """Write three files of a day each; their paths."""
    events = small_events(others=300)
    days = events["timestamp"].dt.day
    files = [folder / f"{day}.parquet" for day in (4, 5, 6)]
    for day, path in zip((4, 5, 6), files, strict=True):
        events[days == day].to_parquet(path, index=False)
    return files


def tree(store: Path) -> set[str]:
    """Names of all files and folders of a store."""
    paths = (path.relative_to(store) for path in store.rglob("*"))
    return {str(path) for path in paths if path.parts[0] != "partials"}


def children_of(pid: int) -> list[int]:
    """Processes that a process began and that still run."""
    tasks = Path(f"/proc/{pid}/task")
    return [int(child) for task in tasks.glob("*/children") for child in task.read_text().split()]


def is_running(pid: int) -> bool:
    """Whether a process works still; not one that has ended and of which nobody took note yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
