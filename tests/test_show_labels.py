import pytest

from graphkit.show.labels import (
    ACCOUNT,
    DASH,
    clean_text,
    compact,
    kind_label,
    make_namer,
    measure,
    percent,
    plotly_text,
    shorten,
    wrap_text,
)
from tests.show_world import HOSTILE, make_snapshot


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("plain", "plain"),
        ("a\x00b\x1b[31m", "a\ufffdb\ufffd[31m"),
        ("right\u202eto left", "right\ufffdto left"),
        ("two\nlines\u2028and\tmore ", "two lines and more"),
        ("zero\u200bwidth", "zero\ufffdwidth"),
        ("e" + "\u0301" * 50, "e\u0301\u0301"),
    ],
)
def test_clean_text_leaves_one_visible_line(raw, expected):
    assert clean_text(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("<b>x</b>", "&lt;b&gt;x&lt;/b&gt;"),
        ("&lt;b&gt;", "&amp;lt;b&amp;gt;"),
        ("$x$", "&#36;x&#36;"),
        ('it\'s "so"', 'it\'s "so"'),
    ],
)
def test_plotly_text_takes_no_effect(raw, expected):
    assert plotly_text(raw) == expected


def test_plotly_text_is_cut_before_it_is_escaped():
    assert plotly_text("<" * 10, limit=5) == 3 * "&lt;" + "…" + "&lt;"


@pytest.mark.parametrize(("limit", "expected"), [(10, "abcdefghij"), (6, "abc…ij"), (3, "ab…")])
def test_shorten_cuts_the_middle(limit, expected):
    assert shorten("abcdefghij", limit) == expected
    assert len(expected) <= limit


@pytest.mark.parametrize(
    ("function", "value", "expected"),
    [
        (percent, 0, "0%"),
        (percent, 0.00004, "<0.1%"),
        (percent, 0.034, "3.4%"),
        (percent, 0.0999, "10%"),
        (percent, 1.0, "100%"),
        (percent, None, DASH),
        (compact, 999_400, "999,400"),
        (compact, 999_999, "1 M"),
        (compact, 28_800_000, "28.8 M"),
        (compact, None, DASH),
        (measure, 0, "0"),
        (measure, 0.00012, "1.2e-04"),
        (measure, 12.345, "12.3"),
        (measure, 1234.5, "1,234"),
        (measure, float("nan"), DASH),
        (kind_label, "ip", "IP address"),
        (kind_label, "device_id", "Device id"),
    ],
)
def test_numbers_and_names_read_well(function, value, expected):
    assert function(value) == expected


def test_wrap_text_breaks_at_spaces_and_loses_no_word():
    lines = wrap_text("one two three four five", width=9).split("<br>")
    assert lines == ["one two", "three", "four five"]


def test_names_are_masked_by_kind_and_stable():
    snapshot = make_snapshot((8,))
    masked, shown = make_namer(snapshot, reveal=False), make_namer(snapshot, reveal=True)
    for text in HOSTILE:
        assert clean_text(text) not in masked("ip", text)
        assert clean_text(text) not in masked(ACCOUNT, text)
        assert clean_text(text) not in masked("no such kind", text)
        assert masked("user_agent", text) == shown("ip", text) == clean_text(text)
    assert masked("ip", "192.0.2.1") == masked("ip", "192.0.2.1") != masked("ip", "192.0.2.2")
    assert masked("ip", "192.0.2.1") != make_namer(make_snapshot((9,)), reveal=False)("ip", "192.0.2.1")
