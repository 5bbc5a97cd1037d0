import pyarrow.compute as pc
import pytest

from graphkit.show.held import hold_tables
from tests.show_world import empty_snapshot, make_snapshot


@pytest.mark.parametrize("cluster_id", ["C000", "C002", "nowhere"])
@pytest.mark.parametrize("active", [True, False])
def test_a_narrow_snapshot_has_the_rows_of_one_cluster(cluster_id, active):
    snapshot = make_snapshot((40, 12, 6, 3), active=active)
    narrow = hold_tables(snapshot).narrow(cluster_id)
    assert narrow.id == snapshot.id
    own, account = pc.field("cluster_id") == cluster_id, pc.field("account_id")
    members = snapshot.table("accounts").filter(own)["account_id"].combine_chunks()
    for name in ("accounts", "evidence"):
        assert narrow.table(name) == snapshot.table(name).filter(own)
    for name in ("links", "activity"):
        assert narrow.table(name) == snapshot.table(name).filter(account.is_null() | account.isin(members))
    assert narrow.table("clusters") == snapshot.table("clusters")


def test_accounts_without_links_or_hours_have_no_rows():
    snapshot = hold_tables(make_snapshot((6, 4), hostile=False))
    silent = pc.field("account_id").isin(["account-000-00002", "account-001-00003"])
    for name in ("links", "activity"):
        snapshot.held[name] = snapshot.table(name).filter(silent.is_null() | ~silent)
    assert snapshot.narrow("C000").links["account_id"].nunique() == 5
    assert snapshot.narrow("C001").activity["account_id"].nunique() == 3


def test_of_nothing_everyones_hours_are_left():
    narrow = hold_tables(empty_snapshot()).narrow("nowhere")
    assert [len(narrow.table(name)) for name in ("accounts", "links", "evidence")] == [0, 0, 0]
    assert narrow.activity["account_id"].isna().all()
