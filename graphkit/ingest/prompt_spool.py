"""Hold raw prompts outside of memory while templates are mined: in nameless files, which end with the process."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import pyarrow as pa

from graphkit.errors import BudgetError
from graphkit.ingest.words import Hashes, hash_texts, iterate_chunks, mix

BATCH_PROMPTS, BATCH_BYTES = 1 << 16, 1 << 25

_BUCKETS = 256
_SHIFT = np.uint64(64 - 8)
_COMPRESSED = pa.ipc.IpcWriteOptions(compression="lz4")
_SCHEMA = pa.schema(
    [("order", pa.uint64()), ("code", pa.uint64()), ("user", pa.uint64()), ("prompt", pa.large_string())]
)


class Prompts(NamedTuple):
    """Some prompts."""

    code: Hashes
    """What stands for each text in the engine."""
    user: Hashes
    """Hash of each one's account."""
    text: pa.Array
    """Large Arrow text."""


class HeldStream:
    """A stream of Arrow batches that can be read several times."""

    def __init__(self, reader: pa.RecordBatchReader, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # closed on leaving
        with pa.ipc.new_stream(self._file, reader.schema, options=_COMPRESSED) as writer, _explain_full_disk():
            for batch in reader:
                writer.write_batch(batch)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the stream."""
        self._file.close()

    def read(self) -> pa.RecordBatchReader:
        """The stream from its start; one that was read before ends."""
        self._file.seek(0)
        return pa.ipc.open_stream(self._file)


class PromptSpool:
    """Prompts that come back in an order made from themselves: neither the order of files nor that of rows changes it.

    What an account repeats comes back once.
    """

    def __init__(self, folder: Path, *, key: bytes) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # closed by close()
        self._key = key
        self._pieces: list[list[tuple[int, int]]] = [[] for _ in range(_BUCKETS)]
        self._end = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, batches: Iterable[pa.RecordBatch]) -> None:
        """Add prompts: columns ``code``, ``account`` and ``prompt``, both large text.

        Raises
        ------
        BudgetError
            If the disk is full.
        """
        for batch in regroup(batches):
            code, user = batch.column("code"), hash_texts(batch.column("account"), key=self._key)
            columns = [pa.array(mix(code.to_numpy() + mix(user))), code, pa.array(user), batch.column("prompt")]
            table = _sort(pa.RecordBatch.from_arrays(columns, schema=_SCHEMA))
            edges = np.searchsorted(table.column("order").to_numpy() >> _SHIFT, np.arange(_BUCKETS + 1))
            for bucket in np.flatnonzero(np.diff(edges)):
                self._write(int(bucket), table.slice(edges[bucket], edges[bucket + 1] - edges[bucket]))

    def __iter__(self) -> Iterator[Prompts]:
        """Batches of prompts, each of a bounded size; the same prompts are the same batches."""
        for batch in regroup(map(self._read, range(_BUCKETS))):
            code, user = (batch.column(name).to_numpy() for name in ("code", "user"))
            yield Prompts(code, user, batch.column("prompt"))

    def _write(self, bucket: int, batch: pa.RecordBatch) -> None:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, _SCHEMA, options=_COMPRESSED) as writer:
            writer.write_batch(batch)
        data = sink.getvalue()
        with _explain_full_disk():
            self._file.seek(self._end)
            self._file.write(data)
        self._pieces[bucket].append((self._end, len(data)))
        self._end += len(data)

    def _read(self, bucket: int) -> pa.RecordBatch:
        batches = []
        for place, size in self._pieces[bucket]:
            self._file.seek(place)
            batches += pa.ipc.open_stream(self._file.read(size)).read_all().to_batches()
        return _sort(_join(batches))


@contextmanager
def _explain_full_disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BudgetError(
            "prompts: the disk of the scratch folder (the store's own, or TMPDIR) is full; free some space"
        ) from error


def regroup(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Batches of at most so many prompts and bytes, whatever the batches were before."""
    waiting: list[pa.RecordBatch] = []
    n_prompts = n_bytes = 0
    for batch in batches:
        waiting.append(batch)
        n_prompts, n_bytes = n_prompts + batch.num_rows, n_bytes + batch.nbytes
        if n_prompts < BATCH_PROMPTS and n_bytes < BATCH_BYTES:
            continue
        *whole, rest = _cut(_join(waiting))
        yield from whole
        waiting, n_prompts, n_bytes = [rest], rest.num_rows, rest.nbytes
    if n_prompts:
        yield from _cut(_join(waiting))


def _cut(batch: pa.RecordBatch) -> list[pa.RecordBatch]:
    whole = pa.chunked_array([batch.column("prompt")])
    chunks = iterate_chunks(whole, n_prompts=BATCH_PROMPTS, n_bytes=BATCH_BYTES)
    return [batch.slice(first, len(part)) for first, part in chunks]


def _join(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    if not batches:
        return pa.RecordBatch.from_pylist([], schema=_SCHEMA)
    return batches[0] if len(batches) == 1 else pa.concat_batches(batches)


def _sort(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Prompts in order, repeats of an account left out."""
    keys = [batch.column(name).to_numpy() for name in ("user", "code", "order")]
    place = np.lexsort(keys)
    again = np.logical_and.reduce([key[place][1:] == key[place][:-1] for key in keys])
    return batch.take(pa.array(place[np.concatenate([[True], ~again])[: len(place)]]))
