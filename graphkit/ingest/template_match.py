"""Match prompts to templates: a prompt is made from the one of which it holds the most bits, if it holds enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy.sparse import csr_array

from graphkit.ingest.shingles import Lookup, hash_runs, join_hashes
from graphkit.ingest.word_model import Numbers
from graphkit.ingest.words import Hashes, Places, split_words

COVERED = 0.6
"""Share of a frame's bits that a prompt must hold to be made from it."""
MATCHING_BITS = 12.0
"""Bits that must remain of those after the price of a rare template."""
_MISSING = 0.5


@dataclass(frozen=True, eq=False)
class Template:
    """A template: words that stay, around slots."""

    template_id: str
    frame: str
    """The words with slots as ⟨…⟩; or a digest of them."""
    example: str | None
    """The frame of one prompt, with the number of words in each slot; None where frames are digests."""
    words: Hashes
    """Keyed hashes of the words; 0 for a slot."""
    bits: Numbers
    """Bits of each word; the first after a slot has its own added to the next one's."""
    least_bits: float
    """Bits that a prompt must hold to be made from it."""


@dataclass(frozen=True, eq=False)
class Matcher:
    """Templates, ready for matching."""

    lookup: Lookup
    bits: csr_array
    """Bits of pairs of neighboring words: shape (pairs, templates)."""
    total: Numbers
    least: Numbers


def pair_bits(templates: Sequence[Template]) -> tuple[Hashes, csr_array]:
    """Pairs of neighboring words, and the bits of each in each template: shape (pairs, templates)."""
    pairs, bits, column = [np.zeros(0, np.uint64)], [np.zeros(0)], [np.zeros(0, np.int64)]
    for place, template in enumerate(templates):
        hashes, own = _pairs_of(template)
        pairs.append(hashes)
        bits.append(own)
        column.append(np.full(len(hashes), place))
    known, row = np.unique(np.concatenate(pairs), return_inverse=True)
    shape = (len(known), len(templates))
    return known, csr_array((np.concatenate(bits), (row, np.concatenate(column))), shape)


def _pairs_of(template: Template) -> tuple[Hashes, Numbers]:
    """Each pair of a template once, with the bits of its second word."""
    words, bits = template.words, template.bits
    inside = np.flatnonzero((words[:-1] != 0) & (words[1:] != 0))
    pairs = join_hashes(words[inside], words[inside + 1])
    known, number = np.unique(pairs, return_inverse=True)
    return known, np.bincount(number, weights=bits[inside + 1], minlength=len(known)).astype(np.float64)


def make_matcher(templates: Sequence[Template]) -> Matcher:
    """Make templates ready for matching."""
    pairs, bits = pair_bits(templates)
    least = np.array([template.least_bits for template in templates], dtype=float)
    return Matcher(Lookup(pairs), bits, np.asarray(bits.sum(axis=0), dtype=np.float64).ravel(), least)


def match_prompts(texts: pa.Array, matcher: Matcher, *, key: bytes) -> Places:
    """Place of each prompt's template among the matcher's; -1 where it is made from none.

    Parameters
    ----------
    texts
        Large Arrow text.
    """
    best = np.full(len(texts), -1, np.int64)
    words = split_words(texts, key=key)
    hashes, place = hash_runs(words, 2)
    found, pair = matcher.lookup.find(hashes)
    if not len(found):
        return best
    prompt = words.prompt[place[found]]
    starts = np.flatnonzero(np.diff(prompt, prepend=-1))  # a prompt's words lie together
    prompts = prompt[starts]
    holds = csr_array(
        (np.ones(len(pair)), pair, np.append(starts, len(pair))), shape=(len(prompts), matcher.bits.shape[0])
    )
    holds.sum_duplicates()
    holds.data[:] = 1
    made = (holds @ matcher.bits).tocsr()
    enough = made.data >= matcher.least[made.indices]
    row = np.repeat(np.arange(len(prompts)), np.diff(made.indptr))[enough]
    column, held_bits = made.indices[enough], made.data[enough]
    score = held_bits - _MISSING * (matcher.total[column] - held_bits)
    order = np.lexsort((column, -score, row))
    first = order[np.flatnonzero(np.diff(row[order], prepend=-1))]
    best[prompts[row[first]]] = column[first]
    return best
