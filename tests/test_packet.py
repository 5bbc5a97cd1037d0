"""The packet: one file that names nobody else, in HTML under a policy and in JSON; the command beside it."""

import json

import pytest

import graphkit as gk
from graphkit.show.packet import render_packet
from tests.commands import refresh, run, small_events
from tests.show_world import HOSTILE
from tests.small import events_of

CROWD = {f"member-{n:04}": {"ip": "10.5.0.1 10.5.0.2 10.5.0.3", "user_agent": "crowdbot"} for n in range(120)}
USES = CROWD | {
    name: {"ip": f"10.6.0.1 10.6.0.{n + 2}", "payment_instrument": "card", "user_agent": HOSTILE[n - 1] + "agent"}
    for n, name in enumerate(HOSTILE)
}
HIDDEN = [f"member-{n:04}" for n in range(1, 120)]


@pytest.fixture(scope="module")
def snapshot() -> gk.Snapshot:
    return gk.analyze(events_of(USES, bystanders=3_000))


def test_nobody_else_is_named(snapshot, tmp_path):
    for suffix in ("html", "json"):
        text = gk.write_packet(snapshot, "member-0000", tmp_path / f"p.{suffix}").read_text(encoding="utf-8")
        assert "member-0000" in text
        assert "account 1" in text
        assert not [name for name in (*HIDDEN, "memb…", "10.5.0.1", "10.5.0.2") if name in text]
        assert "crowdbot" in text  # a kind that the config leaves unmasked


def test_own_entities_and_all_names_are_shown_when_asked(snapshot):
    own = render_packet(snapshot, "member-0000", reveal="own")
    assert "10.5.0.1" in own
    assert not [name for name in HIDDEN if name in own]
    whole = render_packet(snapshot, "member-0000", reveal=True)
    assert "10.5.0.1" in whole
    assert "Confidential: identifiers are shown, other accounts&#39; too" in whole
    assert sum(name in whole for name in HIDDEN) == 50  # the page's rows; the JSON has all
    assert "69 further rows stand in the packet as JSON" in whole


def test_json_has_every_partner(snapshot, tmp_path):
    packet = json.loads(gk.write_packet(snapshot, "member-0000", tmp_path / "p.json", reveal=True).read_text())
    assert sorted(row["account_id"] for row in packet["partners"]) == HIDDEN


@pytest.mark.parametrize("reveal", [False, "own", True])
def test_hostile_text_is_text(snapshot, reveal):
    page = render_packet(snapshot, HOSTILE[0], reveal=reveal)
    for tag in ("<script>alert", "<img src=x", "<b>bold", "</script><img"):
        assert tag not in page
    assert "\u202e" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_same_snapshot_same_bytes(snapshot):
    cluster_id = snapshot.clusters["cluster_id"][0]
    assert render_packet(snapshot, cluster_id) == render_packet(snapshot, cluster_id)
    assert "What would undo it" in render_packet(snapshot, cluster_id)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("member-0000", "p.pdf"), "HTML or JSON"),
        (("member-000", "p.html"), "shares too little to be linked is not in it; near ids: 'member-00"),
        (("member-0000", "missing/p.html"), "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_refused(snapshot, tmp_path, arguments, message):
    subject, name = arguments
    with pytest.raises(gk.UsageError, match=message):
        gk.write_packet(snapshot, subject, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_an_account_with_a_clusters_id_must_be_told_apart():
    uses = {name: {"payment_instrument": "c"} for name in ("a", "b", "c")}
    (cluster_id,) = gk.analyze(events_of(uses, bystanders=50)).clusters["cluster_id"]
    uses |= {cluster_id: {"user_agent": "u", "payment_instrument": "k"}, "d": {"payment_instrument": "k"}}
    found = gk.analyze(events_of(uses, bystanders=50))
    assert cluster_id in set(found.clusters["cluster_id"])
    with pytest.raises(gk.UsageError, match="of an account and of a cluster"):
        render_packet(found, cluster_id)
    assert f"<bdi>Account {cluster_id}" in render_packet(found, cluster_id, about="account")
    assert f"<bdi>Cluster {cluster_id}" in render_packet(found, cluster_id, about="cluster")
    with pytest.raises(gk.UsageError, match="is for an account"):
        render_packet(found, cluster_id, about="cluster", reveal="own")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_asks_for_nothing_and_turns_dark(chromium, snapshot, tmp_path, scheme):
    path = gk.write_packet(snapshot, HOSTILE[0], tmp_path / "p.html", reveal=True)
    page = chromium.new_page(color_scheme=scheme, viewport={"width": 390, "height": 800})
    troubles = []
    page.on("console", lambda message: troubles.append(message.text))
    page.on("dialog", lambda dialog: troubles.append(dialog.message))
    page.on("request", lambda request: troubles.append(request.url) if request.url != path.as_uri() else None)
    page.goto(path.as_uri())
    assert page.locator("html").get_attribute("data-theme") == scheme
    page.locator("#theme").click()
    assert page.locator("html").get_attribute("data-theme") != scheme
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("bdi b, bdi img, bdi script").count() == 0
    assert troubles == []
    page.close()


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explain")
    small_events().to_csv(folder / "events.csv", index=False)
    refresh(folder / "events.csv", folder / "store")
    return folder / "store"


def test_command_prints_writes_and_masks(store, tmp_path):
    said = run("explain", store, "farm1", "--json").json
    assert said["account_id"] == "farm1"
    assert {row["account_id"] for row in said["partners"]} == {f"account {n}" for n in range(1, 8)}
    ended = run("explain", store, said["cluster_id"])
    assert "What would undo it" in ended.out
    assert "198.51.100.1" not in ended.out
    assert "198.51.100.1" in run("explain", store, said["cluster_id"], "--reveal").out
    path = tmp_path / "packet.html"
    assert run("explain", store, "farm1", "-o", path, "--reveal-own", "--json").json == {"path": str(path)}
    assert "198.51.100.1" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["farm11"], "near ids: 'farm1'"),
        (["farm1", "-o", "packet.txt"], "HTML or JSON"),
        (["farm1", "--as", "person"], "account"),
    ],
)
def test_command_says_what_is_wrong(store, arguments, message):
    ended = run("explain", store, *arguments, env={"COLUMNS": "400"})
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err
