"""A JupyterLab of our own, opened in a browser, for tests and benchmarks of notebooks."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager

import nbformat

from tests.browser import FLAGS


def make_notebook(cells):
    """A notebook of cells for this Python."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=kernel)


@contextmanager
def serve_jupyterlab(folder, notebooks):
    """Serve notebooks, given by name, from a new folder in this one; gives the address."""
    work = folder / "work"
    work.mkdir()
    for name, notebook in notebooks.items():
        nbformat.write(notebook, work / name)
    settings = {"apputils-extension/notification": {"fetchNews": "false"}}
    settings["notebook-extension/tracker"] = {"windowingMode": "none"}  # else only cells in view are in the page
    for name, value in settings.items():
        path = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(value), encoding="utf-8")
    folders = {f"JUPYTER_{name}_DIR": str(folder / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    folders |= {f"JUPYTERLAB_{name}_DIR": str(folder / name.lower()) for name in ("SETTINGS", "WORKSPACES")}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    flags = ["--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"]
    flags += ["--IdentityProvider.token=", "--ServerApp.password=", f"--ServerApp.root_dir={work}"]
    with (
        (folder / "server.log").open("wb") as log,
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
    """Wait until a server answers, half a minute at most."""
    for _ in range(300):
        try:
            urllib.request.urlopen(address).close()  # noqa: S310  # our own server
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"JupyterLab does not answer at {address}")


def open_notebook(playwright, path, address, troubles):
    """Open a notebook in JupyterLab; what goes wrong there is added to the troubles."""
    browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
    page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    host = address.split("/lab")[0].removeprefix("http")
    allowed = (host, "blob:")
    page.on("request", lambda request: None if any(a in request.url for a in allowed) else troubles.append(request.url))
    page.goto(address)
    page.get_by_text("| Idle").wait_for(timeout=60_000)
    return browser, page
