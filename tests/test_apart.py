"""Work in a process of its own: results and errors come back, and nothing is left running."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from graphkit.apart import work_apart
from graphkit.errors import BudgetError
from tests.commands import children_of, is_running

needs_proc = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux to see other processes")


def apart(work, *args, **kwargs):
    with work_apart(work, *args, **kwargs) as wait:
        return wait()


def raise_budget(text):
    raise BudgetError(text)


def speak():
    print("to the user")  # noqa: T201
    os.write(1, b"from a library\n")
    return "answer"


def end_itself(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def die_while_answering():
    """Give a result larger than a pipe holds, and end before all of it is taken."""
    threading.Timer(0.5, end_itself).start()
    return bytes(10_000_000)


def work_on_and_on(note):
    """Begin a process that outlasts any test, and note its id; for who is killed meanwhile."""
    with work_apart(time.sleep, 600):
        Path(note).write_text(str(children_of(os.getpid())[0]))
        time.sleep(600)


@pytest.mark.parametrize(
    ("work", "args", "kwargs", "made"),
    [(divmod, (7, 2), {}, (3, 1)), (sorted, ([2, 1],), {"reverse": True}, [2, 1]), (print, ("",), {}, None)],
)
def test_results_come_back(work, args, kwargs, made):
    assert apart(work, *args, **kwargs) == made


def test_it_is_another_process_that_works():
    assert apart(os.getpid) != os.getpid()


def test_large_arrays_go_there_and_back():
    given = np.arange(10_000_000)
    made = apart(np.negative, given)
    assert made.nbytes == 80_000_000
    np.testing.assert_array_equal(made, -given)


def test_what_is_printed_there_does_not_spoil_the_result(capfd):
    assert apart(speak) == "answer"
    assert capfd.readouterr() == ("", "to the user\nfrom a library\n")


@pytest.mark.parametrize(
    ("work", "args", "error", "words"),
    [(int, ("x",), ValueError, "invalid literal"), (raise_budget, ("too many",), BudgetError, "^too many$")],
)
def test_errors_come_back(work, args, error, words):
    with work_apart(work, *args) as wait, pytest.raises(error, match=words):
        wait()


def test_a_process_that_was_killed_is_told():
    with work_apart(end_itself) as wait, pytest.raises(MemoryError, match=r"ended from outside \(status -9\)"):
        wait()


def test_a_process_that_ends_before_it_took_its_arrays_is_told(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with work_apart(np.negative, np.arange(1_000_000)) as wait, pytest.raises(MemoryError, match=r"\(status 1\)"):
        wait()


@needs_proc
def test_a_result_that_was_cut_is_told():
    before = set(children_of(os.getpid()))
    with work_apart(die_while_answering) as wait:
        (pid,) = set(children_of(os.getpid())) - before
        while is_running(pid):
            time.sleep(0.01)
        with pytest.raises(MemoryError, match=r"ended from outside \(status -9\)"):
            wait()


@needs_proc
def test_nothing_is_left_running():
    before, since = set(children_of(os.getpid())), time.monotonic()
    with work_apart(time.sleep, 600):
        assert set(children_of(os.getpid())) - before
    with pytest.raises(RuntimeError), work_apart(time.sleep, 600):
        raise RuntimeError
    assert set(children_of(os.getpid())) == before
    assert time.monotonic() - since < 10


@needs_proc
def test_who_is_killed_takes_its_processes_along(tmp_path):
    note = tmp_path / "pid"
    with work_apart(work_on_and_on, note):
        while not note.is_file() or not note.read_text():
            time.sleep(0.01)
        pid = int(note.read_text())
        assert "graphkit.apart" in Path(f"/proc/{pid}/cmdline").read_text()
    until = time.monotonic() + 5
    while is_running(pid):
        assert time.monotonic() < until, "it works on for nobody"
        time.sleep(0.01)
