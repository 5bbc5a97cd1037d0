"""The commands that look through time: what changed, the life of a cluster, and removing old snapshots."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphkit.cli.options import JsonOption, KeyOption, StoreArgument, parse_seconds
from graphkit.cli.output import plain, print_json, print_table, say
from graphkit.cli.progress import show_progress
from graphkit.wording import plural

if TYPE_CHECKING:
    import pandas as pd

    from graphkit.detect.diff import SnapshotDiff
    from graphkit.snapshot import Snapshot
    from graphkit.store.store import Store

_SHOWN = 20


def diff(  # one argument an option
    store: StoreArgument,
    before: Annotated[
        str | None, typer.Argument(metavar="[BEFORE]", help="Snapshot id or the start of one; default: AFTER's parent.")
    ] = None,
    after: Annotated[
        str | None, typer.Argument(metavar="[AFTER]", help="Snapshot id or the start of one; default: the latest.")
    ] = None,
    events: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE", help="Events of AFTER: where the settings differ, BEFORE's are run on them. Repeatable."
        ),
    ] = None,
    accounts: Annotated[str | None, typer.Option(metavar="FILE", help="Accounts of AFTER, for the same.")] = None,
    infrastructure: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Known infrastructure of AFTER, for the same.")
    ] = None,
    key_file: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell what changed between two snapshots, and whether the world changed or the settings did.

    Example: `graphkit diff store`, `graphkit diff store 20260509 20260516`
    """
    from graphkit.analysis import analyze
    from graphkit.detect.diff import diff_snapshots
    from graphkit.store.store import open_store

    opened = open_store(store, key_file=key_file)
    new = opened.latest() if after is None else opened.load(after)
    old = _find_before(opened, new) if before is None else opened.load(before)
    rerun = None
    if events and old.content["config"] != new.content["config"]:
        with show_progress(quiet=as_json) as progress:
            rerun = analyze(
                events,
                accounts,
                old.config,
                as_of=new.as_of,
                infrastructure=infrastructure,
                key=opened.key(),
                progress=progress,
            )
    found = diff_snapshots(old, new, rerun=rerun)
    if as_json:
        print_json(found.to_dict())
    else:
        _print_diff(found)


def _find_before(store: "Store", after: "Snapshot") -> "Snapshot":
    """The parent of a snapshot."""
    parent = after.content.get("parent")
    if parent is None:
        raise typer.BadParameter(f"{after.id} is the first snapshot; name another", param_hint="BEFORE")
    return store.load(parent)


def _print_diff(found: "SnapshotDiff") -> None:
    """Print a diff for a person: what changed and why, the changes, and the new entities by cluster and kind."""
    say(f"[bold]{found.before} to {found.after}[/]")
    for sentence in found.sentences:
        say(f"- {plain(sentence)}")
    changed = found.clusters[found.clusters["change"] != "same"]
    if len(changed):
        rows = [
            (
                row["change"],
                row["cluster_id"],
                f"{row['n_before']:,}",
                f"{row['n_after']:,}",
                f"{row['n_gained']:,}",
                f"{row['n_lost']:,}",
                "" if row["score_after"] != row["score_after"] else f"{row['score_after']:.2f}",  # nan
                row["cause"],
                ", ".join(name for name in row["previous_ids"] if name != row["cluster_id"]),
            )
            for row in changed.head(_SHOWN).to_dict("records")
        ]
        heads = ["", "cluster", "before", "now", "gained", "lost", "score", "cause", "from"]
        print_table(heads, rows, left=(0, 1, 7, 8))
    if len(changed) > _SHOWN:
        say(f"and {plural(len(changed) - _SHOWN, 'change')} more; --json has them all")
    if len(found.binding):
        _print_binding(found.binding)


def _print_binding(binding: "pd.DataFrame") -> None:
    """Print by cluster and kind how many entities bind it anew, and how much of it the widest reaches."""
    counts = binding.groupby(["cluster_id", "kind"], sort=False)["coverage"].agg(["size", "max"]).reset_index()
    rows = [
        (row["cluster_id"], row["kind"], f"{row['size']:,}", f"{row['max']:.0%}")
        for row in counts.head(_SHOWN).to_dict("records")
    ]
    say("\nNew things that bind:")
    print_table(["cluster", "kind", "entities", "widest reaches"], rows, left=(0, 1))


def history(
    store: StoreArgument,
    cluster: Annotated[str, typer.Argument(metavar="CLUSTER", help="Id of a cluster, also of one that has ended.")],
    as_json: JsonOption = False,
) -> None:
    """Tell the life of a cluster: birth, growth, contraction, merges, splits, death, return.

    Example: `graphkit history store C-7F3K2`
    """
    from graphkit.store.history import cluster_history

    frame = cluster_history(store, cluster)
    if as_json:
        print_json({"history": json.loads(frame.to_json(orient="records", date_format="iso"))})
        return
    told = frame[frame["event"] != "continuation"]
    rows = [
        (
            str(row["day"]),
            row["event"],
            row["cluster_id"],
            *("" if row[name] is None else f"{row[name]:,}" for name in ("n_accounts", "n_gained", "n_lost")),
            ", ".join(name for name in row["previous_ids"] if name != row["cluster_id"]),
            row["reason"] or "",
        )
        for row in told.astype(object).where(told.notna(), None).to_dict("records")
    ]
    heads = ["day", "event", "cluster", "accounts", "gained", "lost", "from", "why"]
    print_table(heads, rows, left=(0, 1, 2, 6, 7))
    if len(told) < len(frame):
        quiet = plural(len(frame) - len(told), "snapshot")
        say(f"and {quiet} in which it went on nearly as it was; --json has them all")


def prune(
    store: StoreArgument,
    keep: Annotated[int, typer.Option(min=1, help="Newest snapshots that stay.")] = 30,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be removed.")] = False,
    wait: Annotated[
        float, typer.Option(metavar="SECONDS", parser=parse_seconds, help="How long to wait for another writer.")
    ] = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Remove old snapshots, but none that a review looked at and none that one of the newest follows.

    Example: `graphkit prune store --keep 30`
    """
    from graphkit.store.prune import prune_store

    done = prune_store(store, keep=keep, wait=wait, dry_run=dry_run)
    if as_json:
        print_json({**vars(done), "dry_run": dry_run})
        return
    for name in done.removed:
        say(f"{'would be removed' if dry_run else 'removed'}: {name}")
    for name in done.kept_for_reviews:
        say(f"kept: {name}: a review looked at it")
    for name in done.kept_for_lineage:
        say(f"kept: {name}: a newer one follows it")
    if not done.removed:
        say("Nothing is to be removed.")
