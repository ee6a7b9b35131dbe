"""Tables of a programme as of a day: points and what they may cost, tiers, members beside other customers.

In: `Members`. Out: tables whose columns carry their denominators. What is not known is missing, never 0. A share that
is learnt from the past stands with an interval over members (a ratio estimate: Cochran 1977, Sampling Techniques,
section 6.4), which says nothing of how times change.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from ..features.track import Int64
from ..kpis.table import Column, Row, Table, Value, mean_money, ratio
from ..schema import SCALE
from ..segments.facts import YEAR_DAYS
from .fifo import NEAR_DAYS
from .ladder import Ladder
from .members import ENDS_SOON_DAYS, Members

Z95 = 1.959964
_FALLS = f"falls_{ENDS_SOON_DAYS}d"
FEWEST = 30
"""An interval is told of at least so many members."""

POINTS = (
    Column("what", "text", "of all points of members so far"),
    Column("points", "number", "earned + overdrawn = spent + taken back + expired + balance"),
    Column("money", "money", "points x the value of one point"),
    Column("members", "count", "members with more than 0 of it"),
    Column("share", "share", "points / points earned"),
)
RATES = (
    Column("rate", "text", "what is divided by what"),
    Column("value", "share", "the rate"),
    Column("low", "share", "lower end of its 95 % interval, over members"),
    Column("high", "share", "upper end of its 95 % interval, over members"),
    Column("money", "money", "what of the liability is expected to be used, by the balance of long ago"),
    Column("members", "count", "members with more than 0 of what it is divided by"),
)


def points(found: Members) -> Table:
    """What was earned and what became of it."""
    held = _points_of(found)
    rows: list[Row] = [_of_points(found, name, held[name]) for name in held]
    return Table("points", f"points of members as of {found.programme.day}", POINTS, tuple(rows))


def _points_of(found: Members) -> dict[str, Int64]:
    own, who = found.points, found.member
    if own is None:
        return {}
    held = {
        "earned": own.earned,
        "overdrawn: spent beyond all that was earned": own.overdrawn,
        "spent": own.spent,
        "taken back": own.taken_back,
        "expired": own.expired,
        "balance": own.balance,
    }
    if found.programme.expire_days is not None:
        held[f"of the balance: expires within {NEAR_DAYS} days"] = own.expiring
        if found.programme.expiry_told:
            held["of the balance: too old, and not taken away"] = own.overdue
    return {name: values[who] for name, values in held.items()}


def _of_points(found: Members, name: str, values: Int64) -> Row:
    total, earned = int(values.sum()), found.points
    return {
        "what": name,
        "points": total / SCALE,
        "money": found.programme.worth(total),
        "members": int((values > 0).sum()),
        "share": None if earned is None else ratio(total, int(earned.earned[found.member].sum())),
    }


def rates(found: Members) -> Table:
    """How much of the points is used, and how much expires."""
    own, who, last = found.points, found.member, found.programme.expire_days
    rows: list[Row] = []
    if own is not None:
        rows.append(_rate("burn rate: spent / earned", own.spent[who], own.earned[who]))
        if last is not None:
            old = f"breakage: expired / earned more than {last} days ago"
            rows.append(_rate(old, own.old_expired[who], own.old_earned[who]))
            then = f"breakage of a balance: expired since / balance {last} days ago"
            broken = _rate(then, own.then_expired[who], own.then_balance[who])
            rows.append({**broken, "money": _expected(found, int(own.balance[who].sum()), broken["value"])})
    return Table("points_rates", "how much of the points is used", RATES, tuple(rows))


def _rate(name: str, part: Int64, whole: Int64) -> Row:
    total = int(whole.sum())
    value = ratio(int(part.sum()), total)
    low, high = interval(part, whole) if value is not None else (None, None)
    n = int((whole > 0).sum())
    return {"rate": name, "value": value, "low": low, "high": high, "money": None, "members": n}


def _expected(found: Members, balance: int, broken: Value) -> int | None:
    if not isinstance(broken, float):
        return None
    return found.programme.worth(round(balance * (1 - Fraction(broken))))


def interval(part: Int64, whole: Int64) -> tuple[float, float] | tuple[None, None]:
    """The 95 % interval of sum(part) / sum(whole) over members; None of fewer than `FEWEST`.

    Examples
    --------
    Everybody has the same share: nothing varies.

    >>> interval(np.full(30, 1), np.full(30, 4))
    (0.25, 0.25)
    """
    some = whole > 0
    x, b = part[some].astype(np.float64), whole[some].astype(np.float64)
    n, total = len(b), float(b.sum())
    if n < FEWEST:
        return None, None
    share = float(x.sum()) / total
    error = float(np.sqrt(n / (n - 1) * np.square(x - share * b).sum())) / total
    # Where nobody's part is more than the whole, no share is above 1.
    most = 1.0 if bool((x <= b).all()) else np.inf
    return max(share - Z95 * error, 0.0), min(share + Z95 * error, most)


def members_table(found: Members, year_known: bool) -> Table:
    """Members beside other customers: an association, because who buys more joins sooner.

    Parameters
    ----------
    year_known : bool
        Whether the data cover the 365 days before the day.
    """
    known = found.known
    spend = int(found.bought.spend_year[known].sum())
    rows: list[Row] = []
    for name, who in (("members", found.member), ("other customers", known & ~found.member)):
        n = int(who.sum())
        counted: dict[str, Value] = {"who": name, "customers": n, "share": ratio(n, int(known.sum()))}
        year = _year(found, who, n, spend) if year_known else dict.fromkeys(_YEAR)
        rows.append({**counted, **year})
    about = "members beside other customers: an association, because who buys more joins sooner"
    return Table("members", about, MEMBERS, tuple(rows))


MEMBERS = (
    Column("who", "text", "customers with any purchase or return before the day, and members without one"),
    Column("customers", "count", "how many; guests are nobody's"),
    Column("share", "share", "customers / members and other customers together"),
    Column("bought_share", "share", f"with a purchase in the last {YEAR_DAYS} days / customers"),
    Column("orders_per_customer", "number", f"purchases of the last {YEAR_DAYS} days / customers"),
    Column("average_order_value", "amount", "money of these purchases / these purchases; returns not taken off"),
    Column("spend", "money", f"net spend of the last {YEAR_DAYS} days"),
    Column("spend_share", "share", "spend / spend of members and other customers together"),
    Column("spend_per_customer", "amount", "spend / customers, those who bought nothing included"),
    Column("spend_low", "amount", "lower end of the 95 % interval of spend_per_customer"),
    Column("spend_high", "amount", "upper end of the 95 % interval of spend_per_customer"),
)
_YEAR = tuple(column.name for column in MEMBERS[3:])


def _year(found: Members, who: NDArray[np.bool_], n: int, total: int) -> dict[str, Value]:
    bought = found.bought
    spend, orders = bought.spend_year[who], int(bought.purchases_year[who].sum())
    mean = mean_money(int(spend.sum()), n)
    wide = None if mean is None or n < FEWEST else Z95 * float((spend / SCALE).std(ddof=1)) / n**0.5
    return {
        "bought_share": ratio(int((bought.purchases_year[who] > 0).sum()), n),
        "orders_per_customer": ratio(orders, n),
        "average_order_value": mean_money(int(bought.value_year[who].sum()), orders),
        "spend": int(spend.sum()) if n else None,
        "spend_share": ratio(int(spend.sum()), total) if total > 0 and n else None,
        "spend_per_customer": mean,
        "spend_low": None if mean is None or wide is None else mean - wide,
        "spend_high": None if mean is None or wide is None else mean + wide,
    }


def tiers(found: Members, own: Ladder, year_known: bool) -> Table:
    """A row for each tier, the highest first."""
    who, names = found.member, found.programme.tier_names
    rows = [_tier(found, own, who & (own.place == at), name, year_known) for at, name in enumerate(names)]
    return Table("tiers", f"members by tier: {found.programme.tiers_by}", tier_columns(found), tuple(rows))


def tier_columns(found: Members) -> tuple[Column, ...]:
    """The definitions."""
    what = "points" if found.programme.rules.tier_by == "points" else "money"
    return (
        Column("tier", "text", "the highest first"),
        Column("members", "count", "members in it"),
        Column("share", "share", "members / all members"),
        Column("kept", "count", "of them: who are below its limit and keep it for the grace period"),
        Column(_FALLS, "count", f"of them: whose tier ends within {ENDS_SOON_DAYS} days if no more comes"),
        Column("near_next", "count", "of them: who lack at most a tenth of the limit of the next tier"),
        Column("lacks_median", "number", f"median of the {what} that they lack to the next tier"),
        Column("balance", "number", "points of the balance of the members in it"),
        Column("spend", "money", f"their net spend of the last {YEAR_DAYS} days"),
        Column("spend_per_member", "amount", "spend / members"),
    )  # fmt: skip


def _tier(found: Members, own: Ladder, here: NDArray[np.bool_], name: str, year_known: bool) -> Row:
    n, at = int(here.sum()), found.programme.tier_names.index(name)
    limits = dict(found.programme.limits.steps)
    above = None if at == 0 else limits[found.programme.tier_names[at - 1]]
    spend = int(found.bought.spend_year[here].sum()) if year_known and n else None
    lacks = own.to_next[here]
    return {
        "tier": name,
        "members": n,
        "share": ratio(n, int(found.member.sum())),
        "kept": int((own.lacks[here] > 0).sum()),
        _FALLS: int((here & found.who("falling")).sum()),
        "near_next": None if above is None else int((10 * lacks <= above).sum()),
        "lacks_median": None if above is None or not n else float(np.median(lacks)) / SCALE,
        "balance": None if found.points is None else int(found.points.balance[here].sum()) / SCALE,
        "spend": spend,
        "spend_per_member": None if spend is None else mean_money(spend, n),
    }
