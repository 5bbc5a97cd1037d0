from datetime import date

import numpy as np
import pandas as pd
import pytest

from graphkit.errors import UsageError
from graphkit.show.alluvial import MOST_CLUSTERS, OTHERS, arrange_changes
from graphkit.show.changes import plot_changes
from graphkit.show.theme import BOX_HEIGHT, BOX_WIDTH
from graphkit.snapshot import build_snapshot
from graphkit.tables import TABLES
from tests.past_world import follow, id_of, words
from tests.show_world import FIRST, LAST, _to_arrow, make_snapshot

CONTENT = {name: make_snapshot(()).content[name] for name in ("config", "key_fingerprint", "parent", "population")}


def snapshot_of(day, **clusters):
    """A snapshot in which each cluster has the accounts of a text, a letter each; the first scores best."""
    members = [(account, name) for name, accounts in clusters.items() for account in accounts]
    accounts = pd.DataFrame(members, columns=["account_id", "cluster_id"]).assign(
        tier="core", strength=20.0, likeness=0.0, n_partners=2.0, n_events=4, first_seen=FIRST, last_seen=LAST
    )
    accounts = accounts.assign(
        created_at=pd.NaT, stability=1.0, kinds=[["ip"]] * len(members), reasons=[[]] * len(members)
    )
    rows = [
        {"cluster_id": name, "n_accounts": len(accounts), "n_core": 1, "score": 0.9 - 0.01 * i, "binding": ""}
        for i, (name, accounts) in enumerate(clusters.items())
    ]
    shown = pd.DataFrame(rows).assign(stability=1.0, n_events=9, first_seen=FIRST, last_seen=LAST)
    shown = shown.assign(**dict.fromkeys(set(TABLES["clusters"].schema().names) - set(shown.columns)))
    tables = {"accounts": _to_arrow("accounts", accounts), "clusters": _to_arrow("clusters", shown)}
    return build_snapshot(tables, as_of=date.fromisoformat(day), content=CONTENT, run={})


def flows_of(*snapshots):
    flows = arrange_changes(snapshots).flows
    return {(row["source"], row["target"], row["change"]): row["n_accounts"] for row in flows.to_dict("records")}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"A": "abcd"}, {"A": "abcd"}, {("A", "A", "kept"): 4}),
        ({"A": "abcd"}, {"A": "abcdefg"}, {("A", "A", "growth"): 4, (None, "A", "joined"): 3}),
        ({"A": "abcdefgh"}, {"A": "abc"}, {("A", "A", "kept"): 3, ("A", None, "left"): 5}),
        ({"A": "abcd", "B": "xyz"}, {"A": "abcdxyz"}, {("A", "A", "growth"): 4, ("B", "A", "merge"): 3}),
        ({"A": "abcdefg"}, {"A": "abcd", "B": "efg"}, {("A", "A", "kept"): 4, ("A", "B", "split"): 3}),
        ({"A": "abcd"}, {"Z": "abcd"}, {("A", "Z", "kept"): 4}),
        (
            {"A": "abcdefg"},
            {"A": "abcdef", "B": "gxyz"},
            {("A", "A", "kept"): 6, ("A", "B", "moved"): 1, (None, "B", "birth"): 3},
        ),
        ({"A": "abc"}, {"B": "xyz"}, {("A", None, "death"): 3, (None, "B", "birth"): 3}),
    ],
)
def test_each_way_of_change_has_its_name(before, after, expected):
    flows = flows_of(snapshot_of("2026-05-01", **before), snapshot_of("2026-05-08", **after))
    assert {tuple(None if pd.isna(end) else end for end in key): n for key, n in flows.items()} == expected


def test_bands_fill_their_bars_and_bars_share_a_scale():
    first = snapshot_of("2026-05-01", A="abcdefgh", B="ijkl", C="mno")
    second = snapshot_of("2026-05-08", A="abcdefijkl", C="mnopq", D="gh")
    alluvial = arrange_changes([first, second])
    nodes, flows = alluvial.nodes, alluvial.flows
    heights = (nodes["top"] - nodes["bottom"]) / nodes["n_accounts"]
    assert np.ptp(heights) < 1e-9
    for side, column in (("source", 0), ("target", 1)):
        filled = (flows[f"{side}_top"] - flows[f"{side}_bottom"]).groupby(flows[side]).sum()
        here = nodes[nodes["column"] == column].set_index("cluster_id")
        assert filled.to_dict() == pytest.approx((here["top"] - here["bottom"]).to_dict())
    tops = nodes[nodes["column"] == 0].sort_values("top", ascending=False)
    assert (tops["bottom"].to_numpy()[:-1] > tops["top"].to_numpy()[1:]).all()


def test_what_split_off_stands_below_what_it_left():
    first = snapshot_of("2026-05-01", A="abcdefgh", B="ijkl")
    second = snapshot_of("2026-05-08", A="abcde", B="ijkl", New="fgh")
    nodes = arrange_changes([first, second]).nodes
    column = nodes[nodes["column"] == 1].sort_values("top", ascending=False)
    assert column["cluster_id"].tolist() == ["A", "New", "B"]


def test_order_of_snapshots_does_not_matter_and_bytes_are_the_same():
    days = [snapshot_of(f"2026-05-0{n}", A="abcdefgh"[: n + 2], B="xyz") for n in (1, 2, 3)]
    figure = plot_changes(days[::-1])
    assert figure.to_json() == plot_changes(days).to_json()
    heads = [note.text.split("</b>")[0] for note in figure.layout.annotations[:3]]
    assert heads == ["<b>2026-05-01", "<b>2026-05-02", "<b>2026-05-03"]
    dark = plot_changes(days, mode="dark")
    assert [trace.x for trace in dark.data] == [trace.x for trace in figure.data]
    assert dark.layout.paper_bgcolor == "#11161d"


def test_the_other_clusters_are_one_and_are_counted():
    sizes = (12_500, 4000, *range(60, 20, -1))
    first = make_snapshot(sizes, kinds={"ip": {}}, hostile=False)
    second = make_snapshot((*sizes, 7), kinds={"ip": {}}, hostile=False)
    alluvial = arrange_changes([first, second])
    assert alluvial.nodes.groupby("column").size().max() == MOST_CLUSTERS + 1
    assert OTHERS in set(alluvial.nodes["cluster_id"])
    figure = plot_changes([first, second])
    assert f"the {MOST_CLUSTERS} clusters of best score one by one, {len(sizes) + 1 - MOST_CLUSTERS} more together" in (
        figure.layout.title.subtitle.text
    )
    for trace in figure.data:
        assert all(x is None or abs(x) <= BOX_WIDTH / 2 for x in trace.x)
    assert alluvial.nodes["bottom"].min() >= -BOX_HEIGHT / 2
    assert len(figure.to_json()) < 80_000


def test_one_snapshot_and_none_with_a_cluster_say_so():
    figure = plot_changes([snapshot_of("2026-05-01", A="abc")])
    assert "a second snapshot shows what changes" in figure.layout.title.subtitle.text
    assert (
        "No snapshot has a cluster" in plot_changes([make_snapshot(()), make_snapshot(())]).layout.annotations[0].text
    )
    appeared = plot_changes([make_snapshot(()), snapshot_of("2026-05-20", A="abcdefg")])
    assert "+7" in [note.text for note in appeared.layout.annotations]


def test_hostile_ids_stay_words():
    name = "<b>x</b>$y$"
    figure = plot_changes([snapshot_of("2026-05-01", **{name: "abc"}), snapshot_of("2026-05-02", **{name: "ab"})])
    texts = [note.text for note in figure.layout.annotations]
    texts += [text for trace in figure.data for text in trace.customdata or ()]
    assert any("&lt;b&gt;x" in text for text in texts)
    assert not [text for text in texts if "<b>x" in text or "$" in text]


@pytest.mark.parametrize("n", [0, 9])
def test_too_few_and_too_many_snapshots_are_refused(n):
    with pytest.raises(UsageError, match="give 1 to 8"):
        plot_changes([snapshot_of("2026-05-01", A="abc")] * n)


def test_bands_tell_the_events_of_the_lineage():
    a, b = words("a", 0, 20), words("b", 0, 12)
    days = follow([a, b], [f"{a} {b}"], [a, b], [a], [a, b + " n00"])
    big, small = (id_of(days[0], name) for name in ("a00", "b00"))
    flows = arrange_changes(days).flows.to_dict("records")
    told = {(row["column"], row["change"]): (row["source"], row["target"], row["n_accounts"]) for row in flows}
    assert told[0, "merge"] == (small, big, 12)
    assert told[0, "growth"] == (big, big, 20)
    assert told[1, "split"] == (big, small, 12)
    assert told[2, "death"][0::2] == (small, 12)
    assert told[3, "resurrection"][1:] == (small, 13)
    figure = plot_changes(days)
    texts = [note.text for note in figure.layout.annotations]
    for word in (" · merged", " · split", " · ended", " · back"):
        assert sum(word in text for text in texts) == 1, word
    legend = {trace.name.split(" (")[0] for trace in figure.data if trace.name}
    assert legend >= {"Merged", "Split off", "Cluster came back", "Cluster ended"}
    gap = arrange_changes([days[0], days[3]]).flows  # not the parent: matched as diff_snapshots does
    assert gap.set_index("source")["change"].to_dict() == {big: "kept", small: "death"}
