"""Two models on the same customers at the same cutoffs: who errs less, who earns more, and how sure that is.

In: out-of-time predictions of two models beside what came. Out: `Paired` rows and a `Comparison` of losses in pairs,
with 90 % intervals that draw customers. Money is two things: how far expected spend is from what was spent (Tweedie
deviance), and what a budget of contacts would have brought, spent by either list. Customers that only one of them has
are left out and counted; where a rival who was to speak had nothing to say, the simple rule speaks for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .budget import Budget, Campaign
from .grade import Gain
from .learnt import LEAST_OF_MEAN
from .metrics import Resampling, deviance, log_losses
from .scorecard import LEAST_FLOOR

Float64 = NDArray[np.float64]
KEYS = ["cutoff", "customer_id"]
SAID = (*KEYS, "p_churn", "expected_spend")
"""What a model says of a customer at a cutoff."""
CAME = ("churned", "spend", "at_stake")
"""What then came, and what was at stake."""
SAME = "the same to the last digit"


def said(predictions: pd.DataFrame, speaker: str, value_speaker: str) -> pd.DataFrame:
    """Out-of-time predictions of a backtest, by whoever speaks; columns `SAID` and `CAME`.

    Examples
    --------
    >>> row = {"cutoff": "2024-01-01", "customer_id": "a", "churned": 1.0, "spend": 0.0, "at_stake": 5.0}
    >>> told = {"p_churn_naive": 0.5, "p_churn_bg_nbd": np.nan, "value_naive": 2.0, "value_regulars": 3.0}
    >>> said(pd.DataFrame([row | told]), "bg_nbd", "regulars")[["p_churn", "expected_spend"]].iloc[0].tolist()
    [0.5, 3.0]
    """

    def by(kind: str, name: str) -> pd.Series[float]:
        return predictions[f"{kind}_{name}"].fillna(predictions[f"{kind}_naive"])

    told = {"p_churn": by("p_churn", speaker), "expected_spend": by("value", value_speaker)}
    return predictions[[*KEYS, *CAME]].assign(**told)


@dataclass(frozen=True)
class Paired:
    """What two models said of the same customers at the same cutoffs.

    Parameters
    ----------
    rows : DataFrame
        Sorted by cutoff and customer: `KEYS`, `CAME`, and ``p_churn`` and ``expected_spend`` of either, ending in
        ``_ours`` and ``_theirs``.
    alone : tuple of int
        Rows at these cutoffs that only one of them had: ours, theirs.
    """

    rows: pd.DataFrame
    alone: tuple[int, int]

    @classmethod
    def of(cls, ours: pd.DataFrame, theirs: pd.DataFrame) -> Paired:
        """Rows with the outcomes that ours knows, which has columns `SAID` and `CAME`; theirs needs `SAID` alone."""
        days = sorted(set(ours["cutoff"]) & set(theirs["cutoff"]))
        mine, other = (frame[frame["cutoff"].isin(days)] for frame in (ours, theirs[list(SAID)]))
        known = [frame[np.isfinite(frame[list(SAID[2:])].to_numpy(np.float64)).all(axis=1)] for frame in (mine, other)]
        rows = known[0].merge(known[1], on=KEYS, suffixes=("_ours", "_theirs"), validate="one_to_one")
        rows = rows.sort_values(KEYS, kind="stable", ignore_index=True)
        return cls(rows, (len(mine) - len(rows), len(other) - len(rows)))

    @property
    def cutoffs(self) -> list[str]:
        """The cutoffs at which both spoke, ascending."""
        return sorted(set(self.rows["cutoff"]))

    @property
    def customers(self) -> int:
        """How many different customers."""
        return int(self.rows["customer_id"].nunique())

    def column(self, name: str) -> Float64:
        """A column as floats."""
        return np.asarray(self.rows[name].to_numpy(np.float64))

    @property
    def theirs(self) -> pd.DataFrame:
        """What they said, and what came: columns `SAID` and `CAME`."""
        names = {f"{name}_theirs": name for name in SAID[2:]}
        return self.rows[[*KEYS, *CAME, *names]].rename(columns=names)


@dataclass(frozen=True)
class Comparison:
    """How our model did beside theirs.

    Parameters
    ----------
    churn : Gain or None
        By how many percent the log loss is smaller.
    value : Gain or None
        By how many percent the deviance of spend is smaller; None where nothing was spent.
    money : dict
        `gain` and `per_contacted` of either, and by how much ours earns more (`more`, `ci`), in currency; None where
        there was nobody to contact.
    losses : dict
        Mean log loss and deviance of either.
    rows, customers : int
    cutoffs : tuple of str
    alone : tuple of int
    """

    churn: Gain | None
    value: Gain | None
    money: Mapping[str, Any] | None
    losses: Mapping[str, Mapping[str, float | None]]
    rows: int
    customers: int
    cutoffs: tuple[str, ...]
    alone: tuple[int, int]

    @classmethod
    def of(cls, pairs: Paired, budget: Budget, seed: int) -> Comparison:
        """Compare pairs, of which there is one at least."""
        drawn = Resampling(pairs.rows["customer_id"].to_numpy(object), seed)
        churned = pairs.column("churned")
        log_loss = [log_losses(churned, pairs.column(f"p_churn_{who}")) for who in SIDES]
        costs = _deviances(pairs)
        means = (None, None) if costs is None else (float(costs[0].mean()), float(costs[1].mean()))
        losses: dict[str, dict[str, float | None]] = {
            "log_loss": dict(zip(SIDES, (float(log_loss[0].mean()), float(log_loss[1].mean())), strict=True)),
            "deviance": dict(zip(SIDES, means, strict=True)),
        }
        return cls(
            Gain.over(log_loss[0], log_loss[1], drawn),
            None if costs is None else Gain.over(costs[0], costs[1], drawn),
            _money(pairs, drawn, budget),
            losses,
            len(pairs.rows),
            pairs.customers,
            tuple(pairs.cutoffs),
            pairs.alone,
        )

    @property
    def words(self) -> tuple[str, ...]:
        """What was found, a sentence each."""
        found = [
            _said_of("predicting churn (log loss)", self.churn),
            _said_of("predicting spend (deviance)", self.value),
        ]
        if self.money is not None:
            found.append(f"contacts at the budget bring {_more(self.money)}")
        return tuple(text for text in found if text)

    def worse(self, tolerance: float) -> tuple[str, ...]:
        """In what ours is shown to be worse, or is worse in the point by more than a share; nothing where in nothing.

        A difference in money is told by its interval alone: few are contacted, and that a single one of them differs
        would exceed any tolerance.
        """
        found = []
        for what, gain in (("predicting churn (log loss)", self.churn), ("predicting spend (deviance)", self.value)):
            shown = gain is not None and gain.ci is not None and gain.ci[1] < 0
            if gain is not None and (shown or gain.percent < -100 * tolerance):
                limit = "" if shown else f", and {100 * tolerance:g} % are tolerated"
                found.append(f"{_said_of(what, gain)}{limit}")
        if self.money is not None and self.money["ci"] is not None and self.money["ci"][1] < 0:
            found.append(f"contacts at the budget bring {_more(self.money)}")
        return tuple(found)

    def figures(self) -> dict[str, Any]:
        """As plain values for JSON; `gain_percent` above 0 is in our favour."""

        def told(gain: Gain | None, losses: Mapping[str, float | None]) -> dict[str, Any]:
            ci = None if gain is None or gain.ci is None else list(gain.ci)
            return {**losses, "gain_percent": gain and gain.percent, "ci": ci}

        return {
            "cutoffs": list(self.cutoffs),
            "rows": self.rows,
            "customers": self.customers,
            "rows_of_one_side": list(self.alone),
            "log_loss": told(self.churn, self.losses["log_loss"]),
            "deviance": told(self.value, self.losses["deviance"]),
            "money": None if self.money is None else dict(self.money),
        }


SIDES = ("ours", "theirs")


def _deviances(pairs: Paired) -> list[Float64] | None:
    """Deviance per row of either; None where nothing was spent. The least prediction that counts is that of a backtest.

    It is told by what came at the cutoff, for both alike: what either was trained on may not be known any more.
    """
    spend = pairs.column("spend")
    _, day = np.unique(pairs.rows["cutoff"].to_numpy(str), return_inverse=True)
    spent = np.maximum(spend, 0)
    mean = np.bincount(day, spent) / np.bincount(day)
    if not mean.any():
        return None
    least = np.maximum(LEAST_OF_MEAN * mean, LEAST_FLOOR)[day]
    return [deviance(spend, np.maximum(pairs.column(f"expected_spend_{who}"), least)) for who in SIDES]


def _money(pairs: Paired, drawn: Resampling, budget: Budget) -> dict[str, Any] | None:
    """What either list would have brought, and the difference; contacts are chosen at each cutoff by itself."""
    cutoff, stake, churned = pairs.rows["cutoff"].to_numpy(object), pairs.column("at_stake"), pairs.column("churned")
    campaigns = []
    for day in pairs.cutoffs:
        here = cutoff == day
        risks = {who: pairs.column(f"p_churn_{who}")[here] for who in SIDES}
        campaigns.append(Campaign.run(risks, stake[here], churned[here], drawn.index[here], budget))
    together = Campaign.together(campaigns)
    if not together.open:
        return None
    figures = together.figures(SIDES, drawn)
    over: Any = figures["ours"]["over"]
    return {
        **{who: {name: figures[who][name] for name in ("gain", "per_contacted", "contacted")} for who in SIDES},
        "more": over["theirs"]["gain"],
        "ci": over["theirs"]["ci"],
    }


def _said_of(what: str, gain: Gain | None) -> str:
    if gain is None:
        return ""
    alike = gain.percent == 0 and gain.ci in (None, (0.0, 0.0))
    return f"errors in {what} are {SAME if alike else gain.words}"


def _more(money: Mapping[str, Any]) -> str:
    ends: Sequence[float] | None = money["ci"]
    if money["more"] == 0 and ends in (None, [0.0, 0.0]):
        return SAME
    size = f"{abs(money['more']):,.2f} {'more' if money['more'] >= 0 else 'less'}"
    return size if ends is None else f"{size} (with 90 % certainty {ends[0]:+,.2f} to {ends[1]:+,.2f})"
