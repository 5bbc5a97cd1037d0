import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphkit.config import Columns, Config, Kind, load_config
from graphkit.errors import ConfigError


@pytest.fixture
def load(tmp_path):
    """Load settings from a file of the given text."""

    def load(text):
        path = tmp_path / "graphkit.toml"
        path.write_text(text, encoding="utf-8")
        return load_config(path)

    return load


def test_every_key_has_a_default(load):
    config = load("")
    assert config == Config()
    assert list(config.kinds) == ["ip", "user_agent", "payment_instrument", "prompt_template"]
    assert [kind.prior for kind in config.kinds.values()] == [0, -4, 8, 0]
    assert [name for name, kind in config.kinds.items() if kind.digest] == ["payment_instrument"]


def test_a_file_replaces_what_it_names(load):
    config = load(
        'look_back = "45d"\nresolution = 0.002\n[columns]\ntimestamp = "timestamp_share"\n'
        '[kinds.object]\ncolumn = "object_id"\nwithin = "1.5m"\n[kinds.payment_instrument]\ndigest = false\n'
    )
    assert config.look_back_days == 45
    assert config.resolution == 0.002
    assert config.columns == Columns(timestamp="timestamp_share")
    assert list(config.kinds) == ["object", "payment_instrument"]
    assert config.kinds["object"].within_us == 90_000_000
    assert config.kinds["payment_instrument"] == Kind(column="payment_instrument", prior=8, digest=False)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("[kinds.ip]", "ip"),
        ('[kinds.ip]\n[columns]\nip = "client"', "client"),
        ('[kinds.address]\ncolumn = "ip"\n[columns]\nip = "client"', "client"),
        ("[kinds.device_id]", "device_id"),
    ],
)
def test_a_kind_reads_its_column_through_the_mapping(load, text, column):
    config = load(text)
    assert config.kind_column(next(iter(config.kinds))) == column


@pytest.mark.parametrize(
    ("within", "microseconds"),
    [("1us", 1), ("500ms", 500_000), ("60s", 60_000_000), ("5 m", 300_000_000), ("2h", 7_200_000_000), (None, None)],
)
def test_a_span_is_whole_microseconds(within, microseconds):
    assert Kind(within=within).within_us == microseconds


@pytest.mark.parametrize(
    ("text", "key", "allowed"),
    [
        ("partner = 8", "partner", "unknown key; allowed: columns, hub_bits, ipv4_prefix"),
        ("partners = 0", "partners", "got 0; allowed: partners an account meets at each entity: 1 to 256"),
        ("partners = 8.0", "partners", "1 to 256"),
        ("partners = true", "partners", "got True; allowed"),
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
        ("[kinds.ip]\nprior = 65", "kinds.ip.prior", "a number from -64 to 64"),
    ],
)
def test_a_fault_names_file_key_and_what_is_allowed(load, text, key, allowed):
    with pytest.raises(ConfigError) as error:
        load(text)
    (line,) = str(error.value).splitlines()
    assert f"graphkit.toml: {key}: " in line
    assert allowed in line


def test_all_faults_are_named_at_once(load):
    with pytest.raises(ConfigError) as error:
        load("partners = 0\nseed = -1\n[kinds.ip]\nprior = 99\n")
    assert [line.split(": ")[1] for line in str(error.value).splitlines()] == ["kinds.ip.prior", "seed", "partners"]


def test_two_kinds_of_one_column_are_refused(load):
    with pytest.raises(ConfigError, match=r"graphkit\.toml: kinds 'a' and 'b' both read column 'x'"):
        load('[kinds.a]\ncolumn = "x"\n[kinds.b]\ncolumn = "x"')


def test_a_file_that_is_absent_or_no_toml_is_named(load, tmp_path):
    with pytest.raises(ConfigError, match=r"absent\.toml: cannot be read: No such file"):
        load_config(tmp_path / "absent.toml")
    with pytest.raises(ConfigError, match=r"graphkit\.toml: is not TOML: .*line 2"):
        load("seed = 1\nseed 2\n")


@given(
    st.builds(
        Config,
        seed=st.integers(0, 2**32 - 1),
        margin=st.floats(-64, 64),
        resolution=st.just("auto") | st.floats(1e-9, 1000),
        kinds=st.dictionaries(
            st.from_regex(r"[a-z][a-z0-9_]{0,39}", fullmatch=True), st.just({}), min_size=1, max_size=4
        ),
    )
)
def test_settings_survive_a_manifest(config):
    assert Config.model_validate_json(config.model_dump_json()) == config
