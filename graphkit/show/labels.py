"""Text for people: hostile strings made harmless, long ones short, identifiers masked, numbers readable."""

import html
import math
import unicodedata
from collections.abc import Callable, Sequence

from graphkit import wording
from graphkit.detect.template_names import TEMPLATE_KIND, name_mined_templates
from graphkit.privacy import mask_value
from graphkit.snapshot import Snapshot

NameOf = Callable[[str, object], str]
"""Gives the name to show of a kind and a value."""

ACCOUNT = "account id"
"""Stands for accounts where a kind is asked for; no kind of a config can have this name."""

DASH = "–"  # noqa: RUF001
TIMES = "×"  # noqa: RUF001

_REPLACED = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_MOST_MARKS = 2
_FRAME_LETTERS = 240


def clean_text(text: object, *, limit: int | None = None) -> str:
    """One line of text without control, direction or invisible characters, at most ``limit`` characters long.

    Replaced characters show as U+FFFD, so that two texts that differ in them do not look alike by accident;
    heaps of combining marks, which would paint over their neighbors, are cut down.
    """
    text = str(text)
    if text.isascii() and text.isprintable():
        line = text.strip()
        return line if limit is None else shorten(line, limit)
    kept, marks = [], 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if character.isspace():
            kept.append(" ")
        elif marks <= _MOST_MARKS:
            kept.append("\ufffd" if unicodedata.category(character) in _REPLACED else character)
    line = "".join(kept).strip()
    return line if limit is None else shorten(line, limit)


def shorten(text: str, limit: int) -> str:
    """Cut a text in its middle, where ids differ least, to at most ``limit`` characters."""
    if len(text) <= limit:
        return text
    tail = (limit - 1) * 2 // 5
    return f"{text[: limit - 1 - tail]}…{text[len(text) - tail :]}"


def plotly_text(text: object, *, limit: int | None = None) -> str:
    """Text that plotly shows as it is: no tag, no entity and no TeX of it takes effect."""
    return html.escape(clean_text(text, limit=limit), quote=False).replace("$", "&#36;")


def wrap_text(text: str, *, width: int) -> str:
    """Break a text, already safe for plotly, into lines of about ``width`` characters at its spaces."""
    lines = [""]
    for word in text.split(" "):
        if lines[-1] and len(lines[-1]) + len(word) >= width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return "<br>".join(lines)


def kind_label(kind: str) -> str:
    """A kind's name with a capital, as labels have it: ``user_agent`` becomes ``User agent``."""
    name = wording.kind_name(kind)
    return name[:1].upper() + name[1:]


def make_namer(snapshot: Snapshot, *, reveal: bool) -> NameOf:
    """Give the function (kind, value) -> the name to show, cleaned, and masked unless ``reveal``.

    Accounts (kind ``ACCOUNT``) and entities of kinds with ``mask`` are masked with the snapshot's digest as salt;
    a kind that the config does not know is masked too. Where a mined prompt template may be shown, its frame and public
    name are.
    """
    salt = str(snapshot.content["digest"])
    shown = {name for name, kind in snapshot.config.kinds.items() if not kind.mask}
    templates = name_mined_templates(snapshot)

    def name_of(kind: str, value: object) -> str:
        if reveal or kind in shown:
            if kind == TEMPLATE_KIND and value in templates:
                return f"{clean_text(templates[str(value)], limit=_FRAME_LETTERS)} ({clean_text(value)})"
            return clean_text(value)
        return clean_text(mask_value(str(value), salt=salt, kind="account" if kind == ACCOUNT else kind))

    return name_of


def count(number: float | None) -> str:
    """A whole number with its thousands apart; a dash for none."""
    return DASH if number is None else f"{number:,.0f}"


def count_drawn(label: str, n_drawn: int, total: int) -> str:
    """A legend's entry: ``IP address (4 of 26)``, or ``IP address (26)`` where all are drawn."""
    return f"{label} ({n_drawn:,} of {total:,})" if n_drawn < total else f"{label} ({total:,})"


def note_missing(missing: Sequence[str]) -> list[str]:
    """The note of a figure that says what is not drawn; none where all is."""
    return [f"not drawn: {' and '.join(missing)}"] if missing else []


def compact(number: float | None) -> str:
    """A large number in millions, billions, ...: ``28.8 M``."""
    if number is None:
        return DASH
    for power, sign in ((12, "T"), (9, "B"), (6, "M")):
        if abs(number) >= 0.9995 * 10**power:
            return f"{number / 10**power:.3g} {sign}"
    return count(number)


def percent(share: float | None) -> str:
    """A share of 1 in percent; a dash for none."""
    return DASH if share is None else wording.percent(share)


def measure(value: float | None) -> str:
    """A measured value with three significant digits; a dash for none."""
    if value is None or math.isnan(value):
        return DASH
    if abs(value) >= 1000:
        return compact(value)
    return f"{value:.3g}" if value == 0 or abs(value) >= 0.001 else f"{value:.1e}"
