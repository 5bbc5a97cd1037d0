"""A snapshot or an explanation in the terminal."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from graphkit.cli.output import plain, print_table, say
from graphkit.wording import plural

if TYPE_CHECKING:
    from graphkit.detect.explanation import Explanation
    from graphkit.snapshot import Snapshot

_SHOWN = 10
_MOST_WHOLE = 15
"""Rows up to which a table of an explanation is shown whole: all parts of a score, those against it too."""
_LONGEST = 120


def print_summary(snapshot: "Snapshot") -> None:
    """Print what a snapshot found, and what was set aside, for a person."""
    from graphkit.snapshot import rank_clusters

    population, tables, run = snapshot.content["population"], snapshot.content["tables"], snapshot.manifest["run"]
    n_clusters = tables["clusters"]["rows"]
    say(
        f"[bold]{snapshot.id}[/]: {plural(n_clusters, 'cluster')} of {plural(tables['accounts']['rows'], 'account')} "
        f"among {population['n_accounts']:,} ({plural(population['n_events'], 'event')}, "
        f"{population['first_day']} to {snapshot.as_of})."
    )
    rows = [
        (
            row["cluster_id"],
            f"{row['n_accounts']:,}",
            f"{row['n_core']:,}",
            f"{row['score']:.2f}",
            plain(row["binding"]),
        )
        for row in rank_clusters(snapshot.table("clusters").to_pylist())[:5]
    ]
    if rows:
        print_table(["cluster", "accounts", "core", "score", "what binds it"], rows, left=(0, 4), fold=True)
    else:
        say("No accounts share more than chance explains: there is no cluster.")
    print_calibration(snapshot.table("calibration").to_pylist(), used=snapshot.config.calibrate)
    if effect := snapshot.content.get("infrastructure"):
        print_infrastructure(effect)
    print_rejected(run["rejected"])


def print_calibration(rows: Sequence[Mapping[str, Any]], *, used: bool) -> None:
    """Print the priors that corroboration contradicts."""
    for row in rows:
        if row["verdict"] in {"too high", "too low"}:
            then = "which is used" if used else "which calibrate = true would use"
            say(
                f"prior of {row['kind']}: {row['given_prior']:g} is {row['verdict']}; "
                f"{plural(row['n_entities'], 'entity')} teach {row['learnt_prior']:g}, {then}"
            )


def print_infrastructure(effect: Mapping[str, Any]) -> None:
    """Print what the list of known infrastructure changed, a line a tag."""
    for tag, row in effect["tags"].items():
        did = [
            (row["n_entities"], f"{plural(row['n_entities'], 'shared address')} at weight {row['weight']:g}"),
            (row["n_pairs_unlinked"], f"{plural(row['n_pairs_unlinked'], 'pair')} no longer linked"),
            (row["n_accounts_left_out"], f"{plural(row['n_accounts_left_out'], 'account')} left out"),
        ]
        told = ", ".join(text for number, text in did if number)
        say(f"listed as {plain(tag)}: {told or 'nothing that is shared here'}")


def print_rejected(rejected: Sequence[Mapping[str, Any]]) -> None:
    """Print what was set aside and why, most rows first, ten reasons at most."""
    for row in sorted(rejected, key=lambda row: -row["n_rows"])[:_SHOWN]:
        example = f" (such as {plain(row['example'])})" if row["example"] else ""
        say(f"set aside: {plural(row['n_rows'], 'row')} of {plain(row['source'])}: {plain(row['reason'])}{example}")
    if len(rejected) > _SHOWN:
        say(f"and for {plural(len(rejected) - _SHOWN, 'reason')} more; --json and the snapshot's `rejected` have all")


def print_explanation(explanation: "Explanation") -> None:
    """Print why an account or a cluster was found: all sentences, and the first rows of each table."""
    from graphkit.detect.explanation import head_of, records_of, show_cell
    from graphkit.show.labels import shorten

    say(f"[bold]{plain(explanation.title)}[/]")
    for section in explanation.sections:
        say(f"\n[bold]{plain(section.title)}[/]")
        for sentence in section.sentences:
            say(f"- {plain(sentence)}")
        if section.table is None or section.table.empty:
            continue
        shown = section.table if len(section.table) <= _MOST_WHOLE else section.table.head(_SHOWN)
        rows = [[plain(shorten(show_cell(*cell), _LONGEST)) for cell in row.items()] for row in records_of(shown)]
        print_table([head_of(name) for name in shown.columns], rows, left=range(len(rows[0])))
        if len(shown) < len(section.table):
            say(f"and {len(section.table) - len(shown):,} more; --json and a packet have them")
