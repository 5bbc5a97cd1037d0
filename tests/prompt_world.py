"""Events with raw prompts: farms that share templates and nothing else, among people who share nothing."""

import numpy as np
import pandas as pd

START = pd.Timestamp("2026-05-04", tz="UTC")
CANARY = "zxcanary"
"""Begins a word in each slot."""

FRAMES = {
    "critic": "Act as a stern critic of the theater. Review this play: {} Name its three weakest scenes.",
    "ledger": "Read the ledger below and sort every entry by its supplier: {} Leave out what was paid in cash.",
    "proof": "Check the following proof line by line, then say which step is wrong and why: {}",
    "garden": "You plan gardens for dry regions. Suggest nine plants that suit this plot of land: {}",
    "letter": "Rewrite my letter to the landlord in a firm but friendly tone, no longer than a page: {}",
    "recipe": "Turn these leftovers into a dinner for six people, and list what must be bought: {}",
}
_SYLLABLES = [a + b for a in "bdfgklmnprstvw" for b in ("a", "e", "i", "o", "u", "an", "er", "il")]


def fill(random: np.random.Generator, n: int) -> str:
    """So many words that nobody else writes; one holds the canary."""
    words = ["".join(random.choice(_SYLLABLES, 3)) for _ in range(n)]
    words[int(random.integers(n))] += f" {CANARY}{int(random.integers(1 << 40))}"
    return " ".join(words)


def prompted(
    farms: dict[str, list[str]], *, size: int = 12, others: int = 300, n_each: int = 6, days: int = 3, seed: int = 0
) -> pd.DataFrame:
    """Events of farms, by name, of some templates each, and of others; everybody has an address of their own."""
    random = np.random.default_rng(seed)
    rows = []
    for farm, names in farms.items():
        for n in range(size):
            for k in range(n_each):
                prompt = FRAMES[names[k % len(names)]].format(fill(random, int(random.integers(3, 20))))
                rows.append((f"{farm}-{n}", prompt))
    rows += [(f"u{n:04}", fill(random, int(random.integers(4, 30)))) for n in range(others) for _ in range(2)]
    frame = pd.DataFrame(rows, columns=["account_id", "prompt"])
    frame["timestamp"] = START + pd.to_timedelta(random.integers(0, days * 86_400, len(frame)), unit="s")
    code = pd.factorize(frame["account_id"])[0]
    frame["ip"] = [f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in code]
    return frame.sort_values(["timestamp", "account_id"], ignore_index=True)


def by_day(events: pd.DataFrame) -> list[pd.DataFrame]:
    """Events of each day."""
    return [day for _, day in events.groupby(events["timestamp"].dt.day)]
