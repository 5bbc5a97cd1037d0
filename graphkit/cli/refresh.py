"""The command that puts a snapshot into a store."""

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from graphkit.cli.arenas import share_arenas
from graphkit.cli.options import JsonOption, KeyOption, lies_in, parse_day, parse_folder, parse_seconds, quote_path
from graphkit.cli.output import plain, print_json, say
from graphkit.cli.progress import show_progress
from graphkit.cli.summary import print_summary

if TYPE_CHECKING:
    from graphkit.config import Config
    from graphkit.snapshot import Snapshot


def refresh(  # noqa: PLR0913, PLR0917  # one argument an option
    events: Annotated[
        list[str],
        typer.Argument(
            metavar="EVENTS...", help="Files, folders or globs: Parquet, CSV, TSV, JSON lines, also .gz, .zst."
        ),
    ],
    store: Annotated[
        str,
        typer.Option(
            metavar="STORE", parser=parse_folder, help="Folder of the store, or its URL; made if it is not there."
        ),
    ],
    accounts: Annotated[
        str | None, typer.Option(metavar="FILE", help="Accounts: account_id, created_at, account-level kinds.")
    ] = None,
    config: Annotated[Path | None, typer.Option(metavar="FILE", help="Settings, such as graphkit.toml.")] = None,
    infrastructure: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Known infrastructure: a CSV list of ranges with tags, or an MMDB file."),
    ] = None,
    public_templates: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="CSV of name and text: public prompt templates, to name mined ones by."),
    ] = None,
    as_of: Annotated[
        date | None,
        typer.Option(
            parser=parse_day, metavar="DAY", help="Last UTC day that counts; default: that of the newest event."
        ),
    ] = None,
    look_back: Annotated[
        str | None, typer.Option(metavar="SPAN", help='Days that count, such as "45d", or "all"; overrides the config.')
    ] = None,
    no_stability: Annotated[
        bool, typer.Option("--no-stability", help="Leave out the runs that test stability and chance: faster.")
    ] = False,
    key_file: KeyOption = None,
    memory: Annotated[str, typer.Option(metavar="SIZE", help="Memory meant for the largest process.")] = "4GB",
    rehash: Annotated[
        bool, typer.Option("--rehash", help="Tell known files by their whole content, not by a sample of it.")
    ] = False,
    engine: Annotated[
        Literal["duckdb", "spark"],
        typer.Option(metavar="NAME", help="What reads and joins: duckdb, here; or spark, for more events."),
    ] = "duckdb",
    spark_master: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Spark's cluster; default: the active session's, else local[*]."),
    ] = None,
    wait: Annotated[
        float,
        typer.Option(metavar="SECONDS", parser=parse_seconds, help="How long to wait for another writer."),
    ] = 0.0,
    alerts: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Append what a person should see today, as JSON lines; - prints it, and nothing else."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Analyze events and put a snapshot into a store.

    Example: `graphkit refresh events/*.parquet --accounts accounts.csv --store store --look-back 45d`
    """
    from graphkit.refresh import refresh_store

    if alerts == "-" and as_json:
        raise typer.BadParameter("- and --json both print; give a file", param_hint="--alerts")
    if alerts not in (None, "-") and lies_in(Path(alerts), store):
        raise typer.BadParameter("it lies in the store, which keeps its own; name another", param_hint="--alerts")
    settings = _load_settings(config, look_back, no_stability=no_stability)
    share_arenas()
    with show_progress(quiet=as_json) as progress:
        snapshot = refresh_store(
            events,
            store,
            accounts=accounts,
            config=settings,
            as_of=as_of,
            infrastructure=infrastructure,
            public_templates=public_templates,
            key_file=key_file,
            memory=memory,
            rehash=rehash,
            engine=engine,
            spark_master=spark_master,
            wait=wait,
            progress=progress,
        )
    path = f"{store.rstrip('/')}/snapshots/{snapshot.id}"
    if alerts is not None:
        _tell_alerts(store, snapshot, alerts)
    if alerts == "-":
        return
    if as_json:
        print_json(_summarize(snapshot, path))
        return
    print_summary(snapshot)
    _say_lineage(snapshot)
    say(f"It is in [bold]{plain(path)}[/]. Read it: graphkit report {quote_path(store)}")


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


def _tell_alerts(store: str, snapshot: "Snapshot", target: str) -> None:
    """Write what was not told before, and only then note that it was told: after a crash it is told again."""
    from graphkit.store.alerts import find_alerts, note_alerts

    found = find_alerts(store, snapshot)
    if target == "-":
        for alert in found:
            print_json(alert)
    elif found:
        with Path(target).open("a", encoding="ascii") as file:
            file.writelines(json.dumps(alert, sort_keys=True) + "\n" for alert in found)
    note_alerts(store, found)


def _count_events(snapshot: "Snapshot") -> dict[str, int]:
    """Events of the lineage since the parent snapshot, by name."""
    events = snapshot.table("lineage", columns=["event"])["event"].value_counts().to_pylist()
    return {row["values"]: row["counts"] for row in sorted(events, key=lambda row: row["values"])}


def _say_lineage(snapshot: "Snapshot") -> None:
    """Print what became of the clusters of the parent snapshot, and what is wrong with the data since."""
    parent = snapshot.content["parent"]
    if parent is not None:
        told = ", ".join(f"{event} {number:,}" for event, number in _count_events(snapshot).items())
        say(f"Since {parent}: {told or 'no clusters then or now'}.")
    for fault in snapshot.content["faults"]:
        say(f"[bold red]bad data:[/] {plain(fault['subject'])}: {plain(fault['what'])}; no cluster is told as ended.")


def _summarize(snapshot: "Snapshot", path: str) -> dict[str, Any]:
    """What `--json` says of a refresh; of one whose snapshot was there already, when and how fast that was made."""
    content, run = snapshot.content, snapshot.manifest["run"]
    return {
        "snapshot": snapshot.id,
        "path": path,
        "as_of": content["as_of"],
        "counts": {
            **content["population"],
            **{name: table["rows"] for name, table in content["tables"].items()},
            "rows_read": run["n_rows"],
            "rows_set_aside": run["n_rows"] - run["n_accepted"],
        },
        "calibration": snapshot.table("calibration").to_pylist(),
        "lineage": {"parent": content["parent"], "events": _count_events(snapshot), "faults": content["faults"]},
        "rejected": run["rejected"],
        "made": run["started"],
        "seconds": run["seconds"],
    }
