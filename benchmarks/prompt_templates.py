"""How well templates are mined from raw prompts, and how fast, beside two things that one would try first.

    python benchmarks/prompt_templates.py                      made-up prompts: 20,000 for quality, a million for speed
    python benchmarks/prompt_templates.py --real FOLDER        also prompts.parquet there, whose templates are known
    python benchmarks/prompt_templates.py --prompts 200000     speed on fewer
    python benchmarks/prompt_templates.py --only-speed         no scores

The peers are the first eight words of a prompt, and its most common run of four words. F1 is the mean over the true
templates of the best F1 with any group; found is the share of them with an F1 of 0.9 or more; noise is the share of
noisy prompts that are in their template's best group; organic is the share of other prompts in groups of 20 or more.
"""

import resource
import time
from collections import Counter
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from rich.console import Console
from rich.table import Table

import graphkit as gk
from graphkit.lab.prompts import JITTERS, write_prompts

_LARGE = 20
_WEIGHT = 0.8


def first_words(prompts: pd.Series) -> pd.Series:
    """Group prompts by their first eight words."""
    return prompts.str.lower().str.split().str[:8].str.join(" ")


def common_run(prompts: pd.Series) -> pd.Series:
    """Group prompts by the run of four words in them that most prompts have."""
    words = prompts.str.lower().str.findall(r"\w+")
    runs = [{tuple(each[n : n + 4]) for n in range(len(each) - 3)} for each in words]
    uses = Counter(run for each in runs for run in each)
    best = [max(each, key=lambda run: (uses[run], run), default=None) for each in runs]
    return pd.Series([str(run) if run and uses[run] > 1 else None for run in best], index=prompts.index)


def mined(prompts: pd.Series) -> pd.Series:
    """Group prompts by the template that graphkit mines."""
    return gk.mine_templates(prompts)[0].astype(object)


def score_groups(truth: pd.Series, groups: pd.Series, noisy: pd.Series) -> dict[str, float]:
    """Compare groups (null: none) with true templates (null: none)."""
    pairs = pd.DataFrame({"true": truth, "group": groups, "noisy": noisy})
    size, true_size = groups.value_counts(), truth.value_counts()
    met = pairs.dropna(subset=["true", "group"]).value_counts(["true", "group"]).reset_index(name="n")
    met["f1"] = 2 * met["n"] / (met["true"].map(true_size) + met["group"].map(size))
    best = met.sort_values("f1").drop_duplicates("true", keep="last").set_index("true")
    f1 = best["f1"].reindex(true_size.index).fillna(0)
    made = pairs[pairs["true"].notna() & pairs["noisy"]]
    organic = groups[truth.isna()].map(size).fillna(0)
    return {
        "F1": f1.mean(),
        "found": (f1 >= 0.9).mean(),
        "noise": (made["group"] == made["true"].map(best["group"])).mean(),
        "organic": (organic >= _LARGE).mean(),
        "groups": (size >= _LARGE).sum(),
    }


def make_prompts(n: int, n_templates: int, *, seed: int, share: float) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Made-up prompts, their templates, and which have noise; a tenth of those from templates for each sort of it."""
    random = np.random.default_rng(seed)
    weights = 1 / np.arange(1, n_templates + 1) ** _WEIGHT
    truth = np.where(random.random(n) < share, random.choice(n_templates, n, p=weights / weights.sum()), -1)
    noisy = random.random(n) < 0.3
    prompts = np.empty(n, dtype=object)
    for flag, jitters in ((False, {"none": 1.0}), (True, dict.fromkeys(JITTERS[1:], 1.0))):
        prompts[noisy == flag] = write_prompts(truth[noisy == flag].tolist(), seed=seed, jitters=jitters)
    return pd.Series(prompts), pd.Series(truth).where(truth >= 0), pd.Series(noisy)


def read_real(folder: Path) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Prompts of a folder, their templates, and which have noise."""
    frame = pd.read_parquet(folder / "prompts.parquet")
    return frame["prompt"], frame["template_id"].where(frame["template_id"] != ""), frame["jitter"] != "none"


def print_quality(console: Console, title: str, world: tuple[pd.Series, pd.Series, pd.Series]) -> None:
    """Print the score table of the three methods on a world."""
    prompts, truth, noisy = world
    table = Table("method", "F1", "found", "noise", "organic", "groups of 20", "prompts/s", title=title)
    for method in (first_words, common_run, mined):
        start = time.perf_counter()
        groups = method(prompts)
        seconds = time.perf_counter() - start
        score = score_groups(truth, groups, noisy)
        cells = [f"{score[name]:.3f}" for name in ("F1", "found", "noise", "organic")]
        table.add_row(method.__name__, *cells, str(score["groups"]), f"{len(prompts) / seconds:,.0f}")
    console.print(table)


def print_speed(console: Console, n: int) -> None:
    """Print how fast prompts are mined, of which six in ten come from 200 templates; the first 200,000 differ."""
    prompts, *_ = make_prompts(min(n, 200_000), 200, seed=3, share=0.6)
    n_words = prompts.str.split().str.len().mean()
    many = pd.concat([prompts] * -(-n // len(prompts)), ignore_index=True).iloc[:n]
    accounts = pd.Series(np.random.default_rng(0).integers(0, max(n // 20, 1), n)).map("acct-{}".format)
    start, cpu = time.perf_counter(), time.process_time()
    _, templates = gk.mine_templates(many, accounts)
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    console.print(
        f"{n:,} prompts of {n_words:.0f} words: {wall:.1f} s, {n / wall:,.0f} a second "
        f"({cpu / n * 1e6:.0f} µs of one core each); {len(templates):,} templates; peak {peak:,.0f} MB"
    )


def main(
    real: Annotated[Path | None, typer.Option(help="Folder with prompts.parquet.")] = None,
    prompts: Annotated[int, typer.Option(help="How many prompts to time.")] = 1_000_000,
    only_speed: Annotated[bool, typer.Option("--only-speed", help="No scores.")] = False,
) -> None:
    """Print score tables and the speed."""
    console = Console(width=120)
    for seed in () if only_speed else (21, 22):
        print_quality(console, f"made-up prompts, seed {seed}", make_prompts(20_000, 40, seed=seed, share=0.5))
    if real is not None:
        print_quality(console, "real prompts", read_real(real))
    print_speed(console, prompts)


if __name__ == "__main__":
    typer.run(main)
