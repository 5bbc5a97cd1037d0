"""The border between the farms that are found and those that are not, in plain words."""

from typing import Any

import pandas as pd

from graphkit.wording import kind_name, plural

FOUND = 0.5
"""Share of the planted farms of a grade that must be found for the grade to count as found."""
MOST_LINES = 6

_GROUP = ["n_accounts", "kinds"]
_ALIKE = "its accounts also behave alike"


def describe_blind_spots(grades: pd.DataFrame) -> list[str]:
    """Say for each kind, and each mixture of two, where the border between found and not found runs.

    First for farms whose accounts behave as differently as any, then for those whose accounts behave alike.

    Parameters
    ----------
    grades
        As ``measure_blind_spots`` gives them.
    """
    groups = [_split_by_behavior(rows) for _, rows in grades.groupby(_GROUP, sort=False)]
    return [f"{_describe_border(rows)}{_describe_alike(rows, alike)}" for rows, alike in groups]


def list_blind_spots(grades: pd.DataFrame) -> list[str]:
    """Say in six lines at most which farms these settings do not see; ``grades`` as ``measure_blind_spots`` gives."""
    lines, mixed = [], grades["kinds"].str.contains(" + ", regex=False)
    for _, of_kind in grades[~mixed].groupby(_GROUP, sort=False):
        rows, alike = _split_by_behavior(of_kind)
        if _is_missed(rows).any():
            farm, kinds = _farm(rows["n_accounts"].iloc[0]), rows["kinds"].iloc[0]
            lines.append(
                f"{farm} that shares {_names(kinds)} alone: {_list_missed(rows)}{_list_missed_alike(rows, alike)}."
            )
    rows, alike = _split_by_behavior(grades[mixed])
    if _is_missed(rows).any():
        lines.append(_count_mixtures(rows, alike))
    nothing = "A farm whose accounts share nothing that the events show."
    if len(lines) >= MOST_LINES:
        left = len(lines) - (MOST_LINES - 2)
        lines[MOST_LINES - 2 :] = [f"And {plural(left, 'more kind')} of farm: see the table."]
    return [*lines, nothing]


def _split_by_behavior(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Grades of farms whose accounts behave as differently as any, and the same ones of those that behave alike."""
    return rows[~rows["alike"]], rows[rows["alike"]]


def _is_missed(rows: pd.DataFrame) -> "pd.Series[bool]":
    return rows["found"] < FOUND


def _same_border(rows: pd.DataFrame, alike: pd.DataFrame) -> bool:
    return bool((_is_missed(rows).to_numpy() == _is_missed(alike).to_numpy()).all())


def _describe_alike(rows: pd.DataFrame, alike: pd.DataFrame) -> str:
    """Say how the border moves for accounts that behave alike; nothing where such were not planted."""
    if alike.empty:
        return ""
    missed = _is_missed(alike)
    if _same_border(rows, alike):
        return f" The same if {_ALIKE}."
    if not missed.any():
        return f" If {_ALIKE}, it would be found even with {_grade(_weakest(alike))}."
    if missed.all():
        return f" If {_ALIKE}, it would not be found."
    return f" If {_ALIKE}, it takes {_list_least(alike)}."


def _list_missed_alike(rows: pd.DataFrame, alike: pd.DataFrame) -> str:
    """Which of the grades that are not found are not found either where accounts behave alike."""
    if alike.empty:
        return ""
    if _same_border(rows, alike):
        return f", even if {_ALIKE}"
    return f". If {_ALIKE}: {_list_missed(alike) if _is_missed(alike).any() else 'none of these'}"


def _count_mixtures(rows: pd.DataFrame, alike: pd.DataFrame) -> str:
    missed = rows[_is_missed(rows)]
    first = missed[missed["kinds"] == missed["kinds"].iloc[0]]
    example = _strongest(first[first["n_accounts"] == first["n_accounts"].iloc[0]])
    farm = _farm(example["n_accounts"])
    told = f"{plural(len(missed), 'mixture')} of two kinds, such as {farm[:1].lower()}{farm[1:]} with {_grade(example)}"
    if not alike.empty:
        told += f"; {int(_is_missed(alike).sum()) or 'none'} of them if {_ALIKE}"
    return f"{told}."


def _describe_border(rows: pd.DataFrame) -> str:
    farm, found = _farm(rows["n_accounts"].iloc[0]), rows["found"] >= FOUND
    name = _names(rows["kinds"].iloc[0])
    if not found.any():
        return f"{farm} that shares {name} alone would not be found, not even with {_grade(_strongest(rows))}."
    if found.all():
        return f"{farm} that shares {name} would be found, even with {_grade(_weakest(rows))}."
    return f"{farm} {_example(rows)} It takes {_list_least(rows)}."


def _example(rows: pd.DataFrame) -> str:
    """The border at one place: a grade that is found beside the next weaker one, which is not."""
    found: Any = rows.pivot_table(index="entities_per_account", columns="accounts_per_entity", values="found") >= FOUND
    steps = [
        (each, less, users)
        for users in found.columns
        for less, each in zip(found.index, found.index[1:], strict=False)
        if found.loc[each, users] and not found.loc[less, users]
    ]
    kinds = rows["kinds"].iloc[0]
    if steps:
        each, less, users = steps[(len(steps) - 1) // 2]
        return f"with {_share(kinds, each, users)} would be found; with {less:g} it would not."
    seen, missed = _weakest(rows[rows["found"] >= FOUND]), _strongest(rows[rows["found"] < FOUND])
    return f"with {_grade(seen)} would be found, with {_grade(missed)} it would not."


def _list_least(rows: pd.DataFrame) -> str:
    """The fewest entities an account that are found, by the accounts that share each."""
    least = rows[~_is_missed(rows)].groupby("accounts_per_entity")["entities_per_account"].min()
    by_number: dict[float, list[str]] = {}
    for users, each in least.items():
        by_number.setdefault(each, []).append(f"{users:,g}")
    parts = [f"{each:g} where {_join(users)} accounts share each" for each, users in sorted(by_number.items())]
    never = [f"{users:,g}" for users in rows["accounts_per_entity"].unique() if users not in least.index]
    most = rows["entities_per_account"].max()
    also = f"; where {_join(never)} do, {most:g} {'is' if most == 1 else 'are'} not enough" if never else ""
    return f"{_join(parts, last='and')}{also}"


def _list_missed(rows: pd.DataFrame) -> str:
    """The grades that are not found, by entities an account: ``1 an account; 2, unless 100 accounts share each``."""
    numbers: dict[str, list[str]] = {}
    for each, of_number in rows.groupby("entities_per_account"):
        missed = _is_missed(of_number)
        if missed.any():
            numbers.setdefault(_say_where(of_number["accounts_per_entity"], missed), []).append(f"{each:g}")
    parts = [f"{_join(each)}{where}" for where, each in numbers.items()]
    first, *others = parts
    head, comma, tail = first.partition(",")
    return "; ".join([f"{head} an account{comma}{tail}", *others])


def _say_where(users: "pd.Series[Any]", missed: "pd.Series[bool]") -> str:
    """At which numbers of accounts an entity."""
    if missed.all():
        return ""
    word, named = ("where", missed) if 2 * missed.sum() <= len(missed) else ("unless", ~missed)
    return f", {word} {_join([f'{number:,g}' for number in users[named]])} accounts share each"


def _strongest(rows: pd.DataFrame) -> "pd.Series[Any]":
    return rows.sort_values(["entities_per_account", "accounts_per_entity"]).iloc[-1]


def _weakest(rows: pd.DataFrame) -> "pd.Series[Any]":
    return rows.sort_values(["entities_per_account", "accounts_per_entity"]).iloc[0]


def _farm(n_accounts: int) -> str:
    leading = f"{n_accounts:,}".split(",", maxsplit=1)[0]
    return f"{'An' if leading[0] == '8' or leading in {'11', '18'} else 'A'} {n_accounts:,}-account farm"


def _grade(row: Any) -> str:
    return _share(row["kinds"], row["entities_per_account"], row["accounts_per_entity"])


def _share(kinds: str, each: float, users: float) -> str:
    """What is shared: ``4 shared IP addresses of 25 accounts each``."""
    parts = [f"{each:g} shared {_noun(kind, each)}" for kind in kinds.split(" + ")]
    return f"{_join(parts, last='and')} of {users:,g} accounts each"


def _names(kinds: str) -> str:
    """The kinds in the plural: ``IP addresses and user agents``."""
    return _join([_noun(kind, 2) for kind in kinds.split(" + ")], last="and")


def _noun(kind: str, number: float) -> str:
    return plural(1 if number == 1 else 2, kind_name(kind)).split(" ", 1)[1]


def _join(parts: list[str], *, last: str = "or") -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {last} {parts[-1]}"
