"""Synthetic worlds: a service's events and accounts with planted farms, and the truth beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from graphkit.errors import UsageError
from graphkit.lab.farms import farm_part
from graphkit.lab.lookalikes import innocent_parts
from graphkit.lab.places import fixed_homes, known_places
from graphkit.lab.plans import FarmPlan, default_farms
from graphkit.lab.population import Population, Service, assemble
from graphkit.lab.raw_prompts import replace_ids_by_prompts
from graphkit.lab.traffic import events_of_day, plan_days, spell_accounts, spell_cards

FIRST_DAY = date(2026, 4, 1)
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, eq=False)
class World:
    """A synthetic service."""

    events: pd.DataFrame
    """A row is a request: account_id, timestamp (UTC), ip, user_agent, prompt_template (null: organic; or the prompt
    itself, as ``prompt``), model, capability, endpoint, status, input_tokens, output_tokens; by time."""
    accounts: pd.DataFrame
    """A row is an account and one of its payment instruments (null: it has none): account_id, created_at,
    payment_instrument; by account."""
    truth: pd.DataFrame
    """A row is an account: account_id, farm (null: innocent), group (the farm, "ordinary", or the look-alike
    group), style (the farm's evasion style, null: innocent); by account."""

    infrastructure: pd.DataFrame
    """A row is a range of addresses: value, tag (hosting, vpn, carrier-nat, corporate), note; the whole truth."""

    def __repr__(self) -> str:
        n_farmed = int(self.truth["farm"].notna().sum())
        return (
            f"<World: {len(self.events):,} events of {len(self.truth):,} accounts, "
            f"{n_farmed:,} of them in {self.truth['farm'].nunique()} farms>"
        )


def synthesize(
    n_accounts: int = 50_000,
    n_events: int = 2_000_000,
    seed: int = 0,
    *,
    days: int = 45,
    start: date = FIRST_DAY,
    farms: Sequence[FarmPlan] | None = None,
    raw_prompts: bool = False,
) -> World:
    """Make a world in memory; the same arguments make the same frames.

    Parameters
    ----------
    n_accounts
        Accounts, farms included; each makes at least one event.
    n_events
        Events, at least one an account.
    days
        Days that the events span, at least 7.
    start
        Their first day (UTC).
    farms
        Farms to plant; by default those of ``default_farms``, none if empty.
    raw_prompts
        Give events the column ``prompt`` in place of ``prompt_template``: prompts made from templates, with noise, and
        from none.

    Raises
    ------
    UsageError
        If the numbers cannot be met.
    """
    service, population = _populate(n_accounts, n_events, seed, days=days, farms=farms)
    chunks = _daily_events(population, n_events, service=service, start=start, raw_prompts=raw_prompts)
    accounts, truth = _account_tables(population, service=service, start=start)
    events = pa.concat_tables(_plain(chunk) for _, chunk in chunks)
    return World(events.to_pandas(), accounts.to_pandas(), truth.to_pandas(), _list_places(service))


def write_world(
    folder: str | Path,
    *,
    n_accounts: int = 50_000,
    n_events: int = 2_000_000,
    seed: int = 0,
    days: int = 45,
    start: date = FIRST_DAY,
    farms: Sequence[FarmPlan] | None = None,
    raw_prompts: bool = False,
) -> Path:
    """Write the world that ``synthesize`` would make, a day in memory at a time; gives the folder.

    It holds ``events/2026-04-01.parquet`` and so on, a file a day, ``accounts.parquet``, ``truth.parquet`` and
    ``infrastructure.csv``.
    """
    service, population = _populate(n_accounts, n_events, seed, days=days, farms=farms)
    folder = Path(folder)
    (folder / "events").mkdir(parents=True, exist_ok=True)
    accounts, truth = _account_tables(population, service=service, start=start)
    _write(accounts, folder / "accounts.parquet")
    _write(truth, folder / "truth.parquet")
    _list_places(service).to_csv(folder / "infrastructure.csv", index=False)
    for day, chunk in _daily_events(population, n_events, service=service, start=start, raw_prompts=raw_prompts):
        _write(chunk, folder / "events" / f"{day}.parquet")
    return folder


def _populate(
    n_accounts: int, n_events: int, seed: int, *, days: int, farms: Sequence[FarmPlan] | None
) -> tuple[Service, Population]:
    plans = tuple(default_farms(n_accounts) if farms is None else farms)
    n_innocent = n_accounts - sum(plan.n_accounts for plan in plans)
    faults = [
        text
        for wrong, text in (
            (n_accounts < 100, f"n_accounts must be at least 100, not {n_accounts}"),
            (n_innocent < 50, f"the farms leave {n_innocent} of {n_accounts} accounts innocent; leave at least 50"),
            (n_events < n_accounts, f"{n_events} events are less than one for each of {n_accounts} accounts"),
            (not 7 <= days <= 3_650, f"days must be from 7 to 3650, not {days}"),
            (not 0 <= seed < 2**32, f"seed must be from 0 to 4294967295, not {seed}"),
            (len({plan.name for plan in plans}) < len(plans), "two farms have the same name"),
        )
        if wrong
    ]
    if faults:
        raise UsageError("; ".join(faults))
    service = Service(n_accounts, days, seed)
    innocents = innocent_parts(service, n_innocent)
    homes = fixed_homes(innocents[0].ips, service=service)
    planted = [farm_part(service, plan, number=i, homes=homes) for i, plan in enumerate(plans)]
    return service, assemble([*innocents, *planted])


def _daily_events(
    population: Population, n_events: int, *, service: Service, start: date, raw_prompts: bool
) -> Iterator[tuple[date, pa.Table]]:
    schedule = plan_days(population, n_events, service=service, start=start)
    for day in range(service.n_days):
        events = events_of_day(population, schedule, day, service=service, start=start)
        if raw_prompts:
            events = replace_ids_by_prompts(events, seed=service.seed, day=day)
        yield start + timedelta(days=day), events


def _account_tables(population: Population, *, service: Service, start: date) -> tuple[pa.Table, pa.Table]:
    """The accounts and the truth, by account."""
    everyone, cards = population.everyone, population.everyone.cards
    n = len(everyone)
    first_us = (start - _EPOCH).days * 86_400_000_000
    created = pa.array(
        first_us + (everyone.created * 86_400).astype(np.int64) * 1_000_000, pa.timestamp("us", tz="UTC")
    )
    names = spell_accounts(np.arange(n), service=service)
    without = np.setdiff1d(np.arange(n), cards.account)
    holder = np.concatenate([cards.account, without])
    card = pa.concat_arrays([spell_cards(cards.code, service=service), pa.nulls(len(without), pa.string())])
    accounts = pa.table({"account_id": names.take(pa.array(holder)), "created_at": created.take(pa.array(holder)),
                         "payment_instrument": card})  # fmt: skip
    farms, styles = zip(*population.farms, strict=True)
    part = pa.array(population.part)
    truth = pa.table(
        {
            "account_id": names,
            "farm": pa.array(farms, pa.string()).take(part),
            "group": pa.array(everyone.group_names).take(pa.array(everyone.group)),
            "style": pa.array(styles, pa.string()).take(part),
        }
    )
    by_account = [("account_id", "ascending")]
    return accounts.sort_by([*by_account, ("payment_instrument", "ascending")]), truth.sort_by(by_account)


def _list_places(service: Service) -> pd.DataFrame:
    return pd.DataFrame(known_places(service), columns=["value", "tag", "note"])


def _plain(table: pa.Table) -> pa.Table:
    """Dictionaries to text, so that chunks join."""
    types = [field.type.value_type if pa.types.is_dictionary(field.type) else field.type for field in table.schema]
    return table.cast(pa.schema(zip(table.schema.names, types, strict=True)))


def _write(table: pa.Table, path: Path) -> None:
    """Write Parquet in one move; readers see text, not dictionaries."""
    partial = path.with_name(f".{path.name}.tmp")
    pq.write_table(table, partial, compression="zstd", store_schema=False)
    partial.replace(path)
