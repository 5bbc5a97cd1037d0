"""What the command line shows: tables, progress, summaries, and how a run ends."""

import io
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar
from rich.table import Table

from graphkit.errors import GraphkitError, UsageError
from graphkit.wording import plural

if TYPE_CHECKING:
    import pandas as pd

    from graphkit.analysis import Progress, Stage
    from graphkit.detect.explanation import Explanation
    from graphkit.snapshot import Snapshot

TRACEBACK_VARIABLE = "GRAPHKIT_TRACEBACK"
"""Set in the environment, it shows where in the code an unexpected error arose."""

_SHOWN = 10
_WIDEST = 1_000_000
_LONGEST = 120
_out = Console(highlight=False, soft_wrap=True)
_err = Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """Print a text of ours, in rich's markup; what others wrote in it must be ``plain``."""
    _out.print(text)


def plain(text: object) -> str:
    """Text by others, without what a terminal or rich's markup would obey."""
    return escape("".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in str(text)))


def print_json(value: Any) -> None:
    """Print one JSON object on one line, in ASCII, so that every terminal and pipe can take it."""
    sys.stdout.write(json.dumps(value, sort_keys=True) + "\n")


def print_table(
    heads: Sequence[str], rows: Sequence[Sequence[str]], *, left: Sequence[int] = (0,), fold: bool = False
) -> None:
    """Print rows under their heads, wider than the terminal if need be: ids stay whole, to be copied.

    Parameters
    ----------
    left
        Columns that are set flush left, by their places; the others are flush right.
    fold
        Whether the last column, which is prose, is folded where a terminal is too narrow for it.
    """
    table = Table(box=None, pad_edge=False)
    for place, head in enumerate(heads):
        prose = fold and place == len(heads) - 1
        table.add_column(head, justify="left" if place in left else "right", no_wrap=not prose)
    for row in rows:
        table.add_row(*row)
    needs = Measurement.get(_out, _out.options.update(max_width=_WIDEST), table)
    width = max(_out.width, needs.minimum) if fold and _out.is_terminal else needs.maximum
    Console(highlight=False, width=width).print(table)


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
        rows = [
            [plain(shorten(show_cell(*cell), _LONGEST)) for cell in row.items()]
            for row in records_of(section.table.head(_SHOWN))
        ]
        print_table([head_of(name) for name in section.table.columns], rows, left=range(len(rows[0])))
        if len(section.table) > _SHOWN:
            say(f"and {len(section.table) - _SHOWN:,} more; --json and a packet have them")


def print_figures(methods: list[dict[str, Any]]) -> None:
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
    _out.print(table, soft_wrap=False)
    for row in (row for row in methods if row["skipped"]):
        say(f"{row['method']} was skipped: {plain(row['skipped'])}")


def print_broken_farms(farms: list[dict[str, Any]]) -> None:
    """Print the farms that no one cluster holds, twenty at most."""
    broken = [row for row in farms if not row["whole"]]
    if not broken:
        say("\nEvery farm is whole." if farms else "\nThe truth has no farms.")
        return
    table = Table("farm not whole", "style", "accounts", "in clusters", "in one", "found", box=None, pad_edge=False)
    for column in table.columns[2:5]:
        column.justify = "right"
    for row in broken[:20]:
        shares = f"{row['clustered']:.0%}", f"{row['best_share']:.0%}", "yes" if row["found"] else "no"
        table.add_row(plain(row["farm"]), plain(row["style"] or ""), f"{row['n_accounts']:,}", *shares)
    say("")
    _out.print(table, soft_wrap=False)
    if len(broken) > 20:
        say(f"and {len(broken) - 20:,} more; --json has them all")


def print_grades(grades: "pd.DataFrame") -> None:
    """Print what is seen of planted farms: a table a size, a row a kind and number of entities an account."""
    also = "; behind a slash: if its accounts also behave alike" if grades["alike"].any() else ""
    for size, of_size in grades.groupby("n_accounts", sort=False):
        users = sorted(of_size["accounts_per_entity"].unique())
        rows = []
        for (kinds, each), of_row in of_size.groupby(["kinds", "entities_per_account"], sort=False):
            cells: dict[float, dict[str, None]] = {number: {} for number in users}
            for row in of_row.sort_values("alike", kind="stable").to_dict("records"):
                cells[row["accounts_per_entity"]][_tell_fate(row)] = None
            rows.append((plain(kinds), f"{each:g}", *(" / ".join(cells[number]) for number in users)))
        say(f"Farms of {size:,} accounts: whole, found in pieces, or the share that is seen{also}")
        print_table(["shared", "an account", *(f"by {number:,g}" for number in users)], rows)
        say("")


def _tell_fate(row: Mapping[Any, Any]) -> str:
    from graphkit.show.borders import FOUND

    if row["whole"] >= FOUND:
        return "whole"
    return "in pieces" if row["found"] >= FOUND else f"{row['recall']:.0%}"


@contextmanager
def show_runs(*, quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Show how many of a number of like runs are done, and how long the others will take; on standard error."""
    if quiet:
        yield None
        return
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Bar(*columns, console=_err, transient=True, disable=not _err.is_terminal) as bar:
        task = bar.add_task("runs", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def show_progress(*, quiet: bool) -> Iterator["Progress | None"]:
    """Show the stage that runs, with its time, and a line for each that is done; on standard error."""
    if quiet:
        yield None
        return
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Bar(*columns, console=_err, transient=True, disable=not _err.is_terminal) as bar:
        task = bar.add_task("starting", total=None)

        def show(stage: "Stage") -> None:
            if stage.seconds is None:
                bar.reset(task, description=escape(stage.name))
            else:
                _err.print(f"[dim]{stage.seconds:7.1f} s  {stage.name:<18} {escape(stage.result)}[/]")

        yield show


def run_to_end(command: Callable[[], object]) -> int:
    """Run a command line and tell how it ended, in words where it failed.

    Returns
    -------
    The exit code: 0 done, 1 failed, 2 wrong usage, 128 and the signal's number if it was stopped (130 for Ctrl-C).
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that knows no umlauts is no reason to fail
    code, message = 0, ""
    with _stoppable() as stopped:
        try:
            command()
            if sys.stdout is not None:
                sys.stdout.flush()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        except KeyboardInterrupt:
            code = 128 + signal.SIGINT
        except Exception as error:  # noqa: BLE001  # the end of the line
            code, message = _explain(error)
    if stopped:
        code, message = 128 + stopped[0], "stopped; what was there before is as it was"
    if message:
        _err.print("[bold red]error:[/]", "\n".join(map(plain, message.splitlines())))
    _close_output()
    return code


@contextmanager
def _stoppable() -> Iterator[list[int]]:
    """Let a polite signal interrupt the work, so that it cleans up; gives the signals that came."""
    came: list[int] = []

    def stop(number: int, _frame: object) -> None:
        came.append(number)
        raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    heard = {number: handler for number, handler in before.items() if handler != signal.SIG_IGN}
    for number in heard:
        signal.signal(number, stop)
    try:
        yield came
    finally:
        for number, handler in heard.items():
            signal.signal(number, handler)


def _explain(error: Exception) -> tuple[int, str]:
    """Exit code and message of an error."""
    if isinstance(error, BrokenPipeError):
        return 1, ""
    if isinstance(error, GraphkitError):
        wrong_usage = isinstance(error, UsageError) and not isinstance(error.__cause__, OSError)
        return 2 if wrong_usage else 1, str(error)
    if os.environ.get(TRACEBACK_VARIABLE):
        return 1, "".join(traceback.format_exception(error))
    if isinstance(error, OSError):
        return 1, ": ".join(str(part) for part in (error.filename, error.strerror or error) if part)
    if isinstance(error, MemoryError):
        return 1, "there is not enough memory; free some, or analyze a shorter look_back"
    return 1, (
        f"this should not happen: {type(error).__name__}: {error}\n"
        f"Please report it, with what {TRACEBACK_VARIABLE}=1 in the environment prints."
    )


def _close_output() -> None:
    """Write out what is left; where no one reads on, let the interpreter not stumble over it at its end."""
    for stream in (sys.stdout, sys.stderr):
        if stream is None:  # closed by who called
            continue
        try:
            stream.flush()
        except (OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
