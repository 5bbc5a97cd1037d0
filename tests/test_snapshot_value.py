import hashlib
import io
from dataclasses import FrozenInstanceError

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graphkit.config import Config
from graphkit.errors import UsageError
from graphkit.snapshot import Snapshot, rank_clusters
from graphkit.tables import TABLES
from tests.small import snapshot_of


def test_every_table_has_its_schema_even_when_empty():
    snapshot = snapshot_of({})
    for name, definition in TABLES.items():
        assert snapshot.table(name).schema.equals(definition.schema())
        frame = getattr(snapshot, name)
        assert isinstance(frame, pd.DataFrame)
        assert list(frame.columns) == [column.name for column in definition.columns]
    assert "there is no cluster" in snapshot._repr_html_()


def test_tables_are_plain_parquet_without_a_trace_of_pandas(small_tables):
    data = snapshot_of(small_tables).read_bytes("links")
    assert pq.read_schema(io.BytesIO(data)).metadata is None
    assert pd.read_parquet(io.BytesIO(data))["account_id"].tolist() == ["acct-0", "acct-1", "acct-2"]


def test_a_snapshot_cannot_be_changed(small_tables):
    snapshot = snapshot_of(small_tables)
    frame = snapshot.accounts
    frame["account_id"] = "other"
    assert snapshot.accounts["account_id"].tolist() == ["acct-0", "acct-1", "acct-2"]
    with pytest.raises(FrozenInstanceError):
        snapshot.manifest = {}


def test_its_settings_can_be_used_again_where_a_standard_kind_is_missing():
    given = Config(seed=4).model_dump(mode="json")
    assert snapshot_of({}, config=given).config == Config(seed=4)
    assert "kinds" not in snapshot_of({}, config=given).config.model_fields_set
    named = Config.model_validate({"kinds": {"ip": {}}})
    assert "kinds" in snapshot_of({}, config=named.model_dump(mode="json")).config.model_fields_set


def test_what_was_set_aside_is_a_table_too():
    row = {"source": "a.csv", "reason": "no account", "n_rows": 2, "example": "x"}
    assert snapshot_of({}, run={"rejected": [row]}).rejected.to_dict("records") == [row]


def test_what_came_after_a_snapshot_is_empty_in_it(small_tables):
    snapshot = snapshot_of(small_tables)
    old = pq.read_table(io.BytesIO(snapshot.read_bytes("entities"))).drop_columns(["tag", "corroboration"])
    sink = io.BytesIO()
    pq.write_table(old, sink)
    tables = {"entities": {"rows": len(old), "sha256": hashlib.sha256(sink.getvalue()).hexdigest()}}
    older = Snapshot({"id": "x", "content": {"tables": tables}}, lambda _: sink.getvalue())
    assert older.entities["tag"].isna().all()
    assert older.table("entities", columns=["tag", "kind"]).schema.names == ["tag", "kind"]
    assert older.table("layout").schema.equals(TABLES["layout"].schema())
    assert older.table("layout", columns=["x"]).schema.names == ["x"]


def test_unknown_names_are_errors_that_name_the_known(small_tables):
    snapshot = snapshot_of(small_tables)
    with pytest.raises(UsageError, match="no table 'edges'; there are accounts, clusters"):
        snapshot.table("edges")
    with pytest.raises(UsageError, match="no cluster 'c9'; its first are: c1"):
        snapshot.require_cluster("c9")
    assert snapshot.require_cluster("c1")["n_accounts"] == 3


def test_hostile_text_is_escaped_in_a_notebook(small_tables):
    hostile = "<img src=x onerror=alert(1)>"
    row = small_tables["clusters"].to_pylist()[0] | {"cluster_id": hostile, "binding": hostile}
    shown = snapshot_of({"clusters": pa.Table.from_pylist([row], schema=TABLES["clusters"].schema())})._repr_html_()
    assert shown.count("&lt;img") == 2
    assert "<img" not in shown


def test_clusters_are_ranked_by_score_then_size_then_id():
    rows = [
        {"cluster_id": name, "score": score, "n_accounts": size}
        for name, score, size in [("d", 0.1, 99), ("c", 0.5, 3), ("b", 0.5, 3), ("a", 0.5, 4)]
    ]
    assert [row["cluster_id"] for row in rank_clusters(rows)] == ["a", "b", "c", "d"]
