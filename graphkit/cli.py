"""The command line: its commands and options; it alone prints, by what ``terminal`` gives."""

import json
import math
import shlex
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphkit import terminal
from graphkit.terminal import plain, say

if TYPE_CHECKING:
    from graphkit.config import Config
    from graphkit.snapshot import Snapshot

app = typer.Typer(
    name="graphkit",
    help="Find, explain and defend coordinated account farms in API request events.\n\n"
    "Start with `graphkit demo`. Then `graphkit refresh EVENTS --store STORE` and `graphkit report STORE`.\n\n"
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 130 stopped (Ctrl-C). Reasons and progress go to standard error.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


def _parse_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"got {text!r}; allowed: a day such as 2026-05-15") from error


def _parse_folder(text: str) -> Path:
    if not text.strip():
        raise typer.BadParameter("it is empty; give a folder")
    return Path(text)


def _parse_seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not seconds >= 0:
        raise typer.BadParameter(f"got {text!r}; allowed: seconds from 0")
    return seconds


StoreArgument = Annotated[Path, typer.Argument(metavar="STORE", parser=_parse_folder, help="Folder of the store.")]
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


def main() -> None:
    """Run the command line: 0 done, 1 failed, 2 wrong usage, 130 stopped."""
    sys.exit(terminal.run_to_end(app))


def _print_version(wanted: bool) -> None:
    if wanted:
        from graphkit import __version__

        say(__version__)
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass


@app.command()
def refresh(  # noqa: PLR0913, PLR0917  # one argument an option
    events: Annotated[
        list[str],
        typer.Argument(
            metavar="EVENTS...", help="Files, folders or globs: Parquet, CSV, TSV, JSON lines, also .gz, .zst."
        ),
    ],
    store: Annotated[
        Path,
        typer.Option(metavar="STORE", parser=_parse_folder, help="Folder of the store; made if it is not there."),
    ],
    accounts: Annotated[
        str | None, typer.Option(metavar="FILE", help="Accounts: account_id, created_at, account-level kinds.")
    ] = None,
    config: Annotated[Path | None, typer.Option(metavar="FILE", help="Settings, such as graphkit.toml.")] = None,
    as_of: Annotated[
        date | None,
        typer.Option(
            parser=_parse_day, metavar="DAY", help="Last UTC day that counts; default: that of the newest event."
        ),
    ] = None,
    look_back: Annotated[
        str | None, typer.Option(metavar="SPAN", help='Days that count, such as "45d", or "all"; overrides the config.')
    ] = None,
    no_stability: Annotated[
        bool, typer.Option("--no-stability", help="Leave out the runs that test stability and chance: faster.")
    ] = False,
    key_file: KeyOption = None,
    memory: Annotated[str, typer.Option(metavar="SIZE", help="Bound for the engine's memory.")] = "4GB",
    wait: Annotated[
        float,
        typer.Option(metavar="SECONDS", parser=_parse_seconds, help="How long to wait for another writer."),
    ] = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Analyze events and put a snapshot into a store.

    Example: `graphkit refresh events/*.parquet --accounts accounts.csv --store store --look-back 45d`
    """
    from graphkit.refresh import refresh_store

    settings = _load_settings(config, look_back, no_stability=no_stability)
    with terminal.show_progress(quiet=as_json) as progress:
        snapshot = refresh_store(
            events,
            store,
            accounts=accounts,
            config=settings,
            as_of=as_of,
            key_file=key_file,
            memory=memory,
            wait=wait,
            progress=progress,
        )
    path = store / "snapshots" / snapshot.id
    if as_json:
        terminal.print_json(_summarize(snapshot, path))
        return
    terminal.print_summary(snapshot)
    say(f"It is in [bold]{plain(path)}[/]. Read it: graphkit report {_quote(store)}")


@app.command()
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

    _check_output(output, store)
    path = write_report(_load(store, snapshot), output, reveal=reveal, cluster_id=cluster, top=top)
    if as_json:
        terminal.print_json({"path": str(path)})
    else:
        masked = "" if reveal else " (identifiers are masked; --reveal shows them)"
        say(f"Report: [bold]{plain(path)}[/]{masked}")


@app.command("list")
def list_command(store: StoreArgument, as_json: JsonOption = False) -> None:
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


@app.command()
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


@app.command()
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

    loaded, known = _load(store, snapshot), read_truth(truth)
    links = link_events(events, accounts, config=loaded.config, as_of=loaded.as_of) if events else None
    methods = json.loads(compare_methods(loaded, known, links=links).to_json(orient="records", double_precision=15))
    farms = json.loads(judge_farms(loaded.accounts, known).to_json(orient="records", double_precision=15))
    if as_json:
        terminal.print_json({"snapshot": loaded.id, "methods": methods, "farms": farms})
        return
    say(
        f"[bold]{loaded.id}[/]: {methods[0]['n_clusters']:,} clusters against a truth of {methods[0]['n_accounts']:,} "
        f"accounts, {methods[0]['n_farm_accounts']:,} of them in {methods[0]['n_farms']:,} farms.\n"
    )
    terminal.print_figures(methods)
    terminal.print_broken_farms(farms)


@app.command()
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

    with terminal.show_progress(quiet=as_json) as progress:
        result = run_demo(folder, n_accounts=accounts, seed=seed, progress=progress)
    if as_json:
        terminal.print_json({"report": str(result.report), "store": str(result.store), **result.measures})
        return
    terminal.print_summary(result.snapshot)
    found = result.measures
    say(
        f"\nThe synthetic service hid {found['n_farms']} farms of {found['n_farm_accounts']:,} accounts among offices, "
        f"classrooms, households, VPN customers and mobile carriers.\n"
        f"graphkit found [bold]{found['farms_whole']} of {found['n_farms']} whole[/]: {found['recall']:.1%} of the "
        f"farm accounts are in clusters that are mostly farm,\n"
        f"and {found['purity']:.1%} of the accounts in those clusters are farm accounts.\n"
        f"\nReport:   [bold]{plain(result.report)}[/]  (open it in a browser)\n"
        f"Store:    {plain(result.store)}  (graphkit list {_quote(result.store)})\n"
        f"Events:   {plain(result.events)}\n"
        f"Notebook: make lab, then notebooks/00-quickstart.ipynb"
    )


def _quote(path: Path) -> str:
    """A path as a shell reads it."""
    return plain(shlex.quote(str(path)))


def _check_output(output: Path, store: Path) -> None:
    """Refuse to put a report where it would replace a device, or something of the store's."""
    fault = ""
    if output.exists() and not output.is_file():
        fault = "it is no file"
    elif output.resolve().is_relative_to(store.resolve()):
        fault = "it lies in the store"
    if fault:
        raise typer.BadParameter(f"{plain(output)}: {fault}; name a new file", param_hint="--output")


def _load_settings(config: Path | None, look_back: str | None, *, no_stability: bool) -> "Config":
    """Settings of a file, with what the command line says in their place."""
    from pydantic import ValidationError

    from graphkit.config import Config, load_config

    settings = Config() if config is None else load_config(config)
    overrides: dict[str, Any] = {"stability": False, "chance_runs": 0} if no_stability else {}
    if look_back is not None:
        overrides["look_back"] = look_back
    try:
        return Config.model_validate(settings.model_dump(exclude_unset=True) | overrides)
    except ValidationError as error:
        allowed = Config.model_fields["look_back"].description
        raise typer.BadParameter(f"{look_back!r}; allowed: {allowed}", param_hint="--look-back") from error


def _load(store: Path, snapshot_id: str | None) -> "Snapshot":
    from graphkit.store.store import open_store

    opened = open_store(store)
    return opened.latest() if snapshot_id is None else opened.load(snapshot_id)


def _summarize(snapshot: "Snapshot", path: Path) -> dict[str, Any]:
    """What `--json` says of a refresh."""
    content, run = snapshot.content, snapshot.manifest["run"]
    return {
        "snapshot": snapshot.id,
        "path": str(path),
        "as_of": content["as_of"],
        "counts": {
            **content["population"],
            **{name: table["rows"] for name, table in content["tables"].items()},
            "rows_read": run["n_rows"],
            "rows_set_aside": run["n_rows"] - run["n_accepted"],
        },
        "rejected": run["rejected"],
        "seconds": run["seconds"],
    }
