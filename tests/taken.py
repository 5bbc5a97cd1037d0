"""Read small events in tests and give back what the engine holds after it."""

from contextlib import contextmanager
from datetime import UTC, datetime

from graphkit.config import Config
from graphkit.engine import open_engine
from graphkit.ingest.events import read_events

KEY = b"a key of thirty-two bytes, or so"
NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
DAY_US = 86_400_000_000


@contextmanager
def taking(events, accounts=None, *, as_of=None, now=NOW, **settings):
    """Read events; gives the engine and the intake."""
    with open_engine(threads=2) as engine:
        config = Config.model_validate(settings)
        yield engine, read_events(engine, events, accounts, config=config, key=KEY, as_of=as_of, now=now)


def take(events, accounts=None, **settings):
    """Read events; gives the intake, and the rows of ``events`` as dictionaries, sorted."""
    with taking(events, accounts, **settings) as (engine, intake):
        return intake, engine.query("FROM events ORDER BY ALL").to_pylist()


def take_accounts(events, accounts, **settings):
    """Read events and accounts; gives the intake, and the rows of ``accounts_file``, sorted."""
    with taking(events, accounts, **settings) as (engine, intake):
        return intake, engine.query("FROM accounts_file ORDER BY ALL").to_pylist()


def write(folder, name, text):
    """Write a file, its text or bytes as they are; gives its path."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path
