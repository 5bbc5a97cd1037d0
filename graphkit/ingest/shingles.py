"""Count runs of three words by who uses them, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphkit.ingest.words import Hashes, Places, Words, mix

SHINGLE_WORDS = 3
TAG_BITS = np.uint64(24)
"""Low bits of a key that stand for the user; the high ones stand for the shingle."""

BATCH = 1 << 22
"""Uses of shingles among which one use may be forgotten."""
_MOST_SHINGLES = 1 << 23
_MULTIPLIERS = tuple(np.uint64(number) for number in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9))


@dataclass(frozen=True, eq=False)
class ShingleCounts:
    """How many users each shingle has, by lossy counting (Manku and Motwani, 2002)."""

    shingles: Hashes
    """Ascending."""
    uses: Places
    """Users of each since it was last forgotten; one of several batches counts once in each."""
    missed: Places
    """The most uses that may have been forgotten before."""
    n_seen: int
    """Uses of all shingles."""
    forgotten: int = 0
    """The most uses that a shingle which is not here can have had."""


def hash_runs(words: Words, length: int) -> tuple[Hashes, Places]:
    """Hashes of all runs of so many words that lie in one prompt, and the place of each one's first word."""
    n = len(words.hashes) - length + 1
    if n <= 0:
        return np.zeros(0, np.uint64), np.zeros(0, np.int64)
    inside = np.flatnonzero(words.prompt[:n] == words.prompt[length - 1 :])
    return join_hashes(*(words.hashes[place : place + n][inside] for place in range(length))), inside


def join_hashes(*hashes: Hashes) -> Hashes:
    """One hash for several in their order."""
    total = np.zeros_like(hashes[0])
    for one, multiplier in zip(hashes, _MULTIPLIERS, strict=False):
        total += one * multiplier
    return mix(total)


def hash_shingles(words: Words) -> tuple[Hashes, Places]:
    """Hashes of shingles, with the bits of the tag free; and the place of each one's first word."""
    hashes, place = hash_runs(words, SHINGLE_WORDS)
    return (hashes >> TAG_BITS) << TAG_BITS, place


def tag_shingles(shingles: Hashes, users: Hashes) -> Hashes:
    """Each shingle with its user's tag."""
    return shingles | (users >> (np.uint64(64) - TAG_BITS))


def count_shingles(tagged: Hashes) -> ShingleCounts:
    """Count the users of each shingle in one batch, given what ``tag_shingles`` gave, ascending and each once."""
    shingles = tagged >> TAG_BITS << TAG_BITS
    start = np.flatnonzero(np.concatenate([np.ones(1, dtype=bool), shingles[1:] != shingles[:-1]])[: len(tagged)])
    uses = np.diff(start, append=len(tagged))
    return _forget(ShingleCounts(shingles[start], uses, np.zeros(len(start), np.int64), len(tagged)))


def merge_counts(first: ShingleCounts, second: ShingleCounts) -> ShingleCounts:
    """Add counts up; the rarest shingles are forgotten where memory asks for it."""
    n_seen, forgotten = first.n_seen + second.n_seen, first.forgotten + second.forgotten
    there, place = Lookup(first.shingles).find(second.shingles)
    uses, missed = first.uses.copy(), first.missed + second.forgotten
    uses[place] += second.uses[there]
    missed[place] += second.missed[there] - second.forgotten
    new = np.ones(len(second.shingles), dtype=bool)
    new[there] = False
    new &= second.uses + second.missed + first.forgotten > _count_forgotten(n_seen, forgotten)
    at = np.searchsorted(first.shingles, second.shingles[new])
    return _forget(
        ShingleCounts(
            np.insert(first.shingles, at, second.shingles[new]),
            np.insert(uses, at, second.uses[new]),
            np.insert(missed, at, second.missed[new] + first.forgotten),
            n_seen,
            forgotten,
        )
    )


def _count_forgotten(n_seen: int, forgotten: int) -> int:
    """The most uses of a shingle that is forgotten: one in each ``BATCH`` of all uses."""
    return max(forgotten, n_seen // BATCH)


def _forget(counts: ShingleCounts) -> ShingleCounts:
    """Forget the rarest, and more where there are still too many shingles."""
    forgotten = _count_forgotten(counts.n_seen, counts.forgotten)
    most = counts.uses + counts.missed
    if len(most) > _MOST_SHINGLES:
        forgotten = max(forgotten, int(np.partition(most, -_MOST_SHINGLES)[-_MOST_SHINGLES]))
    kept = most > forgotten
    return ShingleCounts(counts.shingles[kept], counts.uses[kept], counts.missed[kept], counts.n_seen, forgotten)


def drop_repeats(hashes: Hashes) -> Hashes:
    """Hashes, each once, ascending."""
    hashes = np.sort(hashes)
    return hashes if not len(hashes) else hashes[np.concatenate([[True], hashes[1:] != hashes[:-1]])]


class Lookup:
    """Find many hashes in few: a table of bits spares nearly all the searches that would find nothing."""

    def __init__(self, hashes: Hashes) -> None:
        self._hashes = hashes
        self._shift = np.uint64(64 - max(16, min(24, len(hashes).bit_length() + 4)))
        self._there = np.zeros(1 << (64 - int(self._shift)), dtype=bool)
        self._there[hashes >> self._shift] = True

    def find(self, wanted: Hashes) -> tuple[Places, Places]:
        """Places in ``wanted`` of the hashes that are known, and their places among the known ones, ascending."""
        likely = np.flatnonzero(self._there[wanted >> self._shift])
        place = np.searchsorted(self._hashes, wanted[likely])
        place[place == len(self._hashes)] = 0
        found = self._hashes[place] == wanted[likely] if len(self._hashes) else np.zeros(len(likely), dtype=bool)
        return likely[found], place[found]
