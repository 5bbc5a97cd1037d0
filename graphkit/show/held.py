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
        """Read a table that clusters will be looked up in, and note where their accounts lie in it."""
        self.table(name)
        if name in _BY_ACCOUNT and name not in self.runs:
            self.runs[name] = _find_runs(self.table(name)["account_id"], self.table("accounts")["account_id"])

    def narrow(self, cluster_id: str) -> "HeldSnapshot":
        """The same snapshot, whose accounts, links, hours and evidence are those of one cluster."""
        accounts, evidence = self.table("accounts"), self.table("evidence")
        members = np.flatnonzero(pc.equal(accounts["cluster_id"], cluster_id).to_numpy())
        own = {"accounts": accounts.take(pa.array(members))}
        own["evidence"] = evidence.filter(pc.equal(evidence["cluster_id"], cluster_id))
        for name in _BY_ACCOUNT:
            self.read_ahead(name)
            own[name] = self.table(name).take(pa.array(_list_rows(self.runs[name], members)))
        return HeldSnapshot(
            self.manifest, self.read_bytes, judge=self.judge, review=self.review, held={**self.held, **own}
        )

    def read_verdicts_again(self) -> None:
        """Forget what clusters' verdicts were."""
        self.held.pop("clusters", None)


def hold_tables(snapshot: Snapshot) -> HeldSnapshot:
    """The same snapshot, whose tables stay in memory."""
    return HeldSnapshot(snapshot.manifest, snapshot.read_bytes, judge=snapshot.judge, review=snapshot.review)


def _find_runs(sorted_by: pa.ChunkedArray, accounts: pa.ChunkedArray) -> _Runs:
    """Where the rows of each account lie; an account without any has a run of length 0."""
    n_of_none = sorted_by.null_count
    names = sorted_by.slice(n_of_none).combine_chunks()
    changes = pc.not_equal(names.slice(1), names.slice(0, max(len(names) - 1, 0))).to_numpy(zero_copy_only=False)
    first = np.concatenate([np.zeros(min(len(names), 1), dtype=np.int64), np.flatnonzero(changes) + 1])
    run = pc.index_in(accounts, value_set=names.take(pa.array(first))).fill_null(len(first)).to_numpy()
    ends = np.concatenate([first, [len(names)] * 2])
    return _Runs(n_of_none + ends[run], np.diff(ends, append=len(names))[run], n_of_none)


def _list_rows(runs: _Runs, members: Places) -> Places:
    """The rows of no account, then those of the members."""
    starts, lengths = runs.starts[members], runs.lengths[members]
    before = np.cumsum(lengths) - lengths
    return np.concatenate([np.arange(runs.n_of_none), np.arange(lengths.sum()) + np.repeat(starts - before, lengths)])
