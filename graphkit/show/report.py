"""The report: one HTML file that needs no network, no server and no other file."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from graphkit.errors import UsageError
from graphkit.show.alluvial import arrange_changes
from graphkit.show.changes import draw_changes, require_snapshots
from graphkit.show.cluster import draw_ring
from graphkit.show.drawing import Drawing
from graphkit.show.evidence import draw_matrix
from graphkit.show.facts import gather_facts
from graphkit.show.hours import arrange_rhythms
from graphkit.show.labels import clean_text, make_namer
from graphkit.show.matrix import arrange_matrices
from graphkit.show.overview import arrange_overview, draw_overview
from graphkit.show.page import pack_figure, render_page, weigh_figure, write_page
from graphkit.show.rhythm import draw_rhythm
from graphkit.show.ring import arrange_rings
from graphkit.show.theme import Mode
from graphkit.snapshot import Snapshot

PAGE_BYTES = 6_000_000
"""Bytes of a page; pictures of clusters that do not fit are left out, and the page says so."""
MOST_BUBBLES = 400
"""Clusters in the report's overview; a notebook has room for more."""

_MODES: tuple[Mode, Mode] = ("light", "dark")


def render_report(
    snapshot: Snapshot,
    *,
    reveal: bool = False,
    cluster_id: str | None = None,
    title: str | None = None,
    top: int = 10,
    earlier: Sequence[Snapshot] = (),
) -> str:
    """Render a snapshot as one HTML page; the same snapshot and arguments give the same bytes.

    Parameters
    ----------
    reveal
        Show accounts and entities as they are; by default both are masked everywhere in the page.
    cluster_id
        Tell of this cluster alone, with its members.
    title
        Heading of the page.
    top
        Clusters that get a section of their own, best score first.
    earlier
        Snapshots of days before, to show what changed since; a report of one cluster alone leaves that out.

    Raises
    ------
    UsageError
        If there is no such cluster, ``top`` is negative, or there are more than 7 earlier snapshots.
    """
    if top < 0:
        raise UsageError(f"top is {top}; give 0 or more")
    facts = gather_facts(snapshot, name_of=make_namer(snapshot, reveal=reveal), cluster_id=cluster_id, top=top)
    compared = [] if cluster_id is not None or not earlier else [*earlier, snapshot]
    if compared:
        require_snapshots(compared)
    shown = facts | {"title": clean_text(title) if title else facts["title"], "revealed": reveal}
    shown |= {"changes": bool(compared)}
    room = PAGE_BYTES - len(render_page("report.html.j2", shown, figures={}).encode())
    figures = _draw_figures(snapshot, facts, compared, reveal=reveal, room=room)
    return render_page("report.html.j2", shown, figures=figures)


def write_report(
    snapshot: Snapshot,
    path: str | Path,
    *,
    reveal: bool = False,
    cluster_id: str | None = None,
    title: str | None = None,
    top: int = 10,
    earlier: Sequence[Snapshot] = (),
) -> Path:
    """Write the page of ``render_report`` to a file, whole or not at all, and return its path.

    Raises
    ------
    UsageError
        As in ``render_report``, or if the file cannot be written.
    """
    page = render_report(snapshot, reveal=reveal, cluster_id=cluster_id, title=title, top=top, earlier=earlier)
    return write_page(path, page)


def _draw_figures(
    snapshot: Snapshot, facts: dict[str, Any], compared: Sequence[Snapshot], *, reveal: bool, room: int
) -> dict[str, Any]:
    """Figures by the id of their place, as far as ``room`` in bytes goes; the rest is marked as left out."""
    figures = {}
    if facts["overview"]:
        arranged = arrange_overview(snapshot, most=MOST_BUBBLES)
        figures["overview"] = pack_figure(*(draw_overview(arranged, mode=mode) for mode in _MODES))
        room -= weigh_figure(figures["overview"])
    if compared:
        flows = arrange_changes(compared)
        figures["changes"] = pack_figure(*(draw_changes(flows, mode=mode) for mode in _MODES))
        room -= weigh_figure(figures["changes"])
    for figure, draw in _draw_clusters(snapshot, facts["sections"], reveal=reveal):
        packed = pack_figure(*(draw(mode=mode) for mode in _MODES))
        figure["drawn"] = weigh_figure(packed) <= room
        if figure["drawn"]:
            figures[figure["id"]] = packed
            room -= weigh_figure(packed)
    return figures


def _draw_clusters(
    snapshot: Snapshot, sections: Sequence[dict[str, Any]], *, reveal: bool
) -> Iterator[tuple[dict[str, Any], Callable[..., Drawing]]]:
    """Give each figure of the sections and what draws it, the most telling of every cluster first."""
    kinds, name_of = list(snapshot.config.kinds), make_namer(snapshot, reveal=reveal)
    ids = [section["cluster_id"] for section in sections]
    rings, matrices = arrange_rings(snapshot, ids), arrange_matrices(snapshot, ids)
    rhythms = arrange_rhythms(snapshot, ids)
    for section in sections:
        yield section["figures"]["ring"], partial(draw_ring, rings[section["cluster_id"]], kinds=kinds, name_of=name_of)
    for section in sections:
        matrix = matrices[section["cluster_id"]]
        yield section["figures"]["matrix"], partial(draw_matrix, matrix, kinds=kinds, name_of=name_of)
    for section in sections:
        yield section["figures"]["rhythm"], partial(draw_rhythm, rhythms[section["cluster_id"]], name_of=name_of)
