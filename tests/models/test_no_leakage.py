"""The one rule for everything learnt: what happens at or after the cutoff changes no prediction, in any bit."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.errors import DataError
from regulars.features.family import plan_for
from regulars.features.history import History
from regulars.features.lines import Lines
from regulars.features.panel import panel_block
from regulars.intake import Ledger
from regulars.models.backtest import Backtest
from regulars.models.boosted import Setting
from regulars.models.churn import Churn
from regulars.models.ensemble import CHURN, Recipe, as_members
from regulars.models.judged import Examiner
from regulars.models.learnt import fit
from regulars.models.metrics import auc
from regulars.models.sample import Sample
from regulars.models.speakers import MODELS
from regulars.models.splits import Origin
from regulars.pipelines.backtest import run_backtest

from ..simulated import config_of, shop, trained
from ..simulated import purchases as shopping

Float64 = NDArray[np.float64]
START = pd.Timestamp("2023-01-01", tz="UTC")
COLUMNS = {"quantity": "quantity", "category": "category", "product_id": "product_id", "discount": "discount"}
CAME = (
    "churned",
    "spend",
    "orders",
    "bought_7d",
    "bought_14d",
    "bought_30d",
    "bought_60d",
    "bought_90d",
    "days_to_next",
)
"""Columns that say what came; with what came at other horizons, all others say what was known or foretold."""


def foretold(predictions: pd.DataFrame) -> pd.DataFrame:
    """The predictions without what came: all models, all horizons, with their intervals."""
    further = [c for c in predictions if re.fullmatch(r"(churned|spend)_\d+d", str(c))]
    return predictions.drop(columns=[*CAME, *further])


def purchases(seed: int, customers: int = 260, days: int = 330) -> pd.DataFrame:
    """Customers with rates of their own who stop at times of their own; one in twelve lines is a return."""
    draw = np.random.default_rng(seed)
    rows = []
    for who in range(customers):
        day, stops = float(draw.integers(0, 120)), float(draw.exponential(260)) + 20
        first, pace = day, 5 + draw.gamma(2.0, 12.0)
        while day < min(days, first + stops):
            for _ in range(int(draw.integers(1, 4))):
                money = round(float(draw.gamma(2.0, 9.0)) + 0.5, 2) * (-1 if draw.random() < 1 / 12 else 1)
                rows.append((f"c{who:03d}", day, money, int(draw.integers(1, 4)), int(draw.integers(0, 9))))
            day += float(draw.exponential(pace)) + 0.01
    frame = pd.DataFrame(rows, columns=["customer_id", "day", "amount", "quantity", "product"])
    return frame.assign(
        purchased_at=(START + pd.to_timedelta((frame["day"] * 86400).round(), unit="s")).dt.floor("s"),
        product_id="p" + frame["product"].astype(str),
        category="k" + (frame["product"] // 3).astype(str),
        discount=(frame["product"] % 3) * 0.25,
    ).drop(columns=["day", "product"])


@dataclass(frozen=True)
class Case:
    """A shop, its configuration and the day on which one stands."""

    day: int
    days: int
    customers: int
    beside: bool
    config: Config

    @property
    def cutoff(self) -> Cutoff:
        return Cutoff.parse("2023-01-01").plus(self.day)

    @property
    def at(self) -> pd.Timestamp:
        return START + pd.Timedelta(days=self.day)

    def frame(self) -> pd.DataFrame:
        return purchases(1, self.customers, self.days)

    def told(self, frame: pd.DataFrame, visits: pd.DataFrame) -> Backtest:
        beside = {"events": visits, "customers": people(frame, self.at)} if self.beside else {}
        return run_backtest(Ledger.from_frame(frame, self.config, **beside), self.config, self.cutoff)


def events(frame: pd.DataFrame) -> pd.DataFrame:
    """Visits, opened e-mails and complaints in the weeks before half of the purchases."""
    draw = np.random.default_rng(5)
    half = frame.sample(len(frame) // 2, random_state=5)
    when = half["purchased_at"] - pd.to_timedelta(draw.integers(0, 20 * 86400, len(half)), unit="s")
    return pd.DataFrame(
        {
            "customer_id": half["customer_id"],
            "occurred_at": when.astype(frame["purchased_at"].dtype),
            "kind": draw.choice(["visit", "email_open", "complaint"], len(half), p=[0.7, 0.2, 0.1]),
            "value": draw.integers(0, 5, len(half)).astype(float),
        }
    )


def people(frame: pd.DataFrame, at: pd.Timestamp) -> pd.DataFrame:
    """A row for each customer; of those who come at or after the cutoff nothing is as it was."""
    known = set(frame.loc[frame["purchased_at"] < at, "customer_id"])
    ids = sorted(set(frame["customer_id"]))
    number = [zlib.crc32(i.encode()) for i in ids]
    return pd.DataFrame(
        {
            "customer_id": ids,
            "city": [f"t{n % 4}" if i in known else "poison" for i, n in zip(ids, number, strict=True)],
            "age": [20 + n % 60 if i in known else 99999 for i, n in zip(ids, number, strict=True)],
        }
    )


def settings(ends: str, **more: Any) -> Config:
    data: dict[str, object] = {"history_ends": ends, **more.pop("data", {})}
    chosen: dict[str, Any] = {"horizon_days": 28, "engine": {"threads": 1}, "seed": 7, **more}
    return Config.of(purchases=dict(COLUMNS), data=data, **chosen)


SEASON = "with the level of the season"
CASES = {
    "tuned, with tables beside, two horizons": Case(
        243,
        330,
        160,
        True,
        settings(
            "2023-11-30",
            horizon_days=[28, 14],
            tuning={"trials": 2},
            data={
                "events": {c: c for c in ("customer_id", "occurred_at", "kind", "value")},
                "customers": {"customer_id": "customer_id", "attributes": ["city"], "numbers": ["age"]},
            },
        ),
    ),
    # 28 days after a year of 364 days and a gate of 180: there is a twin.
    SEASON: Case(574, 640, 90, False, settings("2024-10-15", tuning={"trials": 0}, panel={"every_days": 56})),
}
every_case = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.soak] * (name == SEASON)) for name in CASES]
)


@cache
def truth(name: str) -> Backtest:
    """The examination of a case as it was."""
    case = CASES[name]
    return case.told(case.frame(), events(case.frame()))


def noisy(frame: pd.DataFrame, at: pd.Timestamp, seed: int) -> pd.DataFrame:
    """The rows at or after the cutoff replaced by extreme ones of old and new customers, up to the same last day."""
    past, future = frame[frame["purchased_at"] < at], frame[frame["purchased_at"] >= at]
    draw = np.random.default_rng(seed)
    n = len(future)
    whose = np.where(draw.random(n) < 0.5, frame["customer_id"].sample(n, replace=True, random_state=seed), "stranger")
    span = int((future["purchased_at"].max() - at).total_seconds())
    when = at + pd.to_timedelta(np.append(draw.integers(0, span, n - 1), span), unit="s")
    poison = future.assign(
        customer_id=whose,
        purchased_at=when,
        amount=draw.choice([-99999.0, 0.0, 123456.78], n),
        quantity=1000,
        category="poison",
        product_id="poison",
        discount=9999.0,
    )
    return pd.concat([past, poison.assign(purchased_at=poison["purchased_at"].astype(past["purchased_at"].dtype))])


def poisoned(visits: pd.DataFrame, at: pd.Timestamp) -> pd.DataFrame:
    """Of events at or after the cutoff every second is of a kind that nobody had heard of, all of them are huge."""
    late = visits["occurred_at"] >= at
    unheard = late & (np.arange(len(visits)) % 2 == 0)
    return visits.assign(kind=visits["kind"].mask(unheard, "poison"), value=visits["value"].mask(late, 1e6))


def assert_same(name: str, found: Backtest) -> None:
    before, after = (b.predictions.set_index("customer_id") for b in (truth(name), found))
    assert list(after.index) == list(before.index)
    assert not after["spend"].equals(before["spend"])  # the change did reach the outcomes
    pd.testing.assert_frame_equal(foretold(after), foretold(before), check_exact=True)
    for column in [f"{kind}_{name}" for kind in ("p_churn", "value") for name in MODELS] + ["spend_low", "spend_upper"]:
        assert foretold(after)[column].notna().all()
    (one,), (other,) = truth(name).figures["origins"], found.figures["origins"]
    for learnt in ("level", "value_level"):
        assert one[learnt] == other[learnt]
    assert one["intervals"]["calibrated_on"] == other["intervals"]["calibrated_on"]


@every_case
def test_noise_after_the_cutoff_and_another_order_of_rows_leave_every_prediction_of_every_model_bit_identical(
    name: str,
) -> None:
    case, frame = CASES[name], CASES[name].frame()
    noise, visits = noisy(frame, case.at, 2), poisoned(events(frame), case.at)
    assert_same(name, case.told(noise.sample(frac=1.0, random_state=5), visits.sample(frac=1.0, random_state=5)))


@pytest.mark.soak  # Noise, above, is the harder case.
@every_case
def test_without_the_rows_after_the_cutoff_every_prediction_of_every_model_is_bit_identical(name: str) -> None:
    case, frame = CASES[name], CASES[name].frame()
    visits = events(frame)
    # One purchase stays: where nobody bought at all there is nothing to judge.
    future = frame["purchased_at"] >= case.at
    keep = ~future | (
        frame.index
        == frame.index[future & frame["customer_id"].isin(["c035", "c083", "c024"]) & (frame["amount"] > 0)][0]
    )
    assert (keep & future).sum() == 1
    assert_same(name, case.told(frame[keep], visits[visits["occurred_at"] < case.at]))


@pytest.mark.soak
def test_the_season_of_a_year_earlier_spoke() -> None:
    (origin,) = truth(SEASON).figures["origins"]
    # 2023-01-01 + 574 days = 2024-07-28, and 364 days before it:
    assert origin["level"]["twin"] == "2023-07-30"


@pytest.mark.soak  # Noise in another order, above, is the harder case.
def test_shuffled_rows_leave_every_prediction_bit_identical() -> None:
    name = "tuned, with tables beside, two horizons"
    case = CASES[name]
    frame, visits = (f.sample(frac=1.0, random_state=5) for f in (case.frame(), events(case.frame())))
    pd.testing.assert_frame_equal(case.told(frame, visits).predictions, truth(name).predictions, check_exact=True)


def test_rows_known_only_after_the_cutoff_leave_every_prediction_bit_identical() -> None:
    """A row that happened before the cutoff but became known at it or later is not known there."""
    frame = purchases(1, customers=160).assign(known_at=lambda f: f["purchased_at"])
    at, draw = START + pd.Timedelta(days=243), np.random.default_rng(4)
    late = frame[frame["purchased_at"] < at].sample(150, random_state=4)
    late = late.assign(amount=5555.0, known_at=at + pd.to_timedelta(draw.integers(0, 9, len(late)), unit="D"))
    late["known_at"] = late["known_at"].astype(frame["known_at"].dtype)
    config = Config.of(
        horizon_days=28,
        purchases={**COLUMNS, "known_at": "known_at"},
        tuning={"trials": 0},
        engine={"threads": 1},
    )
    found = [
        run_backtest(Ledger.from_frame(f, config), config, Cutoff.parse("2023-09-01")).predictions
        for f in (frame, pd.concat([frame, late]))
    ]
    pd.testing.assert_frame_equal(foretold(found[0]), foretold(found[1]), check_exact=True)


def test_whoever_is_champion_sees_nothing_after_the_day() -> None:
    day, frame, model = shop().ends.minus(60), shopping(), trained().model
    late = frame["purchased_at"] >= str(day)
    noise = frame.assign(amount=frame["amount"].mask(late, 9_999.0), category=frame["category"].mask(late, "poison"))
    reference, plan = trained().prepared.reference.at(day.day), plan_for(model.shape)
    panels = []
    for told in (frame, noise, frame[~late]):
        lines = Lines.from_arrow(Ledger.from_frame(told, config_of()).table())
        panels.append(panel_block(History(lines, model.rules, model.history_starts), plan, reference, [day]))
    for speaker in MODELS:
        found = [replace(model, speaker=speaker).scores(panel) for panel in panels]
        assert set(found[0]["model"]) == {speaker}
        pd.testing.assert_frame_equal(found[0], found[1], check_exact=True)
        pd.testing.assert_frame_equal(found[0], found[2], check_exact=True)


def examined() -> tuple[Origin, Sample, Sample]:
    """The first origin of the shop's examination, with its rows."""
    origin = trained().enough.chosen[0]
    return origin, *trained().prepared.rows(origin)


def permuted(sample: Sample, draw: np.random.Generator) -> Sample:
    """The same with outcomes dealt out anew among the customers of each cutoff."""
    panel, dealt = sample.panel, np.arange(sample.n_rows)
    for day in np.unique(panel.cutoff_day):
        rows = np.flatnonzero(panel.cutoff_day == day)
        dealt[rows] = draw.permutation(rows)
    targets = {label: future.take(dealt) for label, future in panel.targets.items()}
    return replace(sample, panel=replace(panel, targets=targets))


def peeking(sample: Sample) -> Sample:
    """The same with one feature more: a hint of the outcome."""
    panel, draw = sample.panel, np.random.default_rng(0)
    hint = (sample.churned + draw.normal(0, 0.5, sample.n_rows)).astype(np.float32)
    return replace(
        sample, panel=replace(panel, names=(*panel.names, "hint"), values=np.concatenate([panel.values, hint[None]]))
    )


def aucs(shuffles: int, rounds: int, change: Callable[[Sample], Sample] = lambda sample: sample) -> Float64:
    """AUC on later outcomes of the blend and each of its members, learnt from dealt-out ones; a row a deal."""
    origin, train, now = examined()
    train, found = train.at(origin.training[-4:]), []
    for seed in range(shuffles):
        draw = np.random.default_rng(seed)
        dealt, later = change(permuted(train, draw)), change(permuted(now, draw))
        model = Churn.fit(dealt, later, as_members(CHURN, Setting(rounds=rounds)))
        said = [model.logit(later), *(model.ensemble.link(member, later) for member in CHURN.members)]
        found.append([auc(later.churned, z) for z in said])
    return np.array(found, np.float64)


def luck(shuffles: int) -> float:
    """Standard error of the mean AUC of scores that know nothing: Mann & Whitney (1947), 10.1214/aoms/1177730491."""
    now = examined()[2]
    gone = now.churned.sum()
    stayed = now.n_rows - gone
    return float(np.sqrt((gone + stayed + 1) / (12 * gone * stayed) / shuffles))


def test_from_outcomes_dealt_out_at_random_nothing_is_learnt_about_later_ones() -> None:
    # 30 deals of about 400 rows of which one in five or six is rare: .035 / 5.5; .02 is three standard errors.
    assert luck(30) < 0.0066
    assert np.abs(aucs(30, rounds=8).mean(0) - 0.5).max() < 0.02
    # A hint of the outcome among the features is found by the same test.
    assert aucs(1, rounds=8, change=peeking)[0, 1] > 0.7


@pytest.mark.soak
def test_from_outcomes_dealt_out_at_random_nothing_is_learnt_in_many_deals() -> None:
    # The mean of 400 deals is known to .0015.
    assert np.abs(aucs(400, rounds=60).mean(0) - 0.5).max() < 4 * luck(400)


def test_an_origin_with_a_training_window_that_ends_after_it_is_refused() -> None:
    day = Cutoff.parse("2024-03-01")
    assert Origin(day, (day.minus(30),), 30).training == (day.minus(30),)
    with pytest.raises(DataError, match=r"RG265: labels of the next 30 days look ahead of 2024-03-01.*2024-02-01"):
        Origin(day, (day.minus(30), day.minus(29)), 30)


def test_rows_whose_window_ends_after_the_day_are_refused_by_whoever_learns_or_judges() -> None:
    origin, train, now = examined()
    whole = trained().prepared.sample(train.label)
    ahead = whole.at((*origin.training, origin.cutoff))
    for learn in (lambda rows, lag: fit(rows, now, Recipe(lag, trials=0)),
                  lambda rows, lag: Examiner(lambda _: (rows, now), Recipe(lag, trials=0)).judge(origin)):  # fmt: skip
        with pytest.raises(DataError, match=f"look ahead of {origin.cutoff}") as refused:
            learn(ahead, 0)
        assert refused.value.offending == (origin.cutoff,)
        # The last window closes on the very day: a lag of a day is a day too much.
        assert origin.training[-1].plus(30) == origin.cutoff
        with pytest.raises(DataError, match="known 1 days later, look ahead") as refused:
            learn(train, 1)
        assert refused.value.offending == (origin.training[-1],)


def test_labels_as_they_were_known_later_are_refused() -> None:
    origin, train, now = examined()
    late = replace(train, label=replace(train.label, known_on=origin.cutoff.plus(1)))
    with pytest.raises(DataError, match=f"look ahead of {origin.cutoff}"):
        fit(late, now, Recipe(trials=0))
    assert train.known_by(origin.cutoff, 0) is train


def test_one_stands_on_one_day() -> None:
    _, train, now = examined()
    with pytest.raises(DataError, match="rows of the one day on which one stands"):
        fit(now, train, Recipe(trials=0))
    with pytest.raises(DataError, match="0 rows of 0 cutoffs"):
        fit(train, now.take(np.zeros(now.n_rows, bool)), Recipe(trials=0))
