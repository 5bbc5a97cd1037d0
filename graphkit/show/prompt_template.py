"""One prompt template: its words with slots shown, and who used it when, cluster by cluster."""

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pyarrow.compute as pc

from graphkit.detect.template_names import TEMPLATE_KIND, name_mined_templates
from graphkit.errors import UsageError
from graphkit.show.drawing import Trace, bars, frame_figure, heatmap, name_places, write_message
from graphkit.show.labels import clean_text, make_namer, note_missing, plotly_text
from graphkit.show.template_use import TemplateUse, arrange_use, read_uses
from graphkit.show.theme import BOX_HEIGHT, BOX_WIDTH, TOKENS, Mode, mix, require_mode
from graphkit.snapshot import Snapshot
from graphkit.wording import plural

MOST_ROWS = 12
_LEFT, _RIGHT = 180.0 - BOX_WIDTH / 2, BOX_WIDTH / 2 - 12.0
_TOP, _LINE = BOX_HEIGHT / 2 - 14.0, 19.0
"""Upper end of the words, and the pixels of a line of them."""
_MOST_LINES, _LINE_LETTERS = 8, 122
_BARS = 64.0
"""Pixels of the highest bar."""
_TALLEST = 30.0
_STEPS = 8
_TICKS = 6
_SLOT = re.compile("⟨…⟩")


def plot_template(snapshot: Snapshot, template_id: str, *, mode: Mode = "light", reveal: bool = True) -> go.Figure:
    """Draw a prompt template: its words, slots as ⟨…⟩, and how many accounts used it over time, by cluster.

    An account counts from the UTC day of its first use to that of its last one. Templates of which no words are known
    are shown by their ids. ``reveal=False`` masks them where the kind ``prompt_template`` has ``mask``.

    Raises
    ------
    UsageError
        If the snapshot has no such template.
    """
    require_mode(mode)
    known = snapshot.table("templates").filter(pc.field("template_id") == template_id).to_pylist()
    uses = read_uses(snapshot, template_id)
    if not known and uses.empty:
        raise UsageError(f"no template {clean_text(template_id, limit=60)!r}; snapshot.templates lists them")
    shown = reveal or not snapshot.config.kinds[TEMPLATE_KIND].mask
    name = make_namer(snapshot, reveal=reveal)
    text = name_mined_templates(snapshot).get(template_id, template_id) if shown else name(TEMPLATE_KIND, template_id)
    lines, n_cut = _wrap(clean_text(text))
    use = arrange_use(uses)
    title = f"Prompt template {plotly_text(template_id if shown else text, limit=40)}"
    notes = _write_notes(use, uses, known[0]["n_accounts"] if known else len(uses), n_cut=n_cut)
    if uses.empty:
        message = write_message("No account that is linked to others uses it.", mode=mode)
        labels = [message, _write_words(lines, mode=mode)]
        return go.Figure(frame_figure([], title=title, notes=notes, mode=mode, annotations=labels))
    bars_top = _TOP - _LINE * len(lines) - 22
    rows_top = bars_top - _BARS - 12
    high = min(_TALLEST, (rows_top + BOX_HEIGHT / 2 - 24) / len(use.names))
    figure = frame_figure(
        [_draw_total(use, bars_top, mode=mode), _draw_rows(use, rows_top, high, mode=mode)],
        title=title,
        notes=notes,
        mode=mode,
        **_name_axes(use, rows_top, high),
        annotations=[_write_words(lines, mode=mode), *_write_labels(use, (bars_top, rows_top, high), mode=mode)],
        bargap=0,
    )
    return go.Figure(figure)


def _write_notes(use: TemplateUse, uses: pd.DataFrame, n_accounts: int, *, n_cut: int) -> list[str]:
    """Counts, what the marks are, and what is not drawn."""
    notes = [f"{plural(int(uses['n_events'].sum()), 'prompt')} of {plural(len(uses), 'linked account')}"]
    if use.days:
        each = "day" if use.days_each == 1 else f"{use.days_each} days"
        notes += [
            f"UTC, {use.days[0]} to {use.days[-1]}",
            f"a column = {each}; an account counts from its first use to its last",
            "stronger color = more accounts (square-root scale)",
        ]
    missing = []
    if n_accounts > len(uses):
        missing.append(plural(n_accounts - len(uses), "account") + " linked to no other")
    if left := use.n_accounts[MOST_ROWS:]:
        missing.append(f"rows of {plural(len(left), 'smaller group')}, {plural(sum(left), 'account')}")
    if n_cut:
        missing.append(f"the last {plural(n_cut, 'letter')} of the words")
    return [*notes, *note_missing(missing)]


def _wrap(text: str) -> tuple[list[str], int]:
    """Lines of a text, and how many letters of it do not fit; characters of double width count twice."""
    lines, width, kept = [""], 0, 0
    for word in re.findall(r"\s+|[^\s\u2e80-\uffef]+|.", text, re.DOTALL):
        for piece in (word[start : start + _LINE_LETTERS] for start in range(0, len(word), _LINE_LETTERS)):
            wide = sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in piece)
            if width + wide > _LINE_LETTERS:
                if len(lines) == _MOST_LINES:
                    lines[-1] += " …"
                    return lines, sum(not letter.isspace() for letter in text[kept:])
                lines.append("")
                width = 0
            lines[-1] += piece
            width, kept = width + wide, kept + len(piece)
    return lines, 0


def _write_words(lines: Sequence[str], *, mode: Mode) -> dict[str, Any]:
    """The words of the template, with its slots in color."""
    slot = f'<span style="color:{TOKENS[mode]["account"]}"><b>⟨…⟩</b></span>'
    return {
        "text": "<br>".join(_SLOT.sub(slot, plotly_text(line)) for line in lines),
        "x": -BOX_WIDTH / 2,
        "y": _TOP,
        "xanchor": "left",
        "yanchor": "top",
        "align": "left",
        "showarrow": False,
        "font": {"size": 14, "color": TOKENS[mode]["ink"]},
    }


def _edges(use: TemplateUse) -> list[float]:
    n = use.in_use.shape[1]
    return [round(_LEFT + (_RIGHT - _LEFT) * place / n, 2) for place in range(n + 1)]


def _middles(use: TemplateUse) -> list[float]:
    edges = _edges(use)
    return [round((a + b) / 2, 2) for a, b in pairwise(edges)]


def _draw_total(use: TemplateUse, top: float, *, mode: Mode) -> Trace:
    """All linked accounts, as bars."""
    total = use.in_use.sum(axis=0)
    return bars(
        x=_middles(use),
        y=(total / total.max() * _BARS).round(2).tolist(),
        base=top - _BARS,
        width=(_RIGHT - _LEFT) / len(total) * 0.86,
        marker={"color": TOKENS[mode]["muted"], "line": {"width": 0}},
        customdata=total.tolist(),
        hovertemplate="<b>%{x}</b><br>accounts: %{customdata:,}<extra></extra>",
        showlegend=False,
    )


def _draw_rows(use: TemplateUse, top: float, high: float, *, mode: Mode) -> Trace:
    """Accounts of each cluster, as colors of a square-root scale."""
    token, counts = TOKENS[mode], use.in_use[:MOST_ROWS]
    scale = [[(i / _STEPS) ** 2, mix(token["ground"], token["account"], i / _STEPS)] for i in range(_STEPS + 1)]
    return heatmap(
        x=_edges(use),
        y=[round(top - i * high, 2) for i in range(len(counts) + 1)],
        z=counts.tolist(),
        zmin=0,
        zmax=int(counts.max()),
        colorscale=scale,
        showscale=False,
        ygap=2,
        hovertemplate="<b>%{y}</b><br>%{x}<br>accounts: %{z:,}<extra></extra>",
    )


def _name_axes(use: TemplateUse, top: float, high: float) -> dict[str, Any]:
    """Name days and clusters for the hover text."""
    days = use.days[:-1]
    if use.days_each > 1:
        days = [f"{plural(use.days_each, 'day')} from {day}" for day in days]
    names = [
        f"{plotly_text(name, limit=60)}: {plural(n, 'account')}, {plural(prompts, 'prompt')}"
        for name, n, prompts in zip(use.names, use.n_accounts, use.n_prompts, strict=True)
    ][:MOST_ROWS]
    rows = [round(top - (place + 0.5) * high, 2) for place in range(len(names))]
    return {"xaxis": name_places(_middles(use), days), "yaxis": name_places(rows, names)}


def _write_labels(use: TemplateUse, tops: tuple[float, float, float], *, mode: Mode) -> list[dict[str, Any]]:
    """Clusters beside their rows, days below, and the scale of the bars."""
    bars_top, rows_top, high = tops
    ink, muted = (
        {"showarrow": False, "font": {"size": size, "color": TOKENS[mode][color]}}
        for size, color in ((12, "ink"), (11, "muted"))
    )
    side = {"x": _LEFT - 8, "xanchor": "right"}
    names = list(zip(use.names, use.n_accounts, strict=True))[:MOST_ROWS]
    rows = [
        {"y": rows_top - (place + 0.5) * high, "text": f"{plotly_text(name, limit=18)} ({n:,})", **side, **ink}
        for place, (name, n) in enumerate(names)
    ]
    most = int(use.in_use.sum(axis=0).max())
    total = [
        {"y": bars_top - _BARS / 2, "text": "all linked accounts", **side, **ink},
        {"y": bars_top, "text": f"{most:,}", **side, **muted},
    ]
    middles, n = _middles(use), use.in_use.shape[1]
    shown = sorted({round(place) for place in np.linspace(0, n - 1, min(n, _TICKS))})
    below = {"y": rows_top - high * len(names) - 4, "yanchor": "top"}
    return [*total, *rows, *({"x": middles[place], "text": use.days[place], **below, **muted} for place in shown)]
