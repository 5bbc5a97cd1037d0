"""The packet: one file, HTML or JSON, that says why an account or a cluster was found and what speaks against it.

It may reach the account's owner. So it names no other account unless asked, not even by a hint of its id.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow.compute as pc

from graphkit.detect.about_account import explain_account
from graphkit.detect.about_cluster import explain_cluster
from graphkit.detect.explanation import AccountExplanation, Explanation, Section, head_of, records_of, show_cell
from graphkit.detect.nearest import near_accounts, near_names
from graphkit.detect.telling import likeness_counts
from graphkit.errors import UsageError
from graphkit.show.facts import list_origin
from graphkit.show.labels import DASH, clean_text, compact, make_namer
from graphkit.show.page import render_page, write_page
from graphkit.snapshot import Snapshot
from graphkit.wording import percent

Subject = Literal["account", "cluster"]
Reveal = bool | Literal["own"]

ROWS = 50
"""Rows of a table in the HTML; the JSON has all."""

_LONGEST = 200
_LEDE = 2
"""Sentences that open the page."""
_WORDS = {"account_id", "entity", "outcome", "reason", "trait", "perturbation", "missing"}
_VERDICT_NOTES = {"own": "reviewed", "inherited": "inherited: to be renewed", "outgrown": "outgrown: to be renewed"}
_SHORT = {"cluster_id", "kind", "kinds", "part", "tier", "set_aside", "like", "tag", "first_seen", "last_seen"}


def explain(snapshot: Snapshot, subject: str, *, about: Subject | None = None, reveal: Reveal = False) -> Explanation:
    """Explain an account or a cluster by its id, with names as a packet shows them.

    Parameters
    ----------
    about
        What the id is of; needed only where an account bears a cluster's id.
    reveal
        False: other accounts are numbered, entities masked as in reports; "own": what the account itself
        used is shown, other accounts are numbered; True: everything is shown.

    Raises
    ------
    UsageError
        If there is no such account or cluster, or both are.
    """
    if about is None:
        about = _find(snapshot, subject)
    explanation = explain_cluster(snapshot, subject) if about == "cluster" else explain_account(snapshot, subject)
    return _mask(explanation, snapshot, reveal=reveal)


def render_packet(snapshot: Snapshot, subject: str, *, about: Subject | None = None, reveal: Reveal = False) -> str:
    """Render a packet as one HTML page; the same snapshot and arguments give the same bytes. As ``explain``."""
    explanation = explain(snapshot, subject, about=about, reveal=reveal)
    why, *rest = explanation.sections
    sections = [why._replace(sentences=why.sentences[_LEDE:]), *rest]
    shown = {
        "title": clean_text(explanation.title, limit=_LONGEST),
        "snapshot_id": snapshot.id,
        "as_of": snapshot.as_of.isoformat(),
        "banner": _tell_masks(explanation, reveal=reveal),
        "lede": clean_text(" ".join(why.sentences[:_LEDE])),
        "headline": _headline(explanation),
        "sections": [_lay_out(section) for section in sections],
        "population": snapshot.content["population"],
        "resolved": snapshot.content["resolved"],
        "origin": [row for row in list_origin(snapshot) if row[0] != "Sources"],
    }
    return render_page("packet.html.j2", shown, figures=None)


def write_packet(
    snapshot: Snapshot,
    subject: str,
    path: str | Path,
    *,
    about: Subject | None = None,
    reveal: Reveal = False,
) -> Path:
    """Write the packet of an account or a cluster, whole or not at all, and return its path.

    Parameters
    ----------
    subject
        Id of the account or cluster.
    path
        A file that ends with .html or .json; JSON has all rows.
    about
        "account" or "cluster"; needed only where an account bears a cluster's id.
    reveal
        False: other accounts are numbered, entities masked as in reports; "own": what the account itself
        used is shown, other accounts are numbered; True: everything is shown.

    Raises
    ------
    UsageError
        If there is no such account or cluster, or the file cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in {".html", ".htm", ".json"}:
        raise UsageError(f"{path}: a packet is HTML or JSON; name a file that ends with .html or .json")
    if suffix == ".json":
        plain = explain(snapshot, subject, about=about, reveal=reveal).to_dict()
        text = json.dumps(plain, sort_keys=True, indent=1, allow_nan=False) + "\n"
    else:
        text = render_packet(snapshot, subject, about=about, reveal=reveal)
    return write_page(path, text)


def _find(snapshot: Snapshot, subject: str) -> Subject:
    """Tell whether an id is an account's or a cluster's."""
    clusters = snapshot.table("clusters", columns=["cluster_id"])["cluster_id"].to_pylist()
    links = snapshot.table("links", columns=["account_id"])["account_id"]
    is_account = bool(pc.any(pc.equal(links, subject)).as_py())
    if subject in clusters and is_account:
        raise UsageError(f"{subject!r} is the id of an account and of a cluster; say which of them you mean")
    if subject in clusters:
        return "cluster"
    near = [*near_accounts(snapshot, subject), *near_names(subject, sorted(clusters))]
    if not is_account and near:
        raise UsageError(
            f"snapshot {snapshot.id} has no linked account and no cluster {subject!r}: an account that shares too "
            f"little to be linked is not in it; near ids: {', '.join(map(repr, near))}"
        )
    return "account"


def _mask(explanation: Explanation, snapshot: Snapshot, *, reveal: Reveal) -> Explanation:
    """Put names as they may be shown into the frames; sentences have none."""
    if reveal is True:
        return explanation
    name_of = make_namer(snapshot, reveal=False)

    def masked(frame: pd.DataFrame) -> pd.DataFrame:
        names = [None if pd.isna(e) else name_of(k, e) for k, e in zip(frame["kind"], frame["entity"], strict=True)]
        named = frame.assign(entity=pd.Series(names, index=frame.index, dtype=object))
        return named.drop(columns="template", errors="ignore")  # the name says it

    if not isinstance(explanation, AccountExplanation):
        if reveal == "own":
            raise UsageError('reveal="own" is for an account; give True or False for a cluster')
        return replace(explanation, evidence=masked(explanation.evidence), undoing=masked(explanation.undoing))
    numbered = [f"account {number}" for number in range(1, len(explanation.partners) + 1)]
    explanation = replace(explanation, partners=explanation.partners.assign(account_id=numbered))
    if reveal == "own":
        return explanation
    return replace(explanation, shared=masked(explanation.shared), clearing=masked(explanation.clearing))


def _tell_masks(explanation: Explanation, *, reveal: Reveal) -> str:
    if reveal is True:
        return "Confidential: identifiers are shown, other accounts' too"
    if reveal == "own":
        return "Confidential: what this account used is shown; other accounts are numbered, not named"
    numbered = "other accounts are numbered, not named; " if isinstance(explanation, AccountExplanation) else ""
    return f"Confidential: {numbered}what they share is masked, and each mask stands for the same thing throughout"


def _headline(explanation: Explanation) -> list[tuple[str, str, str]]:
    """The page's main numbers: label, value, note."""
    facts = explanation.facts
    if not isinstance(explanation, AccountExplanation):
        stability, chance = facts["stability"], facts["expected_by_chance"]
        return [
            ("Score", f"{facts['score']:.2f}", f"rank {facts['rank']:,} of {facts['n_clusters']:,}"),
            *([("Verdict", facts["verdict"], _VERDICT_NOTES[facts["verdict_basis"]])] if facts["verdict"] else []),
            ("Accounts", compact(facts["n_accounts"]), f"{facts['n_core']:,} of them core"),
            *([("In by likeness", compact(facts["n_weak"]), "have no link of their own")] if facts["n_weak"] else []),
            ("Events", compact(facts["n_events"]), f"{facts['n_events'] / facts['n_accounts']:,.0f} an account"),
            ("Stays together", DASH if stability is None else percent(stability), "of its pairs, over the runs"),
            ("By chance", DASH if chance is None else f"{chance:.3g}", "clusters as large and dense"),
            *([] if facts["verdict"] else [("Last seen", f"{facts['last_seen']:%m-%d}", f"{facts['last_seen']:%Y}")]),
        ]
    threshold = f"bits; {facts['threshold_bits']:.1f} make a link"
    best = DASH if facts["best_bits"] is None else f"{facts['best_bits']:.1f}"
    if explanation.cluster_id is None:
        return [("Cluster", "none", ""), ("Links", compact(facts["n_linked"]), ""), ("Strongest pair", best, threshold)]
    size = ("Cluster's accounts", compact(facts["cluster_accounts"]), "")
    if "weak_links" in facts["reasons"] and likeness_counts(facts):
        size = ("Likeness", f"{facts['likeness']:.1f}", "bits; makes up the rest")
    return [
        ("Tier", facts["tier"], f"of cluster {explanation.cluster_id}"),
        ("Strongest pair", best, threshold),
        ("Linked to", compact(facts["n_linked"]), f"of {facts['n_others']:,} other members"),
        ("Events", compact(facts["n_events"]), f"{facts['first_seen']:%Y-%m-%d} to {facts['last_seen']:%Y-%m-%d}"),
        size,
        (
            "Cluster's score",
            f"{facts['cluster_score']:.2f}",
            f"rank {facts['cluster_rank']:,} of {facts['n_clusters']:,}",
        ),
    ]


def _lay_out(section: Section) -> dict[str, Any]:
    """A section as the page shows it: clean text, the first rows of its table."""
    frame = pd.DataFrame() if section.table is None else section.table
    shown = records_of(frame.head(ROWS))
    return {
        "title": section.title,
        "sentences": [clean_text(sentence) for sentence in section.sentences],
        "heads": [(head_of(column), _style(column)) for column in frame.columns],
        "rows": [[clean_text(show_cell(*cell), limit=_LONGEST) for cell in row.items()] for row in shown],
        "n_left_out": len(frame) - len(shown),
    }


def _style(column: str) -> str:
    return "name" if column in _WORDS else "short" if column in _SHORT else "number"
