"""Events, a day at a time: a day depends on the population and the seed alone, not on the days before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from graphkit.lab import catalog
from graphkit.lab.people import private_codes
from graphkit.lab.population import Habits, Integers, Numbers, Population, Service
from graphkit.lab.spelling import mix, spell_addresses, spell_tokens

_DAY_US = 86_400_000_000
_SESSION_HOURS = 3
_MOST_A_DAY = 25.0
"""Events a day that a member of a farm may expect: no limit for each account sees it."""


@dataclass(frozen=True)
class Schedule:
    """How the events spread over days; one event of each account is fixed, so that none is without."""

    rate: Numbers
    """Weight of an account on a day on which it is active, shape (accounts,)."""
    first_day: Integers
    debut: Integers
    """Day of the fixed event, shape (accounts,)."""
    n_events: Integers
    """Events of each day besides the fixed ones, shape (days,)."""


def plan_days(population: Population, n_events: int, *, service: Service, start: date) -> Schedule:
    """Spread ``n_events`` over accounts and days."""
    everyone, random = population.everyone, service.random("schedule")
    n, days = len(everyone), service.n_days
    first_day = np.clip(np.floor(everyone.created).astype(np.int64), 0, days - 1)
    last_day = np.maximum(everyone.last_day, first_day)
    in_farm = np.array([farm is not None for farm, _ in population.farms])[population.part]
    most = _MOST_A_DAY * n * days / n_events
    rate = np.where(in_farm, np.minimum(everyone.volume, most), everyone.volume)
    totals = [float((_rates_on(population, rate, first_day, day, start=start)).sum()) for day in range(days)]
    spread = np.array(totals) / max(sum(totals), 1e-300)
    return Schedule(rate, first_day, random.integers(first_day, last_day + 1), random.multinomial(n_events - n, spread))


def events_of_day(population: Population, schedule: Schedule, day: int, *, service: Service, start: date) -> pa.Table:
    """The events of a day, by time; text of few values comes as dictionaries."""
    everyone, random = population.everyone, service.random(f"day {day}")
    rate = _rates_on(population, schedule.rate, schedule.first_day, day, start=start)
    rate = rate * random.standard_gamma(everyone.steadiness) / everyone.steadiness
    account = np.concatenate([
        np.flatnonzero(schedule.debut == day), _draw_accounts(random, rate, int(schedule.n_events[day])),
    ])  # fmt: skip
    moment = _draw_moments(random, population, account, day=day, start=start)
    order = np.lexsort((account, moment))
    account, moment = account[order], moment[order]
    session = account * 100_000 + day * 24 + moment // (_SESSION_HOURS * 3_600_000_000)
    n = len(account)

    def same_session(what: str) -> Numbers:
        return (mix(session, salt=_salt(service, what)) >> np.uint64(11)) / float(1 << 53)

    at = np.where(everyone.roams[account], random.random(n), same_session("address"))
    address = _choose(everyone.ips, population.starts["ips"], account, at=at, day=day)
    agent = _choose(everyone.agents, population.starts["agents"], account, at=same_session("agent"), day=day)
    prompted = np.flatnonzero(random.random(n) < everyone.template_share[account])
    template = np.full(n, -1, np.int64)
    template[prompted] = _choose(
        everyone.templates, population.starts["templates"], account[prompted], at=random.random(len(prompted)), day=day
    )
    return pa.table(
        {
            "account_id": spell_accounts(account, service=service),
            "timestamp": pa.array(_day_us(start, day) + moment, pa.timestamp("us", tz="UTC")),
            "ip": spell_addresses(address, mix(account * 100_000 + day, salt=_salt(service, "host"))),
            "user_agent": _spell(agent, catalog.agents(), "svc", service=service),
            "prompt_template": _spell(template, catalog.tool_templates(), "tpl", service=service),
            **_draw_use(random, population, account),
        }
    )


def spell_accounts(account: Integers, *, service: Service) -> pa.Array:
    """Account ids, which tell nothing of the account's place."""
    return spell_tokens(account, "acc_", salt=_salt(service, "account"))


def spell_cards(code: Integers, *, service: Service) -> pa.Array:
    """Payment instruments."""
    return spell_tokens(code, "pi_", salt=_salt(service, "card"))


def _salt(service: Service, what: str) -> int:
    """Part of the seed for one purpose."""
    return int(service.random(f"salt of {what}").integers(1 << 62))


def _rates_on(population: Population, rate: Numbers, first_day: Integers, day: int, *, start: date) -> Numbers:
    """Expected weight of each account on a day: nil outside its life, by the day of the week inside."""
    everyone = population.everyone
    weekday = (start + timedelta(days=day)).weekday()
    of_rhythm = catalog.rhythms().reshape(-1, 7, 24)[:, weekday].mean(axis=1)
    alive = (first_day <= day) & (day <= everyone.last_day)
    return np.where(alive, rate * of_rhythm[everyone.rhythm], 0.0)


def _draw_accounts(random: np.random.Generator, rate: Numbers, n: int) -> Integers:
    if n == 0:
        return np.zeros(0, np.int64)
    cumulative = np.cumsum(rate)
    return catalog.climb(cumulative, np.sort(random.random(n)) * cumulative[-1])


def _draw_moments(
    random: np.random.Generator, population: Population, account: Integers, *, day: int, start: date
) -> Integers:
    """Microseconds since midnight, whole milliseconds, by the account's hours and after its creation."""
    everyone = population.everyone
    weekday = (start + timedelta(days=day)).weekday()
    hours = catalog.rhythms().reshape(-1, 7, 24)[:, weekday]
    hours = np.cumsum(hours / hours.sum(axis=1, keepdims=True), axis=1)
    ladder = (hours + np.arange(len(hours))[:, None]).ravel()
    rhythm = everyone.rhythm[account]
    hour = catalog.climb(ladder, rhythm + random.random(len(account))) - rhythm * 24
    share = (np.clip(hour, 0, 23) + random.random(len(account))) / 24
    born = everyone.created[account] - day
    share = np.where(share < born, born + (1 - born) * share, share)
    moment: Integers = np.minimum((share * 86_400_000).astype(np.int64) + 1, 86_399_999) * 1_000
    return moment


def _choose(habits: Habits, starts: Integers, account: Integers, *, at: Numbers, day: int) -> Integers:
    """The code that an account uses, by weight among its habits of the day; ``at`` from 0 to 1 chooses."""
    holds = (habits.first_day <= day) & (day <= habits.last_day)
    ladder = np.concatenate([[0.0], np.cumsum(np.where(holds, habits.weight, 0.0), dtype=np.float64)])
    low, high = ladder[starts[account]], ladder[starts[account + 1]]
    row = catalog.climb(ladder, low + at * (high - low)) - 1
    chosen: Integers = habits.code[np.clip(row, starts[account], starts[account + 1] - 1)]
    return chosen


def _spell(code: Integers, known: tuple[str, ...], prefix: str, *, service: Service) -> pa.Array:
    """A dictionary array: catalog texts, tokens for private codes, null for negative ones."""
    values, places = np.unique(code, return_inverse=True)
    private = values >= private_codes(0)
    tokens = iter(spell_tokens(values[private], f"{prefix}-", salt=_salt(service, prefix)).to_pylist())
    texts = [next(tokens) if own else known[max(value, 0)] for value, own in zip(values.tolist(), private, strict=True)]
    return pa.DictionaryArray.from_arrays(pa.array(places, pa.int32(), mask=code < 0), pa.array(texts, pa.string()))


def _draw_use(random: np.random.Generator, population: Population, account: Integers) -> dict[str, pa.Array]:
    """Model, capability, endpoint, status and tokens of events."""
    everyone, n = population.everyone, len(account)
    ladder: Numbers = np.cumsum(everyone.mixes / everyone.mixes.sum(axis=1, keepdims=True), axis=1)
    width = ladder.shape[1]
    row = everyone.mix[account]
    flat = (ladder + np.arange(len(ladder))[:, None]).ravel()
    cell = np.clip(catalog.climb(flat, random.random(n) + row) - row * width, 0, width - 1)
    capability, model = np.divmod(cell, len(catalog.MODELS))
    status = random.choice(len(catalog.STATUSES), n, p=catalog.STATUS_SHARES)
    tokens_in = catalog.INPUT_TOKENS[capability] * np.exp(random.normal(0, 0.9, n))
    tokens_out = catalog.OUTPUT_TOKENS[capability] * np.exp(random.normal(0, 0.7, n)) * (status == 0)
    return {
        "model": _coded(model, catalog.MODELS),
        "capability": _coded(capability, catalog.CAPABILITIES),
        "endpoint": _coded(capability, catalog.ENDPOINTS),
        "status": pa.array(np.array(catalog.STATUSES, np.int16)[status]),
        "input_tokens": pa.array(np.minimum(tokens_in, 200_000).astype(np.int32)),
        "output_tokens": pa.array(np.minimum(tokens_out, 32_000).astype(np.int32)),
    }


def _coded(code: Integers, values: tuple[str, ...]) -> pa.Array:
    distinct = tuple(dict.fromkeys(values))
    places = np.array([distinct.index(value) for value in values], np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(places[code]), pa.array(distinct))


def _day_us(start: date, day: int) -> int:
    return ((start - date(1970, 1, 1)).days + day) * _DAY_US
