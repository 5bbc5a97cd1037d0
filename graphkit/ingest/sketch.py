"""A small summary of prompts that can be added to: how often their shingles recur, and a few prompts that hold them."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graphkit.ingest.shingles import (
    SHINGLE_WORDS,
    Lookup,
    ShingleCounts,
    count_shingles,
    hash_shingles,
    merge_counts,
    tag_shingles,
)
from graphkit.ingest.words import Hashes, Places, Words, iterate_chunks, mix, show_words, split_words

LEAST_USES = 3
"""Users from which something recurs, among few prompts."""
WITNESSES = 32
"""Users of a recurrent shingle of whom a prompt is kept."""

_RANDOM_PROMPTS = 6_000
_FEW_PROMPTS = 10_000
_PART_PROMPTS = 4_096
_PART_BYTES = 1 << 20
_LONGEST_KEPT = 6_000
_AROUND = 3
_MOST_KEPT_BYTES = 12 << 20


@dataclass(frozen=True, eq=False)
class Sketch:
    """What is known of the prompts seen; it holds some of them as they are, so it stays in memory."""

    n_prompts: int
    counts: ShingleCounts
    texts: pa.Array
    """Prompts that are kept: witnesses of recurrent shingles, and some at random."""
    users: Hashes
    """Who each kept prompt is from: its account, or the words themselves where no accounts are given."""
    order: Hashes
    """A random number for each kept prompt, made from its user and words."""
    least: int = LEAST_USES
    """Users from which a shingle recurs; more than asked for where the witnesses of all would not fit."""


def empty_sketch() -> Sketch:
    """A sketch of no prompts."""
    nothing = np.zeros(0, np.uint64)
    return Sketch(0, count_shingles([]), pa.array([], pa.large_string()), nothing, nothing)


def add_prompts(sketch: Sketch, texts: pa.Array, users: Hashes | None, *, key: bytes, pool: Executor) -> Sketch:
    """Add a batch of prompts to a sketch.

    Parameters
    ----------
    texts
        Large Arrow text.
    users
        Hash of each prompt's user; None to take each prompt as another user's.
    pool
        Threads that share the work.
    """
    texts = pc.fill_null(texts, "")

    def read(first: int, part: pa.Array) -> _Read:
        words = split_words(part, key=key)
        own = _hash_prompts(words, len(part))
        number = np.arange(len(part), dtype=np.uint64) + np.uint64(sketch.n_prompts + first)
        by, counted = (own, mix(own + mix(number))) if users is None else [users[first : first + len(part)]] * 2
        shingles, place = hash_shingles(words)
        prompt = words.prompt[place]
        return _Read(tag_shingles(shingles, counted[prompt]), by, mix(own + by), (shingles, prompt + first))

    parts = list(pool.map(lambda part: read(*part), _split_batch(texts)))
    batch = Sketch(
        len(texts),
        count_shingles([part.tagged for part in parts]),
        texts,
        _join([part.users for part in parts]),
        _join([part.order for part in parts]),
    )
    held = _move([part.held for part in parts], len(sketch.texts))
    return _merge(sketch, batch, [*_shingle(sketch.texts, key=key, pool=pool), *held], key=key)


class _Read(NamedTuple):
    """What is read of some prompts."""

    tagged: Hashes
    users: Hashes
    order: Hashes
    held: tuple[Hashes, Places]


def merge_sketches(first: Sketch, second: Sketch, *, key: bytes, pool: Executor) -> Sketch:
    """Sketch of the prompts of both; those that are kept are chosen anew."""
    held = [_shingle(sketch.texts, key=key, pool=pool) for sketch in (first, second)]
    return _merge(first, second, [*held[0], *_move(held[1], len(first.texts))], key=key)


def _shingle(texts: pa.Array, *, key: bytes, pool: Executor) -> list[tuple[Hashes, Places]]:
    """Shingles of prompts, and their prompts."""

    def read(first: int, part: pa.Array) -> tuple[Hashes, Places]:
        words = split_words(part, key=key)
        shingles, place = hash_shingles(words)
        return shingles, words.prompt[place] + first

    return list(pool.map(lambda part: read(*part), _split_batch(texts)))


def _move(held: list[tuple[Hashes, Places]], n: int) -> list[tuple[Hashes, Places]]:
    return [(shingles, prompt + n) for shingles, prompt in held]


def _merge(first: Sketch, second: Sketch, held: list[tuple[Hashes, Places]], *, key: bytes) -> Sketch:
    """Merge two sketches whose kept prompts hold these shingles."""
    whole = Sketch(
        first.n_prompts + second.n_prompts,
        merge_counts(first.counts, second.counts),
        pa.concat_arrays([first.texts, second.texts]),
        np.concatenate([first.users, second.users]),
        np.concatenate([first.order, second.order]),
        max(first.least, second.least, least_uses(first.n_prompts + second.n_prompts)),
    )
    recurrent = Recurrent(whole)
    found = [(recurrent.lookup.find(shingles), prompt) for shingles, prompt in held]
    shingle = _join([shingle for (_, shingle), _ in found], np.int64)
    prompt = _join([prompt[place] for (place, _), prompt in found], np.int64)
    chosen = find_witnesses(shingle, prompt, whole.users, whole.order, recurrent.uses)
    uses, prompt = recurrent.uses[shingle[chosen]], prompt[chosen]
    n_bytes = np.minimum(pc.binary_length(whole.texts).to_numpy(zero_copy_only=False), _LONGEST_KEPT)
    least, kept = whole.least, _flag(prompt, len(n_bytes))
    while n_bytes[kept].sum() > _MOST_KEPT_BYTES:
        least += max(1, least // 4)
        kept = _flag(prompt[uses >= least], len(n_bytes))
    kept[np.argsort(whole.order, kind="stable")[:_RANDOM_PROMPTS]] = True
    texts = _shorten(whole.texts.filter(pa.array(kept)), recurrent, key=key)
    return replace(whole, texts=texts, users=whole.users[kept], order=whole.order[kept], least=least)


def _flag(places: Places, n: int) -> npt.NDArray[np.bool_]:
    flags = np.zeros(n, dtype=bool)
    flags[places] = True
    return flags


def least_uses(n_prompts: int) -> int:
    """Users from which a shingle recurs: three, and one more each time that there are twice as many prompts."""
    return LEAST_USES + max(0, (max(n_prompts, 1) // _FEW_PROMPTS).bit_length() - 1)


class Recurrent:
    """The shingles that recur."""

    def __init__(self, sketch: Sketch) -> None:
        often = sketch.counts.uses >= sketch.least
        self.uses = sketch.counts.uses[often]
        self.lookup = Lookup(sketch.counts.shingles[often])


def find_witnesses(shingle: Places, prompt: Places, users: Hashes, order: Hashes, uses: Places) -> Places:
    """Choose for each shingle the prompts that stand for it: one each of the users whose hashes are the lowest.

    Parameters
    ----------
    shingle, prompt
        A shingle and a prompt that holds it; pairs may repeat.
    users, order
        Of each prompt.
    uses
        Of each shingle.

    Returns
    -------
    Places of the chosen pairs, by shingle.
    """
    bound = np.minimum(1.0, 4.0 * WITNESSES / np.maximum(uses, 1)) * 2.0**64
    low = users[prompt] <= bound[shingle]  # few of a common shingle's users can be among the lowest
    low |= (np.bincount(shingle[low], minlength=len(uses)) < WITNESSES)[shingle]
    near = np.flatnonzero(low)
    rank = np.empty(len(users), np.int64)
    rank[np.lexsort((order, users))] = np.arange(len(users))
    by_user = near[np.argsort(shingle[near] * len(users) + rank[prompt[near]], kind="stable")]
    shingle, user = shingle[by_user], users[prompt[by_user]]
    starts = np.diff(shingle, prepend=-1) != 0
    new_user = starts | np.concatenate([[True], user[1:] != user[:-1]])[: len(user)]
    by_user, shingle = by_user[new_user], shingle[new_user]
    nth = np.arange(len(shingle)) - np.searchsorted(shingle, shingle)
    chosen: Places = by_user[nth < WITNESSES]
    return chosen


def _split_batch(texts: pa.Array) -> list[tuple[int, pa.Array]]:
    whole = pa.chunked_array([texts], pa.large_string())
    return list(iterate_chunks(whole, n_prompts=_PART_PROMPTS, n_bytes=_PART_BYTES))


def _join(parts: list[npt.NDArray[Any]], dtype: Any = np.uint64) -> npt.NDArray[Any]:
    return np.concatenate([np.zeros(0, dtype), *parts])


def _hash_prompts(words: Words, n: int) -> Hashes:
    """Hash of each prompt's words; 0 for one without."""
    order = np.zeros(n, np.uint64)
    total = np.concatenate([np.zeros(1, np.uint64), np.cumsum(words.hashes, dtype=np.uint64)])
    start = np.flatnonzero(np.diff(words.prompt, prepend=-1))
    order[words.prompt[start]] = total[np.append(start[1:], len(words.prompt))] - total[start]
    return mix(order)


def _shorten(texts: pa.Array, recurrent: Recurrent, *, key: bytes) -> pa.Array:
    """Of long prompts, their recurrent shingles with a few words around them, from the start and from the end."""
    long = np.flatnonzero(pc.binary_length(texts).to_numpy(zero_copy_only=False) > _LONGEST_KEPT)
    if not len(long):
        return texts
    short = [_cut_out(texts[int(place)].as_py(), recurrent, key=key) for place in long]
    mask = np.zeros(len(texts), dtype=bool)
    mask[long] = True
    return pc.replace_with_mask(texts, pa.array(mask), pa.array(short, pa.large_string()))


def _cut_out(text: str, recurrent: Recurrent, *, key: bytes) -> str:
    shown, words = show_words(text, key=key)
    shingles, place = hash_shingles(words)
    near = np.zeros(len(words.hashes) + 2 * _AROUND, dtype=bool)
    for offset in range(SHINGLE_WORDS + 2 * _AROUND):
        near[place[recurrent.lookup.find(shingles)[0]] + offset] = True
    kept = near[_AROUND : _AROUND + len(words.hashes)]
    edge = np.flatnonzero(np.diff(kept, prepend=False, append=False)).reshape(-1, 2)
    pieces = [shown[words.start[first] : words.end[last - 1] + 1] for first, last in edge]
    cut = "\n".join(pieces)
    half = _LONGEST_KEPT // 2
    return cut if len(cut) <= 2 * half else f"{cut[:half]}\n{cut[-half:]}"
