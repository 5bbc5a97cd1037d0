import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graphkit.errors import InputError
from tests.taken import take, write

HEAD = "account_id,timestamp,ip,payment_instrument,prompt\n"
GOOD = "a,2026-05-01,::1,4111111111111111,secret prompt\n"
MALFORMED = "malformed line: the wrong number of columns"
LENIENT = {"max_rejected_share": 1}


def rejected(events, **settings):
    intake, rows = take(events, **LENIENT, **settings)
    assert intake.n_accepted == len(rows)
    assert intake.n_rows - intake.n_accepted == sum(row["n_rows"] for row in intake.rejected)
    return [(row["reason"].split(";")[0], row["n_rows"], row["example"]) for row in intake.rejected]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("b,2026-05-01\n", (MALFORMED, 1, "line 3: 2 columns where there should be 5")),
        (
            "b,1,::1,4111111111111111,secret,6th\n\nc\n",
            (MALFORMED, 2, "line 3: 6 columns where there should be 5"),
        ),
        (" ,2026-05-01,::1,4111111111111111,x\n", ("no account_id", 1, "line 3")),
        ("b,,::1,4111111111111111,x\n", ("no timestamp", 1, "line 3: account b")),
        (GOOD + "b,2026-13-01,::1,4,x\n" * 3, ("unreadable timestamp", 3, "line 4: 2026-13-01")),
        ('b,2026-05-01,::1,4,"a\nb"\nc,1999-1-1,::1,4,x\n', ("timestamp before the year 2000", 1, "line 5: 1999-1-1")),
        ("b,60000-01-01,::1,4,x\n", ("timestamp more than a day ahead of the clock", 1, "line 3: 60000-01-01")),
    ],
)  # fmt: skip
def test_csv_lines(tmp_path, lines, expected):
    assert rejected(write(tmp_path, "e.csv", HEAD + GOOD + lines)) == [expected]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("not JSON 4111111111111111", ("line that is not a JSON object", 1, "line 2")),
        ("[1]", ("line that is not a JSON object", 1, "line 2")),
        ('{"account_id": "b", ', ("line that is not a JSON object", 1, "line 2")),
        ('{"account_id": "\x01"}', ("line that is not a JSON object", 1, "line 2")),
        ('{"account_id": null, "timestamp": 1777629600}', ("no account_id", 1, "line 2")),
        ("[" * 100_000, ("line that is not a JSON object", 1, "line 2")),
        ('{"a": ' * 100_000, ("line that is not a JSON object", 1, "line 2")),
        ('{"account_id": "b"}', ("no timestamp", 1, "line 2: account b")),
        ('{"account_id": "b", "timestamp": "soon"}', ("unreadable timestamp", 1, "line 2: soon")),
    ],
)
def test_json_lines(tmp_path, line, expected):
    good = json.dumps({"account_id": "a", "timestamp": "2026-05-01", "ip": "::1"})
    assert rejected(write(tmp_path, "e.jsonl", f"{good}\n{line}\n")) == [expected]


TABLE = pa.table(
    {
        "account_id": ["a", None, "c", "d"],
        "timestamp": ["2026-05-01", "2026-05-01", None, "<b>\n" + "x" * 200],
        "ip": ["::1"] * 4,
        "fault": ["0"] * 4,
    }
)
EXPECTED = [
    ("no account_id", 1, "row 2"),
    ("no timestamp", 1, "row 3: account c"),
    ("unreadable timestamp", 1, "row 4: <b>\\n" + "x" * 107 + "…"),
]


def test_parquet_and_frames_name_the_row(tmp_path):
    pq.write_table(TABLE, tmp_path / "e.parquet")
    for events in (TABLE, TABLE.to_pandas(), tmp_path / "e.parquet"):
        assert rejected(events) == EXPECTED
    assert len(EXPECTED[2][2]) == 120
    stream = pa.RecordBatchReader.from_batches(TABLE.schema, TABLE.to_batches())
    assert [row[:2] for row in rejected(stream)] == [row[:2] for row in EXPECTED]


def test_sources_are_names_without_folders(tmp_path):
    (tmp_path / "day").mkdir()
    for place in (tmp_path, tmp_path / "day"):
        write(place, "e\n.csv", HEAD + GOOD + ",2026-05-01,::1,4,x\n")
    pq.write_table(TABLE.slice(0, 2), tmp_path / "t.parquet")
    intake, _ = take(tmp_path, **LENIENT)
    assert [(row["source"], row["n_rows"]) for row in intake.rejected] == [("e\\n.csv", 2), ("t.parquet", 1)]


@pytest.mark.parametrize(("n_bad", "limit", "stops"), [(1, 0.05, True), (1, 0.1, False), (0, 0, False), (1, 0, True)])
def test_too_many_stop_the_run(tmp_path, n_bad, limit, stops):
    lines = GOOD * (10 - n_bad) + "b,soon,::1,4111111111111111,secret prompt\n" * n_bad
    path = write(tmp_path, "e.csv", HEAD + lines)
    if not stops:
        assert take(path, max_rejected_share=limit)[0].n_accepted == 10 - n_bad
        return
    with pytest.raises(InputError) as error:
        take(path, max_rejected_share=limit)
    assert "1 of 10 rows (10.0%) cannot be used" in str(error.value)
    assert "max_rejected_share = 0.11" in str(error.value)
    assert "e.csv: unreadable timestamp" in str(error.value)
    assert "1 row (line 11: soon)" in str(error.value)


def test_neither_payments_nor_prompts_are_shown(tmp_path):
    bad = ["b,2026-05-01,::1,4111111111111111,secret prompt,more", ",2026-05-01,::1,4111111111111111,secret prompt"]
    text = (
        HEAD + GOOD + "\n".join([*bad, "c,soon,::1,4111111111111111,secret prompt", "c,,::1,4111111111111111,secret"])
    )
    intake, _ = take(write(tmp_path, "e.csv", text), **LENIENT)
    assert len(intake.rejected) == 4
    assert "4111" not in str(intake.rejected)
    assert "secret" not in str(intake.rejected)


def test_duplicates_count(tmp_path):
    intake, rows = take(write(tmp_path, "e.csv", HEAD + GOOD * 5))
    assert (intake.n_accepted, len(rows), intake.rejected) == (5, 5, [])


def test_bytes_that_are_no_text_are_kept_as_escapes(tmp_path):
    agents = b"account_id,timestamp,user_agent\na,2026-05-01,x\xff\xfey\nb,2026-05-01,\x00\x1b\n"
    _, rows = take(write(tmp_path, "e.csv", agents + b"c,2026-05-01,z\n" * 5))
    assert [row["kind_user_agent"] for row in rows[:2]] == ["x\\xff\\xfey", "\x00\x1b"]


def test_a_quotation_mark_without_partner_swallows_nothing_in_silence(tmp_path):
    lines = "".join(f"{n},2026-05-01,::1,4,x\n" for n in range(50))
    with pytest.raises(InputError, match=r"e.csv: a quotation mark lacks its partner"):
        take(write(tmp_path, "e.csv", HEAD + lines + 'z,2026-05-01,::1,4,"x\n' + lines))
    middle = HEAD + lines + 'z,2026-05-01,"::1,4,x\ny,2026-05-01",::1,4,x\n' + lines
    intake, _ = take(write(tmp_path, "e.csv", middle), **LENIENT)
    assert intake.n_rows == 102


def test_a_lone_quotation_mark_inside_a_value_is_only_text(tmp_path):
    agents = 'account_id,timestamp,user_agent\n\na,2026-05-01,5" screen\n\n\r\nb,2026-05-01,x\n'
    _, rows = take(write(tmp_path, "e.csv", agents))
    assert [row["kind_user_agent"] for row in rows] == ['5" screen', "x"]


def test_nothing_usable():
    frame = pd.DataFrame({"account_id": [None], "timestamp": [1.0], "ip": ["::1"]})
    with pytest.raises(InputError, match="no usable row"):
        take(frame, **LENIENT)
