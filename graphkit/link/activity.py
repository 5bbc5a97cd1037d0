"""When and with what the clustered accounts were active, so that nothing later needs the events."""

from __future__ import annotations

import pyarrow as pa

from graphkit.engine import Engine

_DAY_US = 86_400_000_000
_HOUR_US = 3_600_000_000
_HOURS_FROM_MONDAY = 72
"""1970-01-01 was a Thursday."""


def measure_activity(engine: Engine, clustered: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Aggregate the events by hour of week and by day, model and capability.

    Parameters
    ----------
    clustered
        account_id, cluster_id.

    Returns
    -------
    The tables ``activity`` and ``usage``; the population's rows have no account_id or cluster_id.
    """
    engine.register("clustered", clustered)
    activity = engine.query(f"""
        WITH part AS MATERIALIZED (
            SELECT clustered.account_id, ((t // {_HOUR_US}) + {_HOURS_FROM_MONDAY}) % 168 AS hour_of_week,
                   count(*) AS n_events
            FROM events LEFT JOIN clustered ON events.account_id = clustered.account_id
            GROUP BY 1, 2
        )
        SELECT account_id, hour_of_week, n_events FROM part WHERE account_id IS NOT NULL
        UNION ALL SELECT NULL, hour_of_week, sum(n_events)::BIGINT FROM part GROUP BY hour_of_week
    """)
    # an account is in one cluster or in none, so the accounts of the parts add up as their events do
    usage = engine.query(f"""
        WITH part AS MATERIALIZED (
            SELECT cluster_id, (DATE '1970-01-01' + (t // {_DAY_US})::INTEGER) AS day, model, capability,
                   count(*) AS n_events, count(DISTINCT events.account_id) AS n_accounts,
                   sum(input_tokens)::BIGINT AS input_tokens, sum(output_tokens)::BIGINT AS output_tokens
            FROM events LEFT JOIN clustered ON events.account_id = clustered.account_id
            GROUP BY cluster_id, day, model, capability
        )
        SELECT * FROM part WHERE cluster_id IS NOT NULL
        UNION ALL
        SELECT NULL, day, model, capability, sum(n_events)::BIGINT, sum(n_accounts)::BIGINT,
               sum(input_tokens)::BIGINT, sum(output_tokens)::BIGINT
        FROM part GROUP BY day, model, capability
    """)
    return activity, usage
