"""How a notebook shows the frames of a snapshot: numbers as people read them; the frames themselves are pandas' own.

No option of pandas is changed and no class is made. A frame bears a mark in ``attrs``, which pandas hands on to what is
made of it, and IPython is told how to show marked ones; any other frame is shown as before.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

DASH = "–"  # noqa: RUF001

_MARK = "graphkit"
_LONGEST = 60
_BITS = {"strength", "likeness", "match_weight", "bits", "prior", "given_prior", "learnt_prior"}
_SHARES = {
    "score",
    "stability",
    "together",
    "largest_part",
    "effect",
    "coverage",
    "corroboration",
    "verdict_covers",
    "sampling_probability",
    "contribution",
    "score_before",
    "score_after",
}
_STYLE = "<style scoped>.graphkit-frame td, .graphkit-frame th { white-space: nowrap; }</style>"


def mark_frame(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    """Mark a frame as a table of a snapshot, and have a notebook, if this is one, show such frames well."""
    frame.attrs[_MARK] = table
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is not None:
        _tell_notebook(shell.display_formatter.formatters["text/html"])
    return frame


def write_number(column: str, value: float) -> str:
    """A number of a column as people read it: bits with one decimal, shares with two, counts with separators."""
    if isinstance(value, int):
        return f"{value:,}"
    if column in _BITS or column.endswith("_bits"):
        return f"{value:,.1f}"
    if column in _SHARES:
        return f"{value:.2f}"
    if column.startswith("n_"):
        return f"{value:,.0f}" if value.is_integer() else f"{value:,.1f}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def write_cell(column: str, value: Any) -> str:
    """A value of a frame as people read it, on one line of at most 60 letters; a dash for none."""
    plain = value.tolist() if hasattr(value, "tolist") else value
    match plain:
        case bool():
            shown = "yes" if plain else "no"
        case int() | float() if math.isfinite(plain):
            shown = write_number(column, plain)
        case date() if str(plain) != "NaT":
            shown = f"{plain:%Y-%m-%d %H:%M}".removesuffix(" 00:00")
        case str():
            shown = _shorten(plain)
        case list() | tuple() if plain:
            shown = _shorten(", ".join(map(str, plain)))
        case _:
            shown = DASH
    return shown


def show_frame(frame: pd.DataFrame) -> str:
    """A frame as HTML, as pandas lays it out, its cells as ``write_cell`` writes them."""
    import pandas as pd

    most, few = pd.get_option("display.max_rows"), pd.get_option("display.min_rows")
    table: str = frame.to_html(
        formatters={column: _writer(column) for column in frame.columns},
        max_rows=few if most and len(frame) > most else None,
        max_cols=pd.get_option("display.max_columns"),
        show_dimensions=bool(most and len(frame) > most),
        na_rep=DASH,
        escape=True,
        notebook=True,
    )
    return f'<div class="graphkit-frame tex2jax_ignore mathjax_ignore">{_STYLE}{table}</div>'


def _writer(column: Any) -> Callable[[Any], str]:
    return lambda value: write_cell(str(column), value)


def _shorten(text: str) -> str:
    """One line without control, direction or invisible characters, of at most 60 letters."""
    line = "".join(each if each.isprintable() else " " if each.isspace() else "\ufffd" for each in text)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


class _Showing:
    """What IPython calls for a frame: ours for marked ones, whatever was there before for others."""

    def __init__(self, before: Callable[[Any], str | None] | None) -> None:
        self.before = before

    def __call__(self, frame: pd.DataFrame) -> str | None:
        import pandas as pd

        if _MARK in frame.attrs and pd.get_option("display.notebook_repr_html"):
            return show_frame(frame)
        shown: str | None = frame._repr_html_() if self.before is None else self.before(frame)  # type: ignore[operator]
        return shown


def _tell_notebook(formatter: Any) -> None:
    import pandas as pd

    known: Mapping[type, Any] = formatter.type_printers
    before = known.get(pd.DataFrame)
    if not isinstance(before, _Showing):
        formatter.for_type(pd.DataFrame, _Showing(before))
