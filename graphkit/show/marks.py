"""Marks that several figures draw alike: entities, and the lines that lead to them."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from graphkit.show.drawing import Trace, scatter
from graphkit.show.labels import plotly_text, wrap_text
from graphkit.show.theme import TOKENS, KindStyle, Mode
from graphkit.wording import plural

Path = list[float | None]


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


def draw_lines(path: tuple[Path, Path], line: dict[str, Any]) -> Trace:
    """Lines along a path with gaps, without a place in the legend."""
    return scatter(x=path[0], y=path[1], mode="lines", line=line, hoverinfo="skip", showlegend=False)


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
