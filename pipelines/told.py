"""What a model says of every customer of a ledger as of a day, some at a time: the one way in which scores are made.

In: a ledger, a model, a day. Out: blocks of rows, customers in order of their ids, each with the rows' features and all
that is said of them. At most a few shards and one block are in memory; neither their size nor the number of threads
changes a bit. Customers beyond `active_within_days` have no row; without any there is one block without rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..clock import Cutoff
from ..engines import panels_of, reference_of, usable_threads
from ..errors import ConfigError, DataError
from ..features.family import Plan, plan_for
from ..features.panel import Panel, regrouped
from ..features.reference import Reference
from ..intake import Ledger, known_before
from ..models.model import BLOCK, Model, Told
from ..models.sample import Sample, at_risk
from ..progress import Progress


def plan_of(ledger: Ledger, model: Model, day: Cutoff) -> Plan:
    """What a model looks at in a ledger as of a day, if it is there.

    Raises
    ------
    ConfigError
        When the day lies before the ledger.
    DataError
        When the ledger lacks a column the model was trained with.
    """
    if day <= ledger.history_starts:
        raise ConfigError(f"nothing is known before {day}", needed=f"a day after {ledger.history_starts}", code="RG090")
    lacking = [c for c in model.shape.columns if c not in ledger.columns]
    if lacking:
        raise DataError("the ledger lacks columns that the model was trained with", offending=lacking, code="RG091")
    return plan_for(model.shape)


@dataclass(frozen=True)
class Telling:
    """A model about to speak of all customers of a ledger as of a day.

    Parameters
    ----------
    ledger : Ledger
        As far as it was known before the day.
    model : Model
    day : Cutoff
    plan : Plan
    reference : Reference
        What the other customers tell, as of the day.
    """

    ledger: Ledger
    model: Model
    day: Cutoff
    plan: Plan
    reference: Reference

    @classmethod
    def of(cls, ledger: Ledger, model: Model, day: Cutoff) -> Telling:
        """Look at the population first.

        Raises
        ------
        ConfigError, DataError
            As `plan_of`.
        """
        ledger = known_before(ledger, day)
        plan = plan_of(ledger, model, day)
        return cls(ledger, model, day, plan, reference_of(ledger, [day], plan))

    def panels(
        self, threads: int | None = None, progress: Progress | None = None, rows: int = BLOCK
    ) -> Iterator[Panel]:
        """The rows of those at risk, in blocks of so many."""
        ledger, model = self.ledger, self.model
        found = panels_of(
            ledger, self.plan, self.reference, [self.day], (), usable_threads(threads), progress, model.days
        )
        return regrouped((at_risk(panel, model.active_within_days) for panel in found), rows)

    def blocks(
        self, threads: int | None = None, progress: Progress | None = None, rows: int = BLOCK
    ) -> Iterator[tuple[Sample, Told]]:
        """The same with what the model says of them."""
        for panel in self.panels(threads, progress, rows):
            sample = self.model.sample_of(panel)
            yield sample, self.model.scored(sample)
