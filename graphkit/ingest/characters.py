"""What each character of a prompt counts as: a letter in its plain form, a word of its own, a gap, or nothing."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache

import numpy as np
import numpy.typing as npt

GAP, LETTER, WORD, INVISIBLE = range(4)
"""Between words, part of a word, a word of its own (in scripts without spaces), or not there."""

_N_CODE_POINTS = 0x110000
_LAST_ASSIGNED = 0x323B0
_BLANKS = "\u115f\u1160\u3164\uffa0\u034f\u17b4\u17b5"
_WITHOUT_SPACES = (
    (0x0E01, 0x0EDF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17D3),  # Khmer
    (0x3005, 0x3007),  # ideographic marks
    (0x3041, 0x30FF),  # Hiragana, Katakana
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),  # Chinese characters
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x323AF),
)
_MARKS = (
    (0x0300, 0x036F),
    (0x0483, 0x0489),
    (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF),
    (0x20D0, 0x20FF),
    (0xFE00, 0xFE0F),
    (0xFE20, 0xFE2F),
    (0xE0000, 0xE01EF),
)
_LOOK_ALIKES = {
    "АаΑαɑ": "a",
    "ВвΒβƄ": "b",
    "СсϹϲⅽ": "c",
    "ԀԁⅾđĐ": "d",
    "ЕеΕεҽ": "e",
    "ϜƑ": "f",
    "Ԍɡց": "g",
    "НһΗհҺħĦ": "h",
    "ІіΙιıɩӀ": "i",
    "ЈјϳյЈ": "j",
    "КкΚκ": "k",
    "ⅼǀłŁ": "l",
    "МмΜμ": "m",
    "ΝηոΠ": "n",
    "ОоΟοσօøØ": "o",
    "РрΡρ": "p",
    "Ԛԛգ": "q",
    "ѕЅ": "s",
    "ТтΤτŧŦ": "t",
    "υսՍ": "u",
    "ѴѵνⅴⅤ": "v",
    "ԜԝωѡѠ": "w",
    "ХхΧχ": "x",
    "УуΥүҮγ": "y",
    "ΖᴢƵ": "z",
}
"""Letters that look like a Latin one, or whose capital does; in texts of their own script they are as good as before."""


@cache
def characters() -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint8]]:
    """Plain form and kind of every code point, for text in Unicode's normal form NFKC.

    The plain form is the lower-case letter without accents, in the Latin alphabet where it looks like a letter of it.
    """
    plain = np.arange(_N_CODE_POINTS, dtype=np.uint32)
    kind = np.full(_N_CODE_POINTS, GAP, np.uint8)
    for code in range(_LAST_ASSIGNED):
        letter = chr(code)
        category = unicodedata.category(letter)
        if category == "Cf":
            kind[code] = INVISIBLE
        elif category[0] in "LMN":
            kind[code] = LETTER
            plain[code] = ord(_make_plain(letter))
    kind[[ord(blank) for blank in _BLANKS]] = INVISIBLE
    _set_spans(kind, _WITHOUT_SPACES, WORD)
    _set_spans(kind, _MARKS, INVISIBLE)
    for look_alikes, latin in _LOOK_ALIKES.items():
        plain[[ord(letter) for letter in look_alikes]] = ord(latin)
    plain.flags.writeable = kind.flags.writeable = False
    return plain, kind


def _make_plain(letter: str) -> str:
    """Lower case without accents, where that is one character."""
    lower = letter.lower()
    base = unicodedata.normalize("NFKD", lower)
    if len(base) > 1 and all(unicodedata.category(mark) == "Mn" for mark in base[1:]):
        return base[0]
    return lower if len(lower) == 1 else letter


def _set_spans(kind: npt.NDArray[np.uint8], spans: Iterable[tuple[int, int]], value: int) -> None:
    for first, last in spans:
        kind[first : last + 1] = value
