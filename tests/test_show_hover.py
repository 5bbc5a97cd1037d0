"""What plotly itself tells at the pointer, where names come from an axis that shows nothing."""

import numpy as np
import pytest

import graphkit as gk
from tests.show_world import make_snapshot


@pytest.fixture
def point_at(chromium, tmp_path):
    """Draw a figure in a page, point at a position of its drawing area, and give the hover text."""

    def tell(figure, x, y):
        figure.write_html(tmp_path / "figure.html", include_mathjax=False, div_id="figure")
        page = chromium.new_page(viewport={"width": 1040, "height": 760})
        page.goto((tmp_path / "figure.html").as_uri())
        box = page.locator("#figure .nsewdrag").bounding_box()
        middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(middle[0] + x - 1, middle[1] - y)
        page.mouse.move(middle[0] + x, middle[1] - y)
        label = page.locator(".hovertext")
        label.wait_for()
        text = label.text_content()
        page.close()
        return text

    return tell


def middle_of(trace, row, column):
    """The middle of a heatmap's cell."""
    return (trace.x[column] + trace.x[column + 1]) / 2, (trace.y[row] + trace.y[row + 1]) / 2


def test_a_cell_of_evidence_names_its_account_and_its_entity(point_at):
    figure = gk.plot_evidence(make_snapshot((12,), hostile=False), "C000")
    trace = next(trace for trace in figure.data if trace.type == "heatmap" and trace.hoverinfo != "skip")
    row, column = np.argwhere(np.array(trace.z, dtype=float) > 0)[-1]
    account, entity = figure.layout.yaxis.ticktext[row], figure.layout.xaxis.ticktext[column]
    assert point_at(figure, *middle_of(trace, row, column)) == f"{account}uses {entity}events: 3"


def test_a_cell_and_a_bar_of_the_rhythm_name_their_hour(point_at):
    figure = gk.plot_rhythm(make_snapshot((12,), hostile=False), "C000")
    bars, _, rows = figure.data
    n_events = np.asarray(rows.z)[4][27]
    assert point_at(figure, *middle_of(rows, 4, 27)) == f"{figure.layout.yaxis.ticktext[4]}Tue 03:00events: {n_events}"
    told = point_at(figure, bars.x[27], bars.base + bars.y[27] / 2)
    assert told.startswith("Tue 03:00")
    assert "of the cluster's events" in told


def test_a_cell_and_a_bar_of_a_template_name_their_cluster_and_day(point_at):
    figure = gk.plot_template(make_snapshot((12,), hostile=False), "prompt_template-000-0000")
    bars, rows = figure.data
    n_accounts = rows.z[0][3]
    named = f"C000: {n_accounts} accounts, {3 * n_accounts} prompts"
    assert point_at(figure, *middle_of(rows, 0, 3)) == f"{named}2026-05-04accounts: {n_accounts}"
    assert point_at(figure, bars.x[3], bars.base + bars.y[3] / 2) == f"2026-05-04accounts: {n_accounts}"
