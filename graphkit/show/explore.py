"""The way to the explorer, which needs a notebook's widgets."""

from typing import TYPE_CHECKING

from graphkit.errors import UsageError
from graphkit.show.theme import Mode
from graphkit.snapshot import Snapshot

if TYPE_CHECKING:
    from graphkit.show.explorer import Explorer


def explore(snapshot: Snapshot, *, mode: Mode = "light", reveal: bool = True, author: str | None = None) -> "Explorer":
    """Look through a snapshot in a notebook: overview, ranked list, filters, search, clusters and accounts.

    What is chosen comes back as ``explorer.selected``, a frame. Where the snapshot was read from a store that can be
    written, a verdict can be given there, which is recorded as ``gk.review`` does. It carries five megabytes of script
    into the notebook's state, so one a notebook is enough.

    Parameters
    ----------
    reveal
        False masks identifiers.
    author
        Who stands for the verdicts; by default the environment's ``GRAPHKIT_AUTHOR``. It can be changed there.

    Raises
    ------
    UsageError
        If the widgets are not installed.
    """
    try:
        from graphkit.show.explorer import Explorer
    except ModuleNotFoundError as error:
        raise UsageError(f"the explorer needs {error.name}: pip install 'graphkit[notebook]'") from error
    return Explorer(snapshot, mode=mode, reveal=reveal, author=author)
