"""Frames as tables that sort and search, without a network: for notebooks, and for pages made of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from markupsafe import Markup

from graphkit.detect.explanation import records_of, show_cell
from graphkit.errors import UsageError
from graphkit.frames import DASH
from graphkit.show.labels import ACCOUNT, clean_text, make_namer
from graphkit.show.page import fill_template, read_part
from graphkit.snapshot import Snapshot, rank_clusters

_SHARES = ("score", "stability", "coverage", "together", "largest_part", "effect", "corroboration")
"""Columns from 0 to 1 that have a bar unless other columns are named."""
_RANKED = ("cluster_id", "n_accounts", "n_core", "score", "n_events", "last_seen", "verdict", "binding")
"""Columns of the clusters that are read first."""
_LONG = 40
"""Letters from which a text may wrap."""
_LONGEST = 400
_ACCOUNTS = ("account_id", "account_a", "account_b")


@dataclass(frozen=True)
class TableView:
    """A table that a notebook shows: it sorts at a click on a head and searches as one types, offline."""

    html: str
    """The table as an HTML fragment with its own style and script; the same frame gives the same bytes."""
    n_rows: int

    def __repr__(self) -> str:
        return f"<TableView of {self.n_rows:,} rows>"

    def _repr_html_(self) -> str:
        return self.html


def table(
    shown: pd.DataFrame | Snapshot, *, title: str = "", bars: Sequence[str] | None = None, most: int = 500
) -> TableView:
    """Show a frame as a table that sorts and searches without a network.

    Parameters
    ----------
    shown
        A frame, such as a table of a snapshot; of a snapshot itself, its clusters by score.
    title
        Heading of the table.
    bars
        Columns of numbers from 0 to 1 that have a bar beside each; by default those of a snapshot that are such.
    most
        Rows that the table may have; further ones are counted beneath it.

    Raises
    ------
    UsageError
        If ``bars`` names a column that is not there, or ``most`` is below 1.
    """
    frame = _rank(shown) if isinstance(shown, Snapshot) else shown
    if missing := [name for name in bars or () if name not in frame.columns]:
        raise UsageError(f"no column {missing[0]!r}; there are {', '.join(map(str, frame.columns))}")
    if most < 1:
        raise UsageError(f"most is {most}; give 1 or more")
    barred = set(_SHARES if bars is None else bars)
    rows = records_of(frame.head(most))
    columns = [_describe(str(name), rows) for name in frame.columns]
    if isinstance(shown, Snapshot):
        columns = [{**column, "sorted": "descending" if column["name"] == "score" else ""} for column in columns]
    facts = {
        "title": clean_text(title),
        "noun": "clusters" if isinstance(shown, Snapshot) else "rows",
        "columns": columns,
        "rows": [[_fill(str(name), row[str(name)], barred=barred) for name in frame.columns] for row in rows],
        "n_left_out": len(frame) - len(rows),
        "style": Markup(read_part("table.css")),  # noqa: S704  # our own
        "script": Markup(read_part("table.js")),  # noqa: S704  # our own
    }
    return TableView(fill_template("table.html.j2", facts), len(frame))


def mask_identifiers(snapshot: Snapshot, frame: pd.DataFrame) -> pd.DataFrame:
    """Mask the accounts and entities in a frame as the figures and reports of its snapshot do.

    Accounts stand in columns account_id, account_a and account_b; entities in a column entity beside one named kind.
    """
    name_of = make_namer(snapshot, reveal=False)
    masked = frame.copy()
    for column in (name for name in _ACCOUNTS if name in frame.columns):
        masked[column] = [name_of(ACCOUNT, value) for value in frame[column]]
    if {"kind", "entity"} <= set(frame.columns):
        masked["entity"] = [name_of(kind, value) for kind, value in zip(frame["kind"], frame["entity"], strict=True)]
    return masked


def _rank(snapshot: Snapshot) -> pd.DataFrame:
    """Clusters by score, the columns that are read first, and no column without a value."""
    rows = rank_clusters(snapshot.table("clusters").to_pylist())
    frame = pd.DataFrame(rows, columns=list(_RANKED))
    return frame.dropna(axis="columns", how="all") if rows else frame


def _describe(name: str, rows: Sequence[dict[str, Any]]) -> dict[str, str]:
    """A column's head and how its cells are set."""
    values = [row[name] for row in rows if row[name] is not None]
    long = any(isinstance(value, str | list | tuple) and len(str(value)) > _LONG for value in values)
    number = bool(values) and all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    style = "number" if number else "words" if long else "short"
    return {
        "name": name,
        "head": clean_text(name.removeprefix("n_").replace("_", " "), limit=60),
        "style": style,
        "sorted": "",
    }


def _fill(name: str, value: Any, *, barred: set[str]) -> dict[str, Any]:
    """A cell: its text, the number by which it sorts, and the percentage that its bar shows."""
    if isinstance(value, datetime):
        return {"text": show_cell(name, pd.Timestamp(value)), "value": value.timestamp(), "share": None}
    if isinstance(value, bool) or not isinstance(value, int | float):
        plain = value.tolist() if hasattr(value, "tolist") else value
        text = DASH if plain is None else show_cell(name, plain if isinstance(plain, list) else str(plain))
        return {"text": clean_text(text, limit=_LONGEST), "value": None, "share": None}
    if not math.isfinite(value):
        return {"text": DASH, "value": None, "share": None}
    sorts = float(f"{value:.6g}")
    if name not in barred:
        return {"text": show_cell(name, value), "value": sorts, "share": None}
    return {"text": f"{value:.2f}", "value": sorts, "share": round(100 * min(max(float(value), 0.0), 1.0), 1)}
