"""How clusters changed between snapshots: which accounts stayed, moved, joined and left."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from graphkit.errors import UsageError
from graphkit.show.alluvial import OTHERS, Alluvial, arrange_changes
from graphkit.show.drawing import Drawing, Trace, bars, frame_figure, scatter, write_message
from graphkit.show.labels import plotly_text
from graphkit.show.theme import BOX_HEIGHT, TOKENS, Mode, require_mode, with_alpha
from graphkit.snapshot import Snapshot
from graphkit.wording import plural

MOST_SNAPSHOTS = 8
_WIDTH, _STUB = 24.0, 58.0
"""Pixels of a cluster's bar, and of what joins it or leaves it."""
_STEPS = 16
_CHANGES = {
    "kept": ("Stayed", None),
    "growth": ("Cluster grew", "#56B4E9"),
    "merge": ("Merged", "#CC79A7"),
    "split": ("Split off", "#E69F00"),
    "moved": ("Moved", "#5b6675"),
    "birth": ("Cluster is new", "#009E73"),
    "resurrection": ("Cluster came back", "#0072B2"),
    "joined": ("Joined", "#009E73"),
    "death": ("Cluster ended", "#D55E00"),
    "left": ("Left", "#D55E00"),
}
_PALE = {"joined", "left"}
"""Changes of single accounts; the same color, stronger, tells that of a whole cluster."""
_ARRIVALS, _DEPARTURES = ("birth", "resurrection", "joined"), ("death", "left")
"""Changes at a cluster's side, drawn as stubs."""
_WORDS = {"merge": "merged", "split": "split", "resurrection": "back", "birth": "new"}
"""Events that are written beside a cluster's name."""
_MOST_TOLD = 6
"""Columns among which there is room for what became of a cluster beside its name."""
_LEAST_TOLD = 9.0
"""Pixels of a stub from which its number is written beside it."""


def plot_changes(snapshots: Sequence[Snapshot], *, mode: Mode = "light") -> go.Figure:
    """Draw how clusters changed: snapshots from left to right, the height of a band = accounts.

    The twelve clusters of best score are drawn one by one, all others together. Colors and words tell the events of
    the lineage: birth, growth, merge, split, death, resurrection. Of snapshots that do not follow one another, clusters
    of one id are the same and the others are matched by containment, as ``diff_snapshots`` does.

    Raises
    ------
    UsageError
        If there is no snapshot, or there are more than 8.
    """
    require_mode(mode)
    require_snapshots(snapshots)
    return go.Figure(draw_changes(arrange_changes(snapshots), mode=mode))


def require_snapshots(snapshots: Sequence[Snapshot]) -> None:
    """Raise a UsageError unless there are as many snapshots as can be drawn."""
    if not 1 <= len(snapshots) <= MOST_SNAPSHOTS:
        raise UsageError(f"{plural(len(snapshots), 'snapshot')} given; give 1 to {MOST_SNAPSHOTS}")


def draw_changes(alluvial: Alluvial, *, mode: Mode) -> Drawing:
    """Draw arranged snapshots."""
    title, notes = "How clusters changed", _write_notes(alluvial)
    if alluvial.nodes.empty:
        message = write_message("No snapshot has a cluster.", mode=mode)
        return frame_figure([], title=title, notes=notes, mode=mode, annotations=[message])
    bands = [_draw_bands(alluvial, change, mode=mode) for change in _CHANGES if change in set(alluvial.flows["change"])]
    traces = [*bands, _draw_clusters(alluvial, mode=mode), _draw_hover(alluvial)]
    labels = [
        *_write_heads(alluvial, mode=mode),
        *_write_names(alluvial, mode=mode),
        *_write_arrivals(alluvial, mode=mode),
    ]
    return frame_figure(traces, title=title, notes=notes, mode=mode, annotations=labels, bargap=0)


def _write_notes(alluvial: Alluvial) -> list[str]:
    """Encodings, and what is not drawn by itself."""
    notes = [plural(len(alluvial.snapshots), "snapshot"), "height = accounts"]
    if 1 < len(alluvial.snapshots) <= _MOST_TOLD:
        notes.append("+n: in no cluster before, −n: in none after")  # noqa: RUF001
    if alluvial.n_others:
        n_drawn = alluvial.nodes.loc[alluvial.nodes["cluster_id"] != OTHERS, "cluster_id"].nunique()
        notes.append(f"the {n_drawn} clusters of best score one by one, {alluvial.n_others:,} more together")
    if len(alluvial.snapshots) == 1:
        notes.append("a second snapshot shows what changes")
    return notes


def _color(change: str, *, mode: Mode) -> str:
    color = _CHANGES[change][1]
    if color is None:
        return TOKENS[mode]["faint_link"]
    if change == "moved":
        return with_alpha(TOKENS[mode]["muted"], 0.6)
    strong = 0.7 if mode == "light" else 0.78
    return with_alpha(color, strong / 2 if change in _PALE else strong)


def _columns(alluvial: Alluvial) -> Mapping[int, float]:
    """Where each column that has clusters stands."""
    return dict(zip(alluvial.nodes["column"].tolist(), alluvial.nodes["x"].tolist(), strict=True))


def _draw_bands(alluvial: Alluvial, change: str, *, mode: Mode) -> Trace:
    """The flows of one kind as filled bands."""
    flows = alluvial.flows[alluvial.flows["change"] == change]
    columns = _columns(alluvial)
    x: list[float | None] = []
    y: list[float | None] = []
    for row in flows.to_dict("records"):
        outline = _outline(row, columns)
        x += [*outline[0], None]
        y += [*outline[1], None]
    return scatter(
        x=x[:-1],
        y=y[:-1],
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=_color(change, mode=mode),
        hoverinfo="skip",
        name=f"{_CHANGES[change][0]} ({int(flows['n_accounts'].sum()):,})",
    )


def _outline(row: dict[Any, Any], columns: Mapping[int, float]) -> tuple[list[float], list[float]]:
    """The outline of a flow: from bar to bar, or a stub that narrows away from its bar."""
    if row["change"] in _ARRIVALS:
        right = columns[row["column"] + 1] - _WIDTH / 2
        middle, half = _middle_and_half(row["target_top"], row["target_bottom"])
        return _round([right - _STUB, right, right, right - _STUB], [*_stub(middle, half), middle - 0.55 * half])
    left = columns[row["column"]] + _WIDTH / 2
    if row["change"] in _DEPARTURES:
        middle, half = _middle_and_half(row["source_top"], row["source_bottom"])
        return _round([left + _STUB, left, left, left + _STUB], [*_stub(middle, half), middle - 0.55 * half])
    right = columns[row["column"] + 1] - _WIDTH / 2
    way = np.linspace(0, 1, _STEPS + 1)
    ease = way * way * (3 - 2 * way)
    top = row["source_top"] + (row["target_top"] - row["source_top"]) * ease
    bottom = row["source_bottom"] + (row["target_bottom"] - row["source_bottom"]) * ease
    across = left + (right - left) * way
    return _round([*across, *across[::-1]], [*top, *bottom[::-1]])


def _middle_and_half(top: float, bottom: float) -> tuple[float, float]:
    return (top + bottom) / 2, (top - bottom) / 2


def _stub(middle: float, half: float) -> tuple[float, float, float]:
    return middle + 0.55 * half, middle + half, middle - half


def _round(x: Sequence[float], y: Sequence[float]) -> tuple[list[float], list[float]]:
    return [round(float(value), 1) for value in x], [round(float(value), 1) for value in y]


def _draw_clusters(alluvial: Alluvial, *, mode: Mode) -> Trace:
    """A bar per cluster of a snapshot."""
    nodes, token = alluvial.nodes, TOKENS[mode]
    hover = [
        f"<b>{_name(row['cluster_id'])}</b> on {alluvial.snapshots[row['column']][0]}<br>"
        f"{plural(row['n_accounts'], 'account')}{''.join(f', {event}' for event in row['events'])}"
        for row in nodes.to_dict("records")
    ]
    return bars(
        x=nodes["x"].round(1).tolist(),
        y=(nodes["top"] - nodes["bottom"]).round(2).tolist(),
        base=nodes["bottom"].round(2).tolist(),
        width=_WIDTH,
        marker={
            "color": [token["muted"] if name == OTHERS else token["ink"] for name in nodes["cluster_id"]],
            "line": {"width": 0},
        },
        customdata=hover,
        hovertemplate="%{customdata}<extra></extra>",
        showlegend=False,
    )


def _draw_hover(alluvial: Alluvial) -> Trace:
    """What the pointer reads on a band, at its middle: of filled areas plotly tells one text for all."""
    columns = _columns(alluvial)
    x, y, hover = [], [], []
    for row in alluvial.flows.to_dict("records"):
        outline = _outline(row, columns)
        x.append(round((min(outline[0]) + max(outline[0])) / 2, 1))
        y.append(round((min(outline[1]) + max(outline[1])) / 2, 1))
        source, target = (_name(row[end]) if isinstance(row[end], str) else "in none" for end in ("source", "target"))
        ends = f"{source} → {target}"
        hover.append(f"<b>{plural(row['n_accounts'], 'account')}</b>: {ends}<br>{_CHANGES[row['change']][0].lower()}")
    return scatter(
        x=x,
        y=y,
        mode="markers",
        marker={"size": 22, "opacity": 0},
        customdata=hover,
        hovertemplate="%{customdata}<extra></extra>",
        showlegend=False,
    )


def _name(cluster_id: str, *, limit: int = 40) -> str:
    return "Others" if cluster_id == OTHERS else plotly_text(cluster_id, limit=limit)


def _write_heads(alluvial: Alluvial, *, mode: Mode) -> list[dict[str, Any]]:
    """The day of each snapshot and its accounts in clusters, above its column."""
    columns = _columns(alluvial)
    muted = TOKENS[mode]["muted"]
    return [
        {
            "x": columns[i],
            "y": BOX_HEIGHT / 2 - 6,
            "yanchor": "top",
            "text": f"<b>{day}</b><br><span style='color:{muted}'>{plural(n, 'account')}</span>",
            "showarrow": False,
            "font": {"size": 12},
        }
        for i, (day, n) in enumerate(alluvial.snapshots)
        if i in columns
    ]


def _write_names(alluvial: Alluvial, *, mode: Mode) -> list[dict[str, Any]]:
    """Id, size and fate beside each bar: outside of the first and last column, else on the bands after it."""
    last = len(alluvial.snapshots) - 1
    leaving = alluvial.flows[alluvial.flows["change"].isin(_DEPARTURES)]
    gone = leaving.groupby(["column", "source"])["n_accounts"].sum()
    ended = {(row["column"], row["source"]) for row in leaving[leaving["change"] == "death"].to_dict("records")}
    labels = []
    for row in alluvial.nodes.to_dict("records"):
        before = row["column"] == 0 < last
        words = [f"{row['n_accounts']:,}", *(_WORDS[each] for each in row["events"] if each in _WORDS)]
        place = (row["column"], row["cluster_id"])
        if place in gone.index:
            words.append("ended" if place in ended and place[1] != OTHERS else f"−{gone[place]:,}")  # noqa: RUF001
        told = " · ".join(words if last < _MOST_TOLD else words[:1])
        size = f"<span style='color:{TOKENS[mode]['muted']}'>{told}</span>"
        shift = _WIDTH / 2 + 5
        label = {
            "x": row["x"],
            "y": (row["top"] + row["bottom"]) / 2,
            "xanchor": "right" if before else "left",
            "xshift": -shift if before else shift,
            "text": f"<b>{_name(row['cluster_id'], limit=12)}</b> {size}",
            "showarrow": False,
            "font": {"size": 11},
        }
        if 0 < row["column"] < last:
            label |= {"bgcolor": with_alpha(TOKENS[mode]["background"], 0.82), "borderpad": 0}
        labels.append(label)
    return labels


def _write_arrivals(alluvial: Alluvial, *, mode: Mode) -> list[dict[str, Any]]:
    """+n on what joins, where it is as high as a letter."""
    columns = _columns(alluvial)
    flows = alluvial.flows[alluvial.flows["change"].isin(_ARRIVALS)]
    return [
        {
            "x": columns[row["column"] + 1] - _WIDTH / 2 - 4,
            "y": (row["target_top"] + row["target_bottom"]) / 2,
            "xanchor": "right",
            "text": f"+{row['n_accounts']:,}",
            "showarrow": False,
            "font": {"size": 11, "color": TOKENS[mode]["ink"]},
            "bgcolor": with_alpha(TOKENS[mode]["background"], 0.82),
            "borderpad": 0,
        }
        for row in flows.to_dict("records")
        if row["target_top"] - row["target_bottom"] >= _LEAST_TOLD
    ]
