"""Customers who were referred, beside others who came in the same months; what referrers brought; how long chains are.

In: `Dealings` and `Chains`. Out: tables. The comparison is an **association**: who has a friend here may be like that
friend, and no lot was drawn. Only customers whose first days are all known are compared, and in each month as many
others count as were referred. Missing: a month without others, or without enough days, is not compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..clock import months_of
from ..kpis.table import Column, Row, Table, Value, mean_money, ratio
from ..schema import SCALE
from .chains import Chains
from .dealings import NEVER, Bool, Dealings, Float64, Int64
from .resample import FEWEST

Z95 = 1.959964
REFERRED, OTHERS, DIFFERENCE = "referred", "others of the same months", "difference"
LOW, HIGH = "difference: 95 % interval from", "difference: 95 % interval to"
BANDS = ((1, 1, "1"), (2, 2, "2"), (3, 5, "3 to 5"), (6, None, "6 and more"))
"""How many somebody has referred: from, to, and in words."""


@dataclass(frozen=True, eq=False)
class Firsts:
    """The first days of customers; every array has the shape (n_customers,).

    Parameters
    ----------
    days : int
        How many days.
    whole : ndarray of bool
        Whether all of them are known.
    measures : dict of str to ndarray of float64
        What lies in them, by the names of the columns.
    """

    days: int
    whole: Bool
    measures: dict[str, Float64]

    @classmethod
    def of(cls, dealings: Dealings, days: int) -> Firsts:
        """The first days of everybody who came since the data begin."""
        bought, came, n, h = dealings.bought, dealings.came, dealings.n, dealings.horizon_days
        whole = (came >= dealings.starts.day) & (came + days <= dealings.day.day)
        age = bought.day - came[bought.customer]
        within = age < days
        marks = (bought.orders > 0).astype(np.int64)
        purchase_days = bought.summed(marks, n, within)
        late = bought.summed(marks, n, within & (age >= days - h)) if days > h else None
        measures = {
            "bought_share": (purchase_days > 0).astype(np.float64),
            "repeat_share": (purchase_days > 1).astype(np.float64),
            "spend_per_customer": bought.summed(bought.spend, n, within) / SCALE,
            "margin_per_customer": bought.summed(bought.margin, n, within) / SCALE,
        }
        if late is not None:
            measures["retained_share"] = (late > 0).astype(np.float64)
        return cls(days, np.asarray(whole), measures)


def comparison_columns(days: int, h: int) -> tuple[Column, ...]:
    """The definitions, for so many first days and a silence of h days."""
    first = f"in their first {days} days"
    return (
        Column("who", "text", f"who came at least {days} days ago and not before the data begin; others are weighted "
               "so that each month in which customers came counts as it does among the referred"),
        Column("customers", "count", "customers: the denominator of the columns that follow"),
        Column("bought_share", "share", f"who bought {first} / customers"),
        Column("repeat_share", "share", f"who bought on two days or more {first} / customers"),
        Column("retained_share", "share", f"who bought in the last {h} of these days / customers"),
        Column("spend_per_customer", "amount", f"net spend {first} / customers"),
        Column("margin_per_customer", "amount", f"margin {first}, after discounts, / customers"),
    )  # fmt: skip


def comparison(dealings: Dealings, chains: Chains, firsts: Firsts) -> tuple[Table | None, int]:
    """The table, and how many of the referred have nobody to be compared with; no table where all have nobody."""
    month = months_of(np.maximum(dealings.came, 0))
    known = firsts.whole & (dealings.came != NEVER)
    one, other = known & chains.referred, known & ~chains.referred
    both = np.intersect1d(month[one], month[other])
    alone = int((one & ~np.isin(month, both)).sum())
    one, other = one & np.isin(month, both), other & np.isin(month, both)
    if not one.any():
        return None, alone
    place = np.searchsorted(both, month)
    found = {name: _compared(v, place, one, other, len(both)) for name, v in firsts.measures.items()}
    names = (REFERRED, OTHERS, DIFFERENCE, LOW, HIGH)
    counts: tuple[int | None, ...] = (int(one.sum()), int(other.sum()), None, None, None)
    rows: list[Row] = [
        {
            "who": name,
            "customers": counts[i],
            "retained_share": None,
            **{measure: values[i] for measure, values in found.items()},
        }
        for i, name in enumerate(names)
    ]
    about = "customers who were referred beside others who came in the same months: an association"
    columns = comparison_columns(firsts.days, dealings.horizon_days)
    return Table("referred", about, columns, tuple(rows)), alone


def _compared(values: Float64, place: Int64, one: Bool, other: Bool, n: int) -> tuple[Value, ...]:
    """Mean of the referred, of the others as weighted, the difference, and its 95 % interval.

    Notes
    -----
    Direct standardisation with the months of the referred as weights w: the difference is the sum over months of w
    times the difference of means; its variance that of independent means, with one variance for each side, pooled over
    the months (Cochran 1977, Sampling Techniques, chapter 5).
    """
    counts = [np.bincount(place[who], minlength=n) for who in (one, other)]
    means = [np.bincount(place[who], values[who], n) / c for who, c in zip((one, other), counts, strict=True)]
    weight = counts[0] / counts[0].sum()
    mine, theirs = (float((weight * mean).sum()) for mean in means)
    spreads = [
        float(((values[who] - mean[place[who]]) ** 2).sum()) / free if (free := int(who.sum()) - n) > 0 else np.nan
        for who, mean in zip((one, other), means, strict=True)
    ]
    variance = sum(float((weight**2 * s / c).sum()) for s, c in zip(spreads, counts, strict=True))
    gap, half = mine - theirs, Z95 * float(np.sqrt(variance))
    sure = min(int(one.sum()), int(other.sum())) >= FEWEST and np.isfinite(half)
    return (mine, theirs, gap, gap - half if sure else None, gap + half if sure else None)


REFERRERS = (
    Column("brought", "text", "how many customers somebody has referred so far"),
    Column("referrers", "count", "customers who have referred so many"),
    Column("share", "share", "referrers / everybody who has bought"),
    Column("referred", "count", "how many they have referred"),
    Column("bought", "count", "of the referred: who has bought"),
    Column("margin_of_referred", "money", "margin so far of the referred, after discounts"),
    Column("per_referrer", "amount", "margin_of_referred / referrers"),
    Column("own_margin", "money", "margin so far of the referrers themselves"),
)


def referrers_table(
    dealings: Dealings, brought: Int64, margin: Int64, of_theirs: Int64 | None, bought: Int64 | None
) -> Table:
    """What those who have referred somebody brought.

    Parameters
    ----------
    brought, margin : ndarray of int64, shape (n_customers,)
        How many each has referred, and their own margin so far.
    of_theirs, bought : ndarray of int64 or None
        Margin of those whom each has referred, and how many of them have bought; None where it is not known whom.
    """
    buyers, most = int((dealings.orders > 0).sum()), int(brought.max(initial=0))
    bands = [(name, (brought >= low) & (brought <= (high or most))) for low, high, name in BANDS]
    rows: list[Row] = []
    for name, who in [("all", brought > 0), *bands]:
        n = int(who.sum())
        if n:
            theirs = None if of_theirs is None else int(of_theirs[who].sum())
            rows.append(
                {
                    "brought": name,
                    "referrers": n,
                    "share": ratio(n, buyers),
                    "referred": int(brought[who].sum()),
                    "bought": None if bought is None else int(bought[who].sum()),
                    "margin_of_referred": theirs,
                    "per_referrer": None if theirs is None else mean_money(theirs, n),
                    "own_margin": int(margin[who].sum()),
                }
            )
    return Table("referrers", "customers who have referred others, by how many", REFERRERS, tuple(rows))


CHAINS = (
    Column("depth", "count", "0: referred by nobody; 1: by one of those or by somebody unknown; 2: by one of depth 1"),
    Column("customers", "count", "customers at that depth"),
    Column("referrers", "count", "of them: who has referred somebody"),
    Column("share", "share", "referrers / customers"),
    Column("margin_per_customer", "amount", "margin so far, after discounts, / customers"),
)


def chains_table(dealings: Dealings, chains: Chains, margin: Int64) -> Table:
    """Whether the referred refer in turn; customers who are known without a purchase count, too."""
    known = dealings.people.there | (dealings.orders > 0)
    rows: list[Row] = []
    for depth in range(int(chains.depth.max(initial=0)) + 1):
        who = known & (chains.depth == depth)
        n = int(who.sum())
        if n:
            active = int((who & (chains.brought > 0)).sum())
            mean = mean_money(int(margin[who].sum()), n)
            rows.append(
                {
                    "depth": depth,
                    "customers": n,
                    "referrers": active,
                    "share": ratio(active, n),
                    "margin_per_customer": mean,
                }
            )
    return Table("chains", "customers by how many referrals lie behind them", CHAINS, tuple(rows))
