"""Who gets what: a wave planned from an audience, under the draw of its arms, a budget and limits.

In: an audience, what may be given to whom, what was given before, the draft of a policy. Out: a `Plan`: for everybody
an arm, what is meant and what is given, what that is expected to bring and to cost, and why others get nothing.
Exploration comes first and is paid for first; what is left is spent on those in the arm `chosen`. A plan of nothing is
a plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .allocate import Allocation, allocate
from .arms import CHOSEN, EXPLORE
from .audience import Audience
from .caps import Cap
from .decision_rows import decision_rows
from .exploration import NOTHING, Exploration, among, exploration
from .item_lists import ItemLists
from .limits import caps_of
from .past import Past
from .permitted import Permitted
from .plan_figures import plan_figures
from .policy import Policy, cost_of
from .profit import Gains
from .responses import Responses
from .why import Why, why_nothing

if TYPE_CHECKING:
    import pyarrow as pa

Options = NDArray[np.int16]


@dataclass(frozen=True, eq=False)
class Plan:
    """A wave before it is assigned; every array has one entry a customer.

    Parameters
    ----------
    audience : Audience
    permitted : Permitted
    decided_by : Policy
        With the prices that were found.
    arm : ndarray of uint8
    meant : ndarray of int16
        What the customer would be given at the prices, whatever the arm: controls and hold-outs are compared with those
        of the same intention. -1 for nothing.
    given : ndarray of int16
        What is given, every cap met.
    propensity : ndarray of float64
        The chance, before the draw, of what is given.
    ranges : ndarray of float32, shape (3, n_customers)
        Expected gain of what is given: low, base, high, in currency.
    meant_gain, cost : ndarray of float64
        Expected gain of what is meant; expected cost of what is given.
    why : Why
    unpaid : ndarray of int64, shape (n_options,)
        How many customers may be given each option and would bring less than it costs.
    caps : tuple of Cap
        What this wave could use, exploration included.
    exploration : Exploration
    allocation : Allocation
        Of those in the arm `chosen`.
    remarks : tuple of str
        What else to keep in mind.
    groups : mapping of str to ndarray of text
        Columns that are declared sensitive: nothing is decided by them, and it is shown how offers went to each group.
    items : ItemLists or None
        The products of offers that suggest some.
    """

    audience: Audience
    permitted: Permitted
    decided_by: Policy
    arm: NDArray[np.uint8]
    meant: Options
    given: Options
    propensity: NDArray[np.float64]
    ranges: NDArray[np.float32]
    meant_gain: NDArray[np.float64]
    cost: NDArray[np.float64]
    why: Why
    unpaid: NDArray[np.int64]
    caps: tuple[Cap, ...]
    exploration: Exploration
    allocation: Allocation
    remarks: tuple[str, ...] = ()
    groups: Mapping[str, NDArray[np.object_]] = field(default_factory=dict)
    items: ItemLists | None = None

    @property
    def responses(self) -> Responses:
        """What was believed of the offers."""
        return self.decided_by.responses

    def policy(self) -> Policy:
        """What the endpoint needs to say the same."""
        return self.decided_by

    def decisions(self) -> pa.Table:
        """One row for every customer, by `schema.DECISIONS`."""
        return decision_rows(self)

    @cached_property
    def _figures(self) -> dict[str, Any]:
        return plan_figures(self)

    def figures(self) -> dict[str, Any]:
        """The plan in numbers and sentences, as JSON takes it; nobody's id is in it."""
        return self._figures

    @property
    def lines(self) -> list[str]:
        """What is planned, for people."""
        return list(self._figures["words"])

    @property
    def notes(self) -> list[str]:
        """What to keep in mind."""
        return list(self._figures["warnings"])


def planned(
    audience: Audience,
    permitted: Permitted,
    past: Past,
    draft: Policy,
    remarks: Sequence[str] = (),
    groups: Mapping[str, NDArray[np.object_]] | None = None,
    items: ItemLists | None = None,
) -> Plan:
    """Plan a wave.

    Parameters
    ----------
    audience : Audience
    permitted : Permitted
        What may be given to whom.
    past : Past
        What was given before: what is left of the budget and of limits.
    draft : Policy
        Catalogue, responses, shares, salt; its prices are found here.
    remarks : sequence of str
        What else to keep in mind, such as that nobody has consented.
    groups : mapping of str to ndarray of text, optional
        Columns that are declared sensitive, each of shape (n_customers,), None where it is missing.
    items : ItemLists, optional
        The products of offers that suggest some; who has none is left out of `permitted` already.
    """
    profits, gains, permitted = draft.reckoned(audience, permitted, past)
    caps, ids = caps_of(draft.catalogue, audience, past), audience.customer_ids
    arm = draft.arms(ids)
    explorers = np.flatnonzero(arm == EXPLORE)
    draw = (draft.salt, draft.campaign, audience.as_of)
    drawn = exploration(ids, explorers, draw, permitted.mask, gains.cost, caps)
    chosen = arm == CHOSEN
    left = drawn.left(caps)
    found, choice = _allocated(gains, np.flatnonzero(chosen), left)
    limits = {cap.name: float(cap.limit) for cap in left}
    policy = replace(draft, prices=found.prices, limits=limits, shut=dict(drawn.shut))
    meant = policy.meant(gains, left)
    given = np.where(chosen, choice, drawn.option).astype(np.int16)
    return Plan(
        audience=audience,
        permitted=permitted,
        decided_by=policy,
        arm=arm,
        meant=meant,
        given=given,
        propensity=policy.chance(given, np.where(chosen, given, meant), permitted.mask, drawn.open),
        ranges=profits.of_choice(given),
        meant_gain=_gain_of(gains, meant),
        cost=cost_of(gains, given),
        why=why_nothing(arm, given, permitted, gains, left, found.prices, drawn),
        unpaid=(permitted.mask & (gains.base <= 0)).sum(axis=0),
        caps=caps,
        exploration=drawn,
        allocation=found,
        remarks=tuple(remarks),
        groups=groups or {},
        items=items,
    )


def _allocated(gains: Gains, chosen: NDArray[np.intp], caps: Sequence[Cap]) -> tuple[Allocation, Options]:
    """The allocation to those about whom the policy decides, and what each of all customers gets by it."""
    n = len(gains.base)
    found = allocate(gains.base[chosen], gains.cost[chosen], among(caps, chosen, n))
    choice = np.full(n, NOTHING, np.int16)
    choice[chosen] = found.choice
    return found, choice


def _gain_of(gains: Gains, choice: Options) -> NDArray[np.float64]:
    rows = np.flatnonzero(choice >= 0)
    found = np.zeros(len(choice))
    found[rows] = gains.base[rows, choice[rows]]
    return found
