"""Small hand-made links and events for tests."""

from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa

from graphkit.link.couse import no_co_uses
from graphkit.link.links import Links
from graphkit.snapshot import Snapshot, build_snapshot

NO_CO_USES = no_co_uses()


def links_of(uses: dict[str, dict[str, str]], *, n_population: int, tags: dict[str, str] | None = None) -> Links:
    """Links of accounts: {"anna": {"ip": "x y"}} is an account with two entities of the kind ip.

    Entities of one account are kept here, so that prices of choice can be set by hand; ``tags`` are by entity.
    """
    rows = [(a, k, e) for a, kinds in uses.items() for k, text in kinds.items() for e in text.split()]
    accounts = sorted({account for account, _, _ in rows})
    entities = sorted({(kind, entity) for _, kind, entity in rows})
    account_place = {account: place for place, account in enumerate(accounts)}
    entity_place = {entity: place for place, entity in enumerate(entities)}
    pairs = sorted((account_place[a], entity_place[k, e]) for a, k, e in rows)
    account, entity = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    degree = np.bincount(entity, minlength=len(entities))
    ones = np.ones(len(pairs), dtype=np.int64)
    return Links(
        n_population=n_population,
        accounts=pa.table(
            {
                "account_id": accounts,
                "n_events": [10] * len(accounts),
                "first_seen": [0] * len(accounts),
                "last_seen": [60] * len(accounts),
                "created_at": pa.nulls(len(accounts), pa.int64()),
            }
        ),
        entities=pa.table(
            {
                "kind": [kind for kind, _ in entities],
                "entity": [entity for _, entity in entities],
                "n_accounts": degree,
                "tag": pa.array([(tags or {}).get(entity) for _, entity in entities], pa.string()),
            }
        ),
        kinds=tuple(sorted({kind for kind, _ in entities})),
        account=account,
        entity=entity,
        n_events=ones,
        first_seen=ones * 0,
        last_seen=ones * 60,
    )


def events_of(uses: dict[str, dict[str, str]], *, bystanders: int = 0) -> pd.DataFrame:
    """Events, one a minute, of the same notation; each bystander uses an address of its own."""
    rows = []
    for account, kinds in uses.items():
        values = {kind: text.split() for kind, text in kinds.items()}
        turns = range(max(map(len, values.values())))
        rows += [{"account_id": account} | {k: v[turn % len(v)] for k, v in values.items()} for turn in turns]
    rows += [{"account_id": f"z{n:05}", "ip": f"10.{n >> 8}.{n & 255}.1"} for n in range(bystanders)]
    minutes = pd.to_timedelta(np.arange(len(rows)), unit="min")
    return pd.DataFrame(rows).assign(timestamp=pd.Timestamp("2026-05-04", tz="UTC") + minutes)


CONTENT = {
    "config": {"seed": 3},
    "key_fingerprint": "f",
    "parent": None,
    "population": {"n_accounts": 9, "n_events": 90},
}


def snapshot_of(tables: dict[str, pa.Table], **changes) -> Snapshot:
    """Build a snapshot of tables; ``changes`` go to its content, its as-of or its run."""
    content = CONTENT | {name: value for name, value in changes.items() if name in CONTENT}
    return build_snapshot(
        tables, as_of=changes.get("as_of", date(2026, 5, 16)), content=content, run=changes.get("run", {})
    )
