"""Spark as an engine: the same statements, transpiled; rows stay with Spark's workers, answers come as Arrow."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import tempfile
import threading
import warnings
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from graphkit.engine import Made, parse_size
from graphkit.errors import GraphkitError, UsageError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from sqlglot import exp

_HOW_TO_INSTALL = 'engine "spark" needs pyspark and sqlglot: pip install "graphkit[spark]"'
_SHARE = 0.5
"""Share of the memory that a session started here may take; Python's arrays and libraries need the rest."""
_SESSION = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.optimizer.canChangeCachedPlanOutputPartitioning": "true",
    "spark.sql.constraintPropagation.enabled": "false",
    "spark.sql.adaptive.coalescePartitions.parallelismFirst": "false",
}
"""Times in UTC; what is kept lies in as few parts as its size asks for, and is no longer reasoned about."""
_PARTITIONS = "16"
"""Parts of a shuffle in a session started here on one machine; Spark's 200 would mostly be empty."""


@dataclass(frozen=True)
class Spark:
    """A Spark session as an engine. Its relations live until it closes, beside those that the user has."""

    session: SparkSession
    scratch: Path | None
    """A folder for the files of tasks; None where these may run on other machines."""
    memory: int
    """Bytes that the whole process may take."""
    kept: dict[str, list[DataFrame]] = field(default_factory=dict)
    """What Spark was asked to keep, by name."""

    def run(self, sql: str) -> None:
        """Run a statement: CREATE, DROP, DELETE, or ALTER to rename or to drop a column, of a table or view."""
        from sqlglot import exp, parse_one

        statement: exp.Expr = parse_one(sql, read="duckdb")
        name = statement.find(exp.Table).name  # type: ignore[union-attr]  # each names one
        with explain_spark():
            match statement:
                case exp.Create():
                    self._create(name, statement.expression.sql("spark"), keep=statement.kind == "TABLE")
                case exp.Delete():
                    gone = exp.Coalesce(this=statement.args["where"].this, expressions=[exp.false()])
                    kept = exp.select("*").from_(exp.to_identifier(name, quoted=True)).where(exp.not_(gone))
                    self._create(name, kept.sql("spark"), keep=True)
                case exp.Drop():
                    self.forget(name)
                case exp.Alter():
                    self._alter(name, statement.args["actions"][0])
                case _:
                    raise ValueError(f"Spark is given no such statement: {sql}")

    def query(self, sql: str) -> pa.Table:
        """Run a query; its rows as an Arrow table."""
        from sqlglot import transpile

        with explain_spark():
            return to_arrow(self.session.sql(transpile(sql, read="duckdb", write="spark")[0]))

    def register(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table known to SQL by ``name``."""
        with explain_spark():
            self.define(name, self.session.createDataFrame(_as_signed(table)))

    def release(self) -> None:
        """Nothing: workers give back memory by themselves."""

    @contextmanager
    def run_beside(self, work: Callable[[], Made]) -> Iterator[Future[Made]]:
        """Do some work with Spark, then run the block."""
        done: Future[Made] = Future()
        done.set_result(work())
        yield done

    def define(self, name: str, frame: DataFrame, *, keep: bool = False) -> DataFrame:
        """Make a frame of Spark's known to SQL by ``name``.

        Parameters
        ----------
        keep
            Whether its rows are kept once they are made, in the workers' memory and on their disks.
        """
        if keep:
            # made at once, what it is made of may be dropped after it; and plans stay short
            frame = frame.localCheckpoint(eager=True)
            self.kept.setdefault(name, []).append(frame)
        frame.createOrReplaceTempView(quote(name))
        return frame

    def forget(self, name: str) -> None:
        """Drop a relation and what is kept of it."""
        self.session.catalog.dropTempView(name)
        for frame in self.kept.pop(name, []):
            frame._jdf.queryExecution().logical().rdd().unpersist(False)  # noqa: SLF001  # Python has no name for it

    def _alter(self, name: str, action: exp.Expr) -> None:
        from sqlglot import exp

        frame = self.session.table(quote(name))
        if isinstance(action, exp.AlterRename):
            self.define(action.this.name, frame)
            self.session.catalog.dropTempView(name)
        elif isinstance(action, exp.Drop):
            self.define(name, frame.drop(*(column.name for column in action.find_all(exp.Column))))
        else:
            raise ValueError(f"Spark is given no such change of a table: {action.sql()}")

    def _create(self, name: str, sql: str, *, keep: bool) -> None:
        self.define(name, self.session.sql(sql), keep=keep)


@contextmanager
def open_spark(scratch: str | Path | None = None, *, master: str | None = None, memory: str = "4GB") -> Iterator[Spark]:
    """Open the active Spark session as an engine, or one that is started, and stopped in the end.

    Parameters
    ----------
    scratch
        Folder for temporary files of a session on this machine.
    master
        Address of the cluster; by default the active session's, else ``local[*]``.
    memory
        Bound for a session that is started on this machine, of which it takes half.

    Raises
    ------
    UsageError
        If pyspark, sqlglot or Java is missing, or the session cannot be had.
    """
    size = parse_size(memory)
    with tempfile.TemporaryDirectory(prefix="graphkit-", dir=scratch) as folder, warnings.catch_warnings():
        # the tables that go to Spark and come from it are Arrow's
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        with _find_session(master, Path(folder), size) as session:
            _send_package(session)
            for name, value in _SESSION.items():
                session.conf.set(name, value)
            engine = Spark(session, Path(folder) if _is_local(session.sparkContext.master) else None, size)
            try:
                yield engine
            finally:
                for name in list(engine.kept):
                    engine.forget(name)


def quote(name: str) -> str:
    """An identifier of Spark's SQL."""
    return "`" + name.replace("`", "``") + "`"


def to_arrow(frame: DataFrame) -> pa.Table:
    """Rows of a frame of Spark's as an Arrow table of DuckDB's types: all may hold nulls, whole numbers are wide."""
    table = frame.toArrow()
    types = [pa.int64() if one.type == pa.int32() else one.type for one in table.schema]
    return table.cast(pa.schema(list(zip(table.schema.names, types, strict=True))))


def _as_signed(table: pa.Table) -> pa.Table:
    """The same bits with codes as signed integers: Spark has no others."""
    for place, column in enumerate(table.schema):
        if column.type == pa.uint64():
            bits = table.column(place).combine_chunks().view(pa.int64())
            table = table.set_column(place, column.name, bits)
    return table


@contextmanager
def explain_spark() -> Iterator[None]:
    """Turn an error of Spark's into ours."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError) as error:
        lines = str(error).strip().split("\n")
        said = lines[-1 if "Traceback" in str(error) else 0][:300]  # that of a worker's Python ends with its error
        raise GraphkitError(f"Spark could not run a step; its log says more ({said})") from error


@contextmanager
def _find_session(master: str | None, scratch: Path, memory: int) -> Iterator[SparkSession]:
    try:
        import sqlglot  # noqa: F401  # missing, it is better told now
        from pyspark.sql import SparkSession
        from pyspark.sql.utils import is_remote
    except ImportError as error:
        raise UsageError(_HOW_TO_INSTALL) from error
    if is_remote():
        raise UsageError('engine "spark" runs in the driver\'s process, not over Spark Connect; unset SPARK_REMOTE')
    active = SparkSession.getActiveSession()
    if active is not None:
        found = active.sparkContext.master
        if master not in {None, found}:
            raise UsageError(f"a Spark session of {found} is active; stop it, or leave the master out")
        yield active.newSession()
        return
    heard = signal.getsignal(signal.SIGINT)
    session = _start(master or "local[*]", scratch, memory)
    try:
        yield session
    finally:
        session.stop()
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, heard)  # Spark's own handler would cancel the work of what is stopped


def _start(master: str, scratch: Path, memory: int) -> SparkSession:
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    settings = {"spark.ui.showConsoleProgress": "false", "spark.log.level": "ERROR"}
    if _is_local(master):
        settings |= {
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.memory": f"{max(512, int(_SHARE * memory) >> 20)}m",
            "spark.local.dir": str(scratch),
            "spark.sql.shuffle.partitions": _PARTITIONS,
            "spark.ui.enabled": "false",
        }
    builder = SparkSession.builder.master(master).appName("graphkit")
    for name, value in settings.items():
        builder = builder.config(name, value)
    try:
        session = builder.getOrCreate()
    except (PySparkException, OSError) as error:
        raise UsageError(f"Spark cannot be started ({_first_line(error)}); it needs Java 17 or later") from error
    except Exception as error:  # the Java side tells an unknown master so
        raise UsageError(f"Spark cannot be started at {master!r} ({_first_line(error)})") from error
    if _is_local(master) and "PYSPARK_PYTHON" not in os.environ:
        session.sparkContext.pythonExec = sys.executable
    return session


def _is_local(master: str | None) -> bool:
    return master is not None and master.startswith("local")


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0][:300]


def _send_package(session: SparkSession) -> None:
    """Let workers import this package, as it is here; once a session, whose workers may come later."""
    from pyspark import SparkFiles

    package = Path(__file__).parent
    sources = {str(Path("graphkit") / path.relative_to(package)): path.read_bytes() for path in package.rglob("*.py")}
    digest = hashlib.sha256()
    for name in sorted(sources):
        digest.update(name.encode() + b"\0" + sources[name] + b"\0")
    target = Path(SparkFiles.getRootDirectory()).parent / f"graphkit-{digest.hexdigest()[:16]}.zip"
    if target.exists():
        return
    with zipfile.ZipFile(target, "w") as archive:
        for name in sorted(sources):
            archive.writestr(name, sources[name])
    session.sparkContext.addPyFile(str(target))
