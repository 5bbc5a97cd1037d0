"""Links: which account used which entity, as arrays over the accounts and entities that are shared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graphkit.config import Config
from graphkit.engine import Engine, quote_name, quote_text
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


def make_links(
    engine: Engine, intake: Intake, *, config: Config, traits: Sequence[str] = ()
) -> tuple[Links, list[dict[str, Any]]]:
    """Aggregate the engine's events to links: a narrow pass for the accounts, and one for each kind.

    Leaves the tables ``population`` (an account a row), ``account_ids`` and ``entity_ids`` (the codes of those that
    are shared, numbered in the order of their names) in the engine.

    Parameters
    ----------
    traits
        SQL of further aggregates of an account's events, each named, for ``population``.

    Returns
    -------
    The links, and rows of the table ``rejected`` for values that cannot be told apart.
    """
    _count_population(engine, traits)
    for kind in intake.kinds:
        _aggregate_uses(engine, intake, kind)
    rejected = [row for kind in intake.kinds for row in _name_shared(engine, kind, config=config)]
    engine.run(f"""
        CREATE TEMP TABLE entity_ids AS
        SELECT kind, code, entity, n_accounts, row_number() OVER (ORDER BY kind, entity) - 1 AS id
        FROM ({" UNION ALL ".join(f"FROM {quote_name(f'shared_{kind}')}" for kind in intake.kinds)})
    """)
    rejected += _number_accounts(engine, intake, config=config)
    uses = " UNION ALL ".join(
        f"SELECT account, entity_ids.id AS entity, n_events, first_seen, last_seen FROM {quote_name(f'uses_{kind}')} "
        f"JOIN entity_ids USING (code) WHERE kind = {quote_text(kind)}"
        for kind in intake.kinds
    )
    table = engine.query(f"""
        SELECT account_ids.id AS account, entity, uses.n_events, uses.first_seen, uses.last_seen
        FROM ({uses}) AS uses JOIN account_ids ON account_ids.code = uses.account
        ORDER BY ALL
    """)
    for kind in intake.kinds:
        engine.run(f"DROP TABLE {quote_name(f'uses_{kind}')}")
        engine.run(f"DROP TABLE {quote_name(f'shared_{kind}')}")
    links = Links(
        n_population=count_rows(engine, "population"),
        accounts=engine.query("""
            SELECT account_id, n_events, first_seen, last_seen, created_at
            FROM account_ids JOIN population ON account = code ORDER BY id
        """),
        entities=engine.query("SELECT kind, entity, n_accounts, NULL::VARCHAR AS tag FROM entity_ids ORDER BY id"),
        kinds=intake.kinds,
        **{name: table[name].to_numpy() for name in table.column_names},
    )
    engine.run("ALTER TABLE account_ids DROP COLUMN account_id")
    engine.run("ALTER TABLE entity_ids DROP COLUMN entity")
    engine.release()
    return links, rejected


def count_rows(engine: Engine, relation: str) -> int:
    """Rows of a relation of the engine."""
    return int(engine.query(f"SELECT count(*) AS n FROM {quote_name(relation)}")["n"][0].as_py())


def _count_population(engine: Engine, traits: Sequence[str]) -> None:
    more = "".join(f", {trait}" for trait in traits)
    engine.run(f"""
        CREATE TEMP TABLE population AS
        SELECT * FROM (
            SELECT account, count(*) AS n_events, min(t) // 1000000 AS first_seen, max(t) // 1000000 AS last_seen{more}
            FROM events GROUP BY account
        )
        LEFT JOIN (SELECT account, min(created_us) // 1000000 AS created_at FROM accounts_file GROUP BY account)
        USING (account)
    """)


def _aggregate_uses(engine: Engine, intake: Intake, kind: str) -> None:
    """Make the table of a kind's links, shared or not: account, code, n_events, first_seen, last_seen."""
    column = quote_name(f"kind_{kind}")
    selects = []
    if kind in intake.event_kinds:
        selects.append(f"""
            SELECT account, {column} AS code, count(*) AS n_events,
                   min(t) // 1000000 AS first_seen, max(t) // 1000000 AS last_seen
            FROM events WHERE {column} IS NOT NULL GROUP BY account, {column}
        """)
    if kind in intake.account_kinds:
        selects.append(f"""
            SELECT DISTINCT account, {column} AS code, 0 AS n_events, first_seen, last_seen
            FROM accounts_file JOIN population USING (account) WHERE {column} IS NOT NULL
        """)
    uses = selects[0]
    if len(selects) > 1:
        uses = f"""
            SELECT account, code, sum(n_events)::BIGINT AS n_events,
                   min(first_seen) AS first_seen, max(last_seen) AS last_seen
            FROM ({" UNION ALL ".join(selects)}) GROUP BY account, code
        """
    engine.run(f"CREATE TEMP TABLE {quote_name(f'uses_{kind}')} AS {uses}")


def _name_shared(engine: Engine, kind: str, *, config: Config) -> list[dict[str, Any]]:
    """Make the table of a kind's shared entities: kind, code, entity, n_accounts."""
    shared = quote_name(f"shared_{kind}")
    engine.run(f"""
        CREATE TEMP TABLE {shared} AS
        WITH used AS (
            SELECT code, count(*) AS n_accounts FROM {quote_name(f"uses_{kind}")} GROUP BY code HAVING count(*) > 1
        ),
        named AS (
            SELECT DISTINCT code, name AS entity FROM {quote_name(f"names_kind_{kind}")} SEMI JOIN used USING (code)
        )
        SELECT {quote_text(kind)} AS kind, code, entity, n_accounts FROM used JOIN named USING (code)
    """)
    return _drop_collisions(engine, shared, column=config.kind_column(kind))


def _number_accounts(engine: Engine, intake: Intake, *, config: Config) -> list[dict[str, Any]]:
    """Make the table of the accounts that share something: code, account_id, id."""
    tables = [[quote_name(f"{what}_{kind}") for what in ("uses", "shared")] for kind in intake.kinds]
    sharing = " UNION ".join(
        f"SELECT account AS code FROM {uses} SEMI JOIN {shared} USING (code)" for uses, shared in tables
    )
    engine.run(f"""
        CREATE TEMP TABLE named_accounts AS
        SELECT DISTINCT code, name AS account_id FROM names_account SEMI JOIN ({sharing}) USING (code)
    """)
    rejected = _drop_collisions(engine, "named_accounts", column=config.columns.account_id)
    engine.run("""
        CREATE TEMP TABLE account_ids AS
        SELECT code, account_id, row_number() OVER (ORDER BY account_id) - 1 AS id FROM named_accounts
    """)
    engine.run("DROP TABLE named_accounts")
    return rejected


def _drop_collisions(engine: Engine, table: str, *, column: str) -> list[dict[str, Any]]:
    """Leave out what cannot be told apart: names of one code. Nobody is linked by it."""
    doubled = f"SELECT code FROM {table} GROUP BY code HAVING count(*) > 1"
    n = len(engine.query(doubled))
    if not n:
        return []
    engine.run(f"DELETE FROM {table} WHERE code IN ({doubled})")
    reason = f"{column} values that cannot be told apart by their codes; they link nobody"
    return [{"source": "events", "reason": reason, "n_rows": n, "example": ""}]
