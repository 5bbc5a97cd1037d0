import hashlib
import ipaddress
import socket
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from graphkit.config import Config
from graphkit.engine import DuckDB, open_engine
from graphkit.ingest.normalize import canonical_of, make_canonical_function, make_showing_function, shown_of
from graphkit.privacy import digest_value

KEY = b"k" * 32


ENGINE = DuckDB(duckdb.connect(), Path(), memory=10**9)


def canonical(kind, values, config):
    """The one spelling of values, as reading finds it; the slow way gives the same."""
    function = make_canonical_function(kind, config=config)
    name = f"canonical_{kind}_{config.ipv4_prefix}_{config.ipv6_prefix}"
    if name not in ENGINE.functions:
        ENGINE.register_function(name, function)
    ENGINE.register("given", pa.table({"raw": pa.array(values, pa.string()), "place": range(len(values))}))
    sql = canonical_of("raw", kind, config=config, function=name)
    found = ENGINE.query(f"SELECT {sql} AS found FROM given ORDER BY place")["found"]
    assert found.to_pylist() == function(pa.chunked_array([values[:1], values[1:]], pa.string())).to_pylist()
    return found


def normalize(values, *, ipv4_prefix=32, ipv6_prefix=64):
    return canonical("ip", values, Config(ipv4_prefix=ipv4_prefix, ipv6_prefix=ipv6_prefix)).to_pylist()


@pytest.mark.parametrize(
    ("raw", "entity"),
    [
        ("198.51.100.7", "198.51.100.7"),
        (" 198.51.100.7\t", "198.51.100.7"),
        ("198.51.100.7:443", "198.51.100.7"),
        ("198.51.100.7, 203.0.113.9", "198.51.100.7"),
        ("198.51.100.7:443,10.0.0.1", "198.51.100.7"),
        ("198.51.100.7/32", "198.51.100.7"),
        ("198.51.100.0/24", "198.51.100.0/24"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("::FFFF:c633:6407", "198.51.100.7"),
        ("[::ffff:198.51.100.7]:80", "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:0DB8:0001:0002::", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::1]:443", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::1]", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("[fe80::1%25eth0]:80", "fe80::/64"),
        ("2001:db8:1::/48", "2001:db8:1::/48"),
        ("::1", "::/64"),
        ("", None),
        (None, None),
        ("unknown", None),
        ("256.1.1.1", None),
        ("1.2.3", None),
        ("1.2.3.4.5", None),
        ("010.1.1.1", None),
        ("198.51.100.7/33", None),
        ("198.51.100.7/x", None),
        ("2001:db8::1::2", None),
        (",198.51.100.7", None),
        ("198.51.100.7\x00", None),
        ("198.51.100.7\n", "198.51.100.7"),
        ("2001:db8:1:2::1\n", "2001:db8:1:2::/64"),
        ("１９８.51.100.7", None),  # noqa: RUF001
    ],
)
def test_addresses(raw, entity):
    assert normalize([raw]) == [entity]


@pytest.mark.parametrize(
    ("raw", "prefixes", "entity"),
    [
        ("198.51.100.7", (24, 64), "198.51.100.0/24"),
        ("198.51.103.7", (22, 64), "198.51.100.0/22"),
        ("198.51.100.7:1", (8, 64), "198.0.0.0/8"),
        ("198.51.100.7", (8, 64), "198.0.0.0/8"),
        ("::ffff:198.51.100.7", (24, 64), "198.51.100.0/24"),
        ("2001:db8:1:2::1", (32, 128), "2001:db8:1:2::1"),
        ("2001:db8:ffff::1", (32, 33), "2001:db8:8000::/33"),
    ],
)
def test_prefixes(raw, prefixes, entity):
    assert normalize([raw], ipv4_prefix=prefixes[0], ipv6_prefix=prefixes[1]) == [entity]


@given(
    st.lists(st.one_of(st.none(), st.ip_addresses().map(str), st.text(max_size=20)), max_size=20), st.integers(8, 32)
)
def test_entities_are_their_own_entities(values, prefix):
    once = normalize(values, ipv4_prefix=prefix)
    assert normalize(once, ipv4_prefix=prefix) == once
    assert normalize(values[::-1], ipv4_prefix=prefix) == once[::-1]


def entities(kind, values, **settings):
    config = Config.model_validate({"kinds": {kind: settings}})
    digest, name = config.kinds[kind].digest, f"shown_{kind}"
    ENGINE.register_function(name, make_showing_function(kind, key=KEY, digest=digest))
    ENGINE.register("given", pa.table({"canonical": canonical(kind, values, config), "place": range(len(values))}))
    sql = shown_of("canonical", digest=digest, function=name)
    return ENGINE.query(f"SELECT {sql} AS shown FROM given ORDER BY place")["shown"].to_pylist()


GROUPS = st.sampled_from(["0", "00", "1", "a", "0b", "ff", "db8", "2001", "ffff", "12345", "g", ""])
SPELLINGS = st.lists(GROUPS, min_size=1, max_size=9).map(":".join) | st.tuples(
    st.lists(GROUPS, max_size=6).map(":".join), st.lists(GROUPS, max_size=4).map(":".join)
).map("::".join)


@settings(max_examples=500)
@given(SPELLINGS, st.integers(16, 128))
def test_any_spelling_of_ipv6_is_the_network_that_python_makes_of_it(text, prefix):
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        assume(":" in text)
        assert normalize([text], ipv6_prefix=prefix) == [None]
        return
    assume(address.ipv4_mapped is None)
    [network] = normalize([text], ipv6_prefix=prefix)
    made = ipaddress.IPv6Network((int(address), prefix), strict=False)
    given = network if "/" in network else f"{network}/128"
    assert ipaddress.ip_network(given) == made
    assert socket.inet_ntop(socket.AF_INET6, made.network_address.packed) == given.split("/")[0]


def test_texts_keep_inner_blanks_case_and_control_characters():
    values = ["  a  B\t", "\u00a0é\u00a0", "a\x00b\x1b", " \n ", None, "a\n b", "\n", "é"]
    assert entities("agent", values) == ["a  B", "é", "a\x00b\x1b", None, None, "a\n b", None, "é"]


def test_long_texts_are_cut_and_told_apart():
    short, wide, one, other = "x" * 512, "é" * 512, "x" * 513, "x" * 513 + "y"
    *kept, first, second = entities("agent", [short, wide, one, other])
    assert kept == [short, wide]
    assert first == "x" * 200 + "…" + digest_value(one, key=KEY, kind="agent")
    assert second.startswith("x" * 200 + "…")
    assert second != first


def test_digests_are_keyed_and_of_the_kind():
    card, again = entities("payment_instrument", [" 4111 ", "4111"])
    assert card == again == digest_value("4111", key=KEY, kind="payment_instrument")
    assert card != entities("card", ["4111"], digest=True)[0]
    assert hashlib.sha256(b"4111").hexdigest()[:32] not in card


def test_sql_maps_distinct_values_of_any_number():
    config = Config()
    function = make_canonical_function("ip", config=config)
    with open_engine() as engine:
        engine.register_function("entity_ip", function)
        addresses = "SELECT '10.0.' || (i // 256) || '.' || (i % 256) AS x FROM range(9000) r(i)"
        assert len(set(engine.query(f"SELECT entity_ip(x) AS e FROM ({addresses})")["e"].to_pylist())) == 9000
        assert engine.query("SELECT entity_ip(NULL) AS e")["e"].to_pylist() == [None]
