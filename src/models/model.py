"""The product's model: all that was learnt on a day, with all that scoring needs to know.

In: purchases, or panel rows, as of a day. Out: one row of scores per customer, and one per customer and horizon. What
is said of a customer depends on nothing but his own past, the day and the `Reference`: alone or among a million others
he gets the same to the bit. Missing: intervals where nothing teaches them are NaN; dates that are not expected are "".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..clock import Cutoff
from ..errors import DataError
from ..features.family import Plan, plan_for
from ..features.history import Beside, History
from ..features.lines import Lines
from ..features.modules import Source
from ..features.panel import Label, Panel, panel_block
from ..features.reference import Reference
from ..features.shape import Shape
from ..schema import Rules
from .churn import Churn
from .intervals import Intervals
from .learnt import Learnt
from .lifetime import Lifetime
from .naive import NaiveChurn, NaiveValue
from .next_order import TAIL
from .outputs import HORIZON_ROWS, SCORES, Wanted
from .prior import Prior
from .profile import Profile
from .prospects import Prospects
from .sample import Sample, at_risk
from .speakers import Foreseen, foreseen, spoken
from .statements import Said, Statements
from .usual import Usual
from .value import Value
from .worth import LifetimeValues, Total

Float64 = NDArray[np.float64]

BLOCK = 20_000
"""So many rows are scored at a time."""


def _rows(sample: Sample, start: int) -> NDArray[np.int64]:
    return np.arange(start, min(start + BLOCK, sample.n_rows))


@dataclass(frozen=True)
class Told:
    """What a model says of some rows.

    Parameters
    ----------
    scores : DataFrame
        One row each, columns `SCORES`.
    horizons : DataFrame
        One row each and horizon, columns `HORIZON_ROWS`.
    lives : LifetimeValues
        Their lifetime values, of which a total is made.
    total : Total
        These together.
    """

    scores: pd.DataFrame
    horizons: pd.DataFrame
    lives: LifetimeValues
    total: Total


@dataclass(frozen=True)
class Model:
    """A model ready to score.

    Parameters
    ----------
    trained_on : Cutoff
        The day on which it was trained: it has seen no label whose window ends later.
    learnt : Learnt
        The models of every horizon, the primary one first.
    trust : dict of int to Intervals
        How far what is said of spend may be trusted, by horizon; empty where nothing teaches it.
    lifetime : Lifetime
    speaker, value_speaker : str
        Who speaks of churn, and who of spend: `regulars`, or by grade C the rival that did best, `bg_nbd`,
        `pareto_nbd` or `naive`.
    high_value : float or None
        From what expected spend on a customer is of high value.
    usual : Usual
        The median customer of the day of training.
    prior, reference
        The classical models, and what other customers tell, as of the day of training.
    history_starts : Cutoff
        When the training ledger starts: earlier windows are missing.
    rules : Rules
    shape : Shape
        What the training ledger had; it decides which features there are.
    active_within_days : int or None
        Customers silent for longer get no score.
    modules : tuple of Source
        The user's own feature families, as text.
    prospects : Prospects or None
        What becomes of people who have not bought yet; None where nobody is known to be one.
    profile : Profile or None
        What the customers looked like on the day of training, by which drift is told.
    begins : dict of str to Cutoff
        The first day that each table beside the purchases covered in training.
    currency : str
        Of the ledger; before amounts in reasons.
    """

    trained_on: Cutoff
    learnt: Learnt
    trust: Mapping[int, Intervals]
    lifetime: Lifetime
    speaker: str
    value_speaker: str
    high_value: float | None
    usual: Usual
    prior: Prior
    reference: Reference
    history_starts: Cutoff
    rules: Rules
    shape: Shape
    active_within_days: int | None = None
    modules: tuple[Source, ...] = field(default=())
    prospects: Prospects | None = None
    profile: Profile | None = None
    begins: Mapping[str, Cutoff] = field(default_factory=dict)
    currency: str = ""

    @cached_property
    def plan(self) -> Plan:
        """The features it looks at; worked out once, as a request has a few customers only."""
        return plan_for(self.shape)

    @property
    def horizon_days(self) -> int:
        """The primary horizon."""
        return self.learnt.horizons[0]

    @cached_property
    def days(self) -> tuple[int, ...]:
        """Every horizon that the prior must speak of; a panel needs the spend of so many days before."""
        return tuple(sorted({*self.learnt.days, *TAIL}))

    @cached_property
    def trailing(self) -> tuple[int, ...]:
        """The days whose spend before the cutoff is looked at: by the simplest rule of spend alone."""
        return self.days if self.value_speaker == "naive" else ()

    @property
    def churn(self) -> Churn:
        """Churn at the primary horizon."""
        return self.learnt.churn

    @property
    def value(self) -> Value:
        """Value at the primary horizon."""
        return self.learnt.value

    @property
    def rule(self) -> NaiveChurn:
        """The simplest rule of who falls silent."""
        return self.learnt.rule

    @property
    def value_rule(self) -> NaiveValue:
        """The simplest rule of what is spent."""
        return self.learnt.value_rule

    def sample_of(self, panel: Panel) -> Sample:
        """The rows at risk of a panel, with what the prior says of them at all horizons."""
        panel = at_risk(panel, self.active_within_days)
        # Of days that only the timing asks for, the prior's orders would be worked out for nothing.
        spoken = self.learnt.spoken
        priors = self.prior.over(panel.rhythm, {h: h in spoken for h in self.days})
        return Sample(panel, priors, Label(self.horizon_days), self.history_starts)

    def p_churn(self, sample: Sample) -> Float64:
        """P(no purchase in the primary horizon) per row, by whoever speaks."""
        return spoken(self.speaker, self.churn, self.rule, sample)

    def foreseen(self, sample: Sample) -> Foreseen:
        """What whoever speaks says of all horizons."""
        return foreseen(self.learnt, sample, self.speaker, self.value_speaker)

    def scores(self, panel: Panel) -> pd.DataFrame:
        """One row per row at risk of the panel, columns `SCORES`, in the panel's order."""
        return self.scored(self.sample_of(panel)).scores

    def scored(self, sample: Sample) -> Told:
        """All that is said of the rows of a sample, in their order."""
        # A row depends on nothing but itself; fewer at a time stay in memory that is already at hand.
        starts = range(0, max(sample.n_rows, 1), BLOCK)
        blocks = [sample if len(starts) == 1 else sample.take(_rows(sample, start)) for start in starts]
        scores, horizons, lives = zip(*(self._scored(block) for block in blocks), strict=True)
        told, longer = ((p[0] if len(p) == 1 else pd.concat(p, ignore_index=True)) for p in (scores, horizons))
        life = LifetimeValues.together(lives)
        return Told(told, longer, life, self.lifetime.total(life))

    def _scored(self, sample: Sample) -> tuple[pd.DataFrame, pd.DataFrame, LifetimeValues]:
        told = Statements(self, sample)
        # Reasons take long: `score` asks for those of a few.
        scores = {name: told.whole("") if name == "reasons" else told.output(name) for name in SCORES}
        return pd.DataFrame(scores), self._horizon_rows(told), told.life

    def _horizon_rows(self, told: Statements) -> pd.DataFrame:
        who = {name: told.output(name) for name in ("customer_id", "as_of")}
        horizons, said = sorted(self.learnt.horizons), HORIZON_ROWS[len(who) :]
        parts = [pd.DataFrame({**who, **{name: told.over(h, name) for name in said}}) for h in horizons]
        # By customer, then horizon: stable, as the customers stand in the order of their ids.
        order = np.arange(told.sample.n_rows * len(parts)).reshape(len(parts), told.sample.n_rows).T.ravel()
        return pd.concat(parts, ignore_index=True).take(order).reset_index(drop=True)

    def said(
        self,
        lines: Lines,
        as_of: Cutoff,
        wanted: Wanted,
        reference: Reference | None = None,
        beside: Beside | None = None,
    ) -> Said:
        """What is wanted of the customers of some lines as of a day, seeing only what was before it; no more is done.

        Parameters
        ----------
        reference : Reference, optional
            Of that day; default: what the model knows from its training.
        beside : Beside, optional
            What stands beside the purchases; needed where the model looks at it.

        Raises
        ------
        DataError
            When the model looks at more than purchases, or was trained after the day.
        """
        whole = self._panel_at(lines, as_of, reference, beside)
        sample = self.sample_of(whole)
        columns = Statements(self, sample).columns(wanted)
        return Said.of(lines.customer_ids, whole, sample.panel, columns)

    def scores_of(
        self, lines: Lines, as_of: Cutoff, reference: Reference | None = None, beside: Beside | None = None
    ) -> pd.DataFrame:
        """Scores of the customers of some lines as of a day, seeing only what was before it."""
        return self.scored(self.sample_at(lines, as_of, reference, beside)).scores

    def sample_at(
        self, lines: Lines, as_of: Cutoff, reference: Reference | None = None, beside: Beside | None = None
    ) -> Sample:
        """The rows at risk of some lines as of a day, as `sample_of` gives them."""
        return self.sample_of(self._panel_at(lines, as_of, reference, beside))

    def _panel_at(self, lines: Lines, as_of: Cutoff, reference: Reference | None, beside: Beside | None) -> Panel:
        if self.shape.beside and beside is None:
            raise DataError(
                "the model looks at more than purchases",
                needed="what is known of the customers beside their purchases",
                do="score the ledger, which has these tables, instead of purchases sent alone",
                offending=self.shape.beside,
                code="RG093",
            )
        history = History(lines, self.rules, self.history_starts, beside)
        known = reference if reference is not None else self.reference.at(as_of.day)
        return panel_block(history, self.plan, known, [as_of], (), self.trailing)
