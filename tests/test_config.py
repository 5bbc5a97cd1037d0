import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphkit.config import Columns, Config, Kind


def test_every_key_has_a_default(load_settings):
    config = load_settings("")
    assert config == Config()
    assert list(config.kinds) == ["ip", "user_agent", "payment_instrument", "prompt_template"]
    assert [kind.prior for kind in config.kinds.values()] == [0, -4, 8, 0]
    assert [name for name, kind in config.kinds.items() if kind.digest] == ["payment_instrument"]


def test_a_file_replaces_what_it_names(load_settings):
    config = load_settings(
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
def test_a_kind_reads_its_column_through_the_mapping(load_settings, text, column):
    config = load_settings(text)
    assert config.kind_column(next(iter(config.kinds))) == column


@pytest.mark.parametrize(
    ("within", "microseconds"),
    [("1us", 1), ("500ms", 500_000), ("60s", 60_000_000), ("5 m", 300_000_000), ("2h", 7_200_000_000), (None, None)],
)
def test_a_span_is_whole_microseconds(within, microseconds):
    assert Kind(within=within).within_us == microseconds


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
