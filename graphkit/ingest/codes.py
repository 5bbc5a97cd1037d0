"""Codes: 64-bit integers that stand for accounts and entities while the engine works, many times as fast as texts.

A code is a hash of the text behind a secret, so that nobody outside can choose two texts of one code. It never
leaves the machine's own files: tables hold names.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence

import duckdb
import pyarrow as pa

from graphkit.engine import quote_text


def make_secret(key: bytes) -> str:
    """What stands before each text when its code is made."""
    return hmac.digest(key, b"graphkit codes", "sha256").hex()[:16]


def code_of(text: str, *, secret: str) -> str:
    """SQL, for DuckDB, of the code of a text; null where it is null."""
    return f"CASE WHEN {text} IS NOT NULL THEN hash({quote_text(secret)} || {text}) END"


def codes_of(texts: Sequence[str], *, secret: str) -> pa.Array:
    """Codes of texts, the same that ``code_of`` gives in the engine that read them."""
    with duckdb.connect() as connection:
        connection.register("texts", pa.table({"raw": pa.array(texts, pa.string()), "place": range(len(texts))}))
        coded = connection.sql(f"SELECT {code_of('raw', secret=secret)} AS code FROM texts ORDER BY place")
        codes: pa.Array = coded.to_arrow_table()["code"].combine_chunks()
        return codes
