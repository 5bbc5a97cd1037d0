"""A writer to an object store that dies at any of its operations: what it asks after that never arrives."""

import pytest

import graphkit as gk
from graphkit.snapshot import STORED_TABLES
from graphkit.store.remote import RemotePath
from graphkit.store.store import open_store

_OPERATIONS = ("write_bytes", "create", "unlink", "read_bytes", "read_objects", "find", "exists")


class DiedError(BaseException):
    """Raised in place of an operation of a dead process."""


def die_at(number):
    """Let the process die before its n-th operation; gives a function that brings it back."""
    calls, patch = [], pytest.MonkeyPatch()

    def stand_in(operation):
        def ask(*args, **kwargs):
            calls.append(operation.__name__)
            if len(calls) >= number:
                raise DiedError
            return operation(*args, **kwargs)

        return ask

    for name in _OPERATIONS:
        patch.setattr(RemotePath, name, stand_in(getattr(RemotePath, name)))
    return patch.undo


def publish(store, make_snapshot):
    return lambda: store.publish(make_snapshot("2026-05-16", key=store.key()))


def review(store, _):
    return lambda: gk.review(store, "c1", "confirmed", author="A. Analyst", note="killed")


def prune(store, make_snapshot):
    store.publish(make_snapshot("2026-05-12", key=store.key()))
    store.publish(make_snapshot("2026-05-13", key=store.key()))
    return lambda: gk.prune_store(store, keep=1)


def read_all(url):
    """Read the whole of all snapshots that are listed, as anybody does; gives their ids, oldest first."""
    store = open_store(url)
    ids = store.list()["snapshot_id"].tolist()
    for name in ids:
        for table in STORED_TABLES:
            store.load(name).table(table)
    assert store.latest().id == ids[-1]
    return ids


def without_lease(store):
    """Names of all objects; those of reviews, which bear time and chance, as one name."""
    names = [name for name in store.path.find() if not name.startswith("lease/")]
    return sorted({"a review" if name.startswith("reviews/") else name for name in names})


@pytest.mark.parametrize("prepare", [publish, review, prune])
def test_nothing_is_lost_and_nothing_piles_up(memory_url, make_snapshot, prepare):
    finished = None
    for number in range(1, 200):
        url = f"{memory_url}/{number}"
        store = open_store(url, create=True)
        store.publish(make_snapshot("2026-05-15", key=store.key()))
        gk.review(store, "c1", "watch", author="A. Analyst", note="before")
        write = prepare(store, make_snapshot)
        newest = read_all(url)[-1]
        revive, died = die_at(number), False
        try:
            write()
        except DiedError:
            died = True
        finally:
            revive()
        assert newest in read_all(url)
        assert open_store(url).reviews()["note"].tolist()[0] == "before"
        assert all("the next one removes it" in problem.problem for problem in store.verify())
        write()
        assert store.verify() == []
        read_all(url)
        assert len([name for name in store.path.find() if name.startswith("lease/")]) == 1
        finished = without_lease(store) if finished is None else finished
        assert without_lease(store) == finished, number
        if not died:
            break
    assert not died
    assert number > {publish: 30, review: 5, prune: 30}[prepare], "it died that often"
