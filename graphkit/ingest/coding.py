"""Code events: read once, cleaned, with codes for texts, and written narrow, so that nothing later needs the input.

A batch of files gives a Parquet file of events for each of its parts, and one of names for the accounts and for
each kind of link: what each code stands for.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphkit.config import Config
from graphkit.engine import DuckDB, quote_name, quote_text
from graphkit.ingest.codes import code_of
from graphkit.ingest.fields import PROMPT_KIND
from graphkit.ingest.normalize import canonical_of, make_canonical_function, make_showing_function, shown_of
from graphkit.ingest.parts import EARLIEST_US, Part, explain_damage, explain_failure

DAY_US = 86_400_000_000
LABELS = ("model", "capability")
"""Coded columns that are no kinds; their names are kept too."""
OPTIONAL = ("organization", *LABELS, "input_tokens", "output_tokens")

_COLLIDES = "two values have one code"
_SHOWN = 120


@dataclass(frozen=True)
class MinedPrompts:
    """Tables of the engine that tell of raw prompts which template each is made from."""

    codes: str
    """raw_code, code; without the prompts that are made from none."""
    names: str
    """code, name."""


@dataclass(frozen=True)
class Coded:
    """What became of one source, a file or a frame."""

    days: Mapping[int, int]
    """From a day (days since 1970 UTC) to its usable rows."""
    values: Mapping[str, tuple[int, int, str]]
    """By kind: values, those of which no entity could be made, and an example of these (empty: there are none)."""

    @property
    def n_usable(self) -> int:
        """Rows that can be used."""
        return sum(self.days.values())


def code_events(
    engine: DuckDB,
    parts: Sequence[Part],
    folder: Path,
    *,
    config: Config,
    key: bytes,
    secret: str,
    latest_us: int,
    prompts: MinedPrompts | None = None,
) -> dict[tuple[int, str], Coded]:
    """Write the usable rows of parts, coded, and the names of their codes.

    Writes ``events-0.parquet`` and so on (source, account, t, kind_NAME, and what is optional, as far as a part has
    it) and ``names-account.parquet``, ``names-kind_NAME.parquet``, ``names-model.parquet`` and so on (code, name).

    Parameters
    ----------
    prompts
        What the raw prompts of all these parts have become.

    Returns
    -------
    By the part's place and the source's name in it.
    """
    mined = () if prompts is None else (PROMPT_KIND,)
    kinds = sorted({name for part in parts for name in part.present if name.startswith("kind_")})
    with explain_damage(engine, parts, what="events"):
        write_names(engine, folder / names_file("account"), _union(parts, "account_id"), secret=secret)
        for label in LABELS:
            if any(label in part.present for part in parts):
                write_names(engine, folder / names_file(label), _union(parts, label), secret=secret)
        for kind in (kind for kind in kinds if kind not in mined):
            code_kind(engine, kind, parts, folder / names_file(kind), config=config, key=key, secret=secret)
    if prompts is not None:
        _take_mined(engine, prompts, folder / names_file(PROMPT_KIND))
    coded: dict[tuple[int, str], Coded] = {}
    for place, part in enumerate(parts):
        path = folder / events_file(place)
        with explain_failure(part):
            _write_events(engine, part, kinds, path, mined=mined, secret=secret, latest_us=latest_us)
            given = {
                kind: f"SELECT {_number(part)} AS source, {code_of(part.values[kind], secret=secret)} AS raw_code "
                f"FROM {part.relation} WHERE {_usable(part, latest_us)}"
                for kind in kinds
                if kind not in mined
            }
            found = _count(engine, part, path, kinds, given=given)
        coded |= {(place, source): of_source for source, of_source in found.items()}
    for kind in kinds:
        engine.run(f"DROP TABLE {recoded(kind)}")
    return coded


def events_file(place: int) -> str:
    """File of the coded events of a part."""
    return f"events-{place}.parquet"


def names_file(what: str) -> str:
    """File of the names of codes: of ``account``, of ``kind_NAME``, of a label."""
    return f"names-{what}.parquet"


def sources_of(part: Part) -> list[str]:
    """Names of the sources of a part in the order of their numbers."""
    return list(part.files) or [part.source.strip("'")]


def recoded(kind: str) -> str:
    """Table of raw codes whose entity is spelled otherwise: raw_code, code (null: unusable), example."""
    return quote_name(f"recoded_{kind}")


def write_names(engine: DuckDB, path: Path, texts: str, *, secret: str) -> None:
    """Write the distinct texts of a relation with one column ``raw``, and their codes."""
    engine.run(
        f"COPY (SELECT {code_of('raw', secret=secret)} AS code, raw AS name "
        f"FROM (SELECT DISTINCT raw FROM ({texts}) WHERE raw IS NOT NULL)) TO {quote_text(str(path))} (FORMAT parquet)",
        abort=False,
    )


def code_kind(
    engine: DuckDB, kind: str, parts: Sequence[Part], path: Path, *, config: Config, key: bytes, secret: str
) -> None:
    """Make the entities of a kind's distinct raw values: writes their names, leaves ``recoded``."""
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
        FROM (SELECT DISTINCT raw FROM ({_union(parts, kind)}) WHERE raw IS NOT NULL)
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


def _take_mined(engine: DuckDB, prompts: MinedPrompts, path: Path) -> None:
    """Take mined templates as entities: writes their names, leaves ``recoded``."""
    engine.run(
        f"CREATE OR REPLACE TEMP TABLE {recoded(PROMPT_KIND)} AS "
        f"SELECT raw_code, code, NULL::VARCHAR AS example FROM {prompts.codes}"
    )
    engine.run(
        f"COPY (SELECT code, name FROM {prompts.names}) TO {quote_text(str(path))} (FORMAT parquet)", abort=False
    )


def addresses_of(kind: str) -> str:
    """Table of the addresses behind the digests of a kind: code, address; of what was coded in this run."""
    return quote_name(f"addresses_{kind}")


def _keep_addresses(engine: DuckDB, kind: str, *, secret: str) -> None:
    engine.run(f"CREATE TEMP TABLE IF NOT EXISTS {addresses_of(kind)} (code UBIGINT, address VARCHAR)")
    engine.run(
        f"INSERT INTO {addresses_of(kind)} SELECT DISTINCT {code_of('canonical', secret=secret)}, canonical "
        "FROM raw_values WHERE canonical IS NOT NULL"
    )


def coded_kind(kind: str, *, mined: bool = False) -> tuple[str, str]:
    """SQL of a kind's code, and of the join that it needs, where ``raw_KIND`` is the raw value's code.

    Raw values that were mined are entities only where ``recoded`` says so; others stand for themselves elsewhere.
    """
    table, alias = recoded(kind), quote_name(f"as_{kind}")
    code = f"CASE WHEN {alias}.raw_code IS NULL THEN raw_{kind} ELSE {alias}.code END AS {kind}"
    if mined:
        code = f"{alias}.code AS {kind}"
    return code, f"LEFT JOIN {table} AS {alias} ON {alias}.raw_code = raw_{kind}"


def _union(parts: Sequence[Part], name: str) -> str:
    having = [part for part in parts if name in part.present]
    return " UNION ALL ".join(f"SELECT {part.values[name]} AS raw FROM {part.relation}" for part in having)


def _write_events(
    engine: DuckDB,
    part: Part,
    kinds: Sequence[str],
    path: Path,
    *,
    mined: Sequence[str],
    secret: str,
    latest_us: int,
) -> None:
    present = [kind for kind in kinds if kind in part.present]
    values = part.values
    inner = [
        f"{_number(part)} AS source",
        f"{code_of(values['account_id'], secret=secret)} AS account",
        f"{values['t']} AS t",
        *(f"{code_of(values[kind], secret=secret)} AS raw_{kind}" for kind in present),
        *(f"{_read_optional(values[name], name, secret)} AS {name}" for name in OPTIONAL if name in part.present),
    ]
    changed = [kind for kind in present if kind in mined or _has_rows(engine, recoded(kind))]
    outer, joins = [], []
    for kind in present:
        code, join = coded_kind(kind, mined=kind in mined) if kind in changed else (f"raw_{kind} AS {kind}", "")
        outer.append(code)
        joins.append(join)
    names = ["source", "account", "t", *outer, *(name for name in OPTIONAL if name in part.present)]
    engine.run(
        # rows are chosen by their text: chosen by its code, each code would be made twice
        f"COPY (SELECT {', '.join(names)} "
        f"FROM (SELECT {', '.join(inner)} FROM {part.relation} WHERE {_usable(part, latest_us)}) {' '.join(joins)} "
        "ORDER BY account) "  # an account's events side by side are grouped in half of the time, and smaller
        f"TO {quote_text(str(path))} (FORMAT parquet, COMPRESSION snappy)",
        abort=False,  # the engine's writer may wait for itself for ever when it is stopped
    )


def _usable(part: Part, latest_us: int) -> str:
    return f"{part.values['account_id']} IS NOT NULL AND {part.values['t']} BETWEEN {EARLIEST_US} AND {latest_us}"


def _read_optional(value: str, name: str, secret: str) -> str:
    return value if name.endswith("tokens") else code_of(value, secret=secret)


def _number(part: Part) -> str:
    """SQL of a row's source as a number: its place in ``sources_of``."""
    return "file_index::USMALLINT" if part.files else "0::USMALLINT"


def _has_rows(engine: DuckDB, table: str) -> bool:
    return bool(engine.query(f"FROM {table} LIMIT 1").num_rows)


def _count(
    engine: DuckDB, part: Part, path: Path, kinds: Sequence[str], *, given: Mapping[str, str]
) -> dict[str, Coded]:
    """Count what was coded, by source.

    Parameters
    ----------
    given
        By kind, SQL of the source and the raw code of each usable row; kinds without it have no bad values.
    """
    present = [kind for kind in kinds if kind in part.present]
    days: dict[int, dict[int, int]] = defaultdict(dict)
    valued: dict[int, Counter[str]] = defaultdict(Counter)
    valued_sql = "".join(f", count({kind}) AS {kind}" for kind in present)
    for row in engine.query(
        f"SELECT source, t // {DAY_US} AS day, count(*) AS n{valued_sql} "
        f"FROM read_parquet({quote_text(str(path))}) GROUP BY ALL"
    ).to_pylist():
        days[row["source"]][row["day"]] = row["n"]
        valued[row["source"]].update({kind: row[kind] for kind in present})
    bad = {kind: _count_bad(engine, kind, given[kind]) if kind in given else {} for kind in present}
    return {
        source: Coded(
            days[number],
            {
                kind.removeprefix("kind_"): (
                    valued[number][kind] + bad[kind].get(number, (0, ""))[0],
                    *bad[kind].get(number, (0, "")),
                )
                for kind in present
            },
        )
        for number, source in enumerate(sources_of(part))
    }


def _count_bad(engine: DuckDB, kind: str, given: str) -> dict[int, tuple[int, str]]:
    """By source: values of a kind of which no entity could be made, and the first of these."""
    bad = f"(SELECT raw_code, example FROM {recoded(kind)} WHERE code IS NULL)"
    if not _has_rows(engine, bad):
        return {}
    rows: list[dict[str, Any]] = engine.query(
        f"SELECT source, count(*) AS n, coalesce(min(example), {quote_text(_COLLIDES)}) AS example "
        f"FROM ({given}) AS given JOIN {bad} AS bad USING (raw_code) GROUP BY source"
    ).to_pylist()
    return {row["source"]: (row["n"], row["example"][:_SHOWN]) for row in rows}
