"""A made-up tea shop that has all there may be: purchases, points, letters, complaints, surveys, referrals, consent.

In: how many customers, how many days, a seed. Out: a `Shop` of tables, in the words of the canonical ones, so that
every part of the work has something to look at. Planted are: habits of weekday and hour, tastes, a product that breaks,
dear channels, members who earn points. Guests have no id; nothing else is missing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .chance import Stream, stream_of
from .simulate import simulate

if TYPE_CHECKING:
    import pandas as pd

Int = NDArray[np.int64]
_RANGE: dict[str, dict[str, float]] = {
    "tea": {"Assam tea": 6.5, "Darjeeling tea": 9.0, "Sencha tea": 8.0, "Oolong tea": 12.0, "White tea": 14.0},
    "infusions": {"Mint": 5.5, "Camomile": 5.5, "Ginger": 5.5, "Rooibos": 5.5},
    "coffee": {"House coffee": 8.0, "Decaf coffee": 8.5, "Kenya coffee": 11.0},
    "sweets": {"Shortbread": 4.0, "Fudge": 5.0, "Honey": 7.0},
    "things": {"Mug": 12.0, "Glass pot": 28.0, "Strainer": 6.0},
}
PRODUCTS = tuple((name, category, price) for category, of in _RANGE.items() for name, price in of.items())
"""Name, category and list price."""
BREAKS = "Glass pot"
"""The product that comes back, and that people complain of."""
CHANNELS = {"search": (0.4, 14.0), "social": (0.25, 22.0), "shop": (0.2, 2.0), "friend": (0.15, 5.0)}
"""Share of the customers that each brings, and what one of them costs."""
COST_SHARE = 0.55
"""What a line costs the shop, as a share of its list price."""
MEMBERS = 0.6
"""Share of the customers who collect points: one for each unit of money."""
REWARD = 100
"""Points that are spent at once."""
EXPIRE_DAYS = 365
"""Points are good for so many days."""
LETTER_DAYS = 14
_DAY = 86_400


@dataclass(frozen=True)
class Shop:
    """The tables of a shop.

    Parameters
    ----------
    purchases : DataFrame
        customer_id, purchased_at, order_id, amount, quantity, product_id, category, discount, cost, channel.
    events : DataFrame
        customer_id, occurred_at, kind, initiated_by, channel, value, cost, product_id, reason.
    customers : DataFrame
        customer_id, joined_at, acquisition_channel, acquisition_cost, referred_by, town.
    consent : DataFrame
        customer_id, recorded_at, channel, purpose, status.
    """

    purchases: pd.DataFrame
    events: pd.DataFrame
    customers: pd.DataFrame
    consent: pd.DataFrame


def tea_shop(n_customers: int = 1500, *, days: int = 800, starts: str = "2022-03-01", seed: int = 0) -> Shop:
    """A shop that has all there is to look at; stamps are naive local times.

    Examples
    --------
    >>> shop = tea_shop(60, days=200, seed=1)
    >>> sorted(set(shop.events["kind"])) == list(KINDS)
    True
    """
    world = simulate(
        n_customers,
        days=days,
        starts=starts,
        future_days=0,
        parameters={"r": 1.1, "alpha": 45.0, "s": 0.9, "beta": 500.0},
        guest_rate=0.08,
        seed=seed,
    )
    orders = world.purchases.drop_duplicates("order_id", ignore_index=True)[["customer_id", "purchased_at", "order_id"]]
    draw = stream_of(seed, "shop")
    orders = _at_habitual_hours(orders, n_customers, draw)
    people = _people(orders, draw)
    lines = _baskets(orders, people, draw)
    events = _events(orders, lines, people, draw)
    consent = _consent(people, draw)
    consent = consent[consent["recorded_at"] <= lines["purchased_at"].max()]
    return Shop(lines, events, people.drop(columns=["likes", "member", "opens"]), consent)


KINDS = (
    *("complaint", "complaint_resolved", "email_open", "email_sent", "points_earned", "points_spent", "return_reason"),
    *("survey", "visit"),
)
"""Of the events."""


def _at_habitual_hours(orders: pd.DataFrame, n: int, draw: Stream) -> pd.DataFrame:
    """Each has an hour of their own; one in three a weekday, too, to which most of their orders move."""
    codes, ids = orders["customer_id"].factorize()
    hour = np.clip(draw.normal(15, 3.5, len(ids) + 1), 8, 21)
    weekday, has_one = draw.integers(0, 7, len(ids) + 1), draw.random(len(ids) + 1) < 1 / 3
    day = orders["purchased_at"].to_numpy().astype("datetime64[D]").astype(np.int64)
    forward = (weekday[codes] - (day + 3)) % 7
    moved = has_one[codes] & (draw.random(len(orders)) < 0.7) & (codes >= 0)
    last = int(day.max(initial=0))
    day = np.where(moved & (day + forward <= last), day + forward, day)
    second = np.clip(hour[codes] + draw.normal(0, 1.2, len(orders)), 7, 22) * 3600
    at = (day * _DAY + second.astype(np.int64)).astype("datetime64[s]")
    found = orders.assign(purchased_at=at)
    return found.sort_values(["purchased_at", "order_id"], kind="stable", ignore_index=True)


def _people(orders: pd.DataFrame, draw: Stream) -> pd.DataFrame:
    """Who they are, with what they like, whether they collect points, and how often they open a letter."""
    import pandas as pd

    first = orders.dropna(subset=["customer_id"]).groupby("customer_id")["purchased_at"].min().sort_index()
    n, names = len(first), list(CHANNELS)
    channel = draw.choice(names, n, p=[CHANNELS[name][0] for name in names])
    cost = np.round(np.array([CHANNELS[name][1] for name in channel]) * draw.uniform(0.7, 1.3, n), 2)
    joined = first.to_numpy().astype("datetime64[s]") - draw.integers(0, 10 * _DAY, n).astype("timedelta64[s]")
    ids, order = first.index.to_numpy(object), np.argsort(first.to_numpy(), kind="stable")
    before = np.empty(n, np.int64)
    before[order] = np.arange(n)
    friend = ids[order[(draw.random(n) * before).astype(np.int64)]]
    referred = np.array(
        [who if known else None for who, known in zip(friend, (channel == "friend") & (before > 0), strict=True)],
        object,
    )
    return pd.DataFrame(
        {
            "customer_id": ids,
            "joined_at": joined,
            "acquisition_channel": channel,
            "acquisition_cost": cost,
            "referred_by": referred,
            "town": draw.choice(["Ashford", "Bexley", "Canterbury"], n),
            "likes": draw.integers(0, len(_RANGE), n),
            "member": draw.random(n) < MEMBERS,
            "opens": draw.beta(1.5, 3.0, n),
        }
    )


def _baskets(orders: pd.DataFrame, people: pd.DataFrame, draw: Stream) -> pd.DataFrame:
    """The lines of each order, most of them of the category that the customer likes; and what comes back."""
    import pandas as pd

    category = {name: i for i, name in enumerate(_RANGE)}
    of = np.array([category[p[1]] for p in PRODUCTS])
    weight = np.array([[4.0 if of[j] == i else 0.6 for j in range(len(PRODUCTS))] for i in range(len(category))])
    chance = np.cumsum(weight / weight.sum(axis=1, keepdims=True), axis=1)
    likes = orders["customer_id"].map(people.set_index("customer_id")["likes"]).fillna(0).to_numpy(np.int64)
    n = 1 + draw.poisson(1.1, len(orders))
    order = np.repeat(np.arange(len(orders)), n)
    product = (draw.random(len(order))[:, None] > chance[likes[order]]).sum(axis=1).clip(max=len(PRODUCTS) - 1)
    quantity = 1 + (draw.random(len(order)) < 0.15)
    price = np.array([p[2] for p in PRODUCTS])[product] * quantity
    off = np.where(draw.random(len(order)) < 0.12, np.round(price * 0.1, 2), 0.0)
    lines = orders.iloc[order].reset_index(drop=True).assign(
        amount=np.round(price - off, 2),
        quantity=quantity,
        product_id=np.array([p[0] for p in PRODUCTS], object)[product],
        category=np.array([p[1] for p in PRODUCTS], object)[product],
        discount=off,
        cost=np.round(price * COST_SHARE, 2),
        channel=np.where(draw.random(len(orders)) < 0.7, "web", "shop")[order],
    )  # fmt: skip
    likely = np.where(lines["product_id"] == BREAKS, 0.15, 0.012)
    back = lines[(draw.random(len(lines)) < likely) & lines["customer_id"].notna()]
    later = back["purchased_at"] + pd.to_timedelta(draw.integers(2, 12, len(back)), unit="D")
    returned = back.assign(
        purchased_at=later,
        order_id="r" + back["order_id"].astype(str),
        discount=0.0,
        **{name: -back[name] for name in ("amount", "quantity", "cost")},
    )
    returned = returned[returned["purchased_at"] <= lines["purchased_at"].max()]
    every: pd.DataFrame = pd.concat([lines, returned], ignore_index=True)
    return every.sort_values(["purchased_at", "order_id", "product_id"], kind="stable", ignore_index=True)


def _events(orders: pd.DataFrame, lines: pd.DataFrame, people: pd.DataFrame, draw: Stream) -> pd.DataFrame:
    import pandas as pd

    known = lines.dropna(subset=["customer_id"])
    parts = [
        _letters(orders, people, draw),
        _points(known, people, draw),
        _troubles(known, draw),
        _surveys(orders.dropna(subset=["customer_id"]), draw),
        _visits(orders.dropna(subset=["customer_id"]), draw),
    ]
    columns = ["customer_id", "occurred_at", "kind", "initiated_by", "channel", "value", "cost", "product_id", "reason"]
    every: pd.DataFrame = pd.concat([part.reindex(columns=columns).astype(object) for part in parts], ignore_index=True)
    every["occurred_at"] = pd.to_datetime(every["occurred_at"])
    every[["value", "cost"]] = every[["value", "cost"]].astype(float)
    every = every[every["occurred_at"] <= lines["purchased_at"].max()]
    by = ["occurred_at", "customer_id", "kind"]
    return every.sort_values(by, kind="stable", ignore_index=True)


def _letters(orders: pd.DataFrame, people: pd.DataFrame, draw: Stream) -> pd.DataFrame:
    """A letter every fortnight by e-mail, at the shop's cost; each customer opens their own share of them."""
    import pandas as pd

    last = orders["purchased_at"].max()
    days = pd.date_range(orders["purchased_at"].min().normalize(), last, freq=f"{LETTER_DAYS}D") + pd.Timedelta(
        hours=10
    )
    sent = people[["customer_id", "joined_at", "opens"]].merge(pd.DataFrame({"occurred_at": days}), how="cross")
    sent = sent[sent["occurred_at"] > sent["joined_at"]].reset_index(drop=True)
    opened = sent[draw.random(len(sent)) < sent["opens"]]
    opened = opened.assign(
        occurred_at=opened["occurred_at"] + pd.to_timedelta(draw.integers(1, 2880, len(opened)), unit="min")
    )
    return pd.concat(
        [
            sent.assign(kind="email_sent", initiated_by="company", channel="email", cost=0.02),
            opened.assign(kind="email_open", initiated_by="customer", channel="email"),
        ]
    )


def _points(lines: pd.DataFrame, people: pd.DataFrame, draw: Stream) -> pd.DataFrame:
    """Members earn a point for each unit of money of an order, and spend a hundred at a time, now and then."""
    import pandas as pd

    members = set(people.loc[people["member"], "customer_id"])
    own = lines[lines["customer_id"].isin(members) & (lines["amount"] > 0)]
    each = own.groupby(["customer_id", "purchased_at", "order_id"], as_index=False)["amount"].sum()
    earned = each.assign(occurred_at=each["purchased_at"], kind="points_earned", value=np.floor(each["amount"]))
    spends = draw.random(len(earned)) < 0.4
    rows = _spending(earned, spends)
    spent = earned.iloc[rows].assign(kind="points_spent", value=float(REWARD))
    spent = spent.assign(occurred_at=spent["occurred_at"] + pd.Timedelta(minutes=1))
    every: pd.DataFrame = pd.concat([earned, spent])
    return every.assign(initiated_by="customer")


def _spending(earned: pd.DataFrame, willing: NDArray[np.bool_]) -> list[int]:
    """The rows after which somebody spends a reward: willing, and with as many points that are not too old."""
    rows, purse, who = list[int](), deque[tuple[int, float]](), None
    days = earned["occurred_at"].to_numpy().astype("datetime64[D]").astype(np.int64).tolist()
    for i, (customer, value) in enumerate(zip(earned["customer_id"], earned["value"], strict=True)):
        if customer != who:
            purse.clear()
        who = customer
        purse.append((days[i], float(value)))
        while purse and days[i] - purse[0][0] > EXPIRE_DAYS:
            purse.popleft()
        if willing[i] and sum(points for _, points in purse) >= REWARD:
            rows.append(i)
            left = float(REWARD)
            while left > 0:
                day, points = purse.popleft()
                if points > left:
                    purse.appendleft((day, points - left))
                left -= points
    return rows


def _troubles(lines: pd.DataFrame, draw: Stream) -> pd.DataFrame:
    """Complaints of what was bought, most of them answered; and why something came back."""
    import pandas as pd

    sold, back = lines[lines["amount"] > 0], lines[lines["amount"] < 0]
    likely = np.where(sold["product_id"] == BREAKS, 0.12, 0.012)
    bad = sold[draw.random(len(sold)) < likely]
    reason = np.where(bad["product_id"] == BREAKS, "broken", draw.choice(["late", "taste", "wrong item"], len(bad)))
    told = bad.assign(
        occurred_at=bad["purchased_at"] + pd.to_timedelta(draw.integers(1, 5, len(bad)), unit="D"), reason=reason
    )
    complaint = told.assign(kind="complaint", initiated_by="customer", channel="phone", cost=6.0)
    solved = told[draw.random(len(told)) < 0.8]
    solved = solved.assign(
        occurred_at=solved["occurred_at"] + pd.to_timedelta(draw.integers(1, 12, len(solved)), unit="D"),
        kind="complaint_resolved",
        cost=np.nan, initiated_by="company", channel="phone", reason=None,
    )  # fmt: skip
    why = np.where(back["product_id"] == BREAKS, "broken", "disliked")
    returned = back.assign(
        occurred_at=back["purchased_at"], kind="return_reason", initiated_by="customer", reason=why, cost=np.nan
    )
    every = pd.concat([complaint, solved, returned])
    return every[["customer_id", "occurred_at", "kind", "initiated_by", "channel", "cost", "product_id", "reason"]]


def _surveys(orders: pd.DataFrame, draw: Stream) -> pd.DataFrame:
    """After every fifth order the shop asks; a third answers, from 0 to 10."""
    import pandas as pd

    asked = orders[orders.groupby("customer_id").cumcount() % 5 == 1]
    asked = asked.assign(
        occurred_at=asked["purchased_at"] + pd.Timedelta(days=3), kind="survey", initiated_by="company"
    )
    answered = asked[draw.random(len(asked)) < 0.35]
    value = np.clip(np.round(draw.normal(8, 1.8, len(answered))), 0, 10)
    later = answered["occurred_at"] + pd.Timedelta(days=1)
    return pd.concat([asked, answered.assign(occurred_at=later, value=value, initiated_by="customer")]).assign(
        channel="email"
    )


def _visits(orders: pd.DataFrame, draw: Stream) -> pd.DataFrame:
    import pandas as pd

    seen = orders.iloc[np.repeat(np.arange(len(orders)), draw.poisson(0.8, len(orders)))]
    before = pd.to_timedelta(draw.integers(10, 7200, len(seen)), unit="min")
    return seen.assign(occurred_at=seen["purchased_at"] - before, kind="visit", initiated_by="customer", channel="web")


def _consent(people: pd.DataFrame, draw: Stream) -> pd.DataFrame:
    """Most agree to e-mail when they join, fewer to text messages; some change their minds."""
    import pandas as pd

    parts = []
    for channel, share in (("email", 0.8), ("sms", 0.35)):
        said = people[draw.random(len(people)) < share]
        granted = said.assign(recorded_at=said["joined_at"], channel=channel, purpose="marketing", status="granted")
        gone = granted[draw.random(len(granted)) < 0.05]
        later = gone["recorded_at"] + pd.Timedelta(days=120)
        parts += [granted, gone.assign(recorded_at=later, status="withdrawn")]
    every = pd.concat(parts)[["customer_id", "recorded_at", "channel", "purpose", "status"]]
    return every.sort_values(["recorded_at", "customer_id", "channel"], kind="stable", ignore_index=True)
