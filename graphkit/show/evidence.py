"""One cluster as an evidence matrix: which account uses which entity."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from graphkit.show.drawing import Drawing, Trace, frame_figure, heatmap, name_places, scatter, write_message
from graphkit.show.labels import ACCOUNT, NameOf, count_drawn, make_namer, note_missing, plotly_text
from graphkit.show.matrix import Matrix, arrange_matrices
from graphkit.show.theme import BOX_HEIGHT, BOX_WIDTH, TOKENS, KindStyle, Mode, kind_styles, require_mode
from graphkit.snapshot import Snapshot
from graphkit.wording import plural

_LEFT, _HEAD, _FOOT = 132.0, 34.0, 108.0
"""Pixels for the names of accounts, the headings of kinds and the names of entities."""
_GAP = 14.0
"""Pixels between kinds."""
_WIDEST, _TALLEST = 56.0, 30.0
"""Pixels of a column and of a row, at most."""
_LINE, _LETTER = 12.0, 6.3
"""Pixels that a label needs, across and along."""
_ROW_LETTERS, _MOST_LETTERS = 20, 40


class _Grid(NamedTuple):
    """Where the rows and columns lie, in pixels from the middle of the drawing area."""

    rows: list[float]
    columns: list[float]
    high: float
    wide: float


def plot_evidence(snapshot: Snapshot, cluster_id: str, *, mode: Mode = "light", reveal: bool = True) -> go.Figure:
    """Draw which account of a cluster uses which of its most telling entities: accounts down, entities across.

    Entities stand by kind, the most used first; accounts that use much the same stand together. ``reveal=False`` masks
    identifiers.

    Raises
    ------
    UsageError
        If the snapshot has no such cluster.
    """
    require_mode(mode)
    snapshot.require_cluster(cluster_id)
    matrix, name_of = arrange_matrices(snapshot, [cluster_id])[cluster_id], make_namer(snapshot, reveal=reveal)
    return go.Figure(draw_matrix(matrix, mode=mode, kinds=list(snapshot.config.kinds), name_of=name_of))


def draw_matrix(matrix: Matrix, *, mode: Mode, kinds: Sequence[str], name_of: NameOf) -> Drawing:
    """Draw an arranged cluster."""
    styles = {kind: style for kind, style in kind_styles(kinds, mode=mode).items() if kind in matrix.n_entities}
    title = f"Cluster {plotly_text(matrix.cluster_id, limit=60)}: evidence, account by account"
    if not matrix.accounts:
        message = write_message("No entity of this cluster can be drawn.", mode=mode)
        return frame_figure([], title=title, notes=_write_notes(matrix), mode=mode, annotations=[message])
    grid = _lay_out(matrix)
    traces: list[Any] = [_draw_ground(matrix, grid, kind, mode=mode) for kind in styles]
    for kind, style in styles.items():
        traces += [_draw_cells(matrix, grid, kind, style), _draw_bar(matrix, grid, kind, style)]
    traces += [_draw_symbol(matrix, grid, kind, style, mode=mode) for kind, style in styles.items()]
    traces.append(_write_rows(matrix, grid, mode=mode, name_of=name_of))
    usual = {"showarrow": False, "font": {"size": 10, "color": TOKENS[mode]["muted"]}}
    return frame_figure(
        traces,
        title=title,
        notes=_write_notes(matrix),
        mode=mode,
        **_name_axes(matrix, grid, name_of=name_of),
        template={"layout": {"annotationdefaults": usual}},
        annotations=[
            *_label_columns(matrix, grid, name_of=name_of),
            *_label_kinds(matrix, grid, styles, mode=mode),
        ],
    )


def _write_notes(matrix: Matrix) -> list[str]:
    """Counts, encodings and what is not drawn."""
    n_entities, n_drawn = sum(matrix.n_entities.values()), len(matrix.entities)
    shared, rows = plural(n_entities, "shared entity"), len(matrix.accounts)
    connected = matrix.n_accounts - matrix.n_unconnected
    notes = [
        plural(matrix.n_accounts, "account"),
        f"{n_drawn} most telling of {shared}" if n_drawn < n_entities else shared,
        "filled = used",
    ]
    if rows > 2:
        notes.append("like accounts side by side")
    missing = []
    if rows < connected:
        missing.append(f"{plural(connected - rows, 'account')} (rows are picked at random)")
    if matrix.n_unconnected:
        missing.append(f"{plural(matrix.n_unconnected, 'account')} that use none of these")
    return [*notes, *note_missing(missing)]


def _lay_out(matrix: Matrix) -> _Grid:
    """Rows and columns as wide as there is room, from the upper left on, with a gap between kinds."""
    kinds = matrix.entities["kind"].tolist()
    starts = [i > 0 and kind != kinds[i - 1] for i, kind in enumerate(kinds)]
    room = BOX_WIDTH - _LEFT - _GAP * sum(starts)
    wide = min(_WIDEST, room / max(len(kinds), 1))
    high = min(_TALLEST, (BOX_HEIGHT - _HEAD - _FOOT) / max(len(matrix.accounts), 1))
    left, top = _LEFT - BOX_WIDTH / 2, BOX_HEIGHT / 2 - _HEAD
    gaps = np.cumsum(starts) * _GAP
    columns = [round(left + (i + 0.5) * wide + gap, 2) for i, gap in enumerate(gaps)]
    rows = [round(top - (i + 0.5) * high, 2) for i in range(len(matrix.accounts))]
    return _Grid(rows, columns, high, wide)


def _draw_ground(matrix: Matrix, grid: _Grid, kind: str, *, mode: Mode) -> Trace:
    """A pale ground behind each column, so that the eye can follow it."""
    own = _own_columns(matrix, kind)
    return heatmap(
        x=_edges([grid.columns[i] for i in own], grid.wide),
        y=[grid.rows[-1] - grid.high / 2, grid.rows[0] + grid.high / 2],
        z=[[0] * len(own)],
        colorscale=[[0, TOKENS[mode]["ground"]], [1, TOKENS[mode]["ground"]]],
        showscale=False,
        xgap=min(2.0, grid.wide / 4),
        hoverinfo="skip",
    )


def _draw_cells(matrix: Matrix, grid: _Grid, kind: str, style: KindStyle) -> Trace:
    """Who uses which entity of a kind."""
    own = _own_columns(matrix, kind)
    n_events = matrix.n_events[:, own]
    counted = "<br>events: %{z:,}" if n_events.max() > 0 else ""
    return heatmap(
        x=_edges([grid.columns[i] for i in own], grid.wide),
        y=_edges(grid.rows, -grid.high),
        z=[[None if n < 0 else n for n in row] for row in n_events.tolist()],
        colorscale=[[0, style.color], [1, style.color]],
        showscale=False,
        hoverongaps=False,
        xgap=min(2.0, grid.wide / 4),
        ygap=min(1.0, grid.high / 4),
        hovertemplate=f"<b>%{{y}}</b><br>uses %{{x}}{counted}<extra></extra>",
    )


def _own_columns(matrix: Matrix, kind: str) -> list[int]:
    """Places of a kind's columns."""
    return [i for i, name in enumerate(matrix.entities["kind"]) if name == kind]


def _edges(middles: Sequence[float], step: float) -> list[float]:
    """Edges of cells beside each other: a heatmap of one cell has no other way to know its size."""
    return [round(middles[0] - step / 2 + i * step, 2) for i in range(len(middles) + 1)]


def _draw_bar(matrix: Matrix, grid: _Grid, kind: str, style: KindStyle) -> Trace:
    """A bar in the kind's color above its columns."""
    line = {"width": 3, "color": style.color}
    y = BOX_HEIGHT / 2 - _HEAD + 7
    return scatter(x=_span(matrix, grid, kind), y=[y, y], mode="lines", line=line, hoverinfo="skip", showlegend=False)


def _draw_symbol(matrix: Matrix, grid: _Grid, kind: str, style: KindStyle, *, mode: Mode) -> Trace:
    """The kind's symbol on its bar, and in the legend."""
    return scatter(
        x=[sum(_span(matrix, grid, kind)) / 2],
        y=[BOX_HEIGHT / 2 - _HEAD + 7],
        mode="markers",
        name=count_drawn(style.label, len(_own_columns(matrix, kind)), matrix.n_entities[kind]),
        marker={
            "symbol": style.symbol,
            "size": 14,
            "color": style.color,
            "opacity": 1,
            "line": {"width": 1.4, "color": TOKENS[mode]["background"]},
        },
        hoverinfo="skip",
    )


def _span(matrix: Matrix, grid: _Grid, kind: str) -> tuple[float, float]:
    """Left and right end of a kind's columns."""
    own = _own_columns(matrix, kind)
    return grid.columns[own[0]] - grid.wide / 2, grid.columns[own[-1]] + grid.wide / 2


def _name_axes(matrix: Matrix, grid: _Grid, *, name_of: NameOf) -> dict[str, Any]:
    """Name rows and columns for the hover text."""
    names = [plotly_text(name_of(row["kind"], row["entity"]), limit=80) for row in matrix.entities.to_dict("records")]
    accounts = [plotly_text(name_of(ACCOUNT, account), limit=60) for account in matrix.accounts]
    return {"xaxis": name_places(grid.columns, names), "yaxis": name_places(grid.rows, accounts)}


def _write_rows(matrix: Matrix, grid: _Grid, *, mode: Mode, name_of: NameOf) -> Trace:
    """Names of accounts, of as many as there is room for; a browser draws them in a fraction of annotations' time."""
    places = range(0, len(grid.rows), max(1, int(np.ceil(_LINE / grid.high))))
    return scatter(
        x=[grid.columns[0] - grid.wide / 2 - 6] * len(places),
        y=[grid.rows[i] for i in places],
        mode="text",
        text=[plotly_text(name_of(ACCOUNT, matrix.accounts[i]), limit=_ROW_LETTERS) for i in places],
        textposition="middle left",
        textfont={"size": 10, "color": TOKENS[mode]["muted"]},
        hoverinfo="skip",
        showlegend=False,
    )


def _label_columns(matrix: Matrix, grid: _Grid, *, name_of: NameOf) -> list[dict[str, Any]]:
    """Names of entities, upright below their columns."""
    bottom = grid.rows[-1] - grid.high / 2 - 4
    limit = min(_MOST_LETTERS, int((bottom + BOX_HEIGHT / 2) / _LETTER))
    return [
        {
            "x": x,
            "y": bottom,
            "text": plotly_text(name_of(row["kind"], row["entity"]), limit=limit),
            "textangle": -90,
            "xanchor": "center",
            "yanchor": "top",
        }
        for x, row in zip(grid.columns, matrix.entities.to_dict("records"), strict=True)
    ]


def _label_kinds(matrix: Matrix, grid: _Grid, styles: dict[str, KindStyle], *, mode: Mode) -> list[dict[str, Any]]:
    """Names of kinds above their columns, where they fit; the legend has them all."""
    labels = []
    for kind, _ in groupby(matrix.entities["kind"]):
        left, right = _span(matrix, grid, str(kind))
        text = styles[str(kind)].label
        if _LETTER * len(text) + 8 <= right - left:
            labels.append(
                {
                    "x": (left + right) / 2,
                    "y": BOX_HEIGHT / 2 - _HEAD + 15,
                    "yanchor": "bottom",
                    "text": plotly_text(text, limit=40),
                    "font": {"size": 12, "color": TOKENS[mode]["ink"]},
                }
            )
    return labels
