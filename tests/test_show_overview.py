from dataclasses import replace

import plotly.graph_objects as go
import pytest

from graphkit.errors import UsageError
from graphkit.show.overview import BUBBLES, MOST_CURVES, arrange_overview, draw_overview, plot_overview
from graphkit.snapshot import Snapshot
from tests.show_world import empty_snapshot, make_snapshot


def bubbles(figure):
    return figure.data[BUBBLES]


def subtitle(figure):
    return figure.layout.title.subtitle.text.replace("<br>", " ")


@pytest.mark.parametrize(
    ("sizes", "n_drawn", "expected"),
    [
        ((40, 12, 6, 3), 3, "3 clusters of 5 accounts or more · 1 smaller cluster not drawn"),
        ((5,), 1, "1 cluster of 5 accounts or more · area"),
        ((7, 7), 2, "2 clusters of 5 accounts or more · area"),
        ((6,) * 405, 405, "405 clusters of 5 accounts or more · area"),
    ],
)
def test_a_bubble_per_cluster_and_the_rest_is_counted(sizes, n_drawn, expected):
    figure = plot_overview(make_snapshot(sizes, kinds={"ip": {}}, hostile=False))
    assert len(bubbles(figure).x) == n_drawn
    assert subtitle(figure).startswith(expected)


@pytest.mark.parametrize(("sizes", "expected"), [((), "there is no cluster"), ((3, 4), "No cluster has 5 accounts")])
def test_nothing_to_draw_is_said(sizes, expected):
    figure = plot_overview(make_snapshot(sizes))
    assert not figure.data
    assert expected in figure.layout.annotations[0].text


def test_area_follows_accounts_and_color_the_score():
    snapshot = make_snapshot((400, 100, 25))
    placed = {text.split("</b>")[0]: i for i, text in enumerate(bubbles(plot_overview(snapshot)).customdata)}
    marker = bubbles(plot_overview(snapshot)).marker
    size = [marker.size[placed[f"<b>C00{c}"]] for c in range(3)]
    assert size[0] / size[1] == pytest.approx(2, rel=0.02)
    assert size[1] / size[2] == pytest.approx(2, rel=0.02)
    scores = snapshot.clusters.set_index("cluster_id")["score"]
    assert [marker.color[placed[f"<b>C00{c}"]] for c in range(3)] == [scores[f"C00{c}"] for c in range(3)]
    assert marker.opacity == 1


def test_id_and_size_stand_inside_where_they_fit():
    letters = plot_overview(make_snapshot((4000, 60, 5))).data[-1]
    assert letters.text[0] == "<b>C000</b><br>4,000"
    assert len(letters.text) == 2
    assert letters.hoverinfo == "skip"


def draw(overview):
    return go.Figure(draw_overview(overview, mode="light"))


def test_what_is_left_out_of_many_is_said():
    snapshot = make_snapshot((*range(60, 10, -1), *(5,) * 900), kinds={"ip": {}}, hostile=False)
    overview = arrange_overview(snapshot, most=400)
    assert "950 clusters of 5 accounts or more, the 400 largest drawn" in subtitle(draw(overview))
    some = replace(overview, links=overview.links.head(9), n_links=30)
    assert "21 weaker ones not drawn" in subtitle(draw(some))
    every = arrange_overview(snapshot)
    assert len(every.placed) == 950
    assert len(every.links) <= MOST_CURVES
    texts = bubbles(draw(every)).customdata
    assert "share few" in texts[0], "large ones say what binds them"
    assert sum("share few" in text for text in texts) < 900


def test_positions_come_from_the_snapshot_and_a_missing_layout_is_made():
    snapshot = make_snapshot((30, 20, 10))
    stored = snapshot.layout.set_index("name")
    assert list(bubbles(plot_overview(snapshot)).x) == stored.loc[["C000", "C001", "C002"], "x"].tolist()
    hollow = {name: snapshot.table(name) for name in ("clusters", "evidence")}
    assert plot_overview(without_layout(snapshot, hollow)) == plot_overview(snapshot)


def without_layout(snapshot, tables):
    from graphkit.snapshot import build_snapshot

    content = {
        name: snapshot.content[name] for name in ("config", "key_fingerprint", "parent", "population", "resolved")
    }
    return build_snapshot(tables, as_of=snapshot.as_of, content=content, run={})


def test_hover_shows_hostile_words_as_words():
    texts = bubbles(plot_overview(make_snapshot((30, 20)))).customdata
    assert all("&lt;b&gt;addresses&lt;/b&gt;" in text and "<b>addresses" not in text for text in texts)


def test_modes_differ_in_color_alone():
    snapshot = make_snapshot((30, 20, 10))
    light, dark = plot_overview(snapshot), plot_overview(snapshot, mode="dark")
    assert light.layout.paper_bgcolor == "#ffffff"
    assert dark.layout.paper_bgcolor == "#11161d"
    assert [trace.x for trace in light.data] == [trace.x for trace in dark.data]
    with pytest.raises(UsageError):
        plot_overview(snapshot, mode="sepia")


def test_same_snapshot_same_bytes():
    first, again = make_snapshot((30, 20, 10)), make_snapshot((30, 20, 10))
    assert isinstance(first, Snapshot)
    assert plot_overview(first).to_json() == plot_overview(again).to_json()
    assert plot_overview(empty_snapshot()).to_json()
