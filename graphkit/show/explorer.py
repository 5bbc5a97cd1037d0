"""The explorer's widget: overview and ranked list beside each other, a cluster or an account below; one a notebook."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import anywidget
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import traitlets
from plotly.offline import get_plotlyjs

from graphkit.detect.life import tell_standing
from graphkit.detect.refit import VERDICTS
from graphkit.errors import GraphkitError, UsageError
from graphkit.show.account import draw_footprint
from graphkit.show.browse import (
    MOST_ROWS,
    filter_clusters,
    find_account,
    list_members,
    list_ranked,
    make_catalog,
)
from graphkit.show.cluster import draw_ring
from graphkit.show.drawing import REMOVED_BUTTONS, Drawing, write_json
from graphkit.show.evidence import draw_matrix
from graphkit.show.footprint import arrange_footprint
from graphkit.show.held import hold_tables
from graphkit.show.hours import arrange_rhythms
from graphkit.show.labels import ACCOUNT, clean_text, kind_label, make_namer
from graphkit.show.matrix import arrange_matrices
from graphkit.show.overview import BUBBLES, arrange_overview, draw_overview
from graphkit.show.page import read_part
from graphkit.show.rhythm import draw_rhythm
from graphkit.show.ring import arrange_rings
from graphkit.show.theme import Mode, require_mode
from graphkit.snapshot import Snapshot
from graphkit.wording import plural, tell_verdict

_AHEAD = ("links", "entities", "activity")
"""Tables that the first clicks need."""
AUTHOR_VARIABLE = "GRAPHKIT_AUTHOR"


class Explorer(anywidget.AnyWidget):
    """A widget to look through a snapshot; what is chosen in it comes back as ``selected``.

    It sends no more than it shows: the overview's bubbles, 200 rows at most, one figure.
    """

    _esm = traitlets.Unicode().tag(sync=True)
    _css = traitlets.Unicode().tag(sync=True)
    overview = traitlets.Dict().tag(sync=True)
    """From here: ``figure`` as JSON, the place of its ``bubbles`` among the traces, and their ``ids``."""
    options = traitlets.Dict().tag(sync=True)
    """From here: ``kinds`` and ``verdicts`` to choose from, and ``author`` (None where no verdict can be given)."""
    listed = traitlets.Dict().tag(sync=True)
    """From here: ``rows`` of clusters, a sentence on how many pass, and ``dim``: which bubbles do not."""
    detail = traitlets.Dict().tag(sync=True)
    """From here: what is told of the choice: ``title``, and ``figure`` as JSON, ``members`` or a ``message``; of one
    cluster also ``standing``, the verdict on it."""
    answer = traitlets.Dict().tag(sync=True)
    """From here: what became of the verdict that the page sent: ``told`` and whether it is ``recorded``."""
    filters = traitlets.Dict().tag(sync=True)
    """From the page, as of ``filter_clusters``."""
    choice = traitlets.Dict().tag(sync=True)
    """From the page: ``clusters``, ``view`` (ring, evidence, rhythm, members), ``member`` (a place among members)."""

    def __init__(
        self, snapshot: Snapshot, *, mode: Mode = "light", reveal: bool = True, author: str | None = None
    ) -> None:
        require_mode(mode)
        super().__init__(_esm=f"{get_plotlyjs()}\n{read_part('explorer.js')}", _css=read_part("explorer.css"))
        self._snapshot = hold_tables(snapshot)
        self._mode: Mode = mode
        self._kinds = list(snapshot.config.kinds)
        self._name_of = make_namer(snapshot, reveal=reveal)
        self._catalog = make_catalog(self._snapshot)
        arranged = arrange_overview(self._snapshot)
        figure = draw_overview(arranged, mode=mode)
        buttons = [name for name in REMOVED_BUTTONS if name != "select2d"]
        figure["layout"] |= {"dragmode": "select", "clickmode": "event", "modebar": {"remove": buttons}}
        self._bubbles = arranged.placed["cluster_id"].tolist()
        bubbles = len(figure["data"]) + BUBBLES
        self.overview = {"figure": write_json(figure), "ids": self._bubbles, "bubbles": bubbles}
        judged = snapshot.judge is not None or bool(self._catalog.clusters["verdict"].notna().any())
        self.options = {
            "kinds": [[kind, kind_label(kind)] for kind in self._catalog.kinds],
            "verdicts": list(VERDICTS) if judged else [],
            "author": None if snapshot.review is None else clean_text(author or os.environ.get(AUTHOR_VARIABLE, "")),
        }
        self.observe(self._list, "filters")
        self.observe(self._tell, "choice")
        self.on_msg(lambda _, message, __: self._review(message))
        self._list()
        self._tell()
        self._read_ahead()

    def _read_ahead(self) -> None:
        """Have a notebook's kernel, once it is idle, read the tables that the first clicks need, one at a time."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # no notebook: the first click reads them
            return
        for number, name in enumerate(_AHEAD):
            loop.call_later(1 + 0.2 * number, self._snapshot.read_ahead, name)

    @property
    def selected(self) -> pd.DataFrame:
        """Rows of the table ``accounts``: of the chosen account, or of all accounts of the chosen clusters."""
        account = self._chosen_account()
        if account is None:
            where = pc.field("cluster_id").isin(pa.array(self.choice.get("clusters", []), pa.string()))
        else:
            where = pc.field("account_id") == account
        frame: pd.DataFrame = self._snapshot.table("accounts").filter(where).to_pandas()
        return frame

    def choose(self, *cluster_ids: str, account_id: str | None = None) -> None:
        """Choose clusters, or an account, as a click does.

        Raises
        ------
        UsageError
            If there is no such cluster, or the account is in none.
        """
        if account_id is not None:
            found = find_account(self._snapshot, account_id)
            if found is None:
                raise UsageError(f"account {account_id!r} is in no cluster of snapshot {self._snapshot.id}")
            self.choice = {"clusters": [found], "view": "members", "account": account_id}
            return
        for cluster_id in cluster_ids:
            self._snapshot.require_cluster(cluster_id)
        self.choice = {"clusters": list(cluster_ids), "view": self.choice.get("view", "ring")}

    def _chosen_account(self) -> str | None:
        """The chosen account; the page knows members by their place, so that masked ids stay here."""
        clusters, member = self.choice.get("clusters", []), self.choice.get("member")
        if self.choice.get("account") is not None:
            return str(self.choice["account"])
        if member is None or len(clusters) != 1:
            return None
        members = list_members(self._snapshot.narrow(clusters[0]))
        return str(members["account_id"].iloc[member]) if 0 <= member < len(members) else None

    def _review(self, message: Mapping[str, Any]) -> None:
        """Record a verdict that the page sent, and show it; what forbids it is told."""
        given = {name: str(message.get(name) or "").strip() for name in ("cluster", "verdict", "author", "note")}
        try:
            if self._snapshot.review is None:
                raise UsageError("this snapshot is of no store that can be written: no verdict can be given on it")
            self._snapshot.review(given["cluster"], given["verdict"], author=given["author"], note=given["note"])
        except GraphkitError as error:
            self.answer = {"told": clean_text(str(error), limit=400), "recorded": False}
            return
        self._snapshot.read_verdicts_again()
        self._catalog = replace(self._catalog, clusters=list_ranked(self._snapshot))
        self._list()
        self._tell()
        name = clean_text(given["cluster"], limit=40)
        told = f"{name}: {given['verdict']}, recorded for {clean_text(given['author'], limit=60)}"
        self.answer = {"told": told, "recorded": True}

    def _list(self, _: object = None) -> None:
        """List the clusters that pass the filters; of an account's whole id, choose the account."""
        passing = filter_clusters(self._snapshot, self._catalog, self.filters)
        kept = set(passing["cluster_id"])
        told = f"{plural(len(passing), 'cluster')} of {len(self._catalog.clusters):,}"
        if len(passing) > MOST_ROWS:
            told += f", the first {MOST_ROWS} listed"
        self.listed = {
            "rows": [_describe(row) for row in passing.head(MOST_ROWS).to_dict("records")],
            "told": told,
            "dim": [cluster_id not in kept for cluster_id in self._bubbles],
        }
        text = str(self.filters.get("text") or "").strip()
        if text and find_account(self._snapshot, text) is not None:
            self.choose(account_id=text)

    def _tell(self, _: object = None) -> None:
        """Tell of what is chosen."""
        clusters: Sequence[str] = self.choice.get("clusters", [])
        try:
            self.detail = self._describe_choice(clusters)
        except GraphkitError as error:
            self.detail = {"title": "", "message": str(error)}

    def _describe_choice(self, clusters: Sequence[str]) -> dict[str, Any]:
        if not clusters:
            return {"title": "", "message": "Choose a cluster in the picture or in the list."}
        if len(clusters) > 1:
            number = f"{len(clusters):,} clusters, {plural(len(self.selected), 'account')}"
            return {"title": number, "message": "They are in explorer.selected. Choose one in the list to see more."}
        cluster, account = self._snapshot.require_cluster(clusters[0]), self._chosen_account()
        head = {"title": f"Cluster {clean_text(clusters[0], limit=60)}", "standing": tell_standing(cluster)}
        if account is not None:
            footprint = arrange_footprint(self._snapshot, account)
            figure = draw_footprint(footprint, mode=self._mode, kinds=self._kinds, name_of=self._name_of)
            return head | {"view": "members", "figure": write_json(figure)}
        view = str(self.choice.get("view", "ring"))
        if view != "members":
            return head | {"view": view, "figure": write_json(self._draw(clusters[0], view))}
        listed, n_members = list_members(self._snapshot.narrow(clusters[0])), cluster["n_accounts"]
        rows = [
            {
                "name": clean_text(self._name_of(ACCOUNT, row["account_id"]), limit=60),
                "tier": clean_text(row["tier"]),
                "bits": f"{row['strength']:.1f}",
                "events": f"{row['n_events']:,}",
            }
            for row in listed.to_dict("records")
        ]
        told = f"The {len(rows)} of {n_members:,} members that hold strongest; a search finds any by its whole id."
        return head | {"view": "members", "members": rows, "message": told if len(rows) < n_members else ""}

    def _draw(self, cluster_id: str, view: str) -> Drawing:
        """A view of a cluster."""
        own, one = self._snapshot.narrow(cluster_id), [cluster_id]
        if view == "evidence":
            matrix = arrange_matrices(own, one)[cluster_id]
            return draw_matrix(matrix, mode=self._mode, kinds=self._kinds, name_of=self._name_of)
        if view == "rhythm":
            return draw_rhythm(arrange_rhythms(own, one)[cluster_id], mode=self._mode, name_of=self._name_of)
        ring = arrange_rings(own, one)[cluster_id]
        return draw_ring(ring, mode=self._mode, kinds=self._kinds, name_of=self._name_of)


def _describe(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A row of the list."""
    return {
        "id": row["cluster_id"],
        "name": clean_text(row["cluster_id"], limit=40),
        "accounts": f"{row['n_accounts']:,}",
        "score": round(float(row["score"]), 2),
        "seen": f"{row['last_seen']:%Y-%m-%d}",
        "verdict": clean_text(tell_verdict(row), limit=40) if isinstance(row["verdict"], str) else "",
    }
