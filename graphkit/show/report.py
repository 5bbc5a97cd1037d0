"""The report: one HTML file that needs no network, no server and no other file."""

import base64
import hashlib
import json
import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from graphkit.errors import UsageError
from graphkit.show.cluster import draw_ring
from graphkit.show.facts import gather_facts
from graphkit.show.labels import clean_text, compact, count, kind_label, make_namer, measure, percent
from graphkit.show.overview import arrange_overview, draw_overview
from graphkit.show.ring import arrange_rings
from graphkit.show.theme import Mode, differences
from graphkit.snapshot import Snapshot
from graphkit.store.durable import replace_file
from graphkit.wording import plural

PAGE_BYTES = 6_000_000
"""Bytes of a page; pictures of clusters that do not fit are left out, and the page says so."""

_JSON: dict[str, Any] = {"sort_keys": True, "separators": (",", ":")}
_MODES: tuple[Mode, Mode] = ("light", "dark")
_STYLED_ELEMENT = re.compile(r'getElementById\("([0-9a-f]{64})"\)')


def render_report(
    snapshot: Snapshot,
    *,
    reveal: bool = False,
    cluster_id: str | None = None,
    title: str | None = None,
    top: int = 10,
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

    Raises
    ------
    UsageError
        If there is no such cluster, or ``top`` is negative.
    """
    if top < 0:
        raise UsageError(f"top is {top}; give 0 or more")
    facts = gather_facts(snapshot, name_of=make_namer(snapshot, reveal=reveal), cluster_id=cluster_id, top=top)
    script, style, plotly = _read("report.js"), _read("report.css"), get_plotlyjs()
    shown = facts | {
        "title": clean_text(title) if title else facts["title"],
        "revealed": reveal,
        "policy": _write_policy(scripts=(plotly, script), styles=(style, "")),
        "plotly": Markup(plotly),  # noqa: S704  # the library's own code
        "script": Markup(script),  # noqa: S704  # our own
        "style": Markup(style),  # noqa: S704  # our own
        "preempted": sorted(set(_STYLED_ELEMENT.findall(plotly))),
    }
    page = _environment().get_template("report.html.j2")
    room = PAGE_BYTES - len(page.render(shown, figures={}).encode())
    return page.render(shown, figures=_draw_figures(snapshot, facts, reveal=reveal, room=room))


def write_report(
    snapshot: Snapshot,
    path: str | Path,
    *,
    reveal: bool = False,
    cluster_id: str | None = None,
    title: str | None = None,
    top: int = 10,
) -> Path:
    """Write the page of ``render_report`` to a file, whole or not at all, and return its path.

    Raises
    ------
    UsageError
        As in ``render_report``, or if the file cannot be written.
    """
    page = render_report(snapshot, reveal=reveal, cluster_id=cluster_id, title=title, top=top)
    path = Path(path)
    try:
        replace_file(path, page.encode())
    except OSError as error:
        raise UsageError(f"{path}: the report cannot be written: {error.strerror or error}") from error
    return path


def _draw_figures(snapshot: Snapshot, facts: dict[str, Any], *, reveal: bool, room: int) -> dict[str, Any]:
    """Figures by the id of their place, as far as ``room`` in bytes goes; the rest is marked as left out."""
    figures = {}
    if facts["overview"]:
        arranged = arrange_overview(snapshot)
        figures["overview"] = _pack(*(draw_overview(arranged, mode=mode) for mode in _MODES))
        room -= _weigh(figures["overview"])
    kinds, name_of = list(snapshot.config.kinds), make_namer(snapshot, reveal=reveal)
    rings = arrange_rings(snapshot, [section["cluster_id"] for section in facts["sections"]])
    for section in facts["sections"]:
        ring = rings[section["cluster_id"]]
        packed = _pack(*(draw_ring(ring, mode=mode, kinds=kinds, name_of=name_of) for mode in _MODES))
        section["drawn"] = _weigh(packed) <= room
        if section["drawn"]:
            figures[section["figure"]] = packed
            room -= _weigh(packed)
    return figures


def _pack(light: go.Figure, dark: go.Figure) -> dict[str, Any]:
    """A figure in light colors and the few values that dark ones change."""
    plain, other = (json.loads(figure.to_json()) for figure in (light, dark))
    return {"data": plain["data"], "layout": plain["layout"], "dark": differences(plain, other)}


def _weigh(packed: dict[str, Any]) -> int:
    """Bytes that a figure takes in the page, with some for its key."""
    return len(htmlsafe_json_dumps(packed, **_JSON).encode()) + 32


def _write_policy(*, scripts: tuple[str, ...], styles: tuple[str, ...]) -> str:
    """A Content-Security-Policy under which only these scripts and styles run and nothing is requested."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {' '.join(_hash_source(text) for text in scripts)}",
            f"style-src-elem {' '.join(_hash_source(text) for text in styles)}",
            "style-src-attr 'unsafe-inline'",
            "img-src data: blob:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _hash_source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _read(name: str) -> str:
    return files("graphkit.show").joinpath("templates", name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("graphkit.show"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = _JSON
    for function in (clean_text, compact, count, kind_label, measure, percent, plural):
        environment.filters[function.__name__] = function
    return environment
