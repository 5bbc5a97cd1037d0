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
from graphkit.engine import DuckDB, quote_text
from graphkit.ingest.codes import code_of
from graphkit.ingest.fields import PROMPT_KIND
from graphkit.ingest.parts import EARLIEST_US, Part, explain_damage, explain_failure
from graphkit.ingest.texts import code_kind, coded_kind, find_texts, has_rows, recoded, write_names

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
        parts = find_texts(engine, parts, "account_id")
        write_names(engine, folder / names_file("account"), secret=secret)
        for label in LABELS:
            if any(label in part.present for part in parts):
                parts = find_texts(engine, parts, label)
                write_names(engine, folder / names_file(label), secret=secret)
        for kind in (kind for kind in kinds if kind not in mined):
            parts = find_texts(engine, parts, kind)
            code_kind(engine, kind, parts, folder / names_file(kind), config=config, key=key, secret=secret)
    engine.run("DROP TABLE texts")
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


def _take_mined(engine: DuckDB, prompts: MinedPrompts, path: Path) -> None:
    """Take mined templates as entities: writes their names, leaves ``recoded``."""
    engine.run(
        f"CREATE OR REPLACE TEMP TABLE {recoded(PROMPT_KIND)} AS "
        f"SELECT raw_code, code, NULL::VARCHAR AS example FROM {prompts.codes}"
    )
    engine.run(
        f"COPY (SELECT code, name FROM {prompts.names}) TO {quote_text(str(path))} (FORMAT parquet)", abort=False
    )


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
    changed = [kind for kind in present if kind in mined or has_rows(engine, recoded(kind))]
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
    if not has_rows(engine, bad):
        return {}
    rows: list[dict[str, Any]] = engine.query(
        f"SELECT source, count(*) AS n, coalesce(min(example), {quote_text(_COLLIDES)}) AS example "
        f"FROM ({given}) AS given JOIN {bad} AS bad USING (raw_code) GROUP BY source"
    ).to_pylist()
    return {row["source"]: (row["n"], row["example"][:_SHOWN]) for row in rows}
