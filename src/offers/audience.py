"""Whom a wave is about: what a model says of every customer, what is known of them, how they were treated of late.

In: published scores, the customers' declared attributes, contacts and offers of the past. Out: an `Audience` with one
row a scored customer, ids ascending. A number that is missing is NaN, a text None; no rule takes who is missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff
from ..errors import DataError
from ..models.outputs import OUTPUTS
from .contact import Contacts
from .economics import EXPECTED
from .past import Past

UNSURE = ("spend_low", "spend_high")
"""How much a customer's spend may differ from what is expected, for what a comparison could find."""
SEGMENT = "segment"
READ = (*EXPECTED, *UNSURE, SEGMENT)
"""The scores that a plan itself looks at, whatever the rules of the catalogue do."""
FACTS: Mapping[str, str] = {
    "open_complaint": "whether a complaint is open",
    "contacts_30d": "contacts of all departments within the 30 days before",
    "days_since_contact": "days since the last contact; missing without one",
    "days_since_offer": "days since the last offer; missing without one",
    "days_since_resolved": "days since the last complaint was resolved; missing while it is not, or without one",
    "days_late": "for how many days the silence has been unusual; missing of who is not late",
    "days_overdue": "for how many days the silence has been longer than the usual gap; missing of who is not overdue",
    "days_since_first_purchase": "days since the first purchase while it is the only one; else missing",
}
"""What is known of how a customer was treated, and of what a follow-up may follow (`follow_up`)."""
LOYALTY: Mapping[str, str] = {
    "points_balance": "points of the loyalty programme at hand; missing of who is no member",
    "points_expiring": "of them: what expires within 30 days unless it is used",
    "loyalty_tier": "tier of the programme",
    "to_next_tier": "points, or money, to the next tier; missing at the top",
    "stamps_to_full": "stamps that lack on the card that is being filled",
}
"""What `[loyalty]` tells of members, as far as it is set; the endpoint is told it by the caller."""
LOYALTY_TEXTS = frozenset({"loyalty_tier"})
UNSAID = frozenset({"basis", "horizon_days", "reasons", "model", "value_model"})
"""Scores that say something of the model, not of a customer."""
FIELDS: Mapping[str, str] = {
    **{name: output.meaning for name, output in OUTPUTS.items() if name not in UNSAID},
    **FACTS,
}
"""The fields that rules may look at, beside the declared attributes and numbers of the customers."""
_RECENT = 30


@dataclass(frozen=True, eq=False)
class Audience:
    """The customers of a wave; every column has the shape (n_customers,).

    Parameters
    ----------
    customer_ids : sequence of str
        Ascending, each once.
    as_of : Cutoff
        The day before which all of it was known.
    horizon_days : int
        The window of `p_churn`, `expected_orders`, `expected_spend`, `spend_low` and `spend_high`.
    currency : str
    columns : mapping of str to ndarray
        Scores, attributes and facts: float64, bool, or object arrays of text.

    Raises
    ------
    DataError
        ``RG422`` where ids do not ascend, a column has another length, or what gains are reckoned from is missing.

    Examples
    --------
    >>> said = {name: np.array([0.5]) for name in EXPECTED}
    >>> Audience(["ann"], Cutoff.parse("2024-03-04"), 30, "EUR", said).n
    1
    """

    customer_ids: Sequence[str]
    as_of: Cutoff
    horizon_days: int
    currency: str
    columns: Mapping[str, NDArray[Any]]

    def __post_init__(self) -> None:
        ids = self.customer_ids
        if any(one >= two for one, two in pairwise(ids)):
            raise DataError("the customers do not stand in the order of their ids, each once", code="RG422")
        wrong = [name for name, values in self.columns.items() if len(values) != self.n]
        wrong += [n for n in EXPECTED if n not in self.columns or not np.isfinite(self.columns[n]).all()]
        if wrong:
            raise DataError(
                "the scores are not whole", needed="a value for every customer", offending=wrong, code="RG422"
            )

    @property
    def n(self) -> int:
        """How many customers."""
        return len(self.customer_ids)

    def sd(self) -> float:
        """By how much a customer's spend differs from what is expected, as a standard deviation; NaN if not known.

        Half the 80 % interval of the model, over 1.2816: what covariates leave unexplained in a comparison.
        """
        if not set(UNSURE) <= set(self.columns) or not self.n:
            return float("nan")
        low, high = (np.asarray(self.columns[name], np.float64) for name in UNSURE)
        width = (high - low)[np.isfinite(high - low)] / (2 * 1.2816)
        return float(np.sqrt(np.mean(width**2))) if len(width) else float("nan")


def facts(contacts: Contacts, past: Past, open_complaint: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    """How customers were treated, as far as the queue of contacts tells; each of shape (n_customers,).

    What was only meant for controls counts as if it had been given, so that rules treat all arms alike.

    Parameters
    ----------
    contacts : Contacts
        Of all departments.
    past : Past
        What campaigns gave them.
    open_complaint : ndarray of bool

    Examples
    --------
    >>> from regulars.clock import Zone
    >>> channel = np.array(["email", "sms"], object)
    >>> queue = Contacts(2, Cutoff(100), np.array([0, 0]), np.array([60, 90]), channel, np.array([False, False]))
    >>> told = facts(queue, Past.of(None, ["ann", "bob"], Zone("UTC")), np.array([False, True]))
    >>> told["contacts_30d"].tolist(), told["days_since_contact"].tolist(), told["days_since_offer"].tolist()
    ([1.0, 0.0], [10.0, nan], [nan, nan])
    """
    known = past.where(past.row >= 0)
    offered = replace(contacts, row=known.row, day=known.day, channel=known.channel, ghost=known.ghost)
    return {
        "open_complaint": open_complaint,
        "contacts_30d": contacts.within(_RECENT).astype(np.float64),
        "days_since_contact": contacts.days_since,
        "days_since_offer": offered.days_since,
    }
