"""When and with what the clustered accounts were active, so that nothing later needs the events."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graphkit.engine import Engine
from graphkit.ingest.coding import LABELS
from graphkit.link.links import Integers, Links
from graphkit.link.weights import Weighted
from graphkit.naming import name_places

_HOUR_US = 3_600_000_000
_HOURS = 168
_HOURS_FROM_MONDAY = 72
"""1970-01-01 was a Thursday."""
_CHUNK = 1 << 15
"""Members whose hours are counted at once, at least."""
_DAYS = 7
"""Days whose use is summed at once, at least."""
_MOST_PASSES = 8
"""Times that the members' events are read for each of the two, however many members and days there are."""
_INTEGER_END = 1 << 31
"""Counts of tokens below it are kept in four bytes."""
_SUMS = "sum(input_tokens)::BIGINT AS input_tokens, sum(output_tokens)::BIGINT AS output_tokens"


@contextmanager
def gather_events(engine: Engine, links: Links, pairs: Weighted) -> Iterator[None]:
    """Gather the events of the accounts that pairs join, beside other work, and count everybody's by the hour.

    Leaves the tables ``all_hours`` (hour, model and capability of somebody's events, numbered by ``place``) and
    ``own_events`` in the engine, for ``measure_activity``.
    """
    joined = np.flatnonzero(pairs.joined(len(links.accounts)))
    engine.register("joined_places", pa.table({"id": pa.array(joined, pa.int32())}))
    with engine.run_beside(lambda: _gather(engine)):
        yield


def _gather(engine: Engine) -> None:
    hourly = f"(t // {_HOUR_US})::INTEGER AS hour, model, capability"
    engine.run(f"""
        CREATE TEMP TABLE all_hours AS
        SELECT *, (row_number() OVER (ORDER BY hour, model, capability) - 1)::INTEGER AS place
        FROM (SELECT {hourly}, count(*) AS n, {_SUMS}, max(greatest(input_tokens, output_tokens)) AS most_tokens
              FROM events GROUP BY ALL)
    """)
    most = engine.query("SELECT max(most_tokens) AS most_tokens FROM all_hours")["most_tokens"][0].as_py() or 0
    tokens = "INTEGER" if most < _INTEGER_END else "BIGINT"
    engine.run(f"""
        CREATE TEMP TABLE own_events AS
        SELECT id, place, own.input_tokens::{tokens} AS input_tokens, own.output_tokens::{tokens} AS output_tokens
        FROM (SELECT id, {hourly}, input_tokens, output_tokens FROM events
              JOIN (SELECT code AS account, id FROM account_ids JOIN joined_places USING (id)) USING (account)) AS own
        JOIN all_hours ON own.hour = all_hours.hour AND own.model IS NOT DISTINCT FROM all_hours.model
                       AND own.capability IS NOT DISTINCT FROM all_hours.capability
    """)


def measure_activity(
    engine: Engine, links: Links, cluster: Integers, names: tuple[str, ...]
) -> tuple[pa.Table, pa.Table]:
    """Aggregate the events that were gathered by hour of week and by day, model and capability.

    Parameters
    ----------
    cluster
        For each account of the links its place in ``names``; -1 for none.
    names
        Cluster ids.

    Returns
    -------
    The tables ``activity`` and ``usage``, their texts as dictionaries; the population's rows have no account_id or
    cluster_id.
    """
    members = np.flatnonzero(cluster >= 0)
    columns = {"id": members, "member": np.arange(len(members)), "cluster": cluster[members]}
    engine.register("clustered_places", pa.table(columns).cast(pa.schema([(name, pa.int32()) for name in columns])))
    activity, usage = _measure_hours(engine, links, members), _measure_usage(engine, names)
    engine.run("DROP TABLE own_events")
    engine.run("DROP TABLE all_hours")
    engine.release()
    return activity, usage


def _measure_hours(engine: Engine, links: Links, members: Integers) -> pa.Table:
    of_week = f"(hour + {_HOURS_FROM_MONDAY}) % {_HOURS}"
    everyone = engine.query(f"""
        SELECT NULL::INTEGER AS member, {of_week} AS hour_of_week, sum(n)::BIGINT AS n_events
        FROM all_hours GROUP BY ALL ORDER BY hour_of_week
    """)
    schema = pa.schema([("member", pa.int32()), ("hour_of_week", pa.int16()), ("n_events", pa.int64())])
    tables = [everyone.cast(schema)]
    chunk = max(_CHUNK, ceil(len(members) / _MOST_PASSES))
    for start in range(0, len(members), chunk):
        counted = engine.query(f"""
            SELECT (member - {start}) * {_HOURS} + {of_week} AS slot, count(*) AS n_events
            FROM own_events JOIN (SELECT place, hour FROM all_hours) USING (place)
            JOIN (SELECT * FROM clustered_places WHERE member BETWEEN {start} AND {start + chunk - 1}) USING (id)
            GROUP BY slot
        """)
        n_events = np.zeros(chunk * _HOURS, dtype=np.int64)
        n_events[counted["slot"].to_numpy()] = counted["n_events"].to_numpy()
        filled = np.flatnonzero(n_events)
        member, hour_of_week = np.divmod(filled, _HOURS)
        own = {"member": start + member, "hour_of_week": hour_of_week, "n_events": n_events[filled]}
        tables.append(pa.table(own).cast(schema))
    hours = pa.concat_tables(tables)
    named = name_places(hours["member"], links.accounts["account_id"].take(pa.array(members)))
    return hours.drop_columns("member").append_column("account_id", named)


def _measure_usage(engine: Engine, names: tuple[str, ...]) -> pa.Table:
    everyone = engine.query(f"""
        SELECT NULL::INTEGER AS cluster, hour // 24 AS day, model, capability, sum(n)::BIGINT AS n_events,
               NULL::BIGINT AS n_accounts, {_SUMS}
        FROM all_hours GROUP BY ALL
    """)
    tables = [everyone]
    days = everyone["day"].to_numpy()
    first, end = int(days.min()), int(days.max()) + 1
    span = max(_DAYS, ceil((end - first) / _MOST_PASSES))
    for start in range(first, end, span):
        # by account first: counting distinct accounts takes twice as long
        own = engine.query(f"""
            WITH slots AS (
                SELECT place, hour // 24 AS day, model, capability,
                       dense_rank() OVER (ORDER BY hour // 24, model, capability) AS slot
                FROM all_hours WHERE hour BETWEEN {24 * start} AND {24 * (start + span) - 1}
            )
            SELECT cluster, day, model, capability, n_events, n_accounts, input_tokens, output_tokens
            FROM (SELECT cluster, slot, sum(n)::BIGINT AS n_events, count(*) AS n_accounts, {_SUMS}
                  FROM (SELECT id, cluster, slot, count(*) AS n, {_SUMS}
                        FROM own_events JOIN clustered_places USING (id) JOIN slots USING (place) GROUP BY ALL)
                  GROUP BY ALL)
            JOIN (SELECT DISTINCT slot, day, model, capability FROM slots) USING (slot)
        """)
        tables.append(own.cast(everyone.schema))
    usage = pa.concat_tables(tables)
    columns = {name: usage[name] for name in ("n_events", "n_accounts", "input_tokens", "output_tokens")}
    columns["cluster_id"] = name_places(usage["cluster"], pa.array(names, pa.string()))
    columns["day"] = usage["day"].cast(pa.int32()).cast(pa.date32())
    for label in LABELS:
        coded = engine.query(f"SELECT code, min(name) AS name FROM names_{label} GROUP BY code ORDER BY name")
        place = pc.index_in(usage[label], value_set=coded["code"])
        columns[label] = name_places(place, coded["name"])
    return pa.table(columns)
