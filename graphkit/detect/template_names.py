"""What mined prompt templates are called where people read: their frames, and their names if they are public."""

from __future__ import annotations

import pandas as pd
import pyarrow.compute as pc

from graphkit.ingest.mined import is_digest
from graphkit.snapshot import Snapshot

TEMPLATE_KIND = "prompt_template"


def name_mined_templates(snapshot: Snapshot) -> dict[str, str]:
    """By id, the frame of each mined template, behind its public name if it has one.

    The text is other people's, as long as it is: escape and shorten it where you show it. Templates of which only a
    digest is kept and that are not public are left out.
    """
    table = snapshot.table("templates", columns=["template_id", "frame", "known_as"])
    named = pc.field("frame").is_valid() | pc.field("known_as").is_valid()
    told = {}
    for row in table.filter(named).to_pylist():
        frame = None if row["frame"] is None or is_digest(row["frame"]) else row["frame"]
        if text := ": ".join(part for part in (row["known_as"], frame) if part):
            told[row["template_id"]] = text
    return told


def name_public_templates(frame: pd.DataFrame, snapshot: Snapshot) -> list[str]:
    """Names, each once, of the public templates among the entities of rows with columns kind and entity."""
    rows = snapshot.table("templates", columns=["template_id", "known_as"]).to_pylist()
    public = {row["template_id"]: row["known_as"] for row in rows if row["known_as"]}
    ids = frame.loc[frame["kind"] == TEMPLATE_KIND, "entity"]
    return sorted({public[name] for name in ids if name in public})


def add_template_names(frame: pd.DataFrame, snapshot: Snapshot) -> pd.DataFrame:
    """Rows with columns kind and entity, and ``template``: what a mined template is called; null for all else."""
    told = name_mined_templates(snapshot)
    names = [
        told.get(entity) if kind == TEMPLATE_KIND else None
        for kind, entity in zip(frame["kind"], frame["entity"], strict=True)
    ]
    return frame.assign(template=pd.Series(names, index=frame.index, dtype=object))
