"""A snapshot whose tables stay in memory, so that a click need not read them again, nor search them whole."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graphkit.snapshot import Snapshot

_BY_ACCOUNT = ("links", "activity")
"""Tables that are sorted by account."""

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Runs:
    """Where the rows of each account lie in a table that is sorted by account; those of no account come first."""

    starts: Places
    """By the row of the table ``accounts``."""
    lengths: Places
    n_of_none: int


@dataclass(frozen=True, eq=False, repr=False)
class HeldSnapshot(Snapshot):
    """The same snapshot, with the tables that were read kept."""

    held: dict[str, pa.Table] = field(default_factory=dict)
    runs: dict[str, _Runs] = field(default_factory=dict)

    def table(self, name: str, *, columns: list[str] | None = None) -> pa.Table:
        """A table as Arrow, as of ``Snapshot.table``."""
        if name not in self.held:
            self.held[name] = super().table(name)
        table = self.held[name]
        return table if columns is None else table.select(columns)

    def read_ahead(self, name: str) -> None:
        """Read a table, and find what clusters will be looked up by in it."""
        self.table(name)
        if name in _BY_ACCOUNT:
            self.find_runs(name)

    def find_runs(self, name: str) -> _Runs:
        """Where the rows of each account lie in a table that is sorted by account."""
        if name not in self.runs:
            self.runs[name] = _find_runs(self.table(name)["account_id"], self.table("accounts")["account_id"])
        return self.runs[name]

    def narrow(self, cluster_id: str) -> Snapshot:
        """The same snapshot, whose accounts, links, hours and evidence are those of one cluster."""
        members = np.flatnonzero(pc.equal(self.table("accounts")["cluster_id"], cluster_id).to_numpy())
        return _OneCluster(self.manifest, self.read_bytes, whole=self, cluster_id=cluster_id, members=members)

    def read_verdicts_again(self) -> None:
        """Forget what clusters' verdicts were."""
        self.held.pop("clusters", None)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class _OneCluster(Snapshot):
    """A snapshot narrowed to one cluster."""

    whole: HeldSnapshot
    cluster_id: str
    members: Places
    """Rows of the table ``accounts``."""

    def table(self, name: str, *, columns: list[str] | None = None) -> pa.Table:
        """A table as Arrow, as of ``Snapshot.table``."""
        table = self.whole.table(name, columns=columns)
        if name == "accounts":
            return table.take(pa.array(self.members))
        if name == "evidence":
            return table.filter(pc.equal(self.whole.table(name)["cluster_id"], self.cluster_id))
        if name in _BY_ACCOUNT:
            return table.take(pa.array(_list_rows(self.whole.find_runs(name), self.members)))
        return table


def hold_tables(snapshot: Snapshot) -> HeldSnapshot:
    """The same snapshot, whose tables stay in memory."""
    return HeldSnapshot(snapshot.manifest, snapshot.read_bytes, judge=snapshot.judge, review=snapshot.review)


def _find_runs(sorted_by: pa.ChunkedArray, accounts: pa.ChunkedArray) -> _Runs:
    """Where the rows of each account lie; an account without any has a run of length 0."""
    n_of_none = sorted_by.null_count
    runs = pc.run_end_encode(sorted_by.slice(n_of_none).combine_chunks(), run_end_type=pa.int64())
    ends = np.concatenate([[0], runs.run_ends.to_numpy()])
    run = pc.index_in(accounts, value_set=runs.values).fill_null(len(runs.values)).to_numpy()
    return _Runs(n_of_none + ends[run], np.diff(ends, append=ends[-1])[run], n_of_none)


def _list_rows(runs: _Runs, members: Places) -> Places:
    """The rows of no account, then those of the members."""
    starts, lengths = runs.starts[members], runs.lengths[members]
    before = np.cumsum(lengths) - lengths
    return np.concatenate([np.arange(runs.n_of_none), np.arange(lengths.sum()) + np.repeat(starts - before, lengths)])
