import gzip
import json

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graphkit.errors import InputError
from tests.taken import take, taking, write

ROWS = [
    {"account_id": account, "timestamp": time, "ip": ip, "user_agent": agent, "input_tokens": tokens}
    for account, time, ip, agent, tokens in (
        ("a", "2026-05-01T10:00:00Z", "198.51.100.7", 'x, "y"\nz', 5),
        ("b", "2026-05-02T10:00:00Z", "198.51.100.7", "é", None),
        ("b", "2026-05-02T10:00:00Z", None, "é", 7),
    )
]
FIRST_US = 1_777_629_600_000_000


def to_parquet(folder, _):
    pq.write_table(pa.Table.from_pylist(ROWS), folder / "events.parquet")
    return folder / "events.parquet"


def to_csv(folder, compress, *, delimiter=",", name="events.csv", line_end="\n"):
    text = pd.DataFrame(ROWS).to_csv(index=False, sep=delimiter, lineterminator=line_end)
    return compress(folder, name, text.encode())


def to_json(folder, compress):
    return compress(folder, "events.jsonl", "\n".join(json.dumps(row) for row in ROWS).encode())


def plain(folder, name, data):
    return write(folder, name, data)


def gzipped(folder, name, data):
    middle = len(data) // 2
    return write(folder, f"{name}.gz", gzip.compress(data[:middle]) + gzip.compress(data[middle:]))


def zstandard(folder, name, data):
    return write(folder, f"{name}.zst", pa.compress(data, codec="zstd", asbytes=True))


def semicolons(folder, compress):
    return to_csv(folder, compress, delimiter=";")


def tabs(folder, compress):
    return to_csv(folder, compress, delimiter="\t", name="events.tsv", line_end="\r\n")


def with_mark(folder, _):
    return plain(folder, "events.csv", b"\xef\xbb\xbf" + to_csv(folder, plain).read_bytes().rstrip())


@pytest.mark.parametrize("compress", [plain, gzipped, zstandard])
@pytest.mark.parametrize("make", [to_csv, to_json, semicolons, tabs, to_parquet, with_mark])
def test_every_format_reads_the_same(tmp_path, make, compress):
    intake, rows = take(make(tmp_path, compress))
    assert rows == take(pa.Table.from_pylist(ROWS))[1]
    assert [row["t"] for row in rows] == [FIRST_US] + [FIRST_US + 86_400_000_000] * 2
    assert rows[0] == {
        "account_id": "a", "t": FIRST_US, "kind_ip": "198.51.100.7", "kind_user_agent": 'x, "y"\nz',
        "organization": None, "model": None, "capability": None, "input_tokens": 5, "output_tokens": None,
    }  # fmt: skip
    assert (intake.n_rows, intake.n_accepted, intake.n_in_window, intake.rejected) == (3, 3, 3, [])
    assert (intake.kinds, intake.has) == (("ip", "user_agent"), {"input_tokens"})


TABLE = pa.Table.from_pylist(ROWS)
FRAMES = {
    "pandas": TABLE.to_pandas(),
    "pandas categories": TABLE.to_pandas().astype({"ip": "category", "account_id": "category"}),
    "pandas objects": pd.DataFrame(ROWS, dtype=object),
    "polars": pl.DataFrame(ROWS),
    "polars categories": pl.DataFrame(ROWS).with_columns(pl.col("ip").cast(pl.Categorical)),
    "arrow dictionaries": pa.table(
        {**{n: TABLE[n] for n in TABLE.column_names}, "ip": TABLE["ip"].dictionary_encode()}
    ),
    "arrow large strings": TABLE.set_column(2, "ip", TABLE["ip"].cast(pa.large_string())),
    "arrow string views": TABLE.set_column(2, "ip", TABLE["ip"].cast(pa.string_view())),
    "arrow batch": TABLE.to_batches()[0],
}


@pytest.mark.parametrize("name", FRAMES)
def test_frames_read_the_same(name):
    intake, rows = take(FRAMES[name])
    assert rows == take(TABLE)[1]
    assert intake.sources == ("events (frame)",)


def test_a_stream_is_read_once_and_scanned_often():
    with taking(pa.RecordBatchReader.from_batches(TABLE.schema, TABLE.to_batches())) as (engine, intake):
        assert intake.n_accepted == 3
        assert (
            engine.query("FROM events ORDER BY ALL").to_pylist() == engine.query("FROM events ORDER BY ALL").to_pylist()
        )


def test_formats_and_columns_may_differ_between_files(tmp_path):
    to_parquet(tmp_path, None)
    write(tmp_path, "more.csv", "TimeStamp,account_id,ip,wide\n1777629600,c,::1,x\n")
    pq.write_table(pa.table({"account_id": [7], "timestamp": [1777629600000], "model": ["m"]}), tmp_path / "n.parquet")
    intake, rows = take(tmp_path)
    assert (intake.n_accepted, intake.has) == (5, {"model", "input_tokens"})
    assert (rows[0]["account_id"], rows[0]["kind_ip"], rows[0]["model"]) == ("7", None, "m")
    assert {row["t"] for row in rows if row["account_id"] in "7c"} == {FIRST_US}


def test_a_json_key_may_appear_late(tmp_path):
    lines = [{"account_id": f"a{n}", "timestamp": "2026-05-01", "ip": "::1"} for n in range(1500)]
    lines.append(
        {"account_id": "z", "timestamp": 1777629600.5, "ip": None, "user_agent": {"b": [1, 2.0]}, "model": 4.0}
    )
    path = write(tmp_path, "events.ndjson", "\n\n".join(json.dumps(line) for line in lines))
    intake, rows = take(path)
    assert intake.kinds == ("ip", "user_agent")
    assert (rows[-1]["kind_user_agent"], rows[-1]["model"], rows[-1]["t"]) == ('{"b":[1,2.0]}', "4", FIRST_US + 500_000)


def test_a_json_array_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"^events.json: is a JSON array; write one object a line"):
        take(write(tmp_path, "events.json", json.dumps(ROWS)))


def test_names_with_quotes_are_only_names(tmp_path):
    column = "x\"; DROP TABLE events; --/~'"
    rows = [{"account_id": "a", "timestamp": "2026-05-01", column: "'v\""}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "we[i]rd*?'\"\n ü.parquet")
    write(tmp_path, "b'.jsonl", json.dumps(rows[0]))
    pd.DataFrame(rows).to_csv(tmp_path / "c'[d].csv", index=False)
    intake, taken = take(tmp_path, kinds={"odd": {"column": column}})
    assert [row["kind_odd"] for row in taken] == ["'v\""] * 3
    assert intake.n_rows == 3
