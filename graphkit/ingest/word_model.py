"""How surprising a word is after another one, by the prompts' own habits, in bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from graphkit.ingest.shingles import drop_repeats, hash_runs, join_hashes
from graphkit.ingest.words import Hashes, Places, Words, mix

Numbers = npt.NDArray[np.float64]

MOST_BITS = 12.0
"""A word adds at most this, so that no single rare word makes a frame."""
_PSEUDO_COUNT = 4.0
_RARE = 0.5


@dataclass(frozen=True, eq=False)
class WordModel:
    """Counts of words and of pairs of neighbors.

    A pair counts once for each word before it, or each word after it, whichever are fewer: a template is not ordinary
    because a farm sends it all day, with another filling each time.
    """

    words: Hashes
    word_counts: Places
    """How often a word is the first of a pair."""
    pairs: Hashes
    pair_counts: Places

    def weigh(self, first: Hashes, second: Hashes) -> Numbers:
        """Bits of a word after another one; one is taken off each count, for the word's own."""
        n_pair = _count(self.pairs, self.pair_counts, join_hashes(first, second))
        n_first = _count(self.words, self.word_counts, first)
        chance = (n_pair + _PSEUDO_COUNT * self._chance(second)) / (n_first + _PSEUDO_COUNT)
        bits: Numbers = np.minimum(-np.log2(np.minimum(chance, 1.0)), MOST_BITS)
        return bits

    def weigh_first(self, words: Hashes) -> Numbers:
        """Bits of a word that follows anything."""
        bits: Numbers = np.minimum(-np.log2(self._chance(words)), MOST_BITS)
        return bits

    def _chance(self, words: Hashes) -> Numbers:
        n_all = self.word_counts.sum() + _RARE * (len(self.words) + 1)
        chance: Numbers = (_count(self.words, self.word_counts, words) + _RARE) / n_all
        return chance


class Pairs(NamedTuple):
    """Pairs of neighboring words."""

    hashes: Hashes
    """Each once, ascending."""
    place: Places
    """Where the first word of each occurrence is."""
    pair: Places
    """Which pair each occurrence is of."""
    example: Places
    """Where the first word of one occurrence of each pair is."""


def pair_words(words: Words) -> Pairs:
    """Number the pairs of words that lie in one prompt."""
    hashes, place = hash_runs(words, 2)
    order = np.argsort(hashes)
    ordered = hashes[order]
    new = np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(order)]
    pair = np.empty(len(order), np.int64)
    pair[order] = np.cumsum(new) - 1
    return Pairs(ordered[new], place, pair, place[order][new])


def learn_words(words: Words, pairs: Pairs) -> WordModel:
    """Learn from some prompts; what lies before a prompt's start or after its end counts as another word each time."""
    place = pairs.place
    edge = mix(words.prompt[place].astype(np.uint64))
    starts = np.diff(words.prompt, prepend=-1)[place] != 0
    ends = np.diff(words.prompt, append=-1)[place + 1] != 0
    before = np.where(starts, edge, words.hashes[place - 1])
    after = np.where(ends, edge, words.hashes[np.minimum(place + 2, len(words.hashes) - 1)])
    n = len(pairs.hashes)
    counts = np.minimum(_count_distinct(pairs.pair, before, n), _count_distinct(pairs.pair, after, n))
    known, word = np.unique(words.hashes[pairs.example], return_inverse=True)
    return WordModel(known, np.bincount(word, weights=counts).astype(np.int64), pairs.hashes, counts)


def _count_distinct(pair: Places, neighbor: Hashes, n: int) -> Places:
    """Number of distinct neighbors of each pair, told apart by the high bits of their hashes."""
    n_bits = np.uint64(n.bit_length())
    keys = drop_repeats((pair.astype(np.uint64) << (np.uint64(64) - n_bits)) | (neighbor >> n_bits))
    return np.bincount((keys >> (np.uint64(64) - n_bits)).astype(np.int64), minlength=n)


def _count(known: Hashes, counts: Places, wanted: Hashes) -> Places:
    """Counts less one, 0 for what is not known."""
    if not len(known):
        return np.zeros(len(wanted), np.int64)
    place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where(known[place] == wanted, counts[place] - 1, 0)
