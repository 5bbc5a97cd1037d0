"""Split prompts into words, as 64-bit hashes of their plain letters: whole batches at once, over one buffer of text."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graphkit.errors import InputError
from graphkit.ingest.characters import INVISIBLE, JOINS, LETTER, WORD, characters
from graphkit.ingest.sources import shorten

Hashes = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]

LONGEST_PROMPT = 1 << 20
"""Bytes of a prompt that are read; of a longer one, its first and its last half of them."""

_STEP = np.uint64(0x9E3779B97F4A7C15)
_SHOWN_BYTES = 1 << 20
_BLOCK = 8
_LONGEST_WORD = 64
_FIRST_BYTES = np.array([(1 << 8 * n) - 1 for n in range(_BLOCK + 1)], np.uint64)


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
        return _split_ascii(texts, places, key=key)
    parts = [_split_ascii(texts.filter(pa.array(~foreign)), places[~foreign], key=key)]
    texts, places = texts.filter(pa.array(foreign)), places[foreign]
    read = _read_unicode(texts)
    joining = np.flatnonzero(read.kinds & JOINS)
    if len(joining):
        joined = np.diff(np.searchsorted(joining, read.starts)) > 0
        parts.append(_split_unicode(_read_normal(texts.filter(pa.array(joined))), places[joined], key=key))
        read, places = _read_unicode(texts.filter(pa.array(~joined))), places[~joined]
    parts.append(_split_unicode(_drop_invisible(read), places, key=key))
    return Words(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in ("hashes", "prompt", "start", "end"))
    )


def show_words(texts: pa.Array, *, key: bytes) -> Iterator[tuple[str, Words]]:
    """Each prompt as its words are read, and its words, whose places are in that text."""
    for _, part in iterate_chunks(pa.chunked_array([texts]), n_prompts=len(texts), n_bytes=_SHOWN_BYTES):
        read = _read_normal(_cut(part))
        words = _split_unicode(read, np.arange(len(part)), key=key)
        shown = read.codes.astype("<u4").tobytes().decode("utf-32-le")
        first = np.searchsorted(words.prompt, np.arange(len(part) + 1))
        for place, (start, end) in enumerate(pairwise(read.starts.tolist())):
            span = slice(first[place], first[place + 1])
            of_prompt = Words(
                words.hashes[span], words.prompt[span], words.start[span] - start, words.end[span] - start
            )
            yield shown[start:end], of_prompt


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


class _Read(NamedTuple):
    """Texts that lie one after the other."""

    codes: npt.NDArray[np.uint32]
    """Code points."""
    kinds: npt.NDArray[np.uint8]
    starts: Places
    """Where each text starts, ending with the number of code points."""


def _read_unicode(texts: pa.Array) -> _Read:
    data, starts = _bytes(texts)
    codes = np.frombuffer(data.tobytes().decode().encode("utf-32-le"), np.uint32)
    follows = np.flatnonzero((data & 0xC0) == 0x80)
    return _Read(codes, characters().kind[codes], starts - np.searchsorted(follows, starts))


def _read_normal(texts: pa.Array) -> _Read:
    """Texts in normal form, without invisible characters."""
    return _drop_invisible(_read_unicode(pc.utf8_normalize(texts, form="NFKC")))


def _drop_invisible(read: _Read) -> _Read:
    kinds = read.kinds & ~np.uint8(JOINS)
    invisible = np.flatnonzero(kinds == INVISIBLE)
    if not len(invisible):
        return read._replace(kinds=kinds)
    starts = read.starts - np.searchsorted(invisible, read.starts)
    return _Read(np.delete(read.codes, invisible), np.delete(kinds, invisible), starts)


def _split_ascii(texts: pa.Array, places: Places, *, key: bytes) -> Words:
    data, starts = _bytes(texts)
    plain = np.frombuffer(data.tobytes().translate(_plain_ascii()), np.uint8)
    start, end = _find_words(plain != 0, starts)
    prompt = np.repeat(places, np.diff(np.searchsorted(start, starts)))
    return Words(_hash_spans(plain, start, end, key=key), prompt, start, end)


@cache
def _plain_ascii() -> bytes:
    """The plain form of each byte of ASCII, 0 for a gap."""
    return characters().plain[:128].astype(np.uint8).tobytes() + bytes(128)


def _split_unicode(read: _Read, places: Places, *, key: bytes) -> Words:
    plain, alone = characters().plain[read.codes], read.kinds == WORD
    start, end = _find_words(read.kinds == LETTER, read.starts, alone)
    prompt = np.repeat(places, np.diff(np.searchsorted(start, read.starts)))
    hashes = _hash_spans(*_encode(plain, start, end), key=key)
    alone = alone[start]
    joined = np.flatnonzero(alone[:-1] & alone[1:] & (end[:-1] == start[1:]) & (prompt[:-1] == prompt[1:]))
    if len(joined):
        hashes[joined] += hashes[joined + 1] * _STEP  # a character counts with the one after it
    return Words(hashes, prompt, start, end)


def _find_words(
    letter: npt.NDArray[np.bool_], starts: Places, alone: npt.NDArray[np.bool_] | None = None
) -> tuple[Places, Places]:
    """Where words start and end: runs of letters in one text, and characters that are words alone."""
    follows = letter[1:] & letter[:-1]
    edges = starts[(starts > 0) & (starts < len(letter))]
    follows[edges - 1] = False
    opens, closes = letter.copy(), letter.copy()
    opens[1:] &= ~follows
    closes[:-1] &= ~follows
    if alone is not None:
        opens |= alone
        closes |= alone
    return np.flatnonzero(opens), np.flatnonzero(closes) + 1


def _encode(plain: npt.NDArray[np.uint32], start: Places, end: Places) -> tuple[npt.NDArray[np.uint8], Places, Places]:
    """Plain letters as UTF-8, and the words' places in that."""
    if not len(plain) or plain.max() < 0x80:
        return plain.astype(np.uint8), start, end
    data = np.frombuffer(plain.astype("<u4").tobytes().decode("utf-32-le").encode(), np.uint8)
    n_bytes = np.ones(len(plain), np.int64)
    for least in (0x80, 0x800, 0x10000):
        n_bytes += plain >= least
    place = np.concatenate([np.zeros(1, np.int64), np.cumsum(n_bytes)])
    return data, place[start], place[end]


def _hash_spans(data: npt.NDArray[np.uint8], start: Places, end: Places, *, key: bytes) -> Hashes:
    """Hash spans of bytes, of 64 or fewer eight at a time: secrets before, between and after two public mixings."""
    before, between, after = _secrets(key)
    blocks = np.frombuffer(data.tobytes() + bytes(_BLOCK * 2 - len(data) % _BLOCK), "<u8")
    length = end - start
    state = mix(_take_block(blocks, start, length) * _STEP + before + length.astype(np.uint64))
    left = np.flatnonzero((length > _BLOCK) & (length <= _LONGEST_WORD))
    for offset in range(_BLOCK, _LONGEST_WORD, _BLOCK):
        state[left] = mix((state[left] ^ _take_block(blocks, start[left] + offset, length[left] - offset)) + before)
        left = left[length[left] > offset + _BLOCK]
    hashes = mix(state ^ between) ^ after
    for place in np.flatnonzero(length > _LONGEST_WORD):
        digest = hmac.digest(key, b"graphkit long word\0" + data[start[place] : end[place]].tobytes(), "sha256")
        hashes[place] = int.from_bytes(digest[:8])
    return hashes


def _take_block(blocks: Hashes, start: Places, length: Places) -> Hashes:
    """Up to eight bytes each from a place on, as one number."""
    place, shift = start >> 3, (start.astype(np.uint64) & np.uint64(7)) << np.uint64(3)
    whole = (blocks[place] >> shift) | ((blocks[place + 1] << np.uint64(1)) << (np.uint64(63) - shift))
    first: Hashes = whole & _FIRST_BYTES[np.minimum(length, _BLOCK)]
    return first


def hash_texts(texts: pa.Array, *, key: bytes) -> Hashes:
    """Hash of each text as it is, byte by byte; a null has the hash of an empty text."""
    data, starts = _bytes(pc.fill_null(texts, ""))
    return _hash_spans(data, starts[:-1], starts[1:], key=key)


def mix(hashes: Hashes) -> Hashes:
    """Spread every bit over all (the finish of SplitMix64)."""
    hashes = (hashes ^ (hashes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    hashes = (hashes ^ (hashes >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return hashes ^ (hashes >> np.uint64(31))


@cache
def _secrets(key: bytes) -> tuple[np.uint64, np.uint64, np.uint64]:
    numbers = np.frombuffer(hmac.digest(key, b"graphkit words", "sha256"), "<u8")
    return numbers[0], numbers[1], numbers[2]


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
