"""Find candidate frames: runs of words that recur together, and what the prompts that hold them have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from graphkit.ingest.shingles import hash_shingles
from graphkit.ingest.sketch import Recurrent, Sketch, find_witnesses
from graphkit.ingest.word_model import Numbers, Pairs, WordModel, learn_words, pair_words
from graphkit.ingest.words import Hashes, Places, Words, split_words

TOGETHER = 0.85
"""Share of the prompts with one shingle that hold another one, from which the two belong to one core."""
COMMON = 0.6
"""Share of a core's prompts that hold a pair of words, from which it belongs to the frame."""
DISTINCT_BITS = 30.0
"""Bits of its own words from which a special case of a frame can be told from it however rare it is."""
_SMALL_SHARE = 0.02
OWN_SURPRISE = 5.0
"""Bits of the words of its own by which a frame must be more used than chance has it, to stand alone."""
CASE_BITS, CASE_USES = 4.0, 10
"""Bits of its own words, and users, that a special case of another frame must have."""
LEAST_PAIRS = 4
"""Pairs of neighboring words that a frame must have."""
_LEAST_BITS = 24.0
_LEAST_SURPRISE = 18.0
_HALF = 0.5
_IN_ORDER = 0.2
_MOST_CANDIDATES = 4_000
_OWN_USES = 2.0


@dataclass(frozen=True, eq=False)
class Candidates:
    """Candidate frames; a row of each matrix is a candidate."""

    words: Words
    """Of the prompts that the sketch keeps."""
    pairs: Pairs
    """Of their neighboring words."""
    holds: csr_array
    """1 where a kept prompt holds a pair of words: shape (kept prompts, pairs)."""
    bits: csr_array
    """Bits of each pair of words of a frame: shape (candidates, pairs)."""
    witnesses: csr_array
    """1 for the kept prompts that stand for the frame: shape (candidates, kept prompts)."""
    uses: Places
    """Users of the frame's core, estimated."""
    surprise: Numbers
    """Bits by which the frame is more used than its words' habits let expect."""
    own: Numbers
    """Bits of those of its words that are hardly used outside of it."""


def find_candidates(sketch: Sketch, *, key: bytes) -> Candidates:
    """Find the frames that are more used than chance has it; most are parts or contents of others."""
    recurrent = Recurrent(sketch)
    words = split_words(sketch.texts, key=key)
    pairs = pair_words(words)
    model = learn_words(words, pairs)
    shingles, place = hash_shingles(words)
    found, shingle = recurrent.lookup.find(shingles)
    occurrences = _Occurrences(shingle, words.prompt[place[found]], place[found], recurrent.uses, sketch)
    shingle_bits = np.zeros(len(recurrent.uses))
    shingle_bits[shingle] = model.weigh(words.hashes[place[found] + 1], words.hashes[place[found] + 2])
    core, n_cores = _find_cores(occurrences)
    witnesses = _find_core_prompts(occurrences, core, n_cores)
    uses = _median_uses(recurrent.uses, core, n_cores)
    holds = _incidence(words.prompt[pairs.place], pairs.pair, (len(sketch.texts), len(pairs.hashes)))
    frames = _share(witnesses, holds, COMMON)
    bits = _weigh(frames, words.hashes[pairs.example], words.hashes[pairs.example + 1], model)
    total = np.asarray(bits.sum(axis=1), dtype=np.float64).ravel()
    frequency: Numbers = np.log2(np.maximum(uses, 1) / max(sketch.n_prompts, 1))
    surprise = total + frequency
    in_order, context = _weigh_shingles(occurrences, witnesses, uses, shingle_bits)
    own = _weigh_own(bits, uses, _count_pair_uses(shingle, place[found], recurrent.uses, pairs))
    alone = own + frequency >= OWN_SURPRISE
    case = (own >= CASE_BITS) & (uses >= CASE_USES)
    distinct = (context < _LEAST_BITS) | ((own >= DISTINCT_BITS) & (uses >= CASE_USES))
    distinct &= in_order >= _IN_ORDER * total  # else its words come in any order
    distinct &= np.diff(bits.indptr) >= LEAST_PAIRS
    kept = np.flatnonzero((total >= _LEAST_BITS) & (surprise >= _LEAST_SURPRISE) & distinct & (alone | case))
    if len(kept) > _MOST_CANDIDATES:
        told = uses[kept] * own[kept]
        kept = np.sort(kept[np.argsort(-told, kind="stable")[:_MOST_CANDIDATES]])
    return Candidates(words, pairs, holds, bits[kept], witnesses[kept], uses[kept], surprise[kept], own[kept])


class _Occurrences:
    """Where the recurrent shingles occur in the kept prompts."""

    def __init__(self, shingle: Places, prompt: Places, place: Places, uses: Places, sketch: Sketch) -> None:
        self.shingle, self.prompt, self.place, self.uses = shingle, prompt, place, uses
        self.n_prompts = len(sketch.texts)
        chosen, witness = find_witnesses(shingle, prompt, sketch.users, sketch.order, uses)
        self.witnesses = _incidence(chosen, witness, (len(uses), self.n_prompts))
        self.n_witnesses = np.diff(self.witnesses.indptr)
        self.holds = _incidence(prompt, shingle, (self.n_prompts, len(uses)))
        self.in_witness = np.isin(shingle * self.n_prompts + prompt, chosen * self.n_prompts + witness)


def _find_cores(occurrences: _Occurrences) -> tuple[Places, int]:
    """Label shingles that occur together: first those that follow one another, then chains of them."""
    n = len(occurrences.uses)
    chain = _link_followers(occurrences)
    n_chains = int(chain.max(initial=-1)) + 1
    by_use = np.lexsort((-occurrences.uses, chain))
    leader = by_use[np.flatnonzero(np.diff(chain[by_use], prepend=-1))]
    held = _hold_half(occurrences.holds, chain, n_chains)
    together = (occurrences.witnesses[leader] @ held).tocoo()
    often = together.data >= TOGETHER * occurrences.n_witnesses[leader][together.row]
    one_way = _incidence(together.row[often], together.col[often], (n_chains, n_chains))
    n_cores, core_of_chain = connected_components(one_way.multiply(one_way.T), directed=False)
    return core_of_chain.astype(np.int64)[chain] if n else chain, n_cores if n else 0


def _link_followers(occurrences: _Occurrences) -> Places:
    """Label shingles of which one nearly always comes right after the other."""
    shingle, prompt, n = occurrences.shingle, occurrences.prompt, len(occurrences.uses)
    first = np.flatnonzero((prompt[1:] == prompt[:-1]) & (np.diff(occurrences.place) == 1))
    keys, step = np.unique(shingle[first] * n + shingle[first + 1], return_inverse=True)
    a, b = keys // max(n, 1), keys % max(n, 1)

    def count(among: npt.NDArray[np.bool_]) -> Places:
        seen = np.unique(step[among] * occurrences.n_prompts + prompt[first[among]]) // max(occurrences.n_prompts, 1)
        return np.bincount(seen, minlength=len(keys))

    tied = count(occurrences.in_witness[first]) >= TOGETHER * occurrences.n_witnesses[a]
    tied &= count(occurrences.in_witness[first + 1]) >= TOGETHER * occurrences.n_witnesses[b]
    return connected_components(_incidence(a[tied], b[tied], (n, n)), directed=False)[1].astype(np.int64)


def _find_core_prompts(occurrences: _Occurrences, core: Places, n_cores: int) -> csr_array:
    """Kept prompts that witness a shingle of a core and hold half of the core: shape (cores, kept prompts)."""
    members = _incidence(core, np.arange(len(core)), (n_cores, len(core)))
    witnesses = (members @ occurrences.witnesses).tocsr()
    witnesses.data[:] = 1
    prompts: csr_array = witnesses.multiply(_hold_half(occurrences.holds, core, n_cores).T).tocsr()
    return prompts


def _hold_half(holds: csr_array, group: Places, n_groups: int) -> csr_array:
    """1 where a prompt holds half of a group's shingles."""
    members = _incidence(np.arange(len(group)), group, (len(group), n_groups))
    held: csr_array = (holds @ members).tocsr()
    held.data = (held.data >= _HALF * np.bincount(group, minlength=n_groups)[held.indices]).astype(np.float32)
    held.eliminate_zeros()
    return held


def _median_uses(uses: Places, core: Places, n_cores: int) -> Places:
    order = np.lexsort((uses, core))
    size = np.bincount(core, minlength=n_cores)
    medians: Places = uses[order][np.cumsum(size) - size + size // 2]
    return medians


def _weigh_shingles(
    occurrences: _Occurrences, witnesses: csr_array, uses: Places, bits: Numbers
) -> tuple[Numbers, Numbers]:
    """Bits of the shingles that a frame's prompts share; and of those among them that are used far more than it."""
    frames = _share(witnesses, occurrences.holds, COMMON)
    row = np.repeat(np.arange(len(uses)), np.diff(frames.indptr))
    own, larger = bits[frames.indices], _SMALL_SHARE * occurrences.uses[frames.indices] > uses[row]
    whole, context = (np.bincount(row, weights=each, minlength=len(uses)) for each in (own, own * larger))
    return whole.astype(np.float64), context.astype(np.float64)


def _share(witnesses: csr_array, holds: csr_array, least: float) -> csr_array:
    """Share of a candidate's prompts that hold each pair of words, where it is large enough."""
    shared: csr_array = (witnesses @ holds).tocsr()
    n_witnesses = np.maximum(np.diff(witnesses.indptr), 1)
    shared.data /= np.repeat(n_witnesses, np.diff(shared.indptr)).astype(np.float32)
    shared.data[shared.data < least] = 0
    shared.eliminate_zeros()
    return shared


def _weigh(frames: csr_array, first: Hashes, second: Hashes, model: WordModel) -> csr_array:
    """Bits of each frame's pairs: those of the second word after the first, and of a first that nothing precedes."""
    bits = frames.copy()
    row = np.repeat(np.arange(frames.shape[0]), np.diff(frames.indptr)).astype(np.int64)
    first, second = first[frames.indices], second[frames.indices]
    names, number = np.unique(np.concatenate([first, second]), return_inverse=True)
    one, other = number[: len(first)], number[len(first) :]
    opens = ~np.isin(row * len(names) + one, row * len(names) + other)
    bits.data = model.weigh(first, second) + opens * model.weigh_first(first)
    return bits


def _count_pair_uses(shingle: Places, place: Places, uses: Places, pairs: Pairs) -> Places:
    """Users of each pair of words, by the most used shingle that holds it; 0 where none recurs."""
    counted = np.zeros(len(pairs.hashes), np.int64)
    first = np.searchsorted(pairs.place, place)  # a shingle holds the pair at its place and the next one
    for one in (first, first + 1):
        np.maximum.at(counted, pairs.pair[one], uses[shingle])
    return counted


def _weigh_own(bits: csr_array, uses: Places, pair_uses: Places) -> Numbers:
    row = np.repeat(np.arange(len(uses)), np.diff(bits.indptr))
    own = pair_uses[bits.indices] <= _OWN_USES * uses[row]
    return np.bincount(row, weights=bits.data * own, minlength=len(uses)).astype(np.float64)


def _incidence(row: npt.NDArray[Any], column: npt.NDArray[Any], shape: tuple[int, int]) -> csr_array:
    """A matrix with 1 at each of these places."""
    matrix = csr_array((np.ones(len(row), np.float32), (row, column)), shape)
    matrix.sum_duplicates()
    matrix.data[:] = 1
    return matrix
