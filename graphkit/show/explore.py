"""The way to the explorer, which needs a notebook's widgets."""

from typing import TYPE_CHECKING

from graphkit.errors import UsageError
from graphkit.show.theme import Mode
from graphkit.snapshot import Snapshot

if TYPE_CHECKING:
    from graphkit.show.explorer import Explorer


def explore(snapshot: Snapshot, *, mode: Mode = "light", reveal: bool = True) -> "Explorer":
    """Look through a snapshot in a notebook: overview, ranked list, filters, search, clusters and accounts.

    What is chosen comes back as ``explorer.selected``, a frame. It carries five megabytes of script into the notebook's
    state, so one a notebook is enough. ``reveal=False`` masks identifiers.

    Raises
    ------
    UsageError
        If the widgets are not installed.
    """
    try:
        from graphkit.show.explorer import Explorer
    except ModuleNotFoundError as error:
        raise UsageError(f"the explorer needs {error.name}: pip install 'graphkit[notebook]'") from error
    return Explorer(snapshot, mode=mode, reveal=reveal)
