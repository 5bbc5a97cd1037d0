import json

import nbformat
import pytest

from graphkit.errors import InputError, UsageError
from graphkit.export.casebook import INVESTIGATION, find_notebook, write_case
from graphkit.refresh import refresh_store
from graphkit.store.store import open_store
from tests.commands import run
from tests.test_report_browser import DARK, LIGHT, WATCH, draw_all


@pytest.fixture(scope="module")
def store(root, tmp_path_factory):
    """A store of the small sample, in a folder whose name needs care."""
    store = tmp_path_factory.mktemp("cases") / "the store's – Ordner"  # noqa: RUF001
    refresh_store(str(root / "data" / "events.csv.gz"), store, accounts=str(root / "data" / "accounts.csv"))
    return store


@pytest.fixture(scope="module")
def cluster_id(store):
    clusters = open_store(store).latest().clusters
    return clusters.loc[clusters["score"].idxmax(), "cluster_id"]


@pytest.fixture(scope="module")
def case(store, cluster_id, tmp_path_factory):
    """The investigation of the best-scored cluster, as the command writes it."""
    path = tmp_path_factory.mktemp("case") / "case.html"
    ended = run("notebook", store, "--cluster", cluster_id, "-o", path, "--json")
    assert (ended.code, ended.err) == (0, "")
    assert ended.json == {"path": str(path)}
    return path


def test_case_holds_no_code_no_lesson_and_no_identifier(case, store, cluster_id):
    page = case.read_text(encoding="utf-8")
    assert len(page.encode()) <= 8_000_000
    for left_out in (
        "import graphkit",
        "gk.plot_cluster(",
        "snapshot.evidence.query",
        "In this notebook you",
        "../docs",
    ):
        assert left_out not in page, left_out
    snapshot = open_store(store).latest()
    accounts = snapshot.accounts
    members = accounts.loc[accounts["cluster_id"] == cluster_id, "account_id"]
    links = snapshot.links
    used = links[links["account_id"].isin(members) & (links["kind"] == "ip")]["entity"]
    assert len(used) > 10
    assert not [name for name in {*members, *used} if name in page]
    assert "Identifiers are masked" in page


@pytest.mark.parametrize(("scheme", "background"), [("light", LIGHT), ("dark", DARK)])
def test_case_draws_every_figure_without_a_request(chromium, case, scheme, background):
    page = chromium.new_page(viewport={"width": 1180, "height": 900}, color_scheme=scheme)
    troubles = []
    page.on("console", lambda message: troubles.append(message.text))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", lambda request: None if request.url == case.as_uri() else troubles.append(request.url))
    page.add_init_script(WATCH)
    page.goto(case.as_uri())
    draw_all(page)
    titles = page.locator(".plot .gtitle").all_text_contents()
    assert [title.split(": ")[1] for title in titles] == [
        "who shares what",
        "evidence, account by account",
        "hours of the week",
        "what it shares",
    ]
    canvases = page.locator(".plot .main-svg:first-child")
    assert set(canvases.evaluate_all("all => all.map(each => getComputedStyle(each).backgroundColor)")) == {background}
    members = page.locator(".graphkit-table").last
    members.get_by_role("button", name="strength").click()
    assert members.locator("th[aria-sort]").inner_text().startswith("strength")
    assert page.evaluate("violations") == []
    assert troubles == []
    page.close()


def write_notebook(path, *sources):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_a_notebook_of_ones_own_gets_its_parameters_and_stays_harmless(chromium, store, cluster_id, tmp_path):
    hostile = "from IPython.display import HTML\nHTML('<script>document.title = 1</script>')"
    told = "print('not told')\n(cluster_id, reveal, mode, '<b>')"
    own = write_notebook(tmp_path / "own.ipynb", "cluster_id = mode = None", told, hostile)
    case = write_case(store, cluster_id, tmp_path / "own.html", notebook=own, reveal=True)
    page = chromium.new_page()
    page.add_init_script(WATCH)
    page.goto(case.as_uri())
    assert page.locator("pre").all_inner_texts() == [f"('{cluster_id}', True, 'light', '<b>')"]
    assert page.locator(".banner").inner_text() == "Confidential: identifiers are shown"
    assert page.title().startswith(f"Cluster {cluster_id}")
    assert page.evaluate("violations") == ["script-src-elem"]
    page.close()


def test_a_notebook_that_fails_says_why_and_writes_nothing(store, cluster_id, tmp_path):
    own = write_notebook(tmp_path / "own.ipynb", "x = 1", "1 / 0")
    ended = run("notebook", store, "--cluster", cluster_id, "--notebook", own, "-o", tmp_path / "own.html")
    assert ended.code == 1
    assert "ZeroDivisionError: division by zero" in ended.err
    assert not (tmp_path / "own.html").exists()


def test_what_cannot_be_is_refused_before_a_kernel_starts(store, cluster_id, tmp_path):
    with pytest.raises(UsageError, match=cluster_id):
        write_case(store, "C-NONE0", tmp_path / "case.html")
    with pytest.raises(UsageError, match="19700101"):
        write_case(store, cluster_id, tmp_path / "case.html", snapshot_id="19700101")
    for text in ("no JSON", json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})):
        (tmp_path / "odd.ipynb").write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=r"odd\.ipynb"):
            write_case(store, cluster_id, tmp_path / "case.html", notebook=tmp_path / "odd.ipynb")


def test_the_notebook_is_found_where_graphkit_is(root):
    assert find_notebook(INVESTIGATION) == root / "notebooks" / INVESTIGATION
    with pytest.raises(InputError, match="did not come"):
        find_notebook("no-such.ipynb")
