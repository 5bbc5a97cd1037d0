"""Figures of an evaluation, and what is seen of planted farms, in the terminal."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.table import Table

from graphkit.cli.output import out, plain, print_table, say

if TYPE_CHECKING:
    import pandas as pd


def print_figures(methods: list[dict[str, Any]]) -> None:
    """Print a row a figure and a column a method; where there is only one, also what each figure means."""
    from graphkit.lab.evaluate import FIGURES

    alone = len(methods) == 1
    heads = ["", *(row["method"] for row in methods), *(["what it is"] if alone else [])]
    table = Table(*heads, box=None, pad_edge=False, padding=(0, 1, 0, 0))  # seven methods fit into 80 columns
    table.columns[0].no_wrap = alone
    for column in table.columns[1 : len(methods) + 1]:
        column.justify = "right"
    for name, meaning in FIGURES.items():
        values = [row.get(name) for row in methods]
        shown = ("-" if v is None else f"{v:.0f}" if name.startswith("farms") else f"{v:.4f}" for v in values)
        table.add_row(name if alone else name.replace("_", " "), *shown, *([meaning] if alone else []))
    if not alone:
        table.add_row("seconds", *(f"{row['seconds']:.1f}" for row in methods))
    out.print(table, soft_wrap=False)
    for row in (row for row in methods if row["skipped"]):
        say(f"{row['method']} was skipped: {plain(row['skipped'])}")


def print_broken_farms(farms: list[dict[str, Any]]) -> None:
    """Print the farms that no one cluster holds, twenty at most."""
    broken = [row for row in farms if not row["whole"]]
    if not broken:
        say("\nEvery farm is whole." if farms else "\nThe truth has no farms.")
        return
    heads = ("farm not whole", "style", "accounts", "in clusters", "in its best", "share of that", "found")
    table = Table(*heads, box=None, pad_edge=False)
    for column in table.columns[2:6]:
        column.justify = "right"
    for row in broken[:20]:
        shares = (f"{row[name]:.0%}" for name in ("clustered", "best_share", "best_purity"))
        found = "yes" if row["found"] else "no"
        table.add_row(plain(row["farm"]), plain(row["style"] or ""), f"{row['n_accounts']:,}", *shares, found)
    say("")
    out.print(table, soft_wrap=False)
    if len(broken) > 20:
        say(f"and {len(broken) - 20:,} more; --json has them all")


def print_grades(grades: "pd.DataFrame") -> None:
    """Print what is seen of planted farms: a table a size, a row a kind and number of entities an account."""
    also = "; behind a slash: if its accounts also behave alike" if grades["alike"].any() else ""
    for size, of_size in grades.groupby("n_accounts", sort=False):
        users = sorted(of_size["accounts_per_entity"].unique())
        rows = []
        for (kinds, each), of_row in of_size.groupby(["kinds", "entities_per_account"], sort=False):
            cells: dict[float, dict[str, None]] = {number: {} for number in users}
            for row in of_row.sort_values("alike", kind="stable").to_dict("records"):
                cells[row["accounts_per_entity"]][_tell_fate(row)] = None
            rows.append((plain(kinds), f"{each:g}", *(" / ".join(cells[number]) for number in users)))
        say(f"Farms of {size:,} accounts: whole, found in pieces, or the share that is seen{also}")
        print_table(["shared", "an account", *(f"by {number:,g}" for number in users)], rows)
        say("")


def _tell_fate(row: Mapping[Any, Any]) -> str:
    from graphkit.show.borders import FOUND

    if row["whole"] >= FOUND:
        return "whole"
    return "in pieces" if row["found"] >= FOUND else f"{row['recall']:.0%}"
