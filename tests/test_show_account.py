import json

import numpy as np
import pyarrow.compute as pc
import pytest

from graphkit.errors import UsageError
from graphkit.show.account import plot_account
from graphkit.show.footprint import MOST_ENTITIES, MOST_OTHERS, arrange_footprint
from graphkit.show.theme import BOX_HEIGHT, BOX_WIDTH
from graphkit.snapshot import build_snapshot
from tests.show_world import HOSTILE, make_snapshot, raw_identifiers

NINE = {f"kind_{i}": {} for i in range(9)}


def subtitle(figure):
    return figure.layout.title.subtitle.text.replace("<br>", " ")


def named(figure, start):
    return next(trace for trace in figure.data if (trace.name or "").startswith(start))


def partners_by_hand(snapshot, account_id):
    """How many entities each other account shares with one."""
    links = snapshot.links
    own = links.loc[links["account_id"] == account_id, ["kind", "entity"]]
    met = links[links["account_id"] != account_id].merge(own, on=["kind", "entity"])
    return met.groupby("account_id").size()


@pytest.mark.parametrize("size", [2, 3, 100])
@pytest.mark.parametrize("kinds", [{"ip": {}}, None, NINE])
def test_everybody_who_shares_is_drawn_or_counted(size, kinds):
    snapshot = make_snapshot((6, size), kinds=kinds, hostile=False)
    footprint = arrange_footprint(snapshot, "account-001-00000")
    shared = partners_by_hand(snapshot, "account-001-00000")
    assert footprint.n_others == len(shared)
    assert footprint.n_sharing_two == (shared >= 2).sum()
    assert footprint.others.set_index("account_id")["n_shared"].to_dict().items() <= shared.to_dict().items()
    assert len(footprint.others) == min(len(shared), MOST_OTHERS)
    figure = plot_account(snapshot, "account-001-00000")
    assert subtitle(figure).count("share") >= 1
    marks = [trace for trace in figure.data if trace.mode != "lines"]
    assert all(abs(x) <= BOX_WIDTH / 2 for trace in marks for x in trace.x)
    assert all(abs(y) <= BOX_HEIGHT / 2 for trace in marks for y in trace.y)


def test_each_kind_is_drawn_and_the_rest_is_said():
    snapshot = make_snapshot((30,), kinds=NINE, hostile=False)
    footprint = arrange_footprint(snapshot, "account-000-00000")
    assert set(footprint.entities["kind"]) == set(footprint.n_entities)
    assert len(footprint.entities) <= MOST_ENTITIES
    total = sum(footprint.n_entities.values())
    assert f"12 most telling of {total} shared entities" in subtitle(plot_account(snapshot, "account-000-00000"))


def test_the_strongest_are_drawn_and_the_others_counted():
    snapshot = make_snapshot((25_000,), pool=40, kinds={"ip": {}, "url": {}}, population=400_000, hostile=False)
    figure = plot_account(snapshot, "account-000-00003")
    shared = partners_by_hand(snapshot, "account-000-00003")
    assert len(named(figure, "In its cluster").x) == MOST_OTHERS
    assert f"the {len(shared) - MOST_OTHERS:,} accounts that share least with it" in subtitle(figure)
    assert sorted(map(int, named(figure, "In its cluster").text)) == sorted(shared.nlargest(MOST_OTHERS))
    assert len(figure.to_json()) < 40_000


def test_filled_accounts_are_in_its_cluster_and_open_ones_are_not():
    kinds = {"ip": {}, "url": {}}
    snapshot = make_snapshot((6, 5, 4), kinds=kinds, population=100_000, hostile=False)
    figure = plot_account(snapshot, "account-001-00000")
    inside, outside = named(figure, "In its cluster"), named(figure, "Other accounts")
    assert len(inside.x) == 4
    assert any("account-002" in text for text in outside.customdata)
    assert inside.marker.color != outside.marker.color == figure.layout.paper_bgcolor


def test_an_account_in_no_cluster_shares_with_others_only():
    whole = make_snapshot((6, 5), kinds={"ip": {}}, population=100_000, hostile=False)
    tables = {name: whole.table(name) for name in whole.content["tables"]}
    tables["accounts"] = tables["accounts"].filter(pc.field("cluster_id") != "C001")
    parts = ("config", "key_fingerprint", "parent", "population", "resolved")
    content = {name: whole.content[name] for name in parts}
    figure = plot_account(build_snapshot(tables, as_of=whole.as_of, content=content, run={}), "account-001-00000")
    assert "cluster" not in subtitle(figure)
    assert named(figure, "Other accounts").showlegend
    assert not named(figure, "In its cluster").showlegend
    assert any("in no cluster" in text for trace in figure.data for text in trace.customdata or ())


def test_what_is_too_common_is_counted_alone():
    snapshot = make_snapshot((12, 6), kinds={"ip": {}, "url": {}}, population=20, hostile=False)
    footprint = arrange_footprint(snapshot, "account-001-00000")
    n_used = (snapshot.links["account_id"] == "account-001-00000").sum()
    assert footprint.n_weightless == n_used
    assert (len(footprint.entities), footprint.n_others) == (0, 0)
    figure = plot_account(snapshot, "account-001-00000")
    assert f"{n_used} entities too common to weigh" in subtitle(figure)
    assert "too common to weigh" in figure.layout.annotations[-1].text


def test_accounts_stand_apart_and_toward_what_they_use():
    footprint = arrange_footprint(make_snapshot((40,), hostile=False), "account-000-00001")
    xy = footprint.others[["x", "y"]].to_numpy()
    gaps = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
    assert gaps[~np.eye(len(xy), dtype=bool)].min() > 40
    used = footprint.entities[["x", "y"]].to_numpy()
    toward = [xy[i] @ used[uses].mean(axis=0) for i, uses in enumerate(footprint.others["entities"]) if uses]
    assert np.mean(np.array(toward) > 0) > 0.8


def test_labels_are_inert_and_masked_ones_hold_no_identifier():
    snapshot = make_snapshot((40,))
    figure = plot_account(snapshot, HOSTILE[0])
    assert "&lt;script&gt;" in figure.layout.title.text
    texts = [note.text for note in figure.layout.annotations]
    texts += [text for trace in figure.data for text in trace.customdata or ()]
    for text in texts:
        bare = text.replace("<b>", "").replace("</b>", "").replace("<br>", "").replace("</span>", "")
        bare = bare.replace("<span style='color:#5b6675'>", "")
        assert not set("<>$\u202e") & set(bare), text
    plain = make_snapshot((40,), hostile=False)
    masked = json.dumps(plot_account(plain, "account-000-00000", reveal=False).to_json())
    assert not [name for name in raw_identifiers(plain) if name in masked]


def test_modes_share_positions_and_unknown_accounts_are_answered_with_near_ids():
    snapshot = make_snapshot((40, 9), hostile=False)
    light, dark = (plot_account(snapshot, "account-000-00001", mode=mode) for mode in ("light", "dark"))
    assert [trace.x for trace in light.data] == [trace.x for trace in dark.data]
    assert light.to_json() == plot_account(make_snapshot((40, 9), hostile=False), "account-000-00001").to_json()
    with pytest.raises(UsageError, match="account-000-00001"):
        plot_account(snapshot, "account-000-00001 ")
