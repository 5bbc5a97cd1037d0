import json
import re

import pytest
from typer.testing import CliRunner

import graphkit as gk
from graphkit.cli import app
from graphkit.cli.figures import print_grades
from graphkit.errors import UsageError
from graphkit.show.blindpage import render_blind_spots, write_blind_spots
from graphkit.show.blindspots import plot_blind_spots
from graphkit.show.theme import contrast, ramp_color
from tests.grades import grades_of
from tests.small import events_of
from tests.test_blindspots import CONFIG, HOSTILE


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("blind") / "store"
    ring = {f"ring{n}": {"ip": f"r{n}", "device": f"{HOSTILE}/1 {HOSTILE}/2"} for n in range(5)}
    others = {f"other{n:03}": {"ip": f"i{n // 2}", "post": "p"} for n in range(60)}
    gk.refresh_store(events_of(ring | others), folder, config=CONFIG)
    return folder


def without_library(page):
    start = page.index("<script>")
    return page[:start] + page[page.index("</script>", start) :]


def test_a_panel_a_kind_and_a_text_a_cell():
    figure = plot_blind_spots(grades_of(["ip", "ip + user_agent"]))
    heatmaps, texts = figure.data[::2], figure.data[1::2]
    assert [heatmap.type for heatmap in heatmaps] == ["heatmap"] * 2
    assert [list(row) for row in heatmaps[0].z] == [[0.75, None, 0.75]] * 2, "a gap between cells"
    assert all(list(text.text) == ["25"] * 4 for text in texts)
    written = {annotation.text for annotation in figure.layout.annotations}
    assert {"<b>IP address</b>", "<b>IP address + User agent</b>", "1", "2", "4", "20"} <= written
    assert "1,000 accounts" in figure.layout.title.subtitle.text


@pytest.mark.parametrize(
    ("shares", "text"),
    [
        ({"found": 1.0, "whole": 1.0, "recall": 1.0}, "<b>100</b>"),
        ({"found": 0.67, "whole": 0.33, "recall": 0.9}, "<b>90*</b>"),
        ({"found": 0.33, "recall": 0.333}, "33"),
    ],
)
def test_what_is_found_stands_out(shares, text):
    assert set(plot_blind_spots(grades_of(["ip"], **shares)).data[1].text) == {text}


def test_halves_of_a_cell_tell_of_accounts_alike():
    cells, texts = plot_blind_spots(grades_of(["ip"], alike={"found": 1.0, "whole": 1.0, "recall": 1.0})).data
    assert [list(row) for row in cells.z] == [[0.75, 0, None, 0.75, 0]] * 2
    assert len(cells.x) == 6
    assert list(cells.x) == sorted(cells.x)
    assert list(texts.text) == ["25", "<b>100</b>"] * 4
    assert all(cells.x[0] < left < cells.x[1] < right < cells.x[2] for left, right in [texts.x[:2]])
    assert "If its accounts also behave alike:" in texts.customdata[0]


def test_halves_that_say_the_same_are_written_once():
    figure = plot_blind_spots(grades_of(["ip"], alike={}))
    assert list(figure.data[1].text) == ["25"] * 4
    assert "right half" in figure.layout.title.subtitle.text
    assert "right half" not in plot_blind_spots(grades_of(["ip"])).layout.title.subtitle.text


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("recall", [0.0, 0.3, 0.6, 1.0])
def test_texts_can_be_read(mode, recall):
    figure = plot_blind_spots(grades_of(["ip"], recall=recall), mode=mode)
    assert all(contrast(ink, ramp_color(1 - recall, mode=mode)) >= 4.5 for ink in figure.data[1].textfont.color)


def test_what_is_not_drawn_is_said():
    figure = plot_blind_spots(grades_of([f"kind_{number}" for number in range(23)]))
    assert len(figure.data) == 40
    assert "3 further panels not drawn" in figure.layout.title.subtitle.text


def test_sizes_are_drawn_one_at_a_time():
    grades = grades_of(["ip"], sizes=(20, 300))
    assert "20 accounts a cell" in plot_blind_spots(grades).layout.title.subtitle.text
    assert "300 accounts a cell" in plot_blind_spots(grades, n_accounts=300).layout.title.subtitle.text
    with pytest.raises(UsageError, match="no farm of 7 accounts"):
        plot_blind_spots(grades, n_accounts=7)


def test_the_page_is_whole_and_says_what_is_not_seen(store, tmp_path):
    snapshot, grades = gk.open_store(store).latest(), grades_of(["ip", "device"], sizes=(20, 30))
    path = write_blind_spots(snapshot, grades, tmp_path / "page.html")
    page = path.read_text(encoding="utf-8")
    assert page == render_blind_spots(snapshot, grades)
    ours = without_library(page)
    assert "What these settings cannot see" in ours
    assert "A 20-account farm that shares IP addresses alone: 1 or 2 an account." in ours
    assert "default-src &#39;none&#39;" in ours
    figures = json.loads(re.search(r'id="figures">(.*?)</script>', page)[1])
    assert set(figures) == {"grades-20", "grades-30"}
    assert HOSTILE not in ours
    assert "ring0" not in ours


def test_the_page_tells_behaviors_apart(store):
    snapshot = gk.open_store(store).latest()
    both = without_library(render_blind_spots(snapshot, grades_of(["ip"], alike={"found": 1.0, "recall": 1.0})))
    alone = without_library(render_blind_spots(snapshot, grades_of(["ip"])))
    assert "A 20-account farm that shares IP addresses alone: 1 or 2 an account. If its accounts also" in both
    assert both.count('<td class="short">alike</td>') == 4
    assert "looked for twice" in both
    assert "alike" not in alone


def test_the_table_tells_both_behaviors(capsys):
    print_grades(grades_of(["ip"], alike={"found": 1.0, "whole": 1.0}))
    told = capsys.readouterr().out
    assert told.count("25% / whole") == 4
    assert "behind a slash: if its accounts also behave alike" in told
    print_grades(grades_of(["ip"]))
    assert "/" not in capsys.readouterr().out


def test_the_command_tells_writes_and_leaves_the_store_alone(store, tmp_path):
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    arguments = ["blindspots", str(store), "--size", "12", "--replicates", "1"]
    told = CliRunner().invoke(app, [*arguments, "-o", str(tmp_path / "page.html")])
    assert told.exit_code == 0, told.output
    assert "Farms of 12 accounts: whole, found in pieces, or the share that is seen" in told.stdout
    assert "What these settings cannot see" in told.stdout
    assert "alert" not in told.stdout
    assert (tmp_path / "page.html").stat().st_size > 1_000_000
    same = [json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout) for _ in range(2)]
    assert same[0] == same[1]
    assert {row["kinds"] for row in same[0]["grades"]} >= {"ip", "device", "post", "ip + post"}
    assert {path: path.read_bytes() for path in store.rglob("*") if path.is_file()} == before


def test_a_page_never_goes_into_the_store(store):
    told = CliRunner().invoke(app, ["blindspots", str(store), "-o", str(store / "page.html")])
    assert told.exit_code == 2
