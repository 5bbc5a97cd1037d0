"""The commands that record and list reviews."""

import json
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from graphkit.cli.options import JsonOption, SnapshotOption, StoreArgument
from graphkit.cli.output import plain, print_json, print_table, say


class Given(StrEnum):
    """What a person makes of a cluster."""

    confirmed = "confirmed"
    benign = "benign"
    watch = "watch"


def review(
    store: StoreArgument,
    cluster: Annotated[str, typer.Argument(metavar="CLUSTER", help="Id of a cluster.")],
    verdict: Annotated[
        Given,
        typer.Argument(
            metavar="VERDICT", help="confirmed (it is a farm), benign (it is none) or watch (it cannot be told yet)."
        ),
    ],
    author: Annotated[
        str,
        typer.Option(metavar="NAME", envvar="GRAPHKIT_AUTHOR", help="Who stands for it, or $GRAPHKIT_AUTHOR."),
    ],
    note: Annotated[str, typer.Option(metavar="TEXT", help="Why.")] = "",
    snapshot: SnapshotOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record a verdict on a cluster; it stays with the cluster through later snapshots.

    Example: `graphkit review store C-7F3K2 confirmed --author "A. Analyst" --note "same proxies as C-9FY7S"`
    """
    from graphkit.store.reviews import review as record

    given = record(store, cluster, verdict.value, author=author, note=note, snapshot_id=snapshot)
    if as_json:
        print_json(asdict(given))
        return
    say(f"{plain(given.cluster_id)} ({given.n_accounts:,} accounts in {given.snapshot_id}): {given.verdict}.")


def reviews(store: StoreArgument, as_json: JsonOption = False) -> None:
    """List the reviews of a store, oldest first."""
    from graphkit.store.store import open_store

    frame = open_store(store).reviews()
    if as_json:
        print_json({"reviews": json.loads(frame.to_json(orient="records", date_format="iso"))})
        return
    if frame.empty:
        say("No review yet; `graphkit review` records one.")
        return
    rows = [
        (f"{row['time']:%Y-%m-%d %H:%M}", row["cluster_id"], row["verdict"], plain(row["author"]), plain(row["note"]))
        for row in frame.to_dict("records")
    ]
    print_table(["time (UTC)", "cluster", "verdict", "author", "note"], rows, left=range(5), fold=True)
