"""What a list of known infrastructure does to what is found: each tag at several weights, on synthetic services.

    python benchmarks/infrastructure.py                     50,000 accounts, 2 million events, seeds 0, 1, 2
    python benchmarks/infrastructure.py --farms hidden      farms behind a VPN seller's exits instead

The list holds the whole truth about the service's addresses. Links are made once a world; pairs and clusters again for
each setting, without stability, chance and score.
"""

from dataclasses import replace
from itertools import product
from typing import Annotated

import pandas as pd
import typer
from rich.console import Console
from rich.table import Table

from graphkit import privacy
from graphkit.config import Config
from graphkit.detect.communities import find_communities
from graphkit.detect.members import group_accounts
from graphkit.ingest.infrastructure import Infrastructure
from graphkit.ingest.ranges import make_ranges, parse_range
from graphkit.lab.evaluate import link_events
from graphkit.lab.frontier import frontier_farms
from graphkit.lab.measures import evaluate_clusters
from graphkit.lab.plans import FarmPlan, default_farms
from graphkit.lab.worlds import World, synthesize
from graphkit.link.couse import no_co_uses
from graphkit.link.links import Links
from graphkit.link.pairs import sample_pairs
from graphkit.link.tags import tag_entities
from graphkit.link.weights import weigh_pairs

_GROUPS = ("enterprise", "classroom", "household", "vpn", "carrier", "niche-tool")
_WEIGHTS = (0.0, 0.25, 0.5, 0.75)
_TAGS = ("hosting", "vpn", "carrier-nat", "corporate")


def main(
    accounts: Annotated[int, typer.Option(help="Accounts of the service.")] = 50_000,
    events: Annotated[int, typer.Option(help="Events of the service.")] = 2_000_000,
    seed: Annotated[list[int] | None, typer.Option(help="Seeds of the worlds.")] = None,
    farms: Annotated[str, typer.Option(help="campaigns, frontier or hidden.")] = "campaigns",
) -> None:
    """Print a row a setting, the average over the worlds."""
    plans = {"campaigns": default_farms(accounts), "frontier": frontier_farms(), "hidden": hidden_farms()}[farms]
    rows = []
    for number in seed or [0, 1, 2]:
        world = synthesize(accounts, events, number, farms=plans)
        links = link_events(world.events, world.accounts)
        tagged = tag_entities(links, _listed(world), config=Config())
        for name, weights in _settings():
            rows.append({"setting": name, "seed": number, **_measure(tagged, world, weights)})
    frame = pd.DataFrame(rows)
    means = frame.groupby("setting", sort=False).mean().drop(columns="seed")
    table = Table("setting", *(name.replace("_", " ") for name in means.columns), box=None)
    for setting, row in means.iterrows():
        table.add_row(str(setting), *(f"{value:.4f}" if value <= 1 else f"{value:.1f}" for value in row))
    Console(width=200).print(table)


def hidden_farms(n_each: int = 200) -> tuple[FarmPlan, ...]:
    """Farms of ``n_each`` accounts that all hide behind the VPN seller's exits, and share more or less besides."""
    plan = FarmPlan("", "hidden", n_each, n_ips=200, ips_per_account=12, ip_source="vpn")
    plans = []
    for cards, templates in product((1, 2, 5), (0, 40, 10)):
        kept = replace(plan, cards="own" if cards == 1 else "reused", accounts_per_card=cards)
        share = {"n_templates": templates, "templates_per_account": 4, "template_share": 0.3} if templates else {}
        plans.append(replace(kept, name=f"cards-{cards}-templates-{templates}", **share))
    few = replace(plan, n_ips=8, ips_per_account=6)
    return (*plans, replace(few, name="few-exits"))


def _settings() -> list[tuple[str, dict[str, float]]]:
    """Name and weights of each setting."""
    neutral = dict.fromkeys(_TAGS, 1.0)
    single = [(f"{tag} {weight}", neutral | {tag: weight}) for tag in _TAGS for weight in _WEIGHTS]
    return [("no list", neutral), ("default", {}), *single]


def _measure(links: Links, world: World, weights: dict[str, float]) -> dict[str, float]:
    config = Config.model_validate({"infrastructure": {tag: {"weight": weight} for tag, weight in weights.items()}})
    candidates = sample_pairs(links, co_uses=no_co_uses(), config=config, key=privacy.PUBLIC_KEY)
    pairs, _ = weigh_pairs(candidates, links, co_uses=no_co_uses(), config=config)
    grouping = group_accounts(find_communities(pairs, links, config=config), pairs, links)
    found = pd.DataFrame({"account_id": links.accounts["account_id"].to_pylist(), "cluster": grouping.cluster})
    found = found[found["cluster"] >= 0].assign(cluster_id=lambda frame: frame["cluster"].astype(str))
    measures = evaluate_clusters(found, world.truth)
    figures = ("recall", "purity", "farms_found", "farms_whole", "solitary_clustered", "n_clusters")
    group = world.truth["group"].str.replace(r"-\d+$", "", regex=True)
    clustered = world.truth["account_id"].isin(found["account_id"])
    shares = {name: float(clustered[(group == name) & world.truth["farm"].isna()].mean()) for name in _GROUPS}
    return {name: float(measures[name] or 0) for name in figures} | shares


def _listed(world: World) -> Infrastructure:
    spans = {parse_range(value): tag for value, tag in world.infrastructure[["value", "tag"]].itertuples(index=False)}
    return Infrastructure("truth", "", _TAGS, make_ranges(spans), {})


if __name__ == "__main__":
    typer.run(main)
