"""A list of known infrastructure on the command line and in the report."""

import pytest

import graphkit as gk
from tests.commands import run
from tests.small import events_of

CREW = {f"crew{n}": {"ip": "198.51.100.1 198.51.100.2", "prompt_template": "t"} for n in range(5)}
LIST = "value,tag\n198.51.100.0/24,vpn\n203.0.113.0/24,<b>x</b>\nacme,allowed\n10.0.0.0/16,hosting\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("known")
    events = events_of(CREW, bystanders=95)
    organization = events["account_id"].map({"z00001": "acme", "z00002": "acme"})
    events.assign(organization=organization).to_parquet(folder / "events.parquet", index=False)
    (folder / "known.csv").write_text(LIST, encoding="utf-8")
    (folder / "graphkit.toml").write_text("[infrastructure.vpn]\nweight = 0\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def told(world):
    options = ["--store", world / "store", "--infrastructure", world / "known.csv", "--config", world / "graphkit.toml"]
    return run("refresh", world / "events.parquet", *options)


def test_a_refresh_says_what_each_tag_did(told):
    assert told.code == 0
    assert "among 98 (" in told.out
    assert "listed as allowed: 2 accounts left out\n" in told.out
    assert "listed as hosting: nothing that is shared here\n" in told.out
    assert "listed as vpn: 2 shared addresses at weight 0, 10 pairs no longer linked\n" in told.out
    assert "set aside: 1 row of known.csv: unknown tag; known are allowed" in told.out
    assert "10 pairs unlinked" in told.err


@pytest.mark.usefixtures("told")
def test_the_report_tells_it_too(world):
    snapshot = gk.open_store(world / "store").latest()
    page = gk.render_report(snapshot)
    assert "<h3>Known infrastructure</h3>" in page
    assert "The list known.csv (SHA-256 " in page
    assert "2 accounts of listed organizations, with 2 events, are left out of all numbers here" in page
    assert '<td class="short">vpn</td><td class="number">0</td><td class="number">2</td>' in page
    assert "<b>x</b>" not in page
    assert "198.51.100" not in page


def test_a_list_that_is_none_is_an_error(world, tmp_path):
    ended = run("refresh", world / "events.parquet", "--store", tmp_path, "--infrastructure", world / "events.parquet")
    assert (ended.code, ended.out) == (1, "")
    assert "unknown ending; give a list as .csv, or a database as .mmdb" in " ".join(ended.err.split())


def test_without_a_list_the_report_does_not_speak_of_one(world):
    found = gk.analyze(world / "events.parquet", config=gk.Config(stability=False, chance_runs=0))
    assert "Known infrastructure" not in gk.render_report(found)


@pytest.mark.parametrize(
    ("weight", "prior", "note"),
    [
        (0, 20, "listed as vpn, does not link; by chance"),
        (0.5, 0, "listed as vpn, weight 0.5<"),
        (1, 0, "listed as vpn<"),
    ],
)
def test_evidence_is_marked(world, weight, prior, note):
    settings = {"kinds": {"ip": {}, "prompt_template": {"prior": prior}}, "infrastructure": {"vpn": {"weight": weight}}}
    config = gk.Config(**settings, stability=False, chance_runs=0)
    found = gk.analyze(world / "events.parquet", config=config, infrastructure=world / "known.csv")
    assert note in gk.render_report(found)
