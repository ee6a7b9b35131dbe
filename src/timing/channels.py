"""The channel of each customer: one that surely is better for them, else the one that surely is best for their stage.

In: `Response`s, the most trustworthy first, and the stage of each customer today. Out: `Channels`. Who is in a stage
whose channels are not distinguishable, and has none of their own, has no channel; that is most customers of a business
with little to compare.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .messages import STAGES
from .response import Response

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Channels:
    """What is said of channels; arrays of shape (n_customers,).

    Parameters
    ----------
    names, why : tuple of str
        Channels with the reason: one entry for each channel, basis and stage, or customers of their own.
    at : ndarray of int64
        The entry of each customer; -1 for none.
    own : ndarray of bool
        Whether it is the customer's own.
    words : tuple of str
        What can be said of each basis.
    """

    names: tuple[str, ...]
    why: tuple[str, ...]
    at: Int64
    own: Bool
    words: tuple[str, ...]

    @classmethod
    def of(cls, responses: Sequence[Response], stage: Int64) -> Channels:
        """From the stages of customers, as places in `messages.STAGES`.

        Examples
        --------
        >>> Channels.of([], np.array([2, 2])).at.tolist()
        [-1, -1]
        """
        entries: list[tuple[str, str]] = []
        at, own = np.full(len(stage), -1, np.int64), np.zeros(len(stage), bool)
        for response in responses:
            names, best = response.messages.channels, response.best
            personal = response.personal(stage) if len(names) > 1 else np.full(len(stage), -1, np.int64)
            for place, name in enumerate(names):
                here = (at < 0) & (personal == place)
                at[here], own[here] = len(entries), True
                entries.append((name, f"they answer on {name} more than others like them ({response.basis})"))
            for s, place in best.items():
                at[(at < 0) & (stage == s)] = len(entries)
                entries.append(
                    (names[place], f"{STAGES[s]} customers answer most on {names[place]} ({response.basis})")
                )
        told = tuple(said for response in responses for said in response.words())
        return cls(tuple(name for name, _ in entries), tuple(why for _, why in entries), at, own, told)

    def agreed(self, given: Callable[[str], Bool]) -> Channels:
        """Without channels to which a customer has not agreed.

        Parameters
        ----------
        given : callable
            From a channel, who has agreed to it.
        """
        at = self.at.copy()
        for name in sorted(set(self.names)):
            these = np.array([i for i, other in enumerate(self.names) if other == name])
            at[np.isin(at, these) & ~given(name)] = -1
        return replace(self, at=at, own=self.own & (at >= 0))

    def figures(self) -> list[dict[str, object]]:
        """How many customers each entry is said to; those of nobody are left out."""
        count = np.bincount(self.at[self.at >= 0], minlength=len(self.names))
        rows = zip(self.names, self.why, count.tolist(), strict=True)
        return [{"channel": name, "why": why, "customers": n} for name, why, n in rows if n]
