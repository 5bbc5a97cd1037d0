"""How far the work is, on standard error."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar

from graphkit.cli.output import err

if TYPE_CHECKING:
    from graphkit.stages import Progress, Stage


@contextmanager
def show_runs(*, quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Show how many of a number of like runs are done, and how long the others will take; on standard error."""
    if quiet:
        yield None
        return
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Bar(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("runs", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def show_progress(*, quiet: bool) -> Iterator["Progress | None"]:
    """Show the stage that runs, with its time, and a line for each that is done; on standard error."""
    if quiet:
        yield None
        return
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Bar(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("starting", total=None)

        def show(stage: "Stage") -> None:
            if stage.seconds is None:
                bar.reset(task, description=escape(stage.name))
            else:
                err.print(f"[dim]{stage.seconds:7.1f} s  {stage.name:<18} {escape(stage.result)}[/]")

        yield show
