"""Table files: one order, one form, so that the same rows are the same bytes."""

import hashlib
import io
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graphkit import tablefile
from graphkit.tables import TABLES

ROWS = [
    {"account_id": account, "hour_of_week": hour, "n_events": hour + 1}
    for account in (None, "b", "a", "Zoë", "z", "")
    for hour in (5, 3, 160)
]
SCHEMA = TABLES["activity"].schema()


def in_order(rows):
    return sorted(rows, key=lambda row: (row["account_id"] is not None, row["account_id"] or "", row["hour_of_week"]))


def coded(table):
    """Texts as dictionaries, of another dictionary in each chunk."""
    chunks = [table.slice(start, 4) for start in range(0, len(table), 4)]
    return pa.concat_tables(
        chunk.set_column(0, "account_id", chunk["account_id"].dictionary_encode()) for chunk in chunks
    )


def written(name, rows):
    sink = io.BytesIO()
    n_rows = tablefile.write_table(name, rows, sink)
    return sink.getvalue(), n_rows


def mixed(seed):
    return pa.Table.from_pylist(random.Random(seed).sample(ROWS, len(ROWS)), schema=SCHEMA)  # noqa: S311


@pytest.mark.parametrize("at_once", [1 << 20, 4])
def test_rows_are_in_the_order_of_the_table_nulls_first(monkeypatch, at_once):
    monkeypatch.setattr(tablefile, "_ROWS_AT_ONCE", at_once)
    data, n_rows = written("activity", mixed(1))
    table = pq.read_table(io.BytesIO(data))
    assert table.to_pylist() == in_order(ROWS)
    assert n_rows == len(ROWS) == table.num_rows
    assert table.schema.equals(SCHEMA)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "given",
    [
        lambda table: table,
        coded,
        lambda table: table.select(["n_events", "account_id", "hour_of_week"]),
        lambda table: table.append_column("more", pa.nulls(len(table))),
        lambda table: pa.concat_tables([table.slice(0, 7), table.slice(7, 0), table.slice(7)]),
        lambda table: table.cast(pa.schema([pa.field(f.name, f.type) for f in table.schema])),
        lambda table: pa.Table.from_pylist(in_order(table.to_pylist()), schema=SCHEMA),
        lambda table: coded(pa.Table.from_pylist(in_order(table.to_pylist()), schema=SCHEMA)),
    ],
)
def test_the_same_rows_are_the_same_bytes_whatever_their_form(seed, given):
    assert written("activity", given(mixed(seed))) == written("activity", mixed(9))


def test_values_that_repeat_are_dictionaries_in_the_file():
    rows = [{"account_a": f"a{n}", "account_b": "b", "match_weight": 1.5, "kinds": ["ip", "payment"]} for n in range(9)]
    table = pa.table(
        {name: [row[name] for row in rows] for name in rows[0]} | {"sampling_probability": pa.array([0.5] * 9)}
    )
    kinds = pa.array([["ip", "payment"]] * 9, pa.list_(pa.dictionary(pa.int16(), pa.string())))
    data, _ = written("pairs", table)
    assert written("pairs", table.set_column(3, "kinds", kinds)) == (data, 9)
    columns = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0).to_dict()["columns"]
    coded = {column["path_in_schema"]: "RLE_DICTIONARY" in column["encodings"] for column in columns}
    assert [path for path, is_coded in coded.items() if is_coded] == ["account_a", "account_b", "kinds.list.element"]


def test_another_row_is_other_bytes():
    changed = pa.Table.from_pylist([*ROWS[:-1], ROWS[-1] | {"n_events": 99}], schema=SCHEMA)
    assert written("activity", changed) != written("activity", mixed(0))


@pytest.mark.parametrize("name", sorted(TABLES))
def test_a_table_without_rows_has_its_columns(name):
    empty = TABLES[name].schema().empty_table()
    assert written(name, None) == written(name, empty)
    data, n_rows = written(name, None)
    assert n_rows == 0
    assert pq.read_table(io.BytesIO(data)).schema.equals(TABLES[name].schema())


def test_a_missing_column_is_an_error_not_an_empty_one():
    with pytest.raises(KeyError, match="n_events"):
        written("activity", mixed(0).drop(["n_events"]))


def test_a_null_where_none_may_be_is_an_error():
    rows = [ROWS[-1] | {"n_events": None}]
    with pytest.raises(ValueError, match="'n_events' with null"):
        written("activity", pa.Table.from_pylist(rows))


def test_what_is_kept_in_a_folder_is_what_is_held_in_memory(tmp_path):
    tables = {"activity": mixed(1), "entities": None}
    with tablefile.begin_writing(tables) as here, tablefile.begin_writing(tables, folder=tmp_path) as there:
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["activity.parquet", "entities.parquet"]
    for name in tables:
        held, kept = here[name].result(), there[name].result()
        assert held.read() == kept.read() == (tmp_path / f"{name}.parquet").read_bytes()
        assert held.sha256 == kept.sha256 == hashlib.sha256(held.read()).hexdigest()
        assert (held.n_rows, kept.n_rows) == (len(ROWS) if name == "activity" else 0,) * 2
