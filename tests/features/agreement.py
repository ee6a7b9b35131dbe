"""The kernel beside the oracle: one number at a time, exact where the number is exact.

In: a `Ledger`, the name of a family. Out: the family's float64 values before they become float32, and the list of
disagreements as sentences. Counts, days and sums of money must be equal; quotients, roots and logarithms to 1e-9.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from regulars.features.family import families
from regulars.features.past import Past
from regulars.features.reference import Reference

from .oracle import Value
from .strategies import Ledger

Key = tuple[str, str, int]
"""Feature, customer, day number of the cutoff."""


def family_values(ledger: Ledger, name: str, reference: Reference | None = None) -> dict[Key, float]:
    """What a family yields for everyone at risk at every cutoff, in float64."""
    (family,) = families([name])
    given, history = reference or ledger.reference(), ledger.history()
    out: dict[Key, float] = {}
    for cutoff in ledger.cutoffs:
        past = Past(history.known_before(cutoff), [cutoff], shape=ledger.plan.shape)
        for feature in family.function(past, given):
            values: NDArray[np.float64] = np.asarray(feature.values, np.float64)
            assert values.shape == (past.n_rows,)
            for customer, value in zip(past.customer_id, values, strict=True):
                out[feature.name, str(customer), cutoff.day] = float(value)
    return out


def oracle_values(ledger: Ledger, name: str) -> dict[Key, Value]:
    """What the oracle says to the same question."""
    oracle = ledger.oracle()
    return {
        (feature, customer, cutoff.day): value
        for cutoff in ledger.cutoffs
        for customer in oracle.customers()
        if oracle.at_risk(customer, cutoff.date)
        for feature, value in oracle.family(name, customer, cutoff.date).items()
    }


def agree(found: float, meant: Value) -> bool:
    """Whether the kernel's number is the oracle's: exactly for whole numbers and money, to 1e-9 for quotients.

    What the oracle itself computes in floats (roots, logarithms) may differ by 1e-9 from nothing too.
    """
    if meant is None:
        return math.isnan(found)
    if isinstance(meant, int | Decimal):
        return found == float(meant)
    return math.isclose(found, meant, rel_tol=1e-9, abs_tol=1e-9 if isinstance(meant, float) else 0.0)


def disagreements(ledger: Ledger, name: str) -> list[str]:
    """Every feature of a family for which kernel and oracle differ, as a sentence."""
    found, meant = family_values(ledger, name), oracle_values(ledger, name)
    return [
        f"{key}: kernel {found.get(key)}, oracle {meant.get(key)}"
        for key in sorted(found.keys() | meant.keys())
        if key not in found or key not in meant or not agree(found[key], meant[key])
    ]


def wrong(ledger: Ledger, name: str, expected: Mapping[str, Value], customer: str = "a") -> list[str]:
    """Hand-derived numbers of one customer at the ledger's only cutoff that the kernel does not give."""
    (cutoff,) = ledger.cutoffs
    found = family_values(ledger, name)
    return [
        f"{feature}: kernel {found.get((feature, customer, cutoff.day))}, by hand {value}"
        for feature, value in expected.items()
        if (feature, customer, cutoff.day) not in found or not agree(found[feature, customer, cutoff.day], value)
    ]
