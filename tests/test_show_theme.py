import pytest

from graphkit.errors import UsageError
from graphkit.show.cluster import plot_cluster
from graphkit.show.evidence import plot_evidence
from graphkit.show.rhythm import plot_rhythm
from graphkit.show.theme import contrast, ink_on, kind_styles, ramp_color, require_mode
from tests.show_world import make_snapshot

STANDARD = {
    "ip": ("#E69F00", "square"),
    "user_agent": ("#009E73", "diamond"),
    "payment_instrument": ("#CC79A7", "triangle-up"),
    "prompt_template": ("#D55E00", "hexagon"),
}


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_standard_kinds_keep_their_look_among_others(mode):
    styles = kind_styles([*reversed(STANDARD), "aardvark", "zebra"], mode=mode)
    assert {kind: tuple(styles[kind][1:]) for kind in STANDARD} == STANDARD
    assert list(styles) == [*STANDARD, "aardvark", "zebra"]


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("kinds", [[f"kind_{i}" for i in range(16)], [*STANDARD, *(f"kind_{i}" for i in range(12))]])
def test_sixteen_kinds_differ_in_symbol(kinds, mode):
    symbols = [style.symbol for style in kind_styles(kinds, mode=mode).values()]
    assert len(set(symbols)) == 16
    assert "circle" not in symbols


def test_styles_do_not_follow_the_order_of_kinds():
    assert kind_styles(["b", "a"]) == kind_styles(["a", "b"])


def test_contrast_is_that_of_wcag():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_ink_reads_on_every_score(mode):
    colors = [ramp_color(score / 100, mode=mode) for score in range(101)]
    assert min(contrast(ink_on(color), color) for color in colors) >= 4.5
    assert len(set(colors)) > 90


def test_scores_beyond_the_ends_take_the_end_colors():
    assert ramp_color(-1, mode="light") == ramp_color(0, mode="light") == "#f5f2ee"
    assert ramp_color(2, mode="light") == "#d55e00"


def test_unknown_mode_is_refused():
    with pytest.raises(UsageError, match="light and dark"):
        require_mode("sepia")


@pytest.mark.parametrize("plot", [plot_cluster, plot_evidence, plot_rhythm])
def test_modes_share_positions_and_unknown_clusters_are_refused(plot):
    snapshot = make_snapshot((40, 9))
    light, dark = (plot(snapshot, "C001", mode=mode) for mode in ("light", "dark"))
    assert [trace.x for trace in light.data] == [trace.x for trace in dark.data]
    assert light.to_json() == plot(make_snapshot((40, 9)), "C001").to_json()
    with pytest.raises(UsageError, match="C000"):
        plot(snapshot, "nowhere")
