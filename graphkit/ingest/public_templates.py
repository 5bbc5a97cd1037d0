"""A user's list of templates that are public, so that a mined one can be named as such."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from graphkit.errors import InputError
from graphkit.ingest.shingles import hash_runs
from graphkit.ingest.sources import shorten
from graphkit.ingest.template_match import Template, pair_bits
from graphkit.ingest.words import read_prompts, split_words

_COLUMNS = ("name", "text")
_PLACEHOLDER = re.compile(
    r"\$?\{\{?[^{}\n]{0,80}\}\}?|<<[^<>\n]{0,80}>>|⟨[^⟨⟩\n]{0,80}⟩|<[a-z_ ]{1,40}>|\[[A-Za-z_ ]{1,40}\]"
)
_HELD = 0.8
_USED = 0.5


def read_public_templates(source: Any) -> list[tuple[str, str]]:
    """Names and texts of templates, of a CSV file or a frame with the columns ``name`` and ``text``.

    Slots in a text may be written as ``{question}``, ``{{question}}``, ``<<question>>``, ``[question]`` or ``⟨…⟩``.

    Raises
    ------
    InputError
        If the file cannot be read, or lacks a column.
    """
    label = shorten(str(source)) if isinstance(source, str | Path) else "public templates"
    try:
        table = pd.read_csv(source, dtype=str, keep_default_na=False) if isinstance(source, str | Path) else source
    except (OSError, UnicodeDecodeError, ValueError) as error:
        reason = shorten(str(error).split("\n", 1)[0])
        raise InputError(f"{label}: cannot be read as CSV ({reason})") from error
    if not hasattr(table, "columns"):
        raise InputError(f"{label}: neither a file nor a frame; give one with the columns name and text")
    there = table.column_names if isinstance(table, pa.Table) else [str(name) for name in table.columns]
    missing = [name for name in _COLUMNS if name not in there]
    if missing:
        shown = ", ".join(shorten(name, width=40) for name in there) or "nothing"
        raise InputError(f"{label}: no column {missing[0]!r}; there are: {shown}. It needs the columns name and text")
    names, texts = (read_prompts(table[name]).to_pylist() for name in _COLUMNS)
    return [(name, text) for name, text in zip(names, texts, strict=True) if name and text]


def name_templates(templates: Sequence[Template], public: Sequence[tuple[str, str]], *, key: bytes) -> list[str | None]:
    """Name of the public template that each template is, None where it is none.

    It is one whose text holds four fifths of the template's bits, and half of whose own pairs of words the template
    has; of several the one that has most of both.
    """
    if not templates or not public:
        return [None] * len(templates)
    pairs, bits = pair_bits(templates)
    total = np.maximum(np.asarray(bits.sum(axis=0)).ravel(), np.finfo(float).tiny)
    has = bits.copy()
    has.data = np.ones_like(has.data)
    best: list[tuple[float, str | None]] = [(0.0, None)] * len(templates)
    for name, text in public:
        own = _read_pairs(text, key=key)
        there = np.isin(pairs, own).astype(float)
        held, used = (there @ bits) / total, (there @ has) / max(len(own), 1)
        for place in np.flatnonzero((held >= _HELD) & (used >= _USED)):
            best[place] = max(best[place], (float(held[place] * used[place]), name), key=lambda each: each[0])
    return [name for _, name in best]


def _read_pairs(text: str, *, key: bytes) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Pairs of neighboring words outside of slots."""
    pieces = pa.array(_PLACEHOLDER.split(text), pa.large_string())
    return np.unique(hash_runs(split_words(pieces, key=key), 2)[0])
