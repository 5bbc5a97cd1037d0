"""Every text of a figure reads on what is behind it: a contrast of 4.5 or more, as WCAG 2 asks."""

import re

import pytest

import graphkit as gk
from graphkit.show.theme import contrast
from tests.show_world import make_snapshot

FIGURES = {
    "overview": lambda snapshot, mode: gk.plot_overview(snapshot, mode=mode),
    "cluster": lambda snapshot, mode: gk.plot_cluster(snapshot, "C000", mode=mode),
    "evidence": lambda snapshot, mode: gk.plot_evidence(snapshot, "C000", mode=mode),
    "rhythm": lambda snapshot, mode: gk.plot_rhythm(snapshot, "C000", mode=mode),
    "template": lambda snapshot, mode: gk.plot_template(snapshot, "prompt_template-000-0000", mode=mode),
    "account": lambda snapshot, mode: gk.plot_account(snapshot, "account-000-00001", mode=mode),
    "changes": lambda snapshot, mode: gk.plot_changes([snapshot, snapshot], mode=mode),
}


@pytest.fixture(scope="module")
def snapshot():
    return make_snapshot((40, 12, 6), hostile=False)


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("name", FIGURES)
def test_text_reads(snapshot, name, mode):
    layout = FIGURES[name](snapshot, mode).layout
    usual = layout.template.layout.annotationdefaults.font.color
    colors = {
        layout.title.font.color,
        layout.title.subtitle.font.color,
        layout.font.color,
        layout.hoverlabel.font.color,
    }
    colors |= {note.font.color or usual or layout.font.color for note in layout.annotations}
    colors |= {found for note in layout.annotations for found in re.findall(r"color:(#\w{6})", note.text)}
    assert len(colors) > 1
    assert min(contrast(color, layout.paper_bgcolor) for color in colors) >= 4.5


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("name", ["cluster", "account"])
def test_numbers_inside_marks_read(name, mode):
    figure = FIGURES[name](make_snapshot((60,), kinds={"ip": {}}, pool=2, hostile=False), mode)
    numbered = [trace for trace in figure.data if (trace.mode or "").endswith("text") and trace.text]
    marked = [trace.marker.color or figure.data[0].marker.color for trace in numbered]
    assert numbered
    assert all(contrast(trace.textfont.color, color) >= 4.5 for trace, color in zip(numbered, marked, strict=True))
