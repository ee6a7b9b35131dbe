"""One wave after its read-out, as `learn` reads it: what was given and meant, and what everyone did in the window.

In: arrays with one entry for each customer of the wave. Out: `Lesson`, checked once. What nobody logged is None: then it
is not learnt. A customer for whom nothing was left to chance (nothing may be given) teaches nothing and is left out by
`of_chance`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError

Float = NDArray[np.float64]
Flags = NDArray[np.bool_]
Options = NDArray[np.int16]
NOTHING = -1
CERTAIN = 1 - 1e-9


@dataclass(frozen=True, eq=False)
class Lesson:
    """What happened to a wave.

    Parameters
    ----------
    wave : str
        Its day; only to tell waves apart.
    customers : array of shape (n,)
        Who; the same person in two waves is the same here.
    meant, given : int16 arrays of shape (n,)
        Index of the option that the policy meant, and of the one given; -1 for none.
    propensity : array of shape (n,)
        Chance, before the draw, of what was given.
    p_churn, expected_spend, expected_orders : arrays of shape (n,)
        What the model said before the window.
    spend : array of shape (n,)
        What was paid in the window, net, in currency.
    bought : bool array of shape (n,)
        Whether there was a purchase in the window.
    redeemed : bool array, optional
        Whether the offer was redeemed; None where redemptions are not logged.
    discount : array, optional
        What redemptions took off the price, in currency; with `redeemed`.
    complained : bool array, optional
        Whether the contact ended in a complaint; None where events are not logged.
    permitted : bool array of shape (n, n_options), optional
        What could have been given.
    columns : mapping of str to array
        Numbers known before the window, of which a personalised policy may learn.

    Raises
    ------
    DataError
        ``RG450`` where arrays differ in length or what the model said is missing.

    Examples
    --------
    >>> two = np.array([0.5, 0.5])
    >>> Lesson("2024-01-01", np.array(["a", "b"]), np.array([0, -1]), np.array([0, 0]), two, two, two, two, two,
    ...        two > 0).gross.tolist()
    [0.5, 0.5]
    """

    wave: str
    customers: NDArray[np.generic]
    given: Options
    meant: Options
    propensity: Float
    p_churn: Float
    expected_spend: Float
    expected_orders: Float
    spend: Float
    bought: Flags
    redeemed: Flags | None = None
    discount: Float | None = None
    complained: Flags | None = None
    permitted: Flags | None = None
    columns: Mapping[str, Float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.customers)
        wrong = [name for name, array in self._arrays().items() if len(array) != n]
        said = (self.p_churn, self.expected_spend, self.expected_orders, self.spend, self.propensity)
        if wrong or not all(np.isfinite(array).all() for array in said):
            raise DataError(
                f"the wave of {self.wave} cannot be learnt from",
                needed="one finite value for each customer: what was expected, spent, and by which chance it was given",
                offending=wrong,
                code="RG450",
            )

    def _arrays(self) -> dict[str, NDArray[np.generic]]:
        own = {name: value for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        return {**own, **self.columns}

    def __len__(self) -> int:
        return len(self.customers)

    @property
    def gross(self) -> Float:
        """What was bought at list price: what was paid, and what redemptions took off."""
        return self.spend if self.discount is None else self.spend + self.discount

    @property
    def active_spend(self) -> Float:
        """What is expected of each, should they buy at all."""
        return np.asarray(self.expected_spend / np.maximum(1 - self.p_churn, 0.01))

    def taken(self, rows: NDArray[np.generic]) -> Lesson:
        """The same for some of its customers."""
        own = {name: value[rows] for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        return replace(self, **own, columns={name: value[rows] for name, value in self.columns.items()})

    @property
    def of_chance(self) -> Lesson:
        """Only those for whom chance decided what they got."""
        return self.taken((self.propensity > 0) & (self.propensity < CERTAIN))
