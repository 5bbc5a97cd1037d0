"""The backdrop of planted farms: everybody's links, from the events or, nearly, from a snapshot's tables."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graphkit import privacy
from graphkit.detect.templates import read_known_templates
from graphkit.engine import open_engine
from graphkit.errors import UsageError
from graphkit.ingest.events import read_events
from graphkit.ingest.infrastructure import Infrastructure, read_infrastructure
from graphkit.ingest.organizations import leave_out_organizations
from graphkit.link.couse import CoUses, find_co_uses
from graphkit.link.links import Integers, Links, Numbers, make_links
from graphkit.link.profiles import count_traits, find_traits, measure_profiles
from graphkit.link.tags import tag_entities
from graphkit.snapshot import Snapshot


@dataclass(frozen=True)
class Backdrop:
    """Everybody's links to the entities that make pairs, with everybody's profile."""

    links: Links
    co_uses: CoUses
    ordinary: npt.NDArray[np.bool_]
    """For each account of the links whether it is linked to nobody."""
    exact: bool
    """Whether links and profiles are those of the events; else some links and all profiles were drawn at random."""


def read_backdrop(
    snapshot: Snapshot,
    events: Any,
    accounts: Any = None,
    *,
    infrastructure: str | Path | Infrastructure | None = None,
    key: bytes = privacy.PUBLIC_KEY,
    memory: str = "4GB",
) -> Backdrop:
    """Make all links and profiles of a snapshot again from its events.

    Parameters
    ----------
    events, accounts, infrastructure, key, memory
        As for ``analyze``.

    Raises
    ------
    UsageError
        If these are not what the snapshot was made of.
    """
    config = snapshot.config
    listed = read_infrastructure(infrastructure, config) if isinstance(infrastructure, str | Path) else infrastructure
    _check_list(snapshot, listed)
    with open_engine(memory=memory) as engine:
        intake = read_events(
            engine,
            events,
            accounts,
            config=config,
            key=key,
            as_of=snapshot.as_of,
            known=lambda _: read_known_templates(snapshot),
        )
        if listed is not None:
            intake, _ = leave_out_organizations(engine, intake, listed, config=config)
        traits = find_traits(engine) if config.reach else ()
        links, _ = make_links(engine, intake, config=config, traits=count_traits(traits))
        if listed is not None:
            links = tag_entities(links, listed, config=config, engine=engine)
        if config.reach:
            links = replace(links, profiles=measure_profiles(engine, links, traits))
        co_uses = find_co_uses(engine, intake, links, config=config)
    _check_links(snapshot, links)
    known = snapshot.table("links", columns=["account_id"])["account_id"]
    linked = pc.is_in(links.accounts["account_id"], value_set=known.combine_chunks()).to_numpy()
    return Backdrop(links.take(links.makes_pairs(config)[links.entity]), co_uses, ~linked, exact=True)


def rebuild_backdrop(snapshot: Snapshot, *, seed: int = 0) -> Backdrop:
    """Rebuild everybody's links from a snapshot's tables.

    The tables hold the links of linked accounts alone, but say how many accounts use each entity. The links that are
    missing are dealt at random to stand-ins, one for each account that is linked to nobody. No table holds profiles:
    everybody's is drawn at random, as if nobody behaved like anybody else for a reason.
    """
    random = np.random.Generator(np.random.PCG64([seed, 0]))
    known = _known_links(snapshot)
    pairing = known.makes_pairs(snapshot.config)
    used = np.bincount(known.entity, minlength=len(known.entities))
    missing = np.where(pairing, np.maximum(known.entities["n_accounts"].to_numpy() - used, 0), 0)
    n_known, n_others = len(known.accounts), known.n_population - len(known.accounts)
    others = _stand_in(random, known.accounts, n_others)
    owner, entity = deal_links(random, missing, n_accounts=n_others)
    kept = known.take(pairing[known.entity])
    more = {"account": n_known + owner, "entity": entity, "n_events": np.ones_like(owner)}
    more |= {name: others[name].to_numpy()[owner] for name in ("first_seen", "last_seen")}
    joined: dict[str, Any] = {name: np.concatenate([getattr(kept, name), values]) for name, values in more.items()}
    profiles = _draw_profiles(random, n_known + n_others, n_features=snapshot.content["resolved"].get("n_features", 0))
    links = replace(known, accounts=pa.concat_tables([known.accounts, others]), profiles=profiles, **joined)
    unlinked = np.arange(len(links.accounts)) >= n_known
    return Backdrop(links, _known_co_uses(snapshot, links), unlinked, exact=False)


def deal_links(random: np.random.Generator, counts: Integers, *, n_accounts: int) -> tuple[Integers, Integers]:
    """Deal each entity's ``counts`` links to random accounts: account and entity, sorted, none twice."""
    if not n_accounts:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    entity = np.repeat(np.arange(len(counts)), counts)
    keys = np.unique(random.integers(0, n_accounts, len(entity)) * len(counts) + entity)
    account, entity = np.divmod(keys, max(len(counts), 1))
    return account, entity


def _check_list(snapshot: Snapshot, listed: Infrastructure | None) -> None:
    """Refuse another list of known infrastructure than the snapshot's."""
    used = snapshot.content.get("infrastructure", {}).get("fingerprint")
    if used != (None if listed is None else listed.fingerprint):
        fault = "with a list of known infrastructure: give it" if used else "without a list of known infrastructure"
        raise UsageError(f"snapshot {snapshot.id} was made {fault}")


def _check_links(snapshot: Snapshot, links: Links) -> None:
    """Refuse links that are not as many as the snapshot's."""
    population = snapshot.content["population"]
    if (links.n_population, len(links.account)) != (population["n_accounts"], population["n_links"]):
        raise UsageError(
            f"snapshot {snapshot.id} has {population['n_links']:,} links of {population['n_accounts']:,} accounts, "
            f"these events make {len(links.account):,} of {links.n_population:,}: "
            "give the events and the accounts that it was made of"
        )


def _known_links(snapshot: Snapshot) -> Links:
    """The links of the linked accounts, as the tables hold them."""
    table = snapshot.table("links")
    entities = snapshot.table("entities", columns=["kind", "entity", "n_accounts", "tag"])
    names = pa.chunked_array([pc.unique(table["account_id"])])
    account, entity = _places(table["account_id"], names), _entity_places(table, entities)
    order = np.lexsort((entity, account))
    columns = {"account": account, "entity": entity, "n_events": table["n_events"].to_numpy()}
    columns |= {name: _seconds(table[name]) for name in ("first_seen", "last_seen")}
    links = Links(
        n_population=int(snapshot.content["population"]["n_accounts"]),
        accounts=pa.table({"account_id": names}),
        entities=entities,
        kinds=tuple(snapshot.content["resolved"]["kinds"]),
        **{name: values[order] for name, values in columns.items()},
    )
    return replace(links, accounts=_describe_accounts(snapshot, links))


def _describe_accounts(snapshot: Snapshot, links: Links) -> pa.Table:
    """What is known of each linked account: of those in no cluster no more than their links tell."""
    n, n_kinds = len(links.accounts), len(links.kinds)
    slot = links.account * n_kinds + links.entity_kind()[links.entity]
    by_kind = np.bincount(slot, weights=links.n_events, minlength=n * n_kinds).reshape(n, n_kinds)
    n_events = np.maximum(by_kind.max(axis=1, initial=0), 1).astype(np.int64)
    first, last = np.full(n, np.iinfo(np.int64).max), np.zeros(n, np.int64)
    np.minimum.at(first, links.account, links.first_seen)
    np.maximum.at(last, links.account, links.last_seen)
    created, unknown = np.zeros(n, np.int64), np.ones(n, dtype=bool)
    clustered = snapshot.table("accounts", columns=["account_id", "n_events", "first_seen", "last_seen", "created_at"])
    place = _places(clustered["account_id"], links.accounts["account_id"])
    n_events[place] = clustered["n_events"].to_numpy()
    first[place], last[place] = _seconds(clustered["first_seen"]), _seconds(clustered["last_seen"])
    created[place] = _seconds(clustered["created_at"].fill_null(pa.scalar(0, clustered["created_at"].type)))
    unknown[place] = pc.is_null(clustered["created_at"]).to_numpy()
    facts = {
        "n_events": n_events,
        "first_seen": first,
        "last_seen": last,
        "created_at": pa.array(created, mask=unknown),
    }
    return pa.table({"account_id": links.accounts["account_id"], **facts})


def _stand_in(random: np.random.Generator, accounts: pa.Table, n: int) -> pa.Table:
    """``n`` accounts, each with the facts of a random one and a name of its own, since names decide who meets."""
    like = random.integers(0, len(accounts), n) if len(accounts) else np.empty(0, np.int64)
    drawn = accounts.take(pa.array(like, pa.int64()))
    if not len(accounts):
        empty = {name: pa.array(np.ones(n, np.int64)) for name in accounts.column_names[1:]}
        drawn = pa.table({"account_id": pa.nulls(n, pa.string()), **empty})
    return drawn.set_column(0, "account_id", pa.array([f"stand-in {number}" for number in range(n)], pa.string()))


def _draw_profiles(random: np.random.Generator, n: int, *, n_features: int) -> Numbers:
    """Profiles of ``n`` accounts: standard scores that tell one thing each; none where there are no features."""
    return random.standard_normal((n, n_features)) if n_features else np.empty((0, 0))


def _known_co_uses(snapshot: Snapshot, links: Links) -> CoUses:
    """Co-uses of the linked pairs."""
    table = snapshot.table("co_uses")
    ends = np.array([_places(table[name], links.accounts["account_id"]) for name in ("account_a", "account_b")])
    pair, entity = ends.min(axis=0) * len(links.accounts) + ends.max(axis=0), _entity_places(table, links.entities)
    gap = np.round(table["seconds_apart"].to_numpy() * 1e6).astype(np.int64)
    order = np.lexsort((entity, pair))
    return CoUses(pair[order], entity[order], gap[order])


def _entity_places(table: pa.Table, entities: pa.Table) -> Integers:
    """Place in ``entities`` of the kind and entity of each row."""
    return _places(_join_names(table), _join_names(entities))


def _join_names(table: pa.Table) -> pa.ChunkedArray:
    return pc.binary_join_element_wise(table["kind"], table["entity"], "\0")


def _places(values: pa.ChunkedArray, among: pa.ChunkedArray) -> Integers:
    places = pc.index_in(values, value_set=among.combine_chunks())
    return np.asarray(places.to_numpy(), dtype=np.int64)


def _seconds(times: pa.ChunkedArray) -> Integers:
    """Epoch seconds of the tables' times."""
    seconds: Integers = times.cast(pa.int64()).to_numpy() // 1000
    return seconds
