"""The page of blind spots: what the settings cannot see, for those who must know."""

from pathlib import Path
from typing import Any

import pandas as pd

from graphkit.show.blindspots import draw_blind_spots
from graphkit.show.borders import FOUND, describe_blind_spots, list_blind_spots
from graphkit.show.labels import kind_label
from graphkit.show.page import pack_figure, render_page, write_page
from graphkit.snapshot import Snapshot


def render_blind_spots(snapshot: Snapshot, grades: pd.DataFrame) -> str:
    """Render blind spots as one HTML page; the same arguments give the same bytes.

    Parameters
    ----------
    snapshot
        The snapshot that they are of.
    grades
        As ``measure_blind_spots`` gives them.
    """
    sizes = grades["n_accounts"].unique().tolist()
    facts = {
        "title": "Blind spots",
        "snapshot_id": snapshot.id,
        "as_of": snapshot.as_of.isoformat(),
        "n_population": int(snapshot.content["population"]["n_accounts"]),
        "exact": bool(grades["exact"].all()),
        "alike": bool(grades["alike"].any()),
        "n_farms": int(grades["n_farms"].max()) if len(grades) else 0,
        "unseen": list_blind_spots(grades),
        "borders": describe_blind_spots(grades),
        "sizes": [(size, f"grades-{size}") for size in sizes],
        "rows": [_describe_row(row) for row in grades.to_dict("records")],
        "config": snapshot.config.model_dump(mode="json"),
        "resolved": snapshot.content["resolved"],
    }
    figures = {}
    for size, place in facts["sizes"]:
        light, dark = (draw_blind_spots(grades, n_accounts=size, mode=mode) for mode in ("light", "dark"))
        figures[place] = pack_figure(light, dark)
    return render_page("blindspots.html.j2", facts, figures=figures)


def write_blind_spots(snapshot: Snapshot, grades: pd.DataFrame, path: str | Path) -> Path:
    """Write the page of ``render_blind_spots`` to a file, whole or not at all, and return its path.

    Raises
    ------
    UsageError
        If the file cannot be written.
    """
    return write_page(path, render_blind_spots(snapshot, grades))


def _describe_row(row: dict[Any, Any]) -> dict[str, Any]:
    fate = "whole" if row["whole"] >= FOUND else "in pieces" if row["found"] >= FOUND else "no"
    return {**row, "label": " + ".join(kind_label(kind) for kind in row["kinds"].split(" + ")), "fate": fate}
