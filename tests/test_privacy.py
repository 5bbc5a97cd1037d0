import hmac
import os
import stat

import pytest

from graphkit.errors import ConfigError
from graphkit.privacy import KEY_VARIABLE, PUBLIC_KEY, digest_value, key_fingerprint, load_key, make_key, mask_value

_KEY, _OTHER = b"0123456789abcdef", b"fedcba9876543210"


def test_a_key_file_goes_before_the_environment(tmp_path, monkeypatch):
    assert load_key() is None
    monkeypatch.setenv(KEY_VARIABLE, f" {_OTHER.decode()}\n")
    assert load_key() == _OTHER
    file = tmp_path / "key"
    file.write_bytes(_KEY + b"\n")
    assert load_key(file) == _KEY


@pytest.mark.parametrize("key", ["", "  \n", "fifteen bytes.."])
def test_a_short_key_is_refused_by_its_source(tmp_path, monkeypatch, key):
    (tmp_path / "short.key").write_text(key)
    with pytest.raises(ConfigError, match=r"short\.key: the key has \d+ bytes; give at least 16") as error:
        load_key(tmp_path / "short.key")
    assert not key.strip() or key.strip() not in str(error.value)
    monkeypatch.setenv(KEY_VARIABLE, key)
    with pytest.raises(ConfigError, match=f"{KEY_VARIABLE}: the key has"):
        load_key()


def test_a_key_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"absent\.key: the key cannot be read: No such file"):
        load_key(tmp_path / "absent.key")


def test_a_key_is_made_once_for_its_owner_alone(tmp_path):
    before = os.umask(0)
    try:
        key = make_key(tmp_path / "key")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert make_key(tmp_path / "key") == load_key(tmp_path / "key") == key
    assert make_key(tmp_path / "another") != key


def test_a_fingerprint_tells_keys_apart_and_gives_none_away():
    prints = [key_fingerprint(key) for key in (_KEY, _OTHER, PUBLIC_KEY)]
    assert len(set(prints)) == 3
    assert all(len(text) == 16 and int(text, 16) >= 0 for text in prints)
    assert key_fingerprint(_KEY) == prints[0]
    assert _KEY.decode() not in prints[0]


def test_a_digest_depends_on_key_kind_and_value():
    card = "4111 1111 1111 1111"
    first = digest_value(card, key=_KEY, kind="payment_instrument")
    assert first == hmac.new(_KEY, b"payment_instrument\x00" + card.encode(), "sha256").hexdigest()[:32]
    others = [
        digest_value(card, key=_OTHER, kind="payment_instrument"),
        digest_value(card, key=_KEY, kind="device"),
        digest_value(card + " ", key=_KEY, kind="payment_instrument"),
        digest_value("", key=_KEY, kind="payment_instrument"),
    ]
    assert len({first, *others}) == 5


def test_hostile_text_has_a_digest_and_a_mask():
    for value in ("\ud800", "\0", "é" * 10_000, "<script>"):
        assert len(digest_value(value, key=_KEY, kind="ip")) == 32
        assert len(mask_value(value, salt="a", kind="ip")) <= 10


@pytest.mark.parametrize(
    ("value", "head"),
    [
        ("", ""),
        ("ab", ""),
        ("abc", "a"),
        ("acct-1", "ac"),
        ("203.0.113.9", "203"),
        ("acct-000017", "acc"),
        ("a" * 50, "aaaa"),
    ],
)
def test_a_mask_shows_at_most_a_third_and_four_characters(value, head):
    start, _, tag = mask_value(value, salt="salt", kind="ip").partition("…")
    assert start == head
    assert len(tag) == 5


def test_a_mask_is_the_same_within_a_snapshot_and_tells_values_apart():
    def mask(value="acct-000017", salt="one", kind="account"):
        return mask_value(value, salt=salt, kind=kind)

    assert mask() == mask()
    assert len({mask(), mask("acct-000018"), mask(salt="two"), mask(kind="ip")}) == 4
