"""Synthetic purchases, as a ledger.

In: how many order lines and cutoffs. Out: a ledger built by the product's own intake, in a folder, and the `Job`
beside it. About 25 lines a customer over two years: gamma-distributed rates, orders of several lines at one instant,
some of them at midnight sharp, returns as orders of their own or within an order, free lines, money with two
decimals. Nothing is missing. Run as `python -m benchmarks.purchases FOLDER LINES CUTOFFS`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from regulars.clock import DAY_US, Cutoff
from regulars.config import Config
from regulars.intake import build_ledger

from .job import Job

SEED = 20_240_101
FIRST_DAY, DAYS = Cutoff.parse("2023-01-01").day, 730
LINES_PER_CUSTOMER = 25
PRODUCTS, CATEGORIES = 5_000, 60

Int64 = NDArray[np.int64]


def cutoff_days(n: int) -> tuple[int, ...]:
    """Cutoffs from day 90 of the history to its end, evenly; a year's window is missing at the first ones.

    Examples
    --------
    >>> [day - FIRST_DAY for day in cutoff_days(3)]
    [90, 410, 730]
    """
    back = [round((DAYS - 90) * k / max(n - 1, 1)) for k in range(n)]
    return tuple(sorted(FIRST_DAY + DAYS - b for b in back))


def order_instants(rng: np.random.Generator, owner: Int64, n_customers: int) -> Int64:
    """When each order is placed (UTC microseconds): between its customer's first day and last, a few at 0:00."""
    joined = rng.uniform(-365, DAYS - 1, n_customers).clip(0)
    left = np.minimum(joined + 1 + rng.exponential(500, n_customers), DAYS)
    day = (joined[owner] + (left - joined)[owner] * rng.uniform(size=len(owner))).astype(np.int64)
    second = (8 * 3600 + 14 * 3600 * rng.beta(2, 2, len(owner))).astype(np.int64)
    second[rng.uniform(size=len(owner)) < 0.002] = 0
    return np.asarray((FIRST_DAY + day) * DAY_US + second * 1_000_000)


def purchases(lines: int, seed: int = SEED) -> pa.Table:
    """Order lines, in the order of their numbers, with every optional column that a shop's export usually has."""
    rng = np.random.default_rng(seed)
    n_customers = max(lines // LINES_PER_CUSTOMER, 1)
    rate = rng.gamma(0.7, 1.0, n_customers) + 0.01
    owner = rng.choice(n_customers, lines, p=rate / rate.sum())
    instant = order_instants(rng, owner, n_customers)
    order = np.repeat(np.arange(lines), 1 + rng.poisson(1.5, lines))[:lines]
    customer, at = owner[order], instant[order]

    product = np.minimum(rng.zipf(1.3, lines), 10 * PRODUCTS) % PRODUCTS
    price = np.exp(rng.normal(5.8, 0.8, PRODUCTS)).astype(np.int64)[product] + 49
    quantity = 1 + rng.poisson(0.3, lines)
    discount = np.where(rng.uniform(size=lines) < 0.15, price * quantity // 5, 0)
    amount = price * quantity - discount
    fate = rng.uniform(size=lines)
    amount[fate < 0.005] = 0
    exchanged, returned = (fate > 0.99), (fate > 0.95) & (fate <= 0.99)
    amount[exchanged | returned] *= -1
    discount[amount <= 0] = 0
    at = np.where(returned, np.minimum(at + 9 * DAY_US, (FIRST_DAY + DAYS) * DAY_US - 1), at)
    return pa.table(
        {
            "customer_id": _named("c", customer),
            "purchased_at": pa.array(at, pa.timestamp("us", "UTC")),
            "order_id": _named("o", np.where(returned, lines + np.arange(lines), order)),
            "amount": _decimal(amount),
            "quantity": _decimal(100 * quantity),
            "product_id": _named("p", product),
            "category": _named("k", product % CATEGORIES),
            "discount": _decimal(discount),
        }
    )


def _named(letter: str, numbers: Int64) -> pa.Array:
    return pc.binary_join_element_wise(letter, pc.utf8_lpad(pa.array(numbers).cast(pa.string()), 8, "0"), "")


def _decimal(cents: Int64) -> pa.Array:
    """Hundredths as exact decimals."""
    words = np.zeros((len(cents), 2), np.int64)
    words[:, 0], words[:, 1] = cents, cents >> 63
    return pa.Array.from_buffers(pa.decimal128(18, 2), len(cents), [None, pa.py_buffer(words)])


def prepare(folder: Path, lines: int, n_cutoffs: int) -> Job:
    """Write purchases, build their ledger, and leave the job in a folder."""
    source = folder / "purchases.parquet"
    pq.write_table(purchases(lines), source)
    optional = ("order_id", "quantity", "product_id", "category", "discount")
    columns: dict[str, object] = {"path": str(source), "duplicates": "keep", **{c: c for c in optional}}
    config = Config.of(purchases=columns, data={"history_starts": Cutoff(FIRST_DAY).date.isoformat()})
    ledger = build_ledger(config.model_copy(update={"folder": folder}))
    job = Job(str(ledger.folder), ledger.history_starts.day, cutoff_days(n_cutoffs))
    job.save(folder)
    return job


if __name__ == "__main__":
    prepare(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
