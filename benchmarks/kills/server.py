"""Runs commands of graphkit, each in a process forked from one that has imported everything, and ends them at a step.

Reads a request a line (JSON: arguments, root, step, half, log, trace) and answers with the process's id; reads an
empty line, waits for the end of it, and answers with its exit code. A step is what is asked of the file system below
the root.
"""

import json
import os
import secrets
import signal
import sys
from importlib import import_module
from pathlib import Path

from graphkit.cli import app
from graphkit.cli.ending import run_to_end

_IMPORTED = (
    "duckdb",
    "igraph",
    "sklearn.ensemble",
    "graphkit.refresh",
    "graphkit.store.alerts",
    "graphkit.store.prune",
)
"""What commands import when they need it."""
_PATHS = {"open": 0, "os.rename": 0, "os.remove": 0, "os.mkdir": 0, "os.rmdir": 0}
"""Where each event names its path; a folder that it is relative to stands last."""


class Steps:
    """Counts steps, and dies at one."""

    def __init__(self, root: str, step: int | None, *, half: bool) -> None:
        self.root, self.step, self.half = root, step, half
        self.names: list[tuple[str, str]] = []
        self.write, self.fsync = os.write, os.fsync

    def watch(self) -> None:
        """Begin to count."""
        sys.addaudithook(self.hear)
        os.write, os.fsync = self.append, self.sync

    def hear(self, event: str, given: tuple[object, ...]) -> None:
        """Count an event if it is below the root."""
        if event in _PATHS and isinstance(given[0], str | bytes | os.PathLike):
            path = os.fsdecode(given[0])
            if event in {"os.remove", "os.rmdir", "os.mkdir"} and isinstance(given[-1], int) and given[-1] >= 0:
                path = f"{name_of(given[-1])}/{path}"
            self.count(event, path)

    def append(self, descriptor: int, data: bytes) -> int:
        """Stand in for os.write."""
        if self.count("write", name_of(descriptor), dying=not self.half) and self.half:
            self.write(descriptor, data[: len(data) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        return self.write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        """Stand in for os.fsync."""
        path = name_of(descriptor)
        if self.count("fsync", path, dying=not self.half) and self.half:
            os.truncate(path, os.fstat(descriptor).st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)
        self.fsync(descriptor)

    def count(self, name: str, path: str, *, dying: bool = True) -> bool:
        """Count a step; whether it is the last one."""
        if not path.startswith(self.root):
            return False
        self.names.append((name, path.removeprefix(self.root)))
        last = len(self.names) == self.step
        if last and dying:
            os.kill(os.getpid(), signal.SIGKILL)
        return last


def name_of(descriptor: int) -> str:
    """Path of an open file."""
    return str(Path(f"/proc/self/fd/{descriptor}").readlink())


def run(request: dict) -> None:
    """Run a command in this process, and end it."""
    out = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(out, 1)
    os.dup2(out, 2)
    secrets.token_hex = lambda n=None: "5" * 2 * (n or 32)  # a store that is made again has the same key
    steps = Steps(request["root"], request["step"], half=request["half"])
    steps.watch()
    code = run_to_end(lambda: app(request["arguments"], prog_name="graphkit"))
    if request["trace"]:
        Path(request["trace"]).write_text(json.dumps(steps.names), encoding="utf-8")
    os._exit(code)


def serve() -> None:
    """Fork a process for each request."""
    for name in _IMPORTED:
        import_module(name)
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            run(json.loads(line))
        print(pid, flush=True)
        sys.stdin.readline()  # until then it may be killed by its id
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    serve()
