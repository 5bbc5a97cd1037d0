"""The table of prompt templates: of each one that accounts share, its frame, its use, and what it is known again by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graphkit.detect.template_names import TEMPLATE_KIND
from graphkit.ingest.mined import to_templates
from graphkit.ingest.public_templates import name_templates
from graphkit.ingest.template_match import Template
from graphkit.link.links import Links
from graphkit.snapshot import Snapshot
from graphkit.tables import TABLES


def list_templates(
    links: Links, mined: Sequence[Template], *, public: Sequence[tuple[str, str]] = (), key: bytes
) -> pa.Table:
    """The table ``templates`` of the templates that are shared.

    Parameters
    ----------
    mined
        Templates that were mined; others are known by their ids alone.
    public
        Names and texts of templates that are public.
    """
    is_template = pc.equal(links.entities["kind"], TEMPLATE_KIND).to_numpy()
    chosen, uses = np.flatnonzero(is_template), np.flatnonzero(is_template[links.entity])
    place = (np.cumsum(is_template) - 1)[links.entity[uses]]
    n_prompts = np.bincount(place, weights=links.n_events[uses], minlength=len(chosen)).astype(np.int64)
    first, last = np.full(len(chosen), np.iinfo(np.int64).max), np.zeros(len(chosen), np.int64)
    np.minimum.at(first, place, links.first_seen[uses])
    np.maximum.at(last, place, links.last_seen[uses])
    shared = links.entities.take(chosen)
    ids: list[str] = shared["entity"].to_pylist()
    by_id = {template.template_id: template for template in mined}
    found = [by_id.get(name) for name in ids]
    names: Mapping[str, str | None] = dict(
        zip(by_id, name_templates(list(by_id.values()), public, key=key), strict=True)
    )
    schema = TABLES["templates"].schema()
    columns = {
        "template_id": shared["entity"],
        "frame": [None if one is None else one.frame for one in found],
        "n_prompts": n_prompts,
        "n_accounts": shared["n_accounts"],
        "first_seen": pa.array(first * 1000).cast(pa.timestamp("ms", tz="UTC")),
        "last_seen": pa.array(last * 1000).cast(pa.timestamp("ms", tz="UTC")),
        "known_as": [names.get(name) for name in ids],
        "words": [None if one is None else one.words for one in found],
        "word_bits": [None if one is None else one.bits for one in found],
        "least_bits": [None if one is None else one.least_bits for one in found],
    }
    return pa.table({one.name: _as_type(columns[one.name], one.type) for one in schema}, schema=schema)


def read_known_templates(snapshot: Snapshot | None) -> list[Template]:
    """The mined templates of a snapshot."""
    if snapshot is None:
        return []
    table = snapshot.table("templates")
    return to_templates(table.filter(pc.is_valid(table["words"])))


def _as_type(column: object, kind: pa.DataType) -> pa.Array:
    return column.cast(kind) if isinstance(column, pa.Array | pa.ChunkedArray) else pa.array(column, kind)
