"""Find the farms of synthetic services from raw prompts, and from the true ids of the templates beside them.

Run `python benchmarks/prompt_worlds.py`; `--accounts`, `--events` and `--seeds` change the services.
"""

from __future__ import annotations

import argparse
import time

import pandas as pd

import graphkit as gk
from graphkit.lab.evaluate import evaluate_snapshot
from graphkit.lab.measures import judge_farms

FIGURES = ("recall", "purity", "farms_whole", "n_farms", "n_clusters", "solitary_clustered")


def main() -> None:
    """Measure and print a row for each service and input."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=3_000)
    parser.add_argument("--events", type=int, default=90_000)
    parser.add_argument("--days", type=int, default=15)
    parser.add_argument("--seeds", type=int, nargs="+", default=[11, 12, 13, 14])
    given = parser.parse_args()
    rows = []
    for seed in given.seeds:
        size = {"n_accounts": given.accounts, "n_events": given.events, "seed": seed, "days": given.days}
        for what in ("ids", "prompts"):
            world = gk.synthesize(**size, raw_prompts=what == "prompts")
            start = time.process_time()
            snapshot = gk.analyze(world.events, world.accounts, gk.Config(stability=False, chance_runs=0))
            seconds = time.process_time() - start
            figures = evaluate_snapshot(snapshot, world.truth)
            farms = judge_farms(snapshot.accounts, world.truth)
            rows.append(
                {"seed": seed, "from": what}
                | {name: figures[name] for name in FIGURES}
                | {
                    "templates": len(snapshot.templates),
                    "broken": ", ".join(farms.loc[~farms["whole"], "style"]) or "-",
                    "cpu_seconds": round(seconds, 1),
                }
            )
            print(pd.DataFrame(rows[-1:]).to_string(header=len(rows) == 1, index=False), flush=True)


if __name__ == "__main__":
    main()
