"""When and with what the clustered accounts were active, so that nothing later needs the events."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from graphkit.engine import Engine
from graphkit.link.links import Integers, Links

_DAY_US = 86_400_000_000
_HOUR_US = 3_600_000_000
_HOURS_FROM_MONDAY = 72
"""1970-01-01 was a Thursday."""


def measure_activity(
    engine: Engine, links: Links, cluster: Integers, names: tuple[str, ...]
) -> tuple[pa.Table, pa.Table]:
    """Aggregate the events by hour of week and by day, model and capability.

    Parameters
    ----------
    cluster
        For each account of the links its place in ``names``; -1 for none.
    names
        Cluster ids.

    Returns
    -------
    The tables ``activity`` and ``usage``; the population's rows have no account_id or cluster_id.
    """
    places = np.flatnonzero(cluster >= 0)
    engine.register("clustered_places", pa.table({"id": places, "cluster": cluster[places]}))
    engine.run("""
        CREATE TEMP TABLE clustered AS
        SELECT code AS account, id, cluster FROM account_ids JOIN clustered_places USING (id)
    """)
    return _measure_hours(engine, links), _measure_usage(engine, names)


def _measure_hours(engine: Engine, links: Links) -> pa.Table:
    hour = f"((t // {_HOUR_US}) + {_HOURS_FROM_MONDAY}) % 168 AS hour_of_week"
    everyone = engine.query(
        f"SELECT NULL::BIGINT AS id, {hour}, count(*) AS n_events FROM events GROUP BY ALL ORDER BY ALL"
    )
    own = engine.query(
        f"SELECT id, {hour}, count(*) AS n_events FROM events JOIN clustered USING (account) GROUP BY ALL ORDER BY ALL"
    )
    both = pa.concat_tables([everyone, own])
    return _name(both, "id", "account_id", links.accounts["account_id"].combine_chunks())


def _measure_usage(engine: Engine, names: tuple[str, ...]) -> pa.Table:
    what = f"(DATE '1970-01-01' + (t // {_DAY_US})::INTEGER) AS day, model, capability, count(*) AS n_events"
    sums = "sum(input_tokens)::BIGINT AS input_tokens, sum(output_tokens)::BIGINT AS output_tokens"
    everyone = engine.query(
        f"SELECT NULL::BIGINT AS cluster, {what}, NULL::BIGINT AS n_accounts, {sums} FROM events GROUP BY ALL"
    )
    own = engine.query(
        f"SELECT cluster, {what}, count(DISTINCT account) AS n_accounts, {sums} "
        "FROM events JOIN clustered USING (account) GROUP BY ALL"
    )
    return _name(pa.concat_tables([everyone, own]), "cluster", "cluster_id", pa.array(names, pa.string()))


def _name(table: pa.Table, number: str, name: str, names: pa.Array) -> pa.Table:
    """Put names in the place of numbers."""
    numbers = table[number].combine_chunks().cast(pa.int32())
    return table.drop_columns(number).append_column(name, pa.DictionaryArray.from_arrays(numbers, names))
