"""The engine that runs relational steps: DuckDB, embedded, offline, bounded in memory."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from threading import Event
from typing import Any, Protocol, TypeVar

import duckdb
import pyarrow as pa
from duckdb import func

from graphkit.errors import UsageError

_WAKE_SECONDS = 0.1
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_SHARE = 0.5
"""Share of the memory that the engine may take; Python's arrays and libraries need the rest."""

Made = TypeVar("Made")


class Engine(Protocol):
    """An open engine: SQL in DuckDB's words in, Arrow out. Its relations live until it closes."""

    @property
    def memory(self) -> int:
        """Bytes that the whole process may take."""

    def run(self, sql: str) -> None:
        """Run a statement and drop its result."""

    def query(self, sql: str) -> pa.Table:
        """Run a query; its rows as an Arrow table."""

    def register(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table known to SQL by ``name``."""

    def release(self) -> None:
        """Give the memory of what was dropped back to the system."""

    def run_beside(self, work: Callable[[], Made]) -> AbstractContextManager[Future[Made]]:
        """Do some work with the engine beside a block, which asks nothing of the engine, and ends with that work."""


@dataclass(frozen=True)
class DuckDB:
    """DuckDB as an engine; it also reads files and frames."""

    connection: duckdb.DuckDBPyConnection
    scratch: Path
    """A folder for staged files, removed when the engine closes."""

    memory: int
    """Bytes that the whole process may take."""

    functions: set[str] = field(default_factory=set)
    """Names of the functions that SQL knows."""

    interrupted: Event = field(default_factory=Event)
    """Set when an interrupt (Ctrl-C) has come; registered streams end then."""

    def run(self, sql: str, *, abort: bool = True) -> None:
        """Run a statement and drop its result.

        Parameters
        ----------
        abort
            Whether an interrupt stops it; if not, it ends with the streams that it reads.
        """
        self._wait_for(lambda: self.connection.execute(sql).fetchall(), abort=abort)

    def query(self, sql: str) -> pa.Table:
        """Run a query; its rows as an Arrow table."""
        table: pa.Table = self._wait_for(lambda: self.connection.sql(sql).to_arrow_table())
        return table

    def stream(self, sql: str, *, n_rows: int) -> Iterator[pa.RecordBatch]:
        """Run a query; its rows a few at a time, texts as large text. Until they end nothing else can run."""
        self.run("SET arrow_large_buffer_size = true")
        try:
            reader = self._wait_for(lambda: self.connection.sql(sql).to_arrow_reader(n_rows))
            while (batch := self._wait_for(lambda: next(reader, None))) is not None:
                yield batch
        finally:
            self.run("RESET arrow_large_buffer_size")

    def _wait_for(self, work: Callable[[], Any], *, abort: bool = True) -> Any:
        """Let a thread work while this one waits: the engine at work hears no interrupt (Ctrl-C), who waits does."""
        with self.run_beside(work, abort=abort) as future:
            pass
        return future.result()

    def release(self) -> None:
        """Give the memory of what was dropped back to the system: a new bound does, though it is the old one."""
        self.run(f"SET memory_limit = '{_bound(self.memory)}'")

    @contextmanager
    def run_beside(self, work: Callable[[], Made], *, abort: bool = True) -> Iterator[Future[Made]]:
        """Do some work with the engine beside a block, which asks nothing of the engine, and ends with that work.

        Parameters
        ----------
        abort
            Whether the engine is stopped where the block raises; if not, it ends with the streams that it reads.
        """
        with ThreadPoolExecutor(max_workers=1) as worker:
            future = worker.submit(work)
            try:
                yield future
                while not future.done():
                    wait([future], timeout=_WAKE_SECONDS)  # not for ever: some libraries' handlers let waits go on
            except BaseException:
                self.interrupted.set()
                while abort and not future.done():
                    self.connection.interrupt()
                    wait([future], timeout=_WAKE_SECONDS)
                raise
            future.result()

    def register(self, name: str, table: pa.Table | pa.RecordBatchReader) -> None:
        """Make an Arrow table, or a stream that is read once, known to SQL by ``name``."""
        if isinstance(table, pa.RecordBatchReader):
            batches = takewhile(lambda _: not self.interrupted.is_set(), table)
            table = pa.RecordBatchReader.from_batches(table.schema, batches)
        self.connection.register(name, table)

    def register_function(self, name: str, function: Callable[[pa.ChunkedArray], pa.Array]) -> None:
        """Make a function of one column of text, to text, known to SQL; nulls reach it as nulls.

        One of the same name is replaced.
        """
        if name in self.functions:
            self.connection.remove_function(name)
        self.functions.add(name)
        self.connection.create_function(
            name, function, ["varchar"], "varchar", type=func.ARROW, null_handling=func.SPECIAL
        )


@contextmanager
def open_engine(
    scratch: str | Path | None = None, *, memory: str = "4GB", threads: int | None = None
) -> Iterator[DuckDB]:
    """Open DuckDB as an engine whose scratch files live in a new folder below ``scratch`` and go with it.

    Parameters
    ----------
    memory
        Bound for the whole process, of which the engine takes half.

    Raises
    ------
    UsageError
        If ``memory`` is no size.
    """
    size = parse_size(memory)
    with (
        tempfile.TemporaryDirectory(prefix="graphkit-", dir=scratch) as folder,
        duckdb.connect(
            config={"autoinstall_known_extensions": False, "autoload_known_extensions": False}
        ) as connection,
    ):
        settings = {
            "TimeZone": "UTC",
            "memory_limit": _bound(size),
            "temp_directory": folder,
            "allocator_background_threads": True,  # what was dropped goes back to the system
            "allocator_flush_threshold": "16MB",
            "preserve_insertion_order": False,
            "enable_progress_bar": False,
        }
        if threads is not None:
            settings["threads"] = threads
        for name, value in settings.items():
            connection.execute(f"SET {name} = {quote_text(str(value))}").fetchall()
        yield DuckDB(connection, Path(folder), size)


def _bound(memory: int) -> str:
    """What the engine may take of the memory of the process."""
    return f"{int(_SHARE * memory)}B"


def parse_size(text: str) -> int:
    """Bytes, above 0, of a size such as "4GB" or "500 MiB"; a UsageError if it is none."""
    if size := _SIZE.fullmatch(text.strip()):
        number, power, binary = size.groups()
        if n_bytes := int(float(number) * (1024 if binary else 1000) ** _POWERS[power.lower()]):
            return n_bytes
    raise UsageError(f'memory: got {text!r}; allowed: a size such as "4GB" or "500MB"')


def quote_name(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """An SQL string."""
    return "'" + text.replace("'", "''") + "'"
