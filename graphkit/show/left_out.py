"""What a report says of all that was left out: common entities, known infrastructure, unusable rows."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from graphkit.config import Config
from graphkit.show.labels import NameOf, clean_text, kind_label, measure
from graphkit.snapshot import Snapshot

_LEDGER_ROWS = 5
_REJECTED_ROWS = 50


def describe_entity(row: Mapping[Any, Any], config: Config, *, name_of: NameOf) -> dict[Any, Any]:
    """An entity's row with its name, and a note on what keeps it from linking or lowers its weight."""
    name = clean_text(name_of(row["kind"], row["entity"]), limit=300)
    tag, tested = row.get("tag"), pd.notna(row.get("enrichment"))
    notes = []
    if isinstance(tag, str):
        weight = config.infrastructure[tag].weight
        does = "does not link" if weight == 0 else f"weight {weight:g}"
        notes.append(f"listed as {tag}" + ("" if weight == 1 else f", {does}"))
    if tested and not (notes and weight == 0):
        notes.append("too common to link")
    if tested:
        notes.append(f"by chance {measure(row['enrichment'])}")
    return {**row, "label": kind_label(row["kind"]), "name": name, "note": "; ".join(notes)}


def sum_exclusions(snapshot: Snapshot, *, name_of: NameOf) -> dict[str, Any]:
    """What of the exclusion ledger is too common, by kind, and the entities that dropped most links."""
    ledger = snapshot.exclusions
    ledger = ledger[ledger["reason"] != "tag"]
    kinds = ledger.groupby("kind", sort=True)["n_links_dropped"].agg(["size", "sum"])
    first = ledger.sort_values(["n_links_dropped", "kind", "entity"], ascending=[False, True, True]).head(_LEDGER_ROWS)
    return {
        "n_entities": len(ledger),
        "n_links_dropped": int(ledger["n_links_dropped"].sum()),
        "kinds": [(kind_label(str(kind)), int(n), int(dropped)) for kind, n, dropped in kinds.itertuples()],
        "first": [describe_entity(row, snapshot.config, name_of=name_of) for row in first.to_dict("records")],
    }


def tell_infrastructure(snapshot: Snapshot) -> dict[str, Any] | None:
    """What the list of known infrastructure changed, by tag; None where there was none."""
    effect = snapshot.content.get("infrastructure")
    if effect is None:
        return None
    name = ", ".join(snapshot.manifest["run"].get("infrastructure", []))
    tags = [{"tag": tag, **counts} for tag, counts in sorted(effect["tags"].items())]
    n_left_out, n_events = (sum(row[f"n_{what}_left_out"] for row in tags) for what in ("accounts", "events"))
    told = {"name": clean_text(name, limit=120), "tags": tags, "n_left_out": n_left_out, "n_events_left_out": n_events}
    return {**effect, **told}


def list_rejected(snapshot: Snapshot) -> dict[str, Any]:
    """Rows of input that were set aside, most first, and how many were read and count."""
    rows = snapshot.table("rejected").to_pylist()
    rows.sort(key=lambda row: (-row["n_rows"], row["source"], row["reason"]))
    shown = [
        {**row, **{name: clean_text(row[name], limit=300) for name in ("source", "reason", "example")}}
        for row in rows[:_REJECTED_ROWS]
    ]
    run = snapshot.manifest["run"]
    return {
        "n_rows": sum(row["n_rows"] for row in rows),
        "rows": shown,
        "n_left_out": len(rows) - len(shown),
        "n_read": run.get("n_rows"),
        "n_in_window": run.get("n_in_window"),
    }
