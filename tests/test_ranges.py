"""Ranges of addresses, against Python's own ipaddress."""

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphkit.ingest.ranges import looks_like_address, make_ranges, parse_range


def ranges_of(*listed):
    return make_ranges({parse_range(text): tag for text, tag in listed})


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("198.51.100.7", "198.51.100.7/32"),
        ("198.51.100.7/24", "198.51.100.0/24"),
        ("198.51.100.0-198.51.100.255", "198.51.100.0/24"),
        (" 198.51.100.0 - 198.51.100.255 ", "198.51.100.0 / 24"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("::ffff:198.51.100.7/120", "198.51.100.0/24"),
        ("0.0.0.0/0", "0.0.0.0-255.255.255.255"),
        ("2001:db8::/32", "2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2001:0DB8::1", "2001:db8::1/128"),
    ],
)
def test_one_range_has_many_spellings(text, same_as):
    assert parse_range(text) == parse_range(same_as) is not None


@pytest.mark.parametrize(
    "text",
    [
        "", "198.51.100.300", "198.51.100", "198.51.100.0/33", "198.51.100.0/-1", "198.51.100.0/", "/24",
        "198.51.100.9-198.51.100.1", "198.51.100.1-2001:db8::1", "-", "2001:db8::/129", "2001:db8::1%eth0", "x",
        "198.51.100.1-198.51.100.2-198.51.100.3", "198.51.100.7\0", "1.1.1.1/²", "198.51.100.0/255.255.255.0",
    ],
)  # fmt: skip
def test_what_is_no_range_is_none(text):
    assert parse_range(text) is None


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("198.51.100.300", True), ("1.2", True), ("2001:db8::g", False), ("2001:db8::/999", True), ("10.0.0.0-1", True),
        ("acme", False), ("acme.example", False), ("2024", False), ("550e8400-e29b-41d4-a716-446655440000", False),
        ("team:7", False), ("abc.de", False), ("v1.2", False),
    ],
)  # fmt: skip
def test_a_mistyped_address_is_told_from_a_name(text, meant):
    assert looks_like_address(text) is meant


def test_the_most_specific_range_wins():
    ranges = ranges_of(
        ("10.0.0.0/8", "a"), ("10.1.0.0/16", "b"), ("10.1.1.1", "c"), ("10.0.255.0-10.1.0.9", "d"), ("::/0", "six")
    )
    asked = {
        "10.9.9.9": "a",
        "10.1.0.10": "b",
        "10.1.1.1": "c",
        "10.0.255.1": "d",
        "10.1.0.9": "d",
        "10.1.1.0/24": "c",
        "11.0.0.0": None,
        "2001:db8::/64": "six",
        "no address": None,
    }
    assert ranges.find_tags(list(asked)) == list(asked.values())
    assert ranges_of().find_tags(["10.0.0.1"]) == [None]


def networks(version):
    bits, network = (32, ipaddress.IPv4Network) if version == 4 else (128, ipaddress.IPv6Network)
    base = 0xC6336400 if version == 4 else 0x20010DB8 << 96
    near = st.integers(0, 255).map(lambda low: base + low)
    return st.tuples(near, st.integers(bits - 9, bits)).map(lambda pair: network(pair, strict=False))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.one_of(networks(4), networks(6)), max_size=12, unique=True), st.integers(0, 255))
def test_lookup_is_that_of_ipaddress(listed, low):
    ranges = ranges_of(*((str(network), str(network)) for network in listed))
    asked = [ipaddress.ip_address(0xC6336400 + low), ipaddress.ip_address((0x20010DB8 << 96) + low)]
    for address, found in zip(asked, ranges.find_tags(list(map(str, asked))), strict=True):
        holding = [network for network in listed if network.version == address.version and address in network]
        narrowest = max(holding, key=lambda network: network.prefixlen, default=None)
        assert found == (narrowest and str(narrowest))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)).map(sorted).map(tuple), max_size=12, unique=True))
def test_overlaps_that_no_network_could_have(listed):
    texts = [f"10.0.0.{first}-10.0.0.{last}" for first, last in listed]
    ranges = ranges_of(*((text, text) for text in texts))
    for low, found in enumerate(ranges.find_tags([f"10.0.0.{low}" for low in range(61)])):
        holding = [place for place, (first, last) in enumerate(listed) if first <= low <= last]
        narrowest = min(holding, key=lambda place: (listed[place][1] - listed[place][0], place), default=None)
        assert found == (None if narrowest is None else texts[narrowest])
