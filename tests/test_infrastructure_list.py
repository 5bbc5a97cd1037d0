"""Lists of known infrastructure as people write them: CSV with faults, databases."""

import hashlib

import pytest

import graphkit as gk
from tests.mmdb import write_mmdb
from tests.show_world import HOSTILE


@pytest.fixture
def read(tmp_path):
    def read_list(text, name="list.csv", **settings):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return gk.read_infrastructure(path, gk.Config(**settings))

    return read_list


@pytest.mark.parametrize(
    "text",
    [
        "value,tag\n198.51.100.0/24,vpn\nacme,allowed\n",
        '# ours\n\nTAG, Value ,note\nVPN, 198.51.100.0/24 ,"a, b"\n#10.0.0.0/8,vpn\n\nallowed,organization: acme\n',
        "value;tag;note\r\n198.51.100.0/24;vpn;x;y\r\nacme;allowed\r\n",
        "\ufeffvalue\ttag\n198.51.100.0/24\tvpn\nacme\tallowed",
        "value,tag\n198.51.100.0/24,vpn\n198.51.100.0-198.51.100.255,vpn\nacme,allowed\nacme,allowed\n",
    ],
)  # fmt: skip
def test_spellings_of_one_list(read, text):
    listed = read(text)
    assert listed.find_tags(["198.51.100.9", "198.51.101.9"]) == ["vpn", None]
    assert dict(listed.organizations) == {"acme": "allowed"}
    assert listed.tags == ("allowed", "vpn")
    assert not listed.rejected
    assert listed.fingerprint == hashlib.sha256(text.encode()).hexdigest()


def test_bad_rows_are_set_aside_and_good_ones_go_on(read):
    rows = ["198.51.100.7,vpn", "198.51.100.300,vpn", "10.0.0.9-10.0.0.1,vpn", ",vpn", "10.0.0.1,", "10.0.0.1,tor", "x"]
    rows += ["198.51.100.7,hosting", "acme,allowed", "acme,corporate"]
    listed = read("\n".join(["value,tag", *rows]))
    assert listed.find_tags(["198.51.100.7"]) == ["vpn"]
    faults = {row["reason"].split(";")[0]: (row["n_rows"], row["example"]) for row in listed.rejected}
    assert faults == {
        "no address or range": (2, "row 3: 198.51.100.300"),
        "no value": (1, "row 5: "),
        "no tag": (2, "row 6: 10.0.0.1"),
        "unknown tag": (1, "row 7: tor"),
        "listed before with another tag, which holds": (2, "row 9: 198.51.100.7"),
    }
    assert {row["source"] for row in listed.rejected} == {"list.csv"}
    assert repr(listed) == ("<Infrastructure list.csv: 1 range, 1 organization, tags allowed, vpn; 8 rows set aside>")


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("", "list.csv", "row 1: no column 'value'; there are: nothing"),
        ("# only a comment\n", "list.csv", "no column 'value'"),
        ("\n198.51.100.0/24,vpn\n", "list.csv", "row 2: no column 'value'; there are: 198.51.100.0/24, vpn. The"),
        ("value,label\n", "list.csv", "row 1: no column 'tag'; there are: value, label"),
        ("value,tag\n10.0.0.1,tor\n", "list.csv", "none of its rows can be used\n  unknown tag; known are allowed"),
        (b"value,tag\n10.0.0.1,vpn,\xff\n", "list.csv", "is not UTF-8 text"),
        ('value,tag\n"' + "x" * 200_000 + '",vpn\n', "list.csv", "no tag; fill it in or drop the row: 1 (row 2: xxx"),
        ("value,tag\n", "list.json", "unknown ending"),
        ("value,tag\n", "list.mmdb", "is no MMDB database"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_why(read, text, name, said):
    with pytest.raises(gk.InputError) as error:
        read(text, name)
    assert name in str(error.value)
    assert said in str(error.value)


def test_an_absent_file_and_an_empty_list(read, tmp_path):
    with pytest.raises(gk.InputError, match=r"absent\.csv: cannot be read: No such file"):
        gk.read_infrastructure(tmp_path / "absent.csv")
    assert read("value,tag\n").find_tags(["10.0.0.1"]) == [None]


def test_hostile_texts_stay_on_their_line(read):
    notes = "\n".join(f'10.0.0.{n},vpn,"{text.replace(chr(34), "")}"' for n, text in enumerate(HOSTILE))
    tags = "\n".join(f'10.1.0.{n},"{text.replace(chr(34), "")}\x1b[2J\0"' for n, text in enumerate(HOSTILE))
    listed = read(f"value,tag,note\n{notes}\n{tags}\n")
    assert listed.find_tags([f"10.0.0.{len(HOSTILE) - 1}"]) == ["vpn"]
    (row,) = listed.rejected
    assert row["n_rows"] == len(HOSTILE)
    assert row["example"].isprintable()


def test_a_quote_that_is_never_closed_swallows_no_row(read):
    listed = read('value,tag,note\n10.0.0.1,vpn,"oops\n10.0.0.2,vpn,fine\n"10.0.0.3,vpn\n10.0.0.4,vpn\n')
    assert listed.find_tags([f"10.0.0.{n}" for n in range(1, 5)]) == ["vpn", "vpn", None, "vpn"]
    (row,) = listed.rejected
    assert (row["n_rows"], row["example"]) == (1, "row 4: 10.0.0.3,vpn")


def test_own_tags_come_from_the_settings(read):
    text = "value,tag\n10.0.0.1,tor\n"
    listed = read(text, infrastructure={"tor": {"weight": 0}})
    assert listed.tags == ("tor",)
    with pytest.raises(gk.UsageError, match=r"no \[infrastructure\.tor\]"):
        gk.analyze([], infrastructure=listed)


RECORDS = {
    "198.51.100.0/25": {"is_anonymous_vpn": True, "is_hosting_provider": True},
    "198.51.100.128/25": {"is_anonymous_vpn": False, "is_hosting_provider": True},
    "203.0.113.0/24": {"connection_type": "Cellular"},
    "192.0.2.0/24": {"traits": {"kinds": ["a", "Proxy"]}},
    "2001:db8::/48": {"tag": "corporate"},
    "2001:db8:1::/48": "a text",
}


def test_a_database_gives_tags_as_the_settings_say(tmp_path):
    path = write_mmdb(tmp_path / "list.mmdb", RECORDS)
    config = gk.Config(infrastructure={"proxy": {"fields": ["traits.kinds=proxy"]}})
    asked = {
        "198.51.100.7": "vpn",
        "198.51.100.200": "hosting",
        "203.0.113.0/24": "carrier-nat",
        "192.0.2.1": "proxy",
        "192.0.3.1": None,
        "2001:db8::/64": "corporate",
        "2001:db8:1::/64": None,
    }
    assert gk.read_infrastructure(path, config).find_tags(list(asked)) == list(asked.values())
    assert "a database" in repr(gk.read_infrastructure(path))


def test_a_database_of_ipv4_knows_no_ipv6(tmp_path):
    path = write_mmdb(tmp_path / "four.mmdb", {"198.51.100.0/24": {"vpn": "true"}}, ip_version=4)
    assert gk.read_infrastructure(path).find_tags(["2001:db8::1", "198.51.100.7"]) == [None, "vpn"]


def test_a_damaged_database_is_named(tmp_path):
    path = write_mmdb(tmp_path / "bad.mmdb", RECORDS)
    data = bytearray(path.read_bytes())
    data[data.index(b"\x00" * 16) + 16] = 0xFF
    path.write_bytes(data)
    with pytest.raises(gk.InputError, match=r"bad\.mmdb: is damaged"):
        gk.read_infrastructure(path).find_tags(["198.51.100.7", "198.51.100.200", "203.0.113.1", "2001:db8::1"])
