"""From the distinct texts of a column to codes and names: what accounts, labels and entities are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from graphkit.config import Config
from graphkit.engine import DuckDB, quote_name, quote_text
from graphkit.ingest.codes import code_of
from graphkit.ingest.normalize import canonical_of, make_canonical_function, make_showing_function, shown_of
from graphkit.ingest.parts import Part
from graphkit.ingest.values import trim


def find_texts(engine: DuckDB, parts: Sequence[Part], name: str) -> list[Part]:
    """Make the table ``texts`` of a field's distinct texts (``raw``, one may be null); gives the parts.

    Where no text has white space around it, those read the field as it stands: trimming each row's takes time.
    """
    plain = [replace(part, values={**part.values, name: part.untrimmed.get(name, part.values[name])}) for part in parts]
    having = [f"SELECT {part.values[name]} AS raw FROM {part.relation}" for part in plain if name in part.present]
    engine.run(f"CREATE OR REPLACE TEMP TABLE texts AS SELECT DISTINCT raw FROM ({' UNION ALL '.join(having)})")
    if not has_rows(engine, f"(FROM texts WHERE raw IS DISTINCT FROM {trim('raw')})"):
        return plain
    engine.run(f"CREATE OR REPLACE TEMP TABLE texts AS SELECT DISTINCT {trim('raw')} AS raw FROM texts")
    return list(parts)


def write_names(engine: DuckDB, path: Path, *, secret: str) -> None:
    """Write the texts that ``find_texts`` found, and their codes."""
    engine.run(
        f"COPY (SELECT {code_of('raw', secret=secret)} AS code, raw AS name FROM texts WHERE raw IS NOT NULL) "
        f"TO {quote_text(str(path))} (FORMAT parquet)",
        abort=False,
    )


def code_kind(
    engine: DuckDB, kind: str, parts: Sequence[Part], path: Path, *, config: Config, key: bytes, secret: str
) -> None:
    """Make the entities of the texts that ``find_texts`` found: writes their names, leaves ``recoded``."""
    name, hashed = kind.removeprefix("kind_"), any(kind in part.prompts for part in parts)
    engine.register_function(f"canonical_{name}", make_canonical_function(name, config=config))
    canonical = canonical_of("raw", name, config=config, function=quote_name(f"canonical_{name}"))
    digest = config.kinds[name].digest or hashed
    engine.register_function(f"shown_{name}", make_showing_function(name, key=key, digest=digest))
    shown = shown_of("canonical", digest=digest, function=quote_name(f"shown_{name}"))
    raw_code, example = code_of("raw", secret=secret), "'(not shown)'" if digest else "raw"
    engine.run(f"""
        CREATE OR REPLACE TEMP TABLE raw_values AS
        SELECT raw, {raw_code} AS code, {canonical} AS canonical
        FROM texts WHERE raw IS NOT NULL
    """)
    engine.run(f"""
        CREATE OR REPLACE TEMP TABLE {recoded(kind)} AS
        WITH doubled AS (SELECT code FROM raw_values GROUP BY code HAVING count(*) > 1)
        SELECT code AS raw_code, {code_of("canonical", secret=secret)} AS code, {example} AS example
        FROM raw_values WHERE canonical IS DISTINCT FROM raw AND code NOT IN (FROM doubled)
        UNION ALL SELECT code, NULL, NULL FROM doubled
    """)
    engine.run(
        f"COPY (SELECT code, {shown} AS name FROM (SELECT code, canonical FROM raw_values WHERE canonical = raw "
        f"UNION ALL SELECT {code_of('canonical', secret=secret)}, canonical "
        "FROM (SELECT DISTINCT canonical FROM raw_values WHERE canonical <> raw))) "
        f"TO {quote_text(str(path))} (FORMAT parquet)",
        abort=False,
    )
    if digest and config.kinds[name].normalize == "ip":
        _keep_addresses(engine, name, secret=secret)
    engine.run("DROP TABLE raw_values")


def recoded(kind: str) -> str:
    """Table of raw codes whose entity is spelled otherwise: raw_code, code (null: unusable), example."""
    return quote_name(f"recoded_{kind}")


def coded_kind(kind: str, *, mined: bool = False) -> tuple[str, str]:
    """SQL of a kind's code, and of the join that it needs, where ``raw_KIND`` is the raw value's code.

    Raw values that were mined are entities only where ``recoded`` says so; others stand for themselves elsewhere.
    """
    table, alias = recoded(kind), quote_name(f"as_{kind}")
    code = f"CASE WHEN {alias}.raw_code IS NULL THEN raw_{kind} ELSE {alias}.code END AS {kind}"
    if mined:
        code = f"{alias}.code AS {kind}"
    return code, f"LEFT JOIN {table} AS {alias} ON {alias}.raw_code = raw_{kind}"


def addresses_of(kind: str) -> str:
    """Table of the addresses behind the digests of a kind: code, address; of what was coded in this run."""
    return quote_name(f"addresses_{kind}")


def _keep_addresses(engine: DuckDB, kind: str, *, secret: str) -> None:
    engine.run(f"CREATE TEMP TABLE IF NOT EXISTS {addresses_of(kind)} (code UBIGINT, address VARCHAR)")
    engine.run(
        f"INSERT INTO {addresses_of(kind)} SELECT DISTINCT {code_of('canonical', secret=secret)}, canonical "
        "FROM raw_values WHERE canonical IS NOT NULL"
    )


def has_rows(engine: DuckDB, table: str) -> bool:
    """Whether a table has a row."""
    return bool(engine.query(f"FROM {table} LIMIT 1").num_rows)
