"""The command line: its commands and options; it alone prints."""

import os
from typing import Annotated, NoReturn

import typer

from graphkit.cli import changes, lab, reading, refresh, reviewing, scoring
from graphkit.cli.ending import run_to_end
from graphkit.cli.output import say

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


def main() -> NoReturn:
    """Run the command line: 0 done, 1 failed, 2 wrong usage, 130 stopped.

    The process then ends at once: to take the interpreter down takes half a second after a large refresh, and a thread
    of a library that frees what Python lent it meanwhile would abort the process.
    """
    os._exit(run_to_end(app))


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


app.command()(refresh.refresh)
app.command()(reading.report)
app.command()(reading.explain)
app.command()(reading.notebook)
app.command("list")(reading.list_snapshots)
app.command()(changes.diff)
app.command()(changes.history)
app.command()(reviewing.review)
app.command()(reviewing.reviews)
app.command()(reading.verify)
app.command()(changes.prune)
app.command()(scoring.refit)
app.command()(lab.evaluate)
app.command()(lab.blindspots)
app.command()(lab.demo)
