"""Whether clusters keep their ids: farms that are born, grow, rotate, merge, split, die and come back in 20 days.

    python benchmarks/lineage.py                                   3,000 ordinary accounts, seeds 0, 1, 2
    python benchmarks/lineage.py --accounts 20000 --look-back 3 --stability

A store is refreshed once a day, as a batch job would, and again into another store with the same key, whose files must
be the same. Then a third gets a snapshot every third day only: ids must come out all the same.
"""

import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

import graphkit as gk
from graphkit.lab.following import Following, judge_lives
from graphkit.lab.lives import Lives, live
from graphkit.snapshot import STORED_TABLES

_console = Console(width=140)


def main(
    accounts: Annotated[int, typer.Option(help="Ordinary accounts.")] = 3_000,
    days: Annotated[int, typer.Option(help="Days, from 20.")] = 20,
    look_back: Annotated[int, typer.Option(help="Days that count in each snapshot.")] = 1,
    stability: Annotated[bool, typer.Option("--stability", help="Test stability too, as by default.")] = False,
    seed: Annotated[list[int] | None, typer.Option(help="Seeds of the histories.")] = None,
) -> None:
    """Print a row a seed, and each turn that was not told once on the right day."""
    settings = {"look_back": f"{look_back}d", "stability": stability, "chance_runs": 0}
    table = Table("seed", "farm-days", "right id", "turns", "wrong turns", "told elsewhere", "same bytes",
                  "every third day", "seconds a day", box=None)  # fmt: skip
    wrong = []
    for number in seed or [0, 1, 2]:
        config = gk.Config.model_validate(settings | {"seed": number})
        lives = live(n_accounts=accounts, days=days, seed=number)
        every = list(range(days))
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            first = _refresh_daily(lives, Path(folder) / "first", config, every)
            seconds = (time.perf_counter() - start) / days
            same = _same_bytes(first, _refresh_daily(lives, Path(folder) / "again", config, every))
            followed = judge_lives(first, lives, look_back=look_back)
            thirds = judge_lives(
                _refresh_daily(lives, Path(folder) / "third", config, every[::3]), lives, look_back=look_back
            )
        wrong.append((number, followed))
        shown = (
            f"{len(followed.farm_days)}",
            f"{followed.share_right:.2%}",
            f"{followed.turns['n_true'].sum()}",
            f"{len(followed.wrong_turns)}",
            f"{len(followed.elsewhere)}",
            "yes" if same else "NO",
            f"{thirds.share_right:.2%}",
            f"{seconds:.2f}",
        )
        table.add_row(str(number), *shown)
    _console.print(table)
    for number, followed in wrong:
        _tell_wrong(number, followed)


def _refresh_daily(lives: Lives, store: Path, config: gk.Config, days: list[int]) -> list[gk.Snapshot]:
    """Refresh a store on these days; gives the snapshots."""
    store.mkdir(parents=True)
    (store / "key").write_text("a key that all stores of this benchmark have\n")
    (store / "key").chmod(0o600)
    first: date = lives.members["day"].min()
    return [gk.refresh_store(lives.events, store, config=config, as_of=first + timedelta(days=day)) for day in days]


def _same_bytes(some: list[gk.Snapshot], others: list[gk.Snapshot]) -> bool:
    return all(
        a.id == b.id and all(a.read_bytes(name) == b.read_bytes(name) for name in STORED_TABLES)
        for a, b in zip(some, others, strict=True)
    )


def _tell_wrong(number: int, followed: Following) -> None:
    days = followed.farm_days
    if not days["right"].all():
        _console.print(f"seed {number}: farm-days without the right id", days[~days["right"]].to_string(index=False))
    if len(followed.wrong_turns):
        _console.print(f"seed {number}: wrong turns", followed.wrong_turns.to_string(index=False))


if __name__ == "__main__":
    typer.run(main)
