import numpy as np
import pandas as pd
import pytest

import graphkit as gk
from graphkit.errors import UsageError
from graphkit.lab.backdrop import read_backdrop, rebuild_backdrop
from graphkit.lab.blindspots import grade_farms, measure_blind_spots
from graphkit.lab.planting import FarmGrade
from tests.small import events_of

HOSTILE = "<script>alert(1)</script>"
CONFIG = gk.Config(
    kinds={"ip": {"normalize": "text"}, "device": {"prior": 3}, "post": {"within": "60s"}},
    stability=False,
    chance_runs=0,
)
CLIQUE = FarmGrade(("device",), 20, 4, 20)
HOPELESS = FarmGrade(("ip",), 20, 1, 4)
POSTS = FarmGrade(("post",), 20, 4, 20)


@pytest.fixture(scope="module")
def events():
    """A ring of five that shares two devices; 300 others, no two of whom share two things."""
    ring = {f"ring{n}": {"ip": f"r{n}", "device": f"{HOSTILE}/1 {HOSTILE}/2"} for n in range(5)}
    others = {f"other{n:03}": {"ip": f"i{n // 2} j{(n + 1) // 2}", "post": f"p{n % 150}"} for n in range(300)}
    return events_of(ring | others)


@pytest.fixture(scope="module")
def snapshot(events):
    return gk.analyze(events, config=CONFIG)


def test_a_clique_is_found_and_the_hopeless_is_not(snapshot):
    grades = measure_blind_spots(snapshot, grades=[CLIQUE, HOPELESS, POSTS], replicates=2)
    seen = grades.set_index("kinds")
    assert seen.loc["device", ["found", "whole", "recall", "best_share"]].tolist() == [1, 1, 1, 1]
    assert seen.loc["device", "best_purity"] > 0.9
    assert seen.loc["ip", ["found", "whole"]].tolist() == [0, 0]
    assert seen.loc["ip", "recall"] < 0.3
    assert seen.loc["post", "whole"] == 1, "posts shared within the span, exactly"
    assert (grades["n_farms"] == 2).all()
    assert (grades["n_population"] == 305).all()


def test_same_arguments_same_frame(snapshot):
    before = dict(snapshot.content["tables"])
    one, same = (measure_blind_spots(snapshot, grades=[CLIQUE, HOPELESS], replicates=2, seed=5) for _ in range(2))
    pd.testing.assert_frame_equal(one, same)
    assert snapshot.content["tables"] == before


def test_every_kind_of_the_settings_is_graded(snapshot):
    grades = list(grade_farms(CONFIG, snapshot.content["resolved"]["kinds"], n_accounts=[50, 2000]))
    assert {grade.kinds for grade in grades} == {
        *(("ip",), ("device",), ("post",)),
        *(("device", "ip"), ("ip", "post"), ("device", "post")),
    }
    assert {grade.accounts_per_entity for grade in grades if grade.n_accounts == 50} == {4, 10, 25, 50}
    assert max(grade.accounts_per_entity for grade in grades if "post" in grade.kinds) == 1000
    assert max(grade.accounts_per_entity for grade in grades if "post" not in grade.kinds) == 2000


def test_links_rebuilt_from_the_tables_are_nearly_those_of_the_events(snapshot, events):
    exact, rebuilt = read_backdrop(snapshot, events), rebuild_backdrop(snapshot)
    assert exact.exact
    assert not rebuilt.exact
    assert exact.links.entities.to_pydict() == rebuilt.links.entities.to_pydict()
    assert len(rebuilt.links.accounts) == rebuilt.links.n_population == 305
    counts = [np.bincount(b.links.entity, minlength=len(b.links.entities)) for b in (exact, rebuilt)]
    assert abs(counts[0] - counts[1]).max() <= 1, "a few are dealt to the same account twice"
    names = exact.links.accounts["account_id"].to_pylist()
    assert {name for name, ordinary in zip(names, exact.ordinary, strict=True) if not ordinary} == {
        f"ring{n}" for n in range(5)
    }
    assert rebuilt.ordinary.sum() == 300
    assert rebuilt.links.accounts["account_id"].to_pandas().is_unique, "else they would all meet at one place"


def test_links_of_the_events_serve_as_well(snapshot, events):
    grades = measure_blind_spots(snapshot, grades=[CLIQUE], backdrop=read_backdrop(snapshot, events), replicates=1)
    assert grades["whole"].tolist() == [1]
    assert grades["exact"].all()
    with pytest.raises(UsageError, match="give the events and the accounts that it was made of"):
        read_backdrop(snapshot, events.iloc[: len(events) // 2])


def test_known_infrastructure_counts_as_in_the_snapshot(tmp_path):
    path = tmp_path / "known.csv"
    path.write_text("value,tag\n10.0.0.0/16,vpn\n", encoding="utf-8")
    events = events_of({f"a{n:02}": {"ip": f"10.0.0.{n // 2} 10.1.0.{n // 3}"} for n in range(30)}, bystanders=200)
    snapshot = gk.analyze(events, config=gk.Config(kinds={"ip": {}}), infrastructure=path)
    exact, rebuilt = read_backdrop(snapshot, events, infrastructure=path), rebuild_backdrop(snapshot)
    tags = exact.links.entities["tag"].to_pylist()
    assert set(tags) == {"vpn", None}
    assert tags == rebuilt.links.entities["tag"].to_pylist()
    with pytest.raises(UsageError, match="was made with a list of known infrastructure: give it"):
        read_backdrop(snapshot, events)


def test_a_service_without_links_has_blind_spots_too():
    alone = gk.analyze(events_of({}, bystanders=600), config=gk.Config(kinds={"ip": {}}))
    grades = measure_blind_spots(alone, grades=[FarmGrade(("ip",), 20, 4, 20)], replicates=1)
    assert grades["whole"].tolist() == [1]


def test_runs_are_told(snapshot):
    told = []
    measure_blind_spots(snapshot, grades=[CLIQUE] * 3, replicates=2, progress=lambda *runs: told.append(runs))
    assert told == [(done, 6) for done in range(7)]


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ({"grades": []}, "there is no farm to plant"),
        ({"replicates": 0}, "replicates is 0"),
        ({"grades": [FarmGrade(("ip",), 2, 1, 2)]}, "a farm of 2 is below the smallest cluster, 3"),
        ({"grades": [FarmGrade(("ip",), 306, 1, 4)]}, "a farm of 306 is larger than the service"),
        ({"grades": [FarmGrade(("cards",), 9, 1, 4)]}, "the snapshot has no kind cards"),
    ],
)
def test_what_cannot_be_planted_is_refused(snapshot, arguments, fault):
    with pytest.raises(UsageError, match=fault):
        measure_blind_spots(snapshot, **arguments)
