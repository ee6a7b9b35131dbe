"""A shop whose files are clean: the ground on which corruptions are planted, one at a time.

In: about how many lines, a seed. Out: three files of texts, as exported year by year: customers who join, buy in their
own rhythm and leave (gamma rates, exponential lives), closed Sundays, Christmas business, a Zipf assortment with fixed
prices, discounts, costs, returns some days later, arrival times. The same arguments give the same texts.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from regulars.config import Config

FIRST = np.datetime64("2022-01-01", "D")
DAYS = 730
COLUMNS = (
    "customer_id", "purchased_at", "order_id", "amount", "quantity", "product_id", "category", "discount", "cost",
    "channel", "known_at",
)  # fmt: skip
CATEGORIES = np.array(["Brot", "Käse", "Gemüse", "Wein", "Seife", "Blumen"])
CUTS = ("2023-01-01", "2023-07-01")
Files = dict[str, pd.DataFrame]


@cache
def _lines(n_lines: int, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    n = n_lines // 28
    joined = random.uniform(-200, 0.8 * DAYS, n).clip(0)
    left = np.minimum(joined + random.exponential(400, n), DAYS)
    orders = random.poisson(random.gamma(1.1, 1 / 22.0, n) * (left - joined)) + 1
    customer = np.repeat(np.arange(n), orders)
    at = joined[customer] + random.random(len(customer)) * (left - joined)[customer]
    day = np.minimum(at.astype(np.int64), DAYS - 1)
    date = FIRST + day
    # Sundays are closed: who would come then comes on Saturday. Christmas brings more.
    weekday = (date.astype("datetime64[D]").astype(np.int64) + 3) % 7
    day = np.where((weekday == 6) & (day > 0), day - 1, day)
    minute = np.clip(random.normal(14 * 60, 170, len(day)), 8 * 60, 20 * 60 - 1).astype(np.int64)
    second = random.integers(0, 60, len(day))
    stamp = (FIRST + day).astype("datetime64[s]") + minute * 60 + second
    each = 1 + random.poisson(1.6, len(day))
    order = np.repeat(np.arange(len(day)), each)
    price = np.round(np.exp(random.normal(2.3, 0.9, 400)), 2) + 0.49
    product = np.minimum(random.zipf(1.4, len(order)) - 1, 399)
    quantity = 1 + random.poisson(0.5, len(order))
    gross = price[product] * quantity
    discount = np.where(random.random(len(order)) < 0.2, np.round(0.1 * gross, 2), 0.0)
    frame = pd.DataFrame(
        {
            "customer": customer[order], "stamp": stamp[order], "order": order, "amount": gross - discount,
            "quantity": quantity, "product": product, "discount": discount, "cost": np.round(0.6 * gross, 2),
            "channel": np.array(["shop", "web", "phone"])[random.integers(0, 3, len(day))][order],
        }
    )  # fmt: skip
    return _with_returns(frame.drop_duplicates(["order", "product"]), random)


def _with_returns(frame: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Three lines of a hundred come back within two weeks, one or two days in the week."""
    back = frame[random.random(len(frame)) < 0.03].copy()
    back["stamp"] = back["stamp"] + pd.to_timedelta(7 * random.integers(1, 3, len(back)), unit="D")
    back["order"] += 10_000_000
    for column in ("amount", "quantity", "cost"):
        back[column] = -back[column]
    back["discount"] = 0.0
    back = back[back["stamp"] < (FIRST + DAYS).astype("datetime64[s]")]
    whole = pd.concat([frame, back]).sort_values(["stamp", "order", "product"], kind="stable", ignore_index=True)
    return pd.DataFrame(
        {
            "customer_id": whole["customer"].map("{:06d}".format),
            "purchased_at": whole["stamp"].dt.strftime("%Y-%m-%d %H:%M:%S"),
            "order_id": whole["order"].map("A{:08d}".format),
            "amount": whole["amount"].map("{:.2f}".format),
            "quantity": whole["quantity"].map(str),
            "product_id": whole["product"].map(lambda p: str(10_000 + 37 * p)),
            "category": CATEGORIES[whole["product"].to_numpy() % len(CATEGORIES)],
            "discount": whole["discount"].map("{:.2f}".format),
            "cost": whole["cost"].map("{:.2f}".format),
            "channel": whole["channel"],
            "known_at": (whole["stamp"] + pd.to_timedelta(6, unit="h")).dt.strftime("%Y-%m-%d %H:%M:%S"),
        }
    )[list(COLUMNS)]


def market(n_lines: int, seed: int = 5) -> Files:
    """Three files of a clean shop; the frames may be changed."""
    lines = _lines(n_lines, seed)
    period = np.searchsorted(np.array(CUTS), lines["purchased_at"].to_numpy(str), side="right")
    return {f"part{i + 1}.csv": lines[period == i].reset_index(drop=True) for i in range(3)}


def written(files: Files, folder: Path) -> Config:
    """The files on disk, and the configuration that reads them."""
    data = folder / "data"
    data.mkdir(parents=True)
    for name, frame in files.items():
        frame.to_csv(data / name, index=False, lineterminator="\n")
    return config_of(folder)


def config_of(folder: Path) -> Config:
    """The configuration of the shop's files."""
    purchases: dict[str, object] = {name: name for name in COLUMNS}
    content = {
        "data": {"timezone": "Europe/Berlin", "currency": "EUR", "purchases": {**purchases, "path": "data"}},
        "target": {"horizon_days": 60},
        "engine": {"threads": 1},
    }
    return Config.model_validate(content).model_copy(update={"folder": folder})
