"""Mined templates, kept with the segment whose prompts were matched with them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from graphkit.ingest.partials import Segment
from graphkit.ingest.template_match import Template

TEMPLATES_FILE = "templates.parquet"
"""File of a segment: the templates that its prompts were matched with."""

Standing = Literal["used", "unused", "dropped"]
"""Of a template: whether prompts are made from it; dropped: from fewer accounts than make a template."""

_SCHEMA = pa.schema(
    {
        "template_id": pa.string(),
        "frame": pa.string(),
        "words": pa.list_(pa.uint64()),
        "word_bits": pa.list_(pa.float64()),
        "least_bits": pa.float64(),
        "standing": pa.string(),
    }
)


_DIGEST = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Mined:
    """Templates that prompts were matched with, in the order in which they were."""

    templates: tuple[Template, ...]
    standing: tuple[Standing, ...]
    files: tuple[str, ...]
    """Fingerprints of the files whose prompts were mined together, sorted."""

    def used(self) -> list[Template]:
        """The templates that prompts are made from."""
        return [template for template, how in zip(self.templates, self.standing, strict=True) if how == "used"]


def write_mined(mined: Mined, folder: Path) -> None:
    """Write templates into a segment."""
    columns = [
        [template.template_id for template in mined.templates],
        [template.frame for template in mined.templates],
        [template.words for template in mined.templates],
        [template.bits for template in mined.templates],
        [template.least_bits for template in mined.templates],
        list(mined.standing),
    ]
    arrays = [pa.array(column, one.type) for column, one in zip(columns, _SCHEMA, strict=True)]
    pq.write_table(pa.Table.from_arrays(arrays, schema=_SCHEMA), folder / TEMPLATES_FILE)


def read_mined(folder: Path, segment: Segment) -> Mined:
    """Templates of a segment, with which prompts were mined."""
    table = pq.ParquetFile(folder / TEMPLATES_FILE).read()
    return Mined(tuple(to_templates(table)), tuple(table["standing"].to_pylist()), segment.mined)


def read_templates(folder: Path, segment: Segment) -> list[Template]:
    """The templates that the prompts of a segment are made from; none where it has no prompts."""
    return read_mined(folder, segment).used() if TEMPLATES_FILE in segment.checksums else []


def to_templates(table: pa.Table) -> list[Template]:
    """Templates of a table with the columns template_id, frame, words, word_bits and least_bits."""
    names = ("template_id", "frame", "words", "word_bits", "least_bits")
    rows = zip(*(table[name].to_pylist() for name in names), strict=True)
    return [
        Template(name, frame, None, np.array(words, np.uint64), np.array(bits, float), least)
        for name, frame, words, bits, least in rows
    ]


def merge_templates(templates: Iterable[Template]) -> tuple[Template, ...]:
    """Templates by id, each once; of one that was spelled in several ways, the first spelling in the alphabet."""
    by_id: dict[str, Template] = {}
    for template in templates:
        other = by_id.setdefault(template.template_id, template)
        by_id[template.template_id] = min(other, template, key=lambda each: each.frame)
    return tuple(by_id[name] for name in sorted(by_id))


def is_digest(frame: str) -> bool:
    """Whether a frame is kept as a digest: no frame looks so, for it has several words."""
    return _DIGEST.fullmatch(frame) is not None
