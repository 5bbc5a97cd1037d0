"""The command that refits the score."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphkit.cli.options import JsonOption, SnapshotOption, StoreArgument, check_output, load_snapshot
from graphkit.cli.output import plain, print_json, print_table, say
from graphkit.wording import plural

if TYPE_CHECKING:
    from graphkit.detect.refit import RefitScore


def refit(
    store: StoreArgument,
    reviews: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="CSV, Parquet or JSON lines: cluster_id, verdict (confirmed, benign, watch); default: the store's.",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="TOML file to write the settings to.")
    ] = None,
    snapshot: SnapshotOption = None,
    as_json: JsonOption = False,
) -> None:
    """Refit the score's weights to reviews: prints what changes, and the settings to paste into graphkit.toml.

    Example: `graphkit refit store -o score.toml`
    """
    from graphkit.detect.refit import read_verdicts, refit_score
    from graphkit.store.durable import replace_file
    from graphkit.store.store import open_store

    if output is not None:
        check_output(output, store)
    snapshots = [load_snapshot(store, snapshot)]
    if reviews is None:
        opened = open_store(store)
        verdicts = opened.reviews()
        snapshots += [opened.load(name) for name in sorted({*verdicts["snapshot_id"]}) if opened.holds(name)]
    else:
        verdicts = read_verdicts(reviews)
    result = refit_score(snapshots, verdicts)
    if output is not None:
        replace_file(output, result.to_toml().encode())
    counts = {"n_confirmed": result.n_confirmed, "n_benign": result.n_benign, "n_unknown": result.n_unknown}
    if as_json:
        rows = json.loads(result.report.to_json(orient="records"))
        print_json({**counts, "score": result.score.model_dump(), "report": rows})
        return
    unknown = f"; {plural(result.n_unknown, 'cluster')} not in this snapshot" if result.n_unknown else ""
    say(f"{result.n_confirmed} confirmed and {result.n_benign} benign{unknown}.{_tell_lack(result)}\n")
    rows = [
        (row["part"], f"{row['default']:g}", f"{row['refit']:g}", f"{row['change']:+g}", f"{row['n_told']:,}")
        for row in result.report.to_dict("records")
    ]
    print_table(["part", "default", "refit", "change", "reviews"], rows)
    lines = [f"Settings: [bold]{plain(output)}[/]"] if output else map(plain, result.to_toml().splitlines())
    say("\n" + "\n".join(lines))


def _tell_lack(result: "RefitScore") -> str:
    """Say what the verdicts lack; empty where there are both kinds."""
    if not result.n_confirmed and not result.n_benign:
        return " No verdict counts yet, so these are the default weights: give some with graphkit review."
    if not result.n_confirmed or not result.n_benign:
        return " They are all alike, which tells little of what sets farms apart: give verdicts of the other kind too."
    return ""
