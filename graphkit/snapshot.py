"""A snapshot: what one analysis found, as immutable tables with a manifest; the same value fresh or loaded."""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from graphkit.config import Config
from graphkit.errors import StoreError, UsageError
from graphkit.frames import mark_frame
from graphkit.tablefile import Writing, begin_writing
from graphkit.tables import FORMAT, TABLES

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    import pyarrow as pa

_VERDICT_COLUMNS = ("verdict", "verdict_basis", "verdict_covers")
STORED_TABLES = tuple(name for name in TABLES if name != "rejected")
"""Tables kept as Parquet; what was set aside differs with the split into files and stands in the manifest's run."""


class _TableAttribute:
    """A table as an attribute: a pandas frame, read on demand; changing it changes nothing else."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name
        self.__doc__ = f"Table: a row is {TABLES[name].row}."

    def __get__(self, snapshot: Snapshot | None, owner: type) -> pd.DataFrame:
        if snapshot is None:
            raise AttributeError(f"{self.name} is an attribute of a snapshot, not of its class")
        frame: pd.DataFrame = snapshot.table(self.name).to_pandas()
        return mark_frame(frame, self.name)


@dataclass(frozen=True, eq=False, repr=False)
class Snapshot:
    """What one analysis found.

    Each table of docs/tables.md is an attribute that reads a pandas frame; ``table`` gives Arrow.
    """

    manifest: Mapping[str, Any]
    """``content`` (what the digest covers), ``run`` (paths, clock, versions, seconds), ``id`` and ``format``."""
    read_bytes: Callable[[str], bytes] = field(repr=False)
    """Gives the Parquet bytes of a table by its name."""
    judge: Callable[[Snapshot], Mapping[str, Mapping[str, Any]]] | None = field(default=None, repr=False)
    """Gives verdict, verdict_basis and verdict_covers by cluster; None outside a store."""
    review: Callable[..., object] | None = field(default=None, repr=False)
    """Records a verdict on a cluster as it is here, as ``gk.review`` does; None outside a store that can be written."""

    accounts = _TableAttribute()
    clusters = _TableAttribute()
    score_parts = _TableAttribute()
    stability = _TableAttribute()
    links = _TableAttribute()
    entities = _TableAttribute()
    calibration = _TableAttribute()
    pairs = _TableAttribute()
    co_uses = _TableAttribute()
    evidence = _TableAttribute()
    activity = _TableAttribute()
    usage = _TableAttribute()
    lineage = _TableAttribute()
    history = _TableAttribute()
    former_accounts = _TableAttribute()
    former_entities = _TableAttribute()
    exclusions = _TableAttribute()
    layout = _TableAttribute()
    templates = _TableAttribute()
    rejected = _TableAttribute()

    @property
    def id(self) -> str:
        """As-of day and the first digits of the content's digest, such as ``20260516-3fa91c20``."""
        return str(self.manifest["id"])

    @property
    def as_of(self) -> date:
        """The last day (UTC) that counts."""
        return date.fromisoformat(self.content["as_of"])

    @property
    def content(self) -> Mapping[str, Any]:
        """The part of the manifest that the digest covers."""
        content: Mapping[str, Any] = self.manifest["content"]
        return content

    @property
    def config(self) -> Config:
        """The settings it was made with, to analyze other events with too."""
        config = Config.model_validate(self.content["config"])
        if config.kinds != Config().kinds:
            return config
        # the standard kinds need not all be in the data, but kinds that are named must
        return Config.model_validate({name: value for name, value in self.content["config"].items() if name != "kinds"})

    @property
    def weighing_config(self) -> Config:
        """The settings that the match weights were made with: those given, with the priors that weighed."""
        rows = self.table("calibration", columns=["kind", "prior"]).to_pylist()
        return self.config.with_priors({row["kind"]: row["prior"] for row in rows})

    def table(self, name: str, *, columns: list[str] | None = None) -> pa.Table:
        """A table as Arrow, optionally only some of its columns.

        Raises
        ------
        UsageError
            If there is no such table.
        StoreError
            If its bytes are not those that the manifest names.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        if name not in TABLES:
            raise UsageError(f"no table {name!r}; there are {', '.join(TABLES)}")
        if name == "rejected":
            table = pa.Table.from_pylist(self.manifest["run"]["rejected"], schema=TABLES[name].schema())
            return table if columns is None else table.select(columns)
        if name not in self.content["tables"]:  # it came later
            table = TABLES[name].schema().empty_table()
            return table if columns is None else table.select(columns)
        data = self.read_bytes(name)
        if sha256(data) != self.content["tables"][name]["sha256"]:
            raise StoreError(f"snapshot {self.id}: the bytes of {name}.parquet are not those that its manifest names")
        # not pq.read_table: its scanner may free the bytes in a thread that outlives the interpreter
        table = pq.ParquetFile(pa.BufferReader(data)).read(columns=columns)
        if name == "clusters" and self.judge is not None and (columns is None or {*columns} & {*_VERDICT_COLUMNS}):
            table = self._with_verdicts(table, columns)
        wanted = TABLES[name].schema().names if columns is None else columns
        for column in TABLES[name].schema():  # columns that came later are empty in what was written before
            if column.name not in table.schema.names and column.name in wanted:
                table = table.append_column(column.name, pa.nulls(len(table), column.type))
        return table.select(wanted)

    def _with_verdicts(self, table: pa.Table, columns: list[str] | None) -> pa.Table:
        """The table of clusters, or some of its columns, with what the reviews say in place of nothing."""
        import pyarrow as pa

        ids = table if columns is None or "cluster_id" in columns else self.table("clusters", columns=["cluster_id"])
        verdicts = {} if self.judge is None else self.judge(self)
        schema = TABLES["clusters"].schema()
        for column in _VERDICT_COLUMNS if columns is None else {*_VERDICT_COLUMNS} & {*columns}:
            values = [verdicts.get(name, {}).get(column) for name in ids["cluster_id"].to_pylist()]
            kept = table.drop_columns([column]) if column in table.column_names else table
            table = kept.append_column(schema.field(column), pa.array(values, schema.field(column).type))
        return table

    def require_cluster(self, cluster_id: str) -> Mapping[str, Any]:
        """The row of a cluster, as a dictionary; a UsageError names near ids if there is none."""
        import pyarrow.compute as pc

        table = self.table("clusters")
        for row in table.filter(pc.field("cluster_id") == cluster_id).to_pylist():
            return dict(row)
        some = ", ".join(row["cluster_id"] for row in rank_clusters(table.to_pylist())[:5]) or "none"
        raise UsageError(f"snapshot {self.id} has no cluster {cluster_id!r}; its first are: {some}")

    def __repr__(self) -> str:
        population = self.content["population"]
        return (
            f"<Snapshot {self.id}: {self.content['tables']['clusters']['rows']:,} clusters of "
            f"{self.content['tables']['accounts']['rows']:,} accounts among {population['n_accounts']:,}>"
        )

    def _repr_html_(self) -> str:
        population, tables = self.content["population"], self.content["tables"]
        top = rank_clusters(self.table("clusters").to_pylist())[:10]
        rows = "".join(
            f"<tr><td style='white-space:nowrap'>{html.escape(row['cluster_id'])}</td><td>{row['n_accounts']:,}</td>"
            f"<td>{row['score']:.2f}</td><td style='text-align:left'>{html.escape(row['binding'])}</td></tr>"
            for row in top
        )
        head = "<tr><th>cluster</th><th>accounts</th><th>score</th><th style='text-align:left'>what binds it</th></tr>"
        body = f"<table>{head}{rows}</table>" if rows else "<p>No accounts hold together: there is no cluster.</p>"
        return (
            f"<p><b>Snapshot {html.escape(self.id)}</b>: {tables['clusters']['rows']:,} clusters hold "
            f"{tables['accounts']['rows']:,} of {population['n_accounts']:,} accounts "
            f"({population['n_events']:,} events).</p>{body}"
        )


def rank_clusters(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Rows of the clusters table in the order in which they are shown: by score, size, id; those found benign last."""

    def place(row: Mapping[str, Any]) -> tuple[bool, float, int, str]:
        return is_found_benign(row), -row["score"], -row["n_accounts"], row["cluster_id"]

    return sorted(rows, key=place)


def is_found_benign(cluster: Mapping[str, Any]) -> bool:
    """Tell whether a cluster has a benign verdict that is its own and not outgrown."""
    return cluster.get("verdict") == "benign" and cluster.get("verdict_basis") == "own"


def build_snapshot(
    tables: Mapping[str, pa.Table],
    *,
    as_of: date,
    content: Mapping[str, Any],
    run: Mapping[str, Any],
    begun: Mapping[str, Writing] | None = None,
    folder: Path | None = None,
) -> Snapshot:
    """Make a snapshot that is in no store.

    Parameters
    ----------
    tables
        By name, in any row order; a table that is left out is empty.
    as_of
        The last day (UTC) that counts.
    content
        What the digest shall cover besides the tables: config, key_fingerprint, parent, population, resolved.
    run
        What it shall not cover: ``rejected`` (rows as dictionaries), paths, clock, versions, seconds.
    begun
        Further tables, which are being written already.
    folder
        Where the bytes of tables are kept as files; by default they are held in memory.
    """
    begun = begun or {}
    rest = {name: tables.get(name) for name in STORED_TABLES if name not in begun}
    with begin_writing(rest, folder=folder) as more:
        written = {name: (begun.get(name) or more[name]).result() for name in STORED_TABLES}
    covered = {
        **content,
        "as_of": as_of.isoformat(),
        "tables": {name: {"rows": table.n_rows, "sha256": table.sha256} for name, table in written.items()},
    }
    digest = digest_content(covered)
    manifest = {
        "format": FORMAT,
        "id": f"{as_of:%Y%m%d}-{digest[:8]}",
        "content": {**covered, "digest": digest},
        "run": {"rejected": [], **run},
    }
    return Snapshot(manifest, lambda name: written[name].read())


def digest_content(content: Mapping[str, Any]) -> str:
    """The digest over a manifest's content, that digest itself left out."""
    covered = {name: part for name, part in content.items() if name != "digest"}
    return sha256(json.dumps(covered, sort_keys=True, allow_nan=False).encode())


def sha256(data: bytes) -> str:
    """Checksum of bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
