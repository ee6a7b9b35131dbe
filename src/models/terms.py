"""The terms of lifetime value: how far one looks, what part of spend is earned, what later money is worth today.

In: a configuration, a margin measured in the ledger. Out: `Terms`. What is not stated has its default; nothing is
missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from .discount import force_of

if TYPE_CHECKING:
    from ..config import Config


@dataclass(frozen=True)
class Terms:
    """How far one looks, what part of spend is earned, and by how much later money is worth less.

    Examples
    --------
    >>> round(Terms(discount_rate=0.25).worth(365.0), 12)  # 1 / 1.25
    0.8
    """

    horizon_days: int = 1095
    margin: float = 1.0
    discount_rate: float = 0.1

    @classmethod
    def of(cls, config: Config, margin: float | None = None) -> Self:
        """Those of a configuration; a margin measured in the ledger counts where none is stated there."""
        stated = "margin" in config.economics.model_fields_set or margin is None
        share = config.economics.margin if stated or margin is None else margin
        return cls(config.lifetime.horizon_days, share, config.economics.discount_rate)

    @property
    def force(self) -> float:
        """The force of interest a day."""
        return force_of(self.discount_rate)

    def worth(self, days: float) -> float:
        """What money so many days ahead is worth today."""
        return float(np.exp(-self.force * days))
