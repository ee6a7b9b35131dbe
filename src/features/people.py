"""People: what is known of each customer beside what they did: attributes, numbers, when they joined, their cohort.

In: the customers' table, first purchases, and the Reference. Out: numbers as they are; of each attribute's value, of
the cohort (calendar month of the first purchase) and of the first channel how common it is among customers at risk and
how many of those bought in the last 90 days, shrunk to the usual share: no value needs a code of its own, and seldom
and unseen ones count together as `__other__`. Sensitive attributes are never a feature. The customers' table is taken
as it stands today; where it says when a customer joined, it says nothing of them before. Missing: not known.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .family import NOT_COVERED, Feature, family
from .groups import BILLIONTH
from .membership import COHORT, FIRST_CHANNEL, attribute_group, membership
from .naming import slugs
from .past import Past
from .reference import Reference
from .tallies import RECENT
from .track import Float64

UNKNOWN = "missing when not known of the customer"


@family("people")
def people(past: Past, reference: Reference) -> Iterator[Feature]:
    """Attributes, numbers, tenure, cohort."""
    traits, joined = past.history.beside.traits, _joined_day(past)
    named = slugs((*past.shape.attributes, *past.shape.numbers))
    for attribute in past.shape.attributes:
        yield from _group(past, reference, attribute_group(attribute), f"customer_{named[attribute]}", f"`{attribute}`")
    for number in past.shape.numbers:
        value = np.where(joined >= past.cutoff_day, np.nan, past.trait(traits.numbers[number]))
        yield Feature(f"customer_{named[number]}", "as given", f"`{number}` of the customer", value, UNKNOWN)
    if traits.referred is not None:
        referred = np.where(joined >= past.cutoff_day, np.nan, past.trait(traits.referred))
        yield Feature("was_referred", "0 or 1", "1 if another customer referred this one", referred, UNKNOWN)
    if traits.joined_day is not None:
        tenure = np.where(joined < past.cutoff_day, past.cutoff_day - joined, np.nan)
        missing = "missing when not known, or not before the cutoff"
        yield Feature("tenure_days", "days", "cutoff date minus the date of joining", tenure, missing)
        waited = past.first_day("day") - np.where(joined < past.cutoff_day, joined, np.nan)
        meaning = "date of the first purchase minus the date of joining"
        yield Feature("joined_to_first_days", "days", meaning, waited, missing)
    yield from _group(past, reference, COHORT, "cohort", "calendar month of the first purchase")
    if past.has("channel"):
        yield from _group(past, reference, FIRST_CHANNEL, "first_channel", "channel of the first purchase")


def _group(past: Past, reference: Reference, name: str, prefix: str, said: str) -> Iterator[Feature]:
    """What the Reference tells of those who are like the customer in one way."""
    group, members = past.group(name, reference), membership(past.history, name)
    code = members.known(past.row_customer, past.cutoff_day)
    value, cutoff = group.index(members.names, code), reference.index(past.cutoff_day)
    unknown = np.where(code < 0, np.nan, 0.0)
    size = group.stats["size"][cutoff, value] / BILLIONTH + unknown
    meaning = f"{said}: share of the customers at risk with a known one who have the same"
    yield Feature(f"{prefix}_size", "share", meaning, size, UNKNOWN)
    active = group.stats["active"][cutoff, value] / BILLIONTH + unknown
    active[~past.last(RECENT).covered] = np.nan
    meaning = f"{said}: share of those with the same who bought in the last {RECENT} days, shrunk to that of all"
    yield Feature(f"{prefix}_active_{RECENT}d", "share", meaning, active, f"{NOT_COVERED}, or not known")


def _joined_day(past: Past) -> Float64:
    """The day of joining per row; NaN where it is not known."""
    joined = past.history.beside.traits.joined_day
    return np.full(past.n_rows, np.nan) if joined is None else past.trait(joined)
