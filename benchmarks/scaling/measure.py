"""Run a command in a process of its own, and measure it: whole seconds, CPU seconds, memory, bytes that it leaves."""

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
_PAGE = os.sysconf("SC_PAGE_SIZE")
_EVERY_SECONDS = 0.2


@dataclass(frozen=True)
class Run:
    """What a command took."""

    name: str
    seconds: float
    """From its start to its end, Python's own included."""
    cpu_seconds: float
    """Of it and the processes that it began, user and system."""
    peak_mb: float
    """Peak resident memory of its largest process."""
    all_mb: float
    """Peak of what it and its children held at one time, sampled; pages that they share count twice."""
    stages: dict[str, float] = field(default_factory=dict)
    """Seconds by stage, of a refresh."""
    n_bytes: dict[str, int] = field(default_factory=dict)
    """Bytes on disk afterwards: of the partials, of the snapshot."""
    said: str = ""
    """What a peer says of its result."""

    def to_json(self) -> dict[str, Any]:
        """Its fields."""
        return asdict(self)


def run_floor(name: str, events: Path, scratch: Path) -> Run:
    """Run the one query that any tool over these files must at least do."""
    return _measure(name, [str(_HERE / "floor.py"), str(events), str(scratch)])[0]


def run_peer(name: str, method: str, events: Path) -> Run:
    """Run what somebody without graphkit would."""
    run, said = _measure(name, [str(_HERE / "peers.py"), method, str(events)])
    return Run(**run.to_json() | {"said": said.strip()})


def run_refresh(name: str, events: list[Path], accounts: Path, *, store: Path, options: tuple[str, ...] = ()) -> Run:
    """Refresh a store."""
    arguments = ["-m", "graphkit", "refresh", *map(str, events), "--accounts", str(accounts)]
    arguments += ["--store", str(store), "--no-stability", "--json", *options]
    run, said = _measure(name, arguments)
    answer = json.loads(said)
    n_bytes = {"partials": size_of(store / "partials"), "snapshot": size_of(Path(answer["path"]))}
    return Run(**run.to_json() | {"stages": answer["seconds"], "n_bytes": n_bytes})


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _measure(name: str, arguments: list[str]) -> tuple[Run, str]:
    """Run Python with arguments; also gives what it wrote to standard output."""
    start = time.perf_counter()
    with subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True) as process:
        held, done = [0], threading.Event()
        watch = threading.Thread(target=_watch, args=(process.pid, held, done))
        watch.start()
        said = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        done.set()
        watch.join()
    if process.returncode:
        raise SystemExit(f"{name}: failed with {process.returncode}")
    largest = usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    cpu = usage.ru_utime + usage.ru_stime
    return Run(name, round(seconds, 2), round(cpu, 2), round(largest), round(held[0] / (1 << 20))), said


def _watch(pid: int, held: list[int], done: threading.Event) -> None:
    """Note the most bytes that a process and its children hold, until done; 0 where the system does not tell."""
    while not done.wait(_EVERY_SECONDS):
        held[0] = max(held[0], _held_by(pid))


def _held_by(pid: int) -> int:
    process = Path(f"/proc/{pid}")
    try:
        children = (process / "task" / str(pid) / "children").read_text().split()
        pages = int((process / "statm").read_text().split()[1])
        threads = [path for path in (process / "task").iterdir() if path.name != str(pid)]
        children += [child for thread in threads for child in (thread / "children").read_text().split()]
    except OSError:  # it has ended
        return 0
    return pages * _PAGE + sum(_held_by(int(child)) for child in children)
