"""The commands that make synthetic data and measure."""

import json
from pathlib import Path
from typing import Annotated

import typer

from graphkit.cli.figures import print_broken_farms, print_figures, print_grades
from graphkit.cli.options import JsonOption, SnapshotOption, StoreArgument, check_output, load_snapshot, quote_path
from graphkit.cli.output import plain, print_json, say
from graphkit.cli.progress import show_progress, show_runs
from graphkit.cli.summary import print_summary


def evaluate(
    store: StoreArgument,
    truth: Annotated[
        Path, typer.Option(metavar="FILE", help="CSV or Parquet: account_id, farm (empty: innocent), group.")
    ],
    snapshot: SnapshotOption = None,
    events: Annotated[
        list[str] | None,
        typer.Option(metavar="EVENTS", help="The snapshot's events, to run the baselines on; may be given again."),
    ] = None,
    accounts: Annotated[str | None, typer.Option(metavar="FILE", help="The snapshot's accounts, likewise.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Score a snapshot against the truth, and beside it, given its events, what one would use instead.

    Example: `graphkit evaluate graphkit-demo/store --truth graphkit-demo/truth.csv`
    """
    from graphkit.lab.evaluate import compare_methods, link_events, read_truth
    from graphkit.lab.measures import judge_farms

    loaded, known = load_snapshot(store, snapshot), read_truth(truth)
    links = link_events(events, accounts, config=loaded.config, as_of=loaded.as_of) if events else None
    methods = json.loads(compare_methods(loaded, known, links=links).to_json(orient="records", double_precision=15))
    farms = json.loads(judge_farms(loaded.accounts, known).to_json(orient="records", double_precision=15))
    if as_json:
        print_json({"snapshot": loaded.id, "methods": methods, "farms": farms})
        return
    say(
        f"[bold]{loaded.id}[/]: {methods[0]['n_clusters']:,} clusters against a truth of {methods[0]['n_accounts']:,} "
        f"accounts, {methods[0]['n_farm_accounts']:,} of them in {methods[0]['n_farms']:,} farms.\n"
    )
    print_figures(methods)
    print_broken_farms(farms)


def blindspots(  # noqa: PLR0913, PLR0917  # one argument an option
    store: StoreArgument,
    size: Annotated[
        list[int] | None,
        typer.Option(min=2, metavar="N", help="Accounts of a planted farm; may be given again.  [default: 200]"),
    ] = None,
    snapshot: SnapshotOption = None,
    events: Annotated[
        list[str] | None,
        typer.Option(metavar="EVENTS", help="The snapshot's events, for more exact figures; may be given again."),
    ] = None,
    accounts: Annotated[str | None, typer.Option(metavar="FILE", help="The snapshot's accounts, likewise.")] = None,
    infrastructure: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Its known infrastructure, likewise, if it had any.")
    ] = None,
    replicates: Annotated[int, typer.Option(min=1, max=100, help="Farms planted of each grade.")] = 3,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Another seed, other farms.")] = 0,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Also write one HTML file.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Plant farms that share less and less among a snapshot's own links, and tell which its settings cannot see.

    Nothing is written into the store.

    Example: `graphkit blindspots graphkit-demo/store --size 50 -o blindspots.html`
    """
    from graphkit.lab.backdrop import read_backdrop
    from graphkit.lab.blindspots import measure_blind_spots
    from graphkit.show.blindpage import write_blind_spots
    from graphkit.show.borders import describe_blind_spots, list_blind_spots

    if output is not None:
        check_output(output, store)
    loaded = load_snapshot(store, snapshot)
    backdrop = read_backdrop(loaded, events, accounts, infrastructure=infrastructure) if events else None
    with show_runs(quiet=as_json) as progress:
        grades = measure_blind_spots(
            loaded, n_accounts=size or [200], backdrop=backdrop, replicates=replicates, seed=seed, progress=progress
        )
    path = None if output is None else write_blind_spots(loaded, grades, output)
    borders, unseen = describe_blind_spots(grades), list_blind_spots(grades)
    if as_json:
        rows = json.loads(grades.to_json(orient="records", double_precision=15))
        result = {"snapshot": loaded.id, "grades": rows, "borders": borders, "unseen": unseen}
        print_json(result | ({} if path is None else {"path": str(path)}))
        return
    print_grades(grades)
    for line in borders:
        say(plain(line))
    say("\n[bold]What these settings cannot see[/]")
    for line in unseen:
        say(f"- {plain(line)}")
    if path is not None:
        say(f"\nPage: [bold]{plain(path)}[/]")


def demo(
    folder: Annotated[Path, typer.Option(metavar="FOLDER", help="Where to put data, store and report.")] = Path(
        "graphkit-demo"
    ),
    accounts: Annotated[int, typer.Option(min=2_000, max=200_000, help="Accounts of the synthetic service.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Another seed, another world.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Make a synthetic service with hidden farms, find them in two snapshots, and write a report: all in a minute."""
    from graphkit.demo import run_demo

    with show_progress(quiet=as_json) as progress:
        result = run_demo(folder, n_accounts=accounts, seed=seed, progress=progress)
    if as_json:
        print_json({"report": str(result.report), "store": str(result.store), **result.measures})
        return
    print_summary(result.snapshot)
    found = result.measures
    say(
        f"\nThe synthetic service hid {found['n_farms']} farms of {found['n_farm_accounts']:,} accounts among offices, "
        f"classrooms, households, VPN customers and mobile carriers.\n"
        f"graphkit found [bold]{found['farms_whole']} of {found['n_farms']} whole[/]: {found['recall']:.1%} of the "
        f"farm accounts are in clusters that are mostly farm,\n"
        f"and {found['purity']:.1%} of the accounts in those clusters are farm accounts.\n"
        f"\nReport:   [bold]{plain(result.report)}[/]  (open it in a browser)\n"
        f"Store:    {plain(result.store)}  (graphkit list {quote_path(result.store)})\n"
        f"Events:   {plain(result.events)}\n"
        f"Notebook: make lab, then notebooks/00-quickstart.ipynb"
    )
