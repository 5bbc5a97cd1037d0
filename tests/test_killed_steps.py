"""Killed at the steps that matter: what benchmarks/killing.py does at every step and at random times."""

from pathlib import Path

import pytest

from benchmarks.kills.service import prepare
from benchmarks.kills.trial import Death, expect, open_server, try_death

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs Linux to see open files")

_STEPS = {
    "create": [
        ("os.rename", "store/.key.tmp"),
        ("os.rename", "store/.store.json.tmp"),
        ("os.rename", "store/partials/.staging-"),
    ],
    "refresh": [
        ("os.rename", "store/.lock.json.tmp"),
        ("fsync", "manifest.json"),
        ("os.rename", "store/snapshots/.staging-"),
        ("fsync", "store/snapshots"),
        ("os.rmdir", "store/scratch"),
        ("write", "store/alerts.jsonl"),
    ],
    "review": [("write", "store/reviews.jsonl"), ("fsync", "store/reviews.jsonl")],
    "prune": [("os.rename", "store/snapshots/2"), ("os.remove", "store/snapshots/.staging-removed-")],
}
_ALSO_HALF = {("fsync", "manifest.json"), ("write", "store/alerts.jsonl"), ("write", "store/reviews.jsonl")}


def test_a_kill_loses_nothing_and_leaves_nothing(tmp_path):
    killed = 0
    with open_server() as server:
        for command in prepare(server, tmp_path):
            steps, _ = expect(server, command, tmp_path)
            for what, where in _STEPS[command.name]:
                number = max(n for n, (name, file) in enumerate(steps, 1) if name == what and where in file)
                for half in [False, True] if (what, where) in _ALSO_HALF else [False]:
                    outcome = try_death(server, command, Death(step=number, half=half), tmp_path)
                    assert outcome.faults == (), (command.name, what, where, half)
                    killed += outcome.ended == "killed"
    assert killed == sum(map(len, _STEPS.values())) + len(_ALSO_HALF)
