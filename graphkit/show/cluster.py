"""One cluster as a hub ring: who shares what."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from graphkit.show.drawing import Drawing, Trace, frame_figure, scatter, write_message
from graphkit.show.labels import (
    ACCOUNT,
    TIMES,
    NameOf,
    count_drawn,
    make_namer,
    note_missing,
    percent,
    plotly_text,
    wrap_text,
)
from graphkit.show.marks import count_shared, draw_curves, draw_entities, head_entity, tell_some
from graphkit.show.ring import RADIUS_Y, Ring, arrange_rings, used_hubs
from graphkit.show.theme import BOX_WIDTH, TOKENS, KindStyle, Mode, ink_on, kind_styles, require_mode, with_alpha
from graphkit.snapshot import Snapshot
from graphkit.wording import plural

_EDGE_STYLES = ((0.02, 1.0, 0.20), (0.10, 1.8, 0.34), (1.01, 3.2, 0.50))
"""Share of the cluster's accounts below which a curve has this width and opacity."""
_BEND = 0.55
_NAMED_HUBS = 3
_CROWD = 22
_SIDEWAYS = 0.36
_STAGGERED_WIDTH = 180
_MOST_LINES = 3
_LETTER = 0.62
"""Width of a letter, of its height."""


def plot_cluster(snapshot: Snapshot, cluster_id: str, *, mode: Mode = "light", reveal: bool = True) -> go.Figure:
    """Draw who shares what in a cluster: its most telling entities around, its accounts amid those they use.

    Accounts with identical links are one bubble, marked with their number. ``reveal=False`` masks identifiers.

    Raises
    ------
    UsageError
        If the snapshot has no such cluster.
    """
    require_mode(mode)
    snapshot.require_cluster(cluster_id)
    ring, name_of = arrange_rings(snapshot, [cluster_id])[cluster_id], make_namer(snapshot, reveal=reveal)
    return go.Figure(draw_ring(ring, mode=mode, kinds=list(snapshot.config.kinds), name_of=name_of))


def draw_ring(ring: Ring, *, mode: Mode, kinds: Sequence[str], name_of: NameOf) -> Drawing:
    """Draw an arranged cluster."""
    styles = {kind: style for kind, style in kind_styles(kinds, mode=mode).items() if kind in ring.n_entities}
    title = f"Cluster {plotly_text(ring.cluster_id, limit=60)}: who shares what"
    traces = [_draw_accounts(ring, mode=mode, name_of=name_of), _write_sizes(ring, mode=mode)]
    traces += [_draw_hubs(ring, kind, style, mode=mode, name_of=name_of) for kind, style in styles.items()]
    labels = _write_labels(ring, mode=mode, name_of=name_of)
    if ring.hubs.empty:
        labels = [write_message("No entity of this cluster can be drawn.", mode=mode)]
    curves = _draw_edges(ring, styles, mode=mode)
    return frame_figure(traces, title=title, notes=_write_notes(ring), mode=mode, annotations=labels, shapes=curves)


def _write_notes(ring: Ring) -> list[str]:
    """Counts, encodings and what is not drawn."""
    notes = [
        plural(ring.n_accounts, "account"),
        count_shared(len(ring.hubs), sum(ring.n_entities.values())),
        "% = accounts of the cluster that use it",
    ]
    if (ring.groups["n_accounts"] > 1).any():
        notes.append(f"{TIMES}N = accounts with identical links")
    missing = []
    if ring.n_unconnected:
        missing.append(f"{plural(ring.n_unconnected, 'account')} that use none of these")
    if ring.n_groups > len(ring.groups):
        n_accounts = ring.n_accounts - ring.n_unconnected - int(ring.groups["n_accounts"].sum())
        missing.append(
            f"{plural(n_accounts, 'account')} in {plural(ring.n_groups - len(ring.groups), 'smaller group')}"
        )
    return [*notes, *note_missing(missing)]


def _draw_edges(ring: Ring, styles: dict[str, KindStyle], *, mode: Mode) -> list[dict[str, Any]]:
    """Curves from entities to bubbles, in a color per kind and three widths by the share of accounts."""
    hub_xy, group_xy = ring.hubs[["x", "y"]].to_numpy(), ring.groups[["x", "y"]].to_numpy()
    group, hub = np.nonzero(used_hubs(ring.groups["hubs"].tolist(), n_hubs=len(ring.hubs)))
    kind = ring.hubs["kind"].to_numpy(dtype=object)[hub]
    share = ring.groups["n_accounts"].to_numpy()[group] / max(ring.n_accounts, 1)
    level = np.searchsorted([limit for limit, _, _ in _EDGE_STYLES[:-1]], share, side="right")
    curves = []
    for name, style in styles.items():
        for i, (_, width, alpha) in enumerate(_EDGE_STYLES):
            chosen = (kind == name) & (level == i)
            if not chosen.any():
                continue
            start, end = hub_xy[hub[chosen]], group_xy[group[chosen]]
            color = with_alpha(style.color, alpha if mode == "light" else alpha * 1.25)
            middle = (0.25 + 0.5 * _BEND) * start + 0.25 * end
            curves += draw_curves(start, middle, end, {"width": width, "color": color})
    return curves


def _draw_accounts(ring: Ring, *, mode: Mode, name_of: NameOf) -> Trace:
    """Bubbles of accounts with identical links."""
    token, groups = TOKENS[mode], ring.groups
    labels = [plotly_text(name_of(hub["kind"], hub["entity"]), limit=24) for hub in ring.hubs.to_dict("records")]
    uses = used_hubs(groups["hubs"].tolist(), n_hubs=len(ring.hubs)) > 0
    hover = [
        f"<b>{_write_members(row['accounts'], row['n_accounts'], name_of=name_of)}</b><br>"
        + wrap_text(f"uses {_write_uses(labels, uses[i])}", width=80)
        for i, row in enumerate(groups.to_dict("records"))
    ]
    return scatter(
        x=groups["x"].round(1).tolist(),
        y=groups["y"].round(1).tolist(),
        mode="markers",
        name=f"Accounts ({ring.n_accounts:,})",
        marker={
            "size": (2 * groups["radius"]).round(1).tolist(),
            "color": token["account"],
            "opacity": 1,
            "line": {"width": 1.3, "color": token["background"]},
        },
        customdata=hover,
        hovertemplate="%{customdata}<extra></extra>",
    )


def _write_sizes(ring: Ring, *, mode: Mode) -> Trace:
    """How many accounts a bubble is, where that fits into it.

    They are a trace of their own: of one with empty texts, plotly loses others when it draws the next figure in place.
    """
    groups = ring.groups.assign(text=[f"{TIMES}{n:,}" for n in ring.groups["n_accounts"]])
    room = np.array([3.3 * len(text) + 1 for text in groups["text"]])
    shown = groups[(groups["n_accounts"] > 1) & (groups["radius"] >= room)]
    return scatter(
        x=shown["x"].round(1).tolist(),
        y=shown["y"].round(1).tolist(),
        mode="text",
        text=shown["text"].tolist(),
        textfont={"size": 10.5, "color": ink_on(TOKENS[mode]["account"])},
        hoverinfo="skip",
        showlegend=False,
    )


def _write_members(accounts: Sequence[str], n_accounts: int, *, name_of: NameOf) -> str:
    names = ", ".join(plotly_text(name_of(ACCOUNT, account), limit=40) for account in accounts)
    if n_accounts == 1:
        return names
    more = f" and {n_accounts - len(accounts):,} more" if n_accounts > len(accounts) else ""
    return f"{n_accounts:,} accounts, identical links:<br>{names}{more}"


def _write_uses(labels: Sequence[str], used: NDArray[np.bool_]) -> str:
    chosen = [label for label, is_used in zip(labels, used.tolist(), strict=True) if is_used]
    return tell_some(chosen[:_NAMED_HUBS], len(chosen))


def _draw_hubs(ring: Ring, kind: str, style: KindStyle, *, mode: Mode, name_of: NameOf) -> Trace:
    """The drawn entities of a kind; bigger ones have more of the accounts."""
    hubs = ring.hubs[ring.hubs["kind"] == kind]
    hover = [
        f"{head_entity(name_of(kind, row['entity']))}"
        f"{style.label} · {plural(row['n_inside'], 'account')} of the cluster ({percent(row['coverage'])})<br>"
        f"{plural(row['n_outside'], 'other account')} · rarity {row['rarity']:.1f} bits"
        for row in hubs.to_dict("records")
    ]
    sizes = (13 + 19 * np.sqrt(hubs["coverage"])).round(1).tolist()
    name = count_drawn(style.label, len(hubs), ring.n_entities[kind])
    return draw_entities(hubs, style, sizes=sizes, name=name, hover=hover, mode=mode)


def _write_labels(ring: Ring, *, mode: Mode, name_of: NameOf) -> list[dict[str, Any]]:
    """Entity and share beside each drawn entity; those above and below stand in lines, where they do not meet."""
    crowded = len(ring.hubs) > _CROWD
    size = 10.5 if crowded else 11.5
    labels, lines = [], _Lines(3 if crowded else 2)
    for row in ring.hubs.to_dict("records"):
        across, up = np.cos(row["angle"]), np.sin(row["angle"])
        beside = abs(across) > _SIDEWAYS
        reach = 9 + 10 * np.sqrt(row["coverage"])
        room = BOX_WIDTH / 2 - abs(row["x"]) - reach if beside else _STAGGERED_WIDTH
        name = plotly_text(name_of(row["kind"], row["entity"]), limit=int(min(max((room - 38) / 6.8, 8), 26)))
        share = percent(row["coverage"])
        half = _LETTER * size * len(f"{name}  {share}") / 2
        line = 0 if beside else lines.place(row["x"] - half, row["x"] + half, above=up > 0)
        labels.append(
            {
                "x": round(row["x"], 1),
                "y": round(row["y"] if beside else np.sign(up) * (RADIUS_Y + 24 + 15 * line), 1),
                "text": f"{name}  <span style='color:{TOKENS[mode]['muted']}'>{share}</span>",
                "showarrow": False,
                "font": {"size": size},
                "xanchor": ("left" if across > 0 else "right") if beside else "center",
                "xshift": round(reach * np.sign(across), 1) if beside else 0,
                "yshift": round(9 * up, 1) if beside else 0,
            }
        )
    return labels


class _Lines:
    """Lines of labels above and below the ring, taken in turn; where one has no room, the next that has."""

    def __init__(self, n: int) -> None:
        self._n, self._line = n, 0
        self._taken: list[tuple[bool, int, float, float]] = []

    def place(self, left: float, right: float, *, above: bool) -> int:
        """Take room from left to right in a line; give its number."""
        turn = [(self._line + step) % self._n for step in range(1, self._n + 1)]
        turn += range(self._n, _MOST_LINES)
        self._line = next((line for line in turn if self._has_room(line, left, right, above=above)), turn[0])
        self._taken.append((above, self._line, left, right))
        return self._line

    def _has_room(self, line: int, left: float, right: float, *, above: bool) -> bool:
        beside = [(start, end) for *place, start, end in self._taken if place == [above, line]]
        return not any(start < right and left < end for start, end in beside)
