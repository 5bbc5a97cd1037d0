"""Candidate pairs: inside each entity, members in a hashed order meet the next few; linear in links."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graphkit.config import Config
from graphkit.link.arrays import sort_distinct
from graphkit.link.couse import CoUses
from graphkit.link.links import Integers, Links
from graphkit.link.weights import tell_meeting

Words = npt.NDArray[np.uint64]


def sample_pairs(links: Links, *, co_uses: CoUses, config: Config, key: bytes) -> Integers:
    """Sample pairs of accounts that share an entity at which accounts meet.

    Inside an entity the members stand in a circle in the order of a keyed hash of entity and
    account, and each meets the next ``config.partners``: all pairs up to 2 m + 1 members, a share of
    2 m / (d - 1) above. Co-uses in time are exact and all taken.

    Returns
    -------
    Sorted distinct keys ``a * n_accounts + b`` with a < b.
    """
    timed = np.array([config.kinds[kind].within is not None for kind in links.kinds], dtype=bool)
    chosen = (tell_meeting(links, config) & ~timed[links.entity_kind()])[links.entity]
    account, entity = links.account[chosen], links.entity[chosen]
    place = _hash_texts(links.accounts["account_id"], key=key, seed=config.seed)[account]
    place = _mix(place ^ _mix(_hash_entities(links.entities, key=key, seed=config.seed)[entity]))
    order = _order_circles(entity, place, account)
    account, entity = account[order], entity[order]
    found = [*_meet(account, entity, partners=config.partners, n_accounts=len(links.accounts)), co_uses.pair]
    return sort_distinct(np.concatenate(found))


def _order_circles(entity: Integers, place: Words, account: Integers) -> Integers:
    """Order by entity, then place, then account; by one key as long as its bits tell all apart."""
    bits = np.uint64(int(entity.max(initial=0)).bit_length())
    key = (entity.astype(np.uint64) << (np.uint64(64) - bits)) | (place >> bits) if bits else place
    order = np.argsort(key)
    if (np.diff(key[order]) == 0).any():
        order = np.lexsort((account, place, entity))
    return order


def _meet(account: Integers, entity: Integers, *, partners: int, n_accounts: int) -> list[Integers]:
    """Keys of the pairs that meet when each member of a circle meets the next ``partners``, none twice."""
    size = np.bincount(entity)[entity] if len(entity) else entity
    start = np.searchsorted(entity, entity)
    place = np.arange(len(entity)) - start
    found = []
    for step in range(1, partners + 1):
        meets = (2 * step < size) | ((2 * step == size) & (place < step))
        one = account[meets]
        other = account[start[meets] + (place[meets] + step) % size[meets]]
        found.append(np.minimum(one, other) * n_accounts + np.maximum(one, other))
    return found


def _hash_texts(texts: pa.ChunkedArray, *, key: bytes, seed: int) -> Words:
    """Keyed 64-bit hashes, so that who writes the texts cannot choose who meets whom."""
    secret = hashlib.sha256(seed.to_bytes(8, "big") + key).digest()
    digests = (hashlib.blake2b(text.encode(), key=secret, digest_size=8).digest() for text in texts.to_pylist())
    return np.frombuffer(b"".join(digests), dtype=">u8").astype(np.uint64)


def _hash_entities(entities: pa.Table, *, key: bytes, seed: int) -> Words:
    names = [
        f"{kind}\0{entity}"
        for kind, entity in zip(entities["kind"].to_pylist(), entities["entity"].to_pylist(), strict=True)
    ]
    return _hash_texts(pa.chunked_array([names], pa.string()), key=key, seed=seed)


def _mix(words: Words) -> Words:
    """Scramble 64-bit words (the finalizer of splitmix64, Steele, Lea and Flood 2014)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
