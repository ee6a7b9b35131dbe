"""Rows that models learn from or speak about: a panel, its prior columns, a horizon, and the labels known by a day.

In: a panel whose rows are in canonical order (customer, cutoff), and what the classical prior says of each horizon
that matters. Out: targets, weights and cuts of the rows. Rows whose customer is not at risk (no purchase for longer
than `active_within_days`) are left out everywhere alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff
from ..errors import DataError, NotEnoughData
from ..features.history import Future
from ..features.panel import Label, Panel
from .prior import PriorColumns
from .splits import MIN_TRAINING_CUTOFFS, refuse_peeking

Float64 = NDArray[np.float64]
Laid = dict[tuple[int, tuple[str, ...]], NDArray[np.float32]]
"""Features by the horizon of the prior among them and their names, shape (n_names, n_rows), a row's side by side."""
HALF_LIFE_DAYS = 180
MIN_OF_EACH = 50


@dataclass(frozen=True)
class Sample:
    """Panel rows with prior columns, for one horizon and one day of knowledge.

    Parameters
    ----------
    panel : Panel
    priors : dict of int to PriorColumns
        What the prior says of each row, by horizon in days.
    label : Label
        Which of the panel's targets are meant.
    starts : Cutoff
        First day that the history covers.
    share : float
        Of Pareto/NBD against BG/NBD where both speak of silence.
    laid : Laid or None
        Where the rows lie as boosters read them, for those who ask for the same again; None: nowhere.
    """

    panel: Panel
    priors: Mapping[int, PriorColumns]
    label: Label
    starts: Cutoff
    share: float = 0.5
    laid: Laid | None = field(default=None, repr=False, compare=False)

    @property
    def prior(self) -> PriorColumns:
        """What the prior says of the sample's own horizon."""
        return self.priors[self.label.horizon_days]

    @property
    def silent(self) -> Float64:
        """The prior's logit of silence in the horizon; NaN where neither model could be fitted."""
        return self.prior.silence(self.share)

    @property
    def n_rows(self) -> int:
        """How many rows."""
        return self.panel.n_rows

    @property
    def horizon_days(self) -> int:
        """Days of the target window."""
        return self.label.horizon_days

    @property
    def _future(self) -> Future:
        future = self.panel.targets[self.label]
        if self.n_rows and int(future.orders.min()) < 0:
            raise DataError("a target window runs past the data", do="use matured cutoffs only", code="RG043")
        return future

    @property
    def closed(self) -> bool:
        """Whether the windows of all rows had closed by the end of the data."""
        future = self.panel.targets.get(self.label)
        return future is not None and not (self.n_rows and int(future.orders.min()) < 0)

    @property
    def churned(self) -> Float64:
        """1 where no purchase fell into the window, else 0."""
        return np.asarray((self._future.orders == 0).astype(np.float64))

    @property
    def orders(self) -> Float64:
        """Purchases in the window."""
        return self._future.orders.astype(np.float64)

    @property
    def spend(self) -> Float64:
        """Signed spend in the window, in currency."""
        return self._future.spend

    @property
    def days_to_next(self) -> Float64:
        """Days from the cutoff to the first purchase in the window, 0 if that is on the very day; NaN without one."""
        first = self._future.first
        return np.where(first < 0, np.nan, first)

    @property
    def trailing(self) -> Float64:
        """Signed spend in the same number of days before the cutoff."""
        return self.panel.totals.trailing[self.horizon_days]

    @property
    def weight(self) -> Float64:
        """Recent cutoffs weigh more: half as much after max(2 h, 180) days."""
        half_life = max(2 * self.horizon_days, HALF_LIFE_DAYS)
        age = self.panel.cutoff_day.max(initial=0) - self.panel.cutoff_day
        return np.asarray(0.5 ** (age / half_life))

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Sample:
        """Some of the rows."""
        priors = {h: prior.take(rows) for h, prior in self.priors.items()}
        return replace(self, panel=self.panel.take(rows), priors=priors, laid=None)

    def over(self, horizon_days: int) -> Sample:
        """The same rows for another horizon, as far as the prior speaks of it."""
        return replace(self, label=Label(horizon_days, self.label.known_on))

    def at(self, cutoffs: tuple[Cutoff, ...]) -> Sample:
        """The rows of some cutoffs."""
        return self.take(np.isin(self.panel.cutoff_day, [c.day for c in cutoffs]))

    def matured_before(self, cutoff: Cutoff, lag_days: int) -> Sample:
        """The rows whose windows had closed, and labels were known, by a cutoff."""
        return self.take(self.panel.cutoff_day + self.horizon_days + lag_days <= cutoff.day)

    def teaching(self, day: Cutoff, lag_days: int) -> Sample | None:
        """The rows whose labels were known by a day; None where they are too few to learn from."""
        closed = self.panel.cutoff_day + self.horizon_days + lag_days <= day.day
        # Where all have, the same arrays serve every horizon: nothing is copied, and matrices of them can be shared.
        rows = self if closed.all() else self.take(closed)
        if len(np.unique(rows.panel.cutoff_day)) < MIN_TRAINING_CUTOFFS:
            return None
        gone = int(rows.churned.sum())
        return rows if min(gone, rows.n_rows - gone) >= MIN_OF_EACH else None

    def thinned(self, most: int, seed: int) -> Sample:
        """At most so many rows, drawn without replacement, still in canonical order."""
        return self if self.n_rows <= most else self.take(drawn(self.n_rows, most, seed))

    @property
    def day(self) -> Cutoff:
        """The one cutoff of all rows.

        Raises
        ------
        DataError
            When there are several, or no rows.
        """
        days = [Cutoff(d) for d in np.unique(self.panel.cutoff_day).tolist()]
        if len(days) != 1:
            needed = "rows of the one day on which one stands"
            raise DataError(f"{self.n_rows} rows of {len(days)} cutoffs", needed=needed, offending=days, code="RG266")
        return days[0]

    def known_by(self, day: Cutoff, lag_days: int) -> Sample:
        """Itself, if the labels of all rows were known by a day.

        Raises
        ------
        DataError
            When a window ends after that day, or what is said of it became known later.
        """
        days = [Cutoff(d) for d in np.unique(self.panel.cutoff_day).tolist()]
        refuse_peeking(days, self.horizon_days, lag_days, day)
        if self.label.known_on is not None:
            refuse_peeking([self.label.known_on], 0, 0, day)
        return self

    def checked(self) -> Sample:
        """Itself, if both outcomes occur often enough to learn from.

        Raises
        ------
        NotEnoughData
            With fewer than 50 rows of either outcome.
        """
        gone = int(self.churned.sum())
        stayed = self.n_rows - gone
        if min(gone, stayed) < MIN_OF_EACH:
            other = "longer" if stayed < gone else "shorter"
            raise NotEnoughData(
                f"of {self.n_rows} training rows {gone} were silent for {self.horizon_days} days and {stayed} were not",
                needed=f"at least {MIN_OF_EACH} of each",
                do=f"choose a {other} horizon, or bring more history or more customers",
                code="RG042",
            )
        return self


def drawn(n: int, most: int, seed: int) -> NDArray[np.int64]:
    """Positions of so many of `n` rows, without replacement, ascending.

    Examples
    --------
    >>> len(drawn(10, 4, 0)), bool((np.diff(drawn(10, 4, 0)) > 0).all())
    (4, True)
    """
    return np.sort(np.random.default_rng(seed).permutation(n)[:most])


def at_risk(panel: Panel, active_within_days: int | None) -> Panel:
    """The rows whose customer bought within so many days before the cutoff; all of them if not asked for."""
    if active_within_days is None:
        return panel
    there = panel.recency_days <= active_within_days
    return panel if there.all() else panel.take(there)
