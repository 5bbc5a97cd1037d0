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
    hour = f"((t // {_HOUR_US}) + {_HOURS_FROM_MONDAY}) % 168 AS hour_of_week"
    activity = engine.query(f"""
        SELECT account_id, {hour}, count(*) AS n_events FROM events SEMI JOIN clustered USING (account_id) GROUP BY 1, 2
        UNION ALL SELECT NULL, {hour}, count(*) FROM events GROUP BY 2
    """)
    sums = f"""
        (DATE '1970-01-01' + (t // {_DAY_US})::INTEGER) AS day, model, capability, count(*) AS n_events,
        count(DISTINCT account_id) AS n_accounts, sum(input_tokens)::BIGINT AS input_tokens,
        sum(output_tokens)::BIGINT AS output_tokens
    """
    usage = engine.query(f"""
        SELECT cluster_id, {sums} FROM events JOIN clustered USING (account_id)
        GROUP BY cluster_id, day, model, capability
        UNION ALL SELECT NULL, {sums} FROM events GROUP BY day, model, capability
    """)
    return activity, usage
