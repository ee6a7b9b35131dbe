"""The gate: may a new model take the place of the champion?

In: what either said out of time, their grades and horizons, and what hinders the new one (it cannot be read, the ledger
lacks its columns). Out: a `Verdict` with its reasons in words and the figures behind them. Without a champion only the
absolute checks count. What cannot be compared is refused, not passed: somebody may still say otherwise, with a reason.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from .budget import Budget
from .grade import GRADES
from .metrics import Resampling, ece
from .paired import Comparison, Paired

if TYPE_CHECKING:
    from ..features.shape import Shape
    from ..production_sections import GateConfig

Float64 = NDArray[np.float64]
LEAST_CUSTOMERS = 50
"""Of fewer customers in common nothing can be shown."""
BINS = 10
KINDS = {"churn": "churn", "value": "spend"}


@dataclass(frozen=True)
class Contestant:
    """A model as the gate knows it.

    Parameters
    ----------
    said : DataFrame
        Columns `paired.SAID`; of the new model `paired.CAME` as well.
    grades : dict of str to str
        Of ``churn`` and ``value``.
    horizons : tuple of int
        In days, the primary one first.
    """

    said: pd.DataFrame
    grades: Mapping[str, str]
    horizons: tuple[int, ...]


@dataclass(frozen=True)
class Verdict:
    """Whether a model may be the champion, why, and the figures.

    Parameters
    ----------
    promote : bool
    reasons : tuple of str
        Why not; or, where it may, what was found.
    figures : dict
        As plain values for JSON.
    notes : tuple of str
        What to keep in mind either way.
    """

    promote: bool
    reasons: tuple[str, ...]
    figures: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The verdict in one sentence."""
        return f"{'passed' if self.promote else 'refused'}: {'; '.join(self.reasons)}"

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe form."""
        return {
            "promote": self.promote,
            "reasons": list(self.reasons),
            "notes": list(self.notes),
            "figures": dict(self.figures),
        }


def decide(
    challenger: Contestant,
    champion: Contestant | None,
    settings: GateConfig,
    budget: Budget,
    seed: int,
    hindrances: Sequence[str] = (),
) -> Verdict:
    """Judge a challenger; beside the champion, where there is one.

    Parameters
    ----------
    champion : Contestant or None
    settings : GateConfig
        What is tolerated.
    budget : Budget
        What contacts cost and bring.
    seed : int
        Of the intervals.
    hindrances : sequence of str
        What makes the challenger unfit, whatever it predicts.
    """
    calibration, compared = calibrated(challenger.said, seed), None
    found, notes, beside = [*calibration.words], list[str](), None
    reasons = [*hindrances, *_grades_unknown(challenger)]
    figures: dict[str, Any] = {
        "grade": {"challenger": dict(challenger.grades), "champion": champion and dict(champion.grades)},
        "calibration": calibration.figures(),
        "compared": None,
    }
    if champion is not None:
        reasons += _horizons_refused(challenger.horizons, champion.horizons)
        pairs = Paired.of(challenger.said, champion.said)
        if pairs.customers < LEAST_CUSTOMERS:
            reasons.append(
                f"it cannot be compared with the champion: {pairs.customers} customers at "
                f"{len(pairs.cutoffs)} common cutoffs, and {LEAST_CUSTOMERS} are needed"
            )
        else:
            compared, beside = Comparison.of(pairs, budget, seed), calibrated(pairs.theirs, seed)
            reasons += compared.worse(settings.tolerance)
            found = [*compared.words, *found]
            figures["compared"] = compared.figures()
            notes += _notes(compared)
        fallen, kept = _grades_fallen(challenger, champion, compared)
        reasons += [] if settings.allow_grade_c else fallen
        notes += kept
    else:
        found = ["there is no champion: only what holds for any model was asked", *found]
    reasons += calibration.off(settings, beside)
    return Verdict(not reasons, tuple(reasons or found), figures, tuple(notes))


@dataclass(frozen=True)
class Calibration:
    """How far predictions are off in all.

    Parameters
    ----------
    ece, chance : float
        Mean distance of chances from shares, and how much of that chance alone would bring were they right.
    bias : float or None
        Expected spend over what was spent; None where nothing was.
    ci : tuple of float, or None
        The 90 % interval of the bias.
    """

    ece: float
    chance: float
    bias: float | None
    ci: tuple[float, float] | None

    def off(self, settings: GateConfig, champion: Calibration | None = None) -> list[str]:
        """What is beyond the bounds, beyond doubt, and not as far off with the champion, where there is one.

        A season that nobody could know throws both off; to keep the one that is further off would help nobody.
        """
        found = []
        if self.ece - self.chance > settings.max_ece and (champion is None or champion.ece < self.ece):
            found.append(
                f"chances of silence are off by {self.ece:.3f} on average, of which chance explains {self.chance:.3f}; "
                f"{settings.max_ece:g} beyond it is allowed"
            )
        if self.bias is not None and (champion is None or champion.error < self.error):
            (low, high), least, most = self.ci or (self.bias, self.bias), 1 / settings.max_bias, settings.max_bias
            if high < least or low > most:
                sure = f"with 90 % certainty {low:.2f} to {high:.2f}"
                allowed = f"{least:.2f} to {most:.2f} is allowed"
                found.append(f"expected spend is {self.bias:.2f} times what was spent ({sure}); {allowed}")
        return found

    @property
    def error(self) -> float:
        """How far the sum is off, either way alike: |log(bias)|; 0 where nothing was spent."""
        return 0.0 if self.bias is None else abs(math.log(self.bias)) if self.bias > 0 else math.inf

    @property
    def words(self) -> list[str]:
        """What was found, where it is within the bounds."""
        said = f"chances of silence are off by {self.ece:.3f} on average, of which chance explains {self.chance:.3f}"
        return [said] if self.bias is None else [said, f"expected spend is {self.bias:.2f} times what was spent"]

    def figures(self) -> dict[str, Any]:
        """As plain values for JSON."""
        ci = None if self.ci is None else list(self.ci)
        return {"ece": self.ece, "ece_by_chance": self.chance, "bias": self.bias, "bias_ci": ci}


def calibrated(said: pd.DataFrame, seed: int) -> Calibration:
    """How far what a model said out of time is off from what came."""
    churned, p, spend, expected = (
        np.asarray(said[name].to_numpy(np.float64)) for name in ("churned", "p_churn", "spend", "expected_spend")
    )
    total = float(spend.sum())
    bias, ci = None, None
    if total > 0:
        bias = float(expected.sum()) / total
        ci = Resampling(said["customer_id"].to_numpy(object), seed).mean_interval(expected, spend)
    return Calibration(ece(churned, p, BINS), ece_by_chance(p, BINS), bias, ci)


def ece_by_chance(p: Float64, bins: int = BINS) -> float:
    """The calibration error that is expected of chances that are right, as only so many customers show it.

    The error of a bin is the mean of independent outcomes, nearly normal: its absolute size is expected to be
    sqrt(2 / pi) times its standard deviation.

    Examples
    --------
    >>> round(ece_by_chance(np.full(100, 0.5), 1), 4)  # sqrt(2 / pi) x sqrt(100 x .25) / 100
    0.0399
    """
    of_bin = ((rankdata(p, method="max") - 1) * bins // len(p)).astype(np.int64)
    return float(np.sqrt(2 / np.pi * np.bincount(of_bin, p * (1 - p))).sum() / len(p))


def lacking(shape: Shape, columns: Sequence[str], tables: Sequence[str]) -> list[str]:
    """What a model looks at that a ledger has not, a sentence each.

    Examples
    --------
    >>> from regulars.features.shape import Shape
    >>> lacking(Shape(columns=("discount",), kinds=("visit",)), ["amount"], [])
    ['the ledger lacks the column discount', 'the ledger lacks the table events']
    """
    found = [f"the ledger lacks the column {name}" for name in shape.columns if name not in columns]
    return [*found, *(f"the ledger lacks the table {name}" for name in shape.beside if name not in tables)]


def _grades_unknown(challenger: Contestant) -> list[str]:
    lacking = [subject for kind, subject in KINDS.items() if challenger.grades.get(kind) not in GRADES]
    return [f"nobody knows the grade of what it says of {subject}" for subject in lacking]


def _grades_fallen(
    challenger: Contestant, champion: Contestant, compared: Comparison | None
) -> tuple[list[str], list[str]]:
    """Grades that fell to C: where pairs do not clear it, and where they do.

    A grade is of the windows of its own examination: what a season makes of it says nothing of who is better. With a C
    the best rival speaks, and what is compared in pairs is what is spoken.
    """
    fallen, cleared = [], []
    for kind, subject in KINDS.items():
        mine, other = challenger.grades.get(kind), champion.grades.get(kind)
        if mine != "C" or other not in ("A", "B"):
            continue
        gain = None if compared is None else {"churn": compared.churn, "value": compared.value}[kind]
        told = f"the grade of what it says of {subject} is C, and the champion's is {other}"
        if gain is None or gain.percent < 0:
            fallen.append(f"{told} (allow_grade_c in [gate])")
        else:
            cleared.append(f"{told}, of other windows; at the same cutoffs it is no worse")
    return fallen, cleared


def _horizons_refused(mine: Sequence[int], others: Sequence[int]) -> list[str]:
    gone = [h for h in others if h not in mine]
    found = [f"the champion speaks of {h} days, and it does not" for h in gone]
    if not gone and mine[0] != others[0]:
        found.append(
            f"it speaks of {mine[0]} days first, and the champion of {others[0]}: these are different questions"
        )
    return found


def _notes(compared: Comparison) -> list[str]:
    ours, theirs = compared.alone
    found = []
    if ours or theirs:
        found.append(
            f"{compared.rows:,} predictions are compared; {ours:,} more are the challenger's alone, and {theirs:,} the "
            "champion's: the two do not speak of the same customers"
        )
    return found
