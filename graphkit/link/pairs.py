"""Candidate pairs: inside each entity, members in a hashed order meet the next few; linear in links."""

from __future__ import annotations

import base64
import hashlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pandas.util import hash_array
from scipy import sparse

from graphkit.config import Config
from graphkit.link.ahead import map_ahead
from graphkit.link.couse import CoUses
from graphkit.link.links import Integers, Links
from graphkit.link.weights import tell_meeting

Words = npt.NDArray[np.uint64]

_CHUNK = 1 << 16


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
    chosen = np.flatnonzero((tell_meeting(links, config) & ~timed[links.entity_kind()])[links.entity])
    account, entity = links.account[chosen], links.entity[chosen]
    place = _hash_texts(links.accounts["account_id"], key=key, seed=config.seed)[account]
    place = _mix(place ^ _mix(_hash_entities(links.entities, key=key, seed=config.seed)[entity]))
    order = _order_circles(entity, place, account)
    n = len(links.accounts)
    met = _meet(account[order], entity[order], partners=config.partners, n_accounts=n)
    if len(co_uses.pair):
        a, b = np.divmod(co_uses.pair, n)
        met = met + _mark(a, b, n)
    keys = np.repeat(np.arange(n) * n, np.diff(met.indptr))
    keys += met.indices
    return keys


def count_meetings(links: Links, config: Config) -> int:
    """Count how often accounts meet, the same two at several entities each time."""
    return _count_meetings(links.entities["n_accounts"].to_numpy()[tell_meeting(links, config)], config.partners)


def _count_meetings(n_members: Integers, partners: int) -> int:
    return int(np.minimum(partners * n_members, n_members * (n_members - 1) // 2).sum())


def _order_circles(entity: Integers, place: Words, account: Integers) -> Integers:
    """Order by entity, then place, then account; by one key as long as its bits tell all apart."""
    bits = np.uint64(int(entity.max(initial=0)).bit_length())
    key = (entity.astype(np.uint64) << (np.uint64(64) - bits)) | (place >> bits) if bits else place
    order = np.argsort(key)
    if (np.diff(key[order]) == 0).any():
        order = np.lexsort((account, place, entity))
    return order


def _meet(account: Integers, entity: Integers, *, partners: int, n_accounts: int) -> sparse.csr_array:
    """Mark the pairs that meet when each member of a circle meets the next ``partners``."""
    n_members = np.bincount(entity)
    place = np.arange(len(entity)) - np.searchsorted(entity, entity)

    def meet(begin: int) -> npt.NDArray[np.int32]:
        here = np.arange(begin, min(begin + _CHUNK, len(entity)))
        size, at = n_members[entity[here]], place[here]
        pairs = []
        for step in range(1, partners + 1):
            meets = np.flatnonzero((2 * step < size) | ((2 * step == size) & (at < step)))  # none twice
            one = here[meets]
            other = one + step - np.where(at[meets] + step < size[meets], 0, size[meets])
            one, other = account[one], account[other]
            pairs.append((np.minimum(one, other), np.maximum(one, other)))
        return np.concatenate(pairs, axis=1, dtype=np.int32)

    ends, n = np.empty((2, _count_meetings(n_members, partners)), dtype=np.int32), 0
    for made in map_ahead(meet, range(0, len(entity), _CHUNK)):
        ends[:, n : n + made.shape[1]] = made
        n += made.shape[1]
    return _mark(ends[0], ends[1], n_accounts)


def _mark(a: npt.NDArray[np.integer], b: npt.NDArray[np.integer], n_accounts: int) -> sparse.csr_array:
    """Mark pairs of accounts in a matrix: quicker than to sort them and to drop repeats."""
    marks = np.ones(len(a), dtype=bool)
    return sparse.coo_array((marks, (a, b)), shape=(n_accounts, n_accounts)).tocsr()


def _hash_texts(texts: pa.ChunkedArray, *, key: bytes, seed: int) -> Words:
    """Keyed 64-bit hashes (SipHash), so that who writes the texts cannot choose who meets whom."""
    secret = hashlib.sha256(seed.to_bytes(8, "big") + key).digest()
    hashes: Words = hash_array(texts.to_numpy(), hash_key=base64.b64encode(secret)[:16].decode(), categorize=False)
    return hashes


def _hash_entities(entities: pa.Table, *, key: bytes, seed: int) -> Words:
    return _hash_texts(pc.binary_join_element_wise(entities["kind"], entities["entity"], "\0"), key=key, seed=seed)


def _mix(words: Words) -> Words:
    """Scramble 64-bit words (the finalizer of splitmix64, Steele, Lea and Flood 2014)."""
    words = words ^ (words >> np.uint64(30))
    words *= np.uint64(0xBF58476D1CE4E5B9)
    words ^= words >> np.uint64(27)
    words *= np.uint64(0x94D049BB133111EB)
    words ^= words >> np.uint64(31)
    return words
