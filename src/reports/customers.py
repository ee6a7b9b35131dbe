"""The scored customers: what each is worth, what is at stake, and where to look first.

In: scores, one row per customer. Out: frames with the money at stake, the risk x value map, the list of those worth
keeping, how the money is concentrated. Missing or negative money counts as nothing at stake; a customer without a past
order is worth nothing yet.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..clock import Cutoff
from .columns import prospects
from .inputs import ReportInput, first_day

RISK_EDGES = (0.0, 0.1, 0.3, 0.6, 0.9)
RISK_BANDS = ("< 10 %", "10–30 %", "30–60 %", "60–90 %", "≥ 90 %")
VALUE_EDGES = (0.10, 0.25, 0.50)
VALUE_BANDS = ("top 10 %", "next 15 %", "next 25 %", "lower half")
AT_RISK, ALMOST_GONE = RISK_EDGES[1], RISK_EDGES[-1]
"""A customer worth keeping has a chance of not buying between these; above, it is winning back, not keeping."""
SILENCE_EDGES = (0, 8, 15, 31, 61, 91, 181, 366)
SILENCE_BANDS = ("1 to 7", "8 to 14", "15 to 30", "31 to 60", "61 to 90", "91 to 180", "181 to 365", "over 365")


def worth_if_kept(scores: pd.DataFrame, as_of: Cutoff, since: Cutoff | None, horizon_days: int) -> pd.Series[float]:
    """What a customer usually spends in a horizon: the mean order times the usual number of orders, at least one.

    At least one, because a customer who is kept places an order by definition. The usual number is past orders per
    day on record times the horizon; without a first day it is one.

    Examples
    --------
    >>> scores = pd.DataFrame({"orders": [10.0, 1.0, 2.0], "spend": [500.0, 80.0, -5.0]})
    >>> worth_if_kept(scores, Cutoff(100), Cutoff(0), 30).tolist()
    [150.0, 80.0, 0.0]
    """
    recorded = as_of.day - since.day if since is not None else 0
    orders = scores["orders"].fillna(0.0)
    usual = orders * horizon_days / recorded if recorded > 0 else orders * 0.0
    mean_order = scores["spend"].fillna(0.0).clip(lower=0.0) / orders.where(orders > 0)
    return (mean_order.fillna(0.0) * usual.clip(lower=1.0)).rename("worth_if_kept")


def valued(scores: pd.DataFrame, as_of: Cutoff, since: Cutoff | None, horizon_days: int) -> pd.DataFrame:
    """The scores with `worth_if_kept`, `at_stake` (p_churn times that), `risk_band` and `value_band`."""
    worth = worth_if_kept(scores, as_of, since, horizon_days)
    risk = np.searchsorted(RISK_EDGES, scores["p_churn"].to_numpy(float), side="right") - 1
    # The share of customers worth at least as much: tied customers fall together, into the lower band.
    place = worth.rank(ascending=False, method="max") / max(len(worth), 1)
    value = np.searchsorted(VALUE_EDGES, place.to_numpy(float), side="left")
    return scores.assign(worth_if_kept=worth, at_stake=scores["p_churn"] * worth, risk_band=risk, value_band=value)


def customers_of(report: ReportInput) -> pd.DataFrame:
    """The report's scored customers, valued; prospects, who never bought, are none."""
    return valued(
        report.scores[~prospects(report.scores)].reset_index(drop=True),
        Cutoff.parse(report.as_of),
        first_day(report),
        report.horizon_days,
    )


def risk_value_grid(customers: pd.DataFrame) -> pd.DataFrame:
    """Every cell of the risk x value map.

    Returns
    -------
    DataFrame of 20 rows with columns value_band (0 = top), risk_band (0 = safest), n, at_stake (sum)
    """
    cells = pd.MultiIndex.from_product(
        [range(len(VALUE_BANDS)), range(len(RISK_BANDS))], names=["value_band", "risk_band"]
    )
    grouped = customers.groupby(["value_band", "risk_band"]).agg(n=("at_stake", "size"), at_stake=("at_stake", "sum"))
    return grouped.reindex(cells, fill_value=0).reset_index()


def value_floors(customers: pd.DataFrame) -> list[float | None]:
    """The least a customer of each value band is worth; None for an empty band."""
    least = customers.groupby("value_band")["worth_if_kept"].min()
    return [float(least[band]) if band in least.index else None for band in range(len(VALUE_BANDS))]


def can_be_kept(customers: pd.DataFrame) -> pd.Series[bool]:
    """Whether each customer is at risk and not almost certainly gone: a chance of not buying from 10 % to below 90 %.

    Examples
    --------
    >>> can_be_kept(pd.DataFrame({"p_churn": [0.05, 0.5, 0.95]})).tolist()
    [False, True, False]
    """
    return customers["p_churn"].between(AT_RISK, ALMOST_GONE, inclusive="left")


def worth_keeping(customers: pd.DataFrame, limit: int = 25) -> pd.DataFrame:
    """Those with the most at stake who are at risk and not almost certainly gone, ties by customer_id.

    Examples
    --------
    >>> customers = pd.DataFrame({"customer_id": list("abc"), "p_churn": [.5, .95, .2], "at_stake": [10., 99., 20.]})
    >>> worth_keeping(customers)["customer_id"].tolist()
    ['c', 'a']
    """
    return (
        customers[can_be_kept(customers) & (customers["at_stake"] > 0)]
        .sort_values(["at_stake", "customer_id"], ascending=[False, True])
        .head(limit)
    )


def concentration(amounts: pd.Series[float], steps: int = 100) -> pd.DataFrame:
    """Share of the money that the customers with the most of it hold; negative and missing amounts count as zero.

    Returns
    -------
    DataFrame with columns customers (0..1) and money (0..1); no rows when there is no money

    Examples
    --------
    >>> concentration(pd.Series([60.0, 30.0, 10.0, -5.0]), steps=4)["money"].tolist()
    [0.0, 0.6, 0.9, 1.0, 1.0]
    """
    held = np.sort(amounts.fillna(0.0).clip(lower=0.0).to_numpy(float))[::-1]
    at = np.linspace(0.0, 1.0, steps + 1)
    if held.sum() <= 0:
        return pd.DataFrame({"customers": at[:0], "money": at[:0]})
    money = np.interp(at * len(held), np.arange(len(held) + 1), np.concatenate([[0.0], np.cumsum(held)]) / held.sum())
    return pd.DataFrame({"customers": at, "money": money})


def silence(customers: pd.DataFrame) -> pd.DataFrame:
    """Customers by days since their last purchase.

    Returns
    -------
    DataFrame with columns days (text), n, p_churn (mean), at_stake (sum), for the bands that have customers
        Customers who never bought are left out.
    """
    bought = customers.dropna(subset=["recency_days"])
    band = np.searchsorted(SILENCE_EDGES, bought["recency_days"].to_numpy(float), side="right") - 1
    grouped = bought.assign(band=band.clip(0, None)).groupby("band")
    table = grouped.agg(n=("p_churn", "size"), p_churn=("p_churn", "mean"), at_stake=("at_stake", "sum")).reset_index()
    return table.assign(days=[SILENCE_BANDS[b] for b in table["band"]]).drop(columns="band")
