"""What each character of a prompt counts as: a letter in its plain form, a word of its own, a gap, or nothing."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

GAP, LETTER, WORD, INVISIBLE = range(4)
"""Between words, part of a word, a word of its own (in scripts without spaces), or not there."""
JOINS = 4
"""Added where Unicode's normal form NFKC makes several characters of it, or one of it and others next to it."""

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
_ALL_LETTERS = (
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xAC00, 0xD7A3),  # Hangul
    (0x17000, 0x18CD5),  # Tangut, Khitan
    (0x20000, 0x2F7FF),
    (0x2FA20, 0x323AF),
)
"""Where each character is a letter, and its own plain form."""
_HANGUL_JOINING = ((0x1161, 0x1175), (0x11A8, 0x11C2))
"""Vowels and final consonants, which make one character with what is before them."""
_LOOK_ALIKES = {
    "a": "\u0251\u0391\u03b1\u0410\u0430",
    "b": "\u0184\u0392\u03b2\u0412\u0432",
    "c": "\u03f2\u03f9\u0421\u0441\u217d",
    "d": "\u0110\u0111\u0500\u0501\u217e",
    "e": "\u0395\u03b5\u0415\u0435\u04bd",
    "f": "\u0191\u03dc",
    "g": "\u0261\u050c\u0581",
    "h": "\u0126\u0127\u0397\u041d\u04ba\u04bb\u0570",
    "i": "\u0131\u0269\u0399\u03b9\u0406\u0456\u04c0",
    "j": "\u03f3\u0408\u0458\u0575",
    "k": "\u039a\u03ba\u041a\u043a",
    "l": "\u0141\u0142\u01c0\u217c",
    "m": "\u039c\u03bc\u041c\u043c",
    "n": "\u039d\u03a0\u03b7\u0578",
    "o": "\u00d8\u00f8\u039f\u03bf\u03c3\u041e\u043e\u0585",
    "p": "\u03a1\u03c1\u0420\u0440",
    "q": "\u051a\u051b\u0563",
    "s": "\u0405\u0455",
    "t": "\u0166\u0167\u03a4\u03c4\u0422\u0442",
    "u": "\u03c5\u054d\u057d",
    "v": "\u03bd\u0474\u0475\u2164\u2174",
    "w": "\u03c9\u0460\u0461\u051c\u051d",
    "x": "\u03a7\u03c7\u0425\u0445",
    "y": "\u03a5\u03b3\u0423\u0443\u04ae\u04af",
    "z": "\u01b5\u0396\u1d22",
}
"""Cyrillic, Greek and other letters that look like a Latin one, or whose capital does."""


@dataclass(frozen=True, eq=False)
class Characters:
    """Of every code point, in its normal form NFKC."""

    plain: npt.NDArray[np.uint32]
    """The lower-case letter without accents, in the Latin alphabet where it looks like a letter of it; 0 for a gap."""
    kind: npt.NDArray[np.uint8]
    """With ``JOINS`` added where it applies."""


@cache
def characters() -> Characters:
    """What each code point counts as."""
    plain = np.arange(_N_CODE_POINTS, dtype=np.uint32)
    kind = np.full(_N_CODE_POINTS, GAP, np.uint8)
    joins = np.zeros(_N_CODE_POINTS, dtype=bool)
    normal = np.arange(_N_CODE_POINTS)
    first = 0
    for start, end in (*_ALL_LETTERS, (_LAST_ASSIGNED, _LAST_ASSIGNED)):
        kind[start : end + 1] = LETTER
        for code in range(first, start):
            whole = unicodedata.normalize("NFKC", chr(code))
            if len(whole) == 1:
                normal[code] = ord(whole)
            plain[code], kind[code] = ord(_make_plain(whole[0])), _kind_of(whole)
            joins[code] |= unicodedata.combining(whole[0]) != 0 or (len(whole) > 1 and kind[code] != GAP)
            joins[_parts(chr(code))[1:]] = True
        first = end + 1
    kind[[ord(blank) for blank in _BLANKS]] = INVISIBLE
    _set_spans(kind, _WITHOUT_SPACES, WORD)
    _set_spans(kind, _MARKS, INVISIBLE)
    kind = kind[normal]
    _set_spans(joins, _HANGUL_JOINING, value=True)
    joins |= joins[normal]
    _set_spans(joins, _MARKS, value=False)  # they are dropped whatever they join
    alike = np.arange(_N_CODE_POINTS, dtype=np.uint32)
    for latin, look_alikes in _LOOK_ALIKES.items():
        alike[[ord(letter) for letter in look_alikes]] = ord(latin)
    plain = alike[plain]
    plain[kind == GAP] = 0
    kind |= np.where(joins, np.uint8(JOINS), np.uint8(0))
    plain.flags.writeable = kind.flags.writeable = False
    return Characters(plain, kind)


def _kind_of(text: str) -> int:
    """Kind of a character in normal form, or of several: letters if one is."""
    categories = [unicodedata.category(letter) for letter in text]
    if categories == ["Cf"]:
        return INVISIBLE
    return LETTER if any(category[0] in "LMN" for category in categories) else GAP


def _parts(letter: str) -> list[int]:
    """The code points of which a character is made in canonical form, itself if it is not made of several."""
    parts = unicodedata.decomposition(letter).split()
    return [ord(letter)] if not parts or parts[0].startswith("<") else [int(part, 16) for part in parts]


def _make_plain(letter: str) -> str:
    """Lower case without accents, where that is one character."""
    lower = letter.lower()
    base = unicodedata.normalize("NFKD", lower)
    if len(base) > 1 and all(unicodedata.category(mark) == "Mn" for mark in base[1:]):
        return base[0]
    return lower if len(lower) == 1 else letter


def _set_spans(values: npt.NDArray[Any], spans: Iterable[tuple[int, int]], value: int) -> None:
    for first, last in spans:
        values[first : last + 1] = value
