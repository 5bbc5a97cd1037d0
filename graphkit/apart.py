"""Work in a process of its own: it uses another core, and ends at once when it is not wanted any more.

Libraries that hold Python's lock while they work can neither be interrupted nor let others work beside them.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any, ParamSpec, TypeVar, cast

_PR_SET_PDEATHSIG = 1

Given = ParamSpec("Given")
Made = TypeVar("Made")


@contextmanager
def work_apart(
    work: Callable[Given, Made], /, *args: Given.args, **kwargs: Given.kwargs
) -> Iterator[Callable[[], Made]]:
    """Begin a call in a new process; gives a function that waits for its result, or raises what the call raises.

    The process is killed where the block is left before that.

    Parameters
    ----------
    work
        A function of a module, not of ``__main__``; it and its arguments are pickled.
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-m", "graphkit.apart", str(os.getpid())]
    with subprocess.Popen(  # noqa: S603  # this interpreter, this module
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as process:
        try:
            with suppress(BrokenPipeError), cast("IO[bytes]", process.stdin) as given:  # who waits is told
                pickle.dump((work, args, kwargs), given, protocol=5)
            yield lambda: cast("Made", _receive(process))
        finally:
            process.kill()


def _receive(process: subprocess.Popen[bytes]) -> Any:
    data = cast("IO[bytes]", process.stdout).read()
    if status := process.wait():
        raise MemoryError(f"a process was ended from outside (status {status}); it may have run out of memory")
    made, error = pickle.loads(data)  # noqa: S301  # from our own process
    if error is not None:
        raise error
    return made


def _serve(parent: int) -> None:
    """Read a call from standard input, write its result or error to what was standard output.

    Parameters
    ----------
    parent
        Id of the process that waits for it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who began it ends it
    if sys.platform == "linux":  # also where that one is killed
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it was killed before this
            return
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    work, args, kwargs = pickle.load(sys.stdin.buffer)  # noqa: S301  # from the process that began this one
    made, failure = None, None
    try:
        made = work(*args, **kwargs)
    except Exception as error:  # noqa: BLE001  # told to who waits
        failure = error
    with answer:
        pickle.dump((made, failure), answer, protocol=5)


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
