"""A small shop whose customers buy till they die: purchases with a known truth, for models and pipelines to learn from.

In: numbers of customers and days, a seed. Out: a pandas frame of order lines in order of time: ids with leading zeros,
several lines an order, categories, discounts, returns on a later day, free lines; product and category are sometimes
missing. The same arguments give the same frame to the bit.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from regulars.config import Config
from regulars.intake import Ledger
from regulars.models.sample import Sample
from regulars.pipelines.train import Trained, fit_model

from . import stores

ZONE = "America/New_York"
FIRST = pd.Timestamp("2023-01-02")
PLANTED = "0shopper"
"""How every customer id begins: a leading zero, and a word to search for where no customer may be named."""
COLUMNS = ("customer_id", "purchased_at", "order_id", "amount", "quantity", "product_id", "category", "discount")
CATEGORIES = ("bread", "milk", "fruit", "soap", "wine")


def purchases(n_customers: int = 400, days: int = 420, seed: int = 7, returns: bool = True) -> pd.DataFrame:
    """Order lines of a Pareto/NBD population (Schmittlein, Morrison & Colombo 1987) with gamma spend.

    Stamps are naive ISO text in the business zone; money has two decimals. Without `returns` no line is negative.
    """
    rng = np.random.default_rng(seed)
    rate = rng.gamma(1.2, 1 / 30.0, n_customers) + 1e-3
    death = rng.exponential(1 / rng.gamma(1.5, 1 / 300.0, n_customers))
    level = rng.gamma(4.0, 6.0, n_customers) + 2
    joined = rng.uniform(0, 0.6 * days, n_customers)
    rows: list[tuple[object, ...]] = []
    for i in range(n_customers):
        at, order = joined[i], 0
        while at < min(joined[i] + death[i], days):
            rows += _order(rng, f"{PLANTED}{i:05d}", at, order, level[i], days, returns)
            order += 1
            at += rng.exponential(1 / rate[i])
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.sort_values(["purchased_at", "customer_id", "order_id"], kind="stable", ignore_index=True)


def _order(
    rng: np.random.Generator, customer: str, at: float, order: int, level: float, days: int, returns: bool
) -> list[tuple[object, ...]]:
    """The lines of one order, and perhaps of the return of one of them."""
    # Whole minutes, so that lines of one order share their instant.
    when, name = FIRST + pd.Timedelta(minutes=int(at * 1440)), f"{customer}-{order}"
    lines: list[tuple[object, ...]] = []
    for _ in range(1 + int(rng.poisson(0.6))):
        price = round(float(level * rng.gamma(3.0, 1 / 3.0)), 2)
        discount = round(float(price * 0.2), 2) if rng.random() < 0.25 else 0.0
        amount = 0.0 if rng.random() < 0.02 else round(price - discount, 2)
        kind = CATEGORIES[int(rng.integers(5))] if rng.random() < 0.95 else None
        product = f"p{int(rng.integers(30)):03d}" if rng.random() < 0.95 else None
        lines.append(
            (customer, when.isoformat(), name, amount, float(1 + rng.integers(3)), product, kind, discount),
        )
    back = at + 1 + float(rng.exponential(5.0))
    if returns and rng.random() < 0.05 and back < days:
        stamp = (FIRST + pd.Timedelta(minutes=int(back * 1440))).isoformat()
        lines.append((customer, stamp, f"{name}-back", -float(str(lines[0][3])), 1.0, lines[0][5], lines[0][6], 0.0))
    return lines


def mapped(**more: object) -> dict[str, object]:
    """The `[data.purchases]` of these columns."""
    return {**{name: name for name in COLUMNS}, **more}


def config_of(horizon_days: int | list[int] = 30, **sections: object) -> Config:
    """A configuration of a shop: one origin, no search, one thread, unless said otherwise."""
    one: dict[str, object] = {"origins": 1, "windows": 1}
    chosen: dict[str, object] = {"backtest": one, "tuning": {"trials": 0}, "engine": {"threads": 1}}
    data = {"timezone": ZONE, "currency": "USD", "purchases": mapped()}
    return Config.model_validate({"data": data, "target": {"horizon_days": horizon_days}, **chosen, **sections})


@cache
def shop(n_customers: int = 400, days: int = 420, seed: int = 7, returns: bool = True) -> Ledger:
    """The ledger of a shop, in memory; the same object each time."""
    return Ledger.from_frame(purchases(n_customers, days, seed, returns), config_of())


def written(folder: Path, frame: pd.DataFrame, toml: str = "", horizon_days: int = 30) -> Path:
    """A folder as a user has it: purchases.csv and a regulars.toml that maps it; the path of the latter."""
    folder.mkdir(parents=True, exist_ok=True)
    frame.to_csv(folder / "purchases.csv", index=False, lineterminator="\n")
    columns = "".join(f'{name} = "{name}"\n' for name in COLUMNS if name in frame.columns)
    text = f"""
[data]
timezone = "{ZONE}"
currency = "USD"

[data.purchases]
path = "purchases.csv"
{columns}
[target]
horizon_days = {horizon_days}

[backtest]
origins = 1
windows = 1

[tuning]
trials = 0

[engine]
threads = 1
{toml}"""
    file = folder / "regulars.toml"
    file.write_text(text, encoding="utf-8")
    return file


@cache
def trained() -> Trained:
    """The model of the shop, learnt once for all tests that only look at it."""
    return stores.shared("trained", lambda: fit_model(shop(), config_of()))


def training_rows(found: Trained) -> Sample:
    """The rows that a model's last fit learnt from."""
    return found.prepared.sample(found.prepared.label(found.model.trained_on)).at(found.trained_cutoffs)


def rows_now(found: Trained) -> Sample:
    """The rows of the day on which it was trained: they have no labels yet."""
    return found.prepared.sample(found.prepared.label(found.model.trained_on)).at((found.model.trained_on,))
