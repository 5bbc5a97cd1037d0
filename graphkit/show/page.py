"""A page: one HTML file that needs no network, no server and no other file, under a strict policy."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from graphkit.errors import UsageError
from graphkit.show.drawing import Drawing, differences, write_json
from graphkit.show.labels import clean_text, compact, count, kind_label, measure, percent
from graphkit.store.durable import replace_file
from graphkit.wording import plural

_JSON: dict[str, Any] = {"sort_keys": True, "separators": (",", ":")}
_STYLED_ELEMENT = re.compile(r'getElementById\("([0-9a-f]{64})"\)')


def render_page(template: str, facts: Mapping[str, Any], *, figures: Mapping[str, Any] | None) -> str:
    """Render a template that extends ``base.html.j2``; the same arguments give the same bytes.

    Parameters
    ----------
    facts
        What the template tells, ``title`` and ``snapshot_id`` at least; all of it is escaped.
    figures
        Figures as ``pack_figure`` gives them, by the id of their place in the page; None for a page that
        has no place for any, and so needs no library to draw them.
    """
    script, style = read_part("report.js") + read_part("table.js"), read_part("report.css")
    plotly = "" if figures is None else get_plotlyjs()
    frame = {
        "policy": _write_policy(
            # a table that comes with its own script and style may keep them
            scripts=(plotly, script, read_part("table.js")) if plotly else (script,),
            styles=(style, "", read_part("table.css")) if plotly else (style, ""),
        ),
        "plotly": Markup(plotly),  # noqa: S704  # the library's own code
        "script": Markup(script),  # noqa: S704  # our own
        "style": Markup(style),  # noqa: S704  # our own
        "preempted": sorted(set(_STYLED_ELEMENT.findall(plotly))),
    }
    return fill_template(template, {**facts, **frame, "figures": figures or {}})


def fill_template(template: str, facts: Mapping[str, Any]) -> str:
    """Fill a template of this package; all facts are escaped."""
    return _environment().get_template(template).render(facts)


def write_page(path: str | Path, page: str) -> Path:
    """Write a page to a file, whole or not at all, and return its path.

    Raises
    ------
    UsageError
        If the file cannot be written.
    """
    return write_bytes(path, page.encode(), what="report")


def write_bytes(path: str | Path, data: bytes, *, what: str) -> Path:
    """Write a file, whole or not at all, and return its path; a UsageError says what cannot be written."""
    path = Path(path)
    try:
        replace_file(path, data)
    except OSError as error:
        raise UsageError(f"{path}: the {what} cannot be written: {error.strerror or error}") from error
    return path


def pack_figure(light: Drawing, dark: Drawing) -> dict[str, Any]:
    """A figure in light colors and the few values that dark ones change."""
    plain, other = (json.loads(write_json(figure)) for figure in (light, dark))
    return {**plain, "dark": differences(plain, other)}


def weigh_figure(packed: dict[str, Any]) -> int:
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


def read_part(name: str) -> str:
    """Text of a style or script that stands beside the templates."""
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
