"""A byte flipped in any file of a store that was in use is named, by verify and by who reads the file."""

import shutil

import pytest

import graphkit as gk
from graphkit.errors import GraphkitError
from graphkit.ingest.partials import load_segments
from graphkit.snapshot import STORED_TABLES
from tests.commands import refresh, run, small_events

_EMPTY = {"lock", "lines.lock"}


@pytest.fixture(scope="module")
def used(tmp_path_factory):
    """A store with two snapshots, partials, two reviews and an alert that was told."""
    folder = tmp_path_factory.mktemp("used")
    small_events().to_csv(folder / "small.csv", index=False)
    for day in ("2026-05-05", "2026-05-06"):
        refresh(folder / "small.csv", folder / "store", "--no-stability", "--as-of", day)
    store = gk.open_store(folder / "store")
    (cluster,) = store.latest().clusters["cluster_id"]
    alerts = gk.find_alerts(store)
    assert alerts
    gk.note_alerts(store, alerts)
    for verdict in ("watch", "confirmed"):
        gk.review(store, cluster, verdict, author="A. Analyst")
    return folder / "store"


@pytest.fixture
def store(used, tmp_path):
    return shutil.copytree(used, tmp_path / "store")


def read_all(store):
    """Read all that a store holds, but partials, which only a refresh reads."""
    opened = gk.open_store(store)
    opened.reviews()
    gk.find_alerts(opened)
    for name in opened.list()["snapshot_id"]:
        for table in STORED_TABLES:
            opened.load(name).table(table)


def test_every_file(store, caplog):
    files = sorted(path for path in store.rglob("*") if path.is_file())
    assert {path.name for path in files if not path.stat().st_size} == _EMPTY
    full = [path for path in files if path.stat().st_size]
    kinds = {path.relative_to(store).parts[0] for path in full}
    assert kinds == {"store.json", "key", "snapshots", "partials", "reviews.jsonl", "alerts.jsonl"}
    for path in full:
        whole, name = path.read_bytes(), str(path.relative_to(store))
        for place in {0, len(whole) // 3, len(whole) // 2, len(whole) - 1}:
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
            try:
                told = [problem.file for problem in gk.open_store(store).verify()]
            except GraphkitError as error:
                told = [str(error)]
            assert any(name in each for each in told), (name, place, told)
            if name.startswith("partials/"):
                caplog.clear()
                load_segments(store / "partials")
                assert str(path) in caplog.text
            else:
                with pytest.raises(GraphkitError, match=path.name):
                    read_all(store)
        path.write_bytes(whole)
    read_all(store)
    assert gk.open_store(store).verify() == []


def test_a_refresh_names_a_damaged_partial_and_makes_it_anew(store, used, caplog):
    (names,) = store.glob("partials/*/names-account.parquet")
    names.write_bytes(names.read_bytes()[:-1] + b"?")
    ended = run("verify", store)
    assert ended.code == 1
    assert f"{names.relative_to(store)}: is damaged: the next refresh reads its files anew" in ended.out
    again = refresh(used.parent / "small.csv", store, "--no-stability", "--as-of", "2026-05-06")
    assert f"{names}: is damaged; its files are read anew" in caplog.text
    assert again["snapshot"] == gk.open_store(used).latest().id
    assert run("verify", store).code == 0
