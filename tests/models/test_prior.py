"""The classical prior: its columns, what it says without repeat buyers, and that keeping it loses no bit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regulars.clock import Cutoff
from regulars.features.panel import Panel, Rhythm
from regulars.models import prior as prior_module
from regulars.models.metrics import logit
from regulars.models.optimum import Optimum
from regulars.models.prior import Prior, PriorColumns, columns_of, summary_of
from regulars.models.priors import priors_at
from regulars.models.summary import Summary

from ..simulated import rows_now, trained, training_rows

H = 30


def columns(**given: list[float]) -> PriorColumns:
    """Columns of as many rows as given; the rest unknown."""
    n = len(next(iter(given.values())))
    names = ("bg_silent", "pareto_silent", "bg_orders", "pareto_orders", "value")
    return PriorColumns(*(np.array(given.get(name, [np.nan] * n), np.float64) for name in names))


def now_panel() -> Panel:
    return rows_now(trained()).panel


def bits(found: PriorColumns) -> list[bytes]:
    return [getattr(found, name).tobytes() for name in PriorColumns.__dataclass_fields__]


def test_two_models_speak_by_the_mean_of_their_logits_and_one_alone_for_itself() -> None:
    # logit(.2) = -logit(.8), so their mean is 0; then one model is missing in turn; then both.
    found = columns(bg_silent=[0.2, 0.7, np.nan, np.nan], pareto_silent=[0.8, np.nan, 0.3, np.nan])
    assert found.silent[:3] == pytest.approx([0.0, np.log(7 / 3), np.log(3 / 7)])
    assert np.isnan(found.silent[3])


def test_expected_orders_are_the_geometric_mean_and_spend_is_orders_times_value() -> None:
    found = columns(bg_orders=[2.0, 3.0], pareto_orders=[8.0, np.nan], value=[10.0, 20.0])
    assert found.orders == pytest.approx([4.0, 3.0])
    assert found.spend == pytest.approx([40.0, 60.0])


def test_boosters_read_five_columns_in_single_precision_and_missing_stays_missing() -> None:
    found = columns(
        bg_silent=[0.2, np.nan], pareto_silent=[0.8, np.nan], bg_orders=[2.0, np.nan], pareto_orders=[8.0, np.nan],
        value=[10.0, 5.0],
    )  # fmt: skip
    names, values = found.features()
    assert names == ("btyd_logit_silent", "btyd_logit_spread", "btyd_log_orders", "btyd_value", "btyd_log_spend")
    assert values.dtype == np.float32
    # logit(.2) - logit(.8) = -2 log 4.
    meant = [0.0, -2 * np.log(4), np.log(4), 10.0, np.log(40)]
    assert values[:, 0] == pytest.approx(meant, rel=1e-6, abs=1e-7)
    assert np.isnan(values[[0, 1, 2, 4], 1]).all()
    assert values[3, 1] == 5.0


def test_columns_are_what_the_fitted_models_say() -> None:
    rhythm, prior = now_panel().rhythm, trained().model.prior
    summary = Summary(
        rhythm.frequency.astype(np.int64), rhythm.recency, rhythm.T, rhythm.value, rhythm.n_valued.astype(np.int64)
    )
    assert prior.bg is not None
    assert prior.pareto is not None
    assert prior.gamma is not None
    assert bits(prior.columns(rhythm, H)) == [
        prior.bg.p_no_purchase(summary, H).tobytes(),
        prior.pareto.p_no_purchase(summary, H).tobytes(),
        prior.bg.expected_purchases(summary, H).tobytes(),
        prior.pareto.expected_purchases(summary, H).tobytes(),
        prior.gamma.expected_value(summary).tobytes(),
    ]


def test_silence_falls_and_orders_rise_with_the_horizon() -> None:
    rhythm, prior = now_panel().rhythm, trained().model.prior
    short, long = prior.columns(rhythm, 7), prior.columns(rhythm, 90)
    assert (long.silent <= short.silent).all()
    assert (long.orders >= short.orders).all()
    assert long.silent.mean() < short.silent.mean() - 0.1


def nobody_repeats(n: int = 60) -> Rhythm:
    """Customers with one purchase day each."""
    rng, none = np.random.default_rng(0), np.zeros(n)
    return Rhythm(none, none, rng.integers(0, 200, n).astype(np.float64), np.full(n, np.nan), none)


def test_where_nobody_repeats_the_prior_says_so_and_leaves_its_columns_empty() -> None:
    prior = Prior.fit(nobody_repeats())
    assert (prior.bg, prior.pareto, prior.gamma) == (None, None, None)
    assert [note.split(" is left out: ")[0] for note in prior.notes] == ["BG/NBD", "Pareto/NBD", "Gamma-Gamma"]
    assert all("repeat" in note for note in prior.notes)
    found = prior.columns(nobody_repeats(), H)
    assert np.isnan([found.bg_silent, found.pareto_silent, found.bg_orders, found.pareto_orders]).all()
    assert np.isnan(found.silent).all()
    assert np.isfinite(found.value).all()


def few(n: int = 12) -> Rhythm:
    """A few customers with one repeat purchase of differing value each."""
    day = np.arange(1.0, n + 1)
    return Rhythm(np.ones(n), day, np.full(n, 30.0), 10 + day, np.ones(n))


def test_a_fit_that_did_not_settle_is_told_with_its_day_and_still_speaks() -> None:
    prior = Prior.fit(few(), Cutoff.parse("2024-03-01"))
    assert [note.split(" the ")[0] for note in prior.notes] == [
        f"{name} at 2024-03-01:" for name in ("BG/NBD", "Pareto/NBD", "Gamma-Gamma")
    ]
    assert all("the plain fit did not settle" in n and "fitted with a weak prior" in n for n in prior.notes)
    found = prior.columns(few(), H)
    assert ((found.silent > -5) & (found.silent < 5)).all()
    assert np.isfinite(found.spend).all()


def test_a_fit_that_settles_in_no_way_is_left_out_and_told(monkeypatch: Any) -> None:
    def lost(*_: object) -> Optimum:
        return Optimum(np.zeros(4), 1.0, False, "did not converge: slope 1.0e+00 after 500 iterations")

    monkeypatch.setattr("regulars.models.optimum.least_loss", lost)
    prior = Prior.fit(few(), Cutoff.parse("2024-03-01"))
    assert (prior.bg, prior.pareto, prior.gamma) == (None, None, None)
    assert prior.notes[0].startswith("BG/NBD at 2024-03-01 is left out: RG153")
    found = prior.columns(few(), H)
    assert np.isnan(found.silent).all()
    assert found.value.tolist() == few().value.tolist()


def test_without_gamma_gamma_a_customer_has_its_own_mean_value_and_a_stranger_that_of_the_others() -> None:
    prior = Prior(None, None, None, mean_value=12.5)
    rhythm = Rhythm(*(np.array(v) for v in ([1.0, 0.0], [5.0, 0.0], [9.0, 9.0], [40.0, np.nan], [1.0, 0.0])))
    assert prior.columns(rhythm, H).value.tolist() == [40.0, 12.5]


def test_a_prior_as_json_comes_back_to_the_bit() -> None:
    for prior in (trained().model.prior, Prior.fit(nobody_repeats())):
        back = Prior.from_dict(json.loads(json.dumps(prior.to_dict())))
        assert back == prior
        rhythm = now_panel().rhythm
        assert bits(back.columns(rhythm, H)) == bits(prior.columns(rhythm, H))


def small_panel() -> tuple[Panel, list[int]]:
    """The rows of two cutoffs."""
    panel = training_rows(trained()).panel
    days = [c.day for c in trained().trained_cutoffs[-2:]]
    return panel.take(np.isin(panel.cutoff_day, days)), days


def test_a_prior_read_from_the_cache_is_the_one_that_was_fitted(tmp_path: Path, monkeypatch: Any) -> None:
    panel, days = small_panel()
    fresh = priors_at(panel, days)
    assert priors_at(panel, days, tmp_path / "priors") == fresh
    kept = sorted(p.name for p in (tmp_path / "priors").iterdir())
    assert kept == [f"{Cutoff(day)}.json" for day in days]

    def refuse(_: object) -> None:
        raise AssertionError("fitted although it was kept")

    monkeypatch.setattr(Prior, "fit", refuse)
    again = priors_at(panel, days, tmp_path / "priors")
    assert again == fresh
    assert bits(columns_of(panel, again, H)) == bits(columns_of(panel, fresh, H))


def test_a_prior_kept_in_another_format_is_fitted_anew(tmp_path: Path) -> None:
    panel, days = small_panel()
    fresh = priors_at(panel, days[:1], tmp_path)
    file = tmp_path / f"{Cutoff(days[0])}.json"
    older = {**json.loads(file.read_text()), "format": prior_module.FORMAT - 1, "mean_value": -1.0}
    file.write_text(json.dumps(older))
    assert priors_at(panel, days[:1], tmp_path) == fresh


def test_progress_is_told_prior_by_prior() -> None:
    panel, days = small_panel()
    told: list[float] = []
    priors_at(panel, days, progress=lambda _, share: told.append(share))
    assert told == [0.5, 1.0]


def test_notes_of_each_cutoff_name_it() -> None:
    panel, days = small_panel()
    lonely = panel.take(np.isin(panel.customer_id, np.unique(panel.customer_id)[:4]))
    for day, prior in priors_at(lonely, days).items():
        assert prior.notes
        assert all(str(Cutoff(day)) in note for note in prior.notes)


def test_every_row_gets_the_prior_of_its_own_cutoff() -> None:
    panel, days = small_panel()
    priors = priors_at(panel, days)
    whole = columns_of(panel, priors, H)
    for day in days:
        rows = panel.cutoff_day == day
        assert bits(whole.take(rows)) == bits(priors[day].columns(panel.rhythm.take(rows), H))
    assert priors[days[0]] != priors[days[1]]


def test_the_prior_ranks_who_stays_silent_on_simulated_truth() -> None:
    sample = training_rows(trained())
    silent, churned = sample.prior.silent, sample.churned
    assert logit(np.array([churned.mean()]))[0] == pytest.approx(logit(np.array([0.5]))[0], abs=2.0)
    assert silent[churned == 1].mean() > silent[churned == 0].mean() + 1.0


@pytest.mark.parametrize("absent", ["bg", "pareto", "none"])
def test_several_horizons_at_once_say_to_the_bit_what_the_models_say_of_each_row(absent: str) -> None:
    panel = now_panel()
    prior = replace(trained().model.prior, **({} if absent == "none" else {absent: None}))
    told, summary = prior.over(panel.rhythm, {7: False, 30: True, 365: False}), summary_of(panel.rhythm)
    assert list(told) == [7, 30, 365]
    for h, found in told.items():
        for name, model in (("bg", prior.bg), ("pareto", prior.pareto)):
            silent, orders = getattr(found, f"{name}_silent"), getattr(found, f"{name}_orders")
            unknown = np.full(len(summary), np.nan)
            assert silent.tobytes() == (unknown if model is None else model.p_no_purchase(summary, h)).tobytes()
            said = unknown if model is None or h != 30 else model.expected_purchases(summary, h)
            assert orders.tobytes() == said.tobytes()


def test_ages_are_the_distinct_pairs_of_purchases_and_age() -> None:
    rows = Summary(frequency=[2, 0, 2, 0, 1], recency=[9, 0, 3, 0, 9], T=[9, 5, 9, 5, 9])
    ages, age = rows.ages()
    assert (ages.frequency.tolist(), ages.T.tolist(), ages.recency.tolist()) == ([0, 1, 2], [5, 9, 9], [0, 9, 9])
    assert age.tolist() == [2, 0, 2, 0, 1]
