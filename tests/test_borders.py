import pandas as pd
import pytest

from graphkit.show.borders import describe_blind_spots, list_blind_spots


def grades_of(found, *, kinds="ip", n_accounts=200, alike=None):
    """Grades: {(entities an account, accounts an entity): share found}; ``alike`` the same for accounts alike."""
    rows = [(grade, share, False) for grade, share in found.items()]
    rows += [(grade, share, True) for grade, share in (alike or {}).items()]
    return pd.DataFrame(
        {
            "kinds": kinds,
            "n_accounts": n_accounts,
            "entities_per_account": each,
            "accounts_per_entity": users,
            "alike": behavior,
            "found": share,
        }
        for (each, users), share, behavior in rows
    )


BORDERS = [
    (
        {(2, 20): 0, (4, 20): 1},
        (
            "A 200-account farm with 4 shared IP addresses of 20 accounts each would be found; with 2 it would not. "
            "It takes 4 where 20 accounts share each."
        ),
    ),
    (
        {(1, 4): 0, (1, 100): 0, (2, 4): 0, (2, 100): 0.67},
        (
            "A 200-account farm with 2 shared IP addresses of 100 accounts each would be found; with 1 it would not. "
            "It takes 2 where 100 accounts share each; where 4 do, 2 are not enough."
        ),
    ),
    (
        {(1, 4): 0, (1, 10): 1},
        (
            "A 200-account farm with 1 shared IP address of 10 accounts each would be found, "
            "with 1 shared IP address of 4 accounts each it would not. "
            "It takes 1 where 10 accounts share each; where 4 do, 1 is not enough."
        ),
    ),
    (
        {(1, 4): 1, (2, 4): 1},
        "A 200-account farm that shares IP addresses would be found, even with 1 shared IP address of 4 accounts each.",
    ),
    (
        {(1, 4): 0, (2, 9): 0.33},
        (
            "A 200-account farm that shares IP addresses alone would not be found, "
            "not even with 2 shared IP addresses of 9 accounts each."
        ),
    ),
]


@pytest.mark.parametrize(("found", "sentence"), BORDERS)
def test_borders_in_words(found, sentence):
    assert describe_blind_spots(grades_of(found)) == [sentence]


HALF = {(1, 4): 0, (1, 9): 0, (2, 4): 0, (2, 9): 1}
ALIKE = [
    (
        {(1, 4): 0, (1, 9): 1, (2, 4): 1, (2, 9): 1},
        " If its accounts also behave alike, it takes 1 where 9 accounts share each and 2 where 4 accounts share each.",
        ". If its accounts also behave alike: 1 an account, where 4 accounts share each.",
    ),
    (
        dict.fromkeys(HALF, 1),
        " If its accounts also behave alike, it would be found even with 1 shared IP address of 4 accounts each.",
        ". If its accounts also behave alike: none of these.",
    ),
    (HALF, " The same if its accounts also behave alike.", ", even if its accounts also behave alike."),
    (
        dict.fromkeys(HALF, 0),
        " If its accounts also behave alike, it would not be found.",
        ". If its accounts also behave alike: 1 or 2 an account.",
    ),
]


@pytest.mark.parametrize(("alike", "border", "missed"), ALIKE)
def test_likeness_moves_the_border(alike, border, missed):
    without, grades = grades_of(HALF), grades_of(HALF, alike=alike)
    assert describe_blind_spots(grades) == [describe_blind_spots(without)[0] + border]
    assert list_blind_spots(grades)[0] == list_blind_spots(without)[0][:-1] + missed


@pytest.mark.parametrize(
    ("alike", "told"),
    [
        ({(1, 9): 0, (2, 9): 1}, "; 1 of them if its accounts also behave alike"),
        ({(1, 9): 1, (2, 9): 1}, "; none of them"),
        ({}, " of 9 accounts each."),
    ],
)
def test_mixtures_that_likeness_does_not_show_are_counted(alike, told):
    grades = grades_of({(1, 9): 0, (2, 9): 0}, kinds="ip + card", alike=alike)
    line, _ = list_blind_spots(grades)
    assert line.startswith(
        "2 mixtures of two kinds, such as a 200-account farm with 2 shared IP addresses and 2 shared c"
    )
    assert told in line


def test_a_border_against_the_rule_is_told_too():
    assert "would be found" in describe_blind_spots(grades_of({(2, 9): 1, (4, 9): 0}))[0]


def test_mixtures_name_both_kinds():
    grades = grades_of({(1, 9): 0, (2, 9): 1}, kinds="device_id + user_agent", n_accounts=80)
    assert describe_blind_spots(grades)[0].startswith(
        "An 80-account farm with 2 shared device ids and 2 shared user agents of 9 accounts each would be found; "
    )


MISSED = [
    ({(1, 4): 0, (1, 9): 0, (2, 4): 0, (2, 9): 1}, "1 an account; 2, where 4 accounts share each"),
    ({(1, 4): 0, (1, 9): 0, (1, 20): 1, (2, 20): 1}, "1 an account, unless 20 accounts share each"),
    ({(1, 4): 0, (2, 4): 0, (4, 4): 1}, "1 or 2 an account"),
]


@pytest.mark.parametrize(("found", "told"), MISSED)
def test_what_is_not_seen(found, told):
    first, nothing = list_blind_spots(grades_of(found))
    assert first == f"A 200-account farm that shares IP addresses alone: {told}."
    assert nothing == "A farm whose accounts share nothing that the events show."


def test_what_is_not_seen_fits_into_six_lines():
    kinds = [f"kind_{number}" for number in range(9)]
    grades = pd.concat([grades_of({(1, 4): 0}, kinds=kind) for kind in [*kinds, "kind_1 + kind_2"]])
    lines = list_blind_spots(grades)
    assert len(lines) == 6
    assert lines[4] == "And 6 more kinds of farm: see the table."
    assert len(list_blind_spots(grades_of({(1, 4): 1}))) == 1
