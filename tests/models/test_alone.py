"""A customer alone, among ten, among all: what is said is the same to the bit.

By default a few customers of the shop; in the soak 10,000 others, whom the model never saw.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from regulars.engines.local import shards_of
from regulars.features.lines import Lines
from regulars.features.reference import Reference
from regulars.intake import Ledger
from regulars.models.outputs import OUTPUTS, Wanted

from ..simulated import config_of, purchases, shop, trained

SAID = tuple(name for name in OUTPUTS if name != "reasons")
"""Reasons take long; that they are the same is proved on few."""


@cache
def _lines(n_customers: int = 0) -> Lines:
    """The shop's lines, or those of another, larger one."""
    ledger = Ledger.from_frame(purchases(n_customers, seed=11), config_of()) if n_customers else shop()
    (shard,) = shards_of(ledger, trained().model.plan, lines=10**9)
    return Lines.from_arrow(shard)


def _some(lines: Lines, first: int, last: int) -> Lines:
    """Consecutive customers of a block."""
    rows = slice(int(lines.starts[first]), int(lines.starts[last]))
    return replace(
        lines,
        customer_ids=lines.customer_ids[first:last],
        starts=lines.starts[first : last + 1] - lines.starts[first],
        time=lines.time[rows],
        order=lines.order[rows],
        money={name: values[rows] for name, values in lines.money.items()},
        codes={name: values[rows] for name, values in lines.codes.items()},
    )


@cache
def _reference() -> Reference:
    """Of the day of training, as an endpoint keeps it."""
    return trained().model.reference.at(trained().model.trained_on.day)


def _rows(lines: Lines) -> list[tuple[str, ...]]:
    """All that is said, a row each, as text that tells any two numbers apart."""
    model = trained().model
    said = model.said(lines, model.trained_on, Wanted(SAID), _reference())
    columns = [
        [value if isinstance(value, str) else repr(value) for value in c.tolist()] for c in said.columns.values()
    ]
    return list(zip(lines.customer_ids[said.customer].tolist(), *columns, strict=True))


def _in_parts(lines: Lines, size: int) -> list[tuple[str, ...]]:
    ends = range(0, lines.n_customers, size)
    return [row for first in ends for row in _rows(_some(lines, first, min(first + size, lines.n_customers)))]


@pytest.mark.parametrize("n_customers", [0, pytest.param(10_000, marks=pytest.mark.soak)])
def test_alone_in_tens_or_all_at_once_the_same_is_said(n_customers: int) -> None:
    lines = _lines(n_customers) if n_customers else _some(_lines(), 0, 40)
    together = _rows(lines)
    assert _in_parts(lines, 10) == together
    assert _in_parts(lines, 1) == together
    # Not trivially so: some customers may not be at risk, most are, and they differ.
    assert len(lines.customer_ids) >= len(together) > len(lines.customer_ids) / 2
    assert len({row[1:] for row in together}) > len(together) / 2
