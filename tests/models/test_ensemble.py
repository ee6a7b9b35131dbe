"""The seed that turns the prior into a margin, the members and what they read, and who chooses their settings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from regulars.clock import Cutoff
from regulars.errors import ConfigError, DataError, NotEnoughData
from regulars.models.boosted import Setting, Shelf
from regulars.models.ensemble import (
    CHURN,
    GAMMA,
    ORDERS,
    VALUE,
    Ensemble,
    Kind,
    Recipe,
    Seed,
    as_members,
    settings_for,
)
from regulars.models.examples import Columns, Examples
from regulars.models.metrics import sigmoid
from regulars.models.sample import Sample

from ..simulated import rows_now, trained, training_rows

Float64 = NDArray[np.float64]


def rows() -> Sample:
    return training_rows(trained())


def test_the_seed_of_money_is_in_units_of_the_mean_so_that_the_currency_does_not_matter() -> None:
    sample = rows()
    seed = Seed.fit(VALUE, VALUE.examples(sample))
    assert seed.unit == pytest.approx(np.maximum(sample.spend, 0).mean())
    known = seed.unit * np.exp(seed.margin(VALUE, sample))
    total = (sample.weight * np.maximum(sample.spend, 0)).sum()
    assert (sample.weight * known).sum() == pytest.approx(total, rel=0.05)
    assert Seed.fit(CHURN, CHURN.examples(sample)).unit == 1.0


def test_the_margin_of_churn_is_brought_to_the_level_of_the_training_rows() -> None:
    sample = rows()
    margin = Seed.fit(CHURN, CHURN.examples(sample)).margin(CHURN, sample)
    # Logistic regression with an intercept is right in total, by the weights it was fitted with.
    assert (sample.weight * sigmoid(margin)).sum() == pytest.approx((sample.weight * sample.churned).sum(), rel=1e-3)


def test_members_read_the_panel_and_unless_plain_the_prior_too() -> None:
    sample = rows()
    columns = CHURN.columns(sample)
    plain, rich = columns.names_for("plain"), columns.names_for("rich")
    assert plain == sample.panel.names
    assert columns.read(plain) is sample.panel.values
    more = columns.read(rich)
    assert rich[: len(plain)] == plain
    assert [n for n in rich if n.startswith("btyd_")] == list(rich[len(plain) :])
    assert more.shape == (len(rich), sample.n_rows)
    assert columns.names_for("seeded") == rich


def test_nothing_that_is_the_same_for_all_customers_of_a_cutoff_is_a_feature() -> None:
    # METHOD, Level: such features name the cutoff and swallow the level; absolute dates above all.
    sample = rows()
    columns = CHURN.columns(sample)
    names, values = columns.names_for("rich"), columns.read(columns.names_for("rich"))
    for name, row in zip(names, values, strict=True):
        spreads = [np.ptp(here[np.isfinite(here)]) for day in np.unique(sample.panel.cutoff_day)
                   if np.isfinite(here := row[sample.panel.cutoff_day == day]).any()]  # fmt: skip
        between = {float(np.nanmin(row[sample.panel.cutoff_day == d])) for d in np.unique(sample.panel.cutoff_day)
                   if np.isfinite(row[sample.panel.cutoff_day == d]).any()}  # fmt: skip
        assert max(spreads) > 0 or len(between) == 1, f"{name} names the cutoff"


def test_churn_and_value_are_three_members_of_which_only_the_last_is_seeded() -> None:
    found = trained().model
    for ensemble in (found.churn.ensemble, found.value.ensemble):
        seeded = {m: b.seeded for m, b in ensemble.boosters.items()}
        assert seeded == {"plain": False, "rich": False, "seeded": True}
    assert {m: b.seeded for m, b in found.value.amounts.boosters.items()} == {"rich": False}


def test_a_member_is_asked_with_the_margin_of_the_very_rows() -> None:
    ensemble, now = trained().model.churn.ensemble, rows_now(trained())
    names = ensemble.boosters["seeded"].names
    values = CHURN.columns(now).read(names)
    margin = ensemble.seed.margin(CHURN, now)
    assert ensemble.link("seeded", now).tobytes() == ensemble.boosters["seeded"].link(names, values, margin).tobytes()
    back = np.arange(now.n_rows)[::-1]
    assert ensemble.link("seeded", now.take(back)).tobytes() == ensemble.link("seeded", now)[back].tobytes()


def test_settings_are_judged_on_the_last_training_cutoff_and_learnt_from_what_had_matured_by_then() -> None:
    # Whatever the rows between the last matured cutoff and the judging one say, the settings do not see it.
    sample, recipe = rows(), Recipe(trials=0)
    days = np.unique(sample.panel.cutoff_day)
    last = Cutoff(int(days[-1]))
    assert days[-1] - days[-2] == sample.horizon_days
    settings, trials = settings_for(CHURN, sample, recipe)
    assert [t.number for t in trials] == [0]
    # With a lag of one day the cutoff before the last has not matured by the last and so teaches nothing.
    lagged = replace(recipe, lag_days=1)
    without = sample.take(sample.panel.cutoff_day != days[-2])
    assert settings_for(CHURN, sample, lagged) == settings_for(CHURN, without, lagged)
    assert settings_for(CHURN, sample, recipe) == (settings, trials)
    assert sample.matured_before(last, 1).n_rows < sample.matured_before(last, 0).n_rows


def test_a_seeded_member_is_shallower_and_more_strongly_penalised() -> None:
    settings, _ = settings_for(CHURN, rows(), Recipe(trials=0))
    assert set(settings) == {"plain", "rich", "seeded"}
    assert settings["seeded"].params["max_depth"] == 3
    assert settings["seeded"].params["reg_lambda"] == 30.0
    assert settings["rich"].params == settings["plain"].params
    assert all(1 <= s.rounds <= 400 for s in settings.values())


def test_with_one_training_cutoff_the_defaults_are_taken() -> None:
    sample = rows()
    one = sample.at((trained().trained_cutoffs[0],))
    settings, trials = settings_for(CHURN, one, Recipe(trials=5))
    assert trials == ()
    assert {s.rounds for s in settings.values()} == {100}


def test_a_feature_that_is_zero_or_missing_in_every_training_row_changes_nothing() -> None:
    # Such as that of a kind of event which first happened after the day: trees draw some columns, so one more would
    # change them all.
    sample, now = rows(), rows_now(trained())
    settings = {m: replace(s, rounds=4) for m, s in settings_for(CHURN, sample, Recipe(trials=0))[0].items()}

    def wider(part: Sample, later: float) -> Sample:
        mute = np.full((2, part.n_rows), later, np.float32)
        mute[1, ::2] = np.nan
        values = np.concatenate([mute[:1], part.panel.values, mute[1:]])
        return replace(part, panel=replace(part.panel, names=("first", *part.panel.names, "last"), values=values))

    found = Ensemble.fit(CHURN, wider(sample, 0.0), settings)
    meant = Ensemble.fit(CHURN, sample, settings)
    assert settings_for(CHURN, wider(sample, 0.0), Recipe(trials=0)) == settings_for(CHURN, sample, Recipe(trials=0))
    for member in CHURN.members:
        assert found.boosters[member].saved() == meant.boosters[member].saved()
        assert found.link(member, wider(now, 7.0)).tobytes() == meant.link(member, now).tobytes()
    # One that is 1 or missing says something.
    assert "last" in Ensemble.fit(CHURN, wider(sample, 1.0), settings).boosters["plain"].names


def test_a_feature_that_is_lacking_when_one_asks_is_missed() -> None:
    ensemble, now = trained().model.churn.ensemble, rows_now(trained())
    lost = ensemble.boosters["rich"].names[3]
    kept = [i for i, name in enumerate(now.panel.names) if name != lost]
    panel = replace(now.panel, names=tuple(now.panel.names[i] for i in kept), values=now.panel.values[kept])
    with pytest.raises(ConfigError, match=f"not those of the training.*{lost}"):
        ensemble.link("rich", replace(now, panel=panel))


def test_plain_arrays_teach_and_say_what_the_sample_does() -> None:
    # A sample is one way to bring the arrays; the estimator of anybody's own table is the other.
    sample, now = rows(), rows_now(trained())
    settings = {m: replace(s, rounds=4) for m, s in settings_for(CHURN, sample, Recipe(trials=0))[0].items()}
    examples, columns = CHURN.examples(sample), CHURN.columns(now)
    first, second = Ensemble.fit(CHURN, sample, settings), Ensemble.learnt(CHURN, examples, settings)
    for member in CHURN.members:
        assert first.link(member, now).tobytes() == second.link_of(member, columns).tobytes()


def test_the_blend_is_the_mean_of_links_with_the_prior_by_its_weight_where_there_is_one() -> None:
    ensemble, columns = trained().model.churn.ensemble, CHURN.columns(rows_now(trained()))
    prior = columns.prior.copy()
    prior[::2] = np.nan
    columns = replace(columns, prior=prior)
    trees = sum(ensemble.link_of(m, columns) for m in CHURN.members) / 3
    found = ensemble.blend(columns, 0.25)
    np.testing.assert_allclose(found[::2], trees[::2], rtol=1e-12)
    np.testing.assert_allclose(found[1::2], (0.75 * trees + 0.25 * prior)[1::2], rtol=1e-12)


def test_thinning_draws_the_same_rows_each_time_and_keeps_their_order() -> None:
    whole = CHURN.examples(rows())
    whole = replace(whole, weight=np.arange(len(whole.target), dtype=np.float64))
    thin = whole.thinned(40, seed=1)
    assert thin.weight.tolist() == whole.thinned(40, seed=1).weight.tolist()
    assert len(set(thin.weight)) == 40
    assert (np.diff(thin.weight) > 0).all()
    # Everything of a row stays together.
    kept = thin.weight.astype(int)
    assert thin.target.tolist() == whole.target[kept].tolist()
    assert thin.columns.prior.tobytes() == whole.columns.prior[kept].tobytes()
    assert thin.columns.values.tobytes() == whole.columns.values[:, kept].tobytes()
    assert any(whole.thinned(40, seed=s).weight.tolist() != thin.weight.tolist() for s in range(2, 6))
    assert whole.thinned(len(whole.target), seed=1) is whole


def test_an_ensemble_learnt_twice_is_the_same_to_the_byte() -> None:
    sample = rows()
    settings = {m: replace(s, rounds=8) for m, s in settings_for(CHURN, sample, Recipe(trials=0))[0].items()}
    first, second = Ensemble.fit(CHURN, sample, settings), Ensemble.fit(CHURN, sample, settings)
    assert first.seed == second.seed
    assert [b.saved() for b in first.boosters.values()] == [b.saved() for b in second.boosters.values()]


def examples(n: int = 200, **changed: object) -> Examples:
    """Rows of three features and a prior that say something of the outcome."""
    draw = np.random.default_rng(0)
    values, prior = draw.normal(size=(3, n)).astype(np.float32), draw.normal(size=n)
    target = (draw.random(n) < sigmoid(prior + values[0])).astype(np.float64)
    given: dict[str, object] = {"values": values, "prior": prior, "target": target, "weight": np.ones(n), **changed}
    values, prior = np.asarray(given["values"], np.float32), np.asarray(given["prior"], np.float64)
    names = tuple(f"f{i}" for i in range(len(values)))
    columns = Columns(names, values, ("said",), prior[None].astype(np.float32), prior)
    return Examples(columns, np.asarray(given["target"], np.float64), np.asarray(given["weight"], np.float64))


def learnt(kind: Kind, rows: Examples) -> Float64:
    return Ensemble.learnt(kind, rows, as_members(kind, Setting(rounds=10))).blend(rows.columns, 0.25)


@pytest.mark.parametrize("kind", [CHURN, VALUE], ids=["churn", "value"])
@pytest.mark.parametrize(
    "change",
    [
        {"values": np.ones((3, 200))},
        {"values": np.full((3, 200), np.nan)},
        {"values": np.tile(np.arange(200.0), (3, 1))},
        {"prior": np.full(200, np.nan)},
        {"prior": np.ones(200)},
        {"target": np.ones(200)},
    ],
    ids=["constant", "missing", "three times the same", "no prior", "one prior for all", "one outcome"],
)
def test_what_says_nothing_is_no_harm(kind: Kind, change: dict[str, object]) -> None:
    rows = examples(**change)
    found = learnt(kind, rows)
    assert np.isfinite(found).all()
    if np.ptp(rows.target) == 0:
        # All churned, or all spent 1: log odds far above 0, or a log of about 0.
        assert (found > 3).all() if kind is CHURN else np.abs(found - 0.25 * rows.columns.prior).max() < 0.01


def test_one_row_teaches_its_own_outcome() -> None:
    assert learnt(CHURN, examples(1, target=[1.0], prior=[np.nan]))[0] > 3
    assert learnt(CHURN, examples(1, target=[0.0], prior=[np.nan]))[0] < -3


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"target": np.where(np.arange(200) == 3, np.nan, 1.0)}, DataError, "RG268: 1 rows have an outcome"),
        ({"weight": np.where(np.arange(200) < 2, np.inf, 1.0)}, DataError, "RG268: 2 rows"),
        ({"weight": np.full(200, -1.0)}, DataError, "RG268: 200 rows"),
        ({"weight": np.zeros(200)}, NotEnoughData, "RG267: 200 rows with 3 features"),
        ({"values": np.empty((0, 200))}, NotEnoughData, "RG267: 200 rows with 0 features"),
        ({"values": np.full((3, 200), np.inf)}, DataError, "RG060: 200 rows have infinite features"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused(change: dict[str, object], error: type[Exception], said: str) -> None:
    for kind in (CHURN, VALUE):
        with pytest.raises(error, match=said):
            learnt(kind, examples(**change))


def test_of_money_that_nobody_spent_nothing_is_learnt_and_its_unit_is_zero() -> None:
    found = Ensemble.learnt(VALUE, examples(target=np.zeros(200)), as_members(VALUE, Setting()))
    assert (dict(found.boosters), found.seed.unit) == ({}, 0.0)
    for kind in (CHURN, VALUE):
        with pytest.raises(NotEnoughData, match="0 rows with 3 features"):
            learnt(kind, examples(0))


def test_what_those_spend_who_do_is_learnt_from_them_alone() -> None:
    sample = rows()
    taught = GAMMA.examples(sample)
    paid = sample.spend > 0
    assert 0 < paid.sum() < sample.n_rows
    assert taught.target.tolist() == sample.spend[paid].tolist()
    assert taught.columns.values.shape[1] == paid.sum()


def test_an_expectation_far_below_the_mean_counts_as_a_hundredth_of_it() -> None:
    # The mean of what came is 1 and so is the unit; the prior says 1e-6 of the first row and 0.01 of the second.
    prior = np.log(np.r_[1e-6, 0.01, np.full(198, 1.0)])
    seed = Seed.fit(VALUE, examples(prior=prior, target=np.ones(200)))
    assert seed.least == pytest.approx(np.log(0.01))
    found = seed.of(prior)
    assert found[0] == found[1]
    assert Seed.fit(CHURN, examples(prior=prior, target=np.arange(200) % 2)).least == -np.inf


def test_kinds_beside_are_made_like_the_first_with_rounds_of_their_own() -> None:
    found, trials = settings_for(VALUE, rows(), Recipe(trials=0))
    assert set(found) == {"plain", "rich", "seeded", "gamma", "orders"}
    assert len(trials) == 1
    assert found["gamma"].params == found["plain"].params
    # Orders are seeded: shallower and more strongly penalised.
    assert found["orders"].params == found["seeded"].params
    assert all(setting.rounds % 5 == 0 for setting in found.values())


def test_matrices_from_a_shelf_make_the_same_boosters_to_the_bit() -> None:
    shelf, given = Shelf(), as_members(CHURN, Setting(rounds=5))
    for kind in (CHURN, VALUE, ORDERS):
        shared = Ensemble.fit(kind, rows(), given, shelf).boosters
        for member, booster in shared.items():
            alone = Ensemble.fit(replace(kind, members=(member,)), rows(), given).boosters[member]
            assert booster.saved() == alone.saved()
    # Six boosters that read the prior, and two that do not, of the same rows.
    assert len(shelf._made) == 2
