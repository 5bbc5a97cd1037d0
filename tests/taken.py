"""Read events as the product does, and look at what the engine then knows."""

from contextlib import contextmanager
from datetime import UTC, datetime

from graphkit.config import Config
from graphkit.engine import open_engine
from graphkit.ingest.coding import LABELS
from graphkit.ingest.events import read_events

KEY = b"a key of thirty-two bytes, or so"
NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
DAY_US = 86_400_000_000


@contextmanager
def taking(events, accounts=None, *, as_of=None, now=NOW, key=KEY, partials=None, rehash=False, **settings):
    """Read events; gives the engine and the intake."""
    with open_engine(threads=2) as engine:
        config = Config.model_validate(settings)
        how = {"as_of": as_of, "now": now, "partials": partials, "rehash": rehash}
        yield engine, read_events(engine, events, accounts, config=config, key=key, **how)


def decode(engine, relation):
    """Rows of ``events`` or ``accounts_file`` with names in the place of codes, sorted."""
    columns, joins = [], []
    for name in engine.query(f"FROM {relation}").schema.names:
        what = "names_account" if name == "account" else f"names_{name}"
        if name in {"account", *LABELS} or name.startswith("kind_"):
            columns.append(f"of_{name}.name AS {'account_id' if name == 'account' else name}")
            names = f"(SELECT DISTINCT code, name FROM {what})"
            joins.append(f"LEFT JOIN {names} AS of_{name} ON of_{name}.code = given.{name}")
        else:
            columns.append(f"given.{name}")
    sql = f"SELECT {', '.join(columns)} FROM {relation} AS given {' '.join(joins)} ORDER BY ALL"
    return engine.query(sql).to_pylist()


def take(events, accounts=None, **settings):
    """Read events; gives the intake, and the rows of ``events`` as dictionaries, sorted."""
    with taking(events, accounts, **settings) as (engine, intake):
        return intake, decode(engine, "events")


def take_accounts(events, accounts, **settings):
    """Read events and accounts; gives the intake, and the rows of ``accounts_file``, sorted."""
    with taking(events, accounts, **settings) as (engine, intake):
        return intake, decode(engine, "accounts_file")


def write(folder, name, text):
    """Write a file, its text or bytes as they are; gives its path."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path
