"""Find the farms of synthetic services from raw prompts, and beside them from the true ids of the templates.

python benchmarks/prompt_worlds.py                              3,000 accounts, 90,000 events, four seeds
python benchmarks/prompt_worlds.py --accounts 10000 --events 300000 --seed 1
"""

import time
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

import graphkit as gk
from graphkit.lab.evaluate import evaluate_snapshot
from graphkit.lab.measures import judge_farms

_QUICK = gk.Config(stability=False, chance_runs=0)


def main(
    accounts: Annotated[int, typer.Option(help="Accounts of the service.")] = 3_000,
    events: Annotated[int, typer.Option(help="Events of the service.")] = 90_000,
    days: Annotated[int, typer.Option(help="Days of the service.")] = 15,
    seed: Annotated[list[int] | None, typer.Option(help="Seeds of the worlds.")] = None,
) -> None:
    """Print a row for each world and what it was read from."""
    heads = ("seed", "from", "recall", "purity", "farms whole", "solitary", "templates", "not whole", "CPU s")
    table = Table(*heads)
    for number in seed or [11, 12, 13, 14]:
        for source in ("ids", "prompts"):
            world = gk.synthesize(accounts, events, number, days=days, raw_prompts=source == "prompts")
            start = time.process_time()
            snapshot = gk.analyze(world.events, world.accounts, _QUICK)
            seconds = time.process_time() - start
            figures, farms = evaluate_snapshot(snapshot, world.truth), judge_farms(snapshot.accounts, world.truth)
            table.add_row(
                str(number),
                source,
                *(f"{figures[name]:.3f}" for name in ("recall", "purity")),
                f"{figures['farms_whole']} of {figures['n_farms']}",
                f"{figures['solitary_clustered']:.1%}",
                f"{len(snapshot.templates)}",
                ", ".join(farms.loc[~farms["whole"], "style"]) or "-",
                f"{seconds:.1f}",
            )
    Console(width=120).print(table)


if __name__ == "__main__":
    typer.run(main)
