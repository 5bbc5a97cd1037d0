"""How fast figures and the explorer are on a large snapshot, in a real browser and JupyterLab.

    python benchmarks/figures.py                      a made-up snapshot: a million accounts, 20,000 clusters
    python benchmarks/figures.py --store STORE        the latest snapshot of a store
    python benchmarks/figures.py --only explorer      or figures

Chromium draws without a graphics card, the worst case. Seconds in the page are from the call that draws to the second
frame after it; a click on the explorer is from the click to the second frame after the last figure is there.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import nbformat
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import psutil
import typer
from playwright.sync_api import CDPSession, Page, sync_playwright
from plotly.offline import get_plotlyjs
from rich.console import Console
from rich.table import Table

import graphkit as gk
from graphkit.config import Config
from graphkit.show.layouts import overview_layout
from graphkit.snapshot import Snapshot, build_snapshot
from graphkit.store.store import open_store
from graphkit.tables import TABLES

sys.path.insert(0, str(Path(__file__).parents[1]))

_console = Console(width=140)
_LIMITS = {
    "overview, drawn": 3.0,
    "overview, wheel zoom p95": 0.5,
    "hub ring of the largest, computed": 5.0,
    "hub ring of the largest, drawn": 3.0,
    "explorer, click p95": 0.5,
}
_WHEELS = 24
_CLICKS = 12
_DRAW = """async ([data, layout]) => {
  const place = document.body.appendChild(document.createElement("div"));
  const start = performance.now();
  await Plotly.newPlot(place, data, layout, { scrollZoom: true });
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  return (performance.now() - start) / 1000;
}"""
_WHEEL = """async () => {
  const drag = document.querySelector(".nsewdrag"), box = drag.getBoundingClientRect();
  const at = { clientX: box.x + box.width / 2, clientY: box.y + box.height / 2, bubbles: true, cancelable: true };
  const start = performance.now();
  drag.dispatchEvent(new WheelEvent("wheel", { ...at, deltaY: -40 }));
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  return (performance.now() - start) / 1000;
}"""
_CLICK = """([name, view]) => new Promise((done) => {
  const root = document.querySelector(".graphkit-explorer"), start = performance.now();
  const button = [...root.querySelectorAll(view ? ".tabs button" : ".list tbody button")]
    .find(({ textContent }) => textContent === (view || name));
  const before = root.dataset.told;
  new MutationObserver((_, observer) => {
    if (root.dataset.told === before) return;
    observer.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(() => done((performance.now() - start) / 1000)));
  }).observe(root, { attributes: true, attributeFilter: ["data-told"] });
  button.click();
})"""
_EXPLORE = """\
import graphkit as gk
explorer = gk.explore(gk.open_store({store!r}).latest())
explorer"""


def main(
    store: Annotated[Path | None, typer.Option(help="A store; by default a snapshot is made up.")] = None,
    accounts: Annotated[int, typer.Option(help="Accounts of the made-up service.")] = 1_000_000,
    clusters: Annotated[int, typer.Option(help="Clusters of the made-up snapshot.")] = 20_000,
    largest: Annotated[int, typer.Option(help="Accounts of its largest cluster.")] = 25_000,
    only: Annotated[str, typer.Option(help="figures or explorer; by default both.")] = "",
) -> None:
    """Print seconds beside their limits; fail where one is missed."""
    with tempfile.TemporaryDirectory() as folder:
        if store is None:
            store = Path(folder) / "store"
            _publish(store, n_accounts=accounts, n_clusters=clusters, largest=largest)
        measured = _measure_figures(open_store(store).latest()) if only != "explorer" else {}
        if only != "figures":
            measured |= _measure_explorer(store, Path(folder))
    table = Table("what", "seconds", "at most", "CPU seconds", box=None)
    for what, (seconds, cpu) in measured.items():
        table.add_row(what, f"{seconds:.2f}", f"{_LIMITS[what]:.1f}" if what in _LIMITS else "", f"{cpu:.2f}")
    _console.print(table)
    missed = [what for what, (seconds, _) in measured.items() if seconds > _LIMITS.get(what, np.inf)]
    if missed:
        _console.print(f"missed: {'; '.join(missed)}")
        raise typer.Exit(1)


@dataclass(frozen=True)
class Clock:
    """Seconds and CPU seconds of what a page does: of its main thread, and of other processes."""

    page: Page
    session: CDPSession
    others: tuple[psutil.Process, ...] = ()

    @classmethod
    def of(cls, page: Page, *others: psutil.Process) -> "Clock":
        """The clock of a page."""
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        return cls(page, session, others)

    def measure(self, script: str, argument: object = None) -> tuple[float, float]:
        """Run a script that gives seconds; and the CPU seconds that it took."""
        before = self._read_cpu()
        seconds = float(self.page.evaluate(script, argument))
        return seconds, self._read_cpu() - before

    def _read_cpu(self) -> float:
        metrics = {each["name"]: each["value"] for each in self.session.send("Performance.getMetrics")["metrics"]}
        times = [process.cpu_times() for process in self.others]
        return float(metrics["TaskDuration"]) + sum(each.user + each.system for each in times)


def _quantile(measured: list[tuple[float, float]], q: float) -> tuple[float, float]:
    seconds, cpu = np.quantile(np.array(measured), q, axis=0)
    return float(seconds), float(cpu)


def _measure_figures(snapshot: Snapshot) -> dict[str, tuple[float, float]]:
    """Seconds to compute and draw each figure, and to zoom in the overview."""
    clusters = snapshot.clusters.sort_values(["n_accounts", "cluster_id"], ascending=[False, True])
    cluster_id = clusters["cluster_id"].iloc[0]
    n_large = int((clusters["n_accounts"] >= 5).sum())
    _console.print(
        f"{snapshot}; {n_large:,} clusters of 5 accounts or more, the largest has {clusters['n_accounts'].iloc[0]:,}"
    )
    draws: dict[str, Callable[[], go.Figure]] = {
        "overview": lambda: gk.plot_overview(snapshot),
        "hub ring of the largest": lambda: gk.plot_cluster(snapshot, cluster_id),
        "evidence of the largest": lambda: gk.plot_evidence(snapshot, cluster_id),
        "rhythm of the largest": lambda: gk.plot_rhythm(snapshot, cluster_id),
    }
    measured: dict[str, tuple[float, float]] = {}
    with sync_playwright() as playwright:
        from tests.browser import FLAGS, find_chromium

        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        for name, draw in draws.items():
            start, cpu = time.perf_counter(), time.process_time()
            figure = draw()
            measured[f"{name}, computed"] = time.perf_counter() - start, time.process_time() - cpu
            page = browser.new_page(viewport={"width": 1100, "height": 800})
            page.set_content("<body></body>")
            page.add_script_tag(content=get_plotlyjs())
            clock, plain = Clock.of(page), json.loads(figure.to_json())
            measured[f"{name}, drawn"] = clock.measure(_DRAW, [plain["data"], plain["layout"]])
            if name == "overview":
                measured["overview, wheel zoom p95"] = _quantile([clock.measure(_WHEEL) for _ in range(_WHEELS)], 0.95)
            page.close()
        browser.close()
    return measured


def _measure_explorer(store: Path, folder: Path) -> dict[str, tuple[float, float]]:
    """Seconds from a click in JupyterLab to what it shows: clusters of the list, largest ones, views and members."""
    from tests.browser import find_chromium
    from tests.jupyterlab import make_notebook, open_notebook, serve_jupyterlab

    cell = nbformat.v4.new_code_cell(_EXPLORE.format(store=str(store.resolve())), id="explore")
    troubles: list[str] = []
    with (
        serve_jupyterlab(folder, {"exploring.ipynb": make_notebook([cell])}) as address,
        sync_playwright() as playwright,
    ):
        browser, page = open_notebook(playwright, find_chromium(), f"{address}/lab/tree/exploring.ipynb", troubles)
        page.get_by_role("menuitem", name="Run", exact=True).click()
        start = time.perf_counter()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        page.locator(".graphkit-explorer .scatterlayer path.point").first.wait_for(timeout=120_000)
        shown = time.perf_counter() - start
        page.wait_for_timeout(5_000)  # somebody looks at it before the first click
        kernels = [each for each in psutil.Process().children(recursive=True) if "ipykernel_launcher" in each.cmdline()]
        clock = Clock.of(page, *kernels)
        names = page.locator(".graphkit-explorer .list tbody button").all_inner_texts()
        clicks = [clock.measure(_CLICK, [name, None]) for name in names[:_CLICKS]]
        sizes = page.get_by_label("Accounts from")
        sizes.fill("1000")
        page.wait_for_timeout(2_000)
        for name in page.locator(".graphkit-explorer .list tbody button").all_inner_texts()[:3]:
            clicks.append(clock.measure(_CLICK, [name, None]))
            clicks += [clock.measure(_CLICK, [name, view]) for view in ("Account by account", "Hours", "Members")]
            clicks.append(clock.measure(_CLICK, [name, "Who shares what"]))
        browser.close()
    if troubles:
        _console.print(f"the page complained: {troubles}")
    return {
        "explorer, shown": (shown, np.nan),
        "explorer, click median": _quantile(clicks, 0.5),
        "explorer, click p95": _quantile(clicks, 0.95),
        "explorer, slowest click": _quantile(clicks, 1),
    }


def _publish(store: Path, *, n_accounts: int, n_clusters: int, largest: int) -> None:
    """Publish a made-up snapshot in a new store."""
    start = time.perf_counter()
    opened = open_store(store, create=True)
    opened.publish(_make_snapshot(n_accounts, n_clusters, largest, key_fingerprint=opened.key_fingerprint))
    _console.print(f"the snapshot was made in {time.perf_counter() - start:.0f} s")


def _make_snapshot(n_accounts: int, n_clusters: int, largest: int, *, key_fingerprint: str) -> Snapshot:
    """A snapshot of clusters whose sizes fall as 1 / rank, each with a pool of entities of its own and a few shared."""
    random = np.random.default_rng(0)
    sizes = np.maximum(largest / np.arange(1, n_clusters + 1), 3 + 9 * random.random(n_clusters) ** 3).astype(int)
    owner = np.repeat(np.arange(n_clusters), sizes)
    ids = np.array([f"C-{number:05}" for number in range(n_clusters)])
    names = np.array([f"acc_{number:08}" for number in range(len(owner))])
    seen = {"first_seen": datetime(2026, 5, 1, tzinfo=UTC), "last_seen": datetime(2026, 5, 15, tzinfo=UTC)}
    links = _make_links(owner, sizes, random)
    clusters = pd.DataFrame({"cluster_id": ids, "n_accounts": sizes, "n_core": sizes // 2, "n_events": 30 * sizes})
    clusters = clusters.assign(
        score=random.beta(0.4, 1.2, n_clusters).round(4), stability=1.0, expected_by_chance=0.0, **seen
    )
    clusters = clusters.assign(binding="All share 3 addresses that no one else uses; 80% share one payment instrument")
    accounts = pd.DataFrame({"account_id": names, "cluster_id": ids[owner], "tier": "core", "strength": 20.0})
    accounts = accounts.assign(likeness=1.0, n_partners=5.0, stability=1.0, n_events=30, created_at=pd.NaT, **seen)
    accounts = accounts.assign(kinds=[["ip"]] * len(owner), reasons=[["two_kinds"]] * len(owner))
    evidence = _make_evidence(links, sizes, ids, n_accounts=n_accounts)
    hours = random.integers(0, 168, (len(owner), 6))
    activity = pd.DataFrame({"account_id": np.repeat(names, 6), "hour_of_week": hours.ravel()}).drop_duplicates()
    everyone = pd.DataFrame({"account_id": None, "hour_of_week": np.arange(168), "n_events": 10 * n_accounts // 168})
    activity = pd.concat([activity.assign(n_events=5).astype({"account_id": object}), everyone])
    shown_links = links.assign(account_id=names[links["account"]], n_events=3, **seen)
    entities = links.groupby(["kind", "entity"]).size().rename("n_accounts").reset_index().query("n_accounts >= 2")
    entities = entities.assign(rarity_bits=np.log2(n_accounts / entities["n_accounts"]))
    frames = {"accounts": accounts, "clusters": clusters, "evidence": evidence, "links": shown_links}
    frames |= {"activity": activity, "entities": entities}
    tables = {name: TABLES[name].from_frame(_fill(name, frame)) for name, frame in frames.items()}
    start = time.perf_counter()
    tables["layout"] = overview_layout(clusters, evidence, seed=0)
    _console.print(f"the overview was laid out in {time.perf_counter() - start:.1f} s")
    population = {
        "n_accounts": n_accounts,
        "n_events": 30 * n_accounts,
        "n_links": len(links),
        "n_shared_entities": len(entities),
    }
    content = {
        "config": Config().model_dump(mode="json"),
        "key_fingerprint": key_fingerprint,
        "parent": None,
        "population": population | {"first_day": "2026-05-01", "last_day": "2026-05-15"},
        "resolved": {
            "threshold_bits": 20.0,
            "resolution": 0.002,
            "kinds": list(Config().kinds),
            "n_linked_accounts": len(owner),
            "n_pairs": 8 * len(owner),
        },
    }
    return build_snapshot(tables, as_of=date(2026, 5, 15), content=content, run={})


def _make_links(owner: np.ndarray, sizes: np.ndarray, random: np.random.Generator) -> pd.DataFrame:
    """Links of accounts, given by number: kind, entity; now and then one of a pool that all clusters share."""
    account = np.arange(len(owner))
    parts = []
    for kind, n_each, per in (
        ("ip", 3, 4),
        ("user_agent", 1, 100),
        ("payment_instrument", 1, 8),
        ("prompt_template", 2, 20),
    ):
        who = np.repeat(account, n_each)
        pool = 1 + sizes[owner[who]] // per
        number = (random.random(len(who)) ** 2 * pool).astype(int)
        common = random.random(len(who)) < 0.02
        of_cluster = pd.Series(owner[who]).astype(str) + "-" + pd.Series(number).astype(str)
        of_all = "shared-" + pd.Series(random.integers(0, 4_000, len(who))).astype(str)
        parts.append(
            pd.DataFrame({"account": who, "kind": kind, "entity": kind + "-" + of_cluster.where(~common, of_all)})
        )
    return pd.concat(parts).drop_duplicates().assign(cluster=lambda frame: owner[frame["account"]])


def _make_evidence(links: pd.DataFrame, sizes: np.ndarray, ids: np.ndarray, *, n_accounts: int) -> pd.DataFrame:
    """Rows of the table ``evidence``."""
    shared = links.groupby(["cluster", "kind", "entity"]).size().rename("n_inside").reset_index()
    total = shared.groupby(["kind", "entity"])["n_inside"].transform("sum")
    shared["n_outside"] = total - shared["n_inside"]
    shared["coverage"] = shared["n_inside"] / sizes[shared["cluster"]]
    shared["lift"] = shared["coverage"] / (total / n_accounts)
    return shared[shared["n_inside"] >= 2].assign(cluster_id=lambda frame: ids[frame["cluster"]])


def _fill(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """A frame with every column of a table."""
    missing = set(TABLES[name].schema().names) - set(frame.columns)
    return frame.assign(**dict.fromkeys(missing))


if __name__ == "__main__":
    typer.run(main)
