"""A figure as plotly.js takes it: plain values, checked once, where they become a plotly Figure for the user.

To check them costs as much as to compute them, and a page that draws them needs no check.
"""

import base64
import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from graphkit.show.theme import BOX_HEIGHT, BOX_WIDTH, FONT, HEIGHT, TOKENS, WIDTH, Mode

Trace = dict[str, Any]
Drawing = dict[str, Any]
"""``data``, a list of traces, and ``layout``."""

_NOTES_WIDTH = 132
REMOVED_BUTTONS = ("sendChartToCloud", "lasso2d", "select2d", "autoScale2d")
"""The first would upload a figure, and all that its hover texts name, to a server at a click."""


def scatter(**properties: Any) -> Trace:
    """A trace of points, lines or letters."""
    return {"type": "scatter", **properties}


def bars(**properties: Any) -> Trace:
    """A trace of bars."""
    return {"type": "bar", **properties}


def heatmap(**properties: Any) -> Trace:
    """A trace of colored cells."""
    return {"type": "heatmap", **properties}


def frame_figure(traces: Sequence[Trace], *, title: str, notes: Sequence[str], mode: Mode, **own: Any) -> Drawing:
    """Put traces into the common frame: title, a muted line of notes, a legend below, no axes.

    ``title`` and ``notes`` are safe for plotly; the notes carry the counts, the encodings and what is not drawn.
    ``own`` is what the layout has besides, or differently.
    """
    token = TOKENS[mode]
    axis = {"visible": False, "zeroline": False, "showgrid": False}
    layout: dict[str, Any] = {
        "template": {},
        "width": WIDTH,
        "height": HEIGHT,
        "margin": {"l": 24, "r": 24, "t": 104, "b": 92, "pad": 0, "autoexpand": False},
        "paper_bgcolor": token["background"],
        "plot_bgcolor": token["background"],
        "font": {"family": FONT, "size": 12, "color": token["ink"]},
        "title": {
            "text": f"<b>{title}</b>",
            "font": {"size": 19, "color": token["ink"]},
            "x": 0.024,
            "xanchor": "left",
            "y": 0.955,
            "yanchor": "top",
            "subtitle": {
                "text": _join_notes(notes),
                "font": {"size": 13, "color": token["muted"]},
            },
        },
        "xaxis": {**axis, "range": [-BOX_WIDTH / 2, BOX_WIDTH / 2]},
        "yaxis": {**axis, "range": [-BOX_HEIGHT / 2, BOX_HEIGHT / 2]},
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": -0.035,
            "yanchor": "top",
            "font": {"size": 12},
            "itemsizing": "trace",
            "itemclick": False,
            "itemdoubleclick": False,
        },
        "hoverlabel": {
            "bgcolor": token["background"],
            "bordercolor": token["muted"],
            "font": {"family": FONT, "size": 12, "color": token["ink"]},
            "align": "left",
        },
        "dragmode": "pan",
        "modebar": {"remove": list(REMOVED_BUTTONS)},
        "hovermode": "closest",
    }
    for name, value in own.items():
        layout[name] = {**layout[name], **value} if name in layout and isinstance(value, dict) else value
    return {"data": list(traces), "layout": layout}


def name_places(places: Sequence[float], names: Sequence[str]) -> dict[str, Any]:
    """An axis that shows nothing and names places for hover texts: plotly looks a position up among an axis's ticks."""
    hidden = {"visible": True, "showticklabels": False, "ticks": "", "showline": False, "tickmode": "array"}
    return {**hidden, "tickvals": list(places), "ticktext": list(names)}


def _join_notes(notes: Sequence[str]) -> str:
    """Notes in one line, or in several of whole notes."""
    lines = [""]
    for note in notes:
        joined = f"{lines[-1]} · {note}" if lines[-1] else note
        lines[-1:] = [joined] if len(joined) <= _NOTES_WIDTH else [lines[-1], note]
    return "<br>".join(lines)


def write_message(text: str, *, mode: Mode) -> dict[str, Any]:
    """A plain sentence, as an annotation, in the middle of a figure that has nothing to draw."""
    return {"x": 0, "y": 0, "text": text, "showarrow": False, "font": {"size": 15, "color": TOKENS[mode]["muted"]}}


def color_bar(title: str, labels: list[str]) -> dict[str, Any]:
    """Legend of a color from 0 to 1, below the figure on the right; ``labels`` are those of 0, a half and 1."""
    return {
        "title": {"text": title, "side": "top", "font": {"size": 12}},
        "orientation": "h",
        "x": 1,
        "xanchor": "right",
        "y": -0.035,
        "yanchor": "top",
        "len": 0.28,
        "thickness": 10,
        "tickvals": [0, 0.5, 1],
        "ticktext": labels,
        "outlinewidth": 0,
    }


def write_json(figure: Drawing) -> str:
    """A figure as JSON, its arrays packed as plotly.js reads them."""
    return json.dumps(figure, allow_nan=False, separators=(",", ":"), default=_pack_array)


def _pack_array(values: object) -> dict[str, str]:
    """An array of whole numbers of one byte or two, as its bytes in base 64."""
    if not isinstance(values, np.ndarray):
        raise TypeError(f"a figure cannot hold {type(values).__name__}")
    data = values.astype(values.dtype.newbyteorder("<"))
    packed = base64.b64encode(data.tobytes()).decode()
    return {
        "dtype": f"{data.dtype.kind}{data.dtype.itemsize}",
        "bdata": packed,
        "shape": ", ".join(map(str, data.shape)),
    }


def differences(figure: Any, other: Any) -> list[list[Any]]:
    """Leaves of JSON values in which ``other`` differs from ``figure``: [[path, other's value], ...].

    With it a page keeps one figure and the few colors that the other mode changes.
    """
    return [[list(path), value] for path, value in _walk_differences(figure, other, ())]


def _walk_differences(a: Any, b: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        for key in a:
            yield from _walk_differences(a[key], b[key], (*path, key))
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b) and any(isinstance(x, dict) for x in a):
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            yield from _walk_differences(x, y, (*path, i))
    elif a != b:
        yield path, b
