"""What the command line prints with: texts, tables and JSON on standard output, the rest on standard error."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

_WIDEST = 1_000_000
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """Print a text of ours, in rich's markup; what others wrote in it must be ``plain``."""
    out.print(text)


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
    needs = Measurement.get(out, out.options.update(max_width=_WIDEST), table)
    width = max(out.width, needs.minimum) if fold and out.is_terminal else needs.maximum
    Console(highlight=False, width=width).print(table)
