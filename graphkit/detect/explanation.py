"""Explanations as values: sentences and frames that a notebook shows, a file keeps and a page lays out."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import pandas as pd

from graphkit.frames import DASH, write_number
from graphkit.wording import in_words, kind_name, percent

_SHOWN = 15
_HEADS = {
    "account_id": "account",
    "cluster_id": "cluster",
    "inside": "inside",
    "match_weight": "bits",
    "n_shared": "entities shared",
    "n_events": "events",
    "first_seen": "first",
    "last_seen": "last",
    "n_accounts": "accounts",
    "n_inside": "inside",
    "n_outside": "outside",
    "rarity_bits": "rarity, bits",
    "weighs": "weighs",
    "n_pairs": "pairs",
    "bits": "adds, bits",
    "event_bits": "tells, bits an event",
    "set_aside": "set aside",
    "best_bits": "best left, bits",
    "n_linked": "links left",
    "n_weak": "weak pairs left",
    "n_kinds": "kinds left",
    "pairs_left": "pairs left",
    "n_parts": "parts",
    "largest_part": "largest part",
}
_CODES = {"kind", "part", "perturbation"}
_SHARES = {"coverage", "everyone", "pairs_left", "largest_part", "share"}


class Section(NamedTuple):
    """A part of an explanation: its heading, its sentences, and a frame or none."""

    title: str
    sentences: tuple[str, ...]
    table: pd.DataFrame | None


@dataclass(frozen=True, eq=False, repr=False)
class AccountExplanation:
    """Why an account is linked and in a cluster, how it compares, what would clear it, and what is not known."""

    snapshot_id: str
    account_id: str
    cluster_id: str | None
    facts: Mapping[str, Any]
    """tier, strength (of the sampled pairs inside), best_bits (of all), likeness, threshold_bits (of a link),
    needed_bits (of a pair that holds it, likeness given), n_linked, n_weak, n_others, n_events,
    first_seen, last_seen, ..."""
    why: tuple[str, ...]
    shared: pd.DataFrame
    """A row per entity that it shares with anyone, those that add most to its pairs first: kind, entity, tag, n_events,
    first_seen and last_seen (by this account), n_accounts, n_inside and n_outside (its cluster), rarity_bits, weighs,
    n_pairs (of ``partners`` inside that share it), bits (the most that it adds to one), template (the frame of a mined
    prompt template, behind its public name if it has one)."""
    partners: pd.DataFrame
    """A row per account with which it shares needed_bits or more, strongest first: account_id, cluster_id, inside (its
    cluster), match_weight, linked (False: a weak pair), kinds, n_shared. Exact over all members of its cluster;
    outside, the linked ones that were sampled."""
    compared: tuple[str, ...]
    comparison: pd.DataFrame
    """A row per trait: trait, account, cluster, population, like (cluster, population, or neither told apart)."""
    clears: tuple[str, ...]
    clearing: pd.DataFrame
    """A row per trial, as of ``set_aside``, or of its "likeness": best_bits, n_linked, n_weak (pairs that likeness may
    make up for; null where it makes up nothing), n_kinds and outcome without that evidence."""
    life: tuple[str, ...]
    """Its cluster through time, and the verdict on it."""
    unknown: tuple[str, ...]

    @property
    def title(self) -> str:
        """What it is about."""
        return f"Account {self.account_id}"

    @property
    def sections(self) -> tuple[Section, ...]:
        """Its parts in the order of reading."""
        return (
            Section("Why", self.why, None),
            Section("What it shares", (), _known(self.shared.drop(columns="n_accounts"))),
            Section("With whom", (), _known(self.partners)),
            Section("Like its cluster, or like anyone", self.compared, _known(self.comparison)),
            Section("What would clear it", self.clears, _known(self.clearing)),
            *([Section("Its cluster through time", self.life, None)] if self.life else []),
            Section("What is not known", self.unknown, None),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; times in ISO 8601, UTC."""
        about = {"snapshot": self.snapshot_id, "account_id": self.account_id, "cluster_id": self.cluster_id}
        names = ("why", "shared", "partners", "compared", "comparison", "clears", "clearing", "life", "unknown")
        return about | _tell_all(self, "facts", *names)

    def __repr__(self) -> str:
        return f"<AccountExplanation of {self.account_id!r}: {' '.join(self.why[:2])}>"

    def _repr_html_(self) -> str:
        return _render(self.title, self.sections)


@dataclass(frozen=True, eq=False, repr=False)
class ClusterExplanation:
    """Why a cluster is a finding, whether it holds, what would undo it, and what is not known."""

    snapshot_id: str
    cluster_id: str
    facts: Mapping[str, Any]
    """n_accounts, n_core, n_weak (without a link of their own), likeness (median, bits), score, rank, stability,
    expected_by_chance, n_events, first_seen, last_seen, ..."""
    why: tuple[str, ...]
    evidence: pd.DataFrame
    """Rows of the table ``evidence``, the most telling first, with rarity_bits and corroboration; template is the frame
    of a mined prompt template, behind its public name if it has one."""
    alike: tuple[str, ...]
    usage: pd.DataFrame
    """A row per model and capability, as of ``compare_usage``: trait, name, share, everyone, event_bits."""
    parts: pd.DataFrame
    """Rows of the table ``score_parts``, what adds most first."""
    tiers: pd.DataFrame
    """A row per tier and reason: tier, reason (in words), n_accounts, share."""
    holds: tuple[str, ...]
    stability: pd.DataFrame
    """A row per perturbation: perturbation, together, n_parts, largest_part, outcome (in words)."""
    undoes: tuple[str, ...]
    undoing: pd.DataFrame
    """A row per trial, as of ``set_aside``, or of all "likeness": pairs_left, n_parts, largest_part and outcome without
    that evidence."""
    life: tuple[str, ...]
    """What became of it over snapshots, and the verdict on it."""
    turns: pd.DataFrame
    """Rows of the table ``history`` about it and those that came from it, as of ``list_turns``."""
    unknown: tuple[str, ...]

    @property
    def title(self) -> str:
        """What it is about."""
        return f"Cluster {self.cluster_id}"

    @property
    def sections(self) -> tuple[Section, ...]:
        """Its parts in the order of reading."""
        return (
            Section("Why", self.why, None),
            Section("Through time", self.life, None),
            Section("What binds it", (), _known(self.evidence)),
            Section("In what its accounts are alike", self.alike, _known(self.usage)),
            Section("Parts of the score", (), _known(self.parts)),
            Section("How sure each membership is", (), self.tiers),
            Section("Does it hold?", self.holds, self.stability),
            Section("What would undo it", self.undoes, _known(self.undoing)),
            Section("What is not known", self.unknown, None),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; times in ISO 8601, UTC."""
        about = {"snapshot": self.snapshot_id, "cluster_id": self.cluster_id}
        names = (
            "why",
            "evidence",
            "alike",
            "usage",
            "parts",
            "tiers",
            "holds",
            "stability",
            "undoes",
            "undoing",
            "life",
            "turns",
            "unknown",
        )
        return about | _tell_all(self, "facts", *names)

    def __repr__(self) -> str:
        return f"<ClusterExplanation of {self.cluster_id!r}: {' '.join(self.why[:2])}>"

    def _repr_html_(self) -> str:
        return _render(self.title, self.sections)


Explanation = AccountExplanation | ClusterExplanation


def head_of(column: str) -> str:
    """A column's name for people."""
    return _HEADS.get(column, column.replace("_", " "))


def show_cell(column: str, value: Any) -> str:
    """A value of a frame as people read it; a dash for none."""
    match value:
        case list() | tuple():
            shown = ", ".join(kind_name(each) for each in value)
        case bool():
            shown = "yes" if value else "no"
        case int():
            shown = f"{value:,}"
        case float() if math.isfinite(value):
            shown = percent(value) if column in _SHARES else write_number(column, value)
        case date():
            shown = f"{value:%Y-%m-%d}"
        case str():
            shown = in_words(value).replace("_", " ") if column in _CODES else value
        case _:
            shown = DASH
    return shown


def _known(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame without the columns that have no value at all."""
    return frame.dropna(axis="columns", how="all")


def records_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a frame as dictionaries of Python's own values; None for what is missing."""
    known = frame.astype(object)
    rows = known.where(known.notna(), None).to_dict("records")
    return [{str(column): value for column, value in row.items()} for row in rows]


def _tell_all(explanation: object, *names: str) -> dict[str, Any]:
    """Some attributes of an explanation as JSON has them."""
    return {name: _to_plain(getattr(explanation, name)) for name in names}


def _to_plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, pd.DataFrame):
        return [_to_plain(row) for row in records_of(value)]
    if isinstance(value, Mapping):
        return {name: _to_plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_to_plain(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value.isoformat() if isinstance(value, date) else value


def _render(title: str, sections: Sequence[Section]) -> str:
    """A notebook's view: all sentences, and the first rows of each frame."""
    parts = [f"<h3><bdi>{html.escape(title)}</bdi></h3>"]
    for section in sections:
        parts.append(f"<h4>{html.escape(section.title)}</h4>")
        if section.sentences:
            items = "".join(f"<li><bdi>{html.escape(sentence)}</bdi></li>" for sentence in section.sentences)
            parts.append(f"<ul>{items}</ul>")
        if section.table is not None and len(section.table):
            parts.append(_render_table(section.table))
    return f'<div class="tex2jax_ignore mathjax_ignore">{"".join(parts)}</div>'


def _render_table(frame: pd.DataFrame) -> str:
    heads = "".join(f"<th style='text-align:left'>{html.escape(head_of(column))}</th>" for column in frame.columns)
    rows = "".join(
        "<tr>"
        + "".join(
            f"<td style='text-align:left'><bdi>{html.escape(show_cell(column, value))}</bdi></td>"
            for column, value in row.items()
        )
        + "</tr>"
        for row in records_of(frame.head(_SHOWN))
    )
    rest = f"<p>and {len(frame) - _SHOWN:,} more</p>" if len(frame) > _SHOWN else ""
    return f"<table><tr>{heads}</tr>{rows}</table>{rest}"
