"""Codes: they need the key, and where two texts have one code, that is told and nobody is linked by it."""

import pandas as pd
import pyarrow.parquet as pq
import pytest

from graphkit.config import Config
from graphkit.engine import open_engine
from graphkit.ingest import accounts, coding, texts
from graphkit.ingest.codes import code_of, make_secret
from graphkit.link.links import make_links
from tests.taken import KEY, take, taking

OTHER_KEY = b"another key of thirty-two bytes!"
USES = {"a": "10.0.0.1", "b": "10.0.0.2", "c": "10.0.0.1", "d": "10.0.0.2", "e": "10.0.0.3", "f": "10.0.0.3"}
SETTINGS = {"kinds": {"ip": {}}, "max_rejected_share": 1.0}


def write_uses(path, users):
    rows = [{"account_id": account, "timestamp": "2026-05-01", "ip": USES[account]} for account in users]
    pd.DataFrame(rows).to_parquet(path, index=False)
    return path


def code(given, key):
    with open_engine() as engine:
        values = ", ".join(f"({'NULL' if text is None else repr(text)})" for text in given)
        sql = f"SELECT {code_of('raw', secret=make_secret(key))} AS code FROM (VALUES {values}) AS given(raw)"
        return engine.query(sql)["code"].to_pylist()


@pytest.fixture
def collide(monkeypatch):
    """Let two texts have one code from now on."""

    def let(*values):
        listed = ", ".join(map(repr, values))

        def code_of_one(text, *, secret):
            return code_of(f"(CASE WHEN {text} IN ({listed}) THEN 'one' ELSE {text} END)", secret=secret)

        for module in (coding, accounts, texts):
            monkeypatch.setattr(module, "code_of", code_of_one)

    return let


def linked(given, **options):
    """By entity, the accounts that links join; and all that was told."""
    with taking(given, **SETTINGS, **options) as (engine, intake):
        links, told = make_links(engine, intake, config=Config.model_validate(SETTINGS))
    names, entities = links.accounts["account_id"].to_pylist(), links.entities["entity"].to_pylist()
    found = {entity: [] for entity in entities}
    for account, entity in zip(links.account, links.entity, strict=True):
        found[entities[entity]].append(names[account])
    return found, intake.unusable + told


def test_codes_need_the_key():
    values = ["10.0.0.1", "10.0.0.2", "", None]
    one, other = code(values, KEY), code(values, OTHER_KEY)
    assert one == code(values, KEY)
    assert one[3] is other[3] is None
    assert len({*one[:3], *other[:3]}) == 6
    assert make_secret(KEY) != make_secret(OTHER_KEY)
    assert KEY.hex()[:8] not in make_secret(KEY)


def test_texts_that_the_engine_s_hash_cannot_tell_apart_have_codes_of_their_own():
    text = list("Mozilla/5.0 (X11; Linux x86_64) of a farm")
    pairs = []
    for at in range(len(text) - 8):
        for letter in "1q":  # they differ in one bit
            changed = text.copy()
            changed[at] = changed[at + 8] = letter
            pairs.append("".join(changed))
    n_alike = 0
    for number in range(8):
        key = bytes([number]) * 32
        with open_engine() as engine:
            hashes = [f"SELECT hash({make_secret(key)[:16]!r} || {one!r}) AS code" for one in pairs]
            plain = engine.query(" UNION ALL ".join(hashes))["code"].to_pylist()
        n_alike += len(plain) - len(set(plain))
        codes = code(pairs, key)
        assert len(set(codes)) == len(codes)
    assert n_alike >= 8, "one hash takes many for one text"


def test_files_of_codes_differ_by_key_and_tables_of_names_do_not(tmp_path):
    path = write_uses(tmp_path / "uses.parquet", USES)
    rows, codes = [], []
    for place, key in enumerate((KEY, OTHER_KEY)):
        kept = tmp_path / f"kept-{place}"
        rows.append(take(path, key=key, partials=kept)[1])
        (names,) = kept.glob("*/names-account.parquet")
        codes.append({row["name"]: row["code"] for row in pq.read_table(names).to_pylist()})
    assert rows[0] == rows[1]
    assert sorted(codes[0]) == sorted(codes[1]) == sorted(USES)
    assert not set(codes[0].values()) & set(codes[1].values())


def test_without_collisions_everybody_is_linked(tmp_path):
    found, told = linked(write_uses(tmp_path / "uses.parquet", USES))
    assert found == {"10.0.0.1": ["a", "c"], "10.0.0.2": ["b", "d"], "10.0.0.3": ["e", "f"]}
    assert told == []


def test_two_values_of_one_code_in_what_is_read_together_link_nobody(tmp_path, collide):
    collide("10.0.0.1", "10.0.0.2")
    found, told = linked(write_uses(tmp_path / "uses.parquet", USES))
    assert found == {"10.0.0.3": ["e", "f"]}
    assert [(row["n_rows"], row["example"]) for row in told] == [(4, "two values have one code")]


def test_two_values_of_one_code_in_files_read_one_after_the_other_link_nobody(tmp_path, collide):
    collide("10.0.0.1", "10.0.0.2")
    files, kept = [], tmp_path / "kept"
    for users in ("ace", "bdf"):
        files.append(write_uses(tmp_path / f"{users}.parquet", users))
        assert linked(files[-1:], partials=tmp_path / users)[1] == [], "no file shows it by itself"
        found, told = linked(files, partials=kept)
    assert found == {"10.0.0.3": ["e", "f"]}
    assert [(row["n_rows"], row["reason"]) for row in told] == [
        (1, "ip values that cannot be told apart by their codes; they link nobody")
    ]


def test_two_accounts_of_one_code_are_linked_to_nobody(tmp_path, collide):
    collide("a", "b")
    found, told = linked(write_uses(tmp_path / "uses.parquet", USES))
    assert found == {"10.0.0.1": ["c"], "10.0.0.2": ["d"], "10.0.0.3": ["e", "f"]}
    assert [row["reason"] for row in told] == [
        "account_id values that cannot be told apart by their codes; they link nobody"
    ]
