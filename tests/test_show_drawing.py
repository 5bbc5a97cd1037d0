import json

import numpy as np
import plotly.graph_objects as go
import pytest

from graphkit.show.drawing import differences, frame_figure, heatmap, write_json


def test_a_layout_of_its_own_adds_to_the_common_one():
    legend, labels = {"title": {"text": "t"}}, [{"text": "a"}]
    layout = frame_figure([], title="T", notes=["n"], mode="dark", legend=legend, annotations=labels)["layout"]
    assert layout["legend"]["title"] == {"text": "t"}
    assert layout["legend"]["orientation"] == "h"
    assert layout["annotations"] == labels


@pytest.mark.parametrize("kind", ["u1", "<u2", ">u4", "i4"])
def test_arrays_are_packed_as_plotly_packs_them(kind):
    figure = frame_figure(
        [heatmap(z=np.array([[1, 2, 3], [4, 5, 200]]).astype("i8").astype(kind) % 120)],
        title="T",
        notes=[],
        mode="light",
    )
    ours, theirs = json.loads(write_json(figure)), json.loads(go.Figure(figure).to_json())
    assert ours["data"] == theirs["data"]


def test_what_no_figure_can_hold_is_refused():
    with pytest.raises(TypeError, match="cannot hold set"):
        write_json({"data": [{1}], "layout": {}})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json({"data": [float("nan")], "layout": {}})


def test_differences_turn_one_value_into_the_other():
    light = {"data": [{"color": "a", "x": [1, 2]}, {"color": "b"}], "layout": {"font": {"color": "c"}, "n": 1}}
    dark = {"data": [{"color": "A", "x": [1, 2]}, {"color": "b"}], "layout": {"font": {"color": "C"}, "n": 1}}
    assert differences(light, dark) == [[["data", 0, "color"], "A"], [["layout", "font", "color"], "C"]]
    assert differences(light, light) == []
