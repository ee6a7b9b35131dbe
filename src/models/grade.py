"""The grade: whether the product's model is surely better than the rivals that need no learning, and who speaks if not.

In: each model's loss per out-of-time row (NaN where it could not be fitted), and whose row it is. Out: a `Grade`: A, B
or C, the gains behind it with intervals paired by customer, the champion, and all that in one sentence. The same for
churn (log loss) and value (deviance).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from .metrics import Resampling

Float64 = NDArray[np.float64]
PRODUCT, RULE, CLASSICS = "regulars", "naive", ("bg_nbd", "pareto_nbd")
NAMES = {"regulars": "Regulars", "naive": "the simple rule", "bg_nbd": "BG/NBD", "pareto_nbd": "Pareto/NBD"}
TOLERATED_PERCENT = 1.0
"""A model of grade B is at most so much worse than the better classical model."""
GRADES = ("A", "B", "C")


@dataclass(frozen=True)
class Gain:
    """By how many percent the product's loss is smaller than a rival's, and the 90 % interval of that.

    Parameters
    ----------
    percent : float
        Negative where the rival is better.
    ci : tuple of two floats, or None
        None where customers are too few for an interval.
    """

    percent: float
    ci: tuple[float, float] | None

    @classmethod
    def over(cls, ours: Float64, theirs: Float64, drawn: Resampling) -> Gain | None:
        """The gain in summed losses of the same rows; None when the rival has no loss to make smaller.

        Examples
        --------
        >>> Gain.over(np.array([1.0, 1.0]), np.array([2.0, 2.0]), Resampling(np.array(["a", "b"], object), 0))
        Gain(percent=50.0, ci=(50.0, 50.0))
        """
        if not theirs.sum() > 0:
            return None
        ci = drawn.mean_interval(theirs - ours, theirs)
        percent = float(100 * (theirs - ours).sum() / theirs.sum())
        return cls(percent, None if ci is None else (100 * ci[0], 100 * ci[1]))

    @property
    def sure(self) -> bool:
        """Whether the interval lies above 0."""
        return self.ci is not None and self.ci[0] > 0

    @property
    def words(self) -> str:
        """The gain as a marketer says it.

        Examples
        --------
        >>> Gain(1.26, (-0.5, 3.0)).words
        '1.3 % smaller, with 90 % certainty between 0.5 % larger and 3.0 % smaller'
        >>> Gain(-2.0, (-3.0, -1.0)).words
        '2.0 % larger, with 90 % certainty 1.0 to 3.0 % larger'
        """
        if self.ci is None:
            return f"{_sized(self.percent)}, of too few customers to say more"
        low, high = self.ci
        ends = f"between {_sized(low)} and {_sized(high)}"
        if low >= 0 or high < 0:  # on one side, so that one word does for both ends
            ends = f"{min(abs(low), abs(high)):.1f} to {_sized(high if low >= 0 else low)}"
        return f"{_sized(self.percent)}, with 90 % certainty {ends}"


def _sized(percent: float) -> str:
    size = f"{abs(percent):.1f}"
    # Just beyond what is tolerated must not read as what is tolerated.
    if percent < -TOLERATED_PERCENT and float(size) <= TOLERATED_PERCENT:
        size = f"{math.ceil(-100 * percent) / 100:.2f}"
    return f"{size} % {'smaller' if percent >= 0 else 'larger'}"


@dataclass(frozen=True)
class Grade:
    """What the model deserves, and who speaks.

    Parameters
    ----------
    grade : "A", "B" or "C"
    champion : str
        The model that speaks: the product's own with A and B, else the better classical model or the simple rule.
    btyd : str or None
        The better classical model, chosen in hindsight, which favours it; None when neither could be fitted.
    gains : dict of str to Gain
        Over the simple rule and the classical models, where they can be compared.
    words : str
        One sentence.
    """

    grade: Literal["A", "B", "C"]
    champion: str
    btyd: str | None
    gains: Mapping[str, Gain]
    words: str

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe form; `from_dict` gives the same back."""
        gains = {
            name: {"percent": g.percent, "ci": None if g.ci is None else list(g.ci)} for name, g in self.gains.items()
        }
        return {**asdict(self), "gains": gains}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`.

        Raises
        ------
        DataError
            ``RG156`` when the content is not a grade.
        """
        try:
            gains = {
                str(name): Gain(
                    float(g["percent"]), None if g["ci"] is None else (float(g["ci"][0]), float(g["ci"][1]))
                )
                for name, g in content["gains"].items()
            }
            found = cls(content["grade"], content["champion"], content["btyd"], gains, content["words"])
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise DataError(f"this is not a grade: {error!r}", code="RG156") from None
        if found.grade not in GRADES or found.champion not in NAMES:
            raise DataError(f"this is not a grade: {found.grade}, champion {found.champion}", code="RG156")
        return found


def graded(losses: Mapping[str, Float64], customer: NDArray[np.object_], seed: int, subject: str) -> Grade:
    """The grade of the product's model on out-of-time rows of all origins.

    A: the interval of the gain lies above 0 against the simple rule and against the better classical model. B: above 0
    against the rule, and not more than 1 % worse than the better classical model, or neither of them could be fitted.
    C: otherwise; then the better of the classical model and the rule is the champion.

    Parameters
    ----------
    losses : dict of str to ndarray of shape (n_rows,)
        Loss per row of the product, the rule and the classical models; rows of NaN where one could not be fitted.
    customer : ndarray of object, shape (n_rows,)
        Whose row it is: intervals draw customers, so that the rows of one stay together, also where windows overlap.
    seed : int
    subject : str
        What is predicted, as in "predictions of ...".

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> rule = rng.uniform(1, 2, 99)
    >>> who = np.array([f"c{i}" for i in range(99)], object)
    >>> found = graded({"regulars": 0.8 * rule, "naive": rule, "bg_nbd": 0.9 * rule}, who, 0, "churn")
    >>> found.grade, found.champion, found.btyd, round(found.gains["naive"].percent, 6)
    ('A', 'regulars', 'bg_nbd', 20.0)
    """
    gains: dict[str, Gain] = {}
    for rival in (RULE, *CLASSICS):
        rows = np.isfinite(losses[rival]) if rival in losses else np.zeros(len(customer), np.bool_)
        if rows.any():
            gain = Gain.over(losses[PRODUCT][rows], losses[rival][rows], Resampling(customer[rows], seed))
            gains |= {rival: gain} if gain is not None else {}
    btyd = better_classic(losses)
    grade = _grade(gains.get(RULE), gains.get(btyd or ""), btyd)
    champion = PRODUCT if grade != "C" else _best_rival(losses, btyd)
    return Grade(grade, champion, btyd, gains, _words(grade, champion, btyd, gains, subject))


def better_classic(losses: Mapping[str, Float64]) -> str | None:
    """The classical model of less loss; one that has no prediction of some origins gives way to one that has.

    Examples
    --------
    >>> better_classic({"bg_nbd": np.array([1.0, np.nan]), "pareto_nbd": np.array([2.0, 2.0])})
    'pareto_nbd'
    """
    known = {name: losses[name][np.isfinite(losses[name])] for name in CLASSICS if name in losses}
    fitted = [name for name, found in known.items() if len(found)]
    return min(fitted, key=lambda name: (-len(known[name]), known[name].mean(), name), default=None)


def _grade(rule: Gain | None, classic: Gain | None, btyd: str | None) -> Literal["A", "B", "C"]:
    if rule is None or not rule.sure:
        return "C"
    if btyd is None:
        return "B"
    if classic is None or classic.percent < -TOLERATED_PERCENT:
        return "C"
    return "A" if classic.sure else "B"


def _best_rival(losses: Mapping[str, Float64], btyd: str | None) -> str:
    """Who speaks instead: the better of the two on the rows that both have; the rule where they are equal."""
    if btyd is None:
        return RULE
    rows = np.isfinite(losses[btyd])
    return btyd if losses[btyd][rows].mean() < losses[RULE][rows].mean() else RULE


def _words(
    grade: Literal["A", "B", "C"], champion: str, btyd: str | None, gains: Mapping[str, Gain], subject: str
) -> str:
    """The grade in one sentence, with its figures."""

    def than(rival: str, whose: str) -> str:
        return f"{whose} ({gains[rival].words})" if rival in gains else f"{whose} (cannot be compared)"

    rule, classic = gains.get(RULE), gains.get(btyd or "")
    of_rule = than(RULE, "the simple rule's")
    of_classic = (
        than(btyd, f"those of the better classical model, {NAMES[btyd]}")
        if btyd
        else "a classical model's, as none could be fitted"
    )
    if grade == "A":
        return f"Grade A: errors in predicting {subject} are surely smaller than {of_rule} and {of_classic}."
    if grade == "B":
        verb = "not compared with" if btyd is None else "no more than 1 % larger than"
        return f"Grade B: errors in predicting {subject} are surely smaller than {of_rule}, and {verb} {of_classic}."
    why = []
    if rule is None or not rule.sure:
        why.append(f"not surely smaller than {of_rule}")
    if classic is not None and classic.percent < -TOLERATED_PERCENT:
        why.append(f"more than 1 % larger than {of_classic}")
    elif classic is None and btyd is not None:
        why.append(f"not comparable with {of_classic}")
    because = "as no classical model could be fitted" if btyd is None else "which erred less of these two rivals"
    instead = f"{NAMES[champion]}, {because}, speaks instead"
    return f"Grade C: errors in predicting {subject} are {' and '.join(why)}; {instead}."
