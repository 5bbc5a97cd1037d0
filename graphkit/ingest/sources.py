"""Find the files that a path, a folder or a glob means; each file once, in a fixed order."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from graphkit.errors import InputError

Format = Literal["parquet", "loose", "csv", "tsv", "json"]
"""Loose: Parquet with texts that are not UTF-8, which the engine does not read."""

_FORMATS: dict[str, Format] = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".tsv": "tsv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
}
_COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
_MAGIC = {"gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}
_ENDINGS = ".parquet, .csv, .tsv, .jsonl, .ndjson, .json; all but .parquet also with .gz or .zst"
_HIDDEN = "._"
_SHOWN = 120


@dataclass(frozen=True)
class File:
    """A file of events or accounts, and how to read it."""

    path: str
    """Absolute; the same file has the same path however it was spelled."""
    format: Format
    compression: str | None

    @property
    def name(self) -> str:
        """The file's name without its folders, fit to be shown."""
        return shorten(Path(self.path).name)


def is_frame(value: object) -> bool:
    """Whether ``value`` is a frame (pandas, polars, Arrow, or a stream of Arrow batches), not a path."""
    return hasattr(value, "__arrow_c_stream__") or hasattr(value, "__arrow_c_array__")


def find_files(given: Any, *, what: str) -> list[File]:
    """List the files that ``given`` means, each once.

    Parameters
    ----------
    given
        A path or a list of paths. A folder means all files of known endings below it, a glob all that it
        matches; below both, names that begin with a dot or an underscore are skipped, as in the Hadoop world.
    what
        What the files hold, for messages.

    Raises
    ------
    InputError
        If a path does not exist, a folder or glob holds no file, an ending is unknown or contradicts the content.
    """
    paths = [given] if isinstance(given, str | os.PathLike) else given
    if not isinstance(paths, Sequence) or not all(isinstance(path, str | os.PathLike) for path in paths):
        raise InputError(f"{what}: got {type(given).__name__}; give a path, a list of paths, or one frame")
    if not paths:
        raise InputError(f"{what}: the list of paths is empty")
    seen: dict[tuple[int, int], File] = {}
    for path in map(os.fspath, paths):
        if not path.strip():
            raise InputError(f"{what}: the path is empty; give a file, a folder or a glob")
        if "://" in path:
            raise InputError(
                f"{what}: {shorten(path)} is elsewhere; only local files and folders can be read, so fetch it first"
            )
        for found in _expand(os.path.expanduser(path), what):  # noqa: PTH111  # Path's knows no strange users
            status = found.stat()
            identity = (status.st_dev, status.st_ino)
            if identity not in seen:
                seen[identity] = _describe(found, size=status.st_size)
    return list(seen.values())


def shorten(text: str, *, width: int = _SHOWN) -> str:
    """A text on one line of at most ``width`` characters, with unprintable characters as escapes."""
    escaped = (
        "".join(
            c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text[: width + 1]
        )
        if not text.isprintable()
        else text
    )
    return escaped if len(escaped) <= width else escaped[: width - 1] + "…"


def _expand(text: str, what: str) -> Iterable[Path]:
    path = Path(text)
    if path.is_dir():
        return _require(_walk(path), f"{what}: the folder {shorten(text)} holds no file of a known ending")
    if path.exists():
        if _split_ending(path) is None:
            raise InputError(f"{shorten(text)}: unknown ending; known are {_ENDINGS}")
        return [path]
    if not glob.has_magic(text):
        raise InputError(f"{what}: {shorten(text)} does not exist; only local files and folders can be read")
    found = (Path(match) for match in sorted(glob.glob(text, recursive=True)))  # noqa: PTH207  # Path.glob is relative
    files = [
        file
        for match in found
        if not any(part[0] in _HIDDEN and part not in path.parts for part in match.parts)
        for file in (_walk(match) if match.is_dir() else [match])
        if _split_ending(file) is not None
    ]
    return _require(files, f"{what}: nothing of a known ending matches {shorten(text)}")


def _require(files: Iterable[Path], message: str) -> list[Path]:
    found = list(files)
    if not found:
        raise InputError(f"{message}; known are {_ENDINGS}")
    return found


def _walk(folder: Path) -> Iterator[Path]:
    """Files of known endings below a folder, sorted; links to folders are followed, each folder once."""
    seen: set[str] = set()
    for parent, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if name[0] not in _HIDDEN)
        for name in sorted(names):
            path = Path(parent, name)
            if name[0] not in _HIDDEN and _split_ending(path) is not None and path.is_file():
                yield path


def _split_ending(path: Path) -> tuple[Format, str | None] | None:
    """Format and compression by a file's name; None if unknown."""
    endings = [ending.lower() for ending in path.suffixes[-2:]]
    compression = _COMPRESSIONS.get(endings[-1]) if endings else None
    if compression:
        endings.pop()
    known = _FORMATS.get(endings[-1]) if endings else None
    return None if known is None or (compression and known == "parquet") else (known, compression)


def _describe(path: Path, *, size: int) -> File:
    """Check that a file's first bytes are what its ending says."""
    file = File(os.path.realpath(path), *_split_ending(path) or ("csv", None))
    if not path.is_file():
        raise InputError(f"{file.name}: is not a regular file")
    if size == 0:
        raise InputError(f"{file.name}: the file is empty; export it again, or leave it out")
    try:
        file.path.encode()
        with path.open("rb") as stream:
            head = stream.read(1024)
    except UnicodeEncodeError as error:
        raise InputError(f"{file.name}: the file's path is not UTF-8; rename it") from error
    except OSError as error:
        raise InputError(f"{file.name}: cannot be read: {error.strerror}") from error
    actual = _recognize(head)
    expected = file.compression or ("Parquet" if file.format == "parquet" else "text")
    if actual != expected:
        raise InputError(
            f"{file.name}: is not {expected}, as its ending says; it begins like {actual}: rename or export it again"
        )
    return file


def _recognize(head: bytes) -> str:
    for name, magic in _MAGIC.items():
        if head.startswith(magic):
            return name
    if head.startswith(b"PAR1"):
        return "Parquet"
    return "binary data" if head.count(b"\0") > len(head) // 10 else "text"
