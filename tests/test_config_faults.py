import pytest

from graphkit.config import load_config
from graphkit.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "key", "allowed"),
    [
        (
            "partner = 8",
            "partner",
            "unknown key; allowed: alerts, calibrate, chance_runs, columns, hub_bits, infrastructure, ipv4_prefix",
        ),
        ("partners = 0", "partners", "got 0; allowed: partners an account meets at each entity: 1 to 256"),
        ("partners = 8.0", "partners", "1 to 256"),
        ("partners = true", "partners", "got True; allowed"),
        ("calibrate = 1", "calibrate", "true or false"),
        ('margin = "2"', "margin", "a number from -64 to 64"),
        ("margin = nan", "margin", "a number from -64 to 64"),
        ("hub_bits = -1", "hub_bits", "bits from 0 (no limit) to 64"),
        ("threshold_bits = true", "threshold_bits", "a number from 0 to 256"),
        ("resolution = 0", "resolution", '"auto", or a number above 0'),
        ('resolution = "0.5"', "resolution", '"auto", or a number above 0'),
        ("resolution = true", "resolution", '"auto", or a number above 0'),
        ("[kinds.ip]\ndigest = 'no'", "kinds.ip.digest", "true or false"),
        ('resolution = "high"', "resolution", '"auto", or a number above 0'),
        ('method = "louvain"', "method", '"pairs", "bipartite" or "multiplex"'),
        ('look_back = "6 weeks"', "look_back", '"all", or whole UTC days such as "45d"'),
        ("seed = -1", "seed", "0 to 4294967295"),
        ("ipv6_prefix = 129", "ipv6_prefix", "16 to 128"),
        ("max_rejected_share = 5", "max_rejected_share", "0 to 1"),
        ("score = 1", "score", "a table of intercept and weights by part"),
        ("[score]\nvolumes = 1", "score.volumes", "unknown key; allowed: accounts, anomaly, capability_concentration"),
        ("[score]\nvolume = -1", "score.volume", "a number from 0 (off) to 64"),
        ("[score]\nintercept = true", "score.intercept", "a number from -64 to 64"),
        ("columns = 1", "columns", 'a table of ours = "yours"'),
        ('[columns]\nuser = "uid"', "columns.user", "unknown key; allowed: account_id, capability"),
        ("[columns]\nip = 4", "columns.ip", "got 4; allowed: the column of client addresses"),
        ("[kinds]", "kinds", "1 to 16 tables [kinds.NAME]"),
        ("[kinds.IP]", "kinds.IP", "NAME in lower-case letters"),
        ("kinds.seed = 1", "kinds.seed", "1 to 16 tables [kinds.NAME]"),
        ("[kinds.ip]\nwithn = '60s'", "kinds.ip.withn", "unknown key; allowed: column, digest, mask"),
        ("[kinds.ip]\nwithin = '60'", "kinds.ip.within", 'a span such as "500ms"'),
        ("[kinds.ip]\nwithin = 60", "kinds.ip.within", 'a span such as "500ms"'),
        ("[kinds.ip]\nnormalize = 'cidr'", "kinds.ip.normalize", '"text" (trimmed) or "ip"'),
        ("[infrastructure.VPN]\nweight = 1", "infrastructure.VPN", "TAG in lower-case letters, digits and -"),
        ("infrastructure = 1", "infrastructure", "up to 64 tables [infrastructure.TAG]"),
        ("infrastructure.vpn = 1", "infrastructure.vpn", "up to 64 tables [infrastructure.TAG]"),
        ("[infrastructure.vpn]\nfactor = 1", "infrastructure.vpn.factor", "allowed: fields, leave_out, weight"),
        ("[infrastructure.vpn]\nweight = 1.5", "infrastructure.vpn.weight", "from 0 (it makes no pairs) to 1"),
        ("[infrastructure.vpn]\nfields = 'vpn'", "infrastructure.vpn.fields", "a list of texts"),
        ("[infrastructure.vpn]\nfields = ['']", "infrastructure.vpn.fields", "a list of texts"),
        ("[infrastructure.isp]\nleave_out = 1", "infrastructure.isp.leave_out", "true or false"),
        ("[lineage]\nremember = 3", "lineage.remember", "unknown key; allowed: fewer_events, least_change, remember"),
        ("[lineage]\nfewer_events = 0", "lineage.fewer_events", "above 0, at most 1"),
        ("[lineage]\nremember_days = 1.5", "lineage.remember_days", "a whole number from 0"),
        ("[alerts]\nscore = 2", "alerts.score", "0 to 1"),
        ("alerts = 1", "alerts", "a table of what a refresh tells a person"),
        ("[kinds.ip]\nprior = 65", "kinds.ip.prior", "a number from -64 to 64"),
    ],
)
def test_a_fault_names_file_key_and_what_is_allowed(load_settings, text, key, allowed):
    with pytest.raises(ConfigError) as error:
        load_settings(text)
    (line,) = str(error.value).splitlines()
    assert f"graphkit.toml: {key}: " in line
    assert allowed in line


def test_all_faults_are_named_at_once(load_settings):
    with pytest.raises(ConfigError) as error:
        load_settings("partners = 0\nseed = -1\n[kinds.ip]\nprior = 99\n")
    assert [line.split(": ")[1] for line in str(error.value).splitlines()] == ["kinds.ip.prior", "seed", "partners"]


def test_two_kinds_of_one_column_are_refused(load_settings):
    with pytest.raises(ConfigError, match=r"graphkit\.toml: kinds 'a' and 'b' both read column 'x'"):
        load_settings('[kinds.a]\ncolumn = "x"\n[kinds.b]\ncolumn = "x"')


def test_a_file_that_is_absent_or_no_toml_is_named(load_settings, tmp_path):
    with pytest.raises(ConfigError, match=r"absent\.toml: cannot be read: No such file"):
        load_config(tmp_path / "absent.toml")
    with pytest.raises(ConfigError, match=r"graphkit\.toml: is not TOML: .*line 2"):
        load_settings("seed = 1\nseed 2\n")
