"""A scheme: segments in an order, each with its rule in words; a customer is in the first whose rule holds.

In: for each segment whom its rule holds of. Out: `Assigned`: one segment per customer, whatever is missing, because the
last rule holds of everybody who is left; and a reason for each. Two segments at once are impossible: what is kept is
one number per customer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..errors import ConfigError, did_you_mean

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]


@dataclass(frozen=True)
class Segment:
    """A group and who is in it, in words.

    Parameters
    ----------
    name : str
    rule : str
        Of those whom no earlier rule took.
    """

    name: str
    rule: str


@dataclass(frozen=True, eq=False)
class Assigned:
    """Each customer's segment of a scheme as of a day.

    Parameters
    ----------
    scheme : str
    segments : tuple of Segment
        In the order in which their rules are asked.
    place : ndarray of int64, shape (n_customers,)
        Place in `segments`.
    reasons : ndarray of object, shape (n_customers,)
        Why, in a sentence with the customer's own numbers.
    to_next : ndarray of int64 or None
        Money, in 1/10,000, that lacks to the next higher segment; -1 where there is none. None of a scheme that is not
        about money.
    notes : tuple of str
        What to keep in mind.
    basis : str
        What the rules could look at: two days on another basis cannot be compared.
    """

    scheme: str
    segments: tuple[Segment, ...]
    place: Int64
    reasons: NDArray[np.object_]
    to_next: Int64 | None = None
    notes: tuple[str, ...] = field(default=())
    basis: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the segments."""
        return tuple(segment.name for segment in self.segments)

    def of(self, name: str) -> Bool:
        """Who is in a segment.

        Raises
        ------
        ConfigError
            ``RG477``: the scheme has no such segment.
        """
        wanted = name.strip().casefold()
        if wanted not in self.names:
            raise ConfigError(
                f"the scheme `{self.scheme}` has no segment `{name}`",
                needed=f"one of {', '.join(self.names)}",
                do=did_you_mean(wanted, self.names),
                code="RG477",
            )
        return np.asarray(self.place == self.names.index(wanted))


@dataclass(frozen=True)
class Off:
    """A scheme that cannot be told, and why."""

    scheme: str
    why: str


def first_that_holds(rules: Sequence[Bool]) -> Int64:
    """The place of the first rule that holds of each customer; who is left belongs to one more, the last.

    Parameters
    ----------
    rules : sequence of ndarray of bool, shape (n_customers,)
        At least one.

    Examples
    --------
    >>> first_that_holds([np.array([True, False, False]), np.array([True, True, False])]).tolist()
    [0, 1, 2]
    """
    held = np.stack([*rules, np.ones(len(rules[0]), bool)])
    return np.asarray(held.argmax(axis=0).astype(np.int64))
