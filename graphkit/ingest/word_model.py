"""How surprising a word is after another one, by the prompts' own habits, in bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graphkit.ingest.shingles import hash_runs, join_hashes
from graphkit.ingest.words import Hashes, Places, Words

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


def learn_words(words: Words) -> WordModel:
    """Learn from a sample of prompts."""
    shingles, place = hash_runs(words, 3)
    place = place[np.unique(shingles, return_index=True)[1]]
    one, two, three = (words.hashes[place + offset] for offset in range(3))
    pairs, n_before = np.unique(join_hashes(two, three), return_counts=True)
    starts, n_after = np.unique(join_hashes(one, two), return_counts=True)
    _, in_pairs, in_starts = np.intersect1d(pairs, starts, assume_unique=True, return_indices=True)
    counts = np.ones(len(pairs), np.int64)
    counts[in_pairs] = np.minimum(n_before[in_pairs], n_after[in_starts])
    first = np.zeros(len(pairs), np.uint64)
    first[np.searchsorted(pairs, join_hashes(two, three))] = two
    known, word = np.unique(first, return_inverse=True)
    return WordModel(known, np.bincount(word, weights=counts).astype(np.int64), pairs, counts)


def _count(known: Hashes, counts: Places, wanted: Hashes) -> Places:
    """Counts less one, 0 for what is not known."""
    if not len(known):
        return np.zeros(len(wanted), np.int64)
    place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where(known[place] == wanted, counts[place] - 1, 0)
