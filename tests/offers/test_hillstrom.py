"""Hillstrom's experiment of 2008: 64,000 customers, two mails and none, drawn by lot; the effects are published."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from regulars.offers.trial import Trial
from regulars.offers.verdict import Measured, measured

MEN, WOMEN, NONE = "Mens E-Mail", "Womens E-Mail", "No E-Mail"


@pytest.fixture(scope="module")
def hillstrom(hillstrom_file: Path) -> Measured:
    before = ["history", "recency", "mens", "womens", "newbie", "zip_code", "channel"]
    trial = Trial.of(
        pd.read_parquet(hillstrom_file),
        *("segment", NONE, ["visit", "conversion", "spend"], before),
        randomised="drawn by lot",
        shares={MEN: 1 / 3, WOMEN: 1 / 3, NONE: 1 / 3},
        currency="USD",
    )
    return measured(trial)


TRUTH = [
    (MEN, "visit", 7.66),
    (WOMEN, "visit", 4.52),
    (MEN, "conversion", 0.68),
    (WOMEN, "conversion", 0.31),
    (MEN, "spend", 0.770),
    (WOMEN, "spend", 0.424),
]


@pytest.mark.parametrize(("arm", "outcome", "truth"), TRUTH)
def test_the_published_effects_are_found(hillstrom: Measured, arm: str, outcome: str, truth: float) -> None:
    effect = hillstrom.effect(arm, outcome)
    factor = 1 if outcome == "spend" else 100
    # The plain difference is the published one, to the last digit given; the adjusted one is close and surer.
    assert effect.found.plain * factor == pytest.approx(truth, abs=0.005 if factor == 100 else 0.0005)
    assert effect.low < truth < effect.high
    assert effect.found.se < effect.found.plain_se
    assert effect.sure


def test_the_arms_are_as_they_were_drawn(hillstrom: Measured) -> None:
    assert hillstrom.ratio is not None
    assert hillstrom.ratio.ok
    assert [round(one.p, 2) for one in hillstrom.balances] == [0.70, 0.92]
