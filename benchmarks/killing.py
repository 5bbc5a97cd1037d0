"""Whether a kill at any moment loses anything: refreshes, reviews, prunings, killed at every step and at random times.

    python benchmarks/killing.py                         every step, and 300 random times
    python benchmarks/killing.py --most 20 --random 10   fewer

A step is what a command asks of the file system inside the store: to open, make, rename or remove something, to
append, to wait for the disk. The command runs in a process of its own, which dies (SIGKILL) just before a step; where
it appends or waits for the disk, also with half of the bytes written. After each death: readers read the whole of a
snapshot that was published, `verify` finds nothing but what the next writer removes, the same command succeeds and
leaves the same files with the same bytes as if nothing had been, and no review that was acknowledged is lost, of those
neither that somebody gives while a refresh runs.
"""

import random
import tempfile
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from kills.service import prepare
from kills.trial import Death, all_deaths, expect, open_server, try_death


def main(
    most: Annotated[int, typer.Option(help="Steps of a command at which it is killed, evenly spread; 0: all.")] = 0,
    random_times: Annotated[int, typer.Option("--random", help="Deaths of a refresh at random times.")] = 300,
    seed: Annotated[int, typer.Option(help="Seed of the random times.")] = 0,
) -> None:
    """Print a row a command, and each fault."""
    n_deaths, faults = 0, []
    with tempfile.TemporaryDirectory() as name, open_server() as server:
        folder = Path(name)
        for command in prepare(server, folder):
            steps, seconds = expect(server, command, folder)
            deaths = all_deaths(steps)
            deaths = deaths[:: max(1, len(deaths) // most)] if most else deaths
            if command.name == "refresh":
                times = random.Random(seed)  # noqa: S311  # nothing secret
                deaths += [Death(seconds=times.uniform(0, seconds)) for _ in range(random_times)]
            seen: Counter[str] = Counter()
            for death in deaths:
                outcome = try_death(server, command, death, folder)
                seen[f"{outcome.ended}, readers saw {outcome.saw}"] += 1
                faults += [f"{command.name}, {death}: {fault}" for fault in outcome.faults]
                n_deaths += outcome.ended == "killed"
            told = "; ".join(f"{what}: {n}" for what, n in sorted(seen.items()))
            print(f"{command.name:<8} {len(steps):>4} steps in {seconds:.1f} s; {told}", flush=True)
    print(f"{n_deaths} deaths, {len(faults)} faults", *faults, sep="\n")
    raise typer.Exit(bool(faults))


if __name__ == "__main__":
    typer.run(main)
