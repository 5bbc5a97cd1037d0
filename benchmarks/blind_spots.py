"""Whether blind spots tell the truth: what planted farms get, beside what farms of a synthetic service get.

    python benchmarks/blind_spots.py                             50,000 accounts, seeds 100, 101, 102
    python benchmarks/blind_spots.py --accounts 300000 --events 12000000 --seed 100

For each seed two services are made: one with the frontier's farms, to see which of them graphkit finds, and one with
other farms (the campaigns), on which the blind spots are measured, from its snapshot alone and with its events. What
each frontier farm shares is counted in its events, and a farm of this grade is planted. The frontier's farms run one
workload each, so it is the planted farms that behave alike which should fare as they do.
"""

import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from rich.console import Console
from rich.table import Table

import graphkit as gk
from graphkit.lab.backdrop import Backdrop, read_backdrop, rebuild_backdrop
from graphkit.lab.blindspots import measure_blind_spots
from graphkit.lab.evaluate import link_events
from graphkit.lab.frontier import frontier_farms
from graphkit.lab.measures import judge_farms
from graphkit.lab.planting import FarmGrade
from graphkit.lab.worlds import write_world
from graphkit.link.links import Links

_KINDS = {"ip": "ip", "card": "payment_instrument", "template": "prompt_template"}
_FATES = ("recall", "found", "whole")
_console = Console(width=160)


def main(
    accounts: Annotated[int, typer.Option(help="Accounts of a service.")] = 50_000,
    events: Annotated[int, typer.Option(help="Events of a service.")] = 2_000_000,
    seed: Annotated[list[int] | None, typer.Option(help="Seeds of the services.")] = None,
) -> None:
    """Print a row a frontier farm of one kind: what it shares, what it got, and what planted ones of its grade got."""
    plans = [plan for plan in frontier_farms() if plan.style in _KINDS]
    settings = gk.Config(stability=False, chance_runs=0)
    rows = []
    for number in seed or [100, 101, 102]:
        with tempfile.TemporaryDirectory() as text:
            folder = Path(text)
            write_world(folder / "frontier", n_accounts=accounts, n_events=events, seed=number, farms=frontier_farms())
            write_world(folder / "campaigns", n_accounts=accounts, n_events=events, seed=number)
            real = _judge_frontier(folder / "frontier", settings)
            grades = [
                FarmGrade(
                    (_KINDS[plan.style],),
                    plan.n_accounts,
                    *real.loc[plan.name, ["each", "users"]],
                    evenly=plan.style == "card",
                )
                for plan in plans
            ]
            files = str(folder / "campaigns" / "events"), str(folder / "campaigns" / "accounts.parquet")
            snapshot = gk.analyze(*files, settings)
            tables = _measure(snapshot, grades, rebuild_backdrop(snapshot), seed=number)
            exact = _measure(snapshot, grades, read_backdrop(snapshot, *files), seed=number)
        real = real.loc[[plan.name for plan in plans]].rename_axis("farm").reset_index()
        for name, measured in {"tables": tables, "events": exact}.items():
            for alike, fates in measured.groupby("alike"):
                columns = fates[list(_FATES)].reset_index(drop=True)
                real = real.join(columns.add_suffix(f" {name if alike else f'{name}, not alike'}"))
        rows.append(real.assign(seed=number))
    _print(pd.concat(rows))


def _judge_frontier(folder: Path, settings: gk.Config) -> pd.DataFrame:
    """What each farm shares in its own kind, as its links show, and what became of it; by farm."""
    files = str(folder / "events"), str(folder / "accounts.parquet")
    truth = pd.read_parquet(folder / "truth.parquet")
    snapshot = gk.analyze(*files, settings)
    fates = judge_farms(snapshot.accounts, truth).set_index("farm")
    fates = fates.rename(columns={"clustered": "recall"})
    return fates.join(_count_shared(link_events(*files, config=settings), truth))


def _count_shared(links: Links, truth: pd.DataFrame) -> pd.DataFrame:
    """Entities an account and accounts an entity of each farm's own entities of its own kind."""
    known = truth.set_index("account_id").loc[links.accounts["account_id"].to_pylist()]
    frame = pd.DataFrame({"entity": links.entity, "kind": np.array(links.kinds)[links.entity_kind()[links.entity]]})
    for name in ("farm", "style"):
        frame[name] = known[name].to_numpy()[links.account]
    frame = frame[frame["farm"].notna() & (frame["kind"] == frame["style"].map(_KINDS))]
    inside = frame.groupby(["farm", "entity"]).size().rename("inside").reset_index()
    own = inside[inside["inside"] >= 0.9 * links.entities["n_accounts"].to_numpy()[inside["entity"]]]
    by_farm = own.groupby("farm")["inside"]
    n_accounts = truth.groupby("farm").size()
    return pd.DataFrame({"each": by_farm.sum() / n_accounts, "users": by_farm.mean()})


def _measure(snapshot: gk.Snapshot, grades: list[FarmGrade], backdrop: Backdrop, *, seed: int) -> pd.DataFrame:
    start = time.perf_counter()
    measured = measure_blind_spots(snapshot, grades=grades, backdrop=backdrop, seed=seed)
    sys.stderr.write(f"seed {seed}, exact {backdrop.exact}: {time.perf_counter() - start:.1f} s\n")
    return measured[["alike", *_FATES]]


def _print(rows: pd.DataFrame) -> None:
    means = rows.drop(columns="style").groupby("farm", sort=False).mean(numeric_only=True)
    names = ["tables", "events", "tables, not alike", "events, not alike"]
    table = Table("farm", "an account", "an entity", "really seen", *names, "really found", *names[:2], box=None)
    for farm, row in means.iterrows():
        recalls = (f"{row[name]:.0%}" for name in ("recall", *(f"recall {name}" for name in names)))
        found = (f"{row[name]:.2f}" for name in ("found", "found tables", "found events"))
        table.add_row(str(farm), f"{row['each']:.1f}", f"{row['users']:.1f}", *recalls, *found)
    _console.print(table, "")
    for name in names:
        off = (means[f"recall {name}"] - means["recall"]).abs()
        same = ((means[f"found {name}"] >= 0.5) == (means["found"] >= 0.5)).sum()
        _console.print(
            f"{name}: recall off by {off.mean():.3f} on average, {off.max():.2f} at most ({off.idxmax()}); "
            f"{same} of {len(means)} farms on the same side of the border"
        )


if __name__ == "__main__":
    typer.run(main)
