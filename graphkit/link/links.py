"""Links: which account used which entity, as arrays over the accounts and entities that are shared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graphkit.config import Config
from graphkit.engine import Engine, quote_name, quote_text
from graphkit.errors import InputError
from graphkit.ingest.events import Intake

Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Links:
    """The links of all entities that two or more accounts share.

    ``accounts`` and ``entities`` give positions their names; the arrays hold one link at each
    place, sorted by account, then entity.
    """

    n_population: int
    """Accounts with at least one usable event, N of the rarity."""
    accounts: pa.Table
    """account_id, n_events, first_seen, last_seen (epoch seconds), created_at (the same, nullable); by account_id."""
    entities: pa.Table
    """kind, entity, n_accounts, tag (of known infrastructure, null: none); sorted by kind and entity."""
    kinds: tuple[str, ...]
    account: Integers
    """Position in ``accounts`` of each link."""
    entity: Integers
    """Position in ``entities`` of each link."""
    n_events: Integers
    """Events that carried the link; 0 where only the accounts file has it."""
    first_seen: Integers
    last_seen: Integers
    profiles: Numbers = field(default_factory=lambda: np.empty((0, 0)))
    """Behavior of each account, as ``measure_profiles`` gives it; empty where it was not measured."""

    def take(self, chosen: npt.NDArray[np.generic]) -> Links:
        """Links by a mask or by positions, of the same accounts and entities."""
        names = ("account", "entity", "n_events", "first_seen", "last_seen")
        return replace(self, **{name: getattr(self, name)[chosen] for name in names})

    def entity_kind(self) -> Integers:
        """Position in ``kinds`` of each entity's kind."""
        places = pc.index_in(self.entities["kind"], value_set=pa.array(self.kinds, pa.string()))
        return np.asarray(places.to_numpy(), dtype=np.int64)

    def rarity(self) -> Numbers:
        """Bits of each entity: log2(N / d)."""
        rarity: Numbers = np.log2(self.n_population / self.entities["n_accounts"].to_numpy())
        return rarity

    def tag_weight(self, config: Config) -> Numbers:
        """Factor on each entity's bits: the weight of its tag, 1 without."""
        weight = np.ones(len(self.entities))
        tags = self.entities["tag"]
        for tag in tags.unique().drop_null().to_pylist():
            weight[pc.equal(tags, tag).fill_null(fill_value=False).to_numpy()] = config.infrastructure[tag].weight
        return weight

    def bits(self, config: Config) -> Numbers:
        """Bits that each entity adds where two accounts share it: its rarity times the weight of its tag."""
        return self.rarity() * self.tag_weight(config)

    def is_hub(self, config: Config) -> npt.NDArray[np.bool_]:
        """Tell which entities are too common to pair accounts."""
        return self.rarity() < config.hub_bits

    def makes_pairs(self, config: Config) -> npt.NDArray[np.bool_]:
        """Tell which entities pair accounts and weigh: rare enough, and of no tag that forbids it."""
        return ~self.is_hub(config) & (self.tag_weight(config) > 0)


def make_links(engine: Engine, intake: Intake, *, config: Config) -> tuple[Links, list[dict[str, Any]]]:
    """Aggregate the engine's events to links in one pass, and make their values entities.

    Leaves the tables ``population`` (an account a row), ``entity_of`` (raw value to entity) and
    ``entity_ids`` (shared entities, numbered) in the engine.

    Returns
    -------
    The links, and rows of the table ``rejected`` for values that no entity could be made of.

    Raises
    ------
    InputError
        If too many of a kind's values cannot be used.
    """
    _aggregate_events(engine, intake)
    _make_entities(engine, intake)
    rejected = _unusable_values(engine, config)
    engine.run("""
        CREATE TEMP TABLE links AS
        SELECT account_id, kind, entity,
               sum(n_events)::BIGINT AS n_events, min(first_seen) AS first_seen, max(last_seen) AS last_seen
        FROM raw_links JOIN entity_of USING (kind, raw)
        WHERE entity IS NOT NULL
        GROUP BY account_id, kind, entity
    """)
    engine.run("DROP TABLE raw_links")
    engine.run("""
        CREATE TEMP TABLE entity_ids AS
        SELECT kind, entity, n_accounts, row_number() OVER (ORDER BY kind, entity) - 1 AS id
        FROM (SELECT kind, entity, count(*) AS n_accounts FROM links GROUP BY kind, entity HAVING count(*) > 1)
    """)
    engine.run("""
        CREATE TEMP TABLE account_ids AS
        SELECT account_id, row_number() OVER (ORDER BY account_id) - 1 AS id
        FROM (SELECT DISTINCT account_id FROM links SEMI JOIN entity_ids USING (kind, entity))
    """)
    table = engine.query("""
        SELECT account_ids.id AS account, entity_ids.id AS entity, n_events, first_seen, last_seen
        FROM links JOIN entity_ids USING (kind, entity) JOIN account_ids USING (account_id)
        ORDER BY account, entity
    """)
    engine.run("DROP TABLE links")
    accounts = engine.query("""
        SELECT account_id, n_events, first_seen, last_seen, created_at
        FROM account_ids JOIN population USING (account_id) ORDER BY id
    """)
    links = Links(
        n_population=count_rows(engine, "population"),
        accounts=accounts,
        entities=engine.query("SELECT kind, entity, n_accounts, NULL::VARCHAR AS tag FROM entity_ids ORDER BY id"),
        kinds=intake.kinds,
        **{name: table[name].to_numpy() for name in table.column_names},
    )
    return links, rejected


def count_rows(engine: Engine, relation: str) -> int:
    """Rows of a relation of the engine."""
    return int(engine.query(f"SELECT count(*) AS n FROM {quote_name(relation)}")["n"][0].as_py())


def _aggregate_events(engine: Engine, intake: Intake) -> None:
    """One pass over the events: totals by account and links by account and raw value, for all kinds at once."""
    columns = {kind: quote_name(f"kind_{kind}") for kind in intake.event_kinds}
    sets = ["(account_id)", *(f"(account_id, {column})" for column in columns.values())]
    kind = " ".join(f"WHEN GROUPING({column}) = 0 THEN {quote_text(name)}" for name, column in columns.items())
    engine.run(f"""
        CREATE TEMP TABLE raw_links AS
        SELECT account_id, {f"CASE {kind} END" if kind else "NULL::VARCHAR"} AS kind,
               {f"coalesce({', '.join(columns.values())})" if columns else "NULL::VARCHAR"} AS raw,
               count(*) AS n_events, min(t) // 1000000 AS first_seen, max(t) // 1000000 AS last_seen
        FROM events GROUP BY GROUPING SETS ({", ".join(sets)})
        HAVING kind IS NULL OR raw IS NOT NULL
    """)
    engine.run("""
        CREATE TEMP TABLE population AS
        SELECT account_id, n_events, first_seen, last_seen, created_at
        FROM (SELECT account_id, n_events, first_seen, last_seen FROM raw_links WHERE kind IS NULL)
        LEFT JOIN (SELECT account_id, min(created_us) // 1000000 AS created_at FROM accounts_file GROUP BY account_id)
        USING (account_id)
    """)
    engine.run("DELETE FROM raw_links WHERE kind IS NULL")
    for name in intake.account_kinds:
        engine.run(f"""
            INSERT INTO raw_links BY NAME
            SELECT DISTINCT account_id, {quote_text(name)} AS kind, {quote_name(f"kind_{name}")} AS raw,
                   0 AS n_events, first_seen, last_seen
            FROM accounts_file JOIN population USING (account_id) WHERE raw IS NOT NULL
        """)


def _make_entities(engine: Engine, intake: Intake) -> None:
    """Make an entity of each distinct raw value, once."""
    parts = [
        f"""SELECT kind, raw, {quote_name(f"entity_{kind}")}(raw) AS entity
            FROM (SELECT DISTINCT kind, raw FROM raw_links WHERE kind = {quote_text(kind)})"""
        for kind in intake.kinds
    ]
    engine.run(f"CREATE TEMP TABLE entity_of AS {' UNION ALL '.join(parts)}")


def _unusable_values(engine: Engine, config: Config) -> list[dict[str, Any]]:
    """Rows of ``rejected`` for values of which no entity could be made; an error if they are too many."""
    rows: list[Mapping[str, Any]] = engine.query("""
        SELECT kind, sum(n_events)::BIGINT AS n_all,
               coalesce(sum(n_events) FILTER (entity IS NULL), 0)::BIGINT AS n_bad,
               min(raw) FILTER (entity IS NULL) AS example
        FROM raw_links JOIN entity_of USING (kind, raw) GROUP BY kind ORDER BY kind
    """).to_pylist()
    rejected = []
    for row in (row for row in rows if row["n_bad"]):
        kind = config.kinds[row["kind"]]
        example = "(not shown)" if kind.digest else row["example"][:120]
        what = "is not an IP address" if kind.normalize == "ip" else "is empty"
        reason = f"{config.kind_column(row['kind'])} {what}; the row counts, the value does not"
        if row["n_bad"] > config.max_rejected_share * row["n_all"]:
            raise InputError(
                f"events, column {config.kind_column(row['kind'])!r}: {row['n_bad']:,} of {row['n_all']:,} values "
                f"cannot be used as kind {row['kind']!r}, for example {example!r}. Name the right column in [columns] "
                f'or [kinds.{row["kind"]}], set normalize = "text" there, or raise max_rejected_share.'
            )
        rejected.append({"source": "events", "reason": reason, "n_rows": row["n_bad"], "example": example})
    return rejected
