"""A case: the investigation notebook, run for one cluster and written as one HTML page without code."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markdown_it import MarkdownIt
from markupsafe import Markup

from graphkit.errors import InputError
from graphkit.show.drawing import differences
from graphkit.show.labels import clean_text
from graphkit.show.page import render_page, write_page
from graphkit.store.store import open_store

if TYPE_CHECKING:
    from nbformat import NotebookNode

INVESTIGATION = "03-investigate-one-cluster.ipynb"
LESSON = "lesson"
"""Tag of cells that teach the notebook and say nothing of the case."""

_GIVEN = "given-parameters"
_PLOTLY = "application/vnd.plotly.v1+json"
_SCOPED_STYLE = re.compile(r"<style scoped>.*?</style>", re.DOTALL)
_TIMEOUT = 600
"""Seconds that a cell may take."""


def write_case(
    store: str | Path,
    cluster_id: str,
    path: str | Path,
    *,
    snapshot_id: str | None = None,
    notebook: str | Path | None = None,
    reveal: bool = False,
) -> Path:
    """Run the investigation notebook for a cluster, write it as one page that needs no network, and return its path.

    Code is not shown. Figures follow the page's light or dark colors.

    Parameters
    ----------
    snapshot_id
        Snapshot of the store; by default the latest.
    notebook
        A notebook of your own, with a cell tagged "parameters" that sets store, snapshot_id, cluster_id, reveal and
        mode; cells tagged "lesson" are left out.
    reveal
        Show accounts and entities as they are.

    Raises
    ------
    UsageError
        If there is no such cluster, or the page cannot be written.
    InputError
        If the notebook cannot be read or fails, or Jupyter is not installed.
    """
    opened = open_store(store)
    snapshot = opened.latest() if snapshot_id is None else opened.load(snapshot_id)
    snapshot.require_cluster(cluster_id)
    parameters = {
        "store": str(opened.path),
        "snapshot_id": snapshot.id,
        "cluster_id": cluster_id,
        "reveal": reveal,
        "mode": "light",
    }
    book = _read_notebook(Path(notebook) if notebook else find_notebook(INVESTIGATION), parameters)
    cells, figures = _lay_out(*_run(book))
    facts = {
        "title": f"Cluster {clean_text(cluster_id, limit=60)}",
        "snapshot_id": snapshot.id,
        "as_of": snapshot.as_of.isoformat(),
        "revealed": reveal,
        "cells": cells,
    }
    return write_page(path, render_page("casebook.html.j2", facts, figures=figures))


def find_notebook(name: str) -> Path:
    """Path of a notebook that comes with graphkit: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parent.parent
    for folder in (package / "notebooks", package.parent / "notebooks"):
        if (folder / name).is_file():
            return folder / name
    raise InputError(f"the notebook {name} did not come with this installation; name one with --notebook")


def _read_notebook(path: Path, parameters: Mapping[str, Any]) -> NotebookNode:
    """A notebook whose parameters are set anew after its own."""
    try:
        import nbformat
    except ImportError as error:
        raise InputError("a notebook needs Jupyter: pip install 'graphkit[notebook]'") from error
    try:
        book: NotebookNode = nbformat.read(path, as_version=4)
    except (OSError, ValueError, nbformat.reader.NotJSONError) as error:
        raise InputError(f"{path}: this is no notebook that can be read: {error}") from error
    places = [i for i, cell in enumerate(book.cells) if "parameters" in _tags(cell)]
    if len(places) != 1:
        raise InputError(f"{path}: {len(places)} cells are tagged 'parameters'; there must be one")
    lines = "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
    book.cells.insert(places[0] + 1, nbformat.v4.new_code_cell(lines, id=_GIVEN))
    return book


def _tags(cell: NotebookNode) -> Sequence[str]:
    tags: Sequence[str] = cell.metadata.get("tags", [])
    return tags


def _run(book: NotebookNode) -> tuple[NotebookNode, NotebookNode]:
    """Run a notebook in a kernel of its own; give it as it is then, and with what it draws in dark colors."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    with tempfile.TemporaryDirectory(prefix="graphkit-") as folder:
        client = NotebookClient(
            deepcopy(book), timeout=_TIMEOUT, kernel_name="python3", resources={"metadata": {"path": folder}}
        )
        try:
            # of what the kernel says on standard error nothing is for the user: a cell's failure comes as an error
            with client.setup_kernel(stderr=subprocess.DEVNULL):
                for place, cell in enumerate(client.nb.cells):
                    client.execute_cell(cell, place)
                light = deepcopy(client.nb)
                for place, cell in enumerate(client.nb.cells):
                    if cell.id == _GIVEN:
                        client.execute_cell(nbformat.v4.new_code_cell('mode = "dark"', id=_GIVEN), place)
                    elif _draws(cell):
                        client.execute_cell(cell, place)
        except CellExecutionError as error:
            raise InputError(f"the notebook fails: {error.ename}: {error.evalue}") from error
        except (CellTimeoutError, DeadKernelError) as error:
            raise InputError(f"the notebook does not end: {error}") from error
    return light, client.nb


def _draws(cell: NotebookNode) -> bool:
    return any(_PLOTLY in output.get("data", {}) for output in cell.get("outputs", []))


def _lay_out(book: NotebookNode, dark: NotebookNode) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """What the page shows of each cell, and its figures by their place."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    cells: list[dict[str, Any]] = []
    figures: dict[str, Any] = {}
    for cell, other in zip(book.cells, dark.cells, strict=True):
        if LESSON in _tags(cell):
            continue
        if cell.cell_type == "markdown":
            cells.append({"html": Markup(markdown.render(cell.source))})  # noqa: S704  # raw HTML in it is escaped
        for place, output in enumerate(cell.get("outputs", [])):
            data = output.get("data", {})
            if _PLOTLY in data:
                figure = f"figure-{len(figures) + 1}"
                figures[figure] = _pack(data[_PLOTLY], other.outputs[place]["data"][_PLOTLY])
                cells.append({"figure": figure, "words": data[_PLOTLY]["layout"]["title"]["text"]})
            elif "text/html" in data:
                shown = _SCOPED_STYLE.sub("", data["text/html"])
                cells.append({"html": Markup(shown)})  # noqa: S704  # its values escape; the page's policy bars scripts
            elif "text/plain" in data:
                cells.append({"text": clean_lines(data["text/plain"])})
    return cells, figures


def _pack(light: Mapping[str, Any], dark: Mapping[str, Any]) -> dict[str, Any]:
    """A figure of a notebook as pages keep it."""
    plain, other = ({name: figure[name] for name in ("data", "layout")} for figure in (light, dark))
    return {**plain, "dark": differences(plain, other)}


def clean_lines(text: str) -> str:
    """A text of several lines without control, direction or invisible characters."""
    return "\n".join(clean_text(line) for line in text.splitlines())
