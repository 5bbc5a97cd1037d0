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
PICTURES = {"overview.png": "#overview", "hub-ring.png": "#ring-2"}
FLAGS = ["--no-sandbox", "--disable-gpu"]


def main() -> None:
    """Make the service of the demo, analyze it, write its report, and take a picture of two figures in it."""
    world = gk.synthesize(n_accounts=10_000, n_events=400_000, seed=0)
    snapshot = gk.analyze(world.events, world.accounts)
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        report = gk.write_report(snapshot, Path(folder) / "report.html")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1180, "height": 1000}, color_scheme="light")
        page.goto(report.as_uri())
        for name, place in PICTURES.items():
            figure = page.locator(place)
            figure.scroll_into_view_if_needed()
            figure.locator("path.point").first.wait_for()
            figure.screenshot(path=IMAGES / name)
        browser.close()


if __name__ == "__main__":
    main()
