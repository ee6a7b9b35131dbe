"""Pairs: lines regrouped by customer and code (of a product, a category, a channel).

In: each line's customer and code. Out: the lines in order of customer, code and time, where each pair begins, and how
often the customer had the code before. Lines without a code are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .lines import Int64
from .once import once


@dataclass(frozen=True)
class Pairs:
    """Lines regrouped by (customer, code).

    Parameters
    ----------
    line : ndarray of int64, shape (n_lines with a code,)
        Positions among all lines, by customer, then code; within a pair in order of time.
    new : ndarray of bool
        Whether each is the first of its pair.
    """

    line: Int64
    new: NDArray[np.bool_]

    @classmethod
    def of(cls, customer: Int64, codes: Int64) -> Pairs:
        """From each line's customer (ascending) and code (-1: none)."""
        line = (codes >= 0).nonzero()[0]
        # Sorting small integers is linear: first by code, then, stably, by customer.
        line = line[_small(codes[line]).argsort(kind="stable")]
        line = line[_small(customer[line]).argsort(kind="stable")]
        new = np.ones(len(line), bool)
        who, what = customer[line], codes[line]
        new[1:] = (who[1:] != who[:-1]) | (what[1:] != what[:-1])
        return cls(line, new)

    @once
    def occurrence(self) -> Int64:
        """How many lines of the same pair come before each, in the order of `line`."""
        index = np.arange(len(self.line))
        return index - np.maximum.accumulate(np.where(self.new, index, 0))

    def next_of(self, values: Int64, last: int) -> Int64:
        """The value of the next line of the same pair, in the order of `line`; `last` at the pair's end."""
        following = np.full(len(self.line), last, np.int64)
        inside = following[:-1]
        np.copyto(inside, values[self.line[1:]], where=~self.new[1:])
        return following


def _small(values: Int64) -> NDArray[np.integer]:
    """The same integers in 16 bits if they fit."""
    return values.astype(np.uint16) if int(values.max(initial=0)) < 2**16 else values
