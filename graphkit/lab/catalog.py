"""What the service's customers send: agents, tools' prompts, capabilities, models, hours of the week."""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np

from graphkit.lab.population import Integers, Numbers

CAPABILITIES = (
    "chat", "coding", "summarization", "translation", "tool-use", "reasoning", "extraction", "vision", "embedding",
)  # fmt: skip
ENDPOINTS = (
    "/v1/messages", "/v1/messages", "/v1/messages", "/v1/messages", "/v1/tools", "/v1/messages", "/v1/batches",
    "/v1/messages", "/v1/embeddings",
)  # fmt: skip
"""The endpoint that serves each capability."""
MODELS = ("lark-mini", "lark-base", "lark-pro", "lark-reason")
INPUT_TOKENS = np.array([300, 1_800, 3_500, 700, 2_400, 900, 2_000, 1_200, 400])
"""Median input tokens by capability."""
OUTPUT_TOKENS = np.array([250, 900, 350, 600, 400, 1_600, 300, 250, 0])
STATUSES = ("200", "400", "429", "500", "529")
STATUS_SHARES = np.array([0.952, 0.016, 0.022, 0.004, 0.006])

ZONES = (-8, -7, -5, -3, 0, 1, 2, 3, 5, 8, 9, 10)
"""Hours east of UTC."""
_ZONE_SHARES = np.array([0.12, 0.04, 0.2, 0.05, 0.1, 0.18, 0.05, 0.03, 0.08, 0.09, 0.04, 0.02])
RHYTHMS = ("person", "office", "student", "application", "always-on")

_POPULARITY = np.array([0.3, 0.18, 0.1, 0.06, 0.1, 0.1, 0.08, 0.05, 0.03])
"""Shares of the capabilities over all ordinary accounts."""
_MODEL_SHARES = np.array([0.35, 0.4, 0.18, 0.07])


@lru_cache
def agents() -> tuple[str, ...]:
    """Several hundred user agents, most popular first: a family's share counts, and within it the newest version."""
    families = {**_browsers(), **_libraries()}
    ranked = sorted(
        ((place + 1) / share, text) for share, texts in families.values() for place, text in enumerate(texts)
    )
    return tuple(text for _, text in ranked)


def _browsers() -> dict[str, tuple[float, list[str]]]:
    """Share and agents, newest first, of each family."""
    webkit = "AppleWebKit/537.36 (KHTML, like Gecko)"
    machines = {"Windows NT 10.0; Win64; x64": 1.0, "Macintosh; Intel Mac OS X 10_15_7": 0.7, "X11; Linux x86_64": 0.3}
    families = {}
    for machine, share in machines.items():
        versions = range(146, 124, -1)
        chrome = [f"Mozilla/5.0 ({machine}) {webkit} Chrome/{version}.0.0.0 Safari/537.36" for version in versions]
        families[f"chrome {machine}"] = (16 * share, chrome)
        families[f"edge {machine}"] = (4 * share, [f"{c} Edg/{v}.0.0.0" for c, v in zip(chrome, versions, strict=True)])
        families[f"firefox {machine}"] = (
            3 * share,
            [f"Mozilla/5.0 ({machine}; rv:{v}.0) Gecko/20100101 Firefox/{v}.0" for v in range(147, 127, -1)],
        )
    families["iphone"] = (
        5.0,
        [
            f"Mozilla/5.0 (iPhone; CPU iPhone OS {v}_{w} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            f"Version/{v}.{w} Mobile/15E148 Safari/604.1"
            for v, w in product((26, 18, 17), range(5, -1, -1))
        ],
    )
    return families


def _libraries() -> dict[str, tuple[float, list[str]]]:
    """Share and agents, newest first, of each family."""
    versions = {
        "lark-python": (20.0, [f"1.{v}.{w}" for v, w in product(range(24, 4, -1), (2, 1, 0))]),
        "lark-node": (12.0, [f"0.{v}.{w}" for v, w in product(range(32, 20, -1), (2, 1, 0))]),
        "python-requests": (10.0, [f"2.{v}.{w}" for v, w in product(range(32, 25, -1), (3, 2, 1, 0))]),
        "python-httpx": (5.0, [f"0.{v}.{w}" for v, w in product(range(28, 22, -1), (2, 1, 0))]),
        "axios": (8.0, [f"1.{v}.{w}" for v, w in product(range(12, 3, -1), (2, 1, 0))]),
        "okhttp": (3.0, [f"{v}.0" for v in ("5.2", "5.1", "4.12", "4.11", "4.10", "4.9")]),
        "curl": (3.0, [f"8.{v}.0" for v in range(17, 3, -1)] + [f"7.{v}.0" for v in (88, 81, 74, 68)]),
        "Go-http-client": (4.0, ["2.0", "1.1"]),
        "Java-http-client": (2.0, ["21.0.8", "21.0.4", "17.0.12", "11.0.24"]),
        "PostmanRuntime": (2.0, [f"7.{v}.0" for v in range(48, 34, -2)]),
        "GuzzleHttp": (1.5, ["7", "6"]),
        "reqwest": (1.0, ["0.12", "0.11"]),
    }
    families = {name: (share, [f"{name}/{v}" for v in numbers]) for name, (share, numbers) in versions.items()}
    families["undici"] = 4.0, ["undici", "node"]
    families["aiohttp"] = (
        4.0,
        [f"Python/3.{v} aiohttp/3.{w}.0" for w, v in product(range(13, 7, -1), (12, 13, 11, 10, 9))],
    )
    return families


@lru_cache
def tool_templates() -> tuple[str, ...]:
    """Default prompts of popular tools, most popular first."""
    tools = (
        "langchain", "chat-widget", "llamaindex", "editor-assist", "notebook-helper", "helpdesk", "autogen", "dspy",
        "commit-writer", "spreadsheet-fill", "mail-reply", "haystack", "semantic-kernel", "meeting-notes",
        "code-review", "slide-maker", "crawler-extract", "translator", "game-master", "tutor", "recipe", "resume-check",
        "sql-writer", "news-digest", "contract-reader", "product-copy", "test-writer", "alt-text",
        "tagger", "search-rewrite",
    )  # fmt: skip
    return tuple(
        f"{tool}-{variant}" for variant, tool in product(("default", "chain", "agent", "short", "json"), tools)
    )


@lru_cache
def rhythms() -> Numbers:
    """Weights of the hours of the week (0 = Monday 00 UTC), mean 1: a row for each of RHYTHMS in each of ZONES."""
    day = np.arange(24)

    def bump(center: float, width: float) -> Numbers:
        distance = np.minimum(abs(day - center), 24 - abs(day - center))
        shape: Numbers = np.exp(-0.5 * (distance / width) ** 2)
        return shape

    shapes = {
        "person": (0.03 + bump(11, 2.5) + 0.7 * bump(16, 2.5) + 0.8 * bump(21, 2), (1, 1, 1, 1, 0.95, 0.75, 0.8)),
        "office": (0.01 + bump(10.5, 1.8) + bump(15, 2), (1, 1.05, 1.05, 1, 0.85, 0.08, 0.06)),
        "student": (0.02 + 0.7 * bump(11, 2) + 0.6 * bump(15, 2) + bump(21, 2.5), (1, 1, 1, 1, 0.7, 0.5, 0.9)),
        "application": (0.5 + bump(14, 4), (1, 1, 1, 1, 1, 0.8, 0.8)),
        "always-on": (np.ones(24), (1,) * 7),
    }
    rows = [np.roll(np.outer(shapes[name][1], shapes[name][0]).ravel(), -zone) for name in RHYTHMS for zone in ZONES]
    return np.array([row / row.mean() for row in rows])


def rhythm(name: str, zone: Integers) -> Integers:
    """Rows of ``rhythms()`` for a name and places in ZONES."""
    return RHYTHMS.index(name) * len(ZONES) + zone


def draw_zones(random: np.random.Generator, n: int) -> Integers:
    """Places in ZONES."""
    return random.choice(len(ZONES), n, p=_ZONE_SHARES / _ZONE_SHARES.sum())


def draw_zipf(random: np.random.Generator, n: int, *, size: int, exponent: float) -> Integers:
    """Ranks from 0, rank r with weight 1 / (r + 1) ** exponent."""
    cumulative = np.cumsum((1.0 + np.arange(size)) ** -exponent)
    return climb(cumulative, random.random(n) * cumulative[-1])


def climb(ladder: Numbers, heights: Numbers) -> Integers:
    """The step of an ascending ladder that each height stands on: from 0, below the first rung."""
    steps: Integers = np.searchsorted(ladder, heights, side="right")
    return steps


def draw_mixes(random: np.random.Generator, n: int, *, concentration: float = 3.0) -> Numbers:
    """Shares of capability and model, shape (n, capabilities * models); low concentration: specialists."""
    capability = random.dirichlet(_POPULARITY * concentration, n)
    model = random.dirichlet(_MODEL_SHARES * 3, n)
    return (capability[:, :, None] * model[:, None, :]).reshape(n, -1)


def focus_mix(random: np.random.Generator, capabilities: tuple[str, ...], *, share: float) -> Numbers:
    """One mix of which ``share`` goes to the named capabilities, mostly on the stronger models; shape (1, ...)."""
    wanted = np.isin(CAPABILITIES, capabilities)
    capability = np.where(wanted, 0.0, _POPULARITY)
    capability *= (1 - share) / max(capability.sum(), 1e-12)
    capability[wanted] = share * random.dirichlet(np.full(wanted.sum(), 4.0))
    model = random.dirichlet([1, 2, 4, 4])
    return np.outer(capability, model).reshape(1, -1)
