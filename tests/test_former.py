"""Clusters that come back with other accounts, on what they had to themselves."""

import pytest

from graphkit.config import Config
from tests.past_world import FIRST, add_day, events_of, follow, id_of, words

OLD, NEW, OTHERS = words("a", 0, 10), words("n", 0, 10), words("b", 0, 10)


def share(*things, by):
    return dict.fromkeys(things, by)


FOUR = [f"203.0.113.{n}" for n in range(4)]


@pytest.mark.parametrize(
    ("before", "after", "back"),
    [
        (share(*FOUR, by=OLD), share(*FOUR, by=NEW), True),
        (share(*FOUR[:1], by=OLD), share(*FOUR[:1], by=NEW), False),  # one address alone is chance, as between accounts
        (share(*FOUR[:1], by=OLD) | {"user_agent/x": OLD}, share(*FOUR[:1], by=NEW) | {"user_agent/x": NEW}, True),
        (share(*FOUR, by=f"{OLD} +11"), share(*FOUR, by=NEW), False),  # strangers used it more than the farm did
        (share(*FOUR, by=OLD), share(*FOUR, by=f"{NEW} +11"), False),
        (share(*FOUR, by=OLD), share(*FOUR, by="n00 n01 n02 n03"), False),  # most of the new accounts do not use it
        (share(*FOUR, by=OLD), share(*FOUR, by="n00 n01 n02 n03 n04"), True),
        ({"user_agent/x": OLD}, {"user_agent/x": NEW}, False),
        ({f"user_agent/{n}": OLD for n in range(2)}, {f"user_agent/{n}": NEW for n in range(2)}, True),
        (share("payment_instrument/d", by=OLD), share("payment_instrument/d", by=NEW), True),
    ],
)
def test_the_match_weight_of_what_both_had_to_themselves_decides(before, after, back):
    first, second, third = follow(
        {"clusters": [OLD, OTHERS], "things": before}, [OTHERS], {"clusters": [NEW, OTHERS], "things": after}
    )
    a = id_of(first, "a00")
    assert (a, "death", a) in events_of(second)
    assert (id_of(third, "n00") == a) is back
    assert ((a, "resurrection", a) in events_of(third)) is back
    if back:
        row = third.lineage.set_index("event").loc["resurrection"]
        assert (row["n_kept"], row["n_gained"], row["n_lost"], row["reason"]) == (0, 10, 10, "entities")


def test_accounts_that_are_all_new_from_one_day_to_the_next_are_the_same_farm():
    first, second = follow(
        {"clusters": [OLD], "things": share(*FOUR, by=OLD)}, {"clusters": [NEW], "things": share(*FOUR, by=NEW)}
    )
    a = id_of(first, "a00")
    assert events_of(second) == {(a, "resurrection", a)}


def test_of_two_the_one_with_more_bits_is_the_farm():
    more, less = words("n", 0, 6), words("m", 0, 6)
    things = share(*FOUR[:2], by=OLD) | share(*FOUR[2:], by=OLD) | {"payment_instrument/d": OLD}
    after = share(*FOUR[:2], by=less) | share(*FOUR[2:], by=more) | {"payment_instrument/d": more}
    first, _, third = follow(
        {"clusters": [OLD, OTHERS], "things": things}, [OTHERS], {"clusters": [more, less, OTHERS], "things": after}
    )
    assert id_of(third, "n00") == id_of(first, "a00")
    assert (id_of(third, "m00"), "birth") in events_of(third)


def test_a_tag_weighs_here_too():
    config = Config.model_validate({"infrastructure": {"vpn": {"weight": 0.0}}})
    days = [
        {"clusters": [OLD, OTHERS], "things": share(*FOUR, by=OLD)},
        [OTHERS],
        {"clusters": [NEW, OTHERS], "things": share(*FOUR, by=NEW), "tag": "vpn"},
    ]
    first, _, third = follow(*days, config=config)
    assert id_of(third, "n00") != id_of(first, "a00")
    del days[2]["tag"]
    assert id_of(follow(*days, config=config)[-1], "n00") == id_of(first, "a00")


def test_a_kind_that_the_settings_no_longer_name_counts_nothing():
    with_cards = {"clusters": [OLD, OTHERS], "things": share("payment_instrument/d", by=OLD)}
    first, second = follow(with_cards, [OTHERS])
    config = Config.model_validate({"kinds": {"ip": {}}})
    third = add_day(
        second,
        day=FIRST.replace(day=3),
        config=config,
        clusters=[NEW, OTHERS],
        things=share("payment_instrument/d", by=NEW),
    )
    assert id_of(third, "n00") != id_of(first, "a00")
