"""Errors for ids that a snapshot does not have: what that may mean, and the nearest ids that it has."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from difflib import get_close_matches

from graphkit.errors import UsageError
from graphkit.snapshot import Snapshot

_MOST = 3
_AROUND = 30
_ENDING_ALIKE = 200
_LONGEST = 80


def unknown_account(snapshot: Snapshot, account_id: str) -> UsageError:
    """Make the error for an account without links, which says what that means and names near ids."""
    bits = snapshot.content["resolved"]["threshold_bits"]
    near = near_accounts(snapshot, account_id)
    return UsageError(
        f"account {account_id!r} is not linked and in no cluster of snapshot {snapshot.id}: it shares less than the "
        f"{bits:.1f} bits that make a link with each, has no event that counts, or is spelled otherwise. "
        + (f"Near ids: {', '.join(map(repr, near))}" if near else "No account there has an id like it")
        + "; snapshot.links lists those there"
    )


def near_accounts(snapshot: Snapshot, account_id: str) -> list[str]:
    """Ids of accounts that have links in the snapshot that are spelled much like one, nearest first, three at most."""
    table = snapshot.table("links", columns=["account_id"])
    return near_names(account_id, sorted(table["account_id"].unique().to_pylist()))


def near_names(name: str, names: Sequence[str]) -> list[str]:
    """Of sorted names those spelled much like one, nearest first, three at most; the work is bounded."""
    place, tail = bisect_left(names, name), name.strip()[-4:].casefold()
    around = names[max(0, place - _AROUND) : place + _AROUND]
    ending = [each for each in names if each.casefold().endswith(tail)][:_ENDING_ALIKE] if tail else []
    begun = [each for each in names[place : place + _MOST] if name and each.startswith(name)]
    spelled = {each.strip().casefold()[:_LONGEST]: each for each in (*ending, *around)}
    close = get_close_matches(name.strip().casefold()[:_LONGEST], list(spelled), n=_MOST)
    return list(dict.fromkeys([*begun, *(spelled[near] for near in close)]))[:_MOST]
