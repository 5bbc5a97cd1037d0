"""The small service whose commands are killed."""

import shutil
from datetime import timedelta
from pathlib import Path

import graphkit as gk

from .trial import Command, Server

_SETTINGS = """
stability = false
chance_runs = 0
[alerts]
score = 0.0
least_accounts = 3
"""


def prepare(server: Server, folder: Path) -> list[Command]:
    """Make a small service, and stores of none, one and three snapshots; give the commands to kill."""
    world = gk.synthesize(n_accounts=200, n_events=4_000, seed=2, days=7)
    (folder / "events").mkdir()
    for day, rows in world.events.groupby(world.events["timestamp"].dt.date):
        rows.to_parquet(folder / "events" / f"{day}.parquet", index=False)
    (folder / "graphkit.toml").write_text(_SETTINGS, encoding="utf-8")
    last = world.events["timestamp"].max().date()
    days = [str(last - timedelta(days=back)) for back in (3, 2, 1, 0)]

    def refresh(day: str, place: Path, *, alerts: bool = True) -> list[str]:
        paths = [str(folder / "events"), "--store", str(place / "store"), "--config", str(folder / "graphkit.toml")]
        return ["refresh", *paths, "--as-of", day, *(["--alerts", str(place / "alerts.out")] if alerts else [])]

    (folder / "none").mkdir()
    (folder / "one").mkdir()
    first = Command("create", folder / "none", lambda place: refresh(days[0], place))
    server.run(Command("", folder, lambda place: refresh(days[0], place, alerts=False)), folder / "one")
    store = gk.open_store(folder / "one" / "store")
    cluster = store.latest().clusters["cluster_id"][0]
    gk.review(store, cluster, "confirmed", author="A", note="before")
    shutil.copytree(folder / "one", folder / "three")
    for day in days[1:]:
        server.run(Command("", folder, lambda place, day=day: refresh(day, place)), folder / "three")

    def review(place: Path) -> list[str]:
        return ["review", str(place / "store"), cluster, "watch", "--author", "C", "--note", "killed"]

    return [
        first,
        Command("refresh", folder / "one", lambda place: refresh(days[1], place)),
        Command("review", folder / "one", review),
        Command("prune", folder / "three", lambda place: ["prune", str(place / "store"), "--keep", "1"]),
    ]
