import json

import numpy as np
import pytest

from graphkit.show.evidence import plot_evidence
from graphkit.show.matrix import MOST_ACCOUNTS, MOST_ENTITIES, arrange_matrices, order_rows
from graphkit.show.theme import BOX_HEIGHT, BOX_WIDTH
from tests.show_world import make_snapshot, raw_identifiers

NINE = {f"kind_{i}": {} for i in range(9)}


def matrix_of(snapshot, cluster_id="C000"):
    return arrange_matrices(snapshot, [cluster_id])[cluster_id]


def subtitle(figure):
    return figure.layout.title.subtitle.text.replace("<br>", " ")


def cells(figure):
    """The heatmaps of uses; those of the ground tell nothing at the pointer."""
    return [trace for trace in figure.data if trace.type == "heatmap" and trace.hoverinfo != "skip"]


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize("kinds", [{"ip": {}}, None, NINE])
def test_every_use_is_a_cell(size, kinds):
    snapshot = make_snapshot((size, 6), kinds=kinds, hostile=False)
    matrix, figure = matrix_of(snapshot), plot_evidence(snapshot, "C000")
    links = snapshot.links
    inside = links[links["account_id"].isin(matrix.accounts)].merge(matrix.entities, on=["kind", "entity"])
    assert (matrix.n_events >= 0).sum() == len(inside)
    assert matrix.n_unconnected == size - len(matrix.accounts)
    assert sum(value is not None for trace in cells(figure) for row in trace.z for value in row) == len(inside)
    for trace in figure.data:
        assert all(abs(x) <= BOX_WIDTH / 2 + 0.1 for x in trace.x)
        assert all(abs(y) <= BOX_HEIGHT / 2 for y in trace.y)
    assert subtitle(figure).startswith(f"{size} account")


def test_columns_stand_by_kind_and_coverage_two_a_kind_at_least():
    snapshot = make_snapshot((400,), kinds=NINE, pool=30, hostile=False)
    columns = matrix_of(snapshot).entities
    assert len(columns) == MOST_ENTITIES
    assert columns["kind"].tolist() == sorted(columns["kind"])
    assert columns["kind"].value_counts().min() >= 2
    assert all(part["n_inside"].is_monotonic_decreasing for _, part in columns.groupby("kind"))


def test_alike_rows_are_neighbors():
    teams = np.repeat(np.eye(3, dtype=bool), 4, axis=1).T  # rows 0 to 3 use the first thing, and so on
    mixed = np.random.default_rng(1).permutation(12)
    order = order_rows(np.hstack([teams, np.ones((12, 1), dtype=bool)])[mixed], np.array([9.0, 8.0, 7.0, 1.0]))
    seen = (mixed // 4)[order]
    assert (np.diff(seen) != 0).sum() == 2


def test_what_the_accounts_file_says_is_a_use_without_events():
    snapshot = make_snapshot((6,), kinds={"ip": {}, "url": {}}, n_events={"url": 0}, hostile=False)
    first, second = cells(plot_evidence(snapshot, "C000"))
    assert "events" in first.hovertemplate
    assert "events" not in second.hovertemplate
    assert any(value == 0 for row in second.z for value in row)


def test_a_cluster_of_25000_accounts_is_drawn_in_part_and_says_so():
    snapshot = make_snapshot((25_000,), kinds={"ip": {}}, pool=400)
    matrix, figure = matrix_of(snapshot), plot_evidence(snapshot, "C000")
    assert len(matrix.accounts) == MOST_ACCOUNTS
    left_out = 25_000 - matrix.n_unconnected - MOST_ACCOUNTS
    assert f"not drawn: {left_out:,} accounts (rows are picked at random)" in subtitle(figure)
    assert f"and {matrix.n_unconnected:,} accounts that use none of these" in subtitle(figure)
    assert len(figure.to_json()) < 110_000


def test_nothing_to_draw_is_said():
    figure = plot_evidence(make_snapshot((1, 6), hostile=False), "C000")
    assert not figure.data
    assert "No entity" in figure.layout.annotations[0].text


def test_labels_are_inert_and_masked_ones_hold_no_identifier():
    figure = plot_evidence(make_snapshot((40,)), "C000")
    texts = [note.text for note in figure.layout.annotations]
    texts += [text for trace in figure.data for text in getattr(trace, "text", None) or ()]
    texts += [*figure.layout.xaxis.ticktext, *figure.layout.yaxis.ticktext]
    assert any("&lt;script&gt;" in text for text in texts)
    assert not [text for text in texts if set("<>$\u202e") & set(text)]
    assert max(map(len, texts)) < 200
    plain = make_snapshot((40,), hostile=False)
    masked = json.dumps(plot_evidence(plain, "C000", reveal=False).to_json())
    assert not [name for name in raw_identifiers(plain) if name in masked]
