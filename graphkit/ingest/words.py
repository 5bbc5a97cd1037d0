"""Split prompts into words, as 64-bit hashes of their plain letters: whole batches at once, over one buffer of text."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graphkit.errors import InputError
from graphkit.ingest.characters import GAP, INVISIBLE, LETTER, WORD, characters
from graphkit.ingest.sources import shorten

Hashes = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]

LONGEST_PROMPT = 1 << 20
"""Bytes of a prompt that are read; of a longer one, its first and its last half of them."""

_STEP = np.uint64(0x9E3779B97F4A7C15)
_USUAL_BITS = 21


@dataclass(frozen=True, eq=False)
class Words:
    """The words of a batch of prompts, prompt by prompt; a prompt's words lie together, in their order."""

    hashes: Hashes
    prompt: Places
    """Place of each word's prompt in the batch, not necessarily ascending."""
    start: Places
    """Where a word starts in ``text`` of its prompt's alphabet: bytes of ASCII, else code points."""
    end: Places


def read_prompts(prompts: Any) -> pa.ChunkedArray:
    """Prompts as Arrow text: nulls stay, bytes that are no UTF-8 are replaced, other values are written as text.

    Raises
    ------
    InputError
        If they cannot be read as a column.
    """
    try:
        values = pa.chunked_array(prompts) if isinstance(prompts, pa.ChunkedArray) else _to_arrow(prompts)
        return pa.chunked_array([_to_text(chunk) for chunk in values.chunks], pa.large_string())
    except (pa.ArrowException, TypeError, ValueError) as error:
        reason = shorten(str(error).split("\n", 1)[0])
        raise InputError(f"prompts: cannot be read as a column of text ({reason}); give one text a prompt") from error


def _to_arrow(prompts: Any) -> pa.ChunkedArray:
    try:
        values = pa.array(prompts, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError):
        values = pa.array([_spell(value) for value in prompts], pa.large_string())
    return values if isinstance(values, pa.ChunkedArray) else pa.chunked_array([values])


def _spell(value: Any) -> str | None:
    """A value among values of several types, or one that holds half a character, as text."""
    if value is None or value != value:  # noqa: PLR0124  # a NaN
        return None
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "replace")
    return str(value).encode("utf-8", "replace").decode()


def _to_text(chunk: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(chunk.type):
        chunk = chunk.dictionary_decode()
    try:
        return chunk.cast(pa.large_string())
    except pa.ArrowInvalid:
        return pa.array([_spell(value) for value in chunk.to_pylist()], pa.large_string())


def split_words(texts: pa.Array, *, key: bytes) -> Words:
    """Split prompts into words.

    Parameters
    ----------
    texts
        Large Arrow text; a null is a prompt without words.
    key
        Secret from which the words' hashes are made.
    """
    texts = _cut(pc.fill_null(texts, ""))
    places = np.arange(len(texts))
    foreign = _holds_beyond_ascii(texts)
    if not foreign.any():
        return _split(*_read_ascii(texts), places, key=key)
    ascii_part = _split(*_read_ascii(texts.filter(pa.array(~foreign))), places[~foreign], key=key)
    other_part = _split(*_read_unicode(texts.filter(pa.array(foreign))), places[foreign], key=key)
    return Words(
        *(
            np.concatenate([getattr(part, name) for part in (ascii_part, other_part)])
            for name in ("hashes", "prompt", "start", "end")
        )
    )


def show_words(text: str, *, key: bytes) -> tuple[str, Words]:
    """A prompt as its words are read, and its words, whose places are in that text."""
    cut = _cut(pa.array([text], pa.large_string()))
    if text.isascii():
        return cut[0].as_py(), split_words(cut, key=key)
    codes, _ = _read_unicode(cut)
    return codes.astype("<u4").tobytes().decode("utf-32-le"), split_words(cut, key=key)


def _cut(texts: pa.Array) -> pa.Array:
    """Of prompts that are too long, their starts and ends."""
    long = np.diff(_offsets(texts)) > LONGEST_PROMPT
    if not long.any():
        return texts
    half = LONGEST_PROMPT // 2
    whole = (texts[int(place)].as_buffer().to_pybytes() for place in np.flatnonzero(long))
    parts = [f"{data[:half].decode(errors='ignore')}\n{data[-half:].decode(errors='ignore')}" for data in whole]
    return pc.replace_with_mask(texts, pa.array(long), pa.array(parts, pa.large_string()))


def _offsets(texts: pa.Array) -> Places:
    return np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + len(texts) + 1]


def _bytes(texts: pa.Array) -> tuple[npt.NDArray[np.uint8], Places]:
    """The texts' bytes, and where each text starts in them, ending with their length."""
    if not len(texts):
        return np.zeros(0, np.uint8), np.zeros(1, np.int64)
    offsets = _offsets(texts)
    data = texts.buffers()[2]
    whole = np.zeros(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)
    return whole[offsets[0] : offsets[-1]], offsets - offsets[0]


def _holds_beyond_ascii(texts: pa.Array) -> npt.NDArray[np.bool_]:
    data, offsets = _bytes(texts)
    if not data.size or data.max() < 0x80:
        return np.zeros(len(texts), dtype=bool)
    place = np.flatnonzero(data >= 0x80)
    n_before: Places = np.searchsorted(place, offsets)
    return np.diff(n_before) > 0


def _read_ascii(texts: pa.Array) -> tuple[npt.NDArray[Any], Places]:
    return _bytes(texts)


def _read_unicode(texts: pa.Array) -> tuple[npt.NDArray[Any], Places]:
    """Code points in normal form, without the invisible ones, and where each text starts in them."""
    normal = pc.utf8_normalize(texts, form="NFKC")
    data, _ = _bytes(normal)
    codes = np.frombuffer(data.tobytes().decode().encode("utf-32-le"), np.uint32)
    starts = np.concatenate([[0], np.cumsum(pc.utf8_length(normal).to_numpy(zero_copy_only=False))])
    visible = characters()[1][codes] != INVISIBLE
    if visible.all():
        return codes, starts
    n_before = np.concatenate([[0], np.cumsum(visible)])
    return codes[visible], n_before[starts]


def _split(codes: npt.NDArray[Any], starts: Places, places: Places, *, key: bytes) -> Words:
    """Words of texts that lie one after the other in ``codes``."""
    values, kind = _alphabet(key) if codes.dtype == np.uint8 else _wide_alphabet(key)
    kinds = kind[codes]
    letter, word = kinds == LETTER, kinds == WORD
    after_letter = np.concatenate([[False], letter[:-1]])
    before_letter = np.concatenate([letter[1:], [False]])
    edges = starts[(starts > 0) & (starts < len(codes))]
    after_letter[edges] = before_letter[edges - 1] = False
    start = np.flatnonzero(word | (letter & ~after_letter))
    end = np.flatnonzero(word | (letter & ~before_letter)) + 1
    prompt = np.repeat(places, np.diff(np.searchsorted(start, starts)))
    hashes = _hash_spans(values[codes], start, end)
    if word.any():
        joined = word[start[:-1]] & word[start[1:]] & (end[:-1] == start[1:]) & (prompt[:-1] == prompt[1:])
        hashes[:-1] += np.where(joined, hashes[1:] * _STEP, 0)  # a character counts with the one after it
    return Words(hashes, prompt, start, end)


def _hash_spans(values: Hashes, start: Places, end: Places) -> Hashes:
    """Hash spans of characters, from sums over powers of an odd number: products wrap around and can be undone."""
    powers, inverse = _powers(max(_USUAL_BITS, len(values).bit_length()))
    total = np.concatenate([np.zeros(1, np.uint64), np.cumsum(values * powers[: len(values)], dtype=np.uint64)])
    return mix((total[end] - total[start]) * inverse[start])


def hash_texts(texts: pa.Array, *, key: bytes) -> Hashes:
    """Hash of each text as it is, byte by byte; a null has the hash of an empty text."""
    data, starts = _bytes(pc.fill_null(texts, ""))
    return _hash_spans(_seeded(np.arange(256, dtype=np.uint64), key)[data], starts[:-1], starts[1:])


def mix(hashes: Hashes) -> Hashes:
    """Spread every bit over all (the finish of SplitMix64)."""
    hashes = (hashes ^ (hashes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    hashes = (hashes ^ (hashes >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return hashes ^ (hashes >> np.uint64(31))


@cache
def _powers(n_bits: int) -> tuple[Hashes, Hashes]:
    """Powers of an odd number, and of its inverse, modulo 2^64."""
    base = int(_STEP)
    ascending = np.full(1 << n_bits, base, np.uint64)
    descending = np.full(1 << n_bits, pow(base, -1, 1 << 64), np.uint64)
    ascending[0] = descending[0] = 1
    return np.cumprod(ascending), np.cumprod(descending)


@cache
def _wide_alphabet(key: bytes) -> tuple[Hashes, npt.NDArray[np.uint8]]:
    """A number for each code point, the same for those of one plain form; and what kind it is of."""
    plain, kind = characters()
    values = _seeded(plain.astype(np.uint64), key)
    values[kind == GAP] = 0
    return values, kind


def _seeded(numbers: Hashes, key: bytes) -> Hashes:
    seed = np.uint64(int.from_bytes(hmac.digest(key, b"graphkit words", "sha256")[:8]))
    return mix(numbers * _STEP + seed)


@cache
def _alphabet(key: bytes) -> tuple[Hashes, npt.NDArray[np.uint8]]:
    """The same for ASCII, as it is before normalizing."""
    values, kind = _wide_alphabet(key)
    return values[:256].copy(), kind[:256].copy()


def iterate_chunks(values: pa.ChunkedArray, *, n_prompts: int, n_bytes: int) -> Iterator[tuple[int, pa.Array]]:
    """Slices of a column, with the place of each one's first prompt, that hold at most so many prompts and bytes.

    A prompt that is larger alone is a slice of its own.
    """
    first = 0
    for chunk in values.chunks:
        offsets = _offsets(chunk) if len(chunk) else np.zeros(1, np.int64)
        start = 0
        while start < len(chunk):
            fitting = int(np.searchsorted(offsets, offsets[start] + n_bytes, "right")) - 1
            end = min(max(fitting, start + 1), start + n_prompts, len(chunk))
            yield first + start, chunk.slice(start, end - start)
            start = end
        first += len(chunk)
