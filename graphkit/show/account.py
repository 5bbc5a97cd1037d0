"""One account: what it uses, and who uses the same."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from graphkit.show.drawing import Drawing, Trace, frame_figure, scatter, write_message
from graphkit.show.footprint import MOST_OTHERS, Footprint, arrange_footprint
from graphkit.show.labels import ACCOUNT, NameOf, count_drawn, make_namer, note_missing, plotly_text, wrap_text
from graphkit.show.marks import count_shared, draw_entities, draw_lines, head_entity, tell_some
from graphkit.show.theme import TOKENS, KindStyle, Mode, ink_on, kind_styles, require_mode, with_alpha
from graphkit.snapshot import Snapshot
from graphkit.wording import plural

_FOCUS_RADIUS = 17.0
_CROWD = 8
_LETTERS, _LETTERS_IN_A_CROWD = 22, 13
_NAMED = 6
"""Shared entities that a hover text names."""


def plot_account(snapshot: Snapshot, account_id: str, *, mode: Mode = "light", reveal: bool = True) -> go.Figure:
    """Draw an account amid what it uses, and around that the accounts that share most with it.

    The number in an account is how many entities that weigh it shares with the one in the middle; filled ones are in
    the same cluster. ``reveal=False`` masks identifiers.

    Raises
    ------
    UsageError
        If the account has no links in the snapshot; the error names near ids.
    """
    require_mode(mode)
    footprint, name_of = arrange_footprint(snapshot, account_id), make_namer(snapshot, reveal=reveal)
    return go.Figure(draw_footprint(footprint, mode=mode, kinds=list(snapshot.config.kinds), name_of=name_of))


def draw_footprint(footprint: Footprint, *, mode: Mode, kinds: Sequence[str], name_of: NameOf) -> Drawing:
    """Draw an arranged account."""
    styles = {kind: style for kind, style in kind_styles(kinds, mode=mode).items() if kind in footprint.n_entities}
    name = plotly_text(name_of(ACCOUNT, footprint.account_id), limit=40)
    lines = [*_draw_shared(footprint, styles, mode=mode), *_draw_spokes(footprint, styles)]
    traces = [
        *(_draw_others(footprint, inside=inside, mode=mode, name_of=name_of) for inside in (True, False)),
        *(_draw_entities(footprint, kind, style, mode=mode, name_of=name_of) for kind, style in styles.items()),
        _draw_focus(footprint, name, mode=mode),
    ]
    title, labels = f"Account {name}: what it shares", _write_labels(footprint, mode=mode, name_of=name_of)
    if footprint.entities.empty:
        labels.append(write_message("All that it shares is too common to weigh.", mode=mode))
    return frame_figure(traces, title=title, notes=_write_notes(footprint), mode=mode, annotations=labels, shapes=lines)


def _write_notes(footprint: Footprint) -> list[str]:
    """Counts, encodings and what is not drawn."""
    sharing_two = f" ({footprint.n_sharing_two:,} share two or more)" if footprint.n_sharing_two else ""
    notes = [
        count_shared(len(footprint.entities), sum(footprint.n_entities.values())),
        f"{plural(footprint.n_others, 'account')} share{'s' if footprint.n_others == 1 else ''} with it{sharing_two}",
    ]
    if footprint.n_others:
        notes.append("number = shared entities")
    if footprint.cluster_id is not None:
        notes.append(f"filled = in its cluster, {plotly_text(footprint.cluster_id, limit=40)}")
    missing = []
    if footprint.n_others > MOST_OTHERS:
        missing.append(f"the {footprint.n_others - MOST_OTHERS:,} accounts that share least with it")
    if footprint.n_weightless:
        missing.append(f"{plural(footprint.n_weightless, 'entity')} too common to weigh")
    return [*notes, *note_missing(missing)]


def _draw_shared(footprint: Footprint, styles: dict[str, KindStyle], *, mode: Mode) -> list[dict[str, Any]]:
    """Thin lines from entities to the accounts that use them too."""
    entities, others = footprint.entities, footprint.others
    ends = [(entity, other) for other, used in enumerate(others["entities"]) for entity in used]
    start, end = np.array(ends, dtype=np.int64).reshape(-1, 2).T
    from_xy, to_xy = (frame[["x", "y"]].to_numpy() for frame in (entities, others))
    kind = entities["kind"].to_numpy(dtype=object)[start]
    lines = []
    for name, style in styles.items():
        chosen = kind == name
        line = {"width": 1, "color": with_alpha(style.color, 0.30 if mode == "light" else 0.38)}
        lines += draw_lines(from_xy[start[chosen]], to_xy[end[chosen]], line)
    return lines


def _draw_spokes(footprint: Footprint, styles: dict[str, KindStyle]) -> list[dict[str, Any]]:
    """Strong lines from the account to what it uses."""
    lines = []
    for name, style in styles.items():
        xy = footprint.entities.loc[footprint.entities["kind"] == name, ["x", "y"]].to_numpy()
        lines += draw_lines(np.zeros_like(xy), xy, {"width": 2.6, "color": style.color})
    return lines


def _draw_others(footprint: Footprint, *, inside: bool, mode: Mode, name_of: NameOf) -> Trace:
    """Co-accounts of its cluster, filled, or the others, open."""
    token, others = TOKENS[mode], footprint.others[footprint.others["inside"] == inside]
    total = footprint.n_inside if inside else footprint.n_others - footprint.n_inside
    label = "In its cluster" if inside else "Other accounts"
    return scatter(
        x=others["x"].round(1).tolist(),
        y=others["y"].round(1).tolist(),
        mode="markers+text",
        text=[f"{n:,}" for n in others["n_shared"]],
        textfont={"size": 10.5, "color": ink_on(token["account"]) if inside else token["ink"]},
        name=count_drawn(label, len(others), total),
        showlegend=total > 0,
        marker={
            "size": (15 + 4.5 * np.minimum(others["n_shared"] ** 0.5, 4)).round(1).tolist(),
            "color": token["account"] if inside else token["background"],
            "opacity": 1,
            "line": {"width": 1.4, "color": token["background"] if inside else token["account"]},
        },
        customdata=[_write_hover(footprint, row, name_of=name_of) for row in others.to_dict("records")],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _write_hover(footprint: Footprint, row: dict[Any, Any], *, name_of: NameOf) -> str:
    """Name, match weight and what is shared."""
    entities = footprint.entities
    names = [
        plotly_text(name_of(entities["kind"][i], entities["entity"][i]), limit=24) for i in row["entities"][:_NAMED]
    ]
    told = f"{row['bits']:.1f} bits" + (", a link" if row["linked"] else ", not a link")
    head = f"<b>{plotly_text(name_of(ACCOUNT, row['account_id']), limit=60)}</b><br>"
    shares = f"shares {plural(row['n_shared'], 'entity')}: {tell_some(names, row['n_shared'])}"
    return f"{head}{told}<br>{wrap_text(shares, width=80)}"


def _draw_entities(footprint: Footprint, kind: str, style: KindStyle, *, mode: Mode, name_of: NameOf) -> Trace:
    """The drawn entities of a kind."""
    rows = footprint.entities[footprint.entities["kind"] == kind]
    hover = [
        f"{head_entity(name_of(kind, row['entity']))}"
        f"{style.label} · {plural(row['n_accounts'], 'account')} use it · rarity {row['rarity_bits']:.1f} bits"
        for row in rows.to_dict("records")
    ]
    name = count_drawn(style.label, len(rows), footprint.n_entities[kind])
    return draw_entities(rows, style, sizes=19, name=name, hover=hover, mode=mode)


def _draw_focus(footprint: Footprint, name: str, *, mode: Mode) -> Trace:
    """The account itself."""
    cluster = footprint.cluster_id
    where = "in no cluster" if cluster is None else f"in cluster {plotly_text(cluster, limit=40)}"
    return scatter(
        x=[0],
        y=[0],
        mode="markers",
        showlegend=False,
        marker={
            "size": 2 * _FOCUS_RADIUS,
            "color": TOKENS[mode]["ink"],
            "opacity": 1,
            "line": {"width": 4, "color": TOKENS[mode]["account"]},
        },
        customdata=[f"<b>{name}</b><br>{where}"],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _write_labels(footprint: Footprint, *, mode: Mode, name_of: NameOf) -> list[dict[str, Any]]:
    """The account's name below it, and each entity's name and number of accounts above or below it."""
    token, rows = TOKENS[mode], footprint.entities.to_dict("records")
    short = plotly_text(name_of(ACCOUNT, footprint.account_id), limit=_LETTERS)
    limit = _LETTERS_IN_A_CROWD if len(rows) > _CROWD else _LETTERS
    common = {"showarrow": False, "bgcolor": with_alpha(token["background"], 0.82), "borderpad": 1}
    labels = [
        {"x": 0, "y": 0, "yshift": -_FOCUS_RADIUS - 13, "text": f"<b>{short}</b>", "font": {"size": 13}, **common}
    ]
    for row in rows:
        up = 1 if row["y"] >= -1 else -1
        text = plotly_text(name_of(row["kind"], row["entity"]), limit=limit)
        users = f"<span style='color:{token['muted']}'>{plural(row['n_accounts'], 'account')}</span>"
        labels.append(
            {
                "x": round(row["x"], 1),
                "y": round(row["y"], 1),
                "yshift": 12 * up,
                "yanchor": "bottom" if up > 0 else "top",
                "text": f"{text}<br>{users}",
                "font": {"size": 11},
                **common,
            }
        )
    return labels
