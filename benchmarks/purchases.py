"""Synthetic purchases: an unsorted file of canonical lines, and the sorted ledger made from it.

In: how many order lines and cutoffs. Out: `purchases.parquet` in the types of `regulars.schema`, written piece by piece
so that any size fits into memory; a ledger of the same lines; the `Job` beside them. About 25 lines a customer over two
years: gamma-distributed rates, orders of several lines at one instant, some of them at midnight sharp, returns as
orders of their own or within an order, free lines, money with two decimals. Nothing is missing. Run as `python -m
benchmarks.purchases FOLDER LINES CUTOFFS [--no-ledger]`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from regulars.clock import DAY_US, Cutoff
from regulars.config import Config
from regulars.intake import build_ledger
from regulars.schema import INSTANT, MONEY, SCALE

from .job import DAYS, FIRST_DAY, Job, cutoff_days

SEED = 20_240_101
LINES_PER_CUSTOMER = 25
PRODUCTS, CATEGORIES = 5_000, 60
PIECE = 1_000_000
"""Lines that are made at a time."""

ROW_GROUP = 250_000
LEDGER = ("order_id", "quantity", "product_id", "category", "discount")
"""Optional columns that the ledger has."""

CENT = SCALE // 100

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Population:
    """Who buys: cumulated purchase rates, the day each customer joins and the day each leaves, and the price list."""

    rates: Float64
    joined: Float64
    left: Float64
    price: Int64

    @classmethod
    def of(cls, n_customers: int, seed: int) -> Population:
        """Draw customers and prices."""
        rng = np.random.default_rng(seed)
        joined = rng.uniform(-365, DAYS - 1, n_customers).clip(0)
        return cls(
            rates=np.cumsum(rng.gamma(0.7, 1.0, n_customers) + 0.01),
            joined=joined,
            left=np.minimum(joined + 1 + rng.exponential(500, n_customers), DAYS),
            price=np.exp(rng.normal(5.8, 0.8, PRODUCTS)).astype(np.int64) + 49,
        )

    def orders(self, rng: np.random.Generator, n: int) -> tuple[Int64, Int64]:
        """Customer and instant (UTC microseconds) of each of `n` orders; a few are placed at 0:00."""
        owner = np.searchsorted(self.rates, rng.uniform(0, self.rates[-1], n), side="right").clip(
            0, len(self.rates) - 1
        )
        stay = (self.left - self.joined)[owner]
        day = (self.joined[owner] + stay * rng.uniform(size=n)).astype(np.int64)
        second = (8 * 3600 + 14 * 3600 * rng.beta(2, 2, n)).astype(np.int64)
        second[rng.uniform(size=n) < 0.002] = 0
        return owner, (FIRST_DAY + day) * DAY_US + second * 1_000_000


def pieces(lines: int, seed: int = SEED, per_customer: int = LINES_PER_CUSTOMER) -> Iterator[pa.Table]:
    """Order lines in no order, with every optional column that a shop's export usually has, a piece at a time."""
    population = Population.of(max(lines // per_customer, 1), seed)
    for start in range(0, lines, PIECE):
        yield _piece(population, np.random.default_rng((seed, start)), start, min(PIECE, lines - start))


def _piece(population: Population, rng: np.random.Generator, start: int, lines: int) -> pa.Table:
    order = np.repeat(np.arange(lines), 1 + rng.poisson(1.5, lines))[:lines]
    owner, instant = population.orders(rng, int(order[-1]) + 1)
    customer, at = owner[order], instant[order]
    product = np.minimum(rng.zipf(1.3, lines), 10 * PRODUCTS) % PRODUCTS
    quantity = 1 + rng.poisson(0.3, lines)
    full = population.price[product] * quantity
    discount = np.where(rng.uniform(size=lines) < 0.15, full // 5, 0)
    amount = full - discount
    fate = rng.uniform(size=lines)
    amount[fate < 0.005] = 0
    exchanged, returned = (fate > 0.99), (fate > 0.95) & (fate <= 0.99)
    amount[exchanged | returned] *= -1
    discount[amount <= 0] = 0
    at = np.where(returned, np.minimum(at + 9 * DAY_US, (FIRST_DAY + DAYS) * DAY_US - 1), at)
    number = 2 * start + np.where(returned, lines + np.arange(lines), order)
    table = {
        "customer_id": named("c", customer),
        "purchased_at": pa.array(at, INSTANT),
        "order_id": named("o", number),
        "amount": decimal(CENT * amount),
        "quantity": decimal(SCALE * quantity),
        "product_id": named("p", product),
        "category": named("k", product % CATEGORIES),
        "discount": decimal(CENT * discount),
    }
    return pa.table(table).take(rng.permutation(lines))


def named(letter: str, numbers: Int64) -> pa.Array:
    """Ids of one length: a letter and a number."""
    return pc.binary_join_element_wise(letter, pc.utf8_lpad(pa.array(numbers).cast(pa.string()), 9, "0"), "")


def decimal(units: Int64) -> pa.Array:
    """Units of 1/10,000 as exact decimals."""
    words = np.zeros((len(units), 2), np.int64)
    words[:, 0], words[:, 1] = units, units >> 63
    return pa.Array.from_buffers(MONEY, len(units), [None, pa.py_buffer(words)])


def write(path: Path, lines: int, per_customer: int = LINES_PER_CUSTOMER) -> None:
    """Write the unsorted file."""
    tables = pieces(lines, per_customer=per_customer)
    first = next(tables)
    with pq.ParquetWriter(path, first.schema, store_decimal_as_integer=True) as file:
        file.write_table(first, row_group_size=ROW_GROUP)
        for table in tables:
            file.write_table(table, row_group_size=ROW_GROUP)


def configuration(folder: Path, source: Path, beside: Mapping[str, object] | None = None) -> Config:
    """How a ledger is made of the file, and of further tables of the [data] section."""
    columns: dict[str, object] = {"path": str(source), "duplicates": "keep", **{c: c for c in LEDGER}}
    starts = Cutoff(FIRST_DAY).date.isoformat()
    config = Config.of(purchases=columns, data={"history_starts": starts, **(beside or {})})
    return config.model_copy(update={"folder": folder})


def prepare(folder: Path, lines: int, n_cutoffs: int, ledger: bool = True) -> Job:
    """Write purchases, build their ledger, and leave the job in a folder."""
    source = folder / "purchases.parquet"
    write(source, lines)
    made = str(build_ledger(configuration(folder, source)).folder) if ledger else ""
    job = Job(str(source), made, FIRST_DAY, cutoff_days(n_cutoffs))
    job.save(folder)
    return job


if __name__ == "__main__":
    prepare(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), "--no-ledger" not in sys.argv)
