"""From integer codes to text, millions at a time: the same code and seed always spell the same."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Codes = npt.NDArray[np.int64]

IPV6 = 1 << 32
"""Address codes: below it an IPv4 address, from it on a /64 inside 2001:db8::/32."""


def mix(codes: npt.ArrayLike, *, salt: int = 0) -> npt.NDArray[np.uint64]:
    """A bijection of 64 bits that looks random (splitmix64's finalizer): different codes stay different."""
    mixed = np.array(codes, np.int64, ndmin=1).view(np.uint64)
    mixed = mixed + np.uint64((salt * 0x9E3779B97F4A7C15 + 0x9E3779B97F4A7C15) % (1 << 64))
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def spell_tokens(codes: Codes, prefix: str, *, salt: int) -> pa.Array:
    """Opaque tokens such as ``pi_9f3a01bc5d6e7f80``, one a code; they tell nothing of the code."""
    digits = [_take(_hex_words(), part) for part in _words(mix(codes, salt=salt))]
    return pc.binary_join_element_wise(prefix, *digits, "")


def spell_addresses(codes: Codes, hosts: npt.NDArray[np.uint64]) -> pa.Array:
    """IPv4 and IPv6 addresses; ``hosts`` are the lower 64 bits of those that are IPv6."""
    six = codes >= IPV6
    fours = codes[~six]
    octets = [_take(_octets(), (fours >> shift) & 255) for shift in (24, 16, 8, 0)]
    networks = codes[six] - IPV6
    groups = [_take(_groups(), part) for part in (networks >> 16, networks & 0xFFFF, *_words(hosts[six]))]
    spelled = pa.concat_arrays(
        [
            pc.binary_join_element_wise(*octets, "."),
            pc.binary_join_element_wise("2001:db8", *groups, ":"),
        ]
    )
    place = np.where(six, len(fours) + np.cumsum(six) - 1, np.cumsum(~six) - 1)
    return spelled.take(pa.array(place))


def _words(values: npt.NDArray[np.uint64]) -> list[npt.NDArray[np.uint64]]:
    """Four 16-bit words of each value, high to low."""
    return [(values >> np.uint64(shift)) & np.uint64(0xFFFF) for shift in (48, 32, 16, 0)]


def _take(table: pa.Array, indices: npt.NDArray[np.integer]) -> pa.Array:
    return table.take(pa.array(indices.astype(np.int32)))


@lru_cache
def _hex_words() -> pa.Array:
    return pa.array([f"{word:04x}" for word in range(1 << 16)])


@lru_cache
def _groups() -> pa.Array:
    return pa.array([f"{word:x}" for word in range(1 << 16)])


@lru_cache
def _octets() -> pa.Array:
    return pa.array([str(octet) for octet in range(256)])
