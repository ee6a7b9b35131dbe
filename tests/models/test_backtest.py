"""The examination: what it says of every model at every origin, and that nothing is left unexplained."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from regulars.clock import Cutoff
from regulars.models import metrics
from regulars.models.backtest import Backtest, summed_up
from regulars.models.budget import BEST, RANDOM, Budget
from regulars.models.intervals import Intervals
from regulars.models.judged import Judged
from regulars.models.speakers import MODELS
from regulars.models.splits import TIMING, Origin
from regulars.pipelines.files import strict_json

from ..simulated import trained

Float64 = NDArray[np.float64]
FIRST = Cutoff.parse("2024-03-01")
H = 30
TRUST = Intervals.fit(np.linspace(1, 9, 60), np.full(60, 0.5), np.tile([0.0, 8.0], 30), np.full(60, "2024-01-01"))


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test here looks at intervals that are drawn."""
    trained()  # Kept for the other tests of the process, so examined as it is.
    monkeypatch.setattr("regulars.models.backtest.Resampling", partial(metrics.Resampling, draws=9))


def outcomes(origin: int, n: int = 60, seed: int = 0, **changed: Any) -> pd.DataFrame:
    """Rows of one origin, of which every model knows something; some columns may be set."""
    rng = np.random.default_rng([seed, origin])
    p, stake = rng.uniform(0.1, 0.9, n), rng.gamma(2.0, 10.0, n).round(2)
    churned = (rng.random(n) < p).astype(np.float64)
    spend = np.where(churned == 0, (stake * rng.gamma(2.0, 0.5, n)).round(2), 0.0)
    columns: dict[str, Any] = {
        "cutoff": str(FIRST.plus(H * origin)),
        "customer_id": np.array([f"c{i:03d}" for i in range(n)], object),
        "churned": churned,
        "spend": spend,
        "orders": 1 - churned,
        "at_stake": stake,
    }
    for k, name in enumerate(MODELS):
        columns[f"p_churn_{name}"] = metrics.sigmoid(metrics.logit(p) + rng.normal(0.2 * k, 0.1 + 0.3 * k, n))
        columns[f"value_{name}"] = stake * (1 - p) * rng.gamma(9 - k, 1 / (9 - k), n)
    columns |= {"p_none": p, "spend_low": 0.0, "spend_high": stake, "spend_upper": 2 * stake, "spend_median": 0.0}
    columns["days_to_next"] = np.where(churned == 1, np.nan, rng.integers(0, H, n))
    for d in TIMING:
        columns |= {f"p_purchase_{d}d": 1 - p ** (d / H), f"bought_{d}d": columns["days_to_next"] < d}
    return pd.DataFrame({**columns, **changed})


def judged(frame: pd.DataFrame, overlapping: bool = False, trained_days: int = H, floor: float = 0.1) -> Judged:
    cutoff = Cutoff.parse(str(frame["cutoff"].iloc[0]))
    training = (cutoff.minus(3 * H), cutoff.minus(2 * H))
    origin, off = Origin(cutoff, training, trained_days, overlapping), {"words": "off"}
    return Judged(origin, H, frame, floor, 99, off, off, {H: TRUST}, {H: trained_days})


def examined(*frames: pd.DataFrame, notes: dict[int, list[str]] | None = None) -> Backtest:
    return summed_up([judged(f) for f in frames], 0, Budget(), notes or {})


def test_the_level_at_an_origin_is_what_its_own_refit_would_save() -> None:
    frames = [outcomes(0), outcomes(1, n=30)]
    found = examined(*frames).figures
    for frame, part in zip(frames, found["origins"], strict=True):
        for name in MODELS:
            y, p = frame["churned"].to_numpy(), frame[f"p_churn_{name}"].to_numpy()
            assert part["churn"][name]["level_loss"] == metrics.level_loss(y, p)
            assert part["churn"][name]["level_loss"] > 0
            mu = np.maximum(frame[f"value_{name}"].to_numpy(), 0.1)
            assert part["value"][name]["level_deviance"] == metrics.level_deviance(frame["spend"].to_numpy(), mu)


def test_the_pooled_level_weighs_each_origins_own_refit_by_its_rows() -> None:
    found = examined(outcomes(0), outcomes(1, n=30)).figures
    for kind, figure in (("churn", "level_loss"), ("value", "level_deviance")):
        for name in MODELS:
            first, second = (part[kind][name][figure] for part in found["origins"])
            assert found["pooled"][kind][name][figure] == pytest.approx((60 * first + 30 * second) / 90)


def test_an_origin_at_which_everybody_is_lost_has_no_level_and_leaves_the_pooled_one_to_the_others() -> None:
    gone = outcomes(1, churned=1.0, spend=0.0)
    found = examined(outcomes(0), gone).figures
    first, second = found["origins"]
    assert second["churn"]["regulars"]["level_loss"] is None
    assert "nobody bought within 30 days" in second["undefined"]["level_loss"]
    assert found["pooled"]["churn"]["regulars"]["level_loss"] == first["churn"]["regulars"]["level_loss"]


def test_pooled_losses_are_those_of_all_rows_each_with_the_floor_of_its_origin() -> None:
    frames = [outcomes(0), outcomes(1, n=30)]
    found = summed_up([judged(frames[0], floor=0.1), judged(frames[1], floor=9.0)], 0, Budget(), {}).figures
    for kind, figure in (("churn", "log_loss"), ("value", "tweedie_deviance")):
        first, second = (part[kind]["naive"][figure] for part in found["origins"])
        assert found["pooled"][kind]["naive"][figure] == pytest.approx((60 * first + 30 * second) / 90)


def test_money_at_a_budget_adds_up_over_origins() -> None:
    found = examined(outcomes(0), outcomes(1, n=30)).figures
    for name in (*MODELS, RANDOM, BEST):
        parts = [part["money"][name] for part in found["origins"]]
        for figure in ("gain", "contacted", "money_reached"):
            assert found["pooled"]["money"][name][figure] == pytest.approx(sum(p[figure] for p in parts))
    # A tenth of 60 and of 30.
    assert found["pooled"]["money"]["regulars"]["contacted"] == 9.0
    assert found["budget"]["assumed"] == ["share", "contact_cost", "save_rate", "margin"]


def test_what_a_contact_costs_changes_the_money_and_nothing_else() -> None:
    free, dear = (
        summed_up([judged(outcomes(0))], 0, Budget(share=1.0, contact_cost=cost), {}).figures["pooled"]
        for cost in (0.0, 1.0)
    )
    assert dear["money"]["regulars"]["contacted"] < free["money"]["regulars"]["contacted"] == 60.0
    assert dear["money"]["regulars"]["per_contacted"] > dear["money"][RANDOM]["per_contacted"]
    assert (dear["churn"], dear["value"]) == (free["churn"], free["value"])


def test_the_grade_is_that_of_all_origins_for_churn_and_for_value() -> None:
    found = examined(*(outcomes(k, n=400) for k in range(3)))
    grades = found.figures["grade"]
    pooled = found.figures["pooled"]
    for kind, figure in (("churn", "log_loss"), ("value", "tweedie_deviance")):
        classics = {name: pooled[kind][name][figure] for name in ("bg_nbd", "pareto_nbd")}
        assert grades[kind]["btyd"] == min(classics, key=lambda name: classics[name])
        ours, rule = pooled[kind]["regulars"][figure], pooled[kind]["naive"][figure]
        assert grades[kind]["gains"]["naive"]["percent"] == pytest.approx(100 * (rule - ours) / rule)
        key = {"churn": "log_loss_gain_percent", "value": "deviance_gain_percent"}[kind]
        assert found.figures["gain"][kind]["naive"][key] == pytest.approx(grades[kind]["gains"]["naive"]["percent"])
        assert found.figures["gain"][kind]["naive"]["ci"] == pytest.approx(grades[kind]["gains"]["naive"]["ci"])
    assert grades["churn"]["grade"] == "A"
    assert found.speaker == "regulars"


def test_whoever_erred_least_of_the_rivals_speaks_where_the_model_did_badly() -> None:
    frame = outcomes(0, n=400)
    poor = frame.assign(p_churn_regulars=1 - frame["p_churn_regulars"])
    found = examined(poor)
    assert (found.figures["grade"]["churn"]["grade"], found.speaker) == ("C", "bg_nbd")


def nulls(content: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The places of all figures that are None."""
    if content is None:
        return [path]
    if isinstance(content, dict):
        return [place for key, inner in content.items() for place in nulls(inner, (*path, key))]
    return []


def unexplained(part: dict[str, Any]) -> list[tuple[str, ...]]:
    """Figures of a part that are None and of which nothing is said."""
    cards = {kind: part[kind] for kind in ("churn", "value", "money")}
    return [place for place in nulls(cards) if not {*place} & set(part["undefined"])]


HARD = {
    "nothing": {},
    "all are lost": {"churned": 1.0, "spend": 0.0},
    "nobody is lost": {"churned": 0.0},
    "nobody spends": {"spend": 0.0},
    "only returns": {"spend": -5.0},
    "no classic": dict.fromkeys(("p_churn_bg_nbd", "p_churn_pareto_nbd", "value_bg_nbd", "value_pareto_nbd"), np.nan),
    "carried": {"p_churn_xgb_panel": np.nan, "value_xgb_panel": np.nan},
    "nothing at stake": {"at_stake": 0.0},
    "one prediction": {"value_regulars": 3.0, "p_churn_regulars": 0.5},
    "certain": {"p_churn_regulars": 0.0, "p_churn_naive": 1.0, "value_regulars": 0.0},
    "all at once": {"churned": 1.0, "spend": 0.0, "at_stake": 0.0, "p_churn_bg_nbd": np.nan, "value_bg_nbd": np.nan},
}


@pytest.mark.parametrize("n", [1, 2, 40])
@pytest.mark.parametrize("hard", list(HARD))
@pytest.mark.parametrize("floor", [0.1, 0.0])
def test_every_figure_is_a_finite_number_or_it_is_said_why_not(hard: str, n: int, floor: float) -> None:
    rows = [judged(outcomes(0, n, **HARD[hard]), floor=floor), judged(outcomes(1, n))]
    found = summed_up(rows, 0, Budget(contact_cost=0.5), {})
    strict_json(found.figures)  # refuses what is not finite
    for part in (*found.figures["origins"], found.figures["pooled"]):
        assert unexplained(part) == []
    assert found.figures["grade"]["churn"]["grade"] in {"A", "B", "C"}
    assert "-" in str(found)


def test_a_model_that_could_not_be_fitted_at_one_origin_is_named_with_that_origin() -> None:
    found = examined(outcomes(0), outcomes(1, p_churn_bg_nbd=np.nan, value_bg_nbd=np.nan)).figures
    assert found["origins"][0]["churn"]["bg_nbd"]["log_loss"] > 0
    assert found["pooled"]["churn"]["bg_nbd"]["log_loss"] is None
    assert found["pooled"]["undefined"] == {"bg_nbd": "could not be fitted, or not for 30 days, at 2024-03-31"}
    # It is still compared where it spoke, but the better classic is the one that spoke everywhere.
    assert found["gain"]["churn"]["bg_nbd"]["log_loss_gain_percent"] is not None
    assert found["grade"]["churn"]["btyd"] == "pareto_nbd"


def test_what_there_is_to_say_of_the_priors_stands_at_the_origins_that_rest_on_them() -> None:
    # The first origin trains 90 and 60 days earlier, the second one window later.
    said = {FIRST.minus(2 * H).day: ["weak in January"], FIRST.plus(H).day: ["weak at the end", "no Pareto/NBD"]}
    found = examined(outcomes(0), outcomes(1), notes=said).figures
    assert [o["priors"] for o in found["origins"]] == [
        ["weak in January"],
        ["weak in January", "weak at the end", "no Pareto/NBD"],
    ]


def test_overlapping_windows_and_shorter_horizons_are_said() -> None:
    assert examined(outcomes(0)).figures["notes"] == []
    overlapping = [judged(outcomes(0)), judged(outcomes(1), overlapping=True)]
    (note,) = summed_up(overlapping, 0, Budget(), {}).figures["notes"]
    assert "overlap" in note
    carried = [judged(outcomes(0), trained_days=14), judged(outcomes(1))]
    found = summed_up(carried, 0, Budget(), {}).figures
    assert "trained at 14 days and carried to 30" in found["notes"][0]
    assert [o["trained_horizons"] for o in found["origins"]] == [[14], [30]]
    assert found["pooled"]["trained_horizons"] == [14, 30]


def test_the_table_has_a_row_for_every_origin_and_model_and_for_all() -> None:
    found = examined(outcomes(0), outcomes(1))
    table = found.table()
    assert list(zip(table["origin"], table["model"], strict=True)) == [
        (origin, model) for origin in ("2024-03-01", "2024-03-31", "all") for model in MODELS
    ]
    part = found.figures["origins"][1]["churn"]["bg_nbd"]
    row = table[(table["origin"] == "2024-03-31") & (table["model"] == "bg_nbd")].iloc[0]
    assert row["level_share"] == pytest.approx(part["level_loss"] / part["log_loss"])
    assert row["money_per_contact"] == found.figures["origins"][1]["money"]["bg_nbd"]["per_contacted"]


def test_what_is_printed_fits_a_screen_and_says_grades_level_and_budget() -> None:
    found = examined(outcomes(0, n=400, spend=1e7), outcomes(1, n=400), outcomes(2, p_churn_bg_nbd=np.nan))
    shown = str(found)
    assert max(len(line) for line in shown.splitlines()) <= 120
    said = " ".join(shown.split())
    for kind in ("churn", "value"):
        assert found.figures["grade"][kind]["words"] in said
    assert found.figures["budget"]["words"] in said
    assert "level %" in shown.splitlines()[0]
    # The classic that is missing at one origin has dashes there and in all.
    assert [line.split()[2] for line in shown.splitlines() if " bg_nbd " in line][2:] == ["-", "-"]


def test_notebooks_see_the_same_and_nothing_in_it_is_taken_for_markup() -> None:
    found = examined(outcomes(0))
    figures = {**found.figures, "notes": ["<b>less</b>"]}
    shown = Backtest(figures, found.predictions)._repr_html_()
    assert "&lt;b&gt;less" in shown
    assert "<b>less" not in shown
    assert "Grade " in shown
    assert "<table" in shown


def test_the_order_of_rows_changes_nothing() -> None:
    frame = outcomes(0)
    rows = np.random.default_rng(1).permutation(len(frame))
    there, back = (examined(f.reset_index(drop=True)).figures for f in (frame, frame.iloc[rows]))
    assert there["pooled"]["money"]["regulars"]["contacted"] == back["pooled"]["money"]["regulars"]["contacted"]
    for name in MODELS:
        for kind, figure in (("churn", "level_loss"), ("churn", "auc"), ("value", "gini"), ("money", "gain")):
            found = (f["pooled"][kind][name][figure] for f in (there, back))
            assert next(found) == pytest.approx(next(found), abs=1e-12)


def test_a_shops_examination_has_a_figure_for_every_model() -> None:
    found = trained().backtest
    (origin,) = found.figures["origins"]
    assert origin["undefined"] == {}
    assert nulls({kind: origin[kind] for kind in ("churn", "value", "money")}) == []
    assert origin["level"]["words"]
    assert (found.predictions["at_stake"] >= 0).all()
    assert 0 < (found.predictions["at_stake"] > 0).mean() < 1
    for name in MODELS:
        money = origin["money"][name]
        assert money["gain"] <= origin["money"][BEST]["gain"]
        assert money["contacted"] == np.ceil(0.1 * (found.predictions["at_stake"] > 0).sum())
