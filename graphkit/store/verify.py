"""Checking a store against its checksums, file by file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graphkit.errors import StoreError
from graphkit.ingest.partials import find_faults
from graphkit.snapshot import digest_content, sha256
from graphkit.store.folder import read_snapshot, tables_of
from graphkit.store.lines import find_bad_lines
from graphkit.store.names import (
    ALERTS,
    KEY,
    KNOWN_FILES,
    MANIFEST,
    PARTIALS,
    REVIEWS,
    SNAPSHOT_ID,
    SNAPSHOTS,
    STAGING,
    beside,
)
from graphkit.store.remote import Place, RemotePath

_STAGED = frozenset(beside(name) for name in KNOWN_FILES)
_UNFINISHED = "a writer is at work, or was killed: the next one removes it"


@dataclass(frozen=True)
class Problem:
    """Something in a store that should not be so."""

    snapshot: str | None
    """The snapshot's id; None for the store itself."""
    file: str
    """The file or folder, relative to the store."""
    problem: str
    """What is wrong with it, and what to do."""


def find_problems(store: Place, *, key_fingerprint: str) -> list[Problem]:
    """All that is wrong in a store, in the order of the files' names; nothing is changed."""
    problems = [Problem(None, name, problem) for name, problem in _check_store(store)]
    folders: list[Place] = list((store / SNAPSHOTS).iterdir()) if (store / SNAPSHOTS).is_dir() else []
    for folder in sorted(folders, key=lambda each: each.name):
        place = f"{SNAPSHOTS}/{folder.name}"
        if SNAPSHOT_ID.fullmatch(folder.name) and folder.is_dir():
            if isinstance(folder, RemotePath) and not (folder / MANIFEST).exists():
                problems.append(Problem(None, place, f"has no manifest: {_UNFINISHED}"))
                continue
            problems += [
                Problem(folder.name, f"{place}/{name}", problem)
                for name, problem in _check_snapshot(folder, key_fingerprint)
            ]
        elif folder.name.startswith(STAGING):
            problems.append(Problem(None, place, _UNFINISHED))
        else:
            problems.append(Problem(None, place, "is no snapshot: move it away"))
    return problems


def _check_store(store: Place) -> Iterator[tuple[str, str]]:
    """Name each file at fault beside the snapshots, and the fault."""
    names = sorted(path.name for path in store.iterdir())
    for name in names:
        if name in _STAGED:
            yield name, _UNFINISHED
        elif name not in KNOWN_FILES:
            yield name, "does not belong to a store: move it away"
        elif name == KEY:
            yield from ((name, problem) for problem in _check_key(store / name))
    for name in (REVIEWS, ALERTS):
        yield from find_bad_lines(store / name)
    if isinstance(store, RemotePath):
        return
    yield from ((f"{PARTIALS}/{name}", problem) for name, problem in find_faults(store / PARTIALS))
    if not (store / SNAPSHOTS).is_dir():
        yield SNAPSHOTS, "is missing: restore it from a copy, or make an empty folder"


def _check_key(path: Place) -> Iterator[str]:
    if isinstance(path, RemotePath):
        yield "a key does not belong into an object store: remove it, and give it as a key file"
    elif path.stat().st_mode & 0o077:
        yield f"others than its owner can reach it: `chmod 600 {KEY}`"


def _check_snapshot(folder: Place, key_fingerprint: str) -> Iterator[tuple[str, str]]:
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


def _check_table(path: Place, expected: str | None) -> str | None:
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
