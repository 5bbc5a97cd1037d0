"""How a command line ends: its exit code, and in words what failed."""

import io
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from graphkit.cli.output import err, plain
from graphkit.errors import GraphkitError, UsageError

TRACEBACK_VARIABLE = "GRAPHKIT_TRACEBACK"
"""Set in the environment, it shows where in the code an unexpected error arose."""


def run_to_end(command: Callable[[], object]) -> int:
    """Run a command line and tell how it ended, in words where it failed.

    Returns
    -------
    The exit code: 0 done, 1 failed, 2 wrong usage, 128 and the signal's number if it was stopped (130 for Ctrl-C).
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that knows no umlauts is no reason to fail
    code, message = 0, ""
    with _stoppable() as stopped:
        try:
            command()
            if sys.stdout is not None:
                sys.stdout.flush()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        except KeyboardInterrupt:
            code = 128 + signal.SIGINT
        except Exception as error:  # noqa: BLE001  # the end of the line
            code, message = _explain(error)
    if stopped:
        code, message = 128 + stopped[0], "stopped; what was there before is as it was"
    if message:
        err.print("[bold red]error:[/]", "\n".join(map(plain, message.splitlines())))
    _close_output()
    return code


@contextmanager
def _stoppable() -> Iterator[list[int]]:
    """Let a polite signal interrupt the work, so that it cleans up; gives the signals that came."""
    came: list[int] = []

    def stop(number: int, _frame: object) -> None:
        came.append(number)
        raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    heard = {number: handler for number, handler in before.items() if handler != signal.SIG_IGN}
    for number in heard:
        signal.signal(number, stop)
    try:
        yield came
    finally:
        for number, handler in heard.items():
            signal.signal(number, handler)


def _explain(error: Exception) -> tuple[int, str]:
    """Exit code and message of an error."""
    if isinstance(error, BrokenPipeError):
        return 1, ""
    if isinstance(error, GraphkitError):
        wrong_usage = isinstance(error, UsageError) and not isinstance(error.__cause__, OSError)
        return 2 if wrong_usage else 1, str(error)
    if os.environ.get(TRACEBACK_VARIABLE):
        return 1, "".join(traceback.format_exception(error))
    if isinstance(error, OSError):
        return 1, ": ".join(str(part) for part in (error.filename, error.strerror or error) if part)
    if isinstance(error, MemoryError):
        return 1, "there is not enough memory; free some, or analyze a shorter look_back"
    return 1, (
        f"this should not happen: {type(error).__name__}: {error}\n"
        f"Please report it, with what {TRACEBACK_VARIABLE}=1 in the environment prints."
    )


def _close_output() -> None:
    """Write out what is left; where no one reads on, let the interpreter not stumble over it at its end."""
    for stream in (sys.stdout, sys.stderr):
        if stream is None:  # closed by who called
            continue
        try:
            stream.flush()
        except (OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
