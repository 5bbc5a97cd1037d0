"""Write frames out: the words that stay, as most prompts spell them, with slots shown."""

from __future__ import annotations

import hmac
import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from graphkit.ingest.frame_search import LEAST_PAIRS, Candidates
from graphkit.ingest.sketch import Sketch
from graphkit.ingest.template_match import COVERED, MATCHING_BITS, Template
from graphkit.ingest.word_model import Numbers
from graphkit.ingest.words import Hashes, Places, Words, show_words
from graphkit.wording import plural

SLOT = "⟨…⟩"
_MOST_SPELLINGS = 8
_LEAST_RUN_BITS = 5.0
_ROUNDING = 1e-3
_MOST_REPEATS = 3
_GLUE = re.compile(r"[-/.:_#?=&@~%+\\]+")
_BEFORE, _AFTER = re.compile("[(\\[{<\"'\u201c\u2018\u00ab\u00bf\u00a1]{1,2}$"), re.compile(r"[^\w\s]{1,3}")


@dataclass(frozen=True, eq=False)
class _Spelling:
    """A prompt, and which of its words are the frame's."""

    text: str
    words: Words
    bits: Numbers
    """Bits that each word adds; nan for words that are not the frame's."""

    @property
    def runs(self) -> list[tuple[int, int]]:
        """First word and end of each run of the frame's words."""
        edges = np.flatnonzero(np.diff(np.isfinite(self.bits), prepend=False, append=False)).reshape(-1, 2)
        return [(int(first), int(end)) for first, end in edges]

    def count_apart(self) -> int:
        """Pairs of neighboring words of the frame that are not parts of one address, path or name."""
        start, end = self.words.start.tolist(), self.words.end.tolist()
        seconds = (place for first, stop in self.runs for place in range(first + 1, stop))
        return sum(_GLUE.fullmatch(self.text[end[place - 1] : start[place]]) is None for place in seconds)


def write_templates(candidates: Candidates, chosen: Places, sketch: Sketch, *, key: bytes) -> list[Template]:
    """Write chosen candidates out as templates, by id; of two with the same words, one."""
    templates = {}
    prompt = candidates.words.prompt
    first = np.flatnonzero(np.diff(prompt, prepend=-1))
    end = np.append(first[1:], len(prompt))[: len(first)]
    span_of = dict(zip(prompt[first].tolist(), zip(first.tolist(), end.tolist(), strict=True), strict=True))
    whole = [_find_whole(candidates, int(place)) for place in chosen]
    examples = sorted({prompt for prompts, _ in whole for prompt in prompts})
    shown = dict(zip(examples, show_words(sketch.texts.take(pa.array(examples, pa.int64())), key=key), strict=True))
    for place, (prompts, bits_of) in zip(chosen, whole, strict=True):
        spellings = [_spell(candidates, span_of[prompt], bits_of, *shown[prompt]) for prompt in prompts]
        rarity = float(np.log2(sketch.n_prompts / candidates.uses[place]))
        template = _write(spellings, rarity=rarity, key=key)
        if template is not None:
            templates[template.template_id] = template
    return [templates[name] for name in sorted(templates)]


def _find_whole(candidates: Candidates, place: int) -> tuple[list[int], dict[int, float]]:
    """A candidate's prompts that hold most of it; and the bits of its pairs of words."""
    frame = candidates.bits[[place]]
    witnesses = candidates.witnesses[[place]].indices
    held = (candidates.holds[witnesses] @ frame.T).toarray().ravel()
    whole = np.sort(witnesses[held >= held.max() - _ROUNDING])[:_MOST_SPELLINGS]
    return whole.tolist(), dict(zip(frame.indices.tolist(), frame.data.tolist(), strict=True))


def _spell(
    candidates: Candidates, span: tuple[int, int], bits_of: dict[int, float], text: str, words: Words
) -> _Spelling:
    """Tell which words of a prompt, at these places, are a frame's whose pairs of words have these bits."""
    first, end = span
    bits = np.full(end - first, np.nan)
    of_word: dict[int, float] = {}
    pairs = candidates.pairs
    among = slice(*np.searchsorted(pairs.place, [first, end - 1]))
    left = dict(bits_of)
    for place, pair in zip((pairs.place[among] - first).tolist(), pairs.pair[among].tolist(), strict=True):
        if pair in bits_of:
            of_word.setdefault(place, 0.0)
            of_word[place + 1] = left.pop(pair, 0.0)
    bits[list(of_word)] = list(of_word.values())
    spelling = _Spelling(text, words, bits)
    for start, stop in spelling.runs:
        if bits[start:stop].sum() < _LEAST_RUN_BITS:
            bits[start:stop] = np.nan
    if np.isfinite(bits).sum() > _MOST_REPEATS * len(bits_of):
        bits[:] = np.nan  # few pairs over and over: contents, not words that stay
    return spelling


def _write(spellings: list[_Spelling], *, rarity: float, key: bytes) -> Template | None:
    """Write the template as most of the prompts spell it that hold no more of its words than they must.

    None if hardly more than one address, path or name stays.
    """
    n_words = [int(np.isfinite(spelling.bits).sum()) for spelling in spellings]
    shown = [(*_show(spelling), place) for place, spelling in enumerate(spellings) if n_words[place] == min(n_words)]
    times = Counter(frame for frame, _, _ in shown)
    frame, example, place = min(shown, key=lambda each: (-times[each[0]], -len(each[0]), *each))
    if spellings[place].count_apart() < LEAST_PAIRS:
        return None
    words, bits = _sequence(spellings[place])
    least = max(COVERED * float(bits.sum()), MATCHING_BITS + rarity)
    return Template(name_frame(words, key=key), frame, example, words, bits, least)


def _sequence(spelling: _Spelling) -> tuple[Hashes, Numbers]:
    """Hashes and bits of the frame's words, with one zero for each slot."""
    kept = np.isfinite(spelling.bits)
    shown = kept | np.concatenate([[True], kept[:-1]])
    return np.where(kept, spelling.words.hashes, 0)[shown], np.nan_to_num(spelling.bits)[shown]


def _show(spelling: _Spelling) -> tuple[str, str]:
    """The frame, and the same with the number of words in each slot."""
    text, words = spelling.text, spelling.words
    frame: list[str] = []
    example: list[str] = []
    last = 0
    for first, end in [*spelling.runs, (len(words.hashes), len(words.hashes))]:
        if first > last:
            frame.append(SLOT)
            example.append(f"⟨{plural(first - last, 'word')}⟩")
        if end > first:
            run = _clean(text, int(words.start[first]), int(words.end[end - 1]))
            frame.append(run)
            example.append(run)
        last = end
    return " ".join(frame), " ".join(example)


def _clean(text: str, start: int, end: int) -> str:
    """A piece of text with the marks next to it, on one line."""
    before, after = _BEFORE.search(text[max(0, start - 2) : start]), _AFTER.match(text[end : end + 3])
    whole = (before[0] if before else "") + text[start:end] + (after[0] if after else "")
    return " ".join("".join(letter if letter.isprintable() else " " for letter in whole).split())


def name_frame(words: Hashes, *, key: bytes) -> str:
    """The id of a frame, from its words and where slots lie between them."""
    inside = np.flatnonzero(words)
    words = words[inside[0] : inside[-1] + 1] if len(inside) else words[:0]
    digest = hmac.digest(key, b"prompt_template\0" + words.astype("<u8").tobytes(), "sha256")
    return f"t-{digest.hex()[:16]}"
