"""Small histories by hand: clusters as words of accounts, a snapshot a day."""

from datetime import UTC, date, datetime, timedelta

import pandas as pd

from graphkit.config import Config
from graphkit.detect.lineage import keep_identity
from graphkit.detect.members import make_id
from graphkit.privacy import PUBLIC_KEY, key_fingerprint
from graphkit.snapshot import Snapshot, build_snapshot
from graphkit.tables import TABLES

FIRST = date(2026, 5, 1)
POPULATION = 10_000


def words(letter: str, first: int, end: int, *, core: bool = False) -> str:
    """Accounts of a letter, such as "a00 a01"; core members bear a star."""
    return " ".join(f"{letter}{n:02}{'*' if core else ''}" for n in range(first, end))


def tables_of(
    clusters: list[str],
    *,
    day: date,
    things: dict[str, str] | None = None,
    events: int = 1000,
    score: float = 0.9,
    tag: str | None = None,
) -> dict:
    """Tables of clusters.

    ``things`` tells what accounts use, such as {"203.0.113.1": "a00 a01"}; who uses a thing beyond them, and how many,
    stands behind a plus: "a00 a01 +7".
    """
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    seen = {"first_seen": noon, "last_seen": noon}
    placed = [(word, place) for place, text in enumerate(clusters) for word in text.split()]
    members = [(word.rstrip("*"), place, word.endswith("*")) for word, place in placed]
    names = [make_id(sorted(word.rstrip("*") for word in text.split()), taken=()) for text in clusters]
    rest = {"strength": 20.0, "likeness": 0.0, "n_partners": 2.0, "kinds": ["ip"], "n_events": 10, "reasons": []}
    accounts = [
        {"account_id": name, "cluster_id": names[place], "tier": "core" if core else "review"} | rest | seen
        for name, place, core in members
    ]
    sizes = [len(text.split()) for text in clusters]
    row = {"n_core": 0, "score": score, "n_events": 30, "binding": "x"} | seen
    rows = [{"cluster_id": name, "n_accounts": n} | row for name, n in zip(names, sizes, strict=True)]
    evidence, links = _share(things or {}, {name: names[place] for name, place, _ in members}, sizes, names)
    evidence = [row | {"tag": tag} for row in evidence]
    usage = [{"cluster_id": None, "day": day, "n_events": events, "n_accounts": 9}] if events else []
    frames = {
        "accounts": accounts,
        "clusters": rows,
        "evidence": evidence,
        "links": [link | seen for link in links],
        "usage": usage,
    }
    return {name: TABLES[name].from_frame(_fill(name, given)) for name, given in frames.items()}


def follow(
    *days, config: Config | None = None, key: bytes = PUBLIC_KEY, parent: Snapshot | None = None
) -> list[Snapshot]:
    """A snapshot a day; a day is a list of clusters, what ``tables_of`` takes, or None for no snapshot."""
    snapshots = []
    for number, given in enumerate(days):
        if given is not None:
            world = given if isinstance(given, dict) else {"clusters": given}
            parent = add_day(parent, day=FIRST + timedelta(days=number), config=config, key=key, **world)
            snapshots.append(parent)
    return snapshots


def add_day(
    parent: Snapshot | None, *, day: date, config: Config | None = None, key: bytes = PUBLIC_KEY, **world
) -> Snapshot:
    """The snapshot of a day after its parent."""
    config = config or Config()
    tables, faults = keep_identity(
        tables_of(day=day, **world), parent, as_of=day, config=config, n_population=POPULATION
    )
    content = {
        "config": config.model_dump(mode="json"),
        "key_fingerprint": key_fingerprint(key),
        "parent": None if parent is None else parent.id,
        "population": {"n_accounts": POPULATION, "n_events": 1000},
        "faults": faults,
    }
    return build_snapshot(tables, as_of=day, content=content, run={})


def events_of(snapshot: Snapshot) -> set[tuple]:
    """The lineage of a snapshot as (cluster, event, previous ids)."""
    return {(row["cluster_id"], row["event"], *row["previous_ids"]) for row in snapshot.table("lineage").to_pylist()}


def id_of(snapshot: Snapshot, account: str) -> str | None:
    """The cluster that an account is in."""
    clusters = snapshot.accounts.set_index("account_id")["cluster_id"]
    return clusters.get(account)


def _share(things, cluster_of, sizes, names):
    """Rows of evidence and links: each thing is of kind ip, or what stands before a colon."""
    evidence, links = [], []
    for thing, text in things.items():
        kind, entity = thing.split("/", 1) if "/" in thing else ("ip", thing)
        users = [word for word in text.split() if not word.startswith("+")]
        others = sum(int(word[1:]) for word in text.split() if word.startswith("+"))
        links += [{"account_id": name, "kind": kind, "entity": entity, "n_events": 1} for name in users]
        for cluster in sorted({cluster_of[name] for name in users if name in cluster_of}):
            inside = sum(cluster_of.get(name) == cluster for name in users)
            if inside > 1:
                n_outside, size = len(users) - inside + others, sizes[names.index(cluster)]
                counts = {"n_inside": inside, "n_outside": n_outside, "coverage": inside / size, "lift": 2.0}
                evidence.append({"cluster_id": cluster, "kind": kind, "entity": entity} | counts)
    return evidence, links


def _fill(name: str, rows: list[dict]) -> pd.DataFrame:
    """A frame of rows with every column of the table."""
    columns = TABLES[name].schema().names
    return pd.DataFrame([dict.fromkeys(columns) | row for row in rows], columns=columns)
