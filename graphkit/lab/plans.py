"""Plans of account farms: how many accounts, what they share, and how they hide it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from graphkit.errors import UsageError
from graphkit.lab.catalog import CAPABILITIES

IpSource = Literal["hosting", "residential", "vpn", "homes"]
Cards = Literal["own", "reused", "chained", "none"]
Agents = Literal["one", "few", "ordinary"]
Hours = Literal["always-on", "human"]
Creation = Literal["burst", "slow"]
Rotation = Literal["request", "session"]


@dataclass(frozen=True)
class FarmPlan:
    """What a farm's operator decides; counts are of the whole farm unless they say otherwise."""

    name: str
    """Farm id in the truth."""
    style: str
    """Evasion style in the truth, for tables by style."""
    n_accounts: int
    n_ips: int = 0
    """Addresses the farm rotates over; "homes" gives each account addresses of its own and needs none."""
    ips_per_account: int = 1
    """Addresses an account draws from them; fewer show where it makes fewer events."""
    ip_source: IpSource = "hosting"
    """Proxies in hosting, routers of ordinary customers, exits of the VPN seller, or each account its own."""
    rotation: Rotation = "session"
    """When an account takes another of its addresses."""
    ip_share: float = 1.0
    """Share of an account's events that come through the farm's addresses, 0 to 1; the others come from a home of
    its own."""
    n_templates: int = 0
    templates_per_account: int = 1
    template_share: float = 0.0
    """Share of an account's events that come from a template, 0 to 1."""
    cards: Cards = "own"
    """Own: one each; reused: one for ``accounts_per_card``; chained: account i pays with cards i and i + 1."""
    accounts_per_card: int = 1
    agents: Agents = "ordinary"
    """One or a few agents that nobody else sends, or those that ordinary accounts send."""
    hours: Hours = "human"
    creation: Creation = "slow"
    """Burst: within three days; slow: over three months."""
    volume: float = 1.6
    """Events an account makes, in multiples of the service's mean; at most 25 a day."""
    unevenness: float = 0.3
    """Standard deviation of the natural logarithm of its accounts' volumes; 1.6 among ordinary accounts."""
    capabilities: tuple[str, ...] = ("reasoning", "coding", "tool-use")
    """What the farm is after: 90 % of its events."""

    def __post_init__(self) -> None:
        """Refuse a plan that cannot be carried out, with all its faults at once."""
        faults = [
            text
            for wrong, text in (
                (self.n_accounts < 1, "n_accounts must be at least 1"),
                (self.ip_source != "homes" and self.n_ips < 1, "n_ips must be at least 1"),
                (self.ips_per_account < 1, "ips_per_account must be at least 1"),
                (not 0 <= self.ip_share <= 1, "ip_share must be from 0 to 1"),
                (not 0 <= self.template_share <= 1, "template_share must be from 0 to 1"),
                (self.template_share > 0 and self.n_templates < 1, "template_share needs n_templates"),
                (self.templates_per_account < 1, "templates_per_account must be at least 1"),
                (self.accounts_per_card < 1, "accounts_per_card must be at least 1"),
                (not self.volume > 0, "volume must be above 0"),
                (not self.unevenness >= 0, "unevenness must be at least 0"),
                (not self.capabilities, "capabilities must not be empty"),
                (not set(self.capabilities) <= set(CAPABILITIES), f"capabilities are {', '.join(CAPABILITIES)}"),
            )
            if wrong
        ]
        if faults:
            raise UsageError(f"farm {self.name!r}: {'; '.join(faults)}")


def default_farms(n_accounts: int) -> tuple[FarmPlan, ...]:
    """Seven large farms, one of each style, and up to ten rings: some 6.5 % of ``n_accounts``.

    Small worlds hold as many of them, in this order, as fit into a tenth of the accounts, and at least one.
    """
    large = [_scale(plan, n_accounts / 50_000) for plan in _large_farms()]
    room = n_accounts // 10
    chosen: list[FarmPlan] = []
    for plan in [*large, *_rings()]:
        if not chosen or plan.n_accounts <= room:
            chosen.append(plan)
            room -= plan.n_accounts
    return tuple(chosen)


def rotating_farm(n_accounts: int = 25_000, *, name: str = "farm-rotating") -> FarmPlan:
    """A farm that rotates over four addresses for five accounts, thirty an account, behind 40 templates.

    Cards are own and agents ordinary: addresses and templates alone give it away.
    """
    return FarmPlan(
        name, "rotating", n_accounts, n_ips=max(1, n_accounts * 4 // 5), ips_per_account=30, rotation="request",
        n_templates=40, templates_per_account=8, template_share=0.3, hours="always-on",
    )  # fmt: skip


def imitating_farms(n_accounts: int) -> tuple[FarmPlan, ...]:
    """The farms of ``default_farms``, each working as people do: as unevenly, as much, by human hours, made slowly."""
    like_people = {"unevenness": 1.2, "volume": 1.0, "hours": "human", "creation": "slow"}
    return tuple(replace(plan, **like_people) for plan in default_farms(n_accounts))  # type: ignore[arg-type]


def _large_farms() -> tuple[FarmPlan, ...]:
    """One farm of each style, in sizes for 50,000 accounts."""
    return (
        # sticks to few addresses of its own, reuses cards, sends one agent around the clock: the classic
        FarmPlan(
            "farm-1", "dedicated", 1_000, n_ips=120, ips_per_account=2, n_templates=12, templates_per_account=4,
            template_share=0.6, cards="reused", accounts_per_card=8, agents="one", hours="always-on", creation="burst",
            volume=2.2,
        ),
        rotating_farm(700, name="farm-2"),
        # leaves through the routers of ordinary customers and pays with a chain of cards
        FarmPlan(
            "farm-3", "residential", 450, n_ips=270, ips_per_account=12, ip_source="residential", rotation="request",
            n_templates=40, templates_per_account=6, template_share=0.2, cards="chained",
        ),
        # each account has a home of its own: only cards, chained, and templates are shared
        FarmPlan(
            "farm-4", "card-chain", 320, ip_source="homes", n_templates=8, templates_per_account=3, template_share=0.4,
            cards="chained", agents="few", creation="burst", capabilities=("coding", "tool-use"),
        ),
        # templates in one event of eight, spread over many
        FarmPlan(
            "farm-5", "diluted", 250, n_ips=225, ips_per_account=10, rotation="request", n_templates=60,
            templates_per_account=5, template_share=0.12, capabilities=("reasoning",),
        ),
        # hides among the VPN seller's customers: as many exits as they use, kept for a session as they do
        FarmPlan(
            "farm-6", "vpn-hidden", 200, n_ips=200, ips_per_account=12, ip_source="vpn", n_templates=10,
            templates_per_account=4, template_share=0.3, cards="reused", accounts_per_card=5,
        ),
        # no card at all, one agent and few templates, from a few addresses
        FarmPlan(
            "farm-7", "free-tier", 150, n_ips=24, ips_per_account=3, n_templates=4, templates_per_account=3,
            template_share=0.8, cards="none", agents="one", hours="always-on", creation="burst", volume=0.9,
            capabilities=("summarization", "reasoning"),
        ),
    )  # fmt: skip


def _scale(plan: FarmPlan, scale: float) -> FarmPlan:
    """The same farm for a world of another size: accounts and addresses grow, what an account sees does not."""
    n_accounts = max(12, round(plan.n_accounts * scale))
    n_ips = plan.n_ips if plan.ip_source == "vpn" else max(3, round(plan.n_ips * n_accounts / plan.n_accounts))
    return replace(plan, n_accounts=n_accounts, n_ips=n_ips)


def _rings() -> list[FarmPlan]:
    """Ten rings of 8 to 40 accounts, whatever the size of the world, that share two kinds each."""
    rings = []
    for number, size in enumerate((40, 34, 29, 25, 21, 18, 15, 12, 10, 8), 1):
        plan = FarmPlan(
            f"ring-{number:02d}",
            "",
            size,
            n_ips=max(4, size // 3),
            ips_per_account=3,
            hours="always-on" if number % 2 else "human",
            creation="burst" if number % 4 < 2 else "slow",
        )
        rings.append(
            (
                replace(plan, style="ring-proxy-card", cards="reused", accounts_per_card=4),
                replace(plan, style="ring-proxy-template", n_templates=4, templates_per_account=2, template_share=0.3),
                replace(
                    plan,
                    ip_source="homes",
                    style="ring-card-template",
                    cards="chained",
                    n_templates=3,
                    templates_per_account=2,
                    template_share=0.4,
                ),
            )[number % 3]
        )
    return rings
