"""Codes: 64-bit integers that stand for accounts and entities while the engine works, many times as fast as texts.

The engine's hash is quick, but not made against people: where two texts differ in one bit of each of two characters
eight bytes apart, they have one hash behind half of all secrets. So a code is made of two hashes, each behind a secret
of its own; in the second the text begins four bytes further on, where what cancels in the first does not. Should two
texts have one code still, they link nobody. A code never leaves the machine's own files: tables hold names.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from functools import cache

import duckdb
import pyarrow as pa

from graphkit.engine import quote_text

_FIRST, _SECOND = slice(0, 16), slice(16, 36)
"""Of the secret, what stands before a text in each hash: of whole words of eight bytes, and of four bytes more."""

_SAMPLE = ("", "account-7", "a text that is longer than any that the engine keeps in place")


def make_secret(key: bytes) -> str:
    """What stands before each text when its code is made."""
    return hmac.digest(key, b"graphkit codes", "sha256").hex()[: _SECOND.stop]


def code_of(text: str, *, secret: str) -> str:
    """SQL, for DuckDB, of the code of a text; null where it is null."""
    first, second = (f"{quote_text(secret[part])} || {text}" for part in (_FIRST, _SECOND))
    return f"CASE WHEN {text} IS NOT NULL THEN hash({first}, {second}) END"


def codes_of(texts: Sequence[str], *, secret: str) -> pa.Array:
    """Codes of texts, the same that ``code_of`` gives in the engine that read them."""
    with duckdb.connect() as connection:
        connection.register("texts", pa.table({"raw": pa.array(texts, pa.string()), "place": range(len(texts))}))
        coded = connection.sql(f"SELECT {code_of('raw', secret=secret)} AS code FROM texts ORDER BY place")
        codes: pa.Array = coded.to_arrow_table()["code"].combine_chunks()
        return codes


@cache
def sample_codes(secret: str) -> tuple[int, ...]:
    """Codes of a few texts, which are others where the engine is of a version that hashes otherwise."""
    return tuple(codes_of(_SAMPLE, secret=secret).to_pylist())
