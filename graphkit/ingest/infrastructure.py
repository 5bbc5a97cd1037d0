"""Known infrastructure: the user's own list of address ranges and organizations with tags, from CSV or MMDB."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphkit.config import Config
from graphkit.errors import InputError, UsageError
from graphkit.ingest.mmdb import Database, open_database
from graphkit.ingest.ranges import Ranges, Span, looks_like_address, make_ranges, parse_range
from graphkit.ingest.sources import shorten
from graphkit.wording import plural

_EXAMPLE = "value,tag,note\n198.51.100.0/24,vpn,what it is"
_DELIMITERS = ",;\t"
_LONGEST_LINE = 100_000
_PREFIX = re.compile(r"organization:\s*", re.IGNORECASE)
_REASONS = {
    "value": "no value; fill in an address, a range or an organization's id, or drop the row",
    "tag": "no tag; fill it in or drop the row",
    "unknown": "unknown tag; known are {tags}; for another write a table [infrastructure.TAG] in graphkit.toml",
    "range": "no address or range; write 198.51.100.7, 198.51.100.0/24 or 198.51.100.7-198.51.100.9, lower one first; "
    "an organization's id that looks like one, organization:ID",
    "repeated": "listed before with another tag, which holds; drop one of the two",
}


@dataclass(frozen=True, eq=False)
class Infrastructure:
    """A list of known infrastructure; ``repr`` counts what is in it."""

    name: str
    """The file's name."""
    fingerprint: str
    """SHA-256 of the file, in hexadecimal."""
    tags: tuple[str, ...]
    """The tags that it gives, or may give; sorted."""
    networks: Ranges | Database
    """Gives addresses and networks their tags."""
    organizations: Mapping[str, str]
    """From an organization's id to its tag."""
    rejected: tuple[Mapping[str, Any], ...] = ()
    """Rows of the table ``rejected``."""

    def find_tags(self, addresses: Sequence[str]) -> list[str | None]:
        """Tag of each address, or network such as ``198.51.100.0/24``; None for what is not listed."""
        return self.networks.find_tags(addresses)

    def __repr__(self) -> str:
        ranges = plural(len(self.networks.tags), "range") if isinstance(self.networks, Ranges) else "a database"
        set_aside = plural(sum(row["n_rows"] for row in self.rejected), "row")
        return (
            f"<Infrastructure {self.name}: {ranges}, {plural(len(self.organizations), 'organization')}, "
            f"tags {', '.join(self.tags) or 'none'}; {set_aside} set aside>"
        )


def read_infrastructure(path: str | Path, config: Config | None = None) -> Infrastructure:
    """Read a list of known infrastructure.

    Parameters
    ----------
    path
        A CSV file with the columns ``value`` (an address, network, range ``first-last``, or an organization's id),
        ``tag`` and any others; or an MMDB file, whose records give tags as the settings' ``fields`` say.
    config
        Says which tags there are and what gives them; the default has hosting, vpn, carrier-nat, corporate, allowed.

    Raises
    ------
    InputError
        If the file cannot be read, lacks a column, or none of its rows can be used.
    """
    path, config = Path(path).expanduser(), config or Config()
    try:
        fingerprint = _digest_file(path)
        if path.suffix.lower() == ".mmdb":
            database = open_database(path, config.infrastructure)
            return Infrastructure(shorten(path.name), fingerprint, database.tags, database, {})
        if path.suffix.lower() not in {".csv", ".tsv", ".txt"}:
            raise InputError(f"{shorten(str(path))}: unknown ending; give a list as .csv, or a database as .mmdb")
        with path.open(encoding="utf-8-sig") as file:
            known = tuple(sorted(config.infrastructure))
            return _read_rows(_split_rows(file), path, fingerprint=fingerprint, known=known)
    except OSError as error:
        raise InputError(f"{shorten(str(path))}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{shorten(str(path))}: is not UTF-8 text; export it again as UTF-8") from error


def require_known_tags(infrastructure: Infrastructure, config: Config) -> None:
    """Raise a UsageError for tags that the settings do not have."""
    unknown = [tag for tag in infrastructure.tags if tag not in config.infrastructure]
    if unknown:
        raise UsageError(
            f"{infrastructure.name}: the settings have no [infrastructure.{unknown[0]}]; read it with the same config"
        )


def _digest_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _split_rows(lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """Number and cells of each line that is neither blank nor a comment; the first decides what parts the cells.

    A line is a row: a quote that is never closed cannot swallow the rows after it.
    """
    delimiter = ""
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.lstrip().startswith("#"):
            delimiter = delimiter or max(_DELIMITERS, key=line.count)
            yield number, next(csv.reader([line[:_LONGEST_LINE]], delimiter=delimiter, skipinitialspace=True))


def _read_rows(
    rows: Iterator[tuple[int, list[str]]], path: Path, *, fingerprint: str, known: tuple[str, ...]
) -> Infrastructure:
    columns = _find_columns(*next(rows, (1, [])), path)
    spans: dict[Span, str] = {}
    organizations: dict[str, str] = {}
    faults: dict[str, list[str]] = {}
    for number, row in rows:
        value, tag = (row[column].strip() if column < len(row) else "" for column in columns)
        fault = _take_row(value, tag.lower(), spans=spans, organizations=organizations, known=known)
        if fault:
            faults.setdefault(fault, []).append(f"row {number}: {value if fault != 'unknown' else tag}")
    name = shorten(path.name)
    rejected = [
        {
            "source": name,
            "reason": _REASONS[fault].format(tags=", ".join(known)),
            "n_rows": len(examples),
            "example": shorten(examples[0]),
        }
        for fault, examples in sorted(faults.items())
    ]
    if rejected and not spans and not organizations:
        listed = "\n".join(f"  {row['reason']}: {row['n_rows']:,} ({row['example']})" for row in rejected)
        raise InputError(f"{shorten(str(path))}: none of its rows can be used\n{listed}")
    tags = tuple(sorted({*spans.values(), *organizations.values()}))
    return Infrastructure(name, fingerprint, tags, make_ranges(spans), organizations, tuple(rejected))


def _find_columns(number: int, head: list[str], path: Path) -> tuple[int, int]:
    """Places of value and tag in the header."""
    names = [name.strip().lower() for name in head]
    missing = [name for name in ("value", "tag") if name not in names]
    if missing:
        there = ", ".join(shorten(name, width=40) for name in head) or "nothing"
        raise InputError(
            f"{shorten(str(path))}, row {number}: no column {missing[0]!r}; there are: {there}. "
            f"The first row names the columns, as in\n{_EXAMPLE}"
        )
    return names.index("value"), names.index("tag")


def _take_row(
    value: str, tag: str, *, spans: dict[Span, str], organizations: dict[str, str], known: Sequence[str]
) -> str | None:
    """Put a row where it belongs, or tell its fault."""
    if not value or not tag:
        return "tag" if value else "value"
    if tag not in known:
        return "unknown"
    prefix = _PREFIX.match(value)
    if prefix or not looks_like_address(value):
        organization = value[prefix.end() :] if prefix else value
        return "repeated" if organizations.setdefault(organization, tag) != tag else None
    span = parse_range(value)
    if span is None:
        return "range"
    return "repeated" if spans.setdefault(span, tag) != tag else None
