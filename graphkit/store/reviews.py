"""Reviews: what people made of clusters, kept for good and joined to them on reading."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphkit.detect.refit import VERDICTS
from graphkit.errors import UsageError
from graphkit.store.lines import append_lines, read_lines
from graphkit.store.names import REVIEWS
from graphkit.store.remote import Place

if TYPE_CHECKING:
    import pandas as pd

    from graphkit.store.store import Store

_LONGEST_NOTE, _LONGEST_AUTHOR = 10_000, 200


@dataclass(frozen=True)
class Review:
    """A verdict on a cluster as it was in a snapshot."""

    cluster_id: str
    verdict: str
    """confirmed, benign or watch."""
    author: str
    note: str
    snapshot_id: str
    """The snapshot in which it was looked at: its members then are those that the verdict covers."""
    n_accounts: int
    time: str
    """When it was given, UTC."""

    @property
    def day(self) -> date:
        """As-of of the snapshot in which it was looked at."""
        return datetime.strptime(self.snapshot_id[:8], "%Y%m%d").replace(tzinfo=UTC).date()


def review(
    store: Store | str | Path,
    cluster_id: str,
    verdict: str,
    *,
    author: str,
    note: str = "",
    snapshot_id: str | None = None,
) -> Review:
    """Record a verdict on a cluster; a later one on the same cluster takes its place, and both are kept.

    Parameters
    ----------
    verdict
        confirmed (it is a farm), benign (it is none) or watch (it cannot be told yet).
    author
        Who stands for it.
    note
        Why.
    snapshot_id
        The snapshot that was looked at, or the start of its id; by default the latest.

    Raises
    ------
    UsageError
        If the verdict is none of the three, there is no such cluster, or there is no author.
    StoreError
        If it cannot be written.
    """
    from graphkit.store.store import Store, open_store

    if verdict not in VERDICTS:
        raise UsageError(f"verdict: got {verdict!r}; allowed: {', '.join(VERDICTS)}")
    author, note = (text.encode(errors="replace").decode() for text in (author.strip(), note))
    if not author or len(author) > _LONGEST_AUTHOR:
        raise UsageError(f"author: give who stands for the verdict, in at most {_LONGEST_AUTHOR} letters")
    if len(note) > _LONGEST_NOTE:
        raise UsageError(f"note: has {len(note):,} letters; allowed: {_LONGEST_NOTE:,}")
    opened = store if isinstance(store, Store) else open_store(store)
    snapshot = opened.latest() if snapshot_id is None else opened.load(snapshot_id)
    cluster = snapshot.require_cluster(cluster_id)
    given = Review(
        cluster_id=cluster_id,
        verdict=verdict,
        author=author,
        note=note,
        snapshot_id=snapshot.id,
        n_accounts=cluster["n_accounts"],
        time=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
    )
    append_lines(opened.path / REVIEWS, [asdict(given)])
    return given


def read_reviews(store: Place) -> list[Review]:
    """The reviews in a store's folder, oldest first.

    Raises
    ------
    StoreError
        If they cannot be read, or a line is damaged.
    """
    names = list(Review.__dataclass_fields__)
    return [Review(**{name: record[name] for name in names}) for record in read_lines(store / REVIEWS)]


def tabulate_reviews(reviews: list[Review]) -> pd.DataFrame:
    """A row for each review, oldest first: time (UTC), cluster_id, verdict, author, note, snapshot_id, n_accounts."""
    import pandas as pd

    names = ["time", "cluster_id", "verdict", "author", "note", "snapshot_id", "n_accounts"]
    rows: list[dict[str, Any]] = [asdict(each) for each in reviews]
    frame = pd.DataFrame(rows, columns=names)
    return frame.assign(time=pd.to_datetime(frame["time"], utc=True), n_accounts=frame["n_accounts"].astype("int64"))
