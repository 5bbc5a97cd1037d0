"""Parts of the score that come from what accounts do: when they were made, how much they ask for, and for what."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from graphkit.detect.parts import Clusters, Part, around, make_part, missing_part
from graphkit.link.links import Integers, Numbers
from graphkit.naming import place_names, rank_values

_BURST_DAYS = 7
_DAY = 86_400
_ONE_ACCOUNT_DIVERGES = 0.3
"""Bits by which the mix of one account alone differs from the population's, about."""


def creation_burst(clusters: Clusters) -> Part:
    """Largest share of the members created within seven days, beside that of all accounts."""
    everyone = clusters.population["created_at"].dropna().to_numpy(dtype=np.int64)
    if not len(everyone):
        return missing_part("creation_burst", clusters.n, "no created_at: give an accounts file that has it")
    known = clusters.members.dropna(subset=["created_at"])
    seconds = known["created_at"].to_numpy(dtype="datetime64[s]").astype(np.int64)
    value = _densest_shares(known["cluster"].to_numpy(dtype=np.int64), seconds, n=clusters.n)
    usual = float(_densest_shares(np.zeros(len(everyone), np.int64), everyone, n=1)[0])
    chance = np.minimum(1, usual + 1 / np.sqrt(clusters.size))
    return make_part("creation_burst", value, usual, around(value, chance), "no created_at for its accounts")


def workload_spread(clusters: Clusters) -> Part:
    """Spread of the members' numbers of events (standard deviation of their log2), beside the population's.

    An operator deals work out evenly; people differ. One more member who differs as people do is taken to be in each
    cluster, so that few accounts alike prove little.
    """
    events = np.log2(clusters.members["n_events"].to_numpy(dtype=float))
    variance = np.maximum(clusters.mean(events**2) - clusters.mean(events) ** 2, 0) * clusters.size
    usual = float(np.log2(clusters.population["n_events"].to_numpy(dtype=float)).var())
    value = np.sqrt((variance + usual) / clusters.size)
    return make_part("workload_spread", value, np.sqrt(usual), 1 - np.clip(value / max(np.sqrt(usual), 1e-9), 0, 1))


def private_share(clusters: Clusters) -> Part:
    """Share of a member's events from addresses of its own, beside that of all accounts that share an address.

    People who share an office, a school or a house have other places too; a farm's account has none. Only members who
    share an address with another member count, and there is no value where they are fewer than half.
    """
    links = clusters.links
    kinds = [place for place, kind in enumerate(links.kinds) if clusters.config.kinds[kind].normalize == "ip"]
    if not kinds:
        return missing_part("private_share", clusters.n, "the events have no addresses")
    address = np.isin(links.entity_kind(), kinds)
    is_address, n_accounts = address[links.entity], len(links.accounts)
    shared = np.bincount(links.account[is_address], weights=links.n_events[is_address], minlength=n_accounts)
    private = 1 - np.clip(shared / np.maximum(links.accounts["n_events"].to_numpy(), 1), 0, 1)
    uses, meets = clusters.uses, np.zeros(n_accounts)
    meets[links.account[uses.link[((uses.n_inside > 1) & address[uses.entity])[uses.row]]]] = 1
    member = clusters.members["account"].to_numpy()
    meeting = clusters.mean(meets[member])
    value = np.full(clusters.n, np.nan)
    np.divide(clusters.mean((private * meets)[member]), meeting, out=value, where=meeting >= 0.5)
    usual = float(private[shared > 0].mean()) if shared.any() else np.nan
    effect = 1 - around(value, usual, below=usual)
    return make_part("private_share", value, usual, effect, "fewer than half of its accounts share an address")


def capability_concentration(clusters: Clusters) -> Part:
    """Divergence (Jensen-Shannon, bits) of the mix of models and capabilities from the population's."""
    usage, n = clusters.usage, clusters.n
    model, capability = (rank_values(usage[name]).astype(np.int64) for name in ("model", "capability"))
    if not model.any() and not capability.any():
        return missing_part("capability_concentration", n, "the events have neither model nor capability")
    place = place_names(usage["cluster_id"], clusters.grouping.names)
    row = np.where(place < 0, n, place).astype(np.int64)  # the last is the population's
    n_capabilities = int(capability.max()) + 1
    n_mixes = (int(model.max()) + 1) * n_capabilities
    slots, slot = np.unique(row * n_mixes + model * n_capabilities + capability, return_inverse=True)
    n_events = np.bincount(slot, weights=usage["n_events"].to_numpy()).astype(float)
    value = _divergence(*np.divmod(slots, n_mixes), n_events, n=n)
    return make_part("capability_concentration", value, 0, 1 - np.exp2(-value / _ONE_ACCOUNT_DIVERGES))


def template_share(clusters: Clusters) -> Part:
    """Share of the members' events from shared, uncommon prompt templates, beside that of all sharing accounts."""
    links = clusters.links
    if "prompt_template" not in links.kinds:
        return missing_part("template_share", clusters.n, "the events have no prompt templates")
    chosen = links.makes_pairs(clusters.config) & (links.entity_kind() == links.kinds.index("prompt_template"))
    made = np.bincount(links.account, weights=links.n_events * chosen[links.entity], minlength=len(links.accounts))
    share = np.clip(made / np.maximum(links.accounts["n_events"].to_numpy(), 1), 0, 1)
    value = clusters.mean(share[clusters.members["account"].to_numpy()])
    usual = float(share.mean()) if len(share) else np.nan
    return make_part("template_share", value, usual, around(value, usual, below=usual))


def volume(clusters: Clusters) -> Part:
    """Events an account (median), beside the population's."""
    value = clusters.members.groupby("cluster")["n_events"].median().to_numpy(dtype=float)
    usual = float(clusters.population["n_events"].median())
    return make_part("volume", value, usual, np.clip(0.5 + np.log2(value / usual) / 8, 0, 1))


def _densest_shares(cluster: npt.NDArray[np.int64], seconds: npt.NDArray[np.int64], *, n: int) -> Numbers:
    """Largest share of each cluster's times that one window of seven days holds; nan where it has none."""
    if not len(seconds):
        return np.full(n, np.nan)
    seconds = seconds - seconds.min()
    # one number line for all: each cluster's times lie further from the next one's than a window reaches
    length = int(seconds.max()) + (_BURST_DAYS + 1) * _DAY
    line = np.sort(seconds + cluster * length)
    cluster = line // length
    held = np.searchsorted(line, line + _BURST_DAYS * _DAY) - np.arange(len(line))
    most, total = np.zeros(n), np.bincount(cluster, minlength=n)
    np.maximum.at(most, cluster, held.astype(float))
    share: Numbers = np.divide(most, total, out=np.full(n, np.nan), where=total > 0)
    return share


def _divergence(row: Integers, mix: Integers, n_events: Numbers, *, n: int) -> Numbers:
    """Jensen-Shannon divergence of the shares of each of ``n`` rows from those of the row after them, 0 to 1 bits.

    Arrays hold what is not 0, sorted by row, then mix; a row without events has nan.
    """
    share = n_events / np.bincount(row, weights=n_events)[row]
    last = int(np.searchsorted(row, n))
    row, own = row[:last], share[:last]
    usual = share[last:][np.searchsorted(mix[last:], mix[:last])]
    middle = (own + usual) / 2
    # a usual share that a row lacks adds itself
    beyond = own * np.log2(own / middle) + usual * np.log2(usual / middle) - usual
    added = np.bincount(row, weights=beyond, minlength=n)
    divergence: Numbers = np.where(np.bincount(row, minlength=n) > 0, np.clip((1 + added) / 2, 0, 1), np.nan)
    return divergence
