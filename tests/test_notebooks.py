import ast
import math
import os
import socket
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import nbformat
import pytest
from nbclient import NotebookClient
from playwright.sync_api import sync_playwright

from tests.browser import FLAGS, find_chromium
from tests.conftest import ROOT

NOTEBOOKS = ROOT / "notebooks"
PLOTLY = "application/vnd.plotly.v1+json"
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


@pytest.fixture
def jupyterlab(tmp_path):
    """A JupyterLab on a folder with the small quickstart; gives its address."""
    work = tmp_path / "work"
    work.mkdir()
    nbformat.write(read_notebook("00-quickstart.ipynb", **SMALL), work / "quickstart.ipynb")
    settings = tmp_path / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}', encoding="utf-8")
    folders = {f"JUPYTER_{name}_DIR": str(tmp_path / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    folders |= {f"JUPYTERLAB_{name}_DIR": str(tmp_path / name.lower()) for name in ("SETTINGS", "WORKSPACES")}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    flags = ["--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"]
    flags += ["--IdentityProvider.token=", "--ServerApp.password=", f"--ServerApp.root_dir={work}"]
    with (
        (tmp_path / "server.log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *flags], env=os.environ | folders, stdout=log, stderr=log
        ) as server,
    ):
        address = f"http://127.0.0.1:{port}"
        try:
            wait_until_served(f"{address}/api")
            yield address
        finally:
            server.terminate()


def wait_until_served(address):
    for _ in range(300):
        try:
            urllib.request.urlopen(address).close()  # noqa: S310  # our own server
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"JupyterLab does not answer at {address}")


def test_quickstart_runs_in_jupyterlab(jupyterlab):
    path = find_chromium()
    n_cells = sum(cell.cell_type == "code" for cell in read_notebook("00-quickstart.ipynb", **SMALL).cells)
    # in a thread of its own: in this one, the browser of other tests may still hold an event loop
    with ThreadPoolExecutor(max_workers=1) as thread:
        seen = thread.submit(run_all_in_browser, path, f"{jupyterlab}/lab/tree/quickstart.ipynb", n_cells).result()
    assert seen["troubles"] == []
    assert seen["prompts"] == [f"[{n}]:" for n in range(1, n_cells + 1)]
    assert seen["bubbles"] == [True, True]


def run_all_in_browser(path, address, n_cells):
    """Open a notebook in JupyterLab, run all cells, and tell what there is to see."""
    troubles = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 6500})
        page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        host = address.split("/lab")[0].removeprefix("http")
        page.on("request", lambda request: None if host in request.url else troubles.append(request.url))
        page.goto(address)
        page.get_by_text("| Idle").wait_for(timeout=60_000)
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        page.locator(".jp-CodeCell .jp-InputPrompt", has_text=f"[{n_cells}]:").wait_for(timeout=60_000)
        page.locator(".js-plotly-plot .scatterlayer path.point").first.wait_for()
        prompts = page.locator(".jp-CodeCell .jp-InputPrompt").all_inner_texts()
        plots = page.locator(".js-plotly-plot").all()
        seen = {
            "prompts": prompts,
            "bubbles": [plot.locator(".scatterlayer path.point").count() > 5 for plot in plots],
            "troubles": troubles,
        }
        browser.close()
    return seen
