import pytest

from graphkit.show.blindpage import write_blind_spots
from graphkit.show.overview import plot_overview
from graphkit.show.report import write_report
from tests.grades import grades_of
from tests.show_world import empty_snapshot, make_snapshot

WATCH = (
    "window.violations = []; addEventListener('securitypolicyviolation', (e) => violations.push(e.violatedDirective));"
)
INTRUDE = """() => {
  for (const [name, text] of [["script", "window.intruded = true"], ["style", "body { color: red }"]]) {
    const element = document.createElement(name);
    element.textContent = text;
    document.head.append(element);
  }
  new Image().src = "https://example.invalid/x.png";
  fetch("https://example.invalid/x").catch(() => null);
}"""
LIGHT, DARK = "rgb(255, 255, 255)", "rgb(17, 22, 29)"


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    hostile = make_snapshot((40, 12, 6, 3))
    return {
        "masked": write_report(hostile, folder / "masked.html"),
        "revealed": write_report(hostile, folder / "revealed.html", reveal=True),
        "alone": write_report(hostile, folder / "alone.html", cluster_id="C001"),
        "empty": write_report(empty_snapshot(), folder / "empty.html"),
        "blindspots": write_blind_spots(
            hostile, grades_of(["ip", "ip + url"], alike={"recall": 0.9}), folder / "blindspots.html"
        ),
    }


@pytest.fixture
def open_report(chromium, reports):
    """Open a report; at the end, all that it asked for or complained of must be nothing."""
    opened = []

    def load(name, **options):
        page = chromium.new_page(viewport={"width": 1180, "height": 900}, **options)
        address = reports[name].as_uri()
        troubles = []
        page.on("console", lambda message: troubles.append(message.text) if message.type != "log" else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("dialog", lambda dialog: troubles.append(dialog.message))
        page.on(
            "request", lambda request: troubles.append(request.url) if request.url.split("#")[0] != address else None
        )
        page.add_init_script(WATCH)
        page.route(lambda url: url.split("#")[0] != address, lambda route: route.abort())
        page.goto(address)
        opened.append((page, troubles))
        return page

    yield load
    for page, troubles in opened:
        assert page.evaluate("violations") == []
        assert troubles == []
        page.close()


def draw_all(page):
    """Scroll to each figure and wait until it is drawn."""
    for plot in page.locator(".plot").all():
        plot.scroll_into_view_if_needed()
        plot.locator("svg.main-svg").first.wait_for()


@pytest.mark.parametrize("name", ["masked", "revealed", "alone", "empty", "blindspots"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_loads_in_both_themes_without_a_request(open_report, name, scheme):
    page = open_report(name, color_scheme=scheme)
    draw_all(page)
    assert page.locator("[data-drawn]").count() == page.locator(".plot").count()
    assert page.locator("html").get_attribute("data-theme") == scheme


def test_figures_show_marks_and_hostile_words_stay_words(open_report):
    page = open_report("revealed")
    draw_all(page)
    assert page.locator("#overview .scatterlayer path.point").count() == 3
    assert page.locator("#ring-1 .scatterlayer .trace path.point").count() > 10
    words = page.locator(".annotation-text").all_text_contents()
    assert any("<script>" in text for text in words)
    assert page.locator("svg a, svg :not(.hm) > image, bdi b, bdi img").count() == 0
    assert page.locator("svg .hm > image").count() > 0, "heatmaps alone draw with images of their own"


def test_hover_tells_who_shares_what(open_report):
    page = open_report("revealed")
    page.locator("#overview svg.main-svg").first.wait_for()
    box = page.locator("#overview .scatterlayer path.point").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(box["x"] + box["width"] / 2 + 2, box["y"] + box["height"] / 2)
    label = page.locator("#overview .hoverlayer .hovertext")
    label.wait_for()
    assert "40 accounts" in label.text_content()
    assert "<b>addresses</b>" in label.text_content()


def test_no_button_sends_a_figure_away(chromium, reports, tmp_path):
    figure = plot_overview(make_snapshot((12, 6)))
    figure.write_html(tmp_path / "plain.html", include_mathjax=False)
    for path in (tmp_path / "plain.html", reports["masked"]):
        page = chromium.new_page()
        page.goto(path.as_uri())
        page.locator(".modebar-btn").first.wait_for(state="attached")
        titles = page.locator(".modebar-btn").evaluate_all("buttons => buttons.map(b => b.dataset.title)")
        assert "Zoom in" in titles
        assert not [title for title in titles if "share" in title.lower() or "cloud" in title.lower()]
        page.close()


def test_policy_stops_what_a_hole_would_let_in(chromium, reports):
    page = chromium.new_page()
    answered = []
    page.on("requestfinished", lambda request: answered.append(request.url))
    page.add_init_script(WATCH)
    page.goto(reports["masked"].as_uri())
    page.evaluate(INTRUDE)
    page.wait_for_function("new Set(violations).size >= 4")
    assert page.evaluate("[...new Set(violations)].sort()") == [
        "connect-src",
        "img-src",
        "script-src-elem",
        "style-src-elem",
    ]
    assert page.evaluate("window.intruded === undefined")
    assert answered == [reports["masked"].as_uri()]
    page.close()


def test_theme_switch_recolors_page_and_figures(open_report):
    page = open_report("masked", color_scheme="light")
    draw_all(page)
    canvas = page.locator("#overview .main-svg").first
    background = "element => getComputedStyle(element).backgroundColor"
    for expected in (DARK, LIGHT):
        page.locator("#theme").click()
        page.wait_for_function(
            "c => getComputedStyle(document.querySelector('#overview .main-svg')).backgroundColor === c", arg=expected
        )
        assert page.locator("body").evaluate(background) == canvas.evaluate(background) == expected


def test_table_sorts_by_keyboard(open_report):
    page = open_report("masked")
    column = "rows => rows.map(row => Number(row.cells[1].dataset.value))"
    rows, head = page.locator("#ranked tbody tr"), page.locator("#ranked thead th").nth(1)
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert rows.evaluate_all(column) == [40, 12, 6, 3]
    page.keyboard.press("Space")
    assert head.get_attribute("aria-sort") == "ascending"
    assert rows.evaluate_all(column) == [3, 6, 12, 40]
    assert page.locator("#ranked [aria-sort]").count() == 1


def test_search_filters_and_counts(open_report):
    page = open_report("masked")
    page.locator("#search").focus()
    page.keyboard.type("c002 ADDRESSES")
    assert page.locator("#ranked tbody tr:visible").count() == 1
    assert page.locator("#found").inner_text() == "1 of 4 clusters"
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    assert page.locator("#ranked tbody tr:visible").count() == 4


def test_phone_scrolls_figures_and_tables_but_not_the_page(open_report):
    page = open_report("masked")
    page.set_viewport_size({"width": 390, "height": 800})
    page.wait_for_function("document.querySelector('.fit').getBoundingClientRect().width < 700")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_clusters_fit_a_narrow_window(chromium, tmp_path):
    path = write_report(make_snapshot((40, 12), verdict="confirmed"), tmp_path / "report.html")
    page = chromium.new_page(viewport={"width": 800, "height": 900})
    page.goto(path.as_uri())
    assert page.locator("#ranked").evaluate("table => table.scrollWidth <= table.parentElement.clientWidth")
    page.close()


def test_print_is_light_and_draws_every_figure(open_report):
    page = open_report("masked", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert set(page.locator(".plot").evaluate_all("plots => plots.map(p => p.dataset.drawn)")) == {"light"}
    page.emulate_media(media="print")
    assert page.locator("body").evaluate("element => getComputedStyle(element).backgroundColor") == LIGHT
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert set(page.locator(".plot").evaluate_all("plots => plots.map(p => p.dataset.drawn)")) == {"dark"}


def test_reading_without_scripts_still_tells_all(chromium, reports):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(reports["masked"].as_uri())
    assert page.locator("#ranked tbody tr").count() == 4
    assert "need JavaScript" in page.locator("noscript").inner_text()
    context.close()
