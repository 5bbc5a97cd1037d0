"""Finding snapshots among the folders of a store: by id, by age, all in a list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from graphkit.errors import StoreError, UsageError
from graphkit.snapshot import Snapshot
from graphkit.store.folder import read_snapshot
from graphkit.store.names import MANIFEST, SNAPSHOT_ID
from graphkit.store.remote import Place, RemotePath

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 5


def snapshot_ids(folder: Place) -> list[str]:
    """Ids of the snapshots in a folder, sorted; what is not finished or no snapshot is passed by."""
    try:
        if isinstance(folder, RemotePath):  # its manifest, put last, makes it one
            parts = (name.rpartition("/") for name in folder.find())
            names = [place for place, _, name in parts if name == MANIFEST]
        else:
            names = [entry.name for entry in folder.iterdir()]
        return sorted(name for name in names if SNAPSHOT_ID.fullmatch(name))
    except OSError as error:
        raise StoreError(f"{folder}: cannot be read: {error.strerror}") from error


def complete_id(folder: Place, start: str) -> str:
    """The one id that starts so; a UsageError names the nearest if none or several do."""
    ids = snapshot_ids(folder)
    matches = [known for known in ids if start and known.startswith(start)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise UsageError(f"{folder}: several snapshots start with {start!r}: {_last(matches)}")
    raise UsageError(f"{folder}: no snapshot {start!r}; the last are: {_last(ids)}")


def find_newest(folder: Place, *, before: date | None = None) -> Snapshot | None:
    """The snapshot of the latest as-of (earlier than ``before``), of several the one made last; None if none is there.

    Only those of that day are opened: damage to an older one does not matter.
    """
    ids = [known for known in snapshot_ids(folder) if before is None or _day(known) < f"{before:%Y%m%d}"]
    last = max(map(_day, ids), default="")
    return max(_read_all(folder, [known for known in ids if _day(known) == last]), key=_age, default=None)


def list_snapshots(folder: Place) -> pd.DataFrame:
    """A row for each snapshot, newest last; ``Store.list`` says which columns."""
    import pyarrow as pa

    schema = pa.schema(
        {
            "snapshot_id": pa.string(),
            "as_of": pa.date32(),
            "n_accounts": pa.int64(),
            "n_clusters": pa.int64(),
            "n_clustered_accounts": pa.int64(),
            "n_events": pa.int64(),
            "created": pa.timestamp("ms", tz="UTC"),
            "format": pa.int64(),
        }
    )
    snapshots = sorted(_read_all(folder, snapshot_ids(folder)), key=_age)
    frame: pd.DataFrame = pa.Table.from_pylist([_describe(each) for each in snapshots], schema=schema).to_pandas()
    return frame


def _read_all(folder: Place, ids: Iterable[str]) -> Iterator[Snapshot]:
    """Snapshots of some ids; one that was pruned while they were read is passed by."""
    for known in ids:
        try:
            yield read_snapshot(folder / known)
        except StoreError:
            if known in snapshot_ids(folder):
                raise


def _describe(snapshot: Snapshot) -> dict[str, Any]:
    population, tables = snapshot.content["population"], snapshot.content["tables"]
    return {
        "snapshot_id": snapshot.id,
        "as_of": snapshot.as_of,
        "n_accounts": population["n_accounts"],
        "n_clusters": tables["clusters"]["rows"],
        "n_clustered_accounts": tables["accounts"]["rows"],
        "n_events": population["n_events"],
        "created": _created(snapshot),
        "format": snapshot.manifest["format"],
    }


def _day(snapshot_id: str) -> str:
    return snapshot_id[:8]


def _age(snapshot: Snapshot) -> tuple[str, datetime, str]:
    return _day(snapshot.id), _created(snapshot) or datetime.min.replace(tzinfo=UTC), snapshot.id


def _created(snapshot: Snapshot) -> datetime | None:
    """When the run that made it started, if it says so; a time without zone is UTC."""
    text = snapshot.manifest["run"].get("started")
    if text is None:
        return None
    started = datetime.fromisoformat(text)
    return started if started.tzinfo else started.replace(tzinfo=UTC)


def _last(ids: list[str]) -> str:
    return ", ".join(ids[-_SHOWN:]) or "none"
