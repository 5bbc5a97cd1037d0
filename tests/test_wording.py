"""Words: singular and plural, kinds and shares."""

import pytest

from graphkit.wording import kind_name, percent, plural


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (1, "account", "1 account"),
        (0, "account", "0 accounts"),
        (1_200, "account", "1,200 accounts"),
        (2, "entity", "2 entities"),
        (3, "IP address", "3 IP addresses"),
    ],
)
def test_plural(number, noun, text):
    assert plural(number, noun) == text


@pytest.mark.parametrize(("kind", "name"), [("ip", "IP address"), ("user_agent", "user agent"), ("object", "object")])
def test_kind_name(kind, name):
    assert kind_name(kind) == name


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0%"), (0.0001, "<0.1%"), (0.04, "4.0%"), (0.0996, "10%"), (0.5, "50%"), (1, "100%")]
)
def test_percent(share, text):
    assert percent(share) == text
