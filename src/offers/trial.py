"""An experiment, as it was drawn and as it ended: a row a customer, whoever ran it.

In: an arm a customer, outcomes, what was known before, and who drew the arms. Out: a checked `Trial`. An outcome that
is missing is an error, since a customer may not leave an experiment because of how it went; a covariate may be missing.
`randomised` says how the arms were drawn; None says that somebody chose, and then no effect is concluded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
POINTS = "points"
"""The unit of an outcome that happens or does not: points of percent."""


@dataclass(frozen=True)
class Trial:
    """Customers of an experiment.

    Parameters
    ----------
    arms : tuple of str
        Names; the first is the control.
    arm : ndarray of int64, shape (n,)
        Which arm a customer was assigned to, whatever then reached him.
    outcomes : dict of str to ndarray of float64, shape (n,)
    units : dict of str to str
        Of outcomes: `POINTS` for what happens (1) or not (0), a currency, or nothing.
    covariates : ndarray of float64, shape (n, k)
        From before the assignment, the most telling first; NaN where not known.
    names : tuple of str
        Of the covariates.
    randomised : str or None
        How the arms were drawn, in words; None where nobody drew.
    shares : dict of str to float, optional
        The share each arm was drawn with, to be held against what came.
    propensity : ndarray of float64, shape (n,), optional
        The chance, before the draw, of the arm that the customer is in; where left out it is the same for all.
    strata : ndarray of int64, shape (n,), optional
        Groups within which was drawn, such as waves.
    cluster : ndarray of int64, shape (n,), optional
        Rows of one customer, where one may have several.

    Raises
    ------
    DataError
        ``RG440``: arrays of different length, an unknown arm, an outcome that is missing, a chance outside (0, 1].
    """

    arms: tuple[str, ...]
    arm: Int64
    outcomes: Mapping[str, Float64]
    covariates: Float64
    names: tuple[str, ...]
    randomised: str | None
    units: Mapping[str, str] = field(default_factory=dict)
    shares: Mapping[str, float] | None = None
    propensity: Float64 | None = None
    strata: Int64 | None = None
    cluster: Int64 | None = None

    def __post_init__(self) -> None:
        n = len(self.arm)
        beside = [self.covariates, *self.outcomes.values(), self.propensity, self.strata, self.cluster]
        if any(len(values) != n for values in beside if values is not None) or self.covariates.ndim != 2:
            raise DataError("the columns of the experiment differ in length", code="RG440")
        inside = ((self.arm >= 0) & (self.arm < len(self.arms))).all()
        if len(self.arms) < 2 or not inside:
            needed = "a control and another arm at least, each customer in one of them"
            raise DataError("the arms of the experiment are not clear", needed=needed, code="RG440")
        lacking = {name: int((~np.isfinite(values)).sum()) for name, values in self.outcomes.items()}
        if any(lacking.values()):
            raise DataError(
                "outcomes are missing",
                needed="one for every customer who was assigned: who did nothing has 0",
                do="fill in 0 where nothing happened; leave nobody out because of how it went",
                offending=[f"`{name}` of {count:,} customers" for name, count in lacking.items() if count],
                code="RG440",
            )
        if self.propensity is not None and not ((self.propensity > 0) & (self.propensity <= 1)).all():
            raise DataError("a propensity is not above 0 and at most 1", code="RG440")

    @property
    def n(self) -> int:
        """How many rows."""
        return len(self.arm)

    @classmethod
    def of(
        cls,
        frame: pd.DataFrame,
        arm: str,
        control: str,
        outcomes: Sequence[str],
        covariates: Sequence[str] = (),
        *,
        randomised: str | None,
        shares: Mapping[str, float] | None = None,
        propensity: str | None = None,
        strata: str | None = None,
        customer: str | None = None,
        currency: str = "",
    ) -> Trial:
        """An experiment that was run elsewhere, from a frame with a row for each customer who was assigned.

        Parameters
        ----------
        frame : DataFrame
        arm, control : str
            The column of arms, and the value in it that means: nothing was done.
        outcomes : sequence of str
            Columns of numbers; one that holds only 0 and 1 is said in points of percent.
        covariates : sequence of str
            Columns of numbers or texts from before the assignment; texts become a column for each value.
        randomised : str or None
            How the arms were drawn; None if they were not.
        shares : dict of str to float, optional
            By value of `arm`.
        propensity, strata, customer : str, optional
            Further columns; `customer` where one has several rows.

        Examples
        --------
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"mail": ["no", "yes"] * 2, "visit": [0, 1, 1, 1], "before": [3.0, 2.0, 5.0, 4.0]})
        >>> trial = Trial.of(frame, "mail", "no", ["visit"], ["before"], randomised="drawn by lot")
        >>> trial.arms, trial.arm.tolist(), trial.units["visit"]
        (('no', 'yes'), [0, 1, 0, 1], 'points')
        """
        named = [arm, *outcomes, *covariates, *(c for c in (propensity, strata, customer) if c)]
        for name in named:
            if name not in frame.columns:
                raise DataError(
                    f"the experiment has no column `{name}`",
                    do=did_you_mean(name, map(str, frame.columns)),
                    code="RG441",
                )
        labels = frame[arm].astype(str).to_numpy(object).astype(str)
        if bool(frame[arm].isna().any()) or control not in set(labels):
            raise DataError(
                f"`{arm}` must name an arm for every customer, and `{control}` must be one of them", code="RG441"
            )
        arms = (control, *sorted(set(labels.tolist()) - {control}))
        number = {name: i for i, name in enumerate(arms)}
        values = {name: frame[name].to_numpy(np.float64, na_value=np.nan) for name in outcomes}
        units = {name: POINTS if set(np.unique(v).tolist()) <= {0.0, 1.0} else currency for name, v in values.items()}
        matrix, names = _numbers(frame, covariates)
        return cls(
            arms,
            np.array([number[label] for label in labels], np.int64),
            values,
            matrix,
            names,
            randomised,
            units,
            shares,
            None if propensity is None else frame[propensity].to_numpy(np.float64),
            None if strata is None else _codes(frame[strata]),
            None if customer is None else _codes(frame[customer]),
        )

    def only(self, rows: NDArray[np.bool_]) -> Trial:
        """The same of some rows; the shares stay, which must be those of the rows."""
        return Trial(
            self.arms,
            self.arm[rows],
            {name: values[rows] for name, values in self.outcomes.items()},
            self.covariates[rows],
            self.names,
            self.randomised,
            self.units,
            self.shares,
            None if self.propensity is None else self.propensity[rows],
            None if self.strata is None else self.strata[rows],
            None if self.cluster is None else self.cluster[rows],
        )

    def capped(self, outcome: str, share: float = 0.995) -> Trial:
        """With one outcome more, in which nobody counts for more than a value that only few exceed.

        What it estimates is the effect on that capped outcome, not on the money itself: it tells whether a few large
        orders make the result, and never replaces it.

        Examples
        --------
        >>> arm, values = np.array([0, 1, 0, 1, 0]), {"spend": np.array([1.0, 2.0, 3.0, 4.0, 1000.0])}
        >>> found = Trial(("no", "yes"), arm, values, np.zeros((5, 0)), (), "drawn").capped("spend", 0.75)
        >>> {name: values.tolist() for name, values in found.outcomes.items() if name != "spend"}
        {'spend, at most 4.00 of each': [1.0, 2.0, 3.0, 4.0, 4.0]}
        """
        values = self.outcomes[outcome]
        high = float(np.quantile(values, share)) if len(values) else 0.0
        name = f"{outcome}, at most {high:,.2f} of each"
        more = {**self.outcomes, name: np.minimum(values, high)}
        units = {**self.units, name: self.units.get(outcome, "")}
        rest = (self.shares, self.propensity, self.strata, self.cluster)
        return Trial(self.arms, self.arm, more, self.covariates, self.names, self.randomised, units, *rest)


def _codes(values: pd.Series) -> Int64:
    import pandas as pd

    return np.asarray(pd.factorize(values, sort=True)[0], np.int64)


def _numbers(frame: pd.DataFrame, columns: Sequence[str]) -> tuple[Float64, tuple[str, ...]]:
    """Columns as numbers; a text becomes a column for each value but the first."""
    import pandas as pd

    found: dict[str, Float64] = {}
    for name in columns:
        values = frame[name]
        if pd.api.types.is_numeric_dtype(values):
            found[name] = values.to_numpy(np.float64, na_value=np.nan)
            continue
        texts = values.astype(str)
        for value in sorted(texts.unique())[1:]:
            found[f"{name}: {value}"] = (texts == value).to_numpy(np.float64)
    matrix = np.column_stack(list(found.values())) if found else np.zeros((len(frame), 0))
    return matrix, tuple(found)
