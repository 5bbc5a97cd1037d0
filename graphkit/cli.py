"""The command line: the only place that prints."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from graphkit.errors import GraphkitError

if TYPE_CHECKING:
    from graphkit.analysis import Progress, Stage
    from graphkit.snapshot import Snapshot

app = typer.Typer(
    name="graphkit",
    help="Find, explain and defend coordinated account farms in API request events.\n\n"
    "Start with `graphkit demo`. Then `graphkit refresh EVENTS --store STORE` and `graphkit report STORE`.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
_out = Console(highlight=False, soft_wrap=True)
_err = Console(stderr=True, highlight=False, soft_wrap=True)

StoreArgument = Annotated[Path, typer.Argument(metavar="STORE", help="Folder of the store.")]
SnapshotOption = Annotated[
    str | None, typer.Option("--snapshot", metavar="ID", help="Snapshot id or the start of one; default: the latest.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
KeyOption = Annotated[
    Path | None,
    typer.Option("--key-file", metavar="FILE", help="Key for digests; default: $GRAPHKIT_KEY, else the store's own."),
]


def main() -> None:
    """Run the command line: 0 done, 1 failed, 2 wrong usage."""
    try:
        app()
    except GraphkitError as error:
        _err.print("[bold red]error:[/]", "\n".join(map(_plain, str(error).splitlines())))
        sys.exit(1)


def _print_version(wanted: bool) -> None:
    if wanted:
        from graphkit import __version__

        _out.print(__version__)
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
    store: Annotated[Path, typer.Option(metavar="STORE", help="Folder of the store; made if it is not there.")],
    accounts: Annotated[
        str | None, typer.Option(metavar="FILE", help="Accounts: account_id, created_at, account-level kinds.")
    ] = None,
    config: Annotated[Path | None, typer.Option(metavar="FILE", help="Settings, such as graphkit.toml.")] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], metavar="DAY", help="Last UTC day that counts; default: that of the newest event."
        ),
    ] = None,
    look_back: Annotated[
        str | None, typer.Option(metavar="SPAN", help='Days that count, such as "45d", or "all"; overrides the config.')
    ] = None,
    key_file: KeyOption = None,
    memory: Annotated[str, typer.Option(metavar="SIZE", help="Bound for the engine's memory.")] = "4GB",
    wait: Annotated[float, typer.Option(metavar="SECONDS", help="How long to wait for another writer.")] = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Analyze events and put a snapshot into a store.

    Example: `graphkit refresh events/*.parquet --accounts accounts.csv --store store --look-back 45d`
    """
    from graphkit.refresh import refresh as run

    settings = _load_settings(config, look_back)
    with _progress(quiet=as_json) as progress:
        snapshot = run(
            events,
            store,
            accounts=accounts,
            config=settings,
            as_of=as_of.date() if as_of else None,
            key_file=key_file,
            memory=memory,
            wait=wait,
            progress=progress,
        )
    path = store / "snapshots" / snapshot.id
    if as_json:
        _print_json(_summarize(snapshot, path))
        return
    _print_summary(snapshot)
    _out.print(f"It is in [bold]{escape(str(path))}[/]. Read it: graphkit report {escape(str(store))}")


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

    path = write_report(_load(store, snapshot), output, reveal=reveal, cluster_id=cluster, top=top)
    if as_json:
        _print_json({"path": str(path)})
    else:
        _out.print(
            f"Report: [bold]{escape(str(path))}[/]"
            + ("" if reveal else " (identifiers are masked; --reveal shows them)")
        )


@app.command("list")
def list_command(store: StoreArgument, as_json: JsonOption = False) -> None:
    """List the snapshots of a store, oldest first."""
    from graphkit.store.store import open_store

    frame = open_store(store).list()
    if as_json:
        _print_json({"snapshots": json.loads(frame.to_json(orient="records", date_format="iso"))})
        return
    table = Table(
        "snapshot", "as of", "accounts", "events", "clusters", "accounts in them", "made", box=None, pad_edge=False
    )
    for column in table.columns[2:6]:
        column.justify = "right"
    for row in frame.to_dict("records"):
        counts = (row[name] for name in ("n_accounts", "n_events", "n_clusters", "n_clustered_accounts"))
        table.add_row(
            row["snapshot_id"],
            str(row["as_of"]),
            *(f"{count:,}" for count in counts),
            f"{row['created']:%Y-%m-%d %H:%M}",
        )
    _out.print(table if len(frame) else "No snapshot yet; `graphkit refresh` makes one.")


@app.command()
def verify(store: StoreArgument, as_json: JsonOption = False) -> None:
    """Check every file of a store against its checksum; exit with 1 if anything is wrong."""
    from graphkit.store.store import open_store

    problems = open_store(store).verify()
    if as_json:
        _print_json({"problems": [vars(problem) for problem in problems]})
    for problem in [] if as_json else problems:
        _out.print(f"{_plain(problem.snapshot or 'store')}: {_plain(problem.file)}: {_plain(problem.problem)}")
    if problems:
        raise typer.Exit(1)
    if not as_json:
        _out.print("All files are as their manifests say.")


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
        _print_json({"snapshot": loaded.id, "methods": methods, "farms": farms})
        return
    _out.print(
        f"[bold]{loaded.id}[/]: {methods[0]['n_clusters']:,} clusters against a truth of {methods[0]['n_accounts']:,} "
        f"accounts, {methods[0]['n_farm_accounts']:,} of them in {methods[0]['n_farms']:,} farms.\n"
    )
    _print_figures(methods)
    _print_broken_farms(farms)


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(metavar="FOLDER", help="Where to put data, store and report.")] = Path(
        "graphkit-demo"
    ),
    accounts: Annotated[int, typer.Option(min=2_000, max=200_000, help="Accounts of the synthetic service.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another world.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Make a synthetic service with hidden farms, find them in two snapshots, and write a report: all in a minute."""
    from graphkit.demo import run_demo

    with _progress(quiet=as_json) as progress:
        result = run_demo(folder, n_accounts=accounts, seed=seed, progress=progress)
    if as_json:
        _print_json({"report": str(result.report), "store": str(result.store), **result.measures})
        return
    _print_summary(result.snapshot)
    found = result.measures
    _out.print(
        f"\nThe synthetic service hid {found['n_farms']} farms of {found['n_farm_accounts']:,} accounts among offices, "
        f"classrooms, households, VPN customers and mobile carriers.\n"
        f"graphkit found [bold]{found['farms_whole']} of {found['n_farms']} whole[/]: {found['recall']:.1%} of the "
        f"farm accounts are in clusters that are mostly farm,\n"
        f"and {found['purity']:.1%} of the accounts in those clusters are farm accounts.\n"
        f"\nReport:   [bold]{escape(str(result.report))}[/]  (open it in a browser)\n"
        f"Store:    {escape(str(result.store))}  (graphkit list {escape(str(result.store))})\n"
        f"Events:   {escape(str(result.events))}\n"
        f"Notebook: make lab, then notebooks/00-quickstart.ipynb"
    )


def _load_settings(config: Path | None, look_back: str | None) -> Any:
    """Settings of a file, with the command line's look-back in its place."""
    from pydantic import ValidationError

    from graphkit.config import Config, load_config

    settings = Config() if config is None else load_config(config)
    if look_back is None:
        return settings
    try:
        return Config.model_validate(settings.model_dump(exclude_unset=True) | {"look_back": look_back})
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


def _print_summary(snapshot: "Snapshot") -> None:
    """Print what a snapshot found, and what was set aside, for a person."""
    from graphkit.snapshot import rank_clusters

    population, tables, run = snapshot.content["population"], snapshot.content["tables"], snapshot.manifest["run"]
    n_clusters = tables["clusters"]["rows"]
    _out.print(
        f"[bold]{snapshot.id}[/]: {n_clusters:,} clusters hold {tables['accounts']['rows']:,} of "
        f"{population['n_accounts']:,} accounts ({population['n_events']:,} events, "
        f"{population['first_day']} to {snapshot.as_of})."
    )
    if n_clusters:
        table = Table("cluster", "accounts", "core", "score", "what binds it", box=None, pad_edge=False)
        for column in table.columns[1:4]:
            column.justify = "right"
        for row in rank_clusters(snapshot.table("clusters").to_pylist())[:5]:
            table.add_row(
                row["cluster_id"],
                f"{row['n_accounts']:,}",
                f"{row['n_core']:,}",
                f"{row['score']:.2f}",
                _plain(row["binding"]),
            )
        Console(highlight=False).print(table)
    else:
        _out.print("No accounts share more than chance explains: there is no cluster.")
    for row in run["rejected"]:
        _out.print(
            f"set aside: {row['n_rows']:,} of {_plain(row['source'])}: {_plain(row['reason'])} "
            f"(such as {_plain(row['example'])})"
        )


def _print_figures(methods: list[dict[str, Any]]) -> None:
    """Print a row a figure and a column a method; where there is only one, also what each figure means."""
    from graphkit.lab.evaluate import FIGURES

    alone = len(methods) == 1
    heads = ["", *(row["method"] for row in methods), *(["what it is"] if alone else [])]
    table = Table(*heads, box=None, pad_edge=False, padding=(0, 1, 0, 0))  # seven methods fit into 80 columns
    table.columns[0].no_wrap = alone
    for column in table.columns[1 : len(methods) + 1]:
        column.justify = "right"
    for name, meaning in FIGURES.items():
        values = [row.get(name) for row in methods]
        shown = ("-" if v is None else f"{v:.0f}" if name.startswith("farms") else f"{v:.4f}" for v in values)
        table.add_row(name if alone else name.replace("_", " "), *shown, *([meaning] if alone else []))
    if not alone:
        table.add_row("seconds", *(f"{row['seconds']:.1f}" for row in methods))
    Console(highlight=False).print(table)
    for row in (row for row in methods if row["skipped"]):
        _out.print(f"{row['method']} was skipped: {_plain(row['skipped'])}")


def _print_broken_farms(farms: list[dict[str, Any]]) -> None:
    """Print the farms that no one cluster holds, twenty at most."""
    broken = [row for row in farms if not row["whole"]]
    if not broken:
        _out.print("\nEvery farm is whole." if farms else "\nThe truth has no farms.")
        return
    table = Table("farm not whole", "style", "accounts", "in clusters", "in one", "found", box=None, pad_edge=False)
    for column in table.columns[2:5]:
        column.justify = "right"
    for row in broken[:20]:
        shares = f"{row['clustered']:.0%}", f"{row['best_share']:.0%}", "yes" if row["found"] else "no"
        table.add_row(_plain(row["farm"]), _plain(row["style"] or ""), f"{row['n_accounts']:,}", *shares)
    _out.print("", table)
    if len(broken) > 20:
        _out.print(f"and {len(broken) - 20:,} more; --json has them all")


def _plain(text: str) -> str:
    """Text by others, without what a terminal would obey."""
    return escape("".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text))


def _print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, sort_keys=True, ensure_ascii=False) + "\n")


@contextmanager
def _progress(*, quiet: bool) -> Iterator["Progress | None"]:
    """Show the stage that runs, with its time, and a line for each that is done; on standard error."""
    if quiet:
        yield None
        return
    start = time.perf_counter()
    with _err.status("starting") as status:

        def show(stage: "Stage") -> None:
            if stage.seconds is None:
                status.update(f"{stage.name} ({time.perf_counter() - start:.0f} s so far)")
            else:
                _err.print(f"[dim]{stage.seconds:7.1f} s  {stage.name:<18} {escape(stage.result)}[/]")

        yield show
