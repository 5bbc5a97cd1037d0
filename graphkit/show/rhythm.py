"""The rhythm of one cluster: when its accounts are active, hour by hour of the week."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from graphkit.show.drawing import Drawing, Trace, bars, frame_figure, heatmap, name_places, scatter, write_message
from graphkit.show.hours import HOURS, Rhythm, arrange_rhythms
from graphkit.show.labels import ACCOUNT, NameOf, make_namer, note_missing, plotly_text
from graphkit.show.theme import BOX_HEIGHT, BOX_WIDTH, TOKENS, Mode, mix, require_mode
from graphkit.snapshot import Snapshot
from graphkit.wording import plural

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_LEFT, _RIGHT = 48.0 - BOX_WIDTH / 2, BOX_WIDTH / 2 - 4.0
_TOP, _BARS = BOX_HEIGHT / 2 - 10.0, 130.0
"""Upper end of the bars, and the pixels of the highest."""
_ROWS_TOP = _TOP - _BARS - 24.0
_ROWS_HEIGHT = 330.0
_TALLEST = 26.0
"""Pixels of a row, at most."""
_ROOM = 60.0
"""Pixels of rows from which the word that names them fits beside them."""
_STEPS = 8
"""Colors of the square-root scale."""
_BRIGHT = 0.98
"""Share of the cells with events that are no darker than the scale goes."""
_HOUR = (_RIGHT - _LEFT) / HOURS


def plot_rhythm(snapshot: Snapshot, cluster_id: str, *, mode: Mode = "light", reveal: bool = True) -> go.Figure:
    """Draw when a cluster's accounts are active: its events by hour of the week beside everyone's, and each account's.

    Times are UTC. ``reveal=False`` masks identifiers.

    Raises
    ------
    UsageError
        If the snapshot has no such cluster.
    """
    require_mode(mode)
    snapshot.require_cluster(cluster_id)
    rhythm, name_of = arrange_rhythms(snapshot, [cluster_id])[cluster_id], make_namer(snapshot, reveal=reveal)
    return go.Figure(draw_rhythm(rhythm, mode=mode, name_of=name_of))


def draw_rhythm(rhythm: Rhythm, *, mode: Mode, name_of: NameOf) -> Drawing:
    """Draw an arranged cluster."""
    title, notes = f"Cluster {plotly_text(rhythm.cluster_id, limit=60)}: hours of the week", _write_notes(rhythm)
    if not rhythm.n_all_events:
        message = write_message("The snapshot has no hours of this cluster.", mode=mode)
        return frame_figure([], title=title, notes=notes, mode=mode, annotations=[message])
    most = _round_up(max(rhythm.share.max(), rhythm.everyone.max()))
    traces = [_draw_bars(rhythm, most, mode=mode), _draw_everyone(rhythm, most, mode=mode)]
    traces.append(_draw_accounts(rhythm, mode=mode))
    return frame_figure(
        traces,
        title=title,
        notes=notes,
        mode=mode,
        **_name_axes(rhythm, name_of=name_of),
        annotations=_write_labels(rhythm, most, mode=mode),
        shapes=_draw_lines(rhythm, mode=mode),
        bargap=0,
    )


def _write_notes(rhythm: Rhythm) -> list[str]:
    """Counts, how alike the accounts are, and what is not drawn."""
    notes = [f"{plural(rhythm.n_accounts, 'account')}, {plural(rhythm.n_all_events, 'event')}"]
    notes.append(f"UTC, {rhythm.first_day} to {rhythm.last_day}" if rhythm.first_day else "UTC")
    if not math.isnan(rhythm.similarity):
        beside = "" if math.isnan(rhythm.expected) else f" ({rhythm.expected:.2f} at everyone's hours)"
        notes.append(f"similarity of two accounts: {rhythm.similarity:.2f}{beside}")
    if rhythm.n_all_events:
        notes.append("rows = accounts, most typical first, stronger color = more events (square-root scale)")
    left_out = rhythm.n_accounts - len(rhythm.accounts)
    return [*notes, *note_missing([f"{plural(left_out, 'account')} evenly between"] if left_out else [])]


def _round_up(share: float) -> float:
    """The next of 1, 2, 3, 5 times a power of ten, in percent."""
    power = 10.0 ** math.floor(math.log10(100 * share))
    return next(step * power for step in (1, 2, 3, 5, 10) if step * power >= 100 * share - 1e-9) / 100


def _middles() -> list[float]:
    return [round(_LEFT + (hour + 0.5) * _HOUR, 2) for hour in range(HOURS)]


def _draw_bars(rhythm: Rhythm, most: float, *, mode: Mode) -> Trace:
    """The cluster's share of events in each hour."""
    return bars(
        x=_middles(),
        y=(rhythm.share / most * _BARS).round(2).tolist(),
        base=_TOP - _BARS,
        width=_HOUR * 0.86,
        name="This cluster",
        marker={"color": TOKENS[mode]["account"], "line": {"width": 0}},
        customdata=(100 * np.column_stack([rhythm.share, rhythm.everyone])).round(2).tolist(),
        hovertemplate="<b>%{x}</b><br>%{customdata[0]}% of the cluster's events<br>"
        "%{customdata[1]}% of everyone's<extra></extra>",
    )


def _draw_everyone(rhythm: Rhythm, most: float, *, mode: Mode) -> Trace:
    """Everyone's share, as steps."""
    x = [round(_LEFT + hour * _HOUR, 2) for hour in range(HOURS + 1)]
    y = (rhythm.everyone / most * _BARS + _TOP - _BARS).round(2).tolist()
    return scatter(
        x=x,
        y=[*y, y[-1]],
        mode="lines",
        name="All accounts",
        line={"width": 2, "color": TOKENS[mode]["ink"], "shape": "hv"},
        hoverinfo="skip",
    )


def _draw_accounts(rhythm: Rhythm, *, mode: Mode) -> Trace:
    """Each drawn account's events, as colors of a square-root scale."""
    some = rhythm.n_events[rhythm.n_events > 0]
    most = max(float(np.quantile(some, _BRIGHT)), 1.0)
    token = TOKENS[mode]
    scale = [[(i / _STEPS) ** 2, mix(token["ground"], token["account"], i / _STEPS)] for i in range(_STEPS + 1)]
    high = _row_height(rhythm)
    return heatmap(
        x=[round(_LEFT + hour * _HOUR, 2) for hour in range(HOURS + 1)],
        y=[round(_ROWS_TOP - i * high, 2) for i in range(len(rhythm.accounts) + 1)],
        z=rhythm.n_events.astype(np.min_scalar_type(int(rhythm.n_events.max()))),  # packed: a third of the bytes
        zmin=0,
        zmax=most,
        colorscale=scale,
        showscale=False,
        hovertemplate="<b>%{y}</b><br>%{x}<br>events: %{z:,}<extra></extra>",
    )


def _row_height(rhythm: Rhythm) -> float:
    return min(_TALLEST, _ROWS_HEIGHT / len(rhythm.accounts))


def _name_hours() -> list[str]:
    return [f"{day} {hour:02}:00" for day in _DAYS for hour in range(24)]


def _name_axes(rhythm: Rhythm, *, name_of: NameOf) -> dict[str, Any]:
    """Name hours and accounts for the hover text."""
    high = _row_height(rhythm)
    rows = [round(_ROWS_TOP - (i + 0.5) * high, 2) for i in range(len(rhythm.accounts))]
    names = [plotly_text(name_of(ACCOUNT, account), limit=60) for account in rhythm.accounts]
    return {"xaxis": name_places(_middles(), _name_hours()), "yaxis": name_places(rows, names)}


def _write_labels(rhythm: Rhythm, most: float, *, mode: Mode) -> list[dict[str, Any]]:
    """Days below, the scale of the bars beside them, and what the rows are."""
    bottom = _ROWS_TOP - _row_height(rhythm) * len(rhythm.accounts)
    common = {"showarrow": False, "font": {"size": 12, "color": TOKENS[mode]["ink"]}}
    muted = {"showarrow": False, "font": {"size": 11, "color": TOKENS[mode]["muted"]}}
    days = [
        {"x": _LEFT + (day + 0.5) * 24 * _HOUR, "y": bottom - 3, "yanchor": "top", "text": name, **common}
        for day, name in enumerate(_DAYS)
    ]
    scale = [
        {
            "x": _LEFT - 6,
            "y": _TOP - _BARS + part * _BARS,
            "xanchor": "right",
            "text": _write_percent(part * most),
            **muted,
        }
        for part in (0, 0.5, 1)
    ]
    middle = (_ROWS_TOP + bottom) / 2
    sides = [("% of events", _TOP - _BARS / 2)] + ([("accounts", middle)] if _ROWS_TOP - bottom > _ROOM else [])
    return [
        *days,
        *scale,
        *({"x": 6 - BOX_WIDTH / 2, "y": y, "text": text, "textangle": -90, **muted} for text, y in sides),
    ]


def _write_percent(share: float) -> str:
    return f"{100 * share:.3g}"


def _draw_lines(rhythm: Rhythm, *, mode: Mode) -> Sequence[dict[str, Any]]:
    """Thin lines between days and at the marks of the scale."""
    bottom = _ROWS_TOP - _row_height(rhythm) * len(rhythm.accounts)
    line = {"color": TOKENS[mode]["link"], "width": 1}
    days = [
        {"type": "line", "x0": x, "x1": x, "y0": bottom, "y1": _TOP, "line": line, "layer": "above"}
        for x in (_LEFT + day * 24 * _HOUR for day in range(8))
    ]
    marks = [
        {"type": "line", "x0": _LEFT, "x1": _RIGHT, "y0": y, "y1": y, "line": line, "layer": "below"}
        for y in (_TOP - _BARS, _TOP - _BARS / 2, _TOP)
    ]
    return [*days, *marks]
