"""Files of sealed lines: whole lines only, however a writer ends and however many there are."""

import json
import os
import signal
import subprocess
import sys

import pytest

from graphkit.errors import StoreError, StoreLockedError
from graphkit.store import lines
from graphkit.store.lines import append_lines, find_bad_lines, hold_lines, read_lines

_APPEND = """
import sys
from pathlib import Path
from graphkit.store.lines import append_lines
for n in range(20):
    append_lines(Path(sys.argv[1]), [{"writer": sys.argv[2], "n": n, "text": "ü" * 500}])
"""
_HOLD = """
import sys
from pathlib import Path
from graphkit.store.lines import hold_lines
with hold_lines(Path(sys.argv[1])):
    print(flush=True)
    sys.stdin.read()
"""
_KILLED_WITHIN = """
import os, signal, sys
from pathlib import Path
from graphkit.store import lines
write = os.write
def write_half(descriptor, data):
    write(descriptor, data[: len(data) // 2])
    os.kill(os.getpid(), signal.SIGKILL)
os.write = write_half
lines.append_lines(Path(sys.argv[1]), [{"n": 2}])
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "lines.jsonl"


def numbers(path):
    return [record["n"] for record in read_lines(path)]


def test_what_was_appended_is_read_in_its_order(path):
    assert read_lines(path) == []
    append_lines(path, [{"n": 1, "text": "a\nb\u2028\ud800ü"}])
    append_lines(path, [{"n": 2}, {"n": 3}])
    assert numbers(path) == [1, 2, 3]
    assert read_lines(path)[0]["text"] == "a\nb\u2028\ud800ü"
    assert all(json.loads(line)["checksum"] for line in path.read_text(encoding="ascii").splitlines())
    assert find_bad_lines(path) == []


def test_writers_at_once_lose_nothing_and_tear_nothing(path):
    append_lines(path, [{"writer": "0", "n": 0}])
    writers = [subprocess.Popen([sys.executable, "-c", _APPEND, str(path), str(n)]) for n in range(4)]
    assert [writer.wait(timeout=60) for writer in writers] == [0] * 4
    records = read_lines(path)[1:]
    for writer in "0123":
        assert [record["n"] for record in records if record["writer"] == writer] == list(range(20))


def test_what_a_killed_writer_left_does_not_count_and_is_told(path):
    append_lines(path, [{"n": 1}])
    killed = subprocess.run([sys.executable, "-c", _KILLED_WITHIN, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not path.read_bytes().endswith(b"\n"), "it had begun to write"
    assert numbers(path) == [1]
    assert find_bad_lines(path) == [(path.name, "line 2 was left by a writer that was killed; it does not count")]
    torn = path.read_bytes()
    append_lines(path, [{"n": 3}, {"n": 4}])
    assert numbers(path) == [1, 3, 4]
    assert path.read_bytes().startswith(torn + b"\n"), "nothing is rewritten"
    assert len(find_bad_lines(path)) == 1


def test_every_flipped_byte_is_refused_or_told(path):
    append_lines(path, [{"n": 1}])
    append_lines(path, [{"n": 2}])
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        assert find_bad_lines(path), place
        with pytest.raises(StoreError, match=r"lines\.jsonl: line \d is damaged"):
            read_lines(path)
    path.write_bytes(whole + whole)
    assert numbers(path) == [1, 2, 1, 2]


@pytest.mark.parametrize("line", [b"", b"[]", b"1", b"\xff", b'{"n": 1}', b'{"checksum": "x", "n": 1}'])
def test_a_line_of_another_hand_is_damage(path, line):
    append_lines(path, [{"n": 1}])
    path.write_bytes(line + b"\n" + path.read_bytes())
    with pytest.raises(StoreError, match="line 1 is damaged"):
        read_lines(path)
    assert find_bad_lines(path) == [(path.name, "line 1 is damaged; restore the file from a copy")]


def test_a_full_disk_records_nothing(path, monkeypatch):
    append_lines(path, [{"n": 1}])
    write = os.write
    monkeypatch.setattr(lines.os, "write", lambda descriptor, data: write(descriptor, data[:9]))
    with pytest.raises(StoreError, match="cannot be written: the disk is full; nothing was recorded"):
        append_lines(path, [{"n": 2}])
    monkeypatch.undo()
    append_lines(path, [{"n": 3}])
    assert numbers(path) == [1, 3]


def test_a_lock_that_is_held_is_told(path, monkeypatch):
    monkeypatch.setattr(lines, "_SECONDS_TO_WAIT", 0.1)
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path.parent)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        holder.stdout.readline()
        with pytest.raises(StoreLockedError, match="another process has been appending"):
            append_lines(path, [{"n": 1}])
        holder.communicate()
    with hold_lines(path.parent):
        append_lines(path, [{"n": 1}])
    assert numbers(path) == [1]
