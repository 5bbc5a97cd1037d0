import gzip
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graphkit.errors import InputError
from tests.taken import take, write

CSV = (
    "account_id,timestamp,ip\n" + "".join(f"a{n},2026-05-01,10.0.{n % 256}.{n // 256}\n" for n in range(20_000))
).encode()
GZIP = gzip.compress(CSV)
ZSTD = pa.compress(CSV, codec="zstd", asbytes=True)


def parquet_bytes():
    sink = pa.BufferOutputStream()
    table = pa.table({"account_id": [f"{n * 7919 % 20_000}" for n in range(20_000)], "timestamp": range(20_000)})
    pq.write_table(table.append_column("ip", table["account_id"]), sink)
    return sink.getvalue().to_pybytes()


PARQUET = parquet_bytes()


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("e.csv", b"", "e.csv: the file is empty"),
        ("e.parquet", b"", "e.parquet: the file is empty"),
        ("e.csv.gz", b"", "e.csv.gz: the file is empty"),
        ("e.csv.gz", GZIP[: len(GZIP) // 2], "e.csv.gz: is truncated"),
        ("e.csv.gz", GZIP[:-4], "e.csv.gz: is truncated"),
        ("e.csv.gz", GZIP[:5000] + b"\0" * 99 + GZIP[5099:], "e.csv.gz: its gzip data are damaged"),
        ("e.csv.zst", ZSTD[: len(ZSTD) // 2], "e.csv.zst: is truncated"),
        ("e.csv.zst", ZSTD[:-3], "e.csv.zst: is truncated"),
        ("e.jsonl.gz", GZIP[: len(GZIP) // 2], "e.jsonl.gz: is truncated"),
        ("e.parquet", PARQUET[:-100], "e.parquet: is truncated or damaged"),
        ("e.parquet", PARQUET[: len(PARQUET) // 2], "e.parquet: is truncated or damaged"),
        ("e.parquet", b"PAR1", "e.parquet: is truncated or damaged"),
        ("e.parquet", PARQUET[:100] + b"\xff" * 9000 + PARQUET[9100:], "e.parquet: cannot be read to its end"),
        ("e.parquet", CSV, "e.parquet: is not Parquet, as its ending says; it begins like text"),
        ("e.csv", PARQUET, "e.csv: is not text, as its ending says; it begins like Parquet"),
        ("e.csv", GZIP, "e.csv: is not text, as its ending says; it begins like gzip"),
        ("e.csv.gz", CSV, "e.csv.gz: is not gzip, as its ending says; it begins like text"),
        ("e.csv.gz", ZSTD, "e.csv.gz: is not gzip, as its ending says; it begins like zstd"),
        ("e.csv", "account_id,timestamp,ip\n".encode("utf-16"), "e.csv: is not text, as its ending says"),
        ("e.csv", b"account_id,timestamp,ip\n", "events: there are no rows"),
        ("e.csv", b"account_id,timestamp,ip", "events: there are no rows"),
        ("e.csv", b'{"account_id": "a"}\n', "e.csv: the first line holds no column names"),
        ("e.csv", b"\n\n", "e.csv: the first line holds no column names"),
        ("e.jsonl", b"\n\n", "e.jsonl: no column 'account_id'"),
        ("e.txt", CSV, "e.txt: unknown ending; known are .parquet, .csv"),
        ("e.parquet.gz", GZIP, "e.parquet.gz: unknown ending"),
        ("e", CSV, "e: unknown ending"),
    ],
)
def test_damaged_files(tmp_path, name, data, message):
    with pytest.raises(InputError) as error:
        take(write(tmp_path, name, data))
    assert message in str(error.value)
    assert str(tmp_path) not in str(error.value) or "unknown ending" in message


def test_the_damaged_file_among_many_is_named(tmp_path):
    for day in "abc":
        write(tmp_path, f"{day}.parquet", PARQUET)
    write(tmp_path, "b.parquet", PARQUET[:100] + b"\xff" * 9000 + PARQUET[9100:])
    with pytest.raises(InputError, match=r"^b.parquet: cannot be read to its end"):
        take(tmp_path)


def test_an_empty_day_among_others_is_fine(tmp_path):
    write(tmp_path, "a.csv", CSV)
    write(tmp_path, "b.csv", "account_id,timestamp,ip\n")
    pq.write_table(
        pa.table({"account_id": pa.array([], pa.string()), "timestamp": [], "ip": []}), tmp_path / "c.parquet"
    )
    assert take(tmp_path)[0].n_accepted == 20_000


def test_a_row_that_is_too_long(tmp_path):
    path = write(tmp_path, "e.jsonl", b'{"prompt": "' + b"x" * (40 << 20) + b'"}\n')
    with pytest.raises(InputError, match=r"e.jsonl: (a row is longer than 16 MiB|no column)"):
        take(path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path):
    path = write(tmp_path, "e.csv", CSV)
    path.chmod(0)
    with pytest.raises(InputError, match=r"e.csv: cannot be read: Permission denied"):
        take(path)


def test_a_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "e.csv")
    with pytest.raises(InputError, match=r"e.csv: is not a regular file"):
        take(tmp_path / "e.csv")
