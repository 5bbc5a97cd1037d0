"""How things are put in words: kinds, counts, shares, what became of a cluster."""

from collections.abc import Mapping
from typing import Any

HOLDS = 0.9
"""Share of pairs still together, or of accounts in the largest part, from which a cluster is said to hold."""

_STANDARD_NAMES = {"ip": "IP address"}


def kind_name(kind: str) -> str:
    """A kind's name as people write it inside a sentence: ``user_agent`` becomes ``user agent``."""
    return _STANDARD_NAMES.get(kind, kind.replace("_", " "))


def in_words(name: str) -> str:
    """A name from the tables in words: ``without prompt_template`` becomes ``without prompt template``."""
    return " ".join(kind_name(word) for word in name.split(" "))


def plural(number: int, noun: str) -> str:
    """A number and its noun: ``1 account``, ``1,200 accounts``, ``2 entities``, ``3 IP addresses``."""
    if number == 1:
        return f"1 {noun}"
    stem, ending = (noun[:-1], "ies") if noun.endswith("ty") else (noun, "es" if noun.endswith("s") else "s")
    return f"{number:,} {stem}{ending}"


def percent(share: float) -> str:
    """A share of 1 in percent: whole from 10 %, else one decimal."""
    if 0 < share < 0.001:
        return "<0.1%"
    return f"{share:.0%}" if share >= 0.0995 or share == 0 else f"{share:.1%}"


def tell_outcome(trial: Mapping[Any, Any]) -> str:
    """What became of a cluster in a row of the table ``stability``, as the end of a sentence about it."""
    if trial["together"] >= HOLDS:
        return "holds"
    if trial["n_parts"] == 0:
        return "falls apart: no two accounts stay together"
    if trial["largest_part"] == 1:
        return "is joined by other accounts"
    if trial["largest_part"] >= HOLDS:
        return f"keeps {percent(trial['largest_part'])} of its accounts together"
    parts = plural(trial["n_parts"], "part")
    return f"breaks into {parts} of two accounts or more; the largest holds {percent(trial['largest_part'])}"


def tell_verdict(cluster: Mapping[str, Any]) -> str:
    """The verdict in a row of the table ``clusters``, and its basis where that is not the cluster's own review."""
    verdict, basis = cluster["verdict"] or "", cluster.get("verdict_basis")
    return f"{verdict}, {basis}" if basis in {"inherited", "outgrown"} else verdict
