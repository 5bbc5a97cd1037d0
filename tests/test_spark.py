"""The same findings from Spark, byte for byte; with real pyspark in local mode."""

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import warnings

import pandas as pd
import pyarrow as pa
import pytest

import graphkit as gk
from graphkit import sparkengine
from graphkit.engine import open_engine
from graphkit.ingest import spark as spark_reading
from graphkit.sparkengine import open_spark

SETTINGS = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.driver.host": "127.0.0.1",
    "spark.log.level": "ERROR",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
LISTED = """value,tag
203.0.113.0/24,vpn
organization:org-7,allowed
"""


def require_spark():
    """Without pyspark or Java the test is skipped, and fails where CI is set."""
    missing = [name for name in ("pyspark", "sqlglot") if importlib.util.find_spec(name) is None]
    missing += [] if shutil.which("java") or "JAVA_HOME" in os.environ else ["Java"]
    if missing and os.environ.get("CI"):
        pytest.fail(f"needs {' and '.join(missing)}, not here; `make test` installs them")
    if missing:
        pytest.skip(f"needs {' and '.join(missing)}, not here")


@pytest.fixture(scope="module")
def session():
    """The session of a user's notebook: small, and with a relation of its own that is called as one of ours."""
    require_spark()
    from pyspark.sql import SparkSession

    heard = signal.getsignal(signal.SIGINT)
    builder = SparkSession.builder.master("local[2]")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        session = builder.getOrCreate()
        session.sparkContext.pythonExec = sys.executable
        session.range(7).createOrReplaceTempView("events")
        yield session
        session.stop()
    signal.signal(signal.SIGINT, heard)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Files of every format, of which some rows cannot be used; addresses of both families; accounts apart."""
    folder = tmp_path_factory.mktemp("world")
    made = gk.synthesize(500, 5_000, seed=5, days=8)
    events = made.events.assign(organization=made.events["account_id"].map(lambda name: f"org-{hash_of(name) % 40}"))
    cut = len(events) // 3
    six = [f"2001:db8:{n % 90:x}::{n:x}" if n % 5 == 0 else None for n in range(cut)]
    first = events[:cut].assign(ip=pd.Series(six, index=events.index[:cut]).fillna(events["ip"][:cut]))
    first.to_parquet(folder / "a.parquet", index=False)
    second = events[cut : 2 * cut].astype({"timestamp": "datetime64[ms, UTC]"}).drop(columns="status")
    second.assign(account_id=second["account_id"].mask(second.index % 97 == 0)).to_parquet(folder / "b.parquet")
    third = events[2 * cut :].assign(timestamp=events["timestamp"].map(lambda time: time.isoformat()))
    third.loc[third.index % 89 == 0, "timestamp"] = "yesterday"
    third.loc[third.index % 83 == 0, "ip"] = "no address"
    half = len(third) // 2
    third[:half].to_csv(folder / "c.csv.gz", index=False)
    third[half:].to_json(folder / "d.jsonl", orient="records", lines=True)
    (folder / "more").mkdir()
    made.accounts.to_csv(folder / "more" / "accounts.csv", index=False)
    (folder / "more" / "listed.csv").write_text(LISTED, encoding="utf-8")
    return folder


def hash_of(text):
    return sum(text.encode())


CONFIG = gk.Config(
    look_back="5d",
    stability=False,
    chance_runs=0,
    kinds={
        "ip": {},
        "user_agent": {"within": "30m"},
        "payment_instrument": {},
        "prompt_template": {},
    },
)


def refresh(world, store, **options):
    key = world / "more" / "key"
    if not key.exists():
        key.write_text("k" * 64, encoding="utf-8")
    more = world / "more"
    files = [world / name for name in ("a.parquet", "b.parquet", "c.csv.gz", "d.jsonl")]
    return gk.refresh_store(
        [str(file) for file in files],
        store,
        accounts=str(more / "accounts.csv"),
        config=CONFIG,
        infrastructure=more / "listed.csv",
        key_file=key,
        **options,
    )


def test_spark_and_duckdb_write_the_same_files(session, world, tmp_path, monkeypatch):
    came = []

    def to_arrow(frame):
        table = arrow_of(frame)
        came.append(table)
        return table

    arrow_of = sparkengine.to_arrow
    for module in (sparkengine, spark_reading):
        monkeypatch.setattr(module, "to_arrow", to_arrow)
    expected = refresh(world, tmp_path / "duckdb")
    found = refresh(world, tmp_path / "spark", engine="spark")

    assert len(expected.clusters) > 3
    assert len(expected.rejected) >= 4
    assert expected.content["infrastructure"]["tags"]["allowed"]["n_accounts_left_out"] > 0
    assert any(":" in entity for entity in expected.entities["entity"][expected.entities["kind"] == "ip"])
    assert found.id == expected.id
    folders = [tmp_path / name / "snapshots" / expected.id for name in ("duckdb", "spark")]
    names = sorted(path.name for path in folders[0].glob("*.parquet"))
    assert len(names) > 10
    assert all((folders[0] / name).read_bytes() == (folders[1] / name).read_bytes() for name in names)
    runs = [snapshot.manifest["run"] for snapshot in (expected, found)]
    assert [run["engine"] for run in runs] == ["duckdb", "spark"]
    for what in ("rejected", "sources", "optional_columns", "n_rows", "n_accepted", "n_in_window", "infrastructure"):
        assert runs[0][what] == runs[1][what], what

    told = {name for table in came if "account_id" in table.schema.names for name in table["account_id"].to_pylist()}
    assert 0 < len(told) < expected.content["population"]["n_accounts"], "who shares nothing stays with Spark"
    with_times = {frozenset(table.schema.names) for table in came if "t" in table.schema.names}
    assert with_times == {frozenset({"entity", "account", "t"})}, "for `within` alone"

    assert session.table("events").count() == 7, "the user's own relation is as it was"
    assert session.sparkContext._jsc.getPersistentRDDs().isEmpty(), "nothing is kept for longer than the run"


STATEMENTS = [
    "CREATE TEMP TABLE found AS SELECT code, count(*) AS n, sum(x)::BIGINT // 2 AS half FROM given GROUP BY code",
    "DELETE FROM found WHERE code IN (SELECT code FROM found GROUP BY code HAVING min(n) > 2)",
    'CREATE TEMP VIEW "more" AS FROM found WHERE n > 1',
    "ALTER VIEW more RENAME TO most",
    "ALTER TABLE found DROP COLUMN code",
    "CREATE TEMP TABLE gone AS FROM found",
    "DROP TABLE gone",
]


@pytest.mark.usefixtures("session")
def test_statements_mean_the_same_to_both():
    codes = pa.array([1, 1, 2, 3, 3, 3, None, 2**64 - 1], pa.uint64())
    given = pa.table({"code": codes, "x": [9, 8, 7, 6, 5, 4, 3, 2]})
    answers = []
    with open_engine() as duck, open_spark() as spark:
        for engine in (duck, spark):
            engine.register("given", given)
            for statement in STATEMENTS:
                engine.run(statement)
            answers.append([engine.query(f"SELECT n, half FROM {name} ORDER BY ALL") for name in ("found", "most")])
        assert [table.to_pylist() for table in answers[0]] == [table.to_pylist() for table in answers[1]]
        assert answers[1][0].num_rows == 4
        with pytest.raises(gk.GraphkitError, match="gone"):
            spark.query("FROM gone")


EVENTS = "account_id,timestamp,ip\na,2026-05-01T10:00:00Z,192.0.2.1\n"


@pytest.mark.parametrize(
    ("events", "config"),
    [
        ("account,timestamp,ip\na,2026-05-01T10:00:00Z,192.0.2.1\n", {}),
        (EVENTS + "b,never,192.0.2.1\n", {}),
        (EVENTS, {"kinds": {"device": {}}}),
    ],
)
@pytest.mark.usefixtures("session")
def test_errors_are_the_same(tmp_path, events, config):
    path = tmp_path / "events.csv"
    path.write_text(events, encoding="utf-8")
    said = []
    for engine in ("duckdb", "spark"):
        with pytest.raises(gk.InputError) as error:
            gk.analyze(path, config=gk.Config(**config), engine=engine)
        said.append(str(error.value))
    assert said[0] == said[1]


@pytest.mark.usefixtures("session")
def test_what_spark_does_not_do_is_told(tmp_path):
    path, listed = tmp_path / "events.csv", tmp_path / "listed.csv"
    path.write_text(EVENTS, encoding="utf-8")
    listed.write_text(LISTED, encoding="utf-8")
    with pytest.raises(gk.UsageError, match="write the frame as Parquet"):
        gk.analyze(pd.read_csv(path), engine="spark")
    digested = gk.Config(kinds={"ip": {"digest": True}})
    with pytest.raises(gk.UsageError, match="cannot tag addresses that are digested"):
        gk.analyze(path, config=digested, infrastructure=listed, engine="spark")
    with pytest.raises(gk.UsageError, match=re.escape("a Spark session of local[2] is active")):
        gk.analyze(path, engine="spark", spark_master="spark://192.0.2.1:7077")


def test_a_master_needs_spark_and_spark_needs_its_extra(tmp_path, monkeypatch):
    path = tmp_path / "events.csv"
    path.write_text(EVENTS, encoding="utf-8")
    with pytest.raises(gk.UsageError, match="--engine spark"):
        gk.analyze(path, spark_master="local[2]")
    with pytest.raises(gk.UsageError, match="got 'hadoop'; allowed: duckdb, spark"):
        gk.analyze(path, engine="hadoop")
    monkeypatch.setitem(sys.modules, "pyspark", None)
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(gk.UsageError, match=re.escape('pip install "graphkit[spark]"')):
        gk.analyze(path, engine="spark")


def test_the_command_starts_a_session_of_its_own(world, tmp_path):
    require_spark()
    key = tmp_path / "key"
    key.write_text("k" * 64, encoding="utf-8")
    command = [sys.executable, "-m", "graphkit", "refresh", str(world / "a.parquet"), "--no-stability"]
    for engine in ("duckdb", "spark"):
        options = ["--engine", engine, "--store", str(tmp_path / engine), "--key-file", str(key)]
        quick = os.environ | {"JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1"}
        subprocess.run([*command, *options], check=True, capture_output=True, env=quick)
    made = [[path.name for path in (tmp_path / engine / "snapshots").iterdir()] for engine in ("duckdb", "spark")]
    assert made[0] == made[1]
