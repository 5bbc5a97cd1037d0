"""The commands that read a store."""

import json
from pathlib import Path
from typing import Annotated

import typer

from graphkit import terminal
from graphkit.cli.options import JsonOption, SnapshotOption, StoreArgument, check_output, load_snapshot
from graphkit.terminal import plain, say


def report(
    store: StoreArgument,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="HTML file to write.")] = Path(
        "report.html"
    ),
    snapshot: SnapshotOption = None,
    cluster: Annotated[str | None, typer.Option(metavar="ID", help="Only this cluster.")] = None,
    top: Annotated[int, typer.Option(min=1, max=100, help="Clusters told in full.")] = 10,
    reveal: Annotated[bool, typer.Option("--reveal", help="Show identifiers; they are masked otherwise.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a snapshot as one HTML file that needs no network.

    Example: `graphkit report store -o report.html`
    """
    from graphkit.show.report import write_report

    check_output(output, store)
    path = write_report(load_snapshot(store, snapshot), output, reveal=reveal, cluster_id=cluster, top=top)
    if as_json:
        terminal.print_json({"path": str(path)})
    else:
        masked = "" if reveal else " (identifiers are masked; --reveal shows them)"
        say(f"Report: [bold]{plain(path)}[/]{masked}")


def list_snapshots(store: StoreArgument, as_json: JsonOption = False) -> None:
    """List the snapshots of a store, oldest first."""
    from graphkit.store.store import open_store

    frame = open_store(store).list()
    if as_json:
        terminal.print_json({"snapshots": json.loads(frame.to_json(orient="records", date_format="iso"))})
        return
    if frame.empty:
        say("No snapshot yet; `graphkit refresh` makes one.")
        return
    counts = ["n_accounts", "n_events", "n_clusters", "n_clustered_accounts"]
    rows = [
        (row["snapshot_id"], *(f"{row[name]:,}" for name in counts), f"{row['created']:%Y-%m-%d %H:%M}")
        for row in frame.to_dict("records")
    ]
    terminal.print_table(["snapshot", "accounts", "events", "clusters", "in clusters", "made (UTC)"], rows)


def verify(store: StoreArgument, as_json: JsonOption = False) -> None:
    """Check every file of a store against its checksum; exit with 1 if anything is wrong."""
    from graphkit.store.store import open_store

    problems = open_store(store).verify()
    if as_json:
        terminal.print_json({"problems": [vars(problem) for problem in problems]})
    for problem in [] if as_json else problems:
        say(f"{plain(problem.snapshot or 'store')}: {plain(problem.file)}: {plain(problem.problem)}")
    if problems:
        raise typer.Exit(1)
    if not as_json:
        say("All files are as their manifests say.")
