"""Who used a prompt template when: accounts by cluster and day."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.compute as pc

from graphkit.detect.template_names import TEMPLATE_KIND
from graphkit.snapshot import Snapshot

NO_CLUSTER = "in no cluster"
MOST_COLUMNS = 84


@dataclass(frozen=True)
class TemplateUse:
    """Who used a template when; only accounts that are linked to others."""

    days: list[str]
    """First day of each column, and the last day of the last one."""
    days_each: int
    names: list[str]
    """Rows: clusters, the one of most accounts first; then accounts in no cluster."""
    n_accounts: list[int]
    n_prompts: list[int]
    in_use: npt.NDArray[np.int64]
    """Accounts between first and last use, shape (rows, columns)."""


def read_uses(snapshot: Snapshot, template_id: str) -> pd.DataFrame:
    """A row is a linked account that used a template: cluster_id, n_events, and the days of its first and last use."""
    this = (pc.field("kind") == TEMPLATE_KIND) & (pc.field("entity") == template_id)
    links = snapshot.table("links", columns=["account_id", "kind", "entity", "n_events", "first_seen", "last_seen"])
    members = snapshot.table("accounts", columns=["account_id", "cluster_id"]).to_pandas()
    uses: pd.DataFrame = links.filter(this).drop_columns(["kind", "entity"]).to_pandas()
    uses = uses.merge(members, on="account_id", how="left")
    for name in ("first_seen", "last_seen"):
        uses[name] = pd.to_datetime(uses[name], utc=True).astype("datetime64[s, UTC]").astype("int64") // 86_400
    uses["cluster_id"] = uses["cluster_id"].fillna(NO_CLUSTER)
    return uses


def arrange_use(uses: pd.DataFrame) -> TemplateUse:
    """Count accounts by cluster and column of days."""
    if uses.empty:
        return TemplateUse([], 1, [], [], [], np.zeros((0, 0), np.int64))
    sizes = uses.groupby("cluster_id").agg(n=("account_id", "size"), prompts=("n_events", "sum")).reset_index()
    sizes["last"] = sizes["cluster_id"] == NO_CLUSTER
    sizes = sizes.sort_values(["last", "n", "cluster_id"], ascending=[True, False, True], kind="stable")
    first, last = int(uses["first_seen"].min()), int(uses["last_seen"].max())
    days_each = -(-(last - first + 1) // MOST_COLUMNS)
    n_columns = -(-(last - first + 1) // days_each)
    row = uses["cluster_id"].map(dict(zip(sizes["cluster_id"], range(len(sizes)), strict=True))).to_numpy()
    changes = np.zeros((len(sizes), n_columns + 1), np.int64)
    np.add.at(changes, (row, (uses["first_seen"].to_numpy() - first) // days_each), 1)
    np.add.at(changes, (row, (uses["last_seen"].to_numpy() - first) // days_each + 1), -1)
    starts = [min(first + column * days_each, last) for column in range(n_columns)]
    return TemplateUse(
        [_write_day(day) for day in (*starts, last)],
        days_each,
        sizes["cluster_id"].tolist(),
        sizes["n"].tolist(),
        sizes["prompts"].tolist(),
        changes.cumsum(axis=1)[:, :-1],
    )


def _write_day(day: int) -> str:
    return f"{datetime.fromtimestamp(0, UTC) + timedelta(days=day):%Y-%m-%d}"
