"""Kill a command, and look at what it left: what readers see, what `verify` says, what the next run makes of it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import graphkit as gk
from graphkit.snapshot import STORED_TABLES
from graphkit.store.lines import read_lines

_PASSING = ("the next one removes it", "it does not count")
_LOCKS = {"store/lock", "store/lines.lock"}


@dataclass(frozen=True)
class Death:
    """When a process dies: before a step (from 1), in its midst, or some seconds after its start."""

    step: int | None = None
    half: bool = False
    seconds: float | None = None


@dataclass(frozen=True)
class Command:
    """A command that is killed."""

    name: str
    before: Path
    """Folder with ``store`` and what else the command writes; copied for each death."""
    arguments: Callable[[Path], list[str]]
    """From such a folder."""


@dataclass(frozen=True)
class Outcome:
    """What came of a death."""

    ended: str
    """killed, or done where it ended before."""
    saw: str
    """What readers saw after it: nothing, old, new."""
    faults: tuple[str, ...]


@dataclass(frozen=True)
class Server:
    """The process that forks those that die."""

    process: subprocess.Popen[str]

    @contextmanager
    def running(self, command: Command, place: Path, death: Death, *, trace: Path | None = None) -> Iterator[list[int]]:
        """Run a command; at the end of the block its exit code is in the list."""
        codes: list[int] = []
        request = {
            "arguments": command.arguments(place),
            "root": f"{place}/",
            "step": death.step,
            "half": death.half,
            "log": str(log_of(place)),
            "trace": trace and str(trace),
        }
        pid = int(self._ask(json.dumps(request)))
        yield codes
        if death.seconds is not None:
            time.sleep(death.seconds)
            os.kill(pid, signal.SIGKILL)
        codes.append(int(self._ask("")))
        await_end_of_helpers(pid)

    def run(self, command: Command, place: Path, *, trace: Path | None = None) -> None:
        """Run a command to its end; a RuntimeError says what it printed if it fails."""
        with self.running(command, place, Death(), trace=trace) as codes:
            pass
        if codes != [0]:
            raise RuntimeError(log_of(place).read_text(encoding="utf-8", errors="replace"))

    def _ask(self, line: str) -> str:
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("the server has no pipes")
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()


@contextmanager
def open_server() -> Iterator[Server]:
    """Start the server; it ends with the block."""
    command = [sys.executable, str(Path(__file__).with_name("server.py"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Server(process)
        if process.stdin is not None:
            process.stdin.close()


def log_of(place: Path) -> Path:
    """File for what a command prints."""
    return place.with_name(f"{place.name}.log")


def expect(server: Server, command: Command, folder: Path) -> tuple[list[tuple[str, str]], float]:
    """Run a command undisturbed and keep what it leaves; its steps (what, on which file) and seconds."""
    place = copy(command, folder)
    since = time.perf_counter()
    server.run(command, place, trace=folder / "trace.json")
    steps = [tuple(step) for step in json.loads((folder / "trace.json").read_text(encoding="utf-8"))]
    seconds = time.perf_counter() - since
    shutil.rmtree(folder / "expected", ignore_errors=True)
    place.rename(folder / "expected")
    return steps, seconds


def all_deaths(steps: list[tuple[str, str]]) -> list[Death]:
    """Before each step, and in the midst of each that writes."""
    deaths = [Death(step=number) for number in range(1, len(steps) + 1)]
    halves = [n for n, (what, file) in enumerate(steps, 1) if what == "write" or (what == "fsync" and _is_new(file))]
    return deaths + [Death(step=n, half=True) for n in halves]


def _is_new(file: str) -> bool:
    """Whether a file that is synced is written by this command alone: no folder, and none that is appended to."""
    return Path(file).suffix not in {"", ".jsonl"} or file.endswith(".tmp")


def try_death(server: Server, command: Command, death: Death, folder: Path) -> Outcome:
    """Kill a command and look at what it left; ``folder / "expected"`` is what an undisturbed run leaves."""
    place, expected = copy(command, folder), folder / "expected"
    known = read_reviews(place)
    with server.running(command, place, death) as codes:
        if command.name == "refresh":
            known.append(give_review(place))
    faults = [*look_at_reviews(place, known, at_most=command.name == "review")]
    saw, more = look_as_reader(place, expected)
    faults += more
    try:
        server.run(command, place)
    except RuntimeError as error:
        return Outcome("", saw, (*faults, f"the next run fails: {error}"))
    faults += look_at_files(place, expected)
    faults += look_at_reviews(place, known, at_most=command.name == "review")
    if death.step and codes != [-signal.SIGKILL]:
        faults.append(f"it was not killed, but ended with {codes[0]}")
    return Outcome("killed" if codes == [-signal.SIGKILL] else "done", saw, tuple(faults))


def copy(command: Command, folder: Path) -> Path:
    """A fresh copy of what a command works on, always at the same place."""
    place = folder / "trial"
    if place.exists():
        shutil.rmtree(place)
    return Path(shutil.copytree(command.before, place))


def look_as_reader(place: Path, expected: Path) -> tuple[str, list[str]]:
    """Read the whole of the newest snapshot, list all, verify; gives what was seen, and faults."""
    if not (place / "store" / "store.json").exists():
        return "nothing", []
    store = gk.open_store(place / "store")
    faults = [f"verify: {each}" for each in store.verify() if not each.problem.endswith(_PASSING)]
    ids = store.list()["snapshot_id"].tolist()
    if not ids:
        return "nothing", faults
    latest = store.latest()
    for name in STORED_TABLES:
        latest.table(name)
    newest = gk.open_store(expected / "store").latest().id
    return "new" if latest.id == newest and len(ids) == len(snapshots(expected)) else "old", faults


def look_at_files(place: Path, expected: Path) -> list[str]:
    """Compare all files with what an undisturbed run leaves: names, and of snapshots the content."""
    there, wanted = list_files(place), list_files(expected)
    faults = [f"{name}: left over" for name in sorted(there.keys() - wanted.keys())]
    faults += [f"{name}: missing" for name in sorted(wanted.keys() - there.keys())]
    faults += [f"{name}: other bytes" for name in sorted(there.keys() & wanted.keys()) if there[name] != wanted[name]]
    problems = gk.open_store(place / "store").verify()
    return faults + [f"verify: {each}" for each in problems if not each.problem.endswith("it does not count")]


def list_files(place: Path) -> dict[str, str]:
    """What is to be the same of each file: the content of snapshots, the names of others."""
    found = {}
    for path in place.rglob("*"):
        name = path.relative_to(place).as_posix()
        if path.name == "manifest.json":
            found[name] = json.dumps(json.loads(path.read_bytes())["content"], sort_keys=True)
        elif path.suffix == ".parquet" and "snapshots" in path.parts:
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        elif name in {"store/alerts.jsonl", "alerts.out"}:  # told again rather than never
            told = read_lines(path) if path.suffix == ".jsonl" else map(json.loads, path.read_text().splitlines())
            found[name] = json.dumps(sorted({alert["state"] for alert in told}))
        elif name not in _LOCKS and path.name != "reviews.jsonl":
            found[name] = ""
    return found


def snapshots(place: Path) -> list[str]:
    """Ids of the snapshots in a store."""
    return sorted(path.name for path in (place / "store" / "snapshots").iterdir())


def read_reviews(place: Path) -> list[dict[str, Any]]:
    """All reviews of a store, oldest first; none where there is no store."""
    if not (place / "store" / "store.json").exists():
        return []
    return gk.open_store(place / "store").reviews().astype(str).to_dict("records")


def give_review(place: Path) -> dict[str, Any]:
    """Review a cluster while others may write; gives the review as it is to be read."""
    store = gk.open_store(place / "store")
    oldest = store.load(store.list()["snapshot_id"][0])
    gk.review(store, oldest.clusters["cluster_id"][0], "watch", author="B", note="at once", snapshot_id=oldest.id)
    return read_reviews(place)[-1]


def look_at_reviews(place: Path, known: list[dict[str, Any]], *, at_most: bool) -> list[str]:
    """Find reviews that were acknowledged and are gone; more are there only where the command itself reviews."""
    there = read_reviews(place)
    if there[: len(known)] != known or (len(there) > len(known) and not at_most):
        return [f"reviews: {len(known)} were acknowledged, there are {there}"]
    return []


def await_end_of_helpers(pid: int) -> None:
    """Wait until no process works for a dead one; a RuntimeError if one still does after ten seconds."""
    until = time.monotonic() + 10
    while working := [path.name for path in Path("/proc").iterdir() if works_for(path, pid)]:
        if time.monotonic() > until:
            raise RuntimeError(f"processes {working} outlived the one that was killed")
        time.sleep(0.01)


def works_for(process: Path, pid: int) -> bool:
    """Whether a process is one that graphkit began for another."""
    try:
        return f"graphkit.apart\0{pid}\0".encode() in (process / "cmdline").read_bytes()
    except OSError:
        return False
