"""Refit of the score's weights from verdicts: as much as they tell, and no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize

from graphkit.config import Score
from graphkit.errors import InputError, UsageError
from graphkit.link.links import Numbers
from graphkit.snapshot import Snapshot

VERDICTS = ("confirmed", "benign", "watch")
_GREATEST = 64.0
"""What the settings allow of a weight."""
_DECIMALS = 3
_COLUMNS = ["part", "default", "refit", "change", "n_told"]


@dataclass(frozen=True, eq=False)
class RefitScore:
    """Intercept and weights that verdicts suggest, and how far they lie from the defaults."""

    score: Score
    """For the settings: ``Config(score=...)``."""
    report: pd.DataFrame
    """A row is the intercept or a part: part, default, refit, change, n_told (reviewed clusters for which it has a
    value)."""
    n_confirmed: int
    n_benign: int
    n_unknown: int
    """Reviewed clusters that none of the snapshots holds."""

    def to_toml(self) -> str:
        """The settings as a table of ``graphkit.toml``."""
        rows = (f"{name} = {value}" for name, value in self.score.model_dump().items())
        return "\n".join(["[score]", *rows]) + "\n"


def refit_score(
    snapshots: Snapshot | Sequence[Snapshot], verdicts: pd.DataFrame, *, freedom: float = 0.5
) -> RefitScore:
    """Refit the score's intercept and weights to verdicts on clusters.

    Logistic regression of the verdicts on the parts' effects, with a normal prior around the default weights: its most
    probable weights, none below 0, so that the score still never falls as an effect grows. A few verdicts move little,
    hundreds move much, and verdicts that are all alike stop at the prior. What a cluster lacks tells nothing.

    Parameters
    ----------
    snapshots
        One, or several: a cluster counts as it is in the newest that holds it.
    verdicts
        A row is a verdict: cluster_id, verdict (confirmed, benign, or watch, which tells nothing); of several on one
        cluster the last row counts.
    freedom
        Standard deviation of the prior, in log odds: how far a weight may go before it is improbable.

    Raises
    ------
    UsageError
        If a column or an effect is missing, a verdict is none of the three, no snapshot holds any of the clusters, or
        freedom is not above 0.
    """
    if not freedom > 0:
        raise UsageError(f"freedom must be above 0, not {freedom}")
    told = _check_verdicts(verdicts)
    known = _find_effects([snapshots] if isinstance(snapshots, Snapshot) else snapshots, told.index)
    if len(told) and not len(known):
        raise UsageError(f"none of the {len(told)} reviewed clusters, such as {told.index[0]!r}, is in the snapshots")
    used = told[told.isin(["confirmed", "benign"]) & told.index.isin(known.index)]
    effects = known.reindex(index=used.index, columns=list(Score().weights)).to_numpy(dtype=float)
    confirmed = (used == "confirmed").to_numpy(dtype=bool)
    score = _fit(effects, confirmed, freedom=freedom)
    return RefitScore(
        score=score,
        report=_compare(score, n_told=[len(used), *(~np.isnan(effects)).sum(axis=0)]),
        n_confirmed=int(confirmed.sum()),
        n_benign=int((~confirmed).sum()),
        n_unknown=int((~told.index.isin(known.index)).sum()),
    )


def read_verdicts(path: str | Path) -> pd.DataFrame:
    """Read verdicts, cluster_id and verdict, from CSV, Parquet or JSON lines (by the name's ending).

    Raises
    ------
    InputError
        If the file cannot be read or lacks a column.
    """
    path = Path(path)
    try:
        if ".parquet" in path.suffixes:
            frame = pd.read_parquet(path)
        elif ".jsonl" in path.suffixes:
            frame = pd.read_json(path, lines=True, dtype=False)
        else:
            frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: the verdicts cannot be read: {error}") from error
    if missing := [name for name in ("cluster_id", "verdict") if name not in frame]:
        raise InputError(f"{path}: the verdicts have no column {', '.join(missing)}; they need cluster_id and verdict")
    return frame


def _check_verdicts(verdicts: pd.DataFrame) -> pd.Series[str]:
    """The last verdict on each cluster, by its id in order of ids."""
    if missing := [name for name in ("cluster_id", "verdict") if name not in verdicts]:
        raise UsageError(f"verdicts has no column {', '.join(missing)}")
    strange = verdicts.loc[~verdicts["verdict"].isin(VERDICTS), "verdict"]
    if len(strange):
        raise UsageError(f"verdict: got {strange.iloc[0]!r}; allowed: {', '.join(VERDICTS)}")
    last = verdicts.drop_duplicates("cluster_id", keep="last").set_index("cluster_id")["verdict"]
    return last.sort_index()


def _find_effects(snapshots: Sequence[Snapshot], clusters: pd.Index[str]) -> pd.DataFrame:
    """Effects by cluster and part, each cluster's from the newest snapshot that holds it."""
    tables = []
    for snapshot in sorted(snapshots, key=lambda snapshot: snapshot.as_of, reverse=True):
        parts = snapshot.score_parts
        if "effect" not in parts:
            raise UsageError(f"snapshot {snapshot.id} was made before effects were kept; refresh it")
        parts = parts[parts["cluster_id"].isin(clusters)]
        tables.append(parts.pivot_table(index="cluster_id", columns="part", values="effect", dropna=False))
    if not tables:
        raise UsageError("there is no snapshot to refit from")
    joined = pd.concat(tables)
    return joined[~joined.index.duplicated()].sort_index()


def _fit(effects: Numbers, confirmed: npt.NDArray[np.bool_], *, freedom: float) -> Score:
    """The most probable weights; ``effects`` has shape (clusters, parts), nan where missing."""
    prior = Score()
    center = np.array([prior.intercept, *prior.weights.values()])
    rows = np.column_stack([np.ones(len(effects)), np.nan_to_num(effects - 0.5)])
    sign = np.where(confirmed, 1.0, -1.0)

    def improbability(weights: Numbers) -> float:
        away = (weights - center) / freedom
        return float(np.logaddexp(0, -sign * (rows @ weights)).sum() + (away**2).sum() / 2)

    def slope(weights: Numbers) -> Numbers:
        surprise = np.exp(-np.logaddexp(0, sign * (rows @ weights)))
        steep: Numbers = (weights - center) / freedom**2 - rows.T @ (sign * surprise)
        return steep

    bounds = [(-_GREATEST, _GREATEST), *((0.0, _GREATEST) for _ in prior.weights)]
    best = minimize(
        improbability, center, jac=slope, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-14, "gtol": 1e-9}
    ).x
    rounded = (np.round(best, _DECIMALS) + 0.0).tolist()  # 0.0 added: no -0.0
    return Score.model_validate(dict(zip(("intercept", *prior.weights), rounded, strict=True)))


def _compare(score: Score, *, n_told: Sequence[int]) -> pd.DataFrame:
    prior, refit = pd.Series(Score().model_dump()), pd.Series(score.model_dump())
    columns = {"part": prior.index, "default": prior.to_numpy(), "refit": refit.to_numpy(), "n_told": n_told}
    return pd.DataFrame(columns).assign(change=(refit - prior).round(_DECIMALS).to_numpy())[_COLUMNS]
