"""Closed groups, the hardest look-alikes: innocents who share all that a farm shares, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from graphkit.lab import catalog
from graphkit.lab.people import draw_volumes
from graphkit.lab.places import office_addresses
from graphkit.lab.population import Habits, Integers, Part, Service, join, link, weigh

_FIRMS = 5
"""One company in so many is closed."""
_ROOMS = 3
"""One classroom in so many is closed."""


def close_enterprises(service: Service, staff: Part, code: int) -> Part:
    """Make every fifth company one team, onboarded in a week, that meets the service through one desktop alone.

    One address, one company card, one agent and two internal prompts are all that anybody in it uses; work differs
    from desk to desk by less than elsewhere.
    """
    random, n, days = service.random("closed enterprises"), len(staff), service.n_days
    closed = _every(_FIRMS, staff.group)
    inside, firm = np.flatnonzero(closed), staff.group[closed]
    joined = random.uniform(-200, days - 9, len(staff.group_names))[staff.group] + random.uniform(0, 6, n)
    prompts = join(*(link(inside, code + (1 << 30) + firm * 12 + number, n_days=days) for number in range(2)))
    return replace(
        staff,
        group_names=_say_closed(staff, step=_FIRMS),
        created=np.where(closed, joined, staff.created),
        volume=np.where(closed, draw_volumes(random, n, sigma=0.8), staff.volume),
        template_share=np.where(closed, random.uniform(0.3, 0.8, n), staff.template_share),
        ips=_replace_habits(staff.ips, closed, _at_one_office(random, staff, inside, n_days=days)),
        agents=_replace_habits(staff.agents, closed, link(inside, code + (1 << 31) + firm, n_days=days)),
        templates=_replace_habits(staff.templates, closed, prompts),
        cards=_replace_habits(staff.cards, closed, link(inside, code + (1 << 31) + firm * 4, n_days=days)),
    )


def close_classrooms(service: Service, students: Part) -> Part:
    """Make every third classroom one that works in the school's computer room alone, on one assignment.

    One address, one machine image's agent, the assignment's prompt in most events, and what it asks for.
    """
    random, n, days = service.random("closed classrooms"), len(students), service.n_days
    closed = _every(_ROOMS, students.group)
    inside, room = np.flatnonzero(closed), students.group[closed]
    image = random.integers(0, 120, len(students.group_names))
    assignment = catalog.draw_mixes(random, len(students.mixes), concentration=0.5)
    return replace(
        students,
        group_names=_say_closed(students, step=_ROOMS),
        volume=np.where(closed, 0.7 * draw_volumes(random, n, sigma=0.6), students.volume),
        mixes=np.where(_every(_ROOMS, np.arange(len(students.mixes)))[:, None], assignment, students.mixes),
        template_share=np.where(closed, random.uniform(0.5, 0.9, n), students.template_share),
        ips=_replace_habits(students.ips, closed, _at_one_office(random, students, inside, n_days=days)),
        agents=_replace_habits(students.agents, closed, link(inside, image[room], n_days=days)),
    )


def _every(step: int, group: Integers) -> npt.NDArray[np.bool_]:
    """Accounts of every so many-th group, the second first."""
    chosen: npt.NDArray[np.bool_] = group % step == 1
    return chosen


def _say_closed(part: Part, *, step: int) -> tuple[str, ...]:
    return tuple(f"{name}-closed" if number % step == 1 else name for number, name in enumerate(part.group_names))


def _at_one_office(random: np.random.Generator, part: Part, inside: Integers, *, n_days: int) -> Habits:
    address = office_addresses(random, np.ones(len(part.group_names), np.int64))
    return link(inside, address[part.group[inside]], n_days=n_days)


def _replace_habits(habits: Habits, closed: npt.NDArray[np.bool_], own: Habits) -> Habits:
    """The habits of those outside as they were, and ``own`` for those inside."""
    return join(weigh(habits, (~closed).astype(float)), own)
