import json
import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from graphkit.show.cluster import plot_cluster
from graphkit.show.labels import TIMES
from graphkit.show.ring import MOST_EDGES, MOST_GROUPS, arrange_rings, choose_hubs
from graphkit.show.theme import BOX_HEIGHT, BOX_WIDTH
from tests.show_world import make_snapshot, raw_identifiers

NINE = {f"kind_{i}": {} for i in range(9)}


def accounts_of(figure):
    return next(trace for trace in figure.data if (trace.name or "").startswith("Accounts"))


def written_in(figure):
    return next(trace.text or () for trace in figure.data if trace.mode == "text")


def subtitle(figure):
    return figure.layout.title.subtitle.text.replace("<br>", " ")


def evidence_of(rows):
    frame = pd.DataFrame(rows, columns=["kind", "entity", "n_inside", "n_outside", "coverage", "lift"])
    return frame.assign(cluster_id="c")


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize("kinds", [{"ip": {}}, None, NINE])
def test_every_account_is_drawn_or_counted(size, kinds):
    snapshot = make_snapshot((size, 6), kinds=kinds)
    ring = arrange_rings(snapshot, ["C000"])["C000"]
    assert ring.n_accounts == size
    assert int(ring.groups["n_accounts"].sum()) + ring.n_unconnected == size
    assert len(ring.hubs) <= max(18, 2 * len(snapshot.config.kinds))
    figure = plot_cluster(snapshot, "C000")
    assert all(abs(x) <= BOX_WIDTH / 2 for trace in figure.data for x in trace.x or ())
    assert all(abs(y) <= BOX_HEIGHT / 2 for trace in figure.data for y in trace.y or ())
    assert subtitle(figure).startswith(f"{size} account")


def test_hubs_are_the_most_telling_and_at_least_two_of_each_kind():
    strong = [("ip", f"strong{i:02d}", 90, 0, 0.9, 100.0) for i in range(30)]
    weak = [("user_agent", f"weak{i}", 2 + i, 900, 0.02, 1.5) for i in range(3)]
    hubs = choose_hubs(evidence_of([*strong, *weak]), population=1000)
    assert hubs["kind"].value_counts().to_dict() == {"ip": 16, "user_agent": 2}
    assert set(hubs.loc[hubs["kind"] == "user_agent", "entity"]) == {"weak1", "weak2"}
    common = [("ip", "everybody", 95, 100_000, 0.95, 1.0)]
    assert "everybody" not in set(choose_hubs(evidence_of([*strong, *common]), population=100_095)["entity"])


def test_accounts_with_identical_links_are_one_bubble():
    snapshot = make_snapshot((60,), kinds={"ip": {}}, pool=2, hostile=False)
    links = snapshot.links
    signatures = links.groupby("account_id")["entity"].agg(lambda used: tuple(sorted(used))).value_counts()
    figure = plot_cluster(snapshot, "C000")
    assert len(accounts_of(figure).x) == len(signatures)
    assert sorted(written_in(figure)) == sorted(f"{TIMES}{n}" for n in signatures if n > 1)


def test_accounts_stand_nearer_to_the_rarer_entity():
    snapshot = make_snapshot((40,), kinds={"ip": {}, "user_agent": {}}, hostile=False)
    ring = arrange_rings(snapshot, ["C000"])["C000"]
    hubs, groups = ring.hubs, ring.groups
    for _, group in groups[groups["n_hubs"] == 1].iterrows():
        hub = hubs.iloc[int(group["hubs"]).bit_length() - 1]
        distance = np.hypot(hubs["x"] - group["x"], hubs["y"] - group["y"])
        assert distance.idxmin() == hub.name


def test_a_cluster_of_25000_accounts_is_capped_and_says_so():
    snapshot = make_snapshot((25_000,), pool=40)
    figure = plot_cluster(snapshot, "C000")
    ring = arrange_rings(snapshot, ["C000"])["C000"]
    assert len(accounts_of(figure).x) == len(ring.groups) <= MOST_GROUPS
    n_edges = sum(shape.path.count("M") for shape in figure.layout.shapes)
    assert len(figure.layout.shapes) < 100, "a browser styles each by itself"
    assert 0 < n_edges == ring.groups["n_hubs"].sum() <= MOST_EDGES
    left_out = 25_000 - ring.n_unconnected - ring.groups["n_accounts"].sum()
    assert f"{left_out:,} accounts in {ring.n_groups - MOST_GROUPS:,} smaller groups" in subtitle(figure)
    assert len(figure.to_json()) < 250_000


def test_labels_are_inert_and_short():
    figure = plot_cluster(make_snapshot((40,)), "C000")
    texts = [note.text for note in figure.layout.annotations]
    texts += [text for trace in figure.data for text in trace.customdata or ()]
    assert any("&lt;script&gt;" in text for text in texts)
    for text in texts:
        bare = text.replace("<b>", "").replace("</b>", "").replace("<br>", "").replace("</span>", "")
        bare = bare.replace("<span style='color:#5b6675'>", "")
        assert not set("<>$\u202e") & set(bare), text
    assert all(len(note.text) < 200 for note in figure.layout.annotations)


def test_masking_leaves_no_raw_identifier():
    snapshot = make_snapshot((40,), hostile=False)
    masked = json.dumps(plot_cluster(snapshot, "C000", reveal=False).to_json())
    shown = json.dumps(plot_cluster(snapshot, "C000", reveal=True).to_json())
    assert not [name for name in raw_identifiers(snapshot) if name in masked]
    assert any(name in shown for name in raw_identifiers(snapshot))


@pytest.mark.parametrize("sizes", [(40, 12, 6), (100, 40), (12, 6)])
@pytest.mark.parametrize("kinds", [{"payment_instrument": {}}, None, NINE])
def test_labels_above_and_below_do_not_meet(sizes, kinds):
    figure = plot_cluster(make_snapshot(sizes, kinds=kinds, hostile=False), "C000")
    labels = [label for label in figure.layout.annotations if label.xanchor == "center"]
    widths = [0.6 * label.font.size * len(re.sub("<.*?>", "", label.text)) for label in labels]
    spans = sorted(
        (label.y, label.x - wide / 2, label.x + wide / 2) for label, wide in zip(labels, widths, strict=True)
    )
    assert spans
    assert not [(a, b) for a, b in pairwise(spans) if a[0] == b[0] and a[2] > b[1]]
