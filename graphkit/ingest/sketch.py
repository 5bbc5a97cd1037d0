"""A small summary of prompts that can be added to: how often their shingles recur, and a few prompts that hold them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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
    drop_repeats,
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
_FEW_USERS = 10_000
_LOWEST = 4_096
_PART_PROMPTS = 4_096
_PART_BYTES = 1 << 19
_LONGEST_KEPT = 6_000
_AROUND = 3
_MOST_KEPT_BYTES = 12 << 20


class Held(NamedTuple):
    """Shingles and prompts that hold them; pairs may repeat."""

    shingles: Hashes
    prompt: Places


@dataclass(frozen=True, eq=False)
class Sketch:
    """What is known of the prompts seen; it holds some of them as they are, so it stays in memory."""

    n_prompts: int
    lowest: Hashes
    """The lowest hashes of all users, ascending and each once: they tell how many there are."""
    counts: ShingleCounts
    texts: pa.Array
    """Prompts that are kept: witnesses of recurrent shingles, and some at random."""
    held: Held
    """Shingles of the kept prompts."""
    users: Hashes
    """Who each kept prompt is from: its account, or the words themselves where no accounts are given."""
    order: Hashes
    """A random number for each kept prompt, made from its user and words."""
    least: int = LEAST_USES
    """Users from which a shingle recurs; more than asked for where the witnesses of all would not fit."""


def empty_sketch() -> Sketch:
    """A sketch of no prompts."""
    nothing = np.zeros(0, np.uint64)
    return Sketch(
        0, nothing, count_shingles(nothing), pa.array([], pa.large_string()), _join_held([]), nothing, nothing
    )


def add_prompts(sketch: Sketch, texts: pa.Array, users: Hashes | None, *, key: bytes, pool: Executor) -> Sketch:
    """Add a batch of prompts to a sketch, see ``add_batches``."""
    return add_batches(sketch, [(texts, users)], key=key, pool=pool)


def add_batches(
    sketch: Sketch, batches: Iterable[tuple[pa.Array, Hashes | None]], *, key: bytes, pool: Executor
) -> Sketch:
    """Add prompts to a sketch; while one batch is added, the next one is read.

    Parameters
    ----------
    batches
        Large Arrow text, and the hash of each prompt's user; None to take each prompt as another user's.
    pool
        Threads that read.
    """
    n_before, waiting = sketch.n_prompts, None
    for texts, users in batches:
        batch = _begin_batch(pc.fill_null(texts, ""), users, n_before, key=key, pool=pool)
        n_before += len(texts)
        if waiting is not None:
            sketch = _merge(sketch, *waiting(), key=key)
        waiting = batch
    return sketch if waiting is None else _merge(sketch, *waiting(), key=key)


class _Read(NamedTuple):
    """What is read of some prompts."""

    lowest: Hashes
    tagged: Hashes
    users: Hashes
    order: Hashes
    held: Held


def _begin_batch(
    texts: pa.Array, users: Hashes | None, n_before: int, *, key: bytes, pool: Executor
) -> Callable[[], tuple[Sketch, list[Held]]]:
    """Begin to read a batch; gives a function that waits for its sketch, all prompts kept, and what they hold."""

    def read(first: int, part: pa.Array) -> _Read:
        words = split_words(part, key=key)
        own = _hash_prompts(words, len(part))
        number = np.arange(len(part), dtype=np.uint64) + np.uint64(n_before + first)
        by, counted = (own, mix(own + mix(number))) if users is None else [users[first : first + len(part)]] * 2
        shingles, place = hash_shingles(words)
        prompt = words.prompt[place]
        tagged, held = tag_shingles(shingles, counted[prompt]), Held(shingles, prompt + first)
        return _Read(_find_lowest([counted]), tagged, by, mix(own + by), held)

    def count() -> ShingleCounts:
        return count_shingles(drop_repeats(_join([part.result().tagged for part in parts])))

    parts = [pool.submit(read, first, part) for first, part in _split_batch(texts)]
    counts = pool.submit(count)  # begins when all of the parts have begun, so it waits for none that waits for it

    def wait() -> tuple[Sketch, list[Held]]:
        done = [part.result() for part in parts]
        lowest = _find_lowest([part.lowest for part in done])
        by, order = _join([part.users for part in done]), _join([part.order for part in done])
        sketch = Sketch(len(texts), lowest, counts.result(), texts, _join_held([]), by, order)
        return sketch, [part.held for part in done]

    return wait


def merge_sketches(first: Sketch, second: Sketch, *, key: bytes) -> Sketch:
    """Sketch of the prompts of both; those that are kept are chosen anew."""
    return _merge(first, second, [second.held], key=key)


def _merge(first: Sketch, second: Sketch, held: Sequence[Held], *, key: bytes) -> Sketch:
    """Merge two sketches, the prompts of the second of which hold these shingles."""
    lowest = _find_lowest([first.lowest, second.lowest])
    whole = Sketch(
        first.n_prompts + second.n_prompts,
        lowest,
        merge_counts(first.counts, second.counts),
        pa.concat_arrays([first.texts, second.texts]),
        first.held,
        np.concatenate([first.users, second.users]),
        np.concatenate([first.order, second.order]),
        max(first.least, second.least, least_uses(_count_users(lowest))),
    )
    recurrent = Recurrent(whole)
    parts = [first.held, *(part._replace(prompt=part.prompt + len(first.texts)) for part in held)]
    shingle, prompt = recurrent.find(parts)
    shingle, prompt = find_witnesses(shingle, prompt, whole.users, whole.order, recurrent.uses)
    uses = recurrent.uses[shingle]
    n_bytes = np.minimum(pc.binary_length(whole.texts).to_numpy(zero_copy_only=False), _LONGEST_KEPT)
    least, kept = whole.least, _flag(prompt, len(n_bytes))
    while n_bytes[kept].sum() > _MOST_KEPT_BYTES:
        least += max(1, least // 4)
        kept = _flag(prompt[uses >= least], len(n_bytes))
    kept[np.argsort(whole.order, kind="stable")[:_RANDOM_PROMPTS]] = True
    texts, left = _shorten(whole.texts.filter(pa.array(kept)), _keep(parts, kept), recurrent, key=key)
    return replace(whole, texts=texts, held=left, users=whole.users[kept], order=whole.order[kept], least=least)


def _join_held(parts: Sequence[Held]) -> Held:
    return Held(_join([part.shingles for part in parts]), _join([part.prompt for part in parts], np.int64))


def _keep(parts: Sequence[Held], kept: npt.NDArray[np.bool_]) -> Held:
    """What the kept prompts hold, numbered anew."""
    number, left = np.cumsum(kept) - 1, []
    for part in parts:
        inside = np.flatnonzero(kept[part.prompt])
        left.append(Held(part.shingles[inside], number[part.prompt[inside]]))
    return _join_held(left)


def _flag(places: Places, n: int) -> npt.NDArray[np.bool_]:
    flags = np.zeros(n, dtype=bool)
    flags[places] = True
    return flags


def least_uses(n_users: int) -> int:
    """Users from which a shingle recurs: three, and one more each time that there are twice as many of them."""
    return LEAST_USES + max(0, (n_users // _FEW_USERS).bit_length() - 1)


def _find_lowest(users: list[Hashes]) -> Hashes:
    return drop_repeats(_join(users))[:_LOWEST]


def _count_users(lowest: Hashes) -> int:
    """How many there are, estimated where there are many (Bar-Yossef et al., 2002)."""
    return len(lowest) if len(lowest) < _LOWEST else round((_LOWEST - 1) * 2.0**64 / float(lowest[-1]))


class Recurrent:
    """The shingles that recur."""

    def __init__(self, sketch: Sketch) -> None:
        often = sketch.counts.uses >= sketch.least
        self.uses = sketch.counts.uses[often]
        self.lookup = Lookup(sketch.counts.shingles[often])

    def find(self, held: Sequence[Held]) -> tuple[Places, Places]:
        """Number of a recurrent shingle, and a prompt that holds it, for each that is held."""
        found = [(part, *self.lookup.find(part.shingles)) for part in held]
        shingle = _join([shingle for _, _, shingle in found], np.int64)
        return shingle, _join([part.prompt[place] for part, place, _ in found], np.int64)


def find_witnesses(
    shingle: Places, prompt: Places, users: Hashes, order: Hashes, uses: Places
) -> tuple[Places, Places]:
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
    shingle, prompt
        The chosen pairs, by shingle.
    """
    bound = np.minimum(1.0, 4.0 * WITNESSES / np.maximum(uses, 1)) * 2.0**64
    low = users[prompt] <= bound[shingle]  # few of a common shingle's users can be among the lowest
    low |= (np.bincount(shingle[low], minlength=len(uses)) < WITNESSES)[shingle]
    by_user = np.lexsort((order, users))
    rank = np.empty(len(users), np.int64)
    rank[by_user] = np.arange(len(users))
    near = np.sort(shingle[low] * len(users) + rank[prompt[low]])
    shingle, place = np.divmod(near, max(len(users), 1))
    user = users[by_user][place]
    starts = np.diff(shingle, prepend=-1) != 0
    new_user = starts | np.concatenate([[True], user[1:] != user[:-1]])[: len(user)]
    shingle, place = shingle[new_user], place[new_user]
    nth = np.arange(len(shingle)) - np.searchsorted(shingle, shingle)
    return shingle[nth < WITNESSES], by_user[place[nth < WITNESSES]]


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


def _shorten(texts: pa.Array, held: Held, recurrent: Recurrent, *, key: bytes) -> tuple[pa.Array, Held]:
    """Of long prompts, their recurrent shingles with a few words around them, from the start and from the end."""
    long = np.flatnonzero(pc.binary_length(texts).to_numpy(zero_copy_only=False) > _LONGEST_KEPT)
    if not len(long):
        return texts, held
    shown = show_words(texts.take(pa.array(long)), key=key)
    short = pa.array([_cut_out(text, words, recurrent) for text, words in shown], pa.large_string())
    is_long = _flag(long, len(texts))
    words = split_words(short, key=key)
    shingles, place = hash_shingles(words)
    others = np.flatnonzero(~is_long[held.prompt])
    held = _join_held([Held(held.shingles[others], held.prompt[others]), Held(shingles, long[words.prompt[place]])])
    return pc.replace_with_mask(texts, pa.array(is_long), short), held


def _cut_out(text: str, words: Words, recurrent: Recurrent) -> str:
    shingles, place = hash_shingles(words)
    near = np.zeros(len(words.hashes) + 2 * _AROUND, dtype=bool)
    for offset in range(SHINGLE_WORDS + 2 * _AROUND):
        near[place[recurrent.lookup.find(shingles)[0]] + offset] = True
    kept = near[_AROUND : _AROUND + len(words.hashes)]
    edge = np.flatnonzero(np.diff(kept, prepend=False, append=False)).reshape(-1, 2)
    pieces = [text[words.start[first] : words.end[last - 1] + 1] for first, last in edge]
    cut = "\n".join(pieces)
    half = _LONGEST_KEPT // 2
    return cut if len(cut) <= 2 * half else f"{cut[:half]}\n{cut[-half:]}"
