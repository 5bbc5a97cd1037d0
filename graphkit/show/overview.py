"""The overview: a bubble per cluster and what clusters share."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pyarrow as pa
import pyarrow.compute as pc

from graphkit.show.drawing import Drawing, Trace, color_bar, frame_figure, scatter, write_message
from graphkit.show.labels import DASH, count, plotly_text, wrap_text
from graphkit.show.layouts import (
    LEAST_ACCOUNTS,
    MOST_CLUSTERS,
    MOST_FORCED,
    Points,
    choose_clusters,
    cross_links,
    join_paths,
    overview_layout,
)
from graphkit.show.theme import SCORE_RAMP, TOKENS, Mode, ink_on, ramp_color, require_mode
from graphkit.snapshot import Snapshot
from graphkit.wording import plural

BUBBLES = -2
"""Place of the bubbles among the traces; the letters inside them come last."""
MOST_CURVES = 1_500
_TOLD = 400
"""Of the largest clusters, and of those of best score, so many tell the pointer what binds them."""
_KEPT_LINKS = 3
_WIDTHS = ((0.9, "faint_link"), (1.6, "link"), (3.2, "link"))
_LEAST_BITS = 0.001
_LEAST_LETTERS, _LEAST_LABELED = 10.0, 22.0


def plot_overview(snapshot: Snapshot, *, mode: Mode = "light") -> go.Figure:
    """Draw a bubble per cluster of five accounts or more, the 5,000 largest: area = accounts, color = score.

    Curves join each cluster to the three that share most with it, the 1,500 strongest; their width tells how many
    entities two clusters both use. Positions come from the snapshot's table ``layout``.
    """
    require_mode(mode)
    return go.Figure(draw_overview(arrange_overview(snapshot), mode=mode))


@dataclass(frozen=True)
class Overview:
    """The clusters of a snapshot, arranged."""

    placed: pd.DataFrame
    """A row per drawn cluster: its row of the table clusters, and x, y, size (radius) in pixels."""
    links: pd.DataFrame
    """The cross-links that are drawn, as ``cross_links`` gives them; ``a`` and ``b`` are rows of ``placed``."""
    n_large: int
    """Clusters of five accounts or more."""
    n_small: int
    """Clusters of fewer."""
    n_links: int
    """Cross-links, drawn or not."""


def arrange_overview(snapshot: Snapshot, *, most: int = MOST_CLUSTERS) -> Overview:
    """Choose and place the clusters of an overview, the ``most`` largest, and choose their cross-links."""
    clusters = snapshot.clusters
    drawn = choose_clusters(clusters, most=most)
    evidence = snapshot.table("evidence", columns=["cluster_id", "kind", "entity", "coverage", "lift"])
    of_drawn = pc.is_in(evidence["cluster_id"], value_set=pa.array(drawn["cluster_id"], pa.string()))
    shared = evidence.filter(of_drawn).to_pandas()
    placed = _place(snapshot, drawn, shared)
    n_large = int((clusters["n_accounts"] >= LEAST_ACCOUNTS).sum())
    links = strongest_links(cross_links(placed, shared))
    kept = links.sort_values(["bits", "n_shared", "a", "b"], ascending=[False, False, True, True]).head(MOST_CURVES)
    return Overview(
        placed, kept.sort_values(["a", "b"], ignore_index=True), n_large, len(clusters) - n_large, len(links)
    )


def draw_overview(overview: Overview, *, mode: Mode) -> Drawing:
    """Draw arranged clusters."""
    placed, links = overview.placed, overview.links
    title, notes = "Clusters of accounts", _write_notes(overview)
    if placed.empty:
        few = f"No cluster has {LEAST_ACCOUNTS} accounts or more."
        words = few if overview.n_small else "No accounts hold together: there is no cluster."
        message = write_message(words, mode=mode)
        return frame_figure([], title=title, notes=notes, mode=mode, annotations=[message])
    drawn = _draw_bubbles(placed, links, mode=mode)
    traces = [*_draw_links(placed, links, mode=mode), drawn, _write_labels(placed, mode=mode)]
    legend = {"title": {"text": "Entities that both use  ", "font": {"size": 12}}}
    return frame_figure(traces, title=title, notes=notes, mode=mode, legend=legend)


def strongest_links(links: pd.DataFrame) -> pd.DataFrame:
    """Cross-links that are among the three strongest of one of their two clusters."""
    links = links[links["bits"] >= _LEAST_BITS]
    ends = pd.concat([links.assign(end=links["a"]), links.assign(end=links["b"])])
    ends = ends.sort_values(["end", "bits", "n_shared", "a", "b"], ascending=[True, False, False, True, True])
    kept = ends.groupby("end", sort=True).head(_KEPT_LINKS)
    return kept.drop(columns="end").drop_duplicates(["a", "b"]).sort_values(["a", "b"], ignore_index=True)


def _place(snapshot: Snapshot, drawn: pd.DataFrame, evidence: pd.DataFrame) -> pd.DataFrame:
    """The drawn clusters with x, y and size; a snapshot without a layout gets one."""
    layout = snapshot.layout
    layout = layout[layout["figure"] == "overview"]
    if not set(drawn["cluster_id"]) <= set(layout["name"]):
        layout = overview_layout(drawn, evidence, seed=snapshot.config.seed).to_pandas()
    return drawn.merge(layout, left_on="cluster_id", right_on="name", validate="one_to_one")


def _write_notes(overview: Overview) -> list[str]:
    """What the figure shows, how, and what it leaves out."""
    n_drawn = len(overview.placed)
    head = f"{plural(overview.n_large, 'cluster')} of {LEAST_ACCOUNTS} accounts or more"
    notes = [head if n_drawn == overview.n_large else f"{head}, the {n_drawn:,} largest drawn"]
    if overview.n_small:
        notes.append(f"{plural(overview.n_small, 'smaller cluster')} not drawn")
    if n_drawn:
        drawn = "lines" if len(overview.links) > MOST_FORCED else "curves"
        curves = f"{drawn} = the three clusters that share most with each"
        left_out = overview.n_links - len(overview.links)
        notes.append(
            f"area = accounts, color = score, {curves}{f', {left_out:,} weaker ones not drawn' if left_out else ''}"
        )
    return notes


def _draw_links(placed: pd.DataFrame, links: pd.DataFrame, *, mode: Mode) -> list[Trace]:
    """Curves, or of many straight lines, in three widths by the number of shared entities."""
    xy = placed[["x", "y"]].to_numpy()
    straight = len(links) > MOST_FORCED  # a browser draws many curves anew too slowly to zoom
    traces = []
    for (low, high), (width, color) in zip(width_classes(links["n_shared"].tolist()), _WIDTHS, strict=False):
        chosen = links[links["n_shared"].between(low, high)]
        ends = xy[chosen["a"].to_numpy()], xy[chosen["b"].to_numpy()]
        x, y = join_paths(*ends) if straight else _curve(*ends)
        traces.append(
            scatter(
                x=x,
                y=y,
                mode="lines",
                line={"width": width, "color": TOKENS[mode][color], "shape": "linear" if straight else "spline"},
                name=count(low) if low == high else f"{low:,}{DASH}{high:,}",
                hoverinfo="skip",
            )
        )
    return traces


def width_classes(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """At most three ranges, both ends in, that cut whole numbers above 0 at equal ratios."""
    if not numbers:
        return []
    low, high = min(numbers), max(numbers)
    starts = sorted({math.ceil(round(low * (high / low) ** (i / 3), 9)) for i in range(3)})
    return list(zip(starts, [*(start - 1 for start in starts[1:]), high], strict=True))


def _curve(start: Points, end: Points) -> tuple[list[float | None], list[float | None]]:
    """Bent lines between points of shape (n, 2), as one path with gaps."""
    along = end - start
    middle = (start + end) / 2 + 0.08 * np.column_stack([-along[:, 1], along[:, 0]])
    return join_paths(start, middle, end)


def _draw_bubbles(placed: pd.DataFrame, links: pd.DataFrame, *, mode: Mode) -> Trace:
    """The clusters."""
    diameters = 2 * placed["size"].to_numpy()
    return scatter(
        x=placed["x"].tolist(),
        y=placed["y"].tolist(),
        mode="markers",
        cliponaxis=False,
        showlegend=False,
        marker={
            "size": diameters.round(1).tolist(),
            "color": placed["score"].round(3).tolist(),
            "cmin": 0,
            "cmax": 1,
            "colorscale": _scale(mode),
            "opacity": 1,
            # a small bubble is no more than its edge otherwise
            "line": {"width": 1.2 if len(placed) <= MOST_FORCED else 0.6, "color": TOKENS[mode]["muted"]},
            "colorbar": color_bar("Score", ["0", "0.5", "1"]),
        },
        customdata=_write_hover(placed, links),
        hovertemplate="%{customdata}<extra></extra>",
    )


def _write_labels(placed: pd.DataFrame, *, mode: Mode) -> Trace:
    """Id and size inside the bubbles in which they fit; they are few, and each costs a browser as much as a bubble."""
    rows = placed.to_dict("records")
    inside = [_write_inside(row["cluster_id"], row["n_accounts"], 2 * row["size"]) for row in rows]
    shown = [(row, text, letters) for row, (text, letters) in zip(rows, inside, strict=True) if text]
    return scatter(
        x=[row["x"] for row, _, _ in shown],
        y=[row["y"] for row, _, _ in shown],
        mode="text",
        cliponaxis=False,
        text=[text for _, text, _ in shown],
        textfont={
            "size": [round(letters, 1) for _, _, letters in shown],
            "color": [ink_on(ramp_color(row["score"], mode=mode)) for row, _, _ in shown],
        },
        showlegend=False,
        hoverinfo="skip",
    )


def _scale(mode: Mode) -> list[list[Any]]:
    stops = SCORE_RAMP[mode]
    return [[i / (len(stops) - 1), color] for i, color in enumerate(stops)]


def _write_inside(cluster_id: str, n_accounts: int, diameter: float) -> tuple[str, float]:
    """Id and size, or the size alone, or nothing, by what fits into the bubble; and the letters' size."""
    room = 0.82 * diameter / 0.66
    number = f"{n_accounts:,}"
    if room / max(len(cluster_id), 4) >= _LEAST_LETTERS:
        return f"<b>{plotly_text(cluster_id)}</b><br>{number}", min(15.0, room / max(len(cluster_id), 4))
    letters = min(13.0, room / len(number))
    return (number, letters) if letters >= _LEAST_LETTERS and diameter >= _LEAST_LABELED else ("", _LEAST_LETTERS)


def _write_hover(placed: pd.DataFrame, links: pd.DataFrame) -> list[str]:
    """A hover text per cluster: id, size, score, what binds it, what it shares with others."""
    ids = [plotly_text(cluster_id, limit=40) for cluster_id in placed["cluster_id"]]
    shared: dict[int, list[str]] = {}
    for link in links.to_dict("records"):
        shared.setdefault(link["a"], []).append(f"{plural(link['n_shared'], 'entity')} shared with {ids[link['b']]}")
        shared.setdefault(link["b"], []).append(f"{plural(link['n_shared'], 'entity')} shared with {ids[link['a']]}")
    told = set(placed.index[:_TOLD]) | set(placed.nlargest(_TOLD, ["score", "n_accounts"]).index)
    texts = []
    for i, row in enumerate(placed.to_dict("records")):
        head = f"<b>{ids[i]}</b> · {plural(row['n_accounts'], 'account')} · score {row['score']:.2f}"
        binding = wrap_text(plotly_text(row["binding"], limit=300), width=70) if i in told else ""
        texts.append("<br>".join(filter(None, [head, binding, *shared.get(i, [])[:_KEPT_LINKS]])))
    return texts
