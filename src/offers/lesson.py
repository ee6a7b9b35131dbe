"""One wave after its read-out, as `learn` reads it: what was given and meant, and what everyone did in the window.

In: arrays with one entry for each customer of the wave. Out: `Lesson`, checked once. What nobody logged is None: then
it is not learnt. A customer for whom nothing was left to chance (nothing may be given) teaches nothing and is left
out by `of_chance`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from .economics import EXPECTED, Expected

Float = NDArray[np.float64]
Flags = NDArray[np.bool_]
Options = NDArray[np.int16]
CERTAIN = 1 - 1e-9


@dataclass(frozen=True, eq=False)
class Lesson:
    """What happened to a wave.

    Parameters
    ----------
    wave : str
        Its campaign and day; only to tell waves apart.
    customers : array of shape (n,)
        Who; the same person in two waves is the same here.
    meant, given : int16 arrays of shape (n,)
        Index of the option that the policy meant, and of the one given; -1 for none.
    propensity : array of shape (n,)
        Chance, before the draw, of what was given.
    columns : mapping of str to array
        What was known before the window; at least `economics.EXPECTED`. A personalised policy learns from the numbers.
    gross : array of shape (n,)
        What was bought in the window at list price: what was paid, and what redemptions took off; in currency.
    bought : bool array of shape (n,)
        Whether there was a purchase in the window.
    redeemed : bool array, optional
        Whether the offer was redeemed; None where redemptions are not logged.
    taken : array, optional
        What redemptions took off or cost, in currency; with `redeemed`.
    complained : bool array, optional
        Whether the contact ended in a complaint; None where events are not logged.
    permitted : bool array of shape (n, n_options), optional
        What could have been given.

    Raises
    ------
    DataError
        ``RG450`` where arrays differ in length, or what was expected or spent is missing.

    Examples
    --------
    >>> columns = {name: np.array([0.5, 0.5]) for name in EXPECTED}
    >>> lesson = Lesson("spring 2024-01-01", np.array(["a", "b"]), np.array([0, -1], np.int16),
    ...                 np.array([0, -1], np.int16), np.array([0.5, 1.0]), columns, np.ones(2), np.ones(2) > 0)
    >>> len(lesson), len(lesson.of_chance)
    (2, 1)
    """

    wave: str
    customers: NDArray[Any]
    given: Options
    meant: Options
    propensity: Float
    columns: Mapping[str, NDArray[Any]]
    gross: Float
    bought: Flags
    redeemed: Flags | None = None
    taken: Float | None = None
    complained: Flags | None = None
    permitted: Flags | None = None

    def __post_init__(self) -> None:
        n, missing = len(self.customers), [name for name in EXPECTED if name not in self.columns]
        wrong = missing or [name for name, array in {**self._own(), **self.columns}.items() if len(array) != n]
        known = [self.propensity, self.gross, *(self.columns[name] for name in EXPECTED if not wrong)]
        if wrong or not all(np.isfinite(array).all() for array in known):
            raise DataError(
                f"the wave {self.wave} cannot be learnt from",
                needed="one finite value for each customer: what was expected and spent, by which chance it was given",
                offending=wrong,
                code="RG450",
            )

    def _own(self) -> dict[str, NDArray[Any]]:
        return {name: value for name, value in vars(self).items() if isinstance(value, np.ndarray)}

    def __len__(self) -> int:
        return len(self.customers)

    @cached_property
    def expected(self) -> Expected:
        """What was expected of each without an offer."""
        return Expected.of(self.columns)

    def of_rows(self, rows: NDArray[Any]) -> Lesson:
        """The same for some of its customers."""
        own = {name: value[rows] for name, value in self._own().items()}
        return replace(self, **own, columns={name: value[rows] for name, value in self.columns.items()})

    @property
    def of_chance(self) -> Lesson:
        """Only those for whom chance decided what they got."""
        return self.of_rows((self.propensity > 0) & (self.propensity < CERTAIN))
