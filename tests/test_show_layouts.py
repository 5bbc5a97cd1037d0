import numpy as np
import pandas as pd
import pytest

from graphkit.show.layouts import choose_clusters, cross_links, overview_layout, separate_discs
from graphkit.show.overview import strongest_links, width_classes
from graphkit.show.theme import BOX_HEIGHT, BOX_WIDTH
from graphkit.tables import TABLES

CLUSTERS = pd.DataFrame({"cluster_id": ["A", "B", "C", "D"], "n_accounts": [40, 20, 10, 4]})
# A and B share two addresses, of 6 and 4 bits; A and C share an agent of 2 bits; D is too small to be drawn.
EVIDENCE = pd.DataFrame(
    [
        ("A", "ip", "x", 0.5, 32.0),
        ("B", "ip", "x", 1.0, 64.0),
        ("A", "ip", "y", 0.25, 4.0),
        ("B", "ip", "y", 0.5, 8.0),
        ("A", "user_agent", "x", 1.0, 4.0),
        ("C", "user_agent", "x", 0.5, 2.0),
        ("D", "ip", "x", 1.0, 64.0),
        ("C", "ip", "alone", 1.0, 99.0),
    ],
    columns=["cluster_id", "kind", "entity", "coverage", "lift"],
)


def many_clusters(n, *, seed=0):
    random = np.random.default_rng(seed)
    sizes = random.zipf(1.6, n).clip(5, 20_000)
    clusters = pd.DataFrame({"cluster_id": [f"c{i:04d}" for i in range(n)], "n_accounts": sizes})
    ends = random.integers(0, n, (3 * n, 2))
    rows = [(f"c{c:04d}", "ip", f"e{e}", 0.2, 50.0) for e, pair in enumerate(ends) for c in sorted(set(pair))]
    return clusters, pd.DataFrame(rows, columns=EVIDENCE.columns)


def test_cross_links_count_entities_and_expect_bits():
    links = cross_links(choose_clusters(CLUSTERS), EVIDENCE)
    assert links[["a", "b", "n_shared"]].to_numpy().tolist() == [[0, 1, 2], [0, 2, 1]]
    assert links["bits"].tolist() == pytest.approx([6 * 0.5 * 1.0 + 4 * 0.25 * 0.5, 2 * 1.0 * 0.5])


def test_each_cluster_keeps_its_three_strongest_links():
    star = pd.DataFrame({"a": 0, "b": range(1, 6), "n_shared": 1, "bits": [5.0, 4, 3, 2, 1]})
    chain = pd.DataFrame({"a": [1], "b": [2], "n_shared": [9], "bits": [0.5]})
    kept = strongest_links(pd.concat([star, chain]))
    assert kept[["a", "b"]].to_numpy().tolist() == [[0, 1], [0, 2], [0, 3], [0, 4], [0, 5], [1, 2]]
    hub = pd.DataFrame(
        {"a": [0, 0, 0, 0, 1, 2, 3], "b": [1, 2, 3, 4, 4, 4, 4], "n_shared": 1, "bits": [9.0, 9, 9, 1, 5, 5, 5]}
    )
    assert [0, 4] not in strongest_links(hub)[["a", "b"]].to_numpy().tolist()


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([], []),
        ([1, 1, 1], [(1, 1)]),
        ([1, 3, 6], [(1, 1), (2, 3), (4, 6)]),
        ([8, 1], [(1, 1), (2, 3), (4, 8)]),
        ([5, 6], [(5, 5), (6, 6)]),
    ],
)
def test_width_classes_cover_all(numbers, expected):
    assert width_classes(numbers) == expected


@pytest.mark.parametrize("n", [0, 1, 2, 3, 60, 400, 401, 2000])
def test_discs_stay_inside_and_apart(n):
    clusters, evidence = many_clusters(n)
    layout = overview_layout(clusters, evidence, seed=0).to_pandas()
    x, y, r = (layout[name].to_numpy() for name in ("x", "y", "size"))
    assert len(layout) == n
    assert (abs(x) + r <= BOX_WIDTH / 2 + 0.1).all()
    assert (abs(y) + r <= BOX_HEIGHT / 2 + 0.1).all()
    apart = np.hypot(x[:, None] - x, y[:, None] - y) - (r[:, None] + r)
    assert (apart[np.triu_indices(n, 1)] > -0.5).all()


def test_layout_is_the_same_for_any_row_order_and_differs_by_seed():
    clusters, evidence = many_clusters(50)
    first = overview_layout(clusters, evidence, seed=3)
    assert first.schema == TABLES["layout"].schema()
    for i in range(3):
        again = overview_layout(
            clusters.sample(frac=1, random_state=i), evidence.sample(frac=1, random_state=i), seed=3
        )
        assert again.equals(first)


def test_only_the_5000_largest_of_five_accounts_or_more_are_laid_out():
    clusters, evidence = many_clusters(5050)
    clusters.loc[:9, "n_accounts"] = 4
    layout = overview_layout(clusters, evidence, seed=0).to_pandas()
    assert len(layout) == 5000
    assert not set(layout["name"]) & set(clusters["cluster_id"][:10])
    left_out = clusters[10:][~clusters["cluster_id"][10:].isin(layout["name"])]
    assert left_out["n_accounts"].max() <= clusters[clusters["cluster_id"].isin(layout["name"])]["n_accounts"].min()


def test_of_many_the_small_ones_stand_beside_what_they_share_most_with():
    sizes = [*range(900, 500, -1), *[5] * 200]
    clusters = pd.DataFrame({"cluster_id": [f"c{i:03d}" for i in range(600)], "n_accounts": sizes})
    pairs = [(7, c) if c % 2 else (30, c) for c in range(400, 600)]
    rows = [(f"c{c:03d}", "ip", f"e{e}", 0.5, 50.0) for e, pair in enumerate(pairs) for c in pair]
    evidence = pd.DataFrame(rows, columns=EVIDENCE.columns)
    links = cross_links(choose_clusters(clusters), evidence)
    assert links[["a", "b"]].to_numpy().tolist() == sorted(map(list, pairs))
    at = overview_layout(clusters, evidence, seed=0).to_pandas().set_index("name")[["x", "y"]]
    hubs = at.loc[["c007", "c030"]].to_numpy()
    small = at.loc[[f"c{c:03d}" for c in range(400, 600)]].to_numpy()
    nearer = np.argmin(np.linalg.norm(small[:, None] - hubs, axis=2), axis=1)
    assert (nearer == [0 if c % 2 else 1 for c in range(400, 600)]).mean() > 0.9


def test_discs_that_coincide_part_the_same_way_each_time():
    start, radii = np.zeros((7, 2)), np.array([9.0, 5, 5, 5, 3, 3, 3])
    xy = separate_discs(start, radii)
    apart = np.hypot(*(xy[:, None] - xy).transpose(2, 0, 1)) - (radii[:, None] + radii)
    assert (apart[np.triu_indices(7, 1)] > -0.01).all()
    assert (start == 0).all()
    assert np.array_equal(xy, separate_discs(start, radii))
