"""Checking a store against its checksums, file by file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from graphkit.errors import StoreError
from graphkit.snapshot import digest_content, sha256
from graphkit.store.folder import read_snapshot, tables_of
from graphkit.store.lines import find_bad_lines
from graphkit.store.names import ALERTS, KEY, KNOWN_FILES, MANIFEST, REVIEWS, SNAPSHOT_ID, SNAPSHOTS, STAGING


@dataclass(frozen=True)
class Problem:
    """Something in a store that should not be so."""

    snapshot: str | None
    """The snapshot's id; None for the store itself."""
    file: str
    """The file or folder, relative to the store."""
    problem: str
    """What is wrong with it, and what to do."""


def find_problems(store: Path, *, key_fingerprint: str) -> list[Problem]:
    """All that is wrong in a store, in the order of the files' names; nothing is changed."""
    problems = [Problem(None, name, problem) for name, problem in _check_store(store)]
    folders = sorted((store / SNAPSHOTS).iterdir()) if (store / SNAPSHOTS).is_dir() else []
    for folder in folders:
        if SNAPSHOT_ID.fullmatch(folder.name) and folder.is_dir():
            problems += [
                Problem(folder.name, f"{SNAPSHOTS}/{folder.name}/{name}", problem)
                for name, problem in _check_snapshot(folder, key_fingerprint)
            ]
        elif folder.name.startswith(STAGING):
            told = "a writer is at work, or was killed: the next one removes it"
            problems.append(Problem(None, f"{SNAPSHOTS}/{folder.name}", told))
        else:
            problems.append(Problem(None, f"{SNAPSHOTS}/{folder.name}", "is no snapshot: move it away"))
    return problems


def _check_store(store: Path) -> Iterator[tuple[str, str]]:
    """Name each file at fault beside the snapshots, and the fault."""
    for path in sorted(store.iterdir()):
        if path.name not in KNOWN_FILES:
            yield path.name, "does not belong to a store: move it away"
        elif path.name == KEY and path.stat().st_mode & 0o077:
            yield KEY, f"others than its owner can reach it: `chmod 600 {KEY}`"
        elif path.name in {REVIEWS, ALERTS}:
            yield from ((path.name, problem) for problem in find_bad_lines(path))
    if not (store / SNAPSHOTS).is_dir():
        yield SNAPSHOTS, "is missing: restore it from a copy, or make an empty folder"


def _check_snapshot(folder: Path, key_fingerprint: str) -> Iterator[tuple[str, str]]:
    """Name each file at fault in a snapshot's folder, and the fault."""
    try:
        manifest = read_snapshot(folder).manifest
    except StoreError as error:
        yield MANIFEST, str(error).removeprefix(f"{folder / MANIFEST}: ")
        return
    content = manifest["content"]
    digest = digest_content(content)
    if content["digest"] != digest or not folder.name.endswith(f"-{digest[:8]}"):
        yield MANIFEST, "its digest is not that of its content"
    if content["key_fingerprint"] != key_fingerprint:
        yield MANIFEST, f"was made with the key {content['key_fingerprint']}; the store's is {key_fingerprint}"
    expected = tables_of(manifest)
    for name in sorted({*expected, *(path.name for path in folder.iterdir())} - {MANIFEST}):
        if problem := _check_table(folder / name, expected.get(name)):
            yield name, problem


def _check_table(path: Path, expected: str | None) -> str | None:
    """What is wrong with a file whose checksum should be ``expected``; None if nothing is."""
    if expected is None:
        return "is not in the manifest: move it away"
    try:
        damaged = sha256(path.read_bytes()) != expected
    except FileNotFoundError:
        return "is missing: restore it from a copy"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return "is damaged: its bytes are not those that the manifest names; restore it from a copy" if damaged else None
