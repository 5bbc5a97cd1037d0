"""Raw prompts for synthetic services: thousands of templates, each in words of its own, and what people ask."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pydoc_data.topics import topics

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graphkit.lab.prompts import JITTERS, add_noise

_WORD = re.compile(r"[A-Za-z]{2,}")
_EVENNESS = 0.6
_LABELS = ("Text:", "Input:", "Here it is:")
_SHARE_LABELED, _SHARE_SECOND_SLOT = 0.4, 0.3
_MEDIAN_WORDS, _SPREAD, _MOST_WORDS = 22.0, 0.8, 300
_WORDS_AT_ONCE = 1 << 14

Random = np.random.Generator


def replace_ids_by_prompts(events: pa.Table, *, seed: int, day: int) -> pa.Table:
    """Events with ``prompt`` in place of ``prompt_template``: made from the template, or where it is null from none.

    The same id and seed have the same template; another day has other fillings.
    """
    random = np.random.default_rng((seed, 1, day))
    texts, kinds = _draw_words(random), random.integers(0, len(JITTERS), len(events)).tolist()
    frames: dict[str, tuple[str | None, ...]] = {}
    prompts = []
    for name, kind in zip(events["prompt_template"].to_pylist(), kinds, strict=True):
        if name is None:
            prompts.append(_write(texts, _draw_length(random)))
            continue
        if name not in frames:
            frames[name] = make_own_frame(name, seed=seed)
        sections = [_write(texts, _draw_length(random)) if each is None else each for each in frames[name]]
        prompts.append(add_noise(JITTERS[kind], sections, random))
    place = events.schema.get_field_index("prompt_template")
    return events.set_column(place, "prompt", pa.array(prompts, pa.string()))


def make_own_frame(name: str, *, seed: int) -> tuple[str | None, ...]:
    """The sections of the template of an id, None for slots."""
    random = np.random.default_rng((seed, 2, zlib.crc32(name.encode())))
    texts = _draw_words(random)
    fixed = [_write(texts, int(random.integers(8, 16))) for _ in range(random.integers(1, 4))]
    place = int(random.integers(1, len(fixed) + 1))
    label = [str(random.choice(_LABELS))] if random.random() < _SHARE_LABELED else []
    second = [None] if random.random() < _SHARE_SECOND_SLOT else []
    return (*fixed[:place], *label, None, *fixed[place:], *second)


def _write(words: Iterator[str], n: int) -> str:
    """A sentence of so many words."""
    return " ".join(islice(words, n)).capitalize() + "."


def _draw_length(random: Random) -> int:
    return int(np.clip(random.lognormal(np.log(_MEDIAN_WORDS), _SPREAD), 2, _MOST_WORDS))


def _draw_words(random: Random) -> Iterator[str]:
    """Words without end, some often and most seldom; nothing follows from the words before."""
    words, ladder = _vocabulary()
    while True:
        for place in np.searchsorted(ladder, random.random(_WORDS_AT_ONCE), side="right").tolist():
            yield words[place]


@cache
def _vocabulary() -> tuple[tuple[str, ...], npt.NDArray[np.float64]]:
    """Words of the Python documentation, and the running total of their shares."""
    counts = Counter(_WORD.findall(" ".join(topics.values()).lower()))
    words = tuple(sorted(counts))
    weight = np.array([counts[word] for word in words], dtype=float) ** _EVENNESS
    return words, np.cumsum(weight / weight.sum())
