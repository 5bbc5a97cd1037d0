import json
import shutil

import pytest

from graphkit.errors import GraphkitError, StoreError
from graphkit.snapshot import STORED_TABLES
from graphkit.store.sealed import seal
from graphkit.store.store import open_store


@pytest.fixture
def store(tmp_path, make_snapshot):
    made = open_store(tmp_path / "store", create=True)
    made.publish(make_snapshot(key=made.key(), created="2026-05-16T01:00:00"))
    return made


@pytest.fixture
def folder(store):
    return store.path / "snapshots" / store.latest().id


def _found(store):
    return [(problem.file, problem.problem) for problem in store.verify()]


def test_a_flipped_byte_is_named_wherever_it_is(store):
    files = sorted(path for path in store.path.rglob("*") if path.is_file() and path.stat().st_size)
    assert len(files) == len(STORED_TABLES) + 3, "tables, manifest, store.json, key"
    for path in files:
        whole = path.read_bytes()
        for place in range(0, len(whole), max(1, len(whole) // 40)):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
            try:
                named = [problem.file for problem in open_store(store.path).verify()]
            except GraphkitError as error:
                named = [str(error)]
            assert any(path.name in name for name in named), (path, place, named)
        path.write_bytes(whole)
    assert not store.verify()


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"format": 1}', b'{"format": 1, "id": "x"}']
)
def test_a_garbled_manifest_is_refused_by_name(store, folder, data):
    (folder / "manifest.json").write_bytes(data)
    with pytest.raises(StoreError, match=r"manifest\.json: is damaged"):
        store.latest()
    assert len(store.verify()) == 1


def test_missing_and_extra_files_are_named(store, folder):
    (folder / "links.parquet").unlink()
    (folder / "notes.txt").write_text("mine")
    (store.path / "snapshots" / "scratch").mkdir()
    (store.path / "draft.csv").write_text("mine")
    snapshot = f"snapshots/{folder.name}"
    assert [file for file, _ in _found(store)] == [
        "draft.csv",
        f"{snapshot}/links.parquet",
        f"{snapshot}/notes.txt",
        "snapshots/scratch",
    ]
    with pytest.raises(StoreError, match=r"links\.parquet: cannot be read"):
        _ = store.latest().links


def test_a_changed_table_is_refused_on_reading(store, folder):
    shutil.copy(folder / "pairs.parquet", folder / "links.parquet")
    with pytest.raises(StoreError, match=r"links\.parquet are not those"):
        _ = store.latest().links


def test_a_snapshot_of_another_name_or_key_is_named(store, folder, make_snapshot):
    stranger = make_snapshot("2026-05-14")
    elsewhere = folder.parent / stranger.id
    shutil.copytree(folder, elsewhere)
    ((file, problem),) = _found(store)
    assert (file, problem) == (
        f"snapshots/{stranger.id}/manifest.json",
        f"belongs to snapshot {folder.name}, not to {stranger.id}",
    )
    (elsewhere / "manifest.json").write_bytes(seal(stranger.manifest))
    ((file, problem),) = _found(store)
    assert file == f"snapshots/{stranger.id}/manifest.json"
    assert problem.startswith("was made with the key")


def test_content_that_its_digest_does_not_cover_is_named(store, folder):
    manifest = dict(store.latest().manifest)
    manifest["content"] = {**manifest["content"], "population": {"n_accounts": 1, "n_events": 1}}
    (folder / "manifest.json").write_bytes(seal(manifest))
    assert [problem for _, problem in _found(store)] == ["its digest is not that of its content"]


def test_an_unknown_format_is_refused_with_what_to_do(store, folder):
    future = json.dumps({"format": 99}).encode()
    (folder / "manifest.json").write_bytes(future)
    with pytest.raises(
        StoreError, match=r"manifest\.json: format 99 is unknown; this graphkit reads format 1.*upgrade"
    ):
        store.load(folder.name)
    assert "format 99" in _found(store)[0][1]
    (store.path / "store.json").write_bytes(future)
    with pytest.raises(StoreError, match=r"store\.json: format 99 is unknown"):
        open_store(store.path)


def test_damage_to_an_older_snapshot_does_not_hide_the_newest(store, folder, make_snapshot):
    newest = store.publish(make_snapshot("2026-05-20", key=store.key()))
    (folder / "manifest.json").write_bytes(b"")
    assert store.latest().id == newest.id
    with pytest.raises(StoreError, match="damaged"):
        store.list()


def test_a_key_that_others_can_read_and_staging_left_over_are_named(store):
    (store.path / "key").chmod(0o644)
    (store.path / "snapshots" / ".staging-20260516-00000000").mkdir()
    assert [file for file, _ in _found(store)] == ["key", "snapshots/.staging-20260516-00000000"]
