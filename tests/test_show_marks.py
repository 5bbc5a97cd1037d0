import re

import numpy as np
import pytest

from graphkit.show.marks import draw_curves, draw_lines

LINE = {"width": 1, "color": "#123456"}


@pytest.mark.parametrize("n", [0, 1, 5, 2000])
def test_many_lines_are_few_paths(n):
    start, end = np.random.default_rng(0).integers(-200, 200, (2, n, 2)).astype(float)
    shapes = draw_lines(start, end, LINE)
    assert len(shapes) == min(n, 8)
    drawn = [
        tuple(map(int, numbers))
        for s in shapes
        for numbers in re.findall(r"M(\S+?),(\S+?)L([^,M]+),([^,M]+)", s["path"])
    ]
    assert sorted(drawn) == sorted(map(tuple, np.column_stack([start, end]).astype(int).tolist()))


def test_curves_go_through_their_points_and_stay_smooth():
    start, middle, end = np.array(
        [[[-300.0, 0.0], [0.0, 90.0]], [[0.0, 120.0], [50.0, 0.0]], [[200.0, 30.0], [300.0, 90.0]]]
    )
    paths = [shape["path"] for shape in draw_curves(start, middle, end, LINE)]
    for i, path in enumerate(paths):
        points = np.array(re.findall(r"-?\d+", path), dtype=float).reshape(5, 2)
        assert (points[[0, 2, 4]] == [start[i], middle[i], end[i]]).all()
        before, after = points[2] - points[1], points[3] - points[2]
        cosine = before @ after / (np.linalg.norm(before) * np.linalg.norm(after))
        assert cosine > 0.99, "the curve has no corner in its middle"


def test_points_that_coincide_do_no_harm():
    here = np.zeros((1, 2))
    (shape,) = draw_curves(here, here, here, LINE)
    assert shape["path"] == "M0,0Q0,0 0,0Q0,0 0,0"
