"""What each option brings from each customer: what it does on average for such, and what trees found beyond that.

In: what was calibrated of every option (`save`, `extra_spend`), a T-learner of what that leaves unexplained. Out:
`Personal`, which speaks of extra spend customer by customer, as JSON and back. A number that the trees miss goes the
way they learnt for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .economics import EXPECTED, Expected, Terms
from .offer import Offer

if TYPE_CHECKING:
    from ..models.uplift import Uplift

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Personal:
    """A personalised answer to every option.

    Parameters
    ----------
    offers : tuple of Offer
        That of each option, in the order of the catalogue.
    save, extra_spend : tuple of float
        Of each option, on average.
    trees : Uplift
        What customers do beyond that.
    half_width : tuple of float
        Of each option: half the width of the 80 % interval of its mean gain, in currency.
    """

    offers: tuple[Offer, ...]
    save: tuple[float, ...]
    extra_spend: tuple[float, ...]
    trees: Uplift
    half_width: tuple[float, ...]

    @property
    def needs(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return tuple(dict.fromkeys([*EXPECTED, *self.trees.names]))

    def gains(self, columns: Mapping[str, NDArray[Any]]) -> Float:
        """Extra spend at list price within the window, in currency, shape (n_customers, n_options)."""
        found, expected = self.trees.effects(columns), Expected.of(columns)
        for option, offer in enumerate(self.offers):
            terms = Terms.of(expected, offer)
            found[:, option] += self.save[option] * terms.at_stake + self.extra_spend[option] * terms.reached
        return found

    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {
            "offers": [offer.model_dump(mode="json", by_alias=True) for offer in self.offers],
            "save": list(self.save),
            "extra_spend": list(self.extra_spend),
            "trees": self.trees.to_dict(),
            "half_width": list(self.half_width),
        }

    @classmethod
    def of_dict(cls, found: Mapping[str, Any]) -> Personal:
        """From `to_dict`."""
        from ..models.uplift import Uplift

        def numbers(name: str) -> tuple[float, ...]:
            values: Sequence[float] = found[name]
            return tuple(float(value) for value in values)

        offers = tuple(Offer.model_validate(offer) for offer in found["offers"])
        trees = Uplift.of_dict(found["trees"])
        return cls(offers, numbers("save"), numbers("extra_spend"), trees, numbers("half_width"))
