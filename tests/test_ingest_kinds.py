import hashlib

import pandas as pd
import pyarrow as pa
import pytest

from graphkit.errors import InputError
from graphkit.privacy import digest_value
from tests.taken import KEY, take, take_accounts, taking, write

BASE = {"account_id": ["a"], "timestamp": ["2026-05-01"], "ip": ["::1"]}


def test_accounts_bring_kinds_of_their_own(tmp_path):
    path = write(tmp_path, "accounts.csv", "account_id,payment_instrument\na,4111\na, 4222 \nb,\n")
    intake, rows = take_accounts(pa.table(BASE), path)
    assert (intake.event_kinds, intake.account_kinds) == (("ip",), ("payment_instrument",))
    assert intake.kinds == ("ip", "payment_instrument")
    found = [(row["account_id"], row["kind_payment_instrument"]) for row in rows]
    cards = sorted(digest_value(card, key=KEY, kind="payment_instrument") for card in ("4111", "4222"))
    assert found == [*(("a", card) for card in cards), ("b", None)]
    assert intake.has == frozenset()


def test_a_kind_may_stand_in_the_accounts_alone():
    events = pa.table({"account_id": ["a"], "timestamp": [1777629600]})
    intake, rows = take(events, pa.table({"account_id": ["a"], "ip": ["::1"]}))
    assert (intake.kinds, intake.event_kinds, len(rows)) == (("ip",), (), 1)
    with pytest.raises(InputError, match="accounts: there are no rows"):
        take(pa.table(BASE), pa.table({"account_id": pa.array([], pa.string())}))


def test_without_accounts_there_is_an_empty_table():
    with taking(pa.table(BASE)) as (engine, _):
        assert engine.query("FROM accounts_file").schema.names == ["account", "created_us", "organization"]
        assert engine.query("FROM accounts_file").num_rows == 0


def test_optional_columns_are_listed():
    optional = ["model", "capability", "endpoint", "status", "input_tokens", "output_tokens"]
    intake, _ = take(pa.table({**BASE, **{name: ["1"] for name in optional}}))
    assert intake.has == set(optional)


PROMPTS = ["Say  it\nAGAIN ", "say it again", "other", " ", None]


@pytest.mark.parametrize("as_text", [False, True])
def test_raw_prompts_as_a_kind_of_their_own_become_keyed_digests(tmp_path, as_text):
    frame = pd.DataFrame({"account_id": list("abcde"), "timestamp": "2026-05-01", "prompt": PROMPTS})
    path = tmp_path / "e.csv"
    frame.to_csv(path, index=False)
    intake, rows = take(path if as_text else frame, kinds={"exact_prompt": {"column": "prompt"}})
    assert intake.kinds == ("exact_prompt",)
    one, same, other, blank, missing = (row["kind_exact_prompt"] for row in rows)
    assert one == same != other
    assert (blank, missing) == (None, None)
    assert one == digest_value(hashlib.sha256(b"say it again").hexdigest(), key=KEY, kind="exact_prompt")


def test_given_templates_win_over_prompts():
    intake, rows = take(pa.table({**BASE, "prompt_template": ["t1"], "prompt": ["secret"]}))
    assert intake.kinds == ("ip", "prompt_template")
    assert rows[0]["kind_prompt_template"] == "t1"


def test_a_kind_that_reads_the_prompt_is_digested_too():
    _, rows = take(pa.table({**BASE, "prompt": ["secret"]}), kinds={"words": {"column": "prompt"}})
    assert len(rows[0]["kind_words"]) == 32
    assert "secret" not in rows[0]["kind_words"]


def test_the_real_shares(shared_data):
    settings = {"columns": {"timestamp": "timestamp_share"}, "kinds": {"object": {"column": "object_id"}}}
    path = shared_data / "coordinated_tweets" / "shares.parquet"
    with taking(path, **settings) as (engine, intake):
        assert (intake.n_rows, intake.n_in_window, intake.rejected) == (35_125, 35_125, [])
        counts = engine.query("SELECT count(DISTINCT account) AS a, min(t) AS first FROM events").to_pylist()
        assert counts == [{"a": 9_509, "first": 1_610_870_193_000_000}]
