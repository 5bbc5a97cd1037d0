import json
import re

import pytest

from graphkit.detect.about_cluster import explain_cluster
from graphkit.errors import UsageError
from graphkit.show.labels import clean_text
from graphkit.show.report import render_report, write_report
from graphkit.snapshot import rank_clusters
from tests.show_world import empty_snapshot, make_snapshot, raw_identifiers

REJECTED = [{"source": "events.csv", "reason": "no timestamp", "n_rows": 12, "example": "account-000-00001,,<b>"}]


def without_library(page):
    """The page without plotly.js, whose text is not ours."""
    start = page.index("<script>")
    return page[:start] + page[page.index("</script>", start) :]


@pytest.fixture(scope="module")
def snapshot():
    return make_snapshot((40, 12, 6, 3), hostile=False, rejected=REJECTED)


def test_masked_page_holds_no_identifier(snapshot):
    page = without_library(render_report(snapshot))
    assert "Identifiers are masked" in page
    assert not [name for name in raw_identifiers(snapshot) if name in page]
    assert "user_agent-000-0000" in page  # a kind that the config leaves unmasked


def test_revealed_page_says_so(snapshot):
    page = without_library(render_report(snapshot, reveal=True))
    assert "identifiers are shown" in page
    assert "ip-000-0000" in page
    assert "account-000-00001,,&lt;b&gt;" in page


def test_masked_names_are_the_same_in_picture_and_table(snapshot):
    page = without_library(render_report(snapshot))
    figures = json.loads(re.search(r'id="figures">(.*?)</script>', page)[1])
    hover = " ".join(text for trace in figures["ring-1"]["data"] for text in trace.get("customdata", ()))
    rows = re.findall(r'<td class="short">IP address</td><td class="name"><bdi>(.*?)</bdi>', page)
    assert any(name in hover for name in rows)


@pytest.mark.parametrize("reveal", [False, True])
def test_hostile_text_is_text(reveal):
    page = without_library(render_report(make_snapshot((40, 12), rejected=REJECTED), reveal=reveal))
    for tag in ("<script>alert", "<img src=x", "<b>bold", "<b>addresses", "</script><img", "<i>here"):
        assert tag not in page
    assert "\u202e" not in page
    assert ("&lt;script&gt;alert(1)&lt;/script&gt;ip" in page) == reveal


def test_same_snapshot_same_bytes():
    assert render_report(make_snapshot((20, 6))) == render_report(make_snapshot((20, 6)))


def test_a_figure_is_stored_once(snapshot):
    page = without_library(render_report(snapshot))
    figures = json.loads(re.search(r'id="figures">(.*?)</script>', page)[1])
    assert set(figures) == {"overview", *(f"{name}-{i}" for name in ("ring", "matrix", "rhythm") for i in range(1, 5))}
    for figure in figures.values():
        assert figure["dark"]
        assert len(json.dumps(figure["dark"])) < 0.5 * len(json.dumps([figure["data"], figure["layout"]]))


def test_what_changed_is_shown_where_there_is_an_earlier_snapshot(snapshot):
    before = make_snapshot((30, 12), hostile=False)
    page = without_library(render_report(snapshot, earlier=[before]))
    figures = json.loads(re.search(r'id="figures">(.*?)</script>', page)[1])
    assert ">What changed</h2>" in page
    assert "Joined" in {trace["name"].split(" (")[0] for trace in figures["changes"]["data"] if "name" in trace}
    assert not [name for name in raw_identifiers(snapshot) if name in page]
    assert "What changed" not in render_report(snapshot)
    assert "What changed" not in render_report(snapshot, cluster_id="C001", earlier=[before])
    with pytest.raises(UsageError, match="give 1 to 8"):
        render_report(snapshot, earlier=[before] * 8)


def test_empty_snapshot_is_a_good_page():
    page = without_library(render_report(empty_snapshot()))
    assert "No cluster was found." in page
    assert 'id="ranked"' not in page
    assert "Before acting on a cluster" in page


def test_page_stays_below_6_mb_with_many_large_clusters():
    snapshot = make_snapshot((500,) * 16 + (5,) * 696, pool=40, hostile=False)
    page = render_report(snapshot, top=16)
    assert len(page.encode()) <= 6_000_000
    assert "212 clusters of lower score" in page
    assert page.count('class="plot" id="ring-') == 16, "the most telling pictures come first"
    n_left_out = page.count("A picture is left out here to keep the page small")
    assert 0 < n_left_out == 49 - page.count('class="plot" id="')


def test_parts_of_the_score_read_as_words(snapshot):
    page = render_report(snapshot)
    assert '<th scope="row">linking strength</th><td class="number">21.5</td><td class="number">3.25</td>' in page
    assert "no value: no prompts &lt;i&gt;here&lt;/i&gt;" in page
    assert "The score, in log odds, is -2.00 plus what the parts add." in page


@pytest.mark.parametrize(
    ("top", "told"), [(1, "1 cluster is told in full below"), (3, "3 clusters are told in full below"), (4, None)]
)
def test_clusters_without_a_section_are_told_of(snapshot, top, told):
    page = render_report(snapshot, top=top)
    assert (told in page) if told else ("told in full below" not in page)


def test_days_stay_on_one_line(snapshot):
    assert re.search(r'<span class="short">seen \d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d</span>', render_report(snapshot))


def test_what_becomes_of_a_cluster_is_told_in_words(snapshot):
    page = render_report(snapshot)
    assert '<th scope="row">another seed</th><td>holds</td>' in page
    assert '<th scope="row">half the resolution</th><td>is joined by other accounts</td>' in page
    assert '<th scope="row">without IP address</th><td>falls apart: no two accounts stay together</td>' in page
    without_template = "breaks into 4 parts of two accounts or more; the largest holds 25%"
    assert f'<th scope="row">without prompt template</th><td>{without_template}</td>' in page
    assert '<th scope="row">without strongest entity</th><td>keeps 95% of its accounts together</td>' in page


def test_one_cluster_alone_shows_its_members(snapshot):
    page = without_library(render_report(snapshot, cluster_id="C001", reveal=True, title="A <b>title</b>"))
    assert "<h1><bdi>A &lt;b&gt;title&lt;/b&gt;</bdi></h1>" in page
    assert page.count('<section class="cluster"') == 1
    assert all(f"account-001-{i:05d}" in page for i in range(12))
    assert "account-000-" not in page.replace(REJECTED[0]["example"][:17], "")


@pytest.mark.parametrize("arguments", [{"cluster_id": "nowhere"}, {"top": -1}])
def test_what_does_not_exist_is_refused(snapshot, arguments):
    with pytest.raises(UsageError):
        render_report(snapshot, **arguments)


def test_written_file_is_whole_or_not_there(snapshot, tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    assert write_report(snapshot, str(path), top=1) == path
    assert path.read_text(encoding="utf-8") == render_report(snapshot, top=1)
    with pytest.raises(UsageError, match=r"missing.report\.html: the report cannot be written"):
        write_report(snapshot, tmp_path / "missing" / "report.html")
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_long_ids_are_cut_in_the_table():
    page = render_report(make_snapshot((40,), kinds={"url": {"mask": False}}))
    assert clean_text("x" * 195) in page
    assert "x" * 301 not in page


def test_verdicts_have_a_column_once_there_is_one(snapshot):
    assert "Verdict" not in without_library(render_report(snapshot))
    page = without_library(render_report(make_snapshot((12, 6), verdict="benign <i>x</i>")))
    assert page.count("<td>benign &lt;i&gt;x&lt;/i&gt;</td>") == 2
    assert "verdict: benign &lt;i&gt;x&lt;/i&gt;" in page


@pytest.mark.parametrize("verdict", ["benign", "confirmed"])
def test_that_benign_clusters_stand_last_is_told_where_there_are_some(verdict):
    snapshot = make_snapshot((12, 6), verdict=verdict)
    cluster_id = rank_clusters(snapshot.table("clusters").to_pylist())[0]["cluster_id"]
    why = " ".join(explain_cluster(snapshot, cluster_id).why)
    for told, words in (
        (without_library(render_report(snapshot)), "Clusters found benign stand last, whatever their score."),
        (why, "rank 1 of 2; clusters found benign stand last."),
    ):
        assert (words in told) == (verdict == "benign")
    assert "rank 1 of 2" in why
