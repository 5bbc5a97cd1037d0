"""The floor: one GROUPING SETS query over the texts of the same files; who links accounts does at least that.

Run by ``scale.py``; by hand: python benchmarks/scaling/floor.py EVENTS SCRATCH
"""

import sys
from pathlib import Path

import duckdb

KINDS = ("ip", "user_agent", "prompt_template")


def main(events: Path, scratch: Path) -> None:
    """Group the events of a folder of Parquet files by account and each kind, in 4 GB."""
    with duckdb.connect() as connection:
        connection.execute("SET memory_limit = '4GB'")
        connection.execute("SET preserve_insertion_order = false")
        connection.execute(f"SET temp_directory = '{scratch}'")
        sets = ", ".join([*(f"(account_id, {kind})" for kind in KINDS), "(account_id)"])
        connection.execute(f"""
            CREATE TEMP TABLE links AS
            SELECT account_id, {", ".join(KINDS)}, count(*) AS n, min("timestamp") AS first, max("timestamp") AS last
            FROM read_parquet('{events}/*.parquet') GROUP BY GROUPING SETS ({sets})
        """)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
