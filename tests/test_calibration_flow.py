"""Calibration in the whole flow: wrong priors are told, and put right where the settings ask for it."""

import pytest

import graphkit as gk
from tests.commands import run
from tests.small import events_of

COUPLES = {
    f"{side}{i:02}": {"ip": f"10.1.{i}.1 10.1.{i}.2 10.1.{i}.3", "payment_instrument": f"c{i}"}
    for i in range(40)
    for side in "ab"
}
STRANGERS = {f"s{i:03}": {"ip": f"10.2.{i}.1", "user_agent": f"tool{i // 4}"} for i in range(160)}
EVENTS = events_of(COUPLES | STRANGERS, bystanders=400)
WRONG = {"ip": {}, "payment_instrument": {"prior": -9}, "user_agent": {"prior": 9}}


@pytest.fixture(scope="module")
def calibrated() -> gk.Snapshot:
    return gk.analyze(EVENTS, config=gk.Config(kinds=WRONG, calibrate=True, min_cluster_size=2))


def test_wrong_priors_are_told_and_put_right(calibrated):
    rows = calibrated.calibration.set_index("kind")
    assert rows["verdict"].to_dict() == {"ip": "agrees", "payment_instrument": "too low", "user_agent": "too high"}
    assert rows["given_prior"].to_dict() == {"ip": 0, "payment_instrument": -9, "user_agent": 9}
    assert rows.loc["user_agent", "prior"] == rows.loc["user_agent", "learnt_prior"] < 0
    assert rows.loc["ip", "prior"] == 0
    assert set(calibrated.accounts["account_id"]) == set(COUPLES)


def test_the_settings_stay_as_given(calibrated):
    assert calibrated.config.kinds["user_agent"].prior == 9
    assert calibrated.weighing_config.kinds["user_agent"].prior < 0


def test_explained_bits_still_add_up(calibrated):
    pair = calibrated.pairs.iloc[0]
    explained = gk.explain_pair(calibrated, pair["account_a"], pair["account_b"])
    assert explained["bits"].sum() == pytest.approx(pair["match_weight"])
    learnt = calibrated.calibration.set_index("kind").loc["payment_instrument", "learnt_prior"]
    assert explained.set_index("kind").loc["payment_instrument", "prior_bits"] == learnt


def test_unless_asked_it_only_advises():
    advised = gk.analyze(EVENTS, config=gk.Config(kinds=WRONG, min_cluster_size=2))
    assert advised.calibration["verdict"].tolist() == ["agrees", "too low", "too high"]
    assert advised.calibration["prior"].tolist() == [0, -9, 9]
    assert set(STRANGERS) <= set(advised.accounts["account_id"])


def test_priors_that_agree_give_the_same_snapshot():
    right = {"ip": {}, "payment_instrument": {"prior": 4}, "user_agent": {"prior": -4}}
    one, other = (gk.analyze(EVENTS, config=gk.Config(kinds=right, calibrate=flag)) for flag in (True, False))
    assert set(one.calibration["verdict"]) == {"agrees"}
    assert {name: table["sha256"] for name, table in one.content["tables"].items()} == {
        name: table["sha256"] for name, table in other.content["tables"].items()
    }


@pytest.mark.parametrize(
    ("calibrate", "then"), [("true", "which is used"), ("false", "which calibrate = true would use")]
)
def test_refresh_tells_what_is_contradicted(tmp_path, calibrate, then):
    EVENTS.to_csv(tmp_path / "events.csv", index=False)
    kinds = "\n".join(f"[kinds.{name}]\nprior = {kind.get('prior', 0)}" for name, kind in WRONG.items())
    (tmp_path / "graphkit.toml").write_text(f"calibrate = {calibrate}\n{kinds}\n")
    options = ("--store", tmp_path / "store", "--config", tmp_path / "graphkit.toml", "--no-stability")
    told = run("refresh", tmp_path / "events.csv", *options).out
    assert f"prior of user_agent: 9 is too high; 40 entities teach -0.8, {then}" in " ".join(told.split())
    assert "prior of ip" not in told
    page = tmp_path / "report.html"
    run("report", tmp_path / "store", "-o", page)
    assert ("9: too high" in page.read_text()) == (calibrate == "true")
