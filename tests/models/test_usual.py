"""What is usual: medians by hand, of those who have a feature, and the same again from JSON."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np

from regulars.models.usual import Usual

from ..simulated import rows_now, trained


def test_a_median_is_that_of_the_customers_who_have_the_feature() -> None:
    rows = rows_now(trained()).take(np.arange(5))
    values = rows.panel.values.copy()
    values[0] = [1, 9, np.nan, 4, 2]
    values[1] = np.nan
    usual = Usual.of(replace(rows, panel=replace(rows.panel, values=values)))
    # Of 1, 2, 4 and 9 it is 3; of nobody there is none.
    assert usual.of_feature(rows.panel.names[0]) == 3.0
    assert math.isnan(usual.of_feature(rows.panel.names[1]))
    assert math.isnan(usual.of_feature("unheard of"))
    assert usual.customers == 5


def test_the_priors_median_is_kept_for_each_horizon() -> None:
    rows = rows_now(trained())
    usual = Usual.of(rows)
    assert usual.of_prior(30) == float(np.median(rows.silent))
    assert usual.of_prior(91) == 0.0


def test_it_comes_back_from_json_as_it_was() -> None:
    usual = Usual.of(rows_now(trained()))
    assert Usual.from_dict(json.loads(json.dumps(usual.to_dict(), allow_nan=False))) == usual


def test_of_nobody_nothing_is_usual() -> None:
    usual = Usual.of(rows_now(trained()).take(np.zeros(0, np.int64)))
    assert (dict(usual.medians), dict(usual.silent), usual.customers) == ({}, {}, 0)
