import ast
import base64
import json
import math
from concurrent.futures import ThreadPoolExecutor

import nbformat
import networkx as nx
import pytest
from nbclient import NotebookClient
from playwright.sync_api import sync_playwright

import graphkit as gk
from tests.browser import find_chromium
from tests.conftest import ROOT
from tests.jupyterlab import make_notebook, open_notebook, serve_jupyterlab
from tests.small import events_of

NOTEBOOKS = ROOT / "notebooks"
PLOTLY = "application/vnd.plotly.v1+json"
NAMES = sorted(path.name for path in NOTEBOOKS.glob("*.ipynb"))
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
IN_BROWSER = {"00-quickstart.ipynb": 2, "03-investigate-one-cluster.ipynb": 4}
"""Notebooks that JupyterLab runs, and how many figures each draws."""
EXPLORE = """\
import json

import graphkit as gk

world = gk.synthesize(n_accounts=2_000, n_events=80_000, seed=3)
explorer = gk.explore(gk.refresh_store(world.events, "store", accounts=world.accounts), author="Ann")
display(explorer, gk.explore(gk.analyze(world.events.head(1))))"""
ASK = """\
reviews = gk.open_store("store").reviews()[["cluster_id", "verdict", "author", "note"]]
chosen = explorer.selected["cluster_id"]
print(json.dumps([sorted(set(chosen)), len(chosen), reviews.values.tolist()]))"""
SMALL = {"n_accounts": 2_000, "seed": 3}


def read_notebook(name, **parameters):
    """A notebook with parameters set after its own, as papermill sets them."""
    notebook = nbformat.read(NOTEBOOKS / name, as_version=4)
    (place,) = (i for i, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", []))
    lines = "\n".join(f"{key} = {value!r}" for key, value in parameters.items())
    notebook.cells.insert(place + 1, nbformat.v4.new_code_cell(lines, id="injected"))
    return notebook


def run(notebook, folder):
    """Run a notebook in a folder; the data that each of its cells shows, by the cell's id."""
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    return {cell.id: output.data for cell in code for output in cell.outputs if "data" in output}


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    folder = tmp_path_factory.mktemp("quickstart")
    data = run(read_notebook("00-quickstart.ipynb", **SMALL), folder)
    assert (folder / "report.html").stat().st_size > 1_000_000
    return data


@pytest.mark.parametrize(("cell", "title"), [("overview", "Clusters of accounts"), ("cluster", "Cluster C-")])
def test_quickstart_shows_its_figures(shown, cell, title):
    figure = shown[cell][PLOTLY]
    assert title in figure["layout"]["title"]["text"]
    assert sum(len(trace["x"]) for trace in figure["data"]) > 10


def test_quickstart_explains_a_pair_that_is_linked(shown):
    bits, threshold = (float(part.split()[0]) for part in shown["pair-sum"]["text/plain"].strip("'").split(";"))
    assert bits >= threshold == round(math.log2(SMALL["n_accounts"]), 1)


def test_quickstart_finds_the_farms_it_hid(shown):
    measures = ast.literal_eval(shown["truth"]["text/plain"])
    assert measures["n_accounts"] == SMALL["n_accounts"]
    assert measures["recall"] > 0.5
    assert measures["purity"] > 0.9


def test_quickstart_takes_files(root, tmp_path):
    sample = {name: str(root / "data" / f"{name}.csv{end}") for name, end in (("events", ".gz"), ("accounts", ""))}
    shown = run(read_notebook("00-quickstart.ipynb", **sample), tmp_path)
    assert "among 300" in shown["analyze"]["text/plain"]
    assert PLOTLY in shown["cluster"]
    assert (tmp_path / "report.html").is_file()


def test_every_notebook_reads_as_a_lesson():
    assert [name[:2] for name in NAMES] == [f"{n:02}" for n in range(7)]
    for name in NAMES:
        assert (NOTEBOOKS / name).stat().st_size <= 200_000
        notebook = nbformat.read(NOTEBOOKS / name, as_version=4)
        nbformat.validate(notebook)
        assert notebook.cells[0].source.startswith("# "), name
        assert len(notebook.cells) <= 30, name
        assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
        for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
            made = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, DEFINITIONS)]
            assert not made, f"{name}, {cell.id}: defines a function"


def test_your_own_data_reads_a_log_and_says_what_it_set_aside(tmp_path):
    shown = run(read_notebook("01-your-own-data.ipynb", **SMALL), tmp_path)
    assert "parts of the score without a value" in shown["log-snapshot"]["text/html"]
    assert "no created_at" in shown["log-snapshot"]["text/html"]
    for reason in ("no account_id", "unreadable timestamp", "not an address", "a day ahead of the clock"):
        assert reason in shown["quality"]["text/html"], reason
    assert "too high" in shown["kinds"]["text/plain"]


def test_find_farms_names_farms_above_the_gap(tmp_path):
    shown = run(read_notebook("02-find-farms.ipynb", **SMALL), tmp_path)
    n_above = int(shown["jump"]["text/plain"].strip("'").split()[0])
    groups = shown["truth"]["text/plain"].splitlines()[1:-1]
    farms = [line for line in groups if line.startswith(("farm-", "ring-"))]
    assert n_above >= len(farms) >= 0.8 * len(groups) > 3
    assert PLOTLY in shown["data"]
    assert "with it" in shown["infrastructure"]["text/plain"]


def test_what_changed_tells_merge_split_and_return(tmp_path):
    shown = run(read_notebook("04-what-changed.ipynb", n_accounts=600, seed=0), tmp_path)
    bands = {trace["name"].split(" (")[0] for trace in shown["changes"][PLOTLY]["data"] if "name" in trace}
    assert bands >= {"Merged", "Split off", "Cluster is new", "Cluster came back", "Cluster ended"}
    assert "Came back as of 2026-04-1" in shown["words"]["text/plain"]
    assert "settings differ in 1 key: margin" in shown["why"]["text/plain"]
    assert {"own", "inherited"} <= set(shown["review"]["text/plain"].split())
    assert "Comes from a cluster found benign" in shown["alerts"]["text/plain"]


def test_what_changed_reads_a_store_and_writes_nothing(tmp_path):
    uses = {f"a{n}": {"ip": "10.1.0.1 10.1.0.2", "payment_instrument": "card"} for n in range(8)}
    gk.refresh_store(events_of(uses, bystanders=400), tmp_path / "store")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "store").rglob("*")}
    shown = run(read_notebook("04-what-changed.ipynb", store=str(tmp_path / "store")), tmp_path)
    assert "First found" in shown["words"]["text/plain"]
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "store").rglob("*")} == before


def test_tune_and_measure_compares_settings(tmp_path):
    few = {"margins": [0], "resolutions": ["auto"], "farm_size": 20, "replicates": 1}
    shown = run(read_notebook("05-tune-and-measure.ipynb", **SMALL | few), tmp_path)
    assert "Blind spots" in shown["blind"][PLOTLY]["layout"]["title"]["text"]
    for cell, column in (("margin", "solitary_clustered"), ("chance", "chance, on average"), ("refit", "change")):
        assert column in shown[cell]["text/plain"]


def test_other_graph_tools_agree_with_graphkit(tmp_path):
    notebook = read_notebook("06-bring-your-own-graph-tools.ipynb", **SMALL)
    shown = run(notebook, tmp_path)
    (beside,) = (cell for cell in notebook.cells if cell.id == "beside")
    assert float(beside.outputs[0].text.split(":")[1]) > 0.6
    assert PLOTLY in shown["central"]
    graph = nx.read_graphml(tmp_path / "cluster.graphml")
    assert {"account", "ip"} <= set(nx.get_node_attributes(graph, "kind").values())


@pytest.fixture(scope="module")
def jupyterlab(tmp_path_factory):
    """A JupyterLab on a folder with two small notebooks; gives its address."""
    folder = tmp_path_factory.mktemp("jupyterlab")
    cells = [nbformat.v4.new_code_cell(EXPLORE, id="explore"), nbformat.v4.new_code_cell(ASK, id="ask")]
    notebooks = {name: read_notebook(name, **SMALL) for name in IN_BROWSER}
    with serve_jupyterlab(folder, notebooks | {"exploring.ipynb": make_notebook(cells)}) as address:
        yield address


@pytest.mark.parametrize(("name", "n_plots"), IN_BROWSER.items())
def test_it_runs_in_jupyterlab(jupyterlab, tmp_path, name, n_plots):
    path = find_chromium()
    n_cells = sum(cell.cell_type == "code" for cell in read_notebook(name, **SMALL).cells)
    # in a thread of its own: in this one, the browser of other tests may still hold an event loop
    with ThreadPoolExecutor(max_workers=1) as thread:
        address = f"{jupyterlab}/lab/workspaces/{name[:2]}/tree/{name}"  # where the other's tab is not opened again
        seen = thread.submit(run_all_in_browser, path, address, n_cells, tmp_path).result()
    assert seen["troubles"] == []
    assert seen["prompts"] == [f"[{n}]:" for n in range(1, n_cells + 1)]
    assert len(seen["colors"]) == n_plots
    assert min(seen["colors"]) > 30, "a figure is blank"
    assert "cluster" in seen["hover"]
    if name.startswith("03"):
        assert seen["sorted"] == sorted(seen["sorted"], key=float, reverse=True)


@pytest.fixture(scope="module")
def explored(jupyterlab, tmp_path_factory):
    """What was seen when the explorer was used in a browser."""
    path = find_chromium()
    with ThreadPoolExecutor(max_workers=1) as thread:
        address = f"{jupyterlab}/lab/workspaces/exploring/tree/exploring.ipynb"
        picture = tmp_path_factory.mktemp("explorer") / "explorer.png"
        return thread.submit(explore_in_browser, path, address, picture).result()


def test_the_explorer_answers_in_jupyterlab(explored):
    seen = explored
    assert seen["troubles"] == []
    title, subtitle = seen["empty"]
    assert title < subtitle, "a picture without bubbles is laid out too"
    (clicked,), n_clicked, _ = seen["clicked"]
    assert seen["told"] == f"{clicked} ring"
    assert n_clicked >= 5
    boxed, n_boxed, _ = seen["boxed"]
    assert len(boxed) > 1
    assert n_boxed > n_clicked
    assert seen["by_key"] == "evidence"
    assert seen["found"] == 1


def test_a_verdict_is_given_in_the_explorer_by_keys_alone(explored):
    seen = explored
    assert "author" in seen["refused"]
    assert "recorded for Ann Lyst" in seen["answer"]
    assert "Verdict: confirmed, by a review of its own" in seen["standing"]
    assert seen["listed"] == "confirmed"
    *_, reviews = seen["reviewed"]
    assert reviews == [[seen["cluster"], "confirmed", "Ann Lyst", "cards of one <b>batch</b>"]]
    assert seen["filtered"] == [seen["cluster"]]


def test_tab_reaches_every_control_of_the_explorer(explored):
    stops = explored["stops"]
    controls = ("text", "score", "size", "kind", "since", "verdict", "Clusters by score", "author", "note")
    for name in (
        *controls,
        "confirmed",
        "benign",
        "watch",
        "Who shares what",
        "Account by account",
        "Hours",
        "Members",
    ):
        assert name in stops, name
    assert explored["cluster"] in stops, "the list of clusters is one stop"
    assert explored["walked"] == explored["second"], "arrows go through it"
    assert explored["n_cells"] == 2, "keys are no shortcuts of the notebook"


def explore_in_browser(path, address, picture):
    """Use the explorer by pointer and by keys, and ask Python each time what is selected."""
    troubles = []
    with sync_playwright() as playwright:
        browser, page = open_notebook(playwright, path, address, troubles)
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        explorer, empty = page.locator(".graphkit-explorer").first, page.locator(".graphkit-explorer").last
        bubbles = explorer.locator(".plot").first.locator(".scatterlayer .trace path.point")
        bubbles.first.wait_for(timeout=90_000)
        box = bubbles.first.bounding_box()
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.wait_for_function("document.querySelector('.graphkit-explorer').dataset.told.endsWith(' ring')")
        seen = {"told": explorer.get_attribute("data-told"), "clicked": ask(page)}
        explorer.screenshot(path=picture)
        seen["empty"] = [empty.locator(f"text.{name}").bounding_box()["y"] for name in ("gtitle", "gtitle-subtitle")]
        explorer.locator(".controls").scroll_into_view_if_needed()
        frame = explorer.locator(".frame").first.bounding_box()
        page.mouse.move(frame["x"] + 30, frame["y"] + 90)
        page.mouse.down()
        page.mouse.move(frame["x"] + frame["width"] - 30, frame["y"] + frame["height"] - 80, steps=5)
        page.mouse.up()
        page.screenshot(path=picture)
        explorer.get_by_role("heading", name="clusters,").wait_for()
        seen["boxed"] = ask(page)
        explorer.locator("tbody button").first.focus()
        page.keyboard.press("Enter")
        explorer.get_by_role("button", name="Account by account").focus()
        page.keyboard.press("Space")
        page.wait_for_function("document.querySelector('.graphkit-explorer').dataset.told.endsWith(' evidence')")
        seen["by_key"] = explorer.get_attribute("data-told").split()[-1]
        name = explorer.locator("tbody th").nth(2).inner_text()
        explorer.get_by_label("Search").focus()
        page.keyboard.type(name)
        explorer.locator(".controls output", has_text="1 cluster of").wait_for()
        seen["found"] = explorer.locator(".list tbody tr").count()
        page.keyboard.press("Control+a")
        page.keyboard.press("Delete")
        explorer.locator(".controls output", has_text="clusters of").wait_for()
        seen |= give_verdict(page, explorer) | press_tab(page, explorer)
        page.screenshot(path=picture.with_name("verdict.png"))
        seen |= {"reviewed": ask(page), "troubles": troubles}
        browser.close()
    return seen


def give_verdict(page, explorer):
    """Confirm the first cluster of the list by keys, first without an author; then filter by the verdict."""
    first = explorer.locator(".list tbody button").first
    seen = {"cluster": first.inner_text()}
    first.focus()
    page.keyboard.press("Enter")
    explorer.get_by_role("heading", name=f"Cluster {seen['cluster']}").wait_for()
    explorer.get_by_label("Author").fill("")
    explorer.get_by_role("button", name="confirmed").focus()
    page.keyboard.press("Space")
    answer = explorer.locator(".review output")
    answer.get_by_text("author").wait_for()
    seen["refused"] = answer.inner_text()
    explorer.get_by_label("Author").focus()
    page.keyboard.type("Ann Lyst")
    page.keyboard.press("Enter")  # gives no verdict
    page.keyboard.press("Tab")
    page.keyboard.type("cards of one <b>batch</b>")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    answer.get_by_text("recorded").wait_for()
    seen |= {"answer": answer.inner_text(), "standing": explorer.locator("section > p").first.inner_text()}
    seen["listed"] = explorer.locator(".list tbody tr[aria-current=true] td").last.inner_text()
    verdict = explorer.locator("select[name=verdict]")
    verdict.select_option("confirmed")
    explorer.locator(".controls output", has_text="1 cluster of").wait_for()
    seen["filtered"] = explorer.locator(".list tbody th").all_inner_texts()
    verdict.select_option("")
    explorer.locator(".controls output", has_text="clusters of").wait_for()
    return seen


def press_tab(page, explorer):
    """Go through the explorer by Tab from its first control on; what has the focus at each stop."""
    explorer.get_by_label("Search").focus()
    stops = []
    for _ in range(60):
        stop = page.evaluate(
            """() => {
              const { activeElement: at } = document;
              if (!document.querySelector(".graphkit-explorer").contains(at)) return null;
              return at.name || at.getAttribute("aria-label") || at.textContent;
            }"""
        )
        if stop is None:
            break
        stops.append(stop)
        page.keyboard.press("Tab")
    names = explorer.locator(".list tbody button")
    names.first.focus()
    page.keyboard.press("b")  # would insert a cell
    page.keyboard.press("ArrowDown")
    walked = page.evaluate("document.activeElement.textContent")
    n_cells = page.locator(".jp-CodeCell").count()
    return {"stops": stops, "walked": walked, "second": names.nth(1).inner_text(), "n_cells": n_cells}


def ask(page):
    """Run the notebook's last cell; what it says."""
    cell = page.locator(".jp-CodeCell").last
    before = cell.locator(".jp-InputPrompt").first.inner_text()
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    page.wait_for_function(
        "([cell, before]) => !['[*]:', before].includes(cell.querySelector('.jp-InputPrompt').textContent)",
        arg=[cell.element_handle(), before],
    )
    return json.loads(cell.locator(".jp-OutputArea-output").last.inner_text())


def run_all_in_browser(path, address, n_cells, folder):
    """Open a notebook in JupyterLab, run all cells, and tell what there is to see."""
    troubles = []
    with sync_playwright() as playwright:
        browser, page = open_notebook(playwright, path, address, troubles)
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        page.locator(".jp-CodeCell .jp-InputPrompt", has_text=f"[{n_cells}]:").wait_for(timeout=90_000)
        page.locator(".js-plotly-plot .scatterlayer path.point").first.wait_for()
        plots = page.locator(".js-plotly-plot").all()
        seen = {
            "prompts": page.locator(".jp-CodeCell .jp-InputPrompt").all_inner_texts(),
            "colors": [count_colors(plot, folder / f"figure-{i}.png") for i, plot in enumerate(plots)],
            "hover": point_at(page, plots[-1]),
            "sorted": sort_table(page),
            "troubles": troubles,
        }
        browser.close()
    return seen


def count_colors(plot, path):
    """How many colors a figure shows; of a blank one there are few."""
    picture = base64.b64encode(plot.screenshot(path=path)).decode()
    canvas = plot.page.context.new_page()
    n_colors = canvas.evaluate(
        """async (picture) => {
          const image = new Image();
          image.src = `data:image/png;base64,${picture}`;
          await image.decode();
          const area = new OffscreenCanvas(image.width, image.height).getContext("2d");
          area.drawImage(image, 0, 0);
          const { data } = area.getImageData(0, 0, image.width, image.height);
          return new Set(new Uint32Array(data.buffer)).size;
        }""",
        picture,
    )
    canvas.close()
    return n_colors


def point_at(page, plot):
    """The hover text of a figure's last mark."""
    plot.scroll_into_view_if_needed()
    box = plot.locator(".scatterlayer path.point").last.bounding_box()
    for step in (0, 1):
        page.mouse.move(box["x"] + box["width"] / 2 + step, box["y"] + box["height"] / 2)
    label = plot.locator(".hoverlayer .hovertext")
    label.wait_for()
    return label.text_content()


def sort_table(page):
    """The members' strengths after a click on their head, where there is such a table."""
    table = page.locator(".graphkit-table").filter(has=page.get_by_role("button", name="strength"))
    if not table.count():
        return None
    table.get_by_role("button", name="strength").click()
    return table.locator("tbody tr:visible td:nth-child(3)").all_inner_texts()
