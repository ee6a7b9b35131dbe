"""Figures of a comparison as people say them.

In: numbers, and a unit: money of a currency, points of percent, or nothing. Out: short texts. A number that is not
there is "not known".
"""

from __future__ import annotations

import math


def amount(value: float, unit: str = "") -> str:
    """A number with its unit: two decimals, two digits where it is small.

    Examples
    --------
    >>> amount(1234.5, "EUR"), amount(0.00423), amount(-0.0199), amount(float("nan"))
    ('1,234.50 EUR', '0.0042', '-0.02', 'not known')
    """
    if not math.isfinite(value):
        return "not known"
    size = abs(value)
    decimals = 0 if size >= 100_000 else 2 if size >= 0.1 or size < 5e-9 else min(1 - math.floor(math.log10(size)), 8)
    shown = f"{value:,.{decimals}f}"
    shown = shown.rstrip("0").ljust(len(shown) - decimals + 2, "0") if decimals > 2 else shown
    if not float(shown.replace(",", "")):
        shown = shown.lstrip("-")
    return f"{shown} {unit}".rstrip()


def between(low: float, high: float, unit: str = "") -> str:
    """An interval.

    Examples
    --------
    >>> between(1.2, 3.4, "EUR")
    'between 1.20 and 3.40 EUR'
    """
    return f"between {amount(low)} and {amount(high, unit)}"
