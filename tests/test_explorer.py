import json
from collections import Counter
from dataclasses import replace

import pytest

import graphkit as gk
from graphkit.errors import UsageError
from graphkit.show.browse import MOST_ROWS, filter_clusters, make_catalog
from graphkit.store.store import open_store
from tests.past_world import follow, words
from tests.show_world import empty_snapshot, make_snapshot, raw_identifiers


@pytest.fixture(scope="module")
def snapshot():
    return make_snapshot((40, 12, 6, 3), hostile=False, verdict="benign")


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, {"C000", "C001", "C002", "C003"}),
        ({"size": "6"}, {"C000", "C001", "C002"}),
        ({"text": "c002"}, {"C002"}),
        ({"text": "account-001-0000"}, {"C001"}),
        ({"text": "ip-000-0001"}, {"C000"}),
        ({"text": "ip-everywhere", "size": "12"}, {"C001"}),
        ({"text": "  "}, {"C000", "C001", "C002", "C003"}),
        ({"kind": "no such kind"}, set()),
        ({"verdict": "benign"}, {"C000", "C001", "C002", "C003"}),
        ({"verdict": "none"}, set()),
        ({"since": "2026-05-15"}, {"C000", "C001", "C002", "C003"}),
        ({"since": "2026-05-16"}, set()),
    ],
)
def test_filters_pass_what_they_say(snapshot, filters, expected):
    rows = filter_clusters(snapshot, make_catalog(snapshot), filters)
    assert set(rows["cluster_id"]) == expected
    assert rows["score"].is_monotonic_decreasing


def test_the_score_and_the_kind_filter(snapshot):
    catalog = make_catalog(snapshot)
    middle = snapshot.clusters["score"].median()
    assert (filter_clusters(snapshot, catalog, {"score": str(middle)})["score"] >= middle).all()
    evidence = snapshot.evidence
    bound = evidence[(evidence["kind"] == "ip") & evidence["enrichment"].isna()]["cluster_id"]
    assert set(filter_clusters(snapshot, catalog, {"kind": "ip"})["cluster_id"]) == set(bound)


def test_what_is_chosen_comes_back_as_a_frame(snapshot):
    explorer = gk.explore(snapshot)
    assert explorer.selected.empty
    explorer.choice = {"clusters": ["C001", "C002"], "view": "ring"}  # as the page sends it
    assert explorer.selected["cluster_id"].value_counts().to_dict() == {"C001": 12, "C002": 6}
    assert explorer.detail["title"] == "2 clusters, 18 accounts"
    explorer.choice = {"clusters": ["C001"], "view": "members"}
    names = [row["name"] for row in explorer.detail["members"]]
    assert explorer.detail["message"] == ""
    explorer.choice = {"clusters": ["C001"], "view": "members", "member": 3}
    assert explorer.selected["account_id"].tolist() == [names[3]]
    assert names[3] in json.loads(explorer.detail["figure"])["layout"]["title"]["text"]
    explorer.filters = {"text": "account-000-00007"}
    assert explorer.selected["account_id"].tolist() == ["account-000-00007"]


@pytest.mark.parametrize(("view", "title"), [("ring", "who shares"), ("evidence", "evidence"), ("rhythm", "hours")])
def test_each_view_is_its_figure(snapshot, view, title):
    explorer = gk.explore(snapshot, mode="dark")
    explorer.choice = {"clusters": ["C000"], "view": view}
    layout, beside = (json.loads(part["figure"])["layout"] for part in (explorer.detail, explorer.overview))
    assert title in layout["title"]["text"]
    assert "select2d" not in beside["modebar"]["remove"], "who pans can come back to choosing"
    assert layout["paper_bgcolor"] == beside["paper_bgcolor"] == "#11161d"


def test_masked_explorer_sends_no_identifier(snapshot):
    explorer = gk.explore(snapshot, reveal=False)
    sent = []
    for view in ("ring", "evidence", "rhythm", "members"):
        explorer.choice = {"clusters": ["C000"], "view": view}
        sent.append(json.dumps([explorer.detail, explorer.listed, explorer.overview]))
    explorer.choice = {"clusters": ["C000"], "view": "members", "member": 0}
    sent.append(json.dumps(explorer.detail))
    assert len(explorer.selected) == 1
    assert not [name for name in raw_identifiers(snapshot) if any(name in text for text in sent)]


def test_it_sends_no_more_than_it_shows_and_reads_a_table_once():
    read = Counter()
    plain = make_snapshot((3000, *(3,) * 20_000), kinds={"ip": {}}, pool=40, hostile=False)

    def read_bytes(name):
        read[name] += 1
        return plain.read_bytes(name)

    explorer = gk.explore(replace(plain, read_bytes=read_bytes))
    assert len(explorer.listed["rows"]) == MOST_ROWS
    assert explorer.listed["told"] == f"20,001 clusters of 20,001, the first {MOST_ROWS} listed"
    for cluster in ("C000", "C17000"):
        for view in ("ring", "evidence", "rhythm", "members"):
            explorer.choice = {"clusters": [cluster], "view": view}
    explorer.choose("C000")
    assert len(explorer.detail["members"]) == MOST_ROWS
    assert explorer.detail["message"].startswith(f"The {MOST_ROWS} of 3,000 members")
    explorer.filters = {"text": "account-009"}
    sent = [explorer.overview, explorer.listed, explorer.detail]
    assert sum(len(json.dumps(part)) for part in sent) < 400_000
    assert max(read.values()) == 1


def test_nothing_to_choose_and_what_does_not_exist():
    explorer = gk.explore(empty_snapshot())
    assert explorer.listed["told"] == "0 clusters of 0"
    assert "Choose a cluster" in explorer.detail["message"]
    with pytest.raises(UsageError):
        explorer.choose("nowhere")
    with pytest.raises(UsageError, match="in no cluster"):
        explorer.choose(account_id="nobody")
    explorer.choice = {"clusters": ["nowhere"], "view": "ring"}
    assert "no cluster 'nowhere'" in explorer.detail["message"]


@pytest.fixture
def store(tmp_path):
    made = open_store(tmp_path / "store", create=True)
    for each in follow([words("a", 0, 20), words("b", 0, 12)], key=made.key()):
        made.publish(each)
    return made


def test_a_verdict_is_recorded_and_shown_at_once(store):
    explorer = gk.explore(store.latest(), author="Ann")
    assert explorer.options["author"] == "Ann"
    first, second = (row["id"] for row in explorer.listed["rows"])
    explorer.choose(first)
    assert explorer.detail["standing"] == ""
    explorer._review({"cluster": first, "verdict": "benign", "author": " Ann ", "note": "a class"})
    assert explorer.answer == {"told": f"{first}: benign, recorded for Ann", "recorded": True}
    assert explorer.detail["standing"].startswith("Verdict: benign, by a review of its own")
    assert [(row["id"], row["verdict"]) for row in explorer.listed["rows"]] == [(second, ""), (first, "benign")]
    explorer.filters = {"verdict": "benign"}
    assert [row["id"] for row in explorer.listed["rows"]] == [first]
    (kept,) = store.reviews().to_dict("records")
    assert (kept["author"], kept["note"], kept["snapshot_id"]) == ("Ann", "a class", store.latest().id)
    assert gk.explore(store.latest()).listed["rows"][1]["verdict"] == "benign", "it is there the next time"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"verdict": "benign", "author": ""}, "author"),
        ({"verdict": "guilty", "author": "Ann"}, "allowed: confirmed, benign, watch"),
        ({"verdict": "benign", "author": "Ann", "cluster": "C-00000"}, "no cluster"),
        ({}, "allowed: confirmed"),
    ],
)
def test_a_verdict_that_cannot_be_is_refused_and_told(store, message, reason):
    explorer = gk.explore(store.latest())
    explorer._review({"cluster": explorer.listed["rows"][0]["id"]} | message)
    assert not explorer.answer["recorded"]
    assert reason in explorer.answer["told"]
    assert store.reviews().empty


def test_without_a_store_that_can_be_written_no_verdict_can_be_given(snapshot, store, monkeypatch):
    explorer = gk.explore(snapshot)
    assert explorer.options["author"] is None
    explorer._review({"cluster": "C000", "verdict": "benign", "author": "Ann"})
    assert "no store that can be written" in explorer.answer["told"]
    monkeypatch.setattr("os.access", lambda *_: False)
    assert gk.explore(store.latest()).options["author"] is None


def test_the_author_comes_from_the_environment(store, monkeypatch):
    monkeypatch.setenv("GRAPHKIT_AUTHOR", "Bob\u202e")
    assert gk.explore(store.latest()).options["author"] == "Bob\ufffd"
