"""Choose frames among candidates: the most specific ones that are no mere contents of another one's slots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, vstack

from graphkit.ingest.frame_search import CASE_USES, DISTINCT_BITS, OWN_SURPRISE, Candidates
from graphkit.ingest.template_match import COVERED
from graphkit.ingest.word_model import Numbers
from graphkit.ingest.words import Places

_INSIDE = 0.8
_FOREIGN = 0.3
_LARGE = 0.25
_ENCLOSED = 0.8
_REPLACED = 0.9
_FEW = 0.1
_SAME_WORDS = 0.8
_FEW_WORDS = 2
_WIDER = 2.0
_OPEN_WORDS = 3
_ALTERNATIVE_BITS = 4.0
_CHUNK = 2_048


def choose_frames(candidates: Candidates, *, n_prompts: int) -> Places:
    """Choose frames.

    A candidate is content of slots if nearly all of its prompts are made from other, larger candidates as well. One
    that is within another is a special case of it: it takes its place where few such cases make up nearly all of
    it, stays beside it where it is frequent and long, and is else only what a slot often holds.
    """
    frames = _Frames(candidates, n_prompts)
    live = frames.drop_contents()
    return np.array(sorted(frames.resolve(live)), dtype=np.int64)


class _Frames:
    """Candidates by size, which of them are within which, and which prompts are made from which."""

    def __init__(self, candidates: Candidates, n_prompts: int) -> None:
        self.uses, self.own = candidates.uses, candidates.own
        self.own_surprise = candidates.own + np.log2(candidates.uses / n_prompts)
        self.n = len(candidates.uses)
        self.bits: Numbers = np.asarray(candidates.bits.sum(axis=1), dtype=np.float64).ravel()
        shared = (_ones(candidates.bits) @ candidates.bits.T).tocsr()
        shared.data[shared.data < _FOREIGN * self.bits[shared.indices]] = 0
        shared.eliminate_zeros()
        self.shared = [dict(zip(*_row(shared, place), strict=True)) for place in range(self.n)]
        self.made = match_pairs(candidates.holds, candidates.bits, self.bits)
        self.frames_of_prompt = [dict(zip(*_row(self.made, place), strict=True)) for place in range(self.made.shape[0])]
        self.prompts = [
            [prompt for prompt in _row(candidates.witnesses, place)[0] if place in self.frames_of_prompt[prompt]]
            for place in range(self.n)
        ]
        example, hashes = candidates.pairs.example, candidates.words.hashes
        in_pair = np.stack([hashes[example], hashes[example + 1]], axis=1)
        self.words = [{*in_pair[_row(candidates.bits, place)[0]].ravel().tolist()} for place in range(self.n)]
        n_words = np.bincount(candidates.words.prompt, minlength=candidates.holds.shape[0])
        self.candidates, self.n_words = candidates, n_words
        self.by_size = [int(place) for place in np.lexsort((-self.bits, -self.uses)) if self.prompts[place]]

    def enclosed(self, frame: int, live: npt.NDArray[np.bool_]) -> float:
        """Share of a frame's prompts that are made from live frames of other words, too."""
        foreign = live & (self.uses >= _LARGE * self.uses[frame])
        foreign[list(self.shared[frame])] = False
        prompts = self.prompts[frame]
        made = self.made[prompts]
        return float(np.mean(np.logical_or.reduceat(foreign[made.indices], made.indptr[:-1])))

    def drop_contents(self) -> set[int]:
        """The candidates that are not contents of others' slots; the smallest are dropped first."""
        live = np.zeros(self.n, dtype=bool)
        live[[frame for frame in self.by_size if self.own_surprise[frame] >= OWN_SURPRISE]] = True
        contents = []
        for frame in [*reversed(self.by_size)] * 2:
            if live[frame] and self.enclosed(frame, live) >= _ENCLOSED:
                live[frame] = False
                contents.append(frame)
        return {frame for frame in np.flatnonzero(live).tolist() if not self.is_filled(frame, contents)}

    def is_filled(self, frame: int, contents: Sequence[int]) -> bool:
        """Whether most of a frame is content that other frames are filled with as well."""
        return any(
            self.uses[content] >= _WIDER * self.uses[frame]
            and self.shared[content].get(frame, 0) >= COVERED * self.bits[frame]
            for content in contents
        )

    def drop_variants(self, frames: Sequence[int]) -> list[int]:
        """Frames by size, without those that are a larger one in another order or with other typos."""
        kept: dict[int, None] = {}
        for frame in frames:
            if not any(other in kept and self.is_variant(frame, other) for other in self.shared[frame]):
                kept[frame] = None
        return list(kept)

    def is_variant(self, frame: int, other: int) -> bool:
        """Whether a frame has the words of a larger one, and none of its own; or few words of its own and few uses."""
        words, of_other = self.words[frame], self.words[other]
        n_common = len(words & of_other)
        few = self.uses[frame] < _FEW * self.uses[other]
        return n_common >= _SAME_WORDS * len(of_other) and len(words) - n_common <= (_FEW_WORDS if few else 0)

    def resolve(self, live: set[int]) -> set[int]:
        """Decide between frames and their special cases, from the smallest to the largest."""
        order = [frame for frame in self.by_size if frame in live or self.own_surprise[frame] < OWN_SURPRISE]
        order = self.drop_variants(order)
        rank = {frame: place for place, frame in enumerate(order) if frame in live}
        cases: dict[int, list[int]] = {frame: [] for frame in order}
        whole: list[int] = []
        for place, frame in enumerate(order):
            parent = self.find_parent(frame, place, rank)
            (whole if parent is None else cases[parent]).append(frame)
        settled: dict[int, set[int]] = {}
        for frame in reversed(order):
            settled[frame] = self.settle(frame, self.find_fitting(frame, cases), settled)
        return set().union(*(settled[frame] for frame in whole if frame in live))

    def find_parent(self, frame: int, place: int, rank: Mapping[int, int]) -> int | None:
        """The smallest of the larger frames that share words with a frame, and from which its prompts are made too."""
        made: Counter[int] = Counter()
        bits: Counter[int] = Counter()
        for prompt in self.prompts[frame]:
            frames = self.frames_of_prompt[prompt]
            made.update(frames.keys())
            bits.update(frames)
        parents = [
            (bits[other], rank[other], other)
            for other, n in made.items()
            if n >= _INSIDE * len(self.prompts[frame])
            and rank.get(other, place) < place
            and self.shared[frame].get(other, 0) >= _FOREIGN * self.bits[other]
        ]
        return max(parents)[2] if parents else None

    def find_fitting(self, frame: int, cases: Mapping[int, list[int]]) -> list[int]:
        """The special cases of a frame that can be told from it; in place of others, the cases of those."""
        fitting, waiting = [], list(cases[frame])
        while waiting:
            case = waiting.pop()
            many = self.uses[case] >= _FEW * self.uses[frame]
            if self.uses[case] >= CASE_USES and (many or self.is_distinct(case)):
                fitting.append(case)
            else:
                waiting += cases[case]
        return fitting

    def settle(self, frame: int, cases: list[int], settled: Mapping[int, set[int]]) -> set[int]:
        """A frame, or what takes its place: its special cases, each with what it is settled as."""
        replacing: set[int] = set().union(*(settled[case] for case in cases))
        if self.replaced(frame, replacing) >= _REPLACED:
            return replacing
        beside = [case for case in cases if self.is_distinct(case) or self.is_alternative(frame, case)]
        return {frame}.union(*(settled[case] for case in beside))

    def replaced(self, frame: int, others: set[int]) -> float:
        """Share of a frame's prompts that hold more bits of one of the others."""
        made = [self.frames_of_prompt[prompt] for prompt in self.prompts[frame]]
        return float(
            np.mean(
                [
                    max((bits for other, bits in frames.items() if other in others), default=0) > frames[frame] + 1
                    for frames in made
                ]
            )
        )

    def is_distinct(self, case: int) -> bool:
        """Whether a case has many words of its own, and slots left: else it is but a fixed filling of a slot."""
        if self.own[case] < DISTINCT_BITS:
            return False
        prompts = self.prompts[case]
        n_held = self.candidates.holds[prompts] @ _ones(self.candidates.bits[[case]]).T
        n_open = self.n_words[prompts] - n_held.toarray().ravel() - 1  # so many pairs of words are one word more
        return bool(np.median(n_open) >= _OPEN_WORDS)

    def is_alternative(self, frame: int, case: int) -> bool:
        """Whether a case's prompts lack some of the frame, so that the frame is an alternative itself."""
        made = [self.frames_of_prompt[prompt] for prompt in self.prompts[case]]
        return (
            float(np.mean([frames.get(frame, 0) < self.bits[frame] - _ALTERNATIVE_BITS for frames in made]))
            >= _REPLACED
        )


def match_pairs(holds: csr_array, bits: csr_array, total: Numbers) -> csr_array:
    """Bits of frames that prompts hold, where these are enough: shape (prompts, frames)."""
    columns = bits.T.tocsr()
    parts = [holds[:0] @ columns]
    for start in range(0, holds.shape[0], _CHUNK):
        part = (holds[start : start + _CHUNK] @ columns).tocsr()
        part.data[part.data < COVERED * total[part.indices]] = 0
        part.eliminate_zeros()
        parts.append(part)
    made: csr_array = vstack(parts, format="csr")
    return made


def _ones(matrix: csr_array) -> csr_array:
    ones = matrix.copy()
    ones.data = np.ones_like(ones.data)
    return ones


def _row(matrix: csr_array, place: int) -> tuple[list[int], list[float]]:
    span = slice(matrix.indptr[place], matrix.indptr[place + 1])
    return matrix.indices[span].tolist(), matrix.data[span].tolist()
