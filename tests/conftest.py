from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import settings

from graphkit.config import Config, load_config
from graphkit.privacy import KEY_VARIABLE, PUBLIC_KEY, key_fingerprint
from graphkit.snapshot import Snapshot, build_snapshot
from graphkit.tables import TABLES
from tests.browser import FLAGS, find_chromium
from tests.commands import write_days

ROOT = Path(__file__).parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"

settings.register_profile("graphkit", deadline=None, derandomize=True)
settings.load_profile("graphkit")


@pytest.fixture(autouse=True)
def _no_key_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data by others, kept beside the project; tests that need it skip where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("needs the folder ../shared/data, which is not here")
    return SHARED_DATA


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The browser, for tests that open pages."""
    from playwright.sync_api import sync_playwright

    path = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def small_tables() -> dict[str, pa.Table]:
    """One cluster of three accounts at one address, 30 events among 100 accounts."""
    noon = datetime(2026, 5, 15, 12, tzinfo=UTC)
    links = [{"account_id": f"acct-{n}", "kind": "ip", "entity": "203.0.113.9", "n_events": 10} for n in range(3)]
    cluster = {"cluster_id": "c1", "n_accounts": 3, "n_core": 0, "score": 0.5, "n_events": 30, "binding": "one address"}
    seen = {"first_seen": noon, "last_seen": noon}
    rows = {
        "accounts": [
            {
                "cluster_id": "c1",
                "tier": "review",
                "strength": 5.06,
                "likeness": 0.0,
                "n_partners": 2.0,
                "kinds": ["ip"],
                "reasons": [],
            }
            | {"account_id": link["account_id"], "n_events": 10}
            | seen
            for link in links
        ],
        "clusters": [cluster | seen],
        "links": [link | seen for link in links],
    }
    return {name: pa.Table.from_pylist(rows[name], schema=TABLES[name].schema()) for name in rows}


@pytest.fixture(scope="session")
def make_snapshot(small_tables: dict[str, pa.Table]) -> Callable[..., Snapshot]:
    """Make a small snapshot; ``seed`` makes another of the same day, ``created`` says when its run started."""

    def make(
        day: str = "2026-05-15", *, seed: int = 0, key: bytes = PUBLIC_KEY, created: str | None = None
    ) -> Snapshot:
        content = {
            "config": {"seed": seed},
            "key_fingerprint": key_fingerprint(key),
            "parent": None,
            "population": {"n_accounts": 100, "n_events": 1000},
        }
        run = {"started": created} if created else {}
        return build_snapshot(small_tables, as_of=date.fromisoformat(day), content=content, run=run)

    return make


@pytest.fixture
def memory_url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """URL of a folder in fsspec's object store in memory; a key and a cache folder for it are set."""
    pytest.importorskip("fsspec")
    from graphkit.store.remote import locate

    monkeypatch.setenv("GRAPHKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv(KEY_VARIABLE, "k" * 32)
    yield f"memory://{request.node.name}/Läufe hier"
    place = locate(f"memory://{request.node.name}")
    assert not isinstance(place, Path)
    for name in place.find():
        (place / name).unlink()


@pytest.fixture
def files(tmp_path: Path) -> Any:
    """Small events in a file for each day."""
    return write_days(tmp_path)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """Folder for partials."""
    return tmp_path / "partials"


@pytest.fixture
def load_settings(tmp_path: Path) -> Callable[[str], Config]:
    """Load settings from a file graphkit.toml of the given text."""

    def load(text: str) -> Config:
        path = tmp_path / "graphkit.toml"
        path.write_text(text, encoding="utf-8")
        return load_config(path)

    return load
