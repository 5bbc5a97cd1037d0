import decimal
import tomllib

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graphkit.config import Config
from graphkit.errors import InputError
from tests.taken import take, write

BASE = {"account_id": ["a"], "timestamp": ["2026-05-01"], "ip": ["::1"]}


def fails(events, **settings):
    with pytest.raises(InputError) as error:
        take(events, **settings)
    return str(error.value)


def test_a_missing_column_comes_with_the_line_to_write(tmp_path):
    path = write(tmp_path, "e.csv", 'account_id,"time""stamp_share",ip\n')
    message = fails(path)
    assert message.startswith("e.csv: no column 'timestamp'; there are: account_id, time\"stamp_share, ip.")
    setting = message.partition("graphkit.toml:\n")[2]
    assert Config.model_validate(tomllib.loads(setting)).columns.timestamp == 'time"stamp_share'


@pytest.mark.parametrize(
    ("columns", "settings", "expected"),
    [
        (
            {"user": ["a"], "ts": [1]},
            {},
            ["no column 'account_id'", "no column 'timestamp'", 'timestamp = "YOUR COLUMN"'],
        ),
        ({"account": ["a"], "timestamp": [1]}, {}, ['[columns]\naccount_id = "account"']),
        ({"account_id": ["a"], "timestamp": [1]}, {}, ["no column holds a kind of link", "ip, payment_instrument"]),
        (BASE, {"kinds": {"ip": {}, "object": {"column": "obj"}}}, ["no column 'obj'", "[kinds.object]\ncolumn = "]),
        (BASE | {"IP": ["::2"]}, {}, ["columns 'ip' and 'IP' are equal but for case"]),
        (BASE | {"timestamp": [True]}, {}, ["column 'timestamp' is of type boolean, which is no time"]),
        (BASE | {"timestamp": [{"s": 1}]}, {}, ["column 'timestamp' holds a struct in each row"]),
        (BASE | {"account_id": [["a"]]}, {}, ["column 'account_id' holds a list in each row"]),
    ],
)
def test_columns_that_cannot_be_used(tmp_path, columns, settings, expected):
    pq.write_table(pa.table(columns), tmp_path / "e.parquet")
    for events, source in ((pa.table(columns), "events"), (tmp_path / "e.parquet", "e")):
        message = fails(events, **settings)
        assert message.startswith(source)
        assert all(part in message for part in expected)


def test_columns_are_found_in_any_case_and_may_repeat_where_not_needed(tmp_path):
    path = write(tmp_path, "e.csv", "Account_ID,TIMESTAMP,x,X,x,Ip\na,2026-05-01,1,2,3,::1\n")
    assert take(path)[1][0]["kind_ip"] == "::/64"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (pa.array([5.0]), "5"),
        (pa.array([5.25]), "5.25"),
        (pa.array([float("nan")]), None),
        (pa.array([2**60]), str(2**60)),
        (pa.array([decimal.Decimal("5.50")]), "5.5"),
        (pa.array([decimal.Decimal(500)]), "500"),
        (pa.array([True]), "true"),
        (pa.array([b"x"], pa.binary()), "x"),
        (pa.array([b"\xff"], pa.binary()), "\\xFF"),
        (pa.array([None], pa.null()), None),
        (pa.array([" \t "]), None),
        (pa.array([" \tx y\n"]), "x y"),
        (pa.array(["x "]).dictionary_encode(), "x"),
        (pa.array([{"b": [1, 2]}]), '{"b":[1,2]}'),
        (pa.array([["x", None]]), '["x",null]'),
    ],
)
def test_values_of_any_type_become_text(value, text):
    table = pa.table(BASE).append_column("device", value)
    _, rows = take(table, kinds={"device": {}, "ip": {}})
    assert rows[0]["kind_device"] == text


@pytest.mark.parametrize(
    ("value", "text"), [(7, "7"), (7.0, "7"), ("7", "7"), (" 7 ", "7"), ("\t7", "7"), ("7\r", "7"), ("7\t", "7")]
)
def test_accounts_are_text(value, text):
    assert take(pd.DataFrame({**BASE, "account_id": [value]}))[1][0]["account_id"] == text


@pytest.mark.parametrize(
    ("value", "count"),
    [(7, 7), ("7", 7), (7.0, 7), ("7.0", 7), (-1, None), ("x", None), (1e300, None), (2**63 - 1, None)],
)
def test_counts_are_whole_numbers(value, count):
    assert take(pa.table({**BASE, "input_tokens": [value]}))[1][0]["input_tokens"] == count


@pytest.mark.parametrize("name", ["account_id", "ip", "user_agent", "model", None])
def test_white_space_around_a_text_does_not_count_in_whichever_of_many_files_it_is(tmp_path, name):
    texts = {"account_id": "7", "ip": "10.0.0.7", "user_agent": "one two", "model": "m"}
    typed = {**texts, "account_id": 7, "timestamp": "2026-05-02"}
    for place, text in enumerate([*["{}"] * 3, " {}", "{}\t ", "\t{} ", " "]):
        row = {key: text.format(value) if key == name else value for key, value in texts.items()}
        pd.DataFrame([{**row, "timestamp": "2026-05-01"}]).to_parquet(tmp_path / f"{place}.parquet")
    pd.DataFrame([typed]).to_parquet(tmp_path / "typed.parquet")
    intake, rows = take(tmp_path, max_rejected_share=0.5)
    found = [{key: row[key if key in {"account_id", "model"} else f"kind_{key}"] for key in texts} for row in rows]
    blank = [] if name == "account_id" else [{**texts, name: None}] if name else [texts]
    assert [row for row in found if row != texts] == [row for row in blank if row != texts]
    assert len(found) == intake.n_accepted == 7 + len(blank)
    assert intake.unusable == []
