"""Predictions of customers that were left out of learning: nobody is spoken of by models that have seen him."""

from __future__ import annotations

import numpy as np
import pytest

from regulars.clock import Cutoff
from regulars.features.history import Future
from regulars.features.panel import Label, Panel, Rhythm, Totals
from regulars.models.folds import Float64, LeftOut, Speak, fold_of
from regulars.models.prior import PriorColumns
from regulars.models.sample import Sample

START = Cutoff.parse("2024-01-01")
IDS = np.array([f"c{k:03d}" for k in range(120)], object)


def sample() -> Sample:
    """120 customers at two cutoffs; the spend of a customer is his number, and 1,000 more at the later cutoff."""
    n, label = 2 * len(IDS), Label(30)
    zeros, spend = np.zeros(n), np.concatenate([np.arange(120.0), 1000 + np.arange(120.0)])
    panel = Panel(
        ("f",),
        np.concatenate([IDS, IDS]),
        np.repeat([START.day, START.day + 30], len(IDS)),
        np.zeros((1, n), np.float32),
        Rhythm(*[zeros] * 5),
        Totals(zeros, zeros, {30: zeros}),
        {label: Future(np.ones(n, np.int32), spend, np.zeros(n, np.int32))},
    )
    return Sample(panel, {30: PriorColumns(*[zeros] * 5)}, label, START)


def test_nobody_is_spoken_of_by_models_that_have_seen_him() -> None:
    seen: list[set[str]] = []

    def learnt(rows: Sample) -> Speak:
        known = set(rows.panel.customer_id.tolist())

        def speak(others: Sample) -> tuple[Float64, Float64]:
            seen.append(known & set(others.panel.customer_id.tolist()))
            return others.spend, np.full(others.n_rows, 0.1)

        return speak

    found = LeftOut.of(sample(), learnt)
    assert seen == [set(), set()]
    # Of the last cutoff only, every customer once, in the order of the rows.
    assert found.cutoff == START.plus(30)
    assert found.expected.tolist() == found.spend.tolist() == (1000 + np.arange(120.0)).tolist()


def test_intervals_of_those_left_out_say_what_they_are() -> None:
    rng = np.random.default_rng(0)
    spend = 100 * rng.gamma(2.0, 0.5, 120)
    found = LeftOut(np.full(120, 100.0), np.full(120, 0.02), spend, START).intervals()
    assert "left out" in found.words
    assert found.calibrated_on == ("2024-01-01",)
    bounds = found.bounds(np.full(120, 100.0), np.full(120, 0.02))
    assert 0.78 <= ((bounds.low <= spend) & (spend <= bounds.high)).mean() <= 0.95


def test_folds_are_even_and_go_by_the_id_alone() -> None:
    folds = fold_of(IDS)
    assert np.array_equal(folds[::-1], fold_of(IDS[::-1]))
    assert np.bincount(folds).tolist() == [pytest.approx(60, abs=20), pytest.approx(60, abs=20)]
