"""What is sold: prices product by product, and what among the product ids is no product.

In: stretches with a product id. Out: findings: ids of another form than the mass (postage, fees, adjustments), prices
that are off by a power of ten, and texts in a wrong encoding. Lines without a product have no part.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..features.lines import Int64
from .finding import Finding, Severity, said
from .people import DAMAGED, SCIENTIFIC
from .stretch import Stretch
from .tallies import HIGHEST, LOWEST, Numbering, bin_of, grown, median_of_counts

PER_DECADE = 16
BINS = (HIGHEST - LOWEST) * PER_DECADE
_NO_PRODUCT = (
    r"(?i)\b(post|postage|shipping|delivery|freight|carriage|dotcom|dot|fees?|bank charges|amazonfee|adjust(ment)?\d*|"
    r"manual|commission|samples?|cruk|pads|voucher|gift ?card|donation|rounding|discount|refund|test\d*|surcharge)\b"
)
MOST_LISTED = 12
_PENDING = 2_000_000
_DENSE = 8_000_000
"""Up to so many cells (products x bins) prices are counted in place, which spares sorting them."""


class Products:
    """Lines, money and prices by product."""

    def __init__(self) -> None:
        self.numbers = Numbering()
        self.lines, self.money, self.back = np.zeros((3, 1), np.int64)
        self._dense = np.zeros(1, np.int64)
        self._prices: list[tuple[Int64, Int64]] = []
        self._waiting = 0

    def add(self, stretch: Stretch) -> None:
        """Take in a stretch."""
        texts = stretch.texts("product_id")
        number = self.numbers.of(texts.names, texts.words)
        known = texts.code >= 0
        code, amount = texts.code[known], stretch.amount[known]
        self.lines, self.money, self.back = (grown(a, len(self.numbers)) for a in (self.lines, self.money, self.back))
        self.lines[number] += np.bincount(code, minlength=len(number))
        self.back[number] += np.bincount(code[amount < 0], minlength=len(number))
        np.add.at(self.money, number[code], amount)
        decades = stretch.decades[known]
        if "quantity" in stretch.lines.money:
            units = np.abs(stretch.lines.money["quantity"][known])
            decades = decades - np.log10(np.where(units, units, 10_000) / 10_000)
        priced = amount != 0
        keys = number[code[priced]] * BINS + bin_of(decades[priced], PER_DECADE)
        if len(self.numbers) * BINS <= _DENSE:
            self._dense = grown(self._dense, len(self.numbers) * BINS)
            np.add.at(self._dense, keys, 1)
            return
        key, times = np.unique(keys, return_counts=True)
        self._prices.append((key, times))
        self._waiting += len(key)
        if self._waiting > _PENDING:
            self._prices, self._dense = [self.prices], np.zeros(1, np.int64)
            self._waiting = 0

    @property
    def prices(self) -> tuple[Int64, Int64]:
        """Keys product * BINS + bin of price, ascending, and how many lines each has."""
        counted = np.flatnonzero(self._dense)
        if not self._prices:
            return counted, self._dense[counted]
        keys = np.concatenate([counted, *(k for k, _ in self._prices)])
        found, place = np.unique(keys, return_inverse=True)
        weights = np.concatenate([self._dense[counted], *(t for _, t in self._prices)])
        times = np.bincount(place, weights=weights, minlength=len(found))
        return found, times.astype(np.int64)

    def findings(self) -> Iterator[Finding]:
        """What is odd about products."""
        if not len(self.numbers):
            return
        n = len(self.numbers)
        texts, lines, money = self.numbers.texts(), self.lines[:n], self.money[:n]
        names = texts.to_pylist()
        spread = _Prices(*self.prices, n)
        strange = strangers(texts, lines, spread.width)
        if strange:
            rows = sorted(strange, key=lambda i: (-abs(int(money[i])), names[i]))
            yield Finding(
                "no_products",
                Severity.SUSPICIOUS if lines[rows].sum() >= 0.0005 * lines.sum() else Severity.NOTE,
                f"{said(len(rows), 'product id looks', 'product ids look')} like no product (postage, fees, "
                f"adjustments, tests), with {said(int(lines[rows].sum()), 'line', 'lines')}",
                int(lines[rows].sum()),
                int(money[rows].sum()),
                tuple(names[i] for i in rows[:MOST_LISTED]),
                "leave them out of the source if they are no sales",
            )
        yield from spread.slips(names)
        damaged = pc.filter(texts, pc.match_substring_regex(texts, DAMAGED)).to_pylist()
        if damaged:
            yield damage("product_id", damaged)
        shortened = pc.filter(texts, pc.match_substring_regex(texts, SCIENTIFIC)).to_pylist()
        if shortened:
            yield Finding(
                "scientific_ids",
                Severity.SUSPICIOUS,
                f"{said(len(shortened), 'product id looks', 'product ids look')} like numbers that a spreadsheet "
                "shortened",
                len(shortened),
                examples=tuple(sorted(shortened)[:3]),
                do="export the ids again as text",
            )


def damage(column: str, names: list[str]) -> Finding:
    """Texts of a column that were read in a wrong encoding.

    Examples
    --------
    >>> damage("category", ["caf\\ufffd"]).count
    1
    """
    return Finding(
        "damaged_texts",
        Severity.SUSPICIOUS,
        f"{said(len(names), 'text', 'texts')} of `{column}` hold the remains of letters in a wrong encoding",
        len(names),
        examples=tuple(sorted(names)[:3]),
        do="export again as UTF-8",
    )


def forms_of(names: pa.Array) -> list[str]:
    """How ids are written: runs of digits as 9, runs of letters as a.

    Examples
    --------
    >>> forms_of(pa.array(["85123A", "POST", "gift_0001_20"]))
    ['9a', 'a', 'a_9_9']
    """
    letters = pc.replace_substring_regex(pc.replace_substring_regex(names, r"\d+", "9"), r"\pL+", "a")
    return [str(form) for form in letters.to_pylist()]


def strangers(names: pa.Array, lines: Int64, width: Int64) -> list[int]:
    """Which ids look like no product: named like a fee, or of a rare form with few of the digits that the mass has.

    Parameters
    ----------
    names : pyarrow.Array of text
    lines : ndarray of int64
        Lines of each.
    width : ndarray of int64
        Between the 5th and the 95th percentile of its prices, in bins.
    """
    forms = np.array(forms_of(names), object)
    total, per_form = int(lines.sum()), dict[str, int]()
    for form, n in zip(forms, lines.tolist(), strict=True):
        per_form[form] = per_form.get(form, 0) + n
    coded = sum(n for form, n in per_form.items() if "9" in form) > 0.9 * total
    digits = pc.count_substring_regex(names, r"\d").to_numpy(zero_copy_only=False)
    usual = median_of_counts(np.bincount(digits, np.minimum(lines, 1_000))) if total else 0.0
    rare = np.array([coded and per_form[form] < 0.02 * total for form in forms], bool)
    wild = (width >= PER_DECADE) & (lines >= 10)
    named = pc.match_substring_regex(names, _NO_PRODUCT).to_numpy(zero_copy_only=False)
    return np.flatnonzero(rare & (digits < 0.5 * usual) | named & (rare | wild)).tolist()


class _Prices:
    """The prices of every product as sorted bins."""

    def __init__(self, keys: Int64, times: Int64, n: int) -> None:
        self.product, self.bin, self.times = keys // BINS, keys % BINS, times
        self.start = np.searchsorted(self.product, np.arange(n + 1))
        self.total = np.bincount(self.product, weights=times, minlength=n).astype(np.int64)
        sums = np.cumsum(times)
        before = np.concatenate([[0], sums])[self.start[:-1]]
        self.low, self.middle, self.high = (self._at(sums, before, q) for q in (0.05, 0.5, 0.95))
        self.quarter, self.three = (self._at(sums, before, q) for q in (0.25, 0.75))
        self.width = self.high - self.low

    def _at(self, sums: Int64, before: Int64, share: float) -> Int64:
        """The bin of a quantile of each product."""
        if not len(sums):
            return np.zeros(len(before), np.int64)
        at = np.searchsorted(sums, before + np.maximum(np.ceil(share * self.total), 1))
        return np.asarray(self.bin[np.minimum(at, len(self.bin) - 1)])

    def slips(self, names: list[str]) -> Iterator[Finding]:
        """Prices that are off by 10, 100 or 1,000 times in products whose prices are steady."""
        steady = (self.total >= 8) & (self.three - self.quarter <= PER_DECADE // 4)
        off = self.bin - self.middle[self.product]
        of_steady = steady[self.product]
        # Beyond half a decade in products that seldom stray at all; of those, how many stray by a power of ten?
        astray = of_steady & (np.abs(off) >= 0.7 * PER_DECADE)
        power = np.rint(off / PER_DECADE).astype(np.int64)
        exact = astray & (np.abs(off - power * PER_DECADE) <= 2) & (np.abs(power) >= 1) & (np.abs(power) <= 4)
        n_astray, n_all = int(self.times[astray].sum()), int(self.times[of_steady].sum())
        for k in (1, 2, 3, 4):
            rows = exact & (np.abs(power) == k)
            n = int(self.times[rows].sum())
            concentrated = n >= 0.5 * n_astray
            if n < 5 or not concentrated or n < 2e-5 * n_all:
                continue
            products = np.unique(self.product[rows])
            up = int(self.times[rows & (power > 0)].sum())
            way = "above" if up == n else "below" if up == 0 else "above or below"
            grave = n > 0.01 * n_all
            yield Finding(
                "price_slips",
                Severity.SERIOUS if grave else Severity.SUSPICIOUS,
                f"{said(n, 'line has a price', 'lines have prices')} {10**k:,} times {way} the product's usual one "
                f"({said(len(products), 'product', 'products')}): a decimal sign, or another currency or unit?",
                n,
                examples=tuple(names[int(i)] for i in products[:3]),
                do="look for a file or month that writes its decimals or its currency in another way",
            )
