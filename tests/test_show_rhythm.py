import json
import math

import numpy as np
import pytest
from scipy.sparse import csr_array

from graphkit.show.hours import HOURS, MOST_ACCOUNTS, arrange_rhythms, compare_rhythms
from graphkit.show.rhythm import plot_rhythm
from graphkit.show.theme import BOX_HEIGHT, BOX_WIDTH
from tests.show_world import make_snapshot, raw_identifiers

FLAT = np.full(HOURS, 1 / HOURS)


def subtitle(figure):
    return figure.layout.title.subtitle.text.replace("<br>", " ")


def counts_of(*rows):
    """Events by account and hour, from an hour's number of events."""
    counts = np.zeros((len(rows), HOURS), dtype=np.int64)
    for account, hours in enumerate(rows):
        for hour, n_events in hours.items():
            counts[account, hour] = n_events
    return csr_array(counts)


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_bars_and_rows_hold_the_events(size):
    snapshot = make_snapshot((size, 6), hostile=False)
    bars, everyone, rows = plot_rhythm(snapshot, "C000").data
    own = snapshot.activity[snapshot.activity["account_id"].fillna("").str.startswith("account-000")]
    shares = own.groupby("hour_of_week")["n_events"].sum() / own["n_events"].sum()
    assert [hour for hour, height in enumerate(bars.y) if height] == shares.index.tolist() == [27, 28, 29]
    assert np.array(bars.y)[27:30] / sum(bars.y) == pytest.approx(shares.to_numpy(), abs=1e-3)
    assert np.asarray(rows.z).sum() == own["n_events"].sum()
    assert np.argmax(everyone.y) % 24 == 8
    for trace in (bars, everyone, rows):
        assert all(abs(x) <= BOX_WIDTH / 2 for x in trace.x)
    assert min(rows.y) >= -BOX_HEIGHT / 2
    assert max(bars.y) + bars.base <= BOX_HEIGHT / 2


def test_accounts_that_keep_the_same_hours_are_alike_beyond_everyone():
    like, usual = compare_rhythms(counts_of(*[{27: 5, 28: 5}] * 6), FLAT, seed=0)
    assert like == pytest.approx(1)
    assert usual < 0.3


def test_accounts_drawn_from_everyone_are_as_alike_as_everyone():
    drawn = np.random.default_rng(5).multinomial(60, FLAT, size=80)
    like, usual = compare_rhythms(csr_array(drawn), FLAT, seed=0)
    assert like == pytest.approx(usual, abs=0.02)


@pytest.mark.parametrize("rows", [[], [{3: 4}], [{3: 4}, {}]])
def test_no_two_accounts_with_events_have_no_similarity(rows):
    assert all(math.isnan(value) for value in compare_rhythms(counts_of(*rows), FLAT, seed=0))


def test_the_most_typical_account_is_first():
    rhythm = arrange_rhythms(make_snapshot((30,), hostile=False), ["C000"])["C000"]
    length = np.linalg.norm(rhythm.n_events, axis=1) * np.linalg.norm(rhythm.share)
    typical = (rhythm.n_events @ rhythm.share / length).round(9)
    assert (np.diff(typical) <= 0).all()
    assert typical[0] > typical[-1]


def test_a_cluster_of_25000_accounts_is_drawn_in_part_and_says_so():
    figure = plot_rhythm(make_snapshot((25_000,), kinds={"ip": {}}), "C000")
    assert len(figure.data[2].y) == MOST_ACCOUNTS + 1
    assert f"not drawn: {25_000 - MOST_ACCOUNTS:,} accounts evenly between" in subtitle(figure)
    assert len(figure.to_json()) < 60_000


def test_times_and_days_are_told():
    figure = plot_rhythm(make_snapshot((12,)), "C000")
    assert "UTC, 2026-05-01 to 2026-05-15" in subtitle(figure)
    assert [note.text for note in figure.layout.annotations[:7]] == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    assert figure.layout.xaxis.ticktext[24 + 3] == "Tue 03:00"


def test_no_hours_is_said():
    figure = plot_rhythm(make_snapshot((12,), active=False), "C000")
    assert not figure.data
    assert "no hours" in figure.layout.annotations[0].text


def test_names_are_inert_and_masked_ones_hold_no_identifier():
    names = plot_rhythm(make_snapshot((40,)), "C000").layout.yaxis.ticktext
    assert any("&lt;script&gt;" in text for text in names)
    assert not [text for text in names if set("<>$\u202e") & set(text)]
    plain = make_snapshot((40,), hostile=False)
    masked = json.dumps(plot_rhythm(plain, "C000", reveal=False).to_json())
    assert not [name for name in raw_identifiers(plain) if name in masked]
