"""From a ledger to rows: each cutoff is worked out once from what was before it, with the labels known by a day."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from regulars.clock import Cutoff
from regulars.errors import ConfigError
from regulars.features.panel import Label
from regulars.intake import Ledger
from regulars.models.ensemble import Recipe
from regulars.models.prior import Prior
from regulars.models.splits import Origin, Span
from regulars.models.tuning import SPACE
from regulars.pipelines.prepare import prepare, recipe_of, span_of

from ..simulated import ZONE, config_of, mapped, purchases, shop


def days() -> list[Cutoff]:
    return [shop().ends.minus(d) for d in (150, 90, 0)]


def standing() -> list[Origin]:
    """Today, trained at the two days before."""
    *training, now = days()
    return [Origin(now, tuple(training), 30)]


def test_the_span_is_that_of_the_ledger_and_the_configuration() -> None:
    config = config_of(60, target={"horizon_days": [60, 30], "label_lag_days": 4})
    # 30 divides 60 and is nearest to 28.
    assert span_of(shop(), config) == Span(shop().history_starts, shop().ends, 60, 4, 30)
    assert span_of(shop(), config_of(panel={"every_days": 14})).every_days == 14


def test_the_recipe_is_the_configurations() -> None:
    config = config_of(
        target={"horizon_days": 30, "label_lag_days": 2},
        tuning={"trials": 7, "seconds": 9},
        seed=5,
        engine={"threads": 3},
    )
    recipe = recipe_of(config)
    assert recipe == Recipe(lag_days=2, seed=5, threads=3)
    assert recipe.space == SPACE
    assert recipe.rations is not None
    trials, seconds = recipe.rations.study(lambda trials, seconds: (trials, seconds))
    assert (trials, seconds) == (7, 4.5)  # two studies, churn and value, share the nine seconds


def test_every_row_has_the_prior_of_its_cutoff_and_the_prior_only_what_was_before_it() -> None:
    prepared = prepare(shop(), config_of(), standing())
    frame, middle = purchases(), days()[1]
    ledger = Ledger.from_frame(frame[frame["purchased_at"] < str(middle)], config_of())
    alone = prepare(ledger, config_of(), [Origin(middle, (), 30)])
    assert prepared.priors[middle.day] == alone.priors[middle.day]
    rows = prepared.panel.cutoff_day == middle.day
    assert prepared.columns[30].silent[rows].tobytes() == alone.columns[30].silent.tobytes()
    assert prepared.panel.values[:, rows].tobytes() == alone.panel.values.tobytes()
    assert set(prepared.priors) == {c.day for c in days()}


def test_who_counts_as_at_risk_is_settled_after_the_priors() -> None:
    # The classical models describe all customers, also those who are no longer scored.
    whole = prepare(shop(), config_of(), standing())
    strict = prepare(shop(), config_of(target={"horizon_days": 30, "active_within_days": 45}), standing())
    assert strict.priors == whole.priors
    assert 0 < strict.panel.n_rows < whole.panel.n_rows
    assert strict.panel.recency_days.max() == 45.0
    kept = whole.panel.recency_days <= 45
    assert strict.columns[30].silent.tobytes() == whole.columns[30].silent[kept].tobytes()


def test_without_late_rows_one_label_serves_every_day_of_training() -> None:
    prepared = prepare(shop(), config_of(), standing())
    assert not prepared.late_rows
    # The horizon, those of the timing, and twice the horizon, at which the lifetime learns what persists.
    assert set(prepared.panel.targets) == {Label(d) for d in (7, 14, 30, 60, 90)}
    assert prepared.label(days()[1]) == Label(30)


def test_a_day_that_trains_at_a_shorter_horizon_has_both_horizons() -> None:
    *training, now = days()
    stand = Origin(now.minus(60), tuple(training[:1]), 30)
    prepared = prepare(shop(), config_of(60), [stand])
    assert set(prepared.panel.targets) == {Label(d) for d in (7, 14, 30, 60, 90, 120)}
    train, rows = prepared.rows(stand)
    assert (train.horizon_days, rows.horizon_days) == (30, 60)
    assert train.panel.cutoff_day.tolist() == [training[0].day] * train.n_rows
    # The longer the horizon, the less likely is silence, and both are asked of the same rows.
    assert (rows.prior.silent < rows.over(30).prior.silent).all()


def late_ledger() -> tuple[Ledger, Cutoff]:
    """A shop of whose purchases in the window every second one arrives only after the window closed, and its cutoff."""
    frame, cutoff = purchases(200), shop().ends.minus(150)
    end = pd.Timestamp(str(cutoff.plus(30)))
    when = pd.to_datetime(frame["purchased_at"], format="ISO8601")
    inside = (when >= pd.Timestamp(str(cutoff))) & (when < end) & (np.arange(len(frame)) % 2 == 0)
    known = when.where(~inside, end + pd.Timedelta(days=10)).map(lambda t: t.isoformat())
    config = config_of(data={"timezone": ZONE, "purchases": mapped(known_at="known_at")})
    return Ledger.from_frame(frame.assign(known_at=known), config), cutoff


def test_with_late_rows_a_label_is_what_was_known_on_the_day_of_training() -> None:
    ledger, cutoff = late_ledger()
    assert "known_at" in ledger.columns
    config = config_of(data={"timezone": ZONE, "purchases": mapped(known_at="known_at")})
    soon, later = cutoff.plus(30), cutoff.plus(60)
    prepared = prepare(ledger, config, [Origin(soon, (cutoff,), 30), Origin(later, (cutoff,), 30)])
    assert prepared.late_rows
    first, second, all_rows = (
        prepared.sample(label).at((cutoff,)) for label in (prepared.label(soon), prepared.label(later), Label(30))
    )
    assert first.orders.sum() < second.orders.sum()
    assert second.orders.tolist() == all_rows.orders.tolist()
    assert (first.churned >= second.churned).all()


def test_priors_are_kept_where_asked_and_nowhere_else(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("cache")
    first = prepare(shop(), config_of(), standing(), folder / "priors")
    assert {p.stem for p in (folder / "priors").iterdir()} == {str(c) for c in days()}
    with pytest.MonkeyPatch.context() as patch:
        # Whoever tried to fit one now would fail.
        patch.setattr(Prior, "fit", None)
        again = prepare(shop(), config_of(), standing(), folder / "priors")
    assert again.priors == first.priors
    assert again.columns[30].silent.tobytes() == first.columns[30].silent.tobytes()


def test_cutoffs_given_twice_or_out_of_order_are_the_same_cutoffs() -> None:
    (stand,) = standing()
    other = replace(stand, training=(*stand.training[::-1], stand.training[0]))
    once, twice = (prepare(shop(), config_of(), stands) for stands in ([stand], [other, stand]))
    assert once.panel.values.tobytes() == twice.panel.values.tobytes()


def test_ranges_of_ones_own_replace_the_usual_ones_and_the_others_stay() -> None:
    config = config_of(tuning={"trials": 3, "space": {"max_depth": [2, 3], "learning_rate": [0.05, 0.1]}})
    assert recipe_of(config).space == {**SPACE, "max_depth": (2, 3), "learning_rate": (0.05, 0.1)}


def test_listed_trials_must_be_as_many_as_studies_will_run() -> None:
    config = config_of(tuning={"trials": [3, 2, 4, 1]})
    recipe_of(config, stands=2)
    recipe_of(config, stands=1, spare=2)
    with pytest.raises(ConfigError, match=r"RG166: `tuning\.trials` lists 4 numbers, and 6 studies will run"):
        recipe_of(config, stands=3)
