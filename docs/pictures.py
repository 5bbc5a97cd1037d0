"""Draw the pictures of README.md into docs/images/: what `graphkit demo` shows, in the report's light theme.

    python docs/pictures.py

Needs Chromium and Playwright, which the extra `dev` brings.
"""

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

import graphkit as gk

IMAGES = Path(__file__).with_name("images")
FLAGS = ["--no-sandbox", "--disable-gpu"]
MOST_ACCOUNTS = 40
"""A farm that is small enough for a small picture."""


def main() -> None:
    """Make the service of the demo, analyze it, and take pictures of two figures in its reports."""
    world = gk.synthesize(n_accounts=10_000, n_events=400_000, seed=0)
    snapshot = gk.analyze(world.events, world.accounts)
    small = snapshot.clusters.query("n_accounts <= @MOST_ACCOUNTS")
    cluster_id = small.loc[small["score"].idxmax(), "cluster_id"]
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        every = gk.write_report(snapshot, Path(folder) / "report.html", top=1)
        one = gk.write_report(snapshot, Path(folder) / "cluster.html", cluster_id=cluster_id)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1180, "height": 1000}, color_scheme="light")
        for report, place, name in ((every, "#overview", "overview.png"), (one, "#ring-1", "hub-ring.png")):
            page.goto(report.as_uri())
            figure = page.locator(place)
            figure.scroll_into_view_if_needed()
            figure.locator("path.point").first.wait_for()
            figure.screenshot(path=IMAGES / name)
        browser.close()


if __name__ == "__main__":
    main()
