"""Parts of the score, each on data in which it alone differs."""

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import jensenshannon

import graphkit as gk
from graphkit.detect.behavior import _divergence
from graphkit.detect.hours import Hours, _expect_evenness, hour_flatness, synchrony
from tests.small import events_of

START = pd.Timestamp("2026-05-04", tz="UTC")


def parts_of(events: pd.DataFrame, **settings) -> pd.DataFrame:
    """Columns value and effect by group (the accounts' letters) and part."""
    snapshot = gk.analyze(events, config=gk.Config(stability=False, chance_runs=0, **settings))
    first = snapshot.accounts.groupby("cluster_id")["account_id"].first().str.rstrip("0123456789")
    parts = snapshot.score_parts
    return parts.assign(group=parts["cluster_id"].map(first)).set_index(["group", "part"])[["value", "effect"]]


def share(name: str, things: dict[int, list[str]], *, template: bool = True) -> pd.DataFrame:
    """An event of each member at each of its addresses, all from one template."""
    rows = [(f"{name}{member}", address) for member, addresses in things.items() for address in addresses]
    frame = pd.DataFrame(rows, columns=["account_id", "ip"])
    return frame.assign(prompt_template=f"template of {name}" if template else None, timestamp=START)


@pytest.fixture(scope="module")
def crosswise() -> pd.DataFrame:
    """Eight members of an office at its one address; of a farm, each at two of eight."""
    office = share("office", {member: ["198.51.100.1"] for member in range(8)})
    farm = share("farm", {m: [f"203.0.113.{m}", f"203.0.113.{(m + 1) % 8}"] for m in range(8)})
    strangers = share("stranger", {member: [f"203.0.113.{member}"] for member in range(2)}, template=False)
    return parts_of(pd.concat([office, farm, strangers, events_of({}, bystanders=3_000)]))


def test_an_office_shares_one_thing_and_a_farm_many(crosswise):
    assert crosswise.loc[("office", "common_to_all")].tolist() == [1, 0]
    value, effect = crosswise.loc[("farm", "common_to_all")]
    assert 0.3 < value < 0.6  # the template is common to all, an address to two of eight
    assert effect == 1 - value


def test_strangers_at_its_addresses_make_infrastructure_less_exclusive(crosswise):
    assert crosswise.loc[("office", "exclusive_infrastructure"), "value"] == 1
    # of the eight addresses two have one user more: half of their other users are no members
    assert 0.9 < crosswise.loc[("farm", "exclusive_infrastructure"), "value"] < 1


def test_bits_and_priors_decide_what_counts():
    """Six own a template and share an address with a hundred: the more the template is worth, the more is their own."""
    farm = share("farm", {member: ["203.0.113.1"] for member in range(6)})
    crowd = share("crowd", {member: ["203.0.113.1"] for member in range(100)}, template=False)
    events = pd.concat([farm, crowd, events_of({}, bystanders=3_000)])
    values = []
    for prior in (0, 20):
        kinds = {"ip": {"normalize": "ip"}, "prompt_template": {"prior": prior}}
        found = parts_of(events, kinds=kinds, threshold_bits=8)
        values.append(found.loc[("farm", "exclusive_infrastructure"), "value"])
    own, common = np.log2(3_106 / 6), np.log2(3_106 / 106)
    expected = [(own + prior + common * 5 / 105) / (own + prior + common) for prior in (0, 20)]
    assert values == pytest.approx(expected)


def test_even_work_tells_more_of_many_than_of_few():
    few, many = (share(f"even{'x' * n}", {m: [f"10.0.{n}.1"] for m in range(n)}) for n in (3, 12))
    twice = pd.concat([few, many, events_of({}, bystanders=3_000)])
    uneven = events_of({}, bystanders=3_000)
    uneven["account_id"] = "p" + (np.arange(len(uneven)) % 97 * 7 % 1_000).astype(str)
    found = parts_of(pd.concat([twice, uneven])).xs("workload_spread", level="part").sort_values("value")
    assert len(found) >= 2
    assert 0 < found["value"].iloc[0] < found["value"].iloc[1]
    assert found["effect"].iloc[0] > found["effect"].iloc[1]


def weeks(*rows) -> np.ndarray:
    return np.array(rows, dtype=float).reshape(-1, 168)


def test_flatness_is_judged_at_as_many_events():
    random = np.random.default_rng(5)
    population = np.tile(1 + np.cos(np.arange(24) / 24 * 2 * np.pi) * 0.5, 7)
    drawn = [random.multinomial(n, population / population.sum()) for n in (30, 300, 30_000)]
    flat = [random.multinomial(n, np.full(168, 1 / 168)) for n in (3_000, 30_000)]
    office = random.multinomial(300, np.tile((np.arange(24) // 8 == 1) / 56, 7))
    counts = weeks(*drawn, *flat, office)
    part = hour_flatness(Hours(population, np.stack([counts, np.zeros_like(counts)])))
    assert part.effect[:3] == pytest.approx([0.5] * 3, abs=0.2)
    assert part.effect[3] > 0.7
    assert part.effect[4] > 0.9
    assert part.effect[5] == 0


def test_expected_evenness_is_that_of_draws():
    random, weights = np.random.default_rng(2), np.repeat([1.0, 3.0], 84)
    for n in (5, 60, 2_000, 9_000):
        draws = random.multinomial(n, weights / weights.sum(), 400) / n
        bits = -(draws * np.log2(draws, out=np.zeros_like(draws), where=draws > 0)).sum(axis=1)
        assert _expect_evenness(weights, np.array([float(n)]))[0] == pytest.approx(bits.mean() / np.log2(168), abs=0.01)


def test_one_schedule_shows_and_a_shared_rhythm_does_not():
    random, population = np.random.default_rng(3), np.ones(168)
    rhythm = np.outer([1, 1, 1, 1, 1, 0.1, 0.1], np.exp(-(((np.arange(24) - 12) / 3) ** 2))).ravel()
    batch = np.where(np.isin(np.arange(168), [3, 50, 51, 100, 140]), 20.0, 1.0)

    def halves(weights):
        return [random.multinomial(800, weights / weights.sum()) for _ in range(2)]

    rows = np.array([halves(rhythm), halves(batch), halves(population)], dtype=float).transpose(1, 0, 2)
    part = synchrony(Hours(population, rows))
    assert part.value[1] > 0.8
    assert np.abs(part.value[[0, 2]]).max() < 0.25
    assert part.effect[1] > 0.9
    assert (part.effect >= 0.5).all()
    everybody = synchrony(Hours(batch, rows))
    assert everybody.value[1] < 0.25  # the whole service is busy then


def test_divergence_is_that_of_jensen_and_shannon():
    random = np.random.default_rng(1)
    counts = random.poisson(0.7, (40, 12)).astype(float)
    counts[3] = 0
    everyone = counts.sum(axis=0) + random.poisson(3, 12) + 1
    row, mix = np.nonzero(both := np.vstack([counts, everyone]))
    found = _divergence(row, mix, both[row, mix], n=len(counts))
    assert np.isnan(found[3])
    expected = [jensenshannon(each, everyone, base=2) ** 2 for each in np.delete(counts, 3, axis=0)]
    assert np.delete(found, 3) == pytest.approx(expected, abs=1e-12)


def test_divergence_of_free_text_takes_room_for_what_there_is_alone():
    n = 50_000  # a number for each row and mix would be 20 GB
    own = np.arange(n)
    row, mix = np.concatenate([own, np.full(n, n)]), np.concatenate([own, own])
    assert (_divergence(row, mix, np.ones(2 * n), n=n) > 0.999).all()
