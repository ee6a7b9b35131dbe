"""What a comparison could find at all: the smallest effect that shows itself four times out of five.

In: the sizes of two arms, how much customers differ, how much of that is known before. Out: the detectable difference
per customer, and a sentence. An arm of nobody finds nothing: infinity. Two-sided at 5 %, unequal arms; Bloom (1995),
doi:10.1177/0193841X9501900504.
"""

from __future__ import annotations

import math

from scipy.special import ndtri

from .spoken import amount

POWER, ALPHA = 0.8, 0.05


def multiple(power: float = POWER, alpha: float = ALPHA) -> float:
    """By how many standard errors an effect must be large to be found with some chance.

    Examples
    --------
    >>> round(multiple(), 2)
    2.8
    """
    return float(ndtri(1 - alpha / 2) + ndtri(power))


def detectable(treated: int, control: int, sd: float, explained: float = 0.0, comparisons: int = 1) -> float:
    """The difference per customer that is found four times out of five.

    Parameters
    ----------
    treated, control : int
        Customers of the arms.
    sd : float
        Standard deviation of the outcome between customers, >= 0.
    explained : float
        Share of its variance that covariates take away, 0..1.
    comparisons : int
        So many effects are looked at together; each must stand for itself (Bonferroni, which Holm never exceeds).

    Examples
    --------
    >>> round(detectable(9000, 1000, 100.0), 2)
    9.34
    >>> detectable(9000, 0, 100.0)
    inf
    """
    if min(treated, control) < 1:
        return math.inf
    error = sd * math.sqrt((1 - explained) * (1 / treated + 1 / control))
    return multiple(alpha=ALPHA / max(comparisons, 1)) * error


def detectable_words(difference: float, expected: float | None = None, currency: str = "") -> str:
    """A sentence on the detectable difference, beside what is expected of the offers, per customer.

    Examples
    --------
    >>> detectable_words(2.5, 4.0, "EUR")
    'A difference of 2.50 EUR per customer or more would be found four times out of five; 4.00 EUR is expected.'
    """
    if not math.isfinite(difference):
        return "Nothing can be found out: there is nobody to compare with."
    found = f"A difference of {amount(difference, currency)} per customer or more would be found four times out of five"
    if expected is None:
        return f"{found}."
    found += f"; {amount(expected, currency)} is expected"
    if abs(expected) >= difference:
        return f"{found}."
    help_ = "More customers, a larger control or several waves would help."
    return f"{found}: what is expected is too little to be seen with so few customers. {help_}"
