"""What reading needs to know wherever it happens."""

from __future__ import annotations

from dataclasses import dataclass

from graphkit.config import Config
from graphkit.engine import DuckDB


@dataclass(frozen=True)
class Reading:
    """How sources are read."""

    engine: DuckDB
    config: Config
    key: bytes
    secret: str
    """Stands before texts when their codes are made."""
    latest_us: int
    """The latest time that is believed."""
