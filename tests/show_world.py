"""Small snapshots made by hand for the tests of figures and report, with hostile names in them."""

from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pyarrow as pa

from graphkit.config import Config
from graphkit.show.layouts import overview_layout
from graphkit.snapshot import Snapshot, build_snapshot
from graphkit.tables import TABLES

HOSTILE = (
    "<script>alert(1)</script>",
    "<b>bold</b><br><a href='javascript:alert(1)'>x</a>",
    '=cmd()|"quotes"\' & ampersands',
    "right\u202eto left\u202c",
    "$\\href{javascript:alert(1)}{x}$",
    "</script><img src=x onerror=alert(1)>",
    "%{customdata} <extra>{{ 7 * 7 }}</extra>",
    "long-" + "x" * 195,
)
FIRST, LAST = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 15, tzinfo=UTC)
STANDARD = {kind: {} for kind in ("ip", "user_agent", "payment_instrument", "prompt_template")}


def make_snapshot(  # noqa: PLR0913  # a test names the few that it varies
    sizes=(40, 12, 6, 3),
    *,
    kinds=None,
    population=5000,
    seed=1,
    pool=6,
    rejected=(),
    hostile=True,
    verdict=None,
    n_events=None,
    active=True,
):
    """A snapshot of clusters of the given sizes whose accounts draw their entities from small pools.

    ``n_events`` gives the events of each link by its kind, 3 by default; ``active=False`` leaves out the hours.
    """
    config = Config.model_validate({"kinds": STANDARD if kinds is None else kinds})
    links = _make_links(sizes, list(config.kinds), pool=pool, seed=seed, hostile=hostile)
    owner = links[["account_id", "cluster_id"]].drop_duplicates()
    evidence = _make_evidence(links, owner["cluster_id"].value_counts(), population=population)
    clusters = _make_clusters(owner, seed=seed).assign(
        verdict=verdict, verdict_basis=verdict and "own", verdict_covers=None
    )
    tables = {
        "accounts": _make_accounts(owner, list(config.kinds)),
        "clusters": clusters,
        "evidence": evidence,
        "links": links.assign(n_events=links["kind"].map(n_events or {}).fillna(3), first_seen=FIRST, last_seen=LAST),
        "score_parts": _make_parts(clusters["cluster_id"]),
        "stability": _make_trials(clusters["cluster_id"]),
        "exclusions": _make_exclusions(list(config.kinds)),
        "entities": _make_entities(links, population=population),
        "activity": _make_activity(owner["account_id"], seed=seed)[: None if active else 0],
    }
    arrow = {name: _to_arrow(name, frame) for name, frame in tables.items()}
    arrow["layout"] = overview_layout(clusters, evidence, seed=0)
    content = {
        "config": config.model_dump(mode="json"),
        "key_fingerprint": "0123456789abcdef",
        "parent": None,
        "population": {
            "n_accounts": population,
            "n_events": population * 600,
            "n_links": population * 6,
            "n_shared_entities": 2 * len(evidence),
            "first_day": "2026-05-01",
            "last_day": "2026-05-15",
        },
        "resolved": {
            "threshold_bits": 12.3,
            "resolution": 0.01,
            "kinds": list(config.kinds),
            "n_linked_accounts": len(owner),
            "n_pairs": 8 * len(owner),
        },
    }
    run = {"rejected": list(rejected), "versions": {"graphkit": "0.1.0", "python": "3.11"}, "sources": ["events.csv"]}
    return build_snapshot(arrow, as_of=date(2026, 5, 15), content=content, run=run)


def empty_snapshot() -> Snapshot:
    """A valid snapshot in which nothing is linked."""
    return make_snapshot(())


def raw_identifiers(snapshot: Snapshot) -> set[str]:
    """Every identifier that a masked page must not show."""
    masked = [kind for kind, settings in snapshot.config.kinds.items() if settings.mask]
    links = snapshot.links
    return set(links["account_id"]) | set(links.loc[links["kind"].isin(masked), "entity"])


def _make_links(sizes, kinds, *, pool, seed, hostile):
    random = np.random.default_rng(seed)
    rows = []
    for c, size in enumerate(sizes):
        entities = {
            kind: [f"{kind}-{c:03d}-{i:04d}" for i in range(max(1, min(pool, size // 2)) + 2 * k)]
            for k, kind in enumerate(kinds)
        }
        accounts = [f"account-{c:03d}-{i:05d}" for i in range(size)]
        if hostile and c == 0:
            accounts[: len(HOSTILE)] = HOSTILE[: len(accounts)]
            for kind in kinds:
                entities[kind][: len(HOSTILE)] = [f"{text}{kind}" for text in HOSTILE[: len(entities[kind])]]
        for kind in kinds:
            weight = 1.0 / (1 + np.arange(len(entities[kind])))
            drawn = random.choice(len(weight), size=(size, 2), p=weight / weight.sum())
            rows += [(f"C{c:03d}", accounts[i], kind, entities[kind][j]) for i in range(size) for j in set(drawn[i])]
            if c:
                rows.append((f"C{c:03d}", accounts[0], kind, f"{kind}-everywhere"))
                rows.append((f"C{c:03d}", accounts[1], kind, f"{kind}-everywhere"))
    return pd.DataFrame(rows, columns=["cluster_id", "account_id", "kind", "entity"])


def _make_evidence(links, sizes, *, population):
    shared = links.groupby(["cluster_id", "kind", "entity"]).size().rename("n_inside").reset_index()
    total = shared.groupby(["kind", "entity"])["n_inside"].transform("sum")
    shared["n_outside"] = total - shared["n_inside"]
    shared["coverage"] = shared["n_inside"] / shared["cluster_id"].map(sizes)
    shared["lift"] = shared["coverage"] / (total / population)
    shared["enrichment"] = np.where(shared["entity"].str.endswith("-everywhere"), 0.004, np.nan)
    shared["tag"] = np.where(shared["entity"].str.endswith("-0001"), "vpn", None)
    return shared[shared["n_inside"] >= 2].reset_index(drop=True)


def _make_entities(links, *, population):
    frame = links.groupby(["kind", "entity"])["account_id"].nunique().rename("n_accounts").reset_index()
    rarity = np.log2(population / frame["n_accounts"])
    return frame[frame["n_accounts"] >= 2].assign(rarity_bits=rarity, corroboration=None, tag=None)


def _make_activity(account_ids, *, seed):
    """Accounts that work on Tuesdays from 3 to 6, and a population that works by day."""
    random = np.random.default_rng(seed)
    work = pd.DataFrame({"hour_of_week": 24 + 3 + np.arange(3)})
    rows = pd.DataFrame({"account_id": account_ids}).merge(work, how="cross")
    rows["n_events"] = random.integers(1, 9, len(rows))
    usual = pd.DataFrame({"account_id": None, "hour_of_week": np.arange(168)})
    usual["n_events"] = np.where(usual["hour_of_week"] % 24 // 8 == 1, 900, 100)
    return pd.concat([rows, usual.astype({"account_id": object})]) if len(rows) else usual


def _make_clusters(owner, *, seed):
    sizes = owner["cluster_id"].value_counts().sort_index()
    score = np.random.default_rng(seed).random(len(sizes)).round(3)
    return pd.DataFrame(
        {
            "cluster_id": sizes.index.to_numpy(),
            "n_accounts": sizes.to_numpy(),
            "n_core": sizes.to_numpy() // 2,
            "score": score,
            "stability": None,
            "expected_by_chance": 2.5,
            "n_events": sizes.to_numpy() * 400,
            "input_tokens": sizes.to_numpy() * 12_000,
            "output_tokens": None,
            "first_seen": FIRST,
            "last_seen": LAST,
            "binding": "share few <b>addresses</b> and one payment instrument in 40% of accounts",
        }
    )


def _make_accounts(owner, kinds):
    rest = {
        "tier": "core",
        "strength": 20.0,
        "likeness": 3.0,
        "n_partners": 5.0,
        "stability": 1.0,
        "n_events": 400,
        "first_seen": FIRST,
    }
    frame = owner.assign(**rest, last_seen=LAST, created_at=pd.NaT)
    return frame.assign(kinds=[kinds] * len(owner), reasons=[[]] * len(owner))


def _make_trials(cluster_ids):
    trials = (
        ("another seed", 1.0, 1, 1.0),
        ("half the resolution", 0.5, 1, 1.0),
        ("without ip", 0.0, 0, 0.1),
        ("without prompt_template", 0.3, 4, 0.25),
        ("without strongest entity", 0.85, 1, 0.95),
    )
    names = ["cluster_id", "perturbation", "together", "n_parts", "largest_part"]
    return pd.DataFrame([(c, *trial) for c in cluster_ids for trial in trials], columns=names)


def _make_parts(cluster_ids):
    parts = (
        ("linking_strength", 21.5, 3.25, 0.9, 0.4, None),
        ("kinds_that_corroborate", 3.0, 1.0, 0.6, 0.2, None),
        ("template_share", None, None, None, 0.0, "no prompts <i>here</i>"),
    )
    names = ["part", "value", "population", "effect", "contribution", "missing"]
    return pd.DataFrame([(c, *part) for c in cluster_ids for part in parts], columns=["cluster_id", *names])


def _make_exclusions(kinds):
    rows = [(kinds[-1], text, 2000 + i, 2000 + i) for i, text in enumerate((*HOSTILE, "listed"))]
    frame = pd.DataFrame(rows, columns=["kind", "entity", "n_accounts", "n_links_dropped"])
    tag = [None] * (len(frame) - 1) + ["allowed"]
    reason = ["too_common"] * (len(frame) - 1) + ["tag"]
    return frame.assign(reason=reason, tag=tag, n_pairs_dropped=16_000, n_accounts_unpaired=7)


def _to_arrow(name, frame):
    schema = TABLES[name].schema()
    if frame.empty:
        return schema.empty_table()
    return pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False)
