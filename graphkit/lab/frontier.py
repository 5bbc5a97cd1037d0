"""The frontier suite: farms so diluted that some cannot be found, graded from the plain to the hopeless."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from math import log1p

from graphkit.lab.plans import FarmPlan

_IP_SHARE = 0.4
"""Share of a farm's events that come through its addresses; for the rest its members are at home, like anybody."""


def frontier_farms(n_each: int = 200) -> tuple[FarmPlan, ...]:
    """33 farms of ``n_each`` accounts that share little: plant them with ``synthesize(farms=frontier_farms())``.

    Their agents, hours and creation are those of ordinary accounts. By style:

    - ip (16): 1, 2, 4 or 8 shared addresses an account, each shared by 4, 10, 25 or 100 accounts on average
    - card (4): cards reused by 2, 4 or 10 accounts, or chained
    - template (8): 1, 5, 40 or 200 templates, in 40 % or 10 % of the events
    - mixture (5): two or three of these together, each too weak alone
    """
    plan = FarmPlan("", "", n_each, ip_source="homes", rotation="request")
    grades = product((1, 2, 4, 8), (4, 10, 25, 100))
    return (
        *(_share_addresses(replace(plan, name=f"ip-{k}x{d}", style="ip"), k, d) for k, d in grades),
        *(_reuse_cards(replace(plan, name=f"card-{d}", style="card"), d) for d in (2, 4, 10)),
        replace(plan, name="card-chain", style="card", cards="chained"),
        *(
            _use_templates(replace(plan, name=f"template-{t}-{share:.0%}", style="template"), t, share)
            for t, share in product((1, 5, 40, 200), (0.4, 0.1))
        ),
        *_mixtures(plan),
    )


def _mixtures(plan: FarmPlan) -> tuple[FarmPlan, ...]:
    def weak(kinds: str) -> FarmPlan:
        return replace(plan, name=f"mix-{kinds}", style="mixture")

    return (
        _use_templates(_share_addresses(weak("ip-template-1"), 2, 100), 1, 0.4),
        _use_templates(_share_addresses(weak("ip-template-40"), 1, 25), 40, 0.1),
        _share_addresses(_reuse_cards(weak("ip-card"), 2), 1, 10),
        _use_templates(_reuse_cards(weak("card-template"), 2), 5, 0.1),
        _use_templates(_share_addresses(_reuse_cards(weak("ip-card-template"), 2), 1, 25), 1, 0.4),
    )


def _share_addresses(plan: FarmPlan, per_account: int, accounts_per_address: int) -> FarmPlan:
    n_ips = max(per_account + 1, plan.n_accounts * per_account // accounts_per_address)
    draws = round(log1p(-per_account / n_ips) / log1p(-1 / n_ips))  # some are drawn twice: so many give the wanted
    return replace(plan, ip_source="hosting", n_ips=n_ips, ips_per_account=draws, ip_share=_IP_SHARE)


def _reuse_cards(plan: FarmPlan, accounts_per_card: int) -> FarmPlan:
    return replace(plan, cards="reused", accounts_per_card=accounts_per_card)


def _use_templates(plan: FarmPlan, n_templates: int, share: float) -> FarmPlan:
    """Each account takes its prompts from all the templates."""
    return replace(plan, n_templates=n_templates, templates_per_account=n_templates, template_share=share)
