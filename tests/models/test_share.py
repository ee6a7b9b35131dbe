"""The share of the two classical models: the one that errs less is listened to, an even race is an even share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from regulars.models.metrics import sigmoid
from regulars.models.sample import Sample
from regulars.models.share import pareto_share

from ..simulated import trained, training_rows


def race(bg: float, pareto: float, n: int = 3000, seed: int = 5) -> Sample:
    """Training rows whose outcomes follow a logit, of which each prior says so much, with a noise of its own."""
    rows, rng = training_rows(trained()), np.random.default_rng(seed)
    rows = rows.take(np.arange(min(n, rows.n_rows)))
    z = rng.normal(0, 1.5, rows.n_rows)
    gone = rng.random(rows.n_rows) < sigmoid(z)
    label = rows.label
    future = replace(rows.panel.targets[label], orders=np.where(gone, 0, 1).astype(np.int32))
    said = {"bg_silent": sigmoid(bg * z), "pareto_silent": sigmoid(pareto * z)}
    panel = replace(rows.panel, targets={**rows.panel.targets, label: future})
    return replace(rows, panel=panel, priors={30: replace(rows.prior, **said)})


def test_the_one_that_knows_is_listened_to() -> None:
    assert pareto_share(race(bg=0.0, pareto=1.0)) > 0.95
    assert pareto_share(race(bg=1.0, pareto=0.0)) < 0.05


def test_two_that_say_the_same_share_evenly() -> None:
    assert pareto_share(race(bg=0.8, pareto=0.8)) == pytest.approx(0.5, abs=0.01)


def test_errors_on_both_sides_of_the_truth_are_evened_out() -> None:
    # One says half of the logit, the other one and a half times of it: the truth lies in the middle.
    assert pareto_share(race(bg=0.5, pareto=1.5)) == pytest.approx(0.5, abs=0.1)


def test_a_level_of_the_cutoffs_own_is_no_merit() -> None:
    rows = race(bg=0.8, pareto=0.8)
    level = np.where(rows.panel.cutoff_day == rows.panel.cutoff_day.max(), 1.0, -1.0)
    moved = replace(rows.prior, bg_silent=sigmoid(np.log(rows.prior.bg_silent / (1 - rows.prior.bg_silent)) + level))
    assert pareto_share(replace(rows, priors={30: moved})) == pytest.approx(pareto_share(rows), abs=0.02)


def test_a_few_rows_hardly_move_it() -> None:
    # Twelve rows tell a nat or two, which is what the deviation of a quarter allows at the ends.
    assert 0.3 < pareto_share(race(bg=0.9, pareto=1.0, n=12)) < 0.7


def test_without_one_of_them_or_with_one_outcome_it_is_a_half() -> None:
    rows = race(bg=0.0, pareto=1.0)
    alone = replace(rows.prior, bg_silent=np.full(rows.n_rows, np.nan))
    assert pareto_share(replace(rows, priors={30: alone})) == 0.5
    assert pareto_share(rows.take(rows.churned == 1)) == 0.5
