"""Ranges of addresses in sorted arrays, in which bisection finds the most specific range that holds an address."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np
import numpy.typing as npt

from graphkit.ingest.normalize import pack_address

Integers = npt.NDArray[np.int64]
Keys = npt.NDArray[np.bytes_]
Span = tuple[int, int]

_SIX = 1 << 128
"""Numbers of IPv6 addresses begin here, so that those of IPv4 come first and no range holds both."""
_FOUR = (1 << 32) - 1
_MAPPED = 0xFFFF
"""What stands before the last 32 bits of an IPv6 address that holds one of IPv4."""
_BYTES = 17
_LOOKS_LIKE_ADDRESS = re.compile(r"[\d\s./-]*\d\.[\d\s./-]*|[0-9a-fA-F\s./%-]*:[0-9a-fA-F\s.:/%-]*")


@dataclass(frozen=True, eq=False)
class Ranges:
    """Ranges of addresses with tags, as pieces that do not overlap: each belongs to the most specific of its ranges.

    Arrays of one length, in ascending order.
    """

    first: Keys
    """First address of each piece, a number of 17 bytes, big-endian."""
    last: Keys
    """Its last address, which belongs to it."""
    rank: Integers
    """Place of its range in ``tags``."""
    tags: tuple[str, ...]
    """Tag of each range, most specific range first."""

    def find_tags(self, addresses: Sequence[str]) -> list[str | None]:
        """Tag of each address or network: that of the most specific range that holds it, or a part of it."""
        spans = [parse_range(address) for address in addresses]
        known = [span for span in spans if span is not None]
        start = np.searchsorted(self.last, _to_keys([first for first, _ in known]), side="left")
        end = np.searchsorted(self.first, _to_keys([last for _, last in known]), side="right")
        found = iter(
            self.tags[self.rank[one:other].min()] if one < other else None
            for one, other in zip(start.tolist(), end.tolist(), strict=True)
        )
        return [None if span is None else next(found) for span in spans]


def make_ranges(listed: Mapping[Span, str]) -> Ranges:
    """Sort tagged ranges for looking up; of two of one size the one that comes first counts as more specific."""
    spans, tags = list(listed), list(listed.values())
    by_size = sorted(range(len(spans)), key=lambda place: spans[place][1] - spans[place][0])
    rank_of = np.empty(len(spans), dtype=np.int64)
    rank_of[by_size] = np.arange(len(spans))
    ranked = sorted(zip(spans, rank_of.tolist(), strict=True))
    pieces = list(_cut(ranked))
    return Ranges(
        _to_keys([first for first, _, _ in pieces]),
        _to_keys([last for _, last, _ in pieces]),
        np.array([rank for _, _, rank in pieces], dtype=np.int64),
        tuple(tags[place] for place in by_size),
    )


def parse_range(text: str) -> Span | None:
    """First and last address, as numbers, of an address, a network such as ``198.51.100.0/24``, or ``first-last``.

    None if it is none of these, or ends before it begins. IPv4 inside IPv6 (``::ffff:198.51.100.7``) is IPv4; bits of a
    network's address beyond its prefix do not count.
    """
    one, dash, other = text.partition("-")
    if dash:
        first, last = _parse_address(one), _parse_address(other)
        if first is None or last is None or (first < _SIX) != (last < _SIX) or first > last:
            return None
        return first, last
    base, slash, prefix = text.partition("/")
    if slash:
        return _parse_network(base, prefix.strip())
    number = _parse_address(base)
    return None if number is None else (number, number)


def looks_like_address(text: str) -> bool:
    """Whether a text is meant to be an address or range, right or wrong, and no name."""
    return _LOOKS_LIKE_ADDRESS.fullmatch(text) is not None


def _parse_network(base: str, prefix: str) -> Span | None:
    packed = pack_address(base.strip())
    if packed is None or not (prefix.isascii() and prefix.isdigit() and len(prefix) < 4):
        return None
    free = 8 * len(packed) - int(prefix)
    if free < 0:
        return None
    first = int.from_bytes(packed) >> free << free
    last = first + (1 << free) - 1
    if len(packed) == 4:
        return first, last
    if first >> 32 == last >> 32 == _MAPPED:
        return first & _FOUR, last & _FOUR
    return _SIX + first, _SIX + last


def _parse_address(text: str) -> int | None:
    span = _parse_network(text, "32" if ":" not in text else "128")
    return None if span is None else span[0]


def _cut(ranked: Sequence[tuple[Span, int]]) -> Iterator[tuple[int, int, int]]:
    """Cut ranges, in ascending order, into pieces that do not overlap, each with the lowest rank of those it is in."""
    open_ranges: list[tuple[int, int]] = []
    place = 0
    for (first, last), rank in [*ranked, ((_SIX << 1, _SIX << 1), -1)]:
        while open_ranges and place < first:
            lowest, end = open_ranges[0]
            if end < place:
                heappop(open_ranges)
                continue
            yield place, min(end, first - 1), lowest
            place = min(end, first - 1) + 1
        place = first
        heappush(open_ranges, (rank, last))


def _to_keys(numbers: Sequence[int]) -> Keys:
    """Numbers as bytes that sort as they do."""
    return np.frombuffer(b"".join(number.to_bytes(_BYTES) for number in numbers), dtype=f"S{_BYTES}")
