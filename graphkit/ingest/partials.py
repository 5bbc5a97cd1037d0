"""Partials: what was read and coded once is kept under the fingerprint of its file, and not read again.

Files that are coded together share a segment: a folder with their coded events or accounts, the names of the codes, and
``segment.json``, which is there only when all else is, and holds the checksums of all, its own too.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from graphkit.config import Config
from graphkit.ingest.codes import make_secret, sample_codes
from graphkit.ingest.sources import File
from graphkit.privacy import key_fingerprint

_FORMAT = 6
_MANIFEST = "segment.json"
_STAGING = ".staging-"
_SEALED = re.compile(rb'\{"checksum":(\d+),"segment":(.*)\}\n', re.DOTALL)
_LOG = logging.getLogger("graphkit")
_SAMPLE = 1 << 16
_BLOCK = 1 << 20
_LEAST_LIVE = 0.5
"""Share of a segment's rows that must still be wanted; below, it is dropped and what is left of it coded anew."""


class Source(BaseModel):
    """A file or frame that was coded, or all accounts: what is known of it without reading it again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fingerprint: str
    """Empty for a frame."""
    name: str
    part: int
    """Number of the segment's file of events."""
    number: int
    """Its number in that file."""
    n_rows: int
    n_set_aside: int
    days: dict[int, int]
    """From a day (days since 1970 UTC) to its usable rows."""
    values: dict[str, tuple[int, int, str]]
    """By kind: values, those of which no entity could be made, and an example of these (empty: there are none)."""
    rejected: list[dict[str, Any]]
    """Rows of the table ``rejected``."""
    present: frozenset[str]
    """Fields that have a column."""
    names: tuple[str, ...]
    """All columns that were met, for messages."""
    prompts: frozenset[str]
    """Fields that are read from raw prompts."""
    late: bool
    """Whether rows lie ahead of the clock: another day they may count."""


class Segment(BaseModel):
    """Coded events and names in a folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    checksums: dict[str, int]
    """CRC-32 of each file, by name: against damage, not against malice."""
    sources: tuple[Source, ...]
    mined: tuple[str, ...] = ()
    """Fingerprints of the files whose prompts were mined together with those of its own, sorted."""


Segments = Mapping[Path, Segment]


def fingerprint_file(file: File, *, config: Config, key: bytes, whole: bool) -> str:
    """What tells a file, read with these settings, from any other.

    Made of its path, size, time of modification, a sample of its content (all of it if ``whole``), of the settings
    that reading depends on, the key's fingerprint, the number of the partials' format, and how the engine makes codes.
    """
    path = Path(file.path)
    status = path.stat()
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        if whole:
            while block := stream.read(_BLOCK):
                digest.update(block)
        else:
            for place in (0, status.st_size // 2, max(0, status.st_size - _SAMPLE)):
                stream.seek(place)
                digest.update(stream.read(_SAMPLE))
    told = [file.path, status.st_size, status.st_mtime_ns, digest.hexdigest()]
    how = [_FORMAT, _reading(config), key_fingerprint(key), sample_codes(make_secret(key))]
    return hashlib.sha256(json.dumps([*told, *how], sort_keys=True).encode()).hexdigest()


def load_segments(folder: Path) -> Segments:
    """Segments of a folder that are whole; of one that is damaged the log is told, and its files are read anew."""
    found = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.name.startswith(_STAGING):
            continue
        fault, segment = _read_segment(path)
        if fault:
            _LOG.warning("%s; its files are read anew", fault)
        if segment is not None:
            found[path] = segment
    return found


def find_live(segments: Segments, wanted: Iterable[str]) -> Segments:
    """Segments that are mostly wanted, each with the wanted sources alone.

    Parameters
    ----------
    wanted
        Fingerprints of files; each is found in one segment at most.
    """
    missing, found = set(wanted), {}
    for path, segment in segments.items():
        live = [source for source in segment.sources if _is_live(source, missing)]
        n_live, n_all = (sum(source.n_rows for source in of) for of in (live, segment.sources))
        if not live or n_live < _LEAST_LIVE * n_all:
            continue
        missing -= {source.fingerprint for source in live}
        found[path] = segment.model_copy(update={"sources": tuple(live)})
    return found


def find_faults(folder: Path) -> Iterator[tuple[str, str]]:
    """Name each file at fault in a folder of segments, relative to it, and the fault; nothing is changed."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.name.startswith(_STAGING):
            yield path.name, "a writer is at work, or was killed: the next one removes it"
        elif (fault := _read_segment(path)[0]) and path.is_dir():  # not one that a refresh removed just now
            file, _, what = fault.removeprefix(f"{folder}/").partition(": ")
            yield file, f"{what}: the next refresh reads its files anew"


def drop_unused(folder: Path, used: Iterable[Path]) -> None:
    """Remove what a run did not use: of files that are gone or changed, damaged, or left by a killed run."""
    kept = set(used)
    for path in folder.iterdir():
        if path not in kept:
            shutil.rmtree(path)


@contextmanager
def stage_segment(folder: Path, name: str) -> Iterator[Path]:
    """Make an empty folder in which a segment is staged; it is removed if it fails."""
    while (folder / name).exists():  # damaged, or one of whose files a part is wanted no more
        name += "x"
    staged = folder / f"{_STAGING}{name}"
    if staged.exists():  # left by a killed run
        shutil.rmtree(staged)
    staged.mkdir(parents=True)
    try:
        yield staged
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise


def finish_segment(staged: Path, sources: Iterable[Source], *, mined: tuple[str, ...]) -> tuple[Path, Segment]:
    """Write what a staged segment holds, last, and give it its name."""
    files = sorted(staged.iterdir())
    for path in files:
        with path.open("rb") as file:
            os.fsync(file.fileno())
    checksums = dict(zip((path.name for path in files), _checksums(files), strict=True))
    segment = Segment(format=_FORMAT, checksums=checksums, sources=tuple(sources), mined=mined)
    body = segment.model_dump_json().encode()
    (staged / _MANIFEST).write_bytes(b'{"checksum":%d,"segment":%s}\n' % (zlib.crc32(body), body))
    return staged.rename(staged.with_name(staged.name.removeprefix(_STAGING))), segment


def _read_segment(folder: Path) -> tuple[str, Segment | None]:
    """What is wrong with a segment (file, colon, fault; empty: nothing), and the segment if it can be used."""
    manifest = folder / _MANIFEST
    try:
        sealed = _SEALED.fullmatch(manifest.read_bytes())
        if sealed is None or zlib.crc32(sealed[2]) != int(sealed[1]):
            return f"{manifest}: is damaged, or of another version of graphkit", None
        segment = Segment.model_validate_json(sealed[2])
        if segment.format != _FORMAT:
            return f"{manifest}: is of format {segment.format}, not {_FORMAT}", None
        files = [folder / name for name in segment.checksums]
        for file, found, checksum in zip(files, _checksums(files), segment.checksums.values(), strict=True):
            if found != checksum:
                return f"{file}: is damaged", None
    except OSError as error:
        return f"{error.filename}: cannot be read: {error.strerror}", None
    except ValidationError:
        return f"{manifest}: is of another version of graphkit", None
    return "", segment


def _checksums(paths: Sequence[Path]) -> list[int]:
    """CRC-32 of each file, several at a time: Python lets other threads run meanwhile."""
    with ThreadPoolExecutor() as threads:
        return list(threads.map(_checksum, paths))


def _checksum(path: Path) -> int:
    checksum = 0
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            checksum = zlib.crc32(block, checksum)
    return checksum


def _is_live(source: Source, wanted: set[str]) -> bool:
    return source.fingerprint in wanted and not source.late


def _reading(config: Config) -> dict[str, Any]:
    """The settings on which reading depends."""
    kinds = {name: [config.kind_column(name), kind.normalize, kind.digest] for name, kind in config.kinds.items()}
    return {
        "columns": config.columns.model_dump(),
        "kinds": kinds,
        "prefixes": [config.ipv4_prefix, config.ipv6_prefix],
    }
