"""Colors, symbols and sizes that all figures share."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from graphkit.errors import UsageError
from graphkit.show.labels import kind_label

Mode = Literal["light", "dark"]

WIDTH, HEIGHT = 1000, 720
"""Pixels of a figure."""
BOX_WIDTH, BOX_HEIGHT = 952, 524
"""Pixels of its drawing area; positions in figures are pixels from the area's middle."""
FONT = 'Inter, "Segoe UI", system-ui, -apple-system, "DejaVu Sans", sans-serif'

TOKENS: dict[str, dict[str, str]] = {
    "light": {
        "background": "#ffffff",
        "ink": "#1b2430",
        "muted": "#5b6675",
        "account": "#0072B2",
        "ground": "#f4f6f8",
        "link": "rgba(91,102,117,0.38)",
        "faint_link": "rgba(91,102,117,0.16)",
    },
    "dark": {
        "background": "#11161d",
        "ink": "#e8ecf1",
        "muted": "#9aa6b4",
        "account": "#56B4E9",
        "ground": "#1a212b",
        "link": "rgba(154,166,180,0.42)",
        "faint_link": "rgba(154,166,180,0.18)",
    },
}
SCORE_RAMP: dict[str, tuple[str, ...]] = {
    "light": ("#f5f2ee", "#f8d9c0", "#ec9a58", "#D55E00"),
    "dark": ("#2b3038", "#5a4231", "#98521a", "#E8690A"),
}
"""One hue, from a score of 0 to 1."""

_STANDARD_KINDS = {
    "ip": ("#E69F00", "square"),
    "user_agent": ("#009E73", "diamond"),
    "payment_instrument": ("#CC79A7", "triangle-up"),
    "prompt_template": ("#D55E00", "hexagon"),
}
_FREE_SYMBOLS = (
    *("pentagon", "star", "triangle-down", "cross", "x", "hourglass", "bowtie", "octagon"),
    *("triangle-left", "triangle-right", "star-diamond", "hexagram", "star-square", "diamond-tall", "diamond-wide"),
    "star-triangle-up",
)
_FREE_COLORS = {
    "light": ("#56B4E9", "#C9B800", "#000000", "#E69F00", "#009E73", "#CC79A7", "#D55E00"),
    "dark": ("#0072B2", "#F0E442", "#ffffff", "#E69F00", "#009E73", "#CC79A7", "#D55E00"),
}


class KindStyle(NamedTuple):
    """How a kind is drawn; the symbol repeats what the color says."""

    label: str
    color: str
    symbol: str


def require_mode(mode: str) -> None:
    """Raise a UsageError unless ``mode`` is light or dark."""
    if mode not in TOKENS:
        raise UsageError(f"no mode {mode!r}; there are light and dark")


def kind_styles(kinds: Iterable[str], *, mode: Mode = "light") -> dict[str, KindStyle]:
    """Styles by kind, in the order in which kinds are drawn: the standard ones, then the others by name."""
    names = set(kinds)
    styles = {kind: KindStyle(kind_label(kind), *_STANDARD_KINDS[kind]) for kind in _STANDARD_KINDS if kind in names}
    colors = _FREE_COLORS[mode]
    for i, kind in enumerate(sorted(names - styles.keys())):
        styles[kind] = KindStyle(kind_label(kind), colors[i % len(colors)], _FREE_SYMBOLS[i % len(_FREE_SYMBOLS)])
    return styles


def rgb(color: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255, of a color ``#rrggbb``."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def with_alpha(color: str, alpha: float) -> str:
    """A color ``#rrggbb`` made translucent."""
    red, green, blue = rgb(color)
    return f"rgba({red},{green},{blue},{alpha:.2f})"


def ramp_color(score: float, *, mode: Mode) -> str:
    """The color ``#rrggbb`` of a score from 0 to 1."""
    stops = SCORE_RAMP[mode]
    place = min(max(score, 0.0), 1.0) * (len(stops) - 1)
    low = min(int(place), len(stops) - 2)
    return mix(stops[low], stops[low + 1], place - low)


def mix(color: str, other: str, share: float) -> str:
    """The color ``#rrggbb`` so far on the way from one to the other, 0 to 1."""
    mixed = (round(a + (b - a) * share) for a, b in zip(rgb(color), rgb(other), strict=True))
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def contrast(color: str, other: str) -> float:
    """Contrast of two colors, 1 to 21, as WCAG 2 defines it."""
    first, second = sorted((_luminance(color), _luminance(other)))
    return (second + 0.05) / (first + 0.05)


def ink_on(color: str) -> str:
    """Black or white ink, whichever reads better on a color: the contrast is at least 4.5."""
    return max(("#000000", "#ffffff"), key=lambda ink: contrast(ink, color))


def _luminance(color: str) -> float:
    """Relative luminance, 0 to 1."""
    channels = (value / 255 for value in rgb(color))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
