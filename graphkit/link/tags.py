"""Tags of known infrastructure on entities, and what they change: entities, links, linked pairs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graphkit.config import Config
from graphkit.engine import Engine, quote_text
from graphkit.ingest.infrastructure import Infrastructure
from graphkit.ingest.organizations import LeftOut
from graphkit.ingest.texts import addresses_of
from graphkit.link.arrays import is_among
from graphkit.link.links import Links
from graphkit.link.weights import Weighted, link_threshold

_CHUNK = 1 << 18
"""Pairs that are looked at at once."""


@dataclass(frozen=True)
class Known:
    """A list of known infrastructure, and what it left out before links were made."""

    listed: Infrastructure
    left_out: LeftOut


def tag_entities(
    links: Links, infrastructure: Infrastructure, *, config: Config, engine: Engine | None = None
) -> Links:
    """Give the entities of kinds that are addresses the tags of the list.

    Parameters
    ----------
    engine
        That in which the links were made: it knows what digests stand for, which without it get no tags.
    """
    tags = np.full(len(links.entities), None, dtype=object)
    for place, name in enumerate(links.kinds):
        kind = config.kinds[name]
        if kind.normalize == "ip":
            chosen = links.entity_kind() == place
            if not kind.digest:
                tags[chosen] = infrastructure.find_tags(_names(links, chosen))
            elif engine is not None:
                tags[chosen] = infrastructure.find_tags(_addresses(engine, name))
    places = links.entities.schema.get_field_index("tag")
    return replace(links, entities=links.entities.set_column(places, "tag", pa.array(tags, pa.string())))


def forget_tags(links: Links) -> Links:
    """The same links with no entity tagged."""
    places = links.entities.schema.get_field_index("tag")
    return replace(links, entities=links.entities.set_column(places, "tag", pa.nulls(len(links.entities), pa.string())))


def describe_effect(known: Known, links: Links, pairs: Weighted, before: Weighted, *, config: Config) -> dict[str, Any]:
    """Say by tag what the list changed; all counts, no names.

    Parameters
    ----------
    pairs
        The pairs that count, of which the linked ones are told.
    before
        Those of the same links with no entity tagged.
    """
    threshold = link_threshold(config, links.n_population)
    linked, before = (each.take(each.weight >= threshold) for each in (pairs, before))
    keys, keys_before = (each.keys(len(links.accounts)) for each in (linked, before))
    lost = before.take(~is_among(keys_before, keys))
    return {
        "fingerprint": known.listed.fingerprint,
        "n_pairs_linked_before": len(keys_before),
        "n_pairs_unlinked": len(lost.a),
        "n_pairs_newly_linked": int(np.count_nonzero(~is_among(keys, keys_before))),
        "tags": {tag: _describe_tag(tag, known, links, lost, config) for tag in known.listed.tags},
    }


def _describe_tag(tag: str, known: Known, links: Links, lost: Weighted, config: Config) -> dict[str, Any]:
    tagged = _is_tagged(links, tag)
    chosen = tagged[links.entity]
    dropped = (tagged & ~links.makes_pairs(config) & ~links.is_hub(config))[links.entity]
    settings = config.infrastructure[tag]
    return {
        "weight": settings.weight,
        "leave_out": settings.leave_out,
        "n_entities": int(tagged.sum()),
        "n_links": int(chosen.sum()),
        "n_accounts": len(np.unique(links.account[chosen])),
        "n_links_dropped": int(dropped.sum()),
        "n_pairs_unlinked": int(np.count_nonzero(_share_any(lost, links.take(chosen)))),
        "n_organizations": sum(given == tag for given in known.listed.organizations.values()),
        "n_accounts_left_out": known.left_out.n_accounts.get(tag, 0),
        "n_events_left_out": known.left_out.n_events.get(tag, 0),
    }


def _share_any(pairs: Weighted, links: Links) -> npt.NDArray[np.bool_]:
    """Tell which pairs share an entity of these links."""
    from scipy import sparse

    shape = (len(links.accounts), len(links.entities))
    ones = np.ones(len(links.account), dtype=np.int8)
    uses = sparse.csr_array((ones, (links.account, links.entity)), shape=shape)
    some = np.zeros(len(pairs.a), dtype=bool)
    for start in range(0, len(some), _CHUNK):
        a, b = (ends[start : start + _CHUNK] for ends in (pairs.a, pairs.b))
        some[start : start + _CHUNK] = np.diff(uses[a].multiply(uses[b]).tocsr().indptr) > 0
    return some


def _is_tagged(links: Links, tag: str) -> npt.NDArray[np.bool_]:
    tagged: npt.NDArray[np.bool_] = links.entities["tag"].to_numpy() == tag
    return tagged


def _names(links: Links, chosen: npt.NDArray[np.bool_]) -> list[str]:
    names: list[str] = links.entities["entity"].filter(pa.array(chosen)).to_pylist()
    return names


def _addresses(engine: Engine, kind: str) -> list[str]:
    """Addresses that the shared digests of a kind stand for, in the order of the entities."""
    addresses: list[str] = engine.query(f"""
        SELECT any_value(address) AS address FROM {addresses_of(kind)} JOIN entity_ids USING (code)
        WHERE kind = {quote_text(kind)} GROUP BY id ORDER BY id
    """)["address"].to_pylist()
    return addresses
