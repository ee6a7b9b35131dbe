"""Drift: whether the customers of a day are unlike those of the day of training, and in what.

In: counts per bin of both days (`profile`), some rows of each as numbers of bins, what the features mean. Out: an index
per feature and prediction with what chance alone and the year before would have made of it; how well a small model
tells the two days apart; values never learnt. Nobody is named. What a day lacks is None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2

from .metrics import Resampling, auc_of
from .profile import MISSING, PREDICTIONS, moved

Float64 = NDArray[np.float64]
MODERATE, MAJOR = 0.10, 0.25
"""The usual bounds of the index (Siddiqi 2006, Credit Risk Scorecards, doi:10.1002/9781119201731)."""
CHANCE = 0.001
"""How often chance alone may pass the bound at one feature or another: a night in three years."""
FOLDS, ROUNDS = 5, 40
LEAST_ROWS = 100
TOLD = 3
EITHER_WAY = 0.05
"""Nearer to a half than this, neither day has the higher values."""


@dataclass(frozen=True)
class Moved:
    """How one column moved.

    Parameters
    ----------
    name, meaning : str
    psi : float
        Population stability index of the two days.
    chance : float
        What chance alone reaches seldom, in the same number of customers.
    usual : float or None
        The largest index between the day of training and the training cutoffs of the year before.
    gain_share : float or None
        How much the churn model leans on it, 0..1.
    higher : float
        P(a customer of now has more than one of then) + half of P(as much), 0..1; 0.5 is no shift.
    missing_then, missing_now : float
        Shares, 0..1.
    size : str
        `none`, `moderate` or `major`: by the bounds, where it is beyond chance and beyond the usual.
    """

    name: str
    meaning: str
    psi: float
    chance: float
    usual: float | None
    gain_share: float | None
    higher: float
    missing_then: float
    missing_now: float
    size: str

    @property
    def words(self) -> str:
        """A sentence."""
        usual = f", at most {self.usual:.2f} in the year before" if self.usual is not None else ""
        return f"`{self.name}` ({self.meaning}) is {self._how()}: PSI {self.psi:.2f}{usual}"

    def _how(self) -> str:
        gone = self.missing_now - self.missing_then
        if abs(gone) > abs(self.higher - 0.5):
            return f"missing for {self.missing_now:.0%} of the customers instead of {self.missing_then:.0%}"
        if abs(self.higher - 0.5) < EITHER_WAY:
            return "spread otherwise than in training"
        return f"{'higher' if self.higher > 0.5 else 'lower'} than in training"


@dataclass(frozen=True)
class Apart:
    """How well a small model tells customers of the two days apart.

    Parameters
    ----------
    auc : float
        On rows that it has not seen; 0.5 where the days are alike.
    low, high : float
        90 % interval.
    n_then, n_now, features : int
    telling : tuple of str
        What told the days apart, the most telling first.
    """

    auc: float
    low: float
    high: float
    n_then: int
    n_now: int
    features: int
    telling: tuple[str, ...]


@dataclass(frozen=True)
class Drift:
    """All that is said of drift.

    Parameters
    ----------
    features : tuple of Moved
        Those that moved most first.
    predictions : tuple of Moved
    apart : Apart or None
        None with too few rows, or where no feature is left.
    new_values : dict
        As `profile.new_values`.
    """

    features: tuple[Moved, ...]
    predictions: tuple[Moved, ...]
    apart: Apart | None
    new_values: Mapping[str, Mapping[str, Any]]

    def figures(self) -> dict[str, Any]:
        """JSON-safe form."""
        return {
            "features": [asdict(one) for one in self.features],
            "predictions": [asdict(one) for one in self.predictions],
            "apart": None if self.apart is None else asdict(self.apart) | {"telling": list(self.apart.telling)},
            "new_values": {name: dict(found) for name, found in self.new_values.items()},
        }


def drift_of(
    profile: Mapping[str, Any],
    features: Sequence[Mapping[str, Any]],
    then: pd.DataFrame | None = None,
    now: pd.DataFrame | None = None,
    seed: int = 0,
) -> Drift:
    """What the counts of a run tell.

    Parameters
    ----------
    profile : mapping
        As `Counting.to_dict` gives it, with ``new_values``.
    features : sequence of mapping
        ``name``, ``meaning``, ``gain_share`` of the training run.
    then, now : DataFrame, optional
        Rows as numbers of bins, of the day of training and of the run.
    """
    bins = profile["bins"]
    known = {str(f["name"]): f for f in features}
    names = [name for name in bins if name not in PREDICTIONS]
    found = [_moved(name, bins[name], known.get(name, {}), len(names)) for name in names]
    said = [_moved(name, bins[name], {"meaning": _SAID[name]}, 1) for name in PREDICTIONS if name in bins]
    # A feature that moves by itself, such as the time as a customer, tells the days apart without any drift.
    still = [m.name for m in found if m.usual is None or m.usual < MODERATE]
    apart = None if then is None or now is None else tell_apart(then, now, still, seed)
    ordered = sorted(found, key=lambda m: (_SIZES.index(m.size), -m.psi, m.name))
    return Drift(tuple(ordered), tuple(said), apart, profile.get("new_values") or {})


_SAID = {"p_churn": "chance of not buying, as told", "expected_spend": "expected spend, as told"}
_SIZES = ("major", "moderate", "none")


def _moved(name: str, bins: Mapping[str, Any], known: Mapping[str, Any], of: int) -> Moved:
    then, now = (np.array(bins[key], np.int64) for key in ("trained", "now"))
    index, chance, usual = moved(then, now), by_chance(then, now, of), bins.get("usual")
    beyond = index > max(chance, usual or 0.0)
    size = "major" if beyond and index > MAJOR else "moderate" if beyond and index > MODERATE else "none"
    gain = known.get("gain_share")
    return Moved(
        name,
        str(known.get("meaning", name)),
        index,
        chance,
        None if usual is None else float(usual),
        None if gain is None else float(gain),
        _higher(then[:-1], now[:-1]),
        float(then[-1] / max(then.sum(), 1)),
        float(now[-1] / max(now.sum(), 1)),
        size,
    )


def by_chance(then: NDArray[np.int64], now: NDArray[np.int64], of: int = 1) -> float:
    """What the index of two samples of the same world passes once in a thousand such comparisons.

    Without drift it is about (1/n + 1/m) times a chi-square variable with one degree of freedom less than there are
    bins (Yurdakul & Naranjo 2020, doi:10.21314/JRMV.2020.227).

    Parameters
    ----------
    of : int
        So many columns are compared at once.

    Examples
    --------
    >>> ten = np.full(10, 20)
    >>> round(by_chance(ten, ten), 3)  # 2 / 200 times 27.877, which chi-square of 9 passes once in a thousand
    0.279
    """
    n, m = int(then.sum()), int(now.sum())
    if not n or not m:
        return float("inf")
    filled = int(((then + now) > 0).sum())
    return float((1 / n + 1 / m) * chi2.isf(CHANCE / of, max(filled - 1, 1)))


def _higher(then: NDArray[np.int64], now: NDArray[np.int64]) -> float:
    """P(now > then) + P(now = then) / 2 over bins."""
    if not then.sum() or not now.sum():
        return 0.5
    p, q = then / then.sum(), now / now.sum()
    return float((q * (np.cumsum(p) - 0.5 * p)).sum())


def tell_apart(then: pd.DataFrame, now: pd.DataFrame, features: Sequence[str], seed: int = 0) -> Apart | None:
    """Learn which day a row is of, on four fifths of the rows, and say it of the others.

    Rows are of different customers on the two days. What is constant on either day is left out: a calendar date is.
    """
    told = [f for f in features if f in then and f in now and then[f].nunique() > 1 and now[f].nunique() > 1]
    if min(len(then), len(now)) < LEAST_ROWS or not told:
        return None
    import xgboost as xgb

    codes = np.concatenate([then[told].to_numpy(np.float32), now[told].to_numpy(np.float32)])
    codes[codes == MISSING] = np.nan
    y = np.repeat([0.0, 1.0], [len(then), len(now)])
    generator = np.random.default_rng(seed)
    fold = np.concatenate([generator.permutation(len(part)) % FOLDS for part in (then, now)])
    setting = {"objective": "binary:logistic", "max_depth": 3, "eta": 0.1, "min_child_weight": 5.0, "seed": seed}
    p, gain = np.empty(len(y)), dict.fromkeys(told, 0.0)
    for k in range(FOLDS):
        learn = fold != k
        rows = xgb.DMatrix(codes[learn], y[learn], feature_names=told, nthread=1)
        booster = xgb.train({**setting, "nthread": 1}, rows, ROUNDS)
        p[~learn] = booster.predict(xgb.DMatrix(codes[~learn], feature_names=told, nthread=1))
        for name, value in booster.get_score(importance_type="total_gain").items():
            gain[name] += float(np.mean(value))
    figure = auc_of(y, p)
    ends = Resampling(np.arange(len(y)).astype(object), seed).interval(figure)
    auc = figure(np.ones(len(y)))
    if auc is None or ends is None:
        return None
    telling = sorted((n for n in told if gain[n] > 0), key=lambda n: (-gain[n], n))[:TOLD]
    return Apart(auc, *ends, len(then), len(now), len(told), tuple(telling))
