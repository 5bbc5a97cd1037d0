"""Options that several commands share, and how their values are read."""

import math
import shlex
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphkit.cli.output import plain

if TYPE_CHECKING:
    from graphkit.snapshot import Snapshot


def parse_day(text: str) -> date:
    """Read a day such as 2026-05-15."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"got {text!r}; allowed: a day such as 2026-05-15") from error


def parse_folder(text: str) -> str:
    """Read a folder or a URL; an empty text would be the working directory."""
    if not text.strip():
        raise typer.BadParameter("it is empty; give a folder or a URL")
    return text


def parse_seconds(text: str) -> float:
    """Read seconds from 0."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not seconds >= 0:
        raise typer.BadParameter(f"got {text!r}; allowed: seconds from 0")
    return seconds


StoreArgument = Annotated[
    str,
    typer.Argument(metavar="STORE", parser=parse_folder, help="Folder of the store, or its URL, as s3://bucket/store."),
]
SnapshotOption = Annotated[
    str | None, typer.Option("--snapshot", metavar="ID", help="Snapshot id or the start of one; default: the latest.")
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object and nothing else; errors stay text on standard error.")
]
KeyOption = Annotated[
    Path | None,
    typer.Option("--key-file", metavar="FILE", help="Key for digests; default: $GRAPHKIT_KEY, else the store's own."),
]


def load_snapshot(store: str, snapshot_id: str | None) -> "Snapshot":
    """Load a snapshot of a store by its id or the start of one; without it the latest."""
    from graphkit.store.store import open_store

    opened = open_store(store)
    return opened.latest() if snapshot_id is None else opened.load(snapshot_id)


def load_earlier(store: str, snapshot: "Snapshot", *, most: int = 3) -> list["Snapshot"]:
    """Load the snapshots of a store just before one, oldest first."""
    from graphkit.store.store import open_store

    opened = open_store(store)
    ids = opened.list()["snapshot_id"].tolist()
    before = ids[: ids.index(snapshot.id)] if snapshot.id in ids else []
    return [opened.load(each) for each in before[-most:]]


def check_output(output: Path, store: str) -> None:
    """Refuse to put a report where it would replace a device, or something of the store's."""
    fault = ""
    if output.exists() and not output.is_file():
        fault = "it is no file"
    elif lies_in(output, store):
        fault = "it lies in the store"
    if fault:
        raise typer.BadParameter(f"{plain(output)}: {fault}; name a new file", param_hint="--output")


def lies_in(path: Path, store: str) -> bool:
    """Whether a file lies in the folder of a store."""
    from graphkit.store.remote import locate

    place = locate(store)
    return isinstance(place, Path) and path.resolve().is_relative_to(place)


def quote_path(path: Path | str) -> str:
    """A path as a shell reads it."""
    return plain(shlex.quote(str(path)))
