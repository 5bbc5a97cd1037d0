"""Databases of addresses in the MMDB format: a record an address, of which settings say what gives it a tag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphkit.config import Tag
from graphkit.errors import InputError
from graphkit.ingest.sources import shorten

if TYPE_CHECKING:
    import maxminddb

_TRUE = frozenset({"true", "yes", "1"})


@dataclass(frozen=True)
class Field:
    """A field of a record that gives a tag."""

    tag: str
    path: tuple[str, ...]
    """Names from the record inward."""
    wanted: str | None
    """The text that it must be, in lower case; None: it must be true."""


@dataclass(frozen=True, eq=False)
class Database:
    """An open database and the fields that give tags, those of the lowest weight first."""

    name: str
    reader: maxminddb.Reader
    fields: tuple[Field, ...]

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags that it may give, sorted."""
        return tuple(sorted({field.tag for field in self.fields}))

    def find_tags(self, addresses: Sequence[str]) -> list[str | None]:
        """Tag of each address, or of the first address of each network.

        Raises
        ------
        InputError
            If the database is damaged.
        """
        from maxminddb import InvalidDatabaseError

        four_only = self.reader.metadata().ip_version == 4
        tags: list[str | None] = []
        for address in addresses:
            if four_only and ":" in address:
                tags.append(None)
                continue
            try:
                record = self.reader.get(address.partition("/")[0])
            except InvalidDatabaseError as error:
                raise InputError(f"{self.name}: is damaged: {error}; fetch it again") from error
            tags.append(next((field.tag for field in self.fields if _gives(record, field)), None))
        return tags


def open_database(path: Path, tags: Mapping[str, Tag]) -> Database:
    """Open an MMDB file.

    Raises
    ------
    InputError
        If it is no such file.
    """
    from maxminddb import InvalidDatabaseError
    from maxminddb import open_database as open_reader

    try:
        reader = open_reader(path)
    except InvalidDatabaseError as error:
        raise InputError(f"{shorten(str(path))}: is no MMDB database: {error}") from error
    by_weight = sorted(tags, key=lambda name: (tags[name].weight, name))
    fields = tuple(_parse_field(name, text) for name in by_weight for text in tags[name].fields)
    return Database(shorten(path.name), reader, fields)


def _parse_field(tag: str, text: str) -> Field:
    path, equals, wanted = text.partition("=")
    return Field(tag, tuple(path.strip().split(".")), wanted.strip().lower() if equals else None)


def _gives(record: Any, field: Field) -> bool:
    """Whether a record's field is true, or is the wanted text, or a list that holds it."""
    value = record
    for name in field.path:
        if not isinstance(value, Mapping) or name not in value:
            return False
        value = value[name]
    values = {str(one).strip().lower() for one in (value if isinstance(value, list) else [value])}
    return not values.isdisjoint(_TRUE if field.wanted is None else {field.wanted})
