import pandas as pd
import pytest

import graphkit as gk
from graphkit.errors import UsageError
from tests.show_world import HOSTILE, empty_snapshot, make_snapshot, raw_identifiers


@pytest.fixture
def open_table(chromium, tmp_path):
    """Open tables in one page, as a notebook has them below each other."""
    pages = []

    def load(*tables, **options):
        path = tmp_path / "tables.html"
        head = "<!doctype html><meta charset=utf-8><title>tables</title>"
        path.write_text(head + "".join(each._repr_html_() for each in tables), encoding="utf-8")
        context = chromium.new_context(**options)
        page = context.new_page()
        troubles = []
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("dialog", lambda dialog: troubles.append(dialog.message))
        page.on("request", lambda request: None if request.url == path.as_uri() else troubles.append(request.url))
        page.goto(path.as_uri())
        pages.append((context, troubles))
        return page

    yield load
    for context, troubles in pages:
        assert troubles == []
        context.close()


def column(page, number):
    return page.locator(f"tbody td:nth-child({number})").all_inner_texts()


def test_a_snapshot_shows_its_clusters_by_score(open_table):
    snapshot = make_snapshot((40, 12, *range(3, 13)))
    page = open_table(gk.table(snapshot, title="Clusters"))
    scores = [float(text) for text in column(page, 4)]
    assert scores == sorted(snapshot.clusters["score"].round(2), reverse=True)
    assert page.locator("th[aria-sort]").inner_text().startswith("score")
    widths = page.locator(".meter rect").evaluate_all(
        "bars => bars.map(bar => bar.width.baseVal.valueInSpecifiedUnits)"
    )
    assert widths == pytest.approx([100 * score for score in snapshot.clusters["score"].sort_values()[::-1]], abs=0.06)
    assert page.locator("output").inner_text() == "12 of 12 clusters"


def test_it_sorts_and_searches_by_keyboard(open_table):
    numbers = [9, 10, None, *range(100, 110)]
    frame = pd.DataFrame({"name": list("bacdefghijklm"), "number": numbers, "day": pd.Timestamp("2026-05-02")})
    page = open_table(gk.table(frame))
    page.locator("thead button").nth(1).focus()
    page.keyboard.press("Enter")
    assert column(page, 2) == [*(f"{n}" for n in range(109, 99, -1)), "10", "9", "–"]  # noqa: RUF001
    page.keyboard.press("Enter")
    assert column(page, 2) == ["9", "10", *(f"{n}" for n in range(100, 110)), "–"]  # noqa: RUF001
    page.locator("thead button").first.focus()
    page.keyboard.press("Space")
    assert column(page, 1) == list("abcdefghijklm")
    page.locator("input").focus()
    page.keyboard.type("C 2026-05")
    assert page.locator("tbody tr:visible").count() == 1
    assert page.locator("output").inner_text() == "1 of 13 rows"


def test_two_tables_in_a_page_do_not_meet(open_table):
    first, second = pd.DataFrame({"x": range(12)}), pd.DataFrame({"x": range(70)})
    page = open_table(gk.table(first), gk.table(second))
    page.locator("input").nth(0).fill("3")
    assert page.locator("output").all_inner_texts() == ["1 of 12 rows", "70 of 70 rows"]
    assert page.locator("tbody").nth(1).locator("tr:visible").count() == 25
    page.get_by_role("button", name="Show all 70").click()
    assert page.locator("tbody").nth(1).locator("tr:visible").count() == 70


def test_a_few_rows_need_no_search(open_table):
    page = open_table(gk.table(pd.DataFrame({"x": range(10)})))
    assert not page.locator("input").is_visible()
    assert page.locator("tbody tr:visible").count() == 10


def test_without_scripts_every_row_is_there(open_table):
    page = open_table(gk.table(pd.DataFrame({"x": range(70)})), java_script_enabled=False)
    assert page.locator("tbody tr:visible").count() == 70


def test_hostile_words_stay_words(open_table):
    frame = pd.DataFrame({"<img src=x onerror=alert(1)>": HOSTILE, "kinds": [[text] for text in HOSTILE]})
    page = open_table(gk.table(frame, title=HOSTILE[0]))
    assert page.locator("tbody td").first.inner_text() == HOSTILE[0]
    assert page.locator("img, bdi b").count() == 0
    assert page.locator("script").count() == 1, "the table's own"


def test_rows_beyond_the_most_are_counted():
    shown = gk.table(pd.DataFrame({"x": range(20_000)}), most=30)
    assert shown.n_rows == 20_000
    assert shown.html.count("<td") == 30
    assert "19,970 further rows are not shown" in shown.html
    assert repr(shown) == "<TableView of 20,000 rows>"


@pytest.mark.parametrize("frame", [pd.DataFrame(), pd.DataFrame({"x": []}), make_snapshot((6,)).pairs])
def test_a_table_of_nothing_is_a_table(frame):
    assert "<tbody>\n</tbody>" in gk.table(frame).html


def test_no_cluster_and_every_table_of_a_snapshot_can_be_shown():
    assert "clusters" in gk.table(empty_snapshot()).html
    snapshot = make_snapshot((12, 6))
    for name in snapshot.content["tables"]:
        assert gk.table(getattr(snapshot, name)).html == gk.table(getattr(snapshot, name)).html


def test_masked_frames_hold_no_identifier_and_leave_the_snapshot_s_alone():
    snapshot = make_snapshot((12, 6), hostile=False)
    shown = "".join(
        gk.table(gk.mask_identifiers(snapshot, frame)).html
        for frame in (snapshot.accounts, snapshot.evidence, snapshot.links)
    )
    assert not [name for name in raw_identifiers(snapshot) if name in shown]
    assert "user_agent-000-0000" in shown, "a kind that the config leaves unmasked"
    assert "account-000-00000" in set(snapshot.accounts["account_id"])


@pytest.mark.parametrize("arguments", [{"bars": ["nowhere"]}, {"most": 0}])
def test_what_does_not_exist_is_refused(arguments):
    with pytest.raises(UsageError):
        gk.table(pd.DataFrame({"x": [1]}), **arguments)
