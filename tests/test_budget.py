"""Memory: what cannot fit is told before the long work begins, with what to do."""

import pandas as pd
import pytest

import graphkit as gk
from graphkit.config import Config
from graphkit.engine import parse_size
from graphkit.errors import BudgetError, UsageError
from graphkit.link.budget import estimate_memory
from tests.small import links_of


@pytest.mark.parametrize(
    ("text", "size"), [("4GB", 4 * 10**9), ("500 MiB", 500 * 2**20), ("1.5gb", 1_500_000_000), ("7B", 7)]
)
def test_sizes_are_read(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "4", "GB", "-1GB", "4XB", "4GB!", "0GB", "0.1B"])
def test_what_is_no_size_is_told(text):
    with pytest.raises(UsageError, match="allowed: a size such as"):
        parse_size(text)


def test_more_partners_and_more_members_need_more():
    few, many = (links_of({f"a{n}": {"ip": "x"} for n in range(size)}, n_population=10**6) for size in (20, 200))
    needs = [estimate_memory(links, Config(kinds={"ip": {}}, partners=m)) for links in (few, many) for m in (2, 8)]
    assert needs == sorted(needs)
    assert needs[2] < needs[3]


def test_too_little_memory_stops_before_pairs_are_weighed():
    events = pd.DataFrame({"account_id": [f"a{n}" for n in range(40)], "timestamp": "2026-05-01", "ip": "192.0.2.1"})
    stages = []
    with pytest.raises(BudgetError, match=r"needs about 0\.\d GB, and 0\.1 GB are allowed; raise --memory"):
        gk.analyze(events, memory="100MB", progress=lambda stage: stages.append(stage.name))
    assert "weigh pairs" not in stages
