"""Marks that several figures draw alike: entities, and the lines that lead to them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from graphkit.show.drawing import Trace, scatter
from graphkit.show.labels import plotly_text, wrap_text
from graphkit.show.layouts import Points
from graphkit.show.theme import TOKENS, KindStyle, Mode
from graphkit.wording import plural

_PATHS = 8
"""Paths in which the lines of one color and width are drawn."""


def draw_entities(
    rows: pd.DataFrame, style: KindStyle, *, sizes: float | list[float], name: str, hover: list[str], mode: Mode
) -> Trace:
    """The entities of a kind, at x and y, in the kind's color and shape."""
    return scatter(
        x=rows["x"].round(1).tolist(),
        y=rows["y"].round(1).tolist(),
        mode="markers",
        name=name,
        marker={
            "size": sizes,
            "symbol": style.symbol,
            "color": style.color,
            "opacity": 1,
            "line": {"width": 1.6, "color": TOKENS[mode]["background"]},
        },
        customdata=hover,
        hovertemplate="%{customdata}<extra></extra>",
    )


def draw_lines(start: Points, end: Points, line: dict[str, Any]) -> list[dict[str, Any]]:
    """Straight lines between points of shape (n, 2), as shapes of a layout; whole pixels, as in all of these."""
    ends = np.column_stack([start, end]).round().astype(np.int64).tolist()
    return _gather([f"M{x},{y}L{x_end},{y_end}" for x, y, x_end, y_end in ends], line)


def draw_curves(start: Points, middle: Points, end: Points, line: dict[str, Any]) -> list[dict[str, Any]]:
    """Smooth lines through three points each, as shapes of a layout: centripetal Catmull-Rom splines."""
    before, after = start - middle, end - middle
    a, b = (np.sqrt(np.hypot(way[:, 0], way[:, 1]))[:, None] for way in (before, after))
    pull = b**2 * before - a**2 * after
    first = middle + pull / np.maximum(3 * b * (a + b), 1e-9)
    second = middle - pull / np.maximum(3 * a * (a + b), 1e-9)
    points = np.column_stack([start, first, middle, second, end]).round().astype(np.int64).tolist()
    curves = [f"M{p[0]},{p[1]}Q{p[2]},{p[3]} {p[4]},{p[5]}Q{p[6]},{p[7]} {p[8]},{p[9]}" for p in points]
    return _gather(curves, line)


def _gather(paths: Sequence[str], line: dict[str, Any]) -> list[dict[str, Any]]:
    """Some paths in one: a browser styles each by itself, and there are thousands.

    Where lines of one path cross they do not darken; so neighbors are in different ones.
    """
    gathered = ["".join(paths[first::_PATHS]) for first in range(min(len(paths), _PATHS))]
    return [{"type": "path", "path": path, "line": line, "layer": "below"} for path in gathered]


def head_entity(name: str) -> str:
    """An entity's name as the first line of a hover text."""
    return f"<b>{wrap_text(plotly_text(name, limit=160), width=70)}</b><br>"


def count_shared(n_drawn: int, n_entities: int) -> str:
    """How many entities are shared, and how many of them are drawn."""
    shared = plural(n_entities, "shared entity")
    return f"{n_drawn} most telling of {shared}" if n_drawn < n_entities else shared


def tell_some(names: Sequence[str], n: int) -> str:
    """Some names, and how many more there are of ``n``."""
    return ", ".join(names) + (f" and {n - len(names):,} more" if n > len(names) else "")
