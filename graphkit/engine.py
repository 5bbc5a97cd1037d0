"""The engine that runs relational steps: DuckDB, embedded, offline, bounded in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
from duckdb import func

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Engine:
    """An open engine: SQL in, Arrow out. Its relations live until it closes."""

    connection: duckdb.DuckDBPyConnection
    scratch: Path
    """A folder for staged files, removed when the engine closes."""

    def run(self, sql: str) -> None:
        """Run a statement and drop its result."""
        self.connection.execute(sql).fetchall()

    def query(self, sql: str) -> pa.Table:
        """Run a query; its rows as an Arrow table."""
        return self.connection.sql(sql).to_arrow_table()

    def register(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table known to SQL by ``name``."""
        self.connection.register(name, table)

    def register_function(self, name: str, function: Callable[[pa.ChunkedArray], pa.Array]) -> None:
        """Make a function of one column of text, to text, known to SQL; nulls reach it as nulls."""
        self.connection.create_function(
            name, function, ["varchar"], "varchar", type=func.ARROW, null_handling=func.SPECIAL
        )


@contextmanager
def open_engine(
    scratch: str | Path | None = None, *, memory: str = "4GB", threads: int | None = None
) -> Iterator[Engine]:
    """Open an engine whose scratch files live in a new folder below ``scratch`` and go with it."""
    with (
        tempfile.TemporaryDirectory(prefix="graphkit-", dir=scratch) as folder,
        duckdb.connect(
            config={"autoinstall_known_extensions": False, "autoload_known_extensions": False}
        ) as connection,
    ):
        settings = {
            "TimeZone": "UTC",
            "memory_limit": memory,
            "temp_directory": folder,
            "preserve_insertion_order": False,
            "enable_progress_bar": False,
        }
        if threads is not None:
            settings["threads"] = threads
        for name, value in settings.items():
            connection.execute(f"SET {name} = {quote_text(str(value))}").fetchall()
        yield Engine(connection, Path(folder))


def quote_name(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """An SQL string."""
    return "'" + text.replace("'", "''") + "'"
