import hashlib
import json
import random
from dataclasses import replace
from datetime import date

import pyarrow as pa
import pytest

from graphkit.errors import StoreError
from graphkit.snapshot import STORED_TABLES, digest_content
from graphkit.tables import TABLES
from tests.small import snapshot_of


def _bytes(snapshot):
    return {name: snapshot.read_bytes(name) for name in STORED_TABLES}


def test_the_same_rows_in_any_order_give_the_same_bytes(small_tables):
    mixed = random.Random(1)  # noqa: S311
    activity = pa.Table.from_pylist(
        [{"account_id": name, "hour_of_week": hour, "n_events": 1} for name in (None, "b", "a") for hour in (5, 3)],
        schema=TABLES["activity"].schema(),
    )
    tables = {**small_tables, "activity": activity}
    first = snapshot_of(tables)
    for _ in range(5):
        shuffled = {
            name: table.take(pa.array(mixed.sample(range(len(table)), len(table)), pa.int64())).select(
                mixed.sample(table.column_names, table.num_columns)
            )
            for name, table in tables.items()
        }
        again = snapshot_of(shuffled)
        assert _bytes(again) == _bytes(first)
        assert again.manifest == first.manifest
    order = [(row["account_id"], row["hour_of_week"]) for row in first.table("activity").to_pylist()]
    assert order == [(None, 3), (None, 5), ("a", 3), ("a", 5), ("b", 3), ("b", 5)]


def test_the_id_is_the_day_and_the_digest_of_the_content(small_tables):
    snapshot = snapshot_of(small_tables)
    covered = {name: part for name, part in snapshot.content.items() if name != "digest"}
    digest = hashlib.sha256(json.dumps(covered, sort_keys=True).encode()).hexdigest()
    assert snapshot.content["digest"] == digest == digest_content(snapshot.content)
    assert snapshot.id == f"20260516-{digest[:8]}"
    assert snapshot.as_of == date(2026, 5, 16)


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"run": {"paths": ["x"], "rejected": []}}, True),
        ({"config": {"seed": 4}}, False),
        ({"parent": "20260515-00000000"}, False),
        ({"key_fingerprint": "g"}, False),
        ({"as_of": date(2026, 5, 17)}, False),
    ],
)
def test_the_id_follows_the_content_alone(small_tables, changes, same):
    assert (snapshot_of(small_tables, **changes).id == snapshot_of(small_tables).id) is same
    assert snapshot_of({}).id != snapshot_of(small_tables).id


def test_a_flipped_byte_is_refused(small_tables):
    snapshot = snapshot_of(small_tables)

    def flip(name):
        data = bytearray(snapshot.read_bytes(name))
        data[len(data) // 2] ^= 1
        return bytes(data)

    damaged = replace(snapshot, read_bytes=flip)
    for name in STORED_TABLES:
        with pytest.raises(StoreError, match=rf"{snapshot.id}: the bytes of {name}\.parquet are not those"):
            damaged.table(name)
