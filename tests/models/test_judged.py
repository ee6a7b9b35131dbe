"""Days on which one stands: what is said of several horizons agrees, and earlier days teach how far to trust it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from regulars.clock import Cutoff
from regulars.errors import DataError
from regulars.models.ensemble import Recipe
from regulars.models.horizons import horizon_cards, trust_card
from regulars.models.judged import Examiner, Judged
from regulars.models.sample import Sample
from regulars.models.splits import TIMING, Origin, calibrating

from ..simulated import trained


def stand() -> Origin:
    return trained().enough.chosen[0]


@cache
def judged() -> Judged:
    """The origin of the shop's examination, with a further horizon."""
    return Examiner(trained().prepared.rows, Recipe(trials=0), (60,), 1).judge(stand())


def test_intervals_are_learnt_on_days_whose_windows_had_closed() -> None:
    # The origin stands 30 days before the end; the window of the day 30 days before it closes on the very day.
    (day,) = judged().trust[30].calibrated_on
    assert day == str(stand().cutoff.minus(30))
    card = trust_card(judged().predictions, [judged()], 30)
    assert card is not None
    assert card["calibrated_on"] == [day]
    (one,) = calibrating(stand(), 0, 1)
    assert card["calibrated_rows"] == trained().prepared.rows(one)[1].n_rows


def test_a_horizon_of_which_no_window_had_closed_since_has_the_intervals_of_the_nearest() -> None:
    # 60 days after the day 30 days before the origin lie ahead of it.
    near, far = judged().trust[30], judged().trust[60]
    assert far.calibrated_on == near.calibrated_on
    assert far.ratios.tolist() == near.ratios.tolist()
    # The classical models expect more in 60 days than in 30, but not twice as much, as some leave.
    assert 1 < far.unit / near.unit < 2


def test_what_is_said_of_all_horizons_agrees_for_every_customer() -> None:
    said = judged().predictions
    within = np.stack([said[f"p_purchase_{d}d"] for d in TIMING])
    assert (np.diff(within, axis=0) >= 0).all()
    assert (1 - said["p_churn_regulars"]).tolist() == within[TIMING.index(30)].tolist()
    assert (1 - said["p_churn_60d"]).tolist() == within[TIMING.index(60)].tolist()
    for of_60, of_30 in (("orders_60d", "orders_regulars"), ("value_60d", "value_regulars")):
        assert (said[of_60] >= said[of_30] * (1 - 1e-12)).all()
    assert (said["orders_regulars"] >= 1 - said["p_churn_regulars"]).all()


def test_what_came_is_told_as_far_as_windows_had_closed() -> None:
    came = judged().predictions
    first = came["days_to_next"].to_numpy()
    # Somebody bought on the very day, and nobody later than within the window.
    assert (np.nanmin(first), bool(np.nanmax(first) < 30)) == (0, True)
    for d in (7, 14, 30):
        assert came[f"bought_{d}d"].tolist() == (first < d).astype(float).tolist()
    # The ledger ends 30 days after the origin.
    for name in ("bought_60d", "bought_90d", "churned_60d", "spend_60d"):
        assert came[name].isna().all()
    (card,) = horizon_cards(came, np.ones(len(came)), [judged()])
    assert (card["horizon_days"], card["n"], card["intervals"], card["value"]["bias"]) == (60, 0, None, None)


def test_where_no_earlier_day_teaches_anything_customers_left_out_do() -> None:
    young = replace(stand(), training=stand().training[-2:])
    train, now = trained().prepared.rows(young)
    found = Examiner(trained().prepared.rows, Recipe(trials=0)).judge(young).trust[30]
    assert calibrating(young, 0, 9) == ()
    assert "left out of learning" in found.words
    assert found.calibrated_on == (str(young.training[-1]),)
    assert found.rows == train.at((young.training[-1],)).n_rows < now.n_rows


def test_rows_that_are_not_those_that_were_judged_teach_nothing() -> None:
    rows = trained().prepared.rows

    def others(one: Origin) -> tuple[Sample, Sample]:
        train, now = rows(one)
        return (train, now) if one == stand() else (train, now.take(np.arange(now.n_rows) > 0))

    with pytest.raises(DataError, match=f"RG270: the rows of {stand().cutoff.minus(30)} are not those"):
        Examiner(others, Recipe(trials=0), windows=1).judge(stand())


def test_a_day_is_judged_only_once_for_all_that_learn_from_it() -> None:
    asked: list[Cutoff] = []
    rows = trained().prepared.rows

    def told(one: Origin) -> tuple[Sample, Sample]:
        asked.append(one.cutoff)
        return rows(one)

    examiner = Examiner(told, Recipe(trials=0), windows=1)
    train, _ = rows(stand())
    for _ in range(2):
        (past,) = examiner.past(stand(), train, trained().fitted)
    assert asked == [past.cutoff] == [stand().cutoff.minus(30)]
    expected, came = past.totals
    assert came == pytest.approx(train.at((past.cutoff,)).spend.sum())
    assert expected > 0
