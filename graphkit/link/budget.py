"""What weighing the pairs of some links takes of memory, told before it is begun."""

from __future__ import annotations

from graphkit.config import Config
from graphkit.errors import BudgetError
from graphkit.link.links import Links
from graphkit.link.pairs import count_meetings

# measured at 3 and 30 million events and 2 to 32 partners, the engine's own share left out;
# Leiden's process was smaller: 60 bytes a pair that counts, of which there were fewer than half as many as meetings
_BASE = 300_000_000
_BYTES_A_LINK = 60
_BYTES_AN_ACCOUNT = 300
_BYTES_A_MEETING = 40


def require_memory(links: Links, *, config: Config, memory: int) -> None:
    """Raise a BudgetError that says how much is needed, where ``memory`` (bytes) will not do."""
    need = estimate_memory(links, config)
    if need > memory:
        raise BudgetError(
            f"memory: weighing the pairs of {len(links.accounts):,} accounts and {len(links.account):,} links needs "
            f"about {need / 1e9:.1f} GB, and {memory / 1e9:.1f} GB are allowed; raise --memory, "
            f"lower partners (now {config.partners}) or shorten look_back"
        )


def estimate_memory(links: Links, config: Config) -> int:
    """Bytes that the largest process takes while pairs are weighed and communities found, nearly."""
    return (
        _BASE
        + _BYTES_A_LINK * len(links.account)
        + _BYTES_AN_ACCOUNT * len(links.accounts)
        + _BYTES_A_MEETING * count_meetings(links, config)
    )
