"""The life of a cluster and its verdict, as explanations and packets tell them."""

import json

import pytest

import graphkit as gk
from graphkit.detect.life import list_turns, tell_life
from graphkit.show.packet import render_packet
from graphkit.store.store import open_store
from tests.commands import run
from tests.past_world import follow, id_of, words
from tests.small import events_of

A, B = words("a", 0, 20), words("b", 0, 12)
CARDS = {"payment_instrument/card": B, "203.0.113.1": B}


def life_of(snapshot, account):
    return tell_life(snapshot, snapshot.require_cluster(id_of(snapshot, account)))


@pytest.fixture(scope="module")
def days():
    again = words("c", 0, 15)
    back = {"clusters": [A, again], "things": {"payment_instrument/card": again, "203.0.113.1": again}}
    return follow([A, B], [f"{A} {B}"], {"clusters": [A, B], "things": CARDS}, [A], back)


def test_a_life_is_told_from_birth_to_return(days):
    a, b = (id_of(days[0], name) for name in ("a00", "b00"))
    assert life_of(days[4], "c00") == (
        "First found as of 2026-05-01, with 12 accounts.",
        f"Went into {a} as of 2026-05-02: 32 accounts then.",
        f"Stands by itself as of 2026-05-03, with 12 accounts: split off {a}.",
        "Was not found any more as of 2026-05-04; it had 12 accounts.",
        "Came back as of 2026-05-05, with 15 accounts, known by its entities.",
    )
    assert life_of(days[3], "a00")[1:] == (
        f"Merged with {b} as of 2026-05-02: 32 accounts then.",
        f"{b} split off as of 2026-05-03, with 12 accounts.",
        "Since 2026-05-03 it went on: 20 accounts stayed, 0 came, 0 left.",
    )
    assert life_of(days[0], "a00")[1].startswith("Nothing is known of before")


def test_a_long_life_is_told_by_its_first_and_last_turns():
    comings = [[A, B] if day % 2 == 0 else [A] for day in range(19)]
    (*_, last) = follow(*comings)
    told = life_of(last, "b00")
    assert told[0] == "First found as of 2026-05-01, with 12 accounts."
    assert told[1] == "9 turns later:"
    assert told[-1] == "Came back as of 2026-05-19, with 12 accounts, known by its accounts."
    assert len(list_turns(last, id_of(last, "b00"))) == 19


@pytest.mark.parametrize(
    ("later", "account", "expected"),
    [
        ([B], "b00", "Verdict: benign, by a review of its own: 100% of its accounts were in the cluster"),
        (
            [words("b", 0, 7), words("b", 7, 12)],
            "b11",
            "Verdict: benign, inherited from a cluster that it comes from",
        ),
        ([B + " " + words("n", 0, 12)], "b00", "Verdict: benign, outgrown: only 50% of its accounts were in the "),
        ([B, A], "a00", "Nobody has given a verdict on it."),
    ],
)
def test_the_verdict_says_on_what_it_rests(tmp_path, later, account, expected):
    store = open_store(tmp_path / "store", create=True)
    first, second = follow([B], later, key=store.key())
    store.publish(first)
    gk.review(store, id_of(first, "b00"), "benign", author="Ann")
    told = life_of(store.publish(second), account)[-1]
    assert told.startswith(expected)
    assert ("to be renewed" in told) == ("inherited" in told or "outgrown" in told)


def test_packet_terminal_and_json_tell_it(tmp_path):
    uses = {f"a{n}": {"ip": "10.1.0.1 10.1.0.2", "payment_instrument": "card"} for n in range(8)}
    snapshot = gk.refresh_store(events_of(uses, bystanders=400), tmp_path / "store")
    cluster_id = snapshot.clusters["cluster_id"].iloc[0]
    gk.review(tmp_path / "store", cluster_id, "watch", author="Ann Reviewer", note="see ticket")
    page = render_packet(snapshot, cluster_id)
    assert ">Through time</h2>" in page
    assert "Verdict: watch, by a review of its own" in page
    assert "Its cluster through time" in render_packet(snapshot, "a0")
    assert "Ann Reviewer" not in page, "a packet may leave the house"
    packet = json.loads(gk.write_packet(snapshot, cluster_id, tmp_path / "p.json").read_text())
    assert [(turn["event"], turn["day"]) for turn in packet["turns"]] == [("birth", snapshot.as_of.isoformat())]
    told = run("explain", str(tmp_path / "store"), cluster_id).out
    assert "Verdict: watch" in " ".join(told.split())
