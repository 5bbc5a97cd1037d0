"""What a list of known infrastructure changes, on accounts counted by hand, and that it can be undone."""

from math import log2

import pytest

import graphkit as gk
from graphkit.snapshot import STORED_TABLES
from tests.mmdb import write_mmdb
from tests.small import events_of

CREW = {f"crew{n}": {"ip": "198.51.100.1 198.51.100.2 2001:db8::1"} for n in range(4)}
OFFICE = {f"office{n}": {"ip": "203.0.113.1", "prompt_template": "t"} for n in range(4)}
WORLD = events_of(CREW | OFFICE, bystanders=92)
CONFIG = gk.Config(stability=False, chance_runs=0)
LIST = "value,tag,note\n198.51.100.0/24,vpn,<b>\n203.0.113.0/24,corporate,\n2001:db8::/48,hosting,\n"


def config(**weights):
    return CONFIG.model_copy(
        update={
            "infrastructure": gk.Config(infrastructure={t: {"weight": w} for t, w in weights.items()}).infrastructure
        }
    )


@pytest.fixture
def listed(tmp_path):
    path = tmp_path / "known.csv"
    path.write_text(LIST, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("weights", "crew", "office"),
    [
        ({"vpn": 1, "corporate": 1}, 3 * log2(25), 2 * log2(25)),
        ({"vpn": 0.5, "corporate": 1}, 2 * log2(25), 2 * log2(25)),
        ({"vpn": 0.5, "corporate": 0.5}, 2 * log2(25), 1.5 * log2(25)),
        ({"vpn": 0, "corporate": 0}, None, None),
        ({"vpn": 0.75, "corporate": 0.75, "hosting": 0}, 1.5 * log2(25), 1.75 * log2(25)),
    ],
)
def test_pairs_by_hand(listed, weights, crew, office):
    found = gk.analyze(WORLD, config=config(**weights), infrastructure=listed)
    pairs = found.pairs
    for name, weight in (("crew", crew), ("office", office)):
        own = pairs.loc[pairs["account_a"].str.startswith(name), "match_weight"]
        assert own.tolist() == pytest.approx([] if weight is None else [weight] * 6)
        if weight is not None:
            explained = gk.explain_pair(found, f"{name}0", f"{name}1")
            assert explained["bits"].sum() == pytest.approx(weight)
            assert explained["weighs"].tolist() == [bits > 0 for bits in explained["bits"]]


def test_a_database_tags_as_a_list_does(listed, tmp_path):
    records = {"198.51.100.0/24": "vpn", "203.0.113.0/24": "corporate", "2001:db8::/48": "hosting"}
    path = write_mmdb(tmp_path / "known.mmdb", {network: {"tag": tag} for network, tag in records.items()})
    from_list, from_database = (gk.analyze(WORLD, config=CONFIG, infrastructure=given) for given in (listed, path))
    for name in STORED_TABLES:
        assert from_list.read_bytes(name) == from_database.read_bytes(name), name
    one, other = (dict(found.content["infrastructure"]["tags"]) for found in (from_list, from_database))
    assert one == {tag: counts for tag, counts in other.items() if counts["n_entities"]}


def test_what_it_cost_is_told(listed):
    found = gk.analyze(WORLD, config=config(vpn=0, corporate=0.5), infrastructure=listed)
    effect = found.content["infrastructure"]
    assert (effect["n_pairs_linked_before"], effect["n_pairs_unlinked"], effect["n_pairs_newly_linked"]) == (12, 6, 0)
    assert list(effect["tags"]) == ["corporate", "hosting", "vpn"]
    assert effect["tags"]["vpn"] == {
        "weight": 0,
        "leave_out": False,
        "n_entities": 2,
        "n_links": 8,
        "n_accounts": 4,
        "n_links_dropped": 8,
        "n_pairs_unlinked": 6,
        "n_organizations": 0,
        "n_accounts_left_out": 0,
        "n_events_left_out": 0,
    }
    assert effect["tags"]["corporate"]["n_pairs_unlinked"] == 0
    assert effect["tags"]["hosting"]["n_pairs_unlinked"] == 6  # the pairs that vpn unlinks share a hosting address too
    ledger = found.exclusions[["entity", "reason", "tag", "n_links_dropped", "n_pairs_dropped", "n_accounts_unpaired"]]
    assert ledger.to_numpy().tolist() == [[f"198.51.100.{n}", "tag", "vpn", 4, 6, 0] for n in (1, 2)]
    tags = found.entities.set_index("entity")["tag"].dropna().to_dict()
    assert tags == {
        "198.51.100.1": "vpn",
        "198.51.100.2": "vpn",
        "203.0.113.1": "corporate",
        "2001:db8::/64": "hosting",
    }
    assert "<b>" not in str(found.manifest)


def test_who_has_nothing_else_is_counted(tmp_path):
    path = tmp_path / "known.csv"
    path.write_text("value,tag\n198.51.100.0/24,vpn\n2001:db8::/32,vpn\n", encoding="utf-8")
    ledger = gk.analyze(WORLD, config=config(vpn=0), infrastructure=path).exclusions
    assert ledger["n_accounts_unpaired"].tolist() == [4, 4, 4]


def test_what_a_tag_excludes_is_tested_inside_clusters(listed):
    crew = {name: {**uses, "prompt_template": "crew"} for name, uses in CREW.items()}
    world = events_of(crew | OFFICE, bystanders=92)
    found = gk.analyze(world, config=config(vpn=0), infrastructure=listed)
    evidence = found.evidence.set_index("entity").loc[["198.51.100.1", "2001:db8::/64"]]
    assert evidence["tag"].tolist() == ["vpn", "hosting"]
    assert evidence["enrichment"].notna().tolist() == [True, False]
    assert evidence["enrichment"].iloc[0] < 1e-6


def test_digests_are_tagged_by_the_addresses_they_stand_for(listed):
    settings = gk.Config(kinds={"ip": {"digest": True}}, stability=False, chance_runs=0)
    world = WORLD.drop(columns="prompt_template")
    found = gk.analyze(world, config=settings, infrastructure=listed)
    assert sorted(found.entities["tag"].dropna()) == ["corporate", "hosting", "vpn", "vpn"]
    assert not found.entities["entity"].str.contains(".", regex=False).any()


def test_a_refresh_without_it_gives_the_former_bytes(listed, tmp_path):
    store = tmp_path / "store"
    before = gk.refresh_store(WORLD, store, config=CONFIG)
    during = gk.refresh_store(WORLD, store, config=CONFIG, infrastructure=listed)
    again = gk.refresh_store(WORLD, store, config=CONFIG, infrastructure=gk.read_infrastructure(listed))
    after = gk.refresh_store(WORLD, store, config=CONFIG)
    assert before.id == after.id != during.id == again.id
    assert len(gk.open_store(store).list()) == 2
    for name in STORED_TABLES:
        assert before.read_bytes(name) == after.read_bytes(name)
        assert during.read_bytes(name) == again.read_bytes(name)
    assert "infrastructure" not in before.content
    assert during.content["infrastructure"]["fingerprint"] == gk.read_infrastructure(listed).fingerprint
    assert during.manifest["run"]["infrastructure"] == ["known.csv"]


def test_tags_that_only_name_change_nothing_else(listed):
    named = gk.analyze(WORLD, config=config(vpn=1, corporate=1), infrastructure=listed)
    plain = gk.analyze(WORLD, config=config(vpn=1, corporate=1))
    for name in set(STORED_TABLES) - {"entities", "evidence"}:
        assert named.read_bytes(name) == plain.read_bytes(name), name
    for name in ("entities", "evidence"):
        assert named.table(name).drop("tag").equals(plain.table(name).drop("tag"))


ORGANIZED = WORLD.assign(organization=WORLD["account_id"].map({f"office{n}": " acme " for n in range(3)}))
OFFICE_ROWS = int(ORGANIZED["organization"].notna().sum())
BADGES = ORGANIZED[["account_id", "organization"]].drop_duplicates().rename(columns={"organization": "Firm"})


@pytest.mark.parametrize(
    ("events", "accounts", "column"),
    [(ORGANIZED, None, "organization"), (WORLD, BADGES, "firm"), (ORGANIZED, BADGES, "organization")],
)
def test_accounts_of_allowed_organizations_are_left_out(tmp_path, events, accounts, column):
    path = tmp_path / "known.csv"
    path.write_text("value,tag\nacme,allowed\nnobody,allowed\nother,corporate\n", encoding="utf-8")
    settings = gk.Config(columns={"organization": column}, stability=False, chance_runs=0)
    found = gk.analyze(events, accounts, settings, infrastructure=path)
    rest = gk.analyze(WORLD[ORGANIZED["organization"].isna()], config=settings)
    assert found.content["population"] == rest.content["population"]
    assert found.content["population"]["n_accounts"] == 97
    for name in STORED_TABLES:
        assert found.read_bytes(name) == rest.read_bytes(name), name
    told = found.content["infrastructure"]["tags"]["allowed"]
    assert (told["n_organizations"], told["n_accounts_left_out"], told["n_events_left_out"]) == (2, 3, OFFICE_ROWS)
    assert "acme" not in str(found.manifest)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "value,tag\nacme,allowed\n",
            "lists 1 organization, but neither events nor accounts have a column 'organization'",
        ),
        ("value,tag\nacme,corporate\n", None),
    ],
)
def test_organizations_need_a_column_if_they_are_to_be_left_out(tmp_path, text, said):
    path = tmp_path / "known.csv"
    path.write_text(text, encoding="utf-8")
    if said is None:
        assert len(gk.analyze(WORLD, config=CONFIG, infrastructure=path).clusters) == 2
        return
    with pytest.raises(gk.InputError, match=said):
        gk.analyze(WORLD, config=CONFIG, infrastructure=path)


def test_leaving_everybody_out_is_an_error(tmp_path):
    path = tmp_path / "known.csv"
    path.write_text("value,tag\nall,allowed\n", encoding="utf-8")
    with pytest.raises(gk.InputError, match="no event is left"):
        gk.analyze(WORLD.assign(organization="all"), config=CONFIG, infrastructure=path)
