"""Read accounts: coded once, and kept as a segment of their own, so that they are read again only when they change."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from graphkit.engine import quote_text
from graphkit.ingest.checks import ACCOUNT_REASONS, count_rows
from graphkit.ingest.codes import code_of
from graphkit.ingest.coding import names_file
from graphkit.ingest.context import Reading
from graphkit.ingest.fields import account_fields
from graphkit.ingest.partials import (
    Segment,
    Segments,
    Source,
    find_live,
    fingerprint_file,
    finish_segment,
    stage_segment,
)
from graphkit.ingest.parts import EARLIEST_US, Part
from graphkit.ingest.reading import open_parts
from graphkit.ingest.sources import find_files, is_frame
from graphkit.ingest.texts import code_kind, coded_kind, find_texts, write_names

ACCOUNTS_FILE = "accounts.parquet"
"""File of a segment: coded accounts (account, t for their creation, organization, kind_NAME of what is present)."""

_NO_ACCOUNTS = "SELECT 0::UBIGINT AS account, 0::BIGINT AS created_us, 0::UBIGINT AS organization LIMIT 0"


def read_accounts(reading: Reading, accounts: Any, *, folder: Path, known: Segments | None, rehash: bool) -> Segments:
    """Code accounts, or find them coded: one segment with one source for all their files; none without accounts.

    Parameters
    ----------
    folder
        Where a new segment goes.
    known
        Segments from before; None where files are not to be known again.
    """
    if accounts is None:
        return {}
    name, fingerprint = "accounts", ""
    if is_frame(accounts):
        folder = reading.engine.scratch / "frames"  # a frame is not known again
    elif known is not None:
        files = find_files(accounts, what="accounts")
        prints = [fingerprint_file(file, config=reading.config, key=reading.key, whole=rehash) for file in files]
        fingerprint = hashlib.sha256("\n".join([name, *prints]).encode()).hexdigest()
        name = fingerprint[:16]
        if found := find_live(known, [fingerprint]):
            return found
    parts = open_parts(reading, accounts, account_fields(reading.config), what="accounts")
    return dict([code_accounts(reading, parts, folder, name, fingerprint)])


def code_accounts(
    reading: Reading, parts: Sequence[Part], folder: Path, name: str, fingerprint: str = ""
) -> tuple[Path, Segment]:
    """Write a segment of accounts: ``ACCOUNTS_FILE``, and the names of its codes."""
    counts = count_rows(
        reading.engine, parts, account_fields(reading.config), reasons=ACCOUNT_REASONS, latest_us=reading.latest_us
    )
    source = Source(
        fingerprint=fingerprint,
        name="accounts",
        part=0,
        number=0,
        n_rows=counts.n_rows,
        n_set_aside=counts.n_set_aside,
        days={},
        values={},
        rejected=counts.rejected,
        present=frozenset().union(*(part.present for part in parts)),
        names=tuple(dict.fromkeys(name for part in parts for name in part.names)),
        prompts=frozenset().union(*(part.prompts for part in parts)),
        late=any(row["reason"] == ACCOUNT_REASONS["late"] for row in counts.rejected),
    )
    with stage_segment(folder, name) as staged:
        _write_accounts(reading, parts, staged, sorted(name for name in source.present if name.startswith("kind_")))
        return finish_segment(staged, [source], mined=())


def create_accounts_view(reading: Reading, segments: Segments) -> None:
    """Make the view ``accounts_file``."""
    accounts = _NO_ACCOUNTS
    for path in segments:
        accounts = f"SELECT * RENAME (t AS created_us) FROM read_parquet({quote_text(str(path / ACCOUNTS_FILE))})"
    reading.engine.run(f"CREATE OR REPLACE TEMP VIEW accounts_file AS {accounts}")


def _write_accounts(reading: Reading, parts: Sequence[Part], folder: Path, kinds: Sequence[str]) -> None:
    engine, secret = reading.engine, reading.secret
    parts = find_texts(engine, parts, "account_id")
    write_names(engine, folder / names_file("account"), secret=secret)
    for kind in kinds:
        parts, path = find_texts(engine, parts, kind), folder / names_file(kind)
        code_kind(engine, kind, parts, path, config=reading.config, key=reading.key, secret=secret)
    engine.run("DROP TABLE texts")
    joins = [coded_kind(kind) for kind in kinds]
    outer = ", ".join(["account", "t", "organization", *(code for code, _ in joins)])
    joined = " ".join(join for _, join in joins)
    selects = []
    for part in parts:
        created = part.values["created_us"]
        inner = [
            f"{code_of(part.values['account_id'], secret=secret)} AS account",
            f"CASE WHEN {created} BETWEEN {EARLIEST_US} AND {reading.latest_us} THEN {created} END AS t",
            f"{code_of(part.values['organization'], secret=secret)} AS organization",
            *(f"{code_of(part.values[kind], secret=secret)} AS raw_{kind}" for kind in kinds),
        ]
        chosen = f"SELECT {', '.join(inner)} FROM {part.relation} WHERE {part.values['account_id']} IS NOT NULL"
        selects.append(f"SELECT {outer} FROM ({chosen}) {joined}")
    path = folder / ACCOUNTS_FILE
    engine.run(f"COPY ({' UNION ALL '.join(selects)}) TO {quote_text(str(path))} (FORMAT parquet)", abort=False)
