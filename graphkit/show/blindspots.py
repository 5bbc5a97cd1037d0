"""Blind spots: how much is seen of planted farms that share less and less, a panel a kind of link."""

import math
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pandas as pd
import plotly.graph_objects as go

from graphkit.errors import UsageError
from graphkit.show.borders import FOUND
from graphkit.show.drawing import Drawing, Trace, color_bar, frame_figure, heatmap, scatter, write_message
from graphkit.show.labels import kind_label, percent, plotly_text
from graphkit.show.theme import BOX_HEIGHT, BOX_WIDTH, SCORE_RAMP, TOKENS, Mode, ink_on, ramp_color, require_mode
from graphkit.wording import plural

MOST_PANELS = 20
"""Panels in a figure; the table has every grade."""

_HEAD, _FOOT, _SIDE, _GAP = 20.0, 18.0, 30.0, 14.0
"""Pixels for a panel's heading, the labels below and beside it, and the space between panels."""
_CELL_GAP = 2.0
_LETTER = 7.0
"""Pixels of a letter of a cell's text; where it would not fit it is smaller."""
_MOST_ACROSS = (3, 4)
"""Panels beside each other: where four rows of them are enough, and else."""


class _Panel(NamedTuple):
    """A panel: its grades by entities an account (down) and accounts an entity (across), and where its cells lie."""

    kinds: str
    rows: pd.DataFrame
    left: float
    top: float
    width: float
    height: float


class _Text(NamedTuple):
    """What is written into a cell or half of one."""

    x: float
    y: float
    words: str
    size: int
    recall: float
    hover: str


def plot_blind_spots(grades: pd.DataFrame, *, n_accounts: int | None = None, mode: Mode = "light") -> go.Figure:
    """Draw how much is seen of planted farms: a panel a kind of link, or a mixture of two.

    In a panel, farms share more things an account from the top down, and each thing among more accounts from left to
    right. A cell says which share of the farm's accounts is in clusters that are mostly it; the darker, the less. Its
    right half says so of farms whose accounts also behave alike, where that makes a difference.

    Parameters
    ----------
    grades
        As ``measure_blind_spots`` gives them.
    n_accounts
        Size of the farms; by default the first of the sizes planted.

    Raises
    ------
    UsageError
        If no farm of that size was planted.
    """
    return go.Figure(draw_blind_spots(grades, n_accounts=n_accounts, mode=mode))


def draw_blind_spots(grades: pd.DataFrame, *, n_accounts: int | None, mode: Mode) -> Drawing:
    """Draw them, as of ``plot_blind_spots``."""
    require_mode(mode)
    sizes = grades["n_accounts"].unique().tolist()
    if n_accounts is not None and n_accounts not in sizes:
        raise UsageError(f"no farm of {n_accounts:,} accounts was planted; there are {sizes}")
    chosen = grades[grades["n_accounts"] == (sizes[0] if n_accounts is None and sizes else n_accounts)]
    title = "Blind spots: how much is seen of planted farms"
    if chosen.empty:
        message = write_message("The data have no kind of link.", mode=mode)
        return frame_figure([], title=title, notes=["no farm was planted"], mode=mode, annotations=[message])
    panels = list(_arrange(chosen))
    return frame_figure(
        [trace for panel in panels for trace in _draw_cells(panel, first=panel is panels[0], mode=mode)],
        title=title,
        notes=_write_notes(chosen, n_drawn=len(panels)),
        mode=mode,
        annotations=[label for panel in panels for label in _write_labels(panel, mode=mode)],
        showlegend=False,
    )


def _write_notes(grades: pd.DataFrame, *, n_drawn: int) -> list[str]:
    first, n_panels = grades.iloc[0], grades["kinds"].nunique()
    links = "links" if first["exact"] else "links as the snapshot's tables tell them"
    n_farms, size, everybody = first["n_farms"], first["n_accounts"], first["n_population"]
    halves = "; right half: if also alike" if grades["alike"].any() else ""
    notes = [
        f"{plural(n_farms, 'farm')} of {size:,} accounts a cell, planted among the {links} of {everybody:,} accounts",
        "down: entities an account",
        "across: accounts an entity",
        f"percent seen{halves}",
        "bold: found; *: in pieces",
    ]
    if n_drawn < n_panels:
        notes.append(f"{plural(n_panels - n_drawn, 'further panel')} not drawn")
    return notes


def _arrange(grades: pd.DataFrame) -> Iterator[_Panel]:
    """Lay the panels out in rows, kinds before mixtures, in their order."""
    groups = list(grades.groupby("kinds", sort=False))[:MOST_PANELS]
    few, many = _MOST_ACROSS
    n_across = min(math.ceil(math.sqrt(len(groups))), few if len(groups) <= 4 * few else many)
    n_down = math.ceil(len(groups) / n_across)
    wide, high = BOX_WIDTH / n_across, BOX_HEIGHT / n_down
    for place, (kinds, rows) in enumerate(groups):
        down, across = divmod(place, n_across)
        yield _Panel(
            str(kinds),
            rows,
            left=-BOX_WIDTH / 2 + across * wide + _SIDE,
            top=BOX_HEIGHT / 2 - down * high - _HEAD,
            width=wide - _SIDE - _GAP,
            height=high - _HEAD - _FOOT - _GAP,
        )


def _axes(panel: _Panel) -> tuple[dict[float, float], dict[float, float]]:
    """Middle of each row and of each column, by what they stand for."""
    down = sorted(panel.rows["entities_per_account"].unique())
    across = sorted(panel.rows["accounts_per_entity"].unique())
    tall, wide = panel.height / len(down), panel.width / len(across)
    y = {value: panel.top - (place + 0.5) * tall for place, value in enumerate(down)}
    return y, {value: panel.left + (place + 0.5) * wide for place, value in enumerate(across)}


def _draw_cells(panel: _Panel, *, first: bool, mode: Mode) -> list[Trace]:
    """The cells as a heatmap, the first with the legend of the colors, and their texts."""
    stops = SCORE_RAMP[mode]
    edges, unseen = _halve_cells(panel)
    cells = heatmap(
        x=edges,
        y=list(_axes(panel)[0].values()),
        z=unseen,
        zmin=0,
        zmax=1,
        colorscale=[[place / (len(stops) - 1), color] for place, color in enumerate(stops)],
        ygap=2,
        showscale=first,
        colorbar=color_bar("Share of the farm that is not seen", ["0%", "50%", "100%"]),
        hoverinfo="skip",
    )
    texts = list(_write_cells(panel))
    written = scatter(
        x=[text.x for text in texts],
        y=[text.y for text in texts],
        mode="text",
        text=[text.words for text in texts],
        textfont={
            "size": [text.size for text in texts],
            "color": [ink_on(ramp_color(1 - text.recall, mode=mode)) for text in texts],
        },
        customdata=[text.hover for text in texts],
        hovertemplate="%{customdata}<extra></extra>",
    )
    return [cells, written]


def _halve_cells(panel: _Panel) -> tuple[list[float], list[list[float | None]]]:
    """Edges of the heatmap's columns and what is not seen in each: the halves of a cell, then the gap to the next."""
    middles, x = _axes(panel)
    halves = sorted(panel.rows["alike"].unique().tolist())
    wide = panel.width / len(x)
    steps = [-wide / 2 + _CELL_GAP / 2 + place * (wide - _CELL_GAP) / len(halves) for place in range(len(halves) + 1)]
    edges = [middle + step for middle in x.values() for step in steps]
    recall = {
        (row["entities_per_account"], row["accounts_per_entity"], row["alike"]): row["recall"]
        for row in panel.rows.to_dict("records")
    }
    unseen: list[list[float | None]] = []
    for each in middles:
        cells = [[recall.get((each, users, alike)) for alike in halves] for users in x]
        flat = [value for cell in cells for value in (*cell, None)][:-1]
        unseen.append([None if value is None else round(1 - value, 4) for value in flat])
    return edges, unseen


def _write_cells(panel: _Panel) -> Iterator[_Text]:
    """Write into the halves of each cell, or into the whole cell if both say the same."""
    y, x = _axes(panel)
    for _, cell in panel.rows.groupby(["entities_per_account", "accounts_per_entity"], sort=False):
        rows = cell.sort_values("alike").to_dict("records")
        each, users = rows[0]["entities_per_account"], rows[0]["accounts_per_entity"]
        hover = _write_hover(rows)
        told = rows if len({_write_share(row) for row in rows}) > 1 else rows[:1]
        room = panel.width / len(x) / len(told)
        for place, row in enumerate(told):
            words = _write_share(row)
            size = 11 if _LETTER * len(re.sub("<.*?>", "", words)) <= room else 9
            yield _Text(x[users] + (place - (len(told) - 1) / 2) * room, y[each], words, size, row["recall"], hover)


def _write_share(row: dict[Any, Any]) -> str:
    text = f"{100 * row['recall']:.0f}{'*' if row['whole'] < FOUND <= row['found'] else ''}"
    return f"<b>{text}</b>" if row["found"] >= FOUND else text


def _write_hover(rows: list[dict[Any, Any]]) -> str:
    each, users = rows[0]["entities_per_account"], rows[0]["accounts_per_entity"]
    lines = [f"<b>{_heading(rows[0]['kinds'])}</b>: {each:g} an account, each shared by {users:,g}"]
    for row in rows:
        lines += [
            *(["<b>If its accounts also behave alike:</b>"] if row["alike"] else []),
            f"{percent(row['recall'])} of the farm in clusters that are mostly it",
            f"found: {percent(row['found'])} of {plural(row['n_farms'], 'farm')}, whole: {percent(row['whole'])}",
            f"its largest cluster: {percent(row['best_share'])} of it, {percent(row['best_purity'])} pure",
        ]
    return "<br>".join(lines)


def _heading(kinds: str) -> str:
    return plotly_text(" + ".join(kind_label(kind) for kind in kinds.split(" + ")), limit=44)


def _write_labels(panel: _Panel, *, mode: Mode) -> list[dict[str, Any]]:
    """A panel's heading and the labels of its rows and columns."""
    y, x = _axes(panel)
    muted = {"showarrow": False, "font": {"size": 11, "color": TOKENS[mode]["muted"]}}
    heading = {
        "x": panel.left,
        "y": panel.top + 1,
        "xanchor": "left",
        "yanchor": "bottom",
        "text": f"<b>{_heading(panel.kinds)}</b>",
        "showarrow": False,
        "font": {"size": 12, "color": TOKENS[mode]["ink"]},
    }
    beside = {"x": panel.left - 5, "xanchor": "right", "yanchor": "middle"}
    below = {"y": panel.top - panel.height - 1, "xanchor": "center", "yanchor": "top"}
    rows = [{"y": middle, "text": f"{value:g}", **beside, **muted} for value, middle in y.items()]
    columns = [{"x": middle, "text": f"{value:,g}", **below, **muted} for value, middle in x.items()]
    return [heading, *rows, *columns]
