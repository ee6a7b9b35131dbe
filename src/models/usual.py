"""What is usual: the median customer of the day on which a model was trained.

In: the rows of that day. Out: a small table, the median of every feature over the customers who have it, and the median
of what the classical prior says of silence, by horizon. A feature that nobody has is not known. The table travels with
the model, so that what is said of one customer never depends on who else is asked about.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .sample import Sample


@dataclass(frozen=True)
class Usual:
    """Medians over customers.

    Parameters
    ----------
    medians : dict of str to float
        By feature, in its unit; features that nobody has are left out.
    silent : dict of int to float
        The prior's logit of silence, by horizon in days; horizons of which it says nothing are left out.
    customers : int
        How many customers they are the medians of.

    Examples
    --------
    >>> usual = Usual({"orders": 3.0}, {90: -0.5}, 100)
    >>> usual.of_feature("orders"), math.isnan(usual.of_feature("spend")), Usual.from_dict(usual.to_dict()) == usual
    (3.0, True, True)
    """

    medians: Mapping[str, float] = field(default_factory=dict)
    silent: Mapping[int, float] = field(default_factory=dict)
    customers: int = 0

    @classmethod
    def of(cls, sample: Sample) -> Usual:
        """The medians of the rows of one day."""
        panel = sample.panel
        features = zip(panel.names, map(_median, panel.values), strict=True)
        priors = ((h, _median(prior.silence(sample.share))) for h, prior in sorted(sample.priors.items()))
        return cls(
            {name: value for name, value in features if math.isfinite(value)},
            {h: value for h, value in priors if math.isfinite(value)},
            panel.n_rows,
        )

    def of_feature(self, name: str) -> float:
        """The median of a feature; NaN where nobody has it."""
        return self.medians.get(name, math.nan)

    def of_prior(self, horizon_days: int) -> float:
        """The prior's logit of silence for the median customer; 0, which is a chance of a half, where there is none."""
        return self.silent.get(horizon_days, 0.0)

    def to_dict(self) -> dict[str, object]:
        """JSON-safe form; `from_dict` gives the same back."""
        silent = {str(h): value for h, value in self.silent.items()}
        return {"medians": dict(self.medians), "silent": silent, "customers": self.customers}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Usual:
        """The inverse of `to_dict`."""
        medians = {str(name): float(value) for name, value in content["medians"].items()}
        return cls(medians, {int(h): float(v) for h, v in content["silent"].items()}, int(content["customers"]))


def _median(values: NDArray[np.float32] | NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else math.nan
