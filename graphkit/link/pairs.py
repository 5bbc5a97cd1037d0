"""Candidate pairs: inside each entity, members in a hashed order meet the next few; linear in links."""

from __future__ import annotations

import base64
import hashlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pandas.util import hash_array

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
    met = _meet(account, entity, partners=config.partners, n_accounts=len(links.accounts))
    return sort_distinct(np.concatenate([met, co_uses.pair]) if len(co_uses.pair) else met)


def count_meetings(links: Links, config: Config) -> int:
    """Count how often accounts meet, the same two at several entities each time."""
    d = links.entities["n_accounts"].to_numpy()[tell_meeting(links, config)]
    return int(np.minimum(config.partners * d, d * (d - 1) // 2).sum())


def _order_circles(entity: Integers, place: Words, account: Integers) -> Integers:
    """Order by entity, then place, then account; by one key as long as its bits tell all apart."""
    bits = np.uint64(int(entity.max(initial=0)).bit_length())
    key = (entity.astype(np.uint64) << (np.uint64(64) - bits)) | (place >> bits) if bits else place
    order = np.argsort(key)
    if (np.diff(key[order]) == 0).any():
        order = np.lexsort((account, place, entity))
    return order


def _meet(account: Integers, entity: Integers, *, partners: int, n_accounts: int) -> Integers:
    """Keys of the pairs that meet when each member of a circle meets the next ``partners``, none twice."""
    size = np.bincount(entity)[entity] if len(entity) else entity
    start = np.searchsorted(entity, entity)
    place = np.arange(len(entity)) - start
    steps = range(1, partners + 1)
    meeting = [(2 * step < size) | ((2 * step == size) & (place < step)) for step in steps]
    keys, filled = np.empty(sum(map(np.count_nonzero, meeting)), dtype=np.int64), 0
    for step, meets in zip(steps, meeting, strict=True):
        one = account[meets]
        other = account[start[meets] + (place[meets] + step) % size[meets]]
        keys[filled : filled + len(one)] = np.minimum(one, other) * n_accounts + np.maximum(one, other)
        filled += len(one)
    return keys


def _hash_texts(texts: pa.ChunkedArray, *, key: bytes, seed: int) -> Words:
    """Keyed 64-bit hashes (SipHash), so that who writes the texts cannot choose who meets whom."""
    secret = hashlib.sha256(seed.to_bytes(8, "big") + key).digest()
    hashes: Words = hash_array(texts.to_numpy(), hash_key=base64.b64encode(secret)[:16].decode(), categorize=False)
    return hashes


def _hash_entities(entities: pa.Table, *, key: bytes, seed: int) -> Words:
    return _hash_texts(pc.binary_join_element_wise(entities["kind"], entities["entity"], "\0"), key=key, seed=seed)


def _mix(words: Words) -> Words:
    """Scramble 64-bit words (the finalizer of splitmix64, Steele, Lea and Flood 2014)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
