"""When and with what the clustered accounts were active, so that nothing later needs the events."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from graphkit.engine import Engine
from graphkit.ingest.coding import LABELS
from graphkit.link.links import Integers, Links

_HOUR_US = 3_600_000_000
_HOURS = 168
_HOURS_FROM_MONDAY = 72
"""1970-01-01 was a Thursday."""
_CHUNK = 1 << 17
"""Members whose hours are counted at once."""
_SUMS = "sum(input_tokens)::BIGINT AS input_tokens, sum(output_tokens)::BIGINT AS output_tokens"


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
    members = np.flatnonzero(cluster >= 0)
    numbered = {"id": members, "member": np.arange(len(members)), "cluster": cluster[members]}
    engine.register("clustered_places", pa.table(numbered))
    engine.run(f"""
        CREATE TEMP TABLE own_events AS
        SELECT member, cluster, t // {_HOUR_US} AS hour, model, capability, input_tokens, output_tokens
        FROM events JOIN (SELECT code AS account, member, cluster FROM account_ids JOIN clustered_places USING (id))
        USING (account)
    """)
    engine.run(f"""
        CREATE TEMP TABLE all_hours AS
        SELECT t // {_HOUR_US} AS hour, model, capability, count(*) AS n, {_SUMS} FROM events GROUP BY ALL
    """)
    activity, usage = _measure_hours(engine, links, members), _measure_usage(engine, names)
    engine.run("DROP TABLE own_events")
    engine.run("DROP TABLE all_hours")
    return activity, usage


def _measure_hours(engine: Engine, links: Links, members: Integers) -> pa.Table:
    of_week = f"(hour + {_HOURS_FROM_MONDAY}) % {_HOURS}"
    everyone = engine.query(f"""
        SELECT NULL::INTEGER AS id, {of_week} AS hour_of_week, sum(n)::BIGINT AS n_events
        FROM all_hours GROUP BY ALL ORDER BY hour_of_week
    """)
    tables = [everyone]
    for start in range(0, len(members), _CHUNK):
        counted = engine.query(f"""
            SELECT (member - {start}) * {_HOURS} + {of_week} AS slot, count(*) AS n_events
            FROM own_events WHERE member BETWEEN {start} AND {start + _CHUNK - 1} GROUP BY slot
        """)
        n_events = np.zeros(_CHUNK * _HOURS, dtype=np.int64)
        n_events[counted["slot"].to_numpy()] = counted["n_events"].to_numpy()
        filled = np.flatnonzero(n_events)
        member, hour_of_week = np.divmod(filled, _HOURS)
        own = {"id": members[start + member], "hour_of_week": hour_of_week, "n_events": n_events[filled]}
        tables.append(pa.table(own).cast(everyone.schema))
    return _name(pa.concat_tables(tables), "id", "account_id", links.accounts["account_id"].combine_chunks())


def _measure_usage(engine: Engine, names: tuple[str, ...]) -> pa.Table:
    everyone = f"""
        SELECT NULL::BIGINT AS cluster, hour // 24 AS day, model, capability, sum(n)::BIGINT AS n_events,
               NULL::BIGINT AS n_accounts, {_SUMS}
        FROM all_hours GROUP BY ALL
    """
    # by account first: counting distinct accounts takes twice as long
    own = f"""
        SELECT cluster, day, model, capability, sum(n)::BIGINT AS n_events, count(*) AS n_accounts, {_SUMS}
        FROM (SELECT member, cluster, hour // 24 AS day, model, capability, count(*) AS n, {_SUMS}
              FROM own_events GROUP BY ALL)
        GROUP BY ALL
    """
    names_of = {
        label: f"SELECT code AS {label}, min(name) AS {label}_name FROM names_{label} GROUP BY code" for label in LABELS
    }
    named = " ".join(f"LEFT JOIN ({distinct}) USING ({label})" for label, distinct in names_of.items())
    usage = engine.query(f"""
        SELECT cluster, (DATE '1970-01-01' + day::INTEGER) AS day, model_name AS model, capability_name AS capability,
               n_events, n_accounts, input_tokens, output_tokens
        FROM ({everyone} UNION ALL {own}) {named}
    """)
    usage = _name(usage, "cluster", "cluster_id", pa.array(names, pa.string()))
    place = usage.schema.get_field_index("cluster_id")
    return usage.set_column(place, "cluster_id", usage["cluster_id"].cast(pa.string()))


def _name(table: pa.Table, number: str, name: str, names: pa.Array) -> pa.Table:
    """Put names in the place of numbers."""
    numbers = table[number].combine_chunks().cast(pa.int32())
    return table.drop_columns(number).append_column(name, pa.DictionaryArray.from_arrays(numbers, names))
