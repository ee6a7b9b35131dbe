"""Drift: said where customers changed, and kept quiet about where chance or the usual course of a year explains it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from regulars.models.drift import MAJOR, Drift, by_chance, drift_of, tell_apart
from regulars.models.profile import MISSING, Bins, counted, psi

MEANING = {"name": "orders_30d", "meaning": "purchases in the last 30 days", "gain_share": 0.3}


def profile(then: np.ndarray[Any, Any], now: np.ndarray[Any, Any], usual: float | None = None) -> dict[str, Any]:
    """A run's account of one feature."""
    bins = Bins.of(then)
    counts = counted(now, np.array(bins.edges))
    return {"bins": {"orders_30d": {"trained": list(bins.counts), "now": counts.tolist(), "usual": usual}}}


def moved(then: np.ndarray[Any, Any], now: np.ndarray[Any, Any], usual: float | None = None) -> Drift:
    return drift_of(profile(then, now, usual), [MEANING])


def test_a_shift_of_a_standard_deviation_is_major_and_named_with_its_meaning() -> None:
    rng = np.random.default_rng(0)
    (found,) = moved(rng.normal(size=2000), rng.normal(1, 1, 2000)).features
    assert found.size == "major"
    # P(now > then) for normals a standard deviation apart is Phi(1 / sqrt 2) = 0.76; ties within bins blur it little.
    assert found.higher == pytest.approx(0.76, abs=0.02)
    assert found.words.startswith("`orders_30d` (purchases in the last 30 days) is higher than in training: PSI ")


def test_the_same_shift_is_no_drift_where_the_year_before_moved_as_much() -> None:
    rng = np.random.default_rng(0)
    then, now = rng.normal(size=2000), rng.normal(1, 1, 2000)
    (found,) = moved(then, now).features
    (usual,) = moved(then, now, usual=found.psi + 0.01).features
    assert usual.size == "none"
    assert "at most" in usual.words


def test_two_hundred_customers_without_drift_raise_nothing() -> None:
    # A hundred features of one and the same world: all of them together pass the bound once in a thousand nights.
    rng = np.random.default_rng(3)
    one = [profile(rng.normal(size=200), rng.normal(size=200))["bins"]["orders_30d"] for _ in range(100)]
    found = drift_of({"bins": {f"f{k}": bins for k, bins in enumerate(one)}}, []).features
    assert {m.size for m in found} == {"none"}
    assert max(m.psi for m in found) > 0.1  # By the usual bounds alone some would have drifted.


def test_what_chance_makes_of_the_index_is_what_simulation_finds() -> None:
    rng, shares = np.random.default_rng(5), np.full(10, 0.1)
    draws = [(rng.multinomial(300, shares), rng.multinomial(500, shares)) for _ in range(2000)]
    found = [psi(a, b) for a, b in draws]
    bound = by_chance(np.full(10, 30), np.full(10, 50))
    # Once in a thousand: two of these, and more than eight about once in five thousand (Poisson).
    assert np.sum(np.array(found) > bound) <= 8
    assert max(found) > bound / 2


def test_a_column_that_was_not_delivered_is_told_as_missing() -> None:
    rng = np.random.default_rng(2)
    then, now = rng.normal(size=1000), np.where(rng.random(1000) < 0.8, np.nan, rng.normal(size=1000))
    (found,) = moved(then, now).features
    assert found.size == "major"
    assert "is missing for 8" in found.words  # of about 80 %
    assert "instead of 0%" in found.words


def test_values_beyond_all_that_was_seen_are_drift_even_of_a_constant_feature() -> None:
    (found,) = moved(np.zeros(1000), np.repeat([0.0, 5.0], 500)).features
    assert found.psi > MAJOR
    assert found.size == "major"


def test_predictions_are_compared_apart_from_features() -> None:
    rng = np.random.default_rng(1)
    content = profile(rng.normal(size=500), rng.normal(size=500))
    content["bins"]["p_churn"] = profile(rng.random(500), rng.random(500) ** 4)["bins"]["orders_30d"]
    found = drift_of(content, [MEANING])
    assert [m.name for m in found.features] == ["orders_30d"]
    assert [(m.name, m.size) for m in found.predictions] == [("p_churn", "major")]
    assert found.predictions[0].meaning == "chance of not buying, as told"


def codes(rng: np.random.Generator, n: int, tilt: float) -> pd.DataFrame:
    """Rows of three features as numbers of bins; one is tilted, one constant, one partly missing."""
    shares = np.linspace(1, 1 + tilt, 10)
    missing = np.where(rng.random(n) < 0.2, MISSING, rng.integers(0, 10, n))
    content: Mapping[str, object] = {
        "tilted": rng.choice(10, n, p=shares / shares.sum()),
        "constant": np.full(n, 3),
        "partly": missing,
    }
    return pd.DataFrame(content).astype(np.uint8)


def test_two_days_that_are_alike_cannot_be_told_apart() -> None:
    rng = np.random.default_rng(0)
    found = tell_apart(codes(rng, 600, 0), codes(rng, 600, 0), ["tilted", "constant", "partly"])
    assert found is not None
    assert found.low < 0.5 < found.high + 0.03
    assert found.features == 2  # the constant one is left out


def test_two_days_that_differ_are_told_apart_by_what_differs() -> None:
    rng = np.random.default_rng(0)
    found = tell_apart(codes(rng, 600, 0), codes(rng, 600, 30), ["tilted", "constant", "partly"])
    assert found is not None
    # P(more) for weights rising from 1 to 31 against equal ones: about 0.64.
    assert found.low > 0.57
    assert found.telling[0] == "tilted"
    again = tell_apart(codes(np.random.default_rng(0), 600, 0), codes(np.random.default_rng(9), 600, 30), ["tilted"])
    assert again == tell_apart(
        codes(np.random.default_rng(0), 600, 0), codes(np.random.default_rng(9), 600, 30), ["tilted"]
    )


def test_a_feature_that_moves_by_itself_does_not_tell_the_days_apart() -> None:
    rng = np.random.default_rng(0)
    content = profile(rng.normal(size=500), rng.normal(size=500), usual=0.5)
    content["bins"] = {"tilted": content["bins"]["orders_30d"]}
    assert drift_of(content, [], codes(rng, 600, 0), codes(rng, 600, 30)).apart is None


def test_too_few_rows_tell_nothing() -> None:
    rng = np.random.default_rng(0)
    assert tell_apart(codes(rng, 60, 0), codes(rng, 600, 30), ["tilted"]) is None
