"""The engine: interrupts stay interrupts, sizes are checked, scratch files go."""

import os
import signal
import threading
import time

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graphkit.engine import open_engine
from graphkit.errors import UsageError

_ENDLESS = "SELECT sum(hash(range) % 7) FROM range(100000000000)"


def _interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def _fail_soon() -> None:
    time.sleep(0.05)
    raise ZeroDivisionError


@pytest.mark.parametrize("seconds", [0.05, 0.2])
def test_an_interrupt_reaches_the_engine_at_work(tmp_path, seconds):
    assert pl.DataFrame({"a": [1]}).height, "polars brings a handler of its own, which does not end waits"
    with open_engine(tmp_path) as engine:
        threading.Timer(seconds, _interrupt).start()
        with pytest.raises(KeyboardInterrupt):
            engine.query(_ENDLESS)
        assert engine.query("SELECT 1 AS one")["one"].to_pylist() == [1]
    assert not list(tmp_path.iterdir())


def test_an_interrupt_while_python_feeds_the_engine():
    def batches():
        for _ in range(2_000):
            time.sleep(0.005)
            yield pa.record_batch({"a": [1]})

    with open_engine() as engine:
        engine.register("stream", pa.RecordBatchReader.from_batches(pa.schema([("a", pa.int64())]), batches()))
        threading.Timer(0.1, _interrupt).start()
        with pytest.raises(KeyboardInterrupt):
            engine.run("CREATE TABLE copied AS FROM stream")


def test_what_must_not_be_aborted_ends_with_its_stream(tmp_path):
    seen = []

    def batches():
        for place in range(2_000):
            time.sleep(0.005)
            seen.append(place)
            yield pa.record_batch({"a": [1]})

    with open_engine() as engine:
        engine.register("stream", pa.RecordBatchReader.from_batches(pa.schema([("a", pa.int64())]), batches()))
        threading.Timer(0.1, _interrupt).start()
        with pytest.raises(KeyboardInterrupt):
            engine.run(f"COPY (FROM stream) TO '{tmp_path / 'copied.parquet'}'", abort=False)
    assert len(seen) < 1_000
    assert len(pq.read_table(tmp_path / "copied.parquet")) < len(seen)


def test_the_engine_works_beside_a_block_which_ends_with_them():
    with open_engine() as engine:
        with engine.run_beside(
            lambda: engine.run("CREATE TABLE counted AS SELECT range % 7, count(*) AS n FROM range(5000000) GROUP BY 1")
        ):
            pass
        assert sum(engine.query("FROM counted")["n"].to_pylist()) == 5_000_000


def test_what_runs_beside_a_block_stops_where_that_raises():
    with open_engine() as engine:
        with (
            pytest.raises(ZeroDivisionError),
            engine.run_beside(lambda: engine.run(f"CREATE TABLE sum AS {_ENDLESS}")),
        ):
            _fail_soon()
        assert engine.query("SHOW TABLES").num_rows == 0


def test_a_failure_beside_a_block_is_raised():
    with (
        open_engine() as engine,
        pytest.raises(duckdb.CatalogException),
        engine.run_beside(lambda: engine.run("FROM nothing")),
    ):
        pass


@pytest.mark.parametrize("memory", ["lots", "", "-5GB", "4", "4 GB; DROP TABLE x", "infGB"])
def test_no_size_of_memory_is_a_wrong_call(memory):
    with pytest.raises(UsageError, match='allowed: a size such as "4GB"'), open_engine(memory=memory):
        pytest.fail("it opened")


@pytest.mark.parametrize("memory", ["4GB", "500MB", "1.5 GiB", "900mb"])
def test_sizes_of_memory(memory):
    with open_engine(memory=memory) as engine:
        assert engine.query("SELECT 1 AS one")["one"].to_pylist() == [1]
