"""The commands that read a store."""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphkit.cli.options import JsonOption, SnapshotOption, StoreArgument, check_output, load_earlier, load_snapshot
from graphkit.cli.output import plain, print_json, print_table, say
from graphkit.cli.summary import print_explanation

if TYPE_CHECKING:
    from graphkit.show.packet import Reveal, Subject


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
    loaded = load_snapshot(store, snapshot)
    earlier = [] if cluster else load_earlier(store, loaded)
    path = write_report(loaded, output, reveal=reveal, cluster_id=cluster, top=top, earlier=earlier)
    if as_json:
        print_json({"path": str(path)})
    else:
        masked = "" if reveal else " (identifiers are masked; --reveal shows them)"
        say(f"Report: [bold]{plain(path)}[/]{masked}")


def notebook(
    store: StoreArgument,
    cluster: Annotated[str, typer.Option(metavar="ID", help="The cluster.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="HTML file to write.")] = Path(
        "case.html"
    ),
    snapshot: SnapshotOption = None,
    own: Annotated[
        Path | None,
        typer.Option("--notebook", metavar="FILE", help="A notebook of your own; default: 03-investigate-one-cluster."),
    ] = None,
    reveal: Annotated[bool, typer.Option("--reveal", help="Show identifiers; they are masked otherwise.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run the investigation notebook for a cluster and write what it shows as one HTML file, without its code.

    Example: `graphkit notebook store --cluster C-9FY7S -o case.html`
    """
    from graphkit.export.casebook import write_case

    check_output(output, store)
    path = write_case(store, cluster, output, snapshot_id=snapshot, notebook=own, reveal=reveal)
    if as_json:
        print_json({"path": str(path)})
    else:
        masked = "" if reveal else " (identifiers are masked; --reveal shows them)"
        say(f"Case: [bold]{plain(path)}[/]{masked}")


class About(StrEnum):
    """What an id is of."""

    account = "account"
    cluster = "cluster"


def explain(
    store: StoreArgument,
    subject: Annotated[str, typer.Argument(metavar="ID", help="Id of an account or a cluster.")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Packet to write, .html or .json; without it, print."),
    ] = None,
    snapshot: SnapshotOption = None,
    about: Annotated[
        About | None,
        typer.Option(
            "--as", metavar="WHAT", help="account or cluster; needed only where an account bears a cluster's id."
        ),
    ] = None,
    reveal: Annotated[bool, typer.Option("--reveal", help="Show all identifiers, other accounts' too.")] = False,
    reveal_own: Annotated[
        bool, typer.Option("--reveal-own", help="Show what the account itself used; other accounts stay unnamed.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Say why an account or a cluster was found, what would clear or undo it, and what is not known.

    The packet may reach the account's owner: it names no other account unless you ask.

    Example: `graphkit explain store C-9FY7S`, `graphkit explain store ACCOUNT -o packet.html`
    """
    from graphkit.show.packet import explain as explain_either
    from graphkit.show.packet import write_packet

    shown: Reveal = True if reveal else "own" if reveal_own else False
    what: Subject | None = None if about is None else about.value
    if output is not None:
        check_output(output, store)
        path = write_packet(load_snapshot(store, snapshot), subject, output, about=what, reveal=shown)
        if as_json:
            print_json({"path": str(path)})
        else:
            say(f"Packet: [bold]{plain(path)}[/]{'' if reveal else ' (other accounts are not named; --reveal does)'}")
        return
    explanation = explain_either(load_snapshot(store, snapshot), subject, about=what, reveal=shown)
    if as_json:
        print_json(explanation.to_dict())
        return
    print_explanation(explanation)
    if not reveal:
        say("\nIdentifiers are masked; --reveal shows them. -o packet.html writes all this as one page.")


def list_snapshots(store: StoreArgument, as_json: JsonOption = False) -> None:
    """List the snapshots of a store, oldest first."""
    from graphkit.store.store import open_store

    frame = open_store(store).list()
    if as_json:
        print_json({"snapshots": json.loads(frame.to_json(orient="records", date_format="iso"))})
        return
    if frame.empty:
        say("No snapshot yet; `graphkit refresh` makes one.")
        return
    counts = ["n_accounts", "n_events", "n_clusters", "n_clustered_accounts"]
    rows = [
        (row["snapshot_id"], *(f"{row[name]:,}" for name in counts), f"{row['created']:%Y-%m-%d %H:%M}")
        for row in frame.to_dict("records")
    ]
    print_table(["snapshot", "accounts", "events", "clusters", "in clusters", "made (UTC)"], rows)


def verify(store: StoreArgument, as_json: JsonOption = False) -> None:
    """Check every file of a store against its checksum; exit with 1 if anything is wrong."""
    from graphkit.store.store import open_store

    problems = open_store(store).verify()
    if as_json:
        print_json({"problems": [vars(problem) for problem in problems]})
    for problem in [] if as_json else problems:
        say(f"{plain(problem.snapshot or 'store')}: {plain(problem.file)}: {plain(problem.problem)}")
    if problems:
        raise typer.Exit(1)
    if not as_json:
        say("All files are as their manifests say.")
