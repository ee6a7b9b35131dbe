"""The matured-label embargo, rolling origins and the strict holdout, by hand and as properties."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from regulars.clock import Cutoff, panel_step
from regulars.errors import ConfigError, NotEnoughData
from regulars.models.splits import SHORTER, Origin, Span, calibrating, final, holdout, origins

START = Cutoff.parse("2020-01-01")


def span_of(days: int, h: int = 30, lag: int = 0, every: int = 30) -> Span:
    """A ledger of so many days."""
    return Span(START, START.plus(days), h, lag, every)


def offsets(cutoffs: tuple[Cutoff, ...]) -> list[int]:
    return [c.day - START.day for c in cutoffs]


def days_of(found: tuple[Origin, ...]) -> list[int]:
    return offsets(tuple(o.cutoff for o in found))


spans = st.builds(
    span_of,
    st.integers(0, 1500),
    h=st.sampled_from([1, 7, 14, 30, 45, 90, 180]),
    lag=st.sampled_from([0, 0, 1, 10, 40]),
    every=st.sampled_from([1, 7, 28, 30, 91]),
)


def test_the_last_training_window_closes_on_the_day_one_stands() -> None:
    # Standing on day 200 with h = 30: 170 + 30 = 200 is matured; the first cutoff is max(30, 60) = 60 days in.
    assert offsets(span_of(400).training(START.plus(200))) == [80, 110, 140, 170]


def test_the_labels_lag_is_part_of_the_embargo() -> None:
    # 30 days of window and 12 of lag: 158 + 42 = 200.
    assert offsets(span_of(400, lag=12).training(START.plus(200))) == [68, 98, 128, 158]


def test_the_first_cutoff_has_a_whole_horizon_and_sixty_days_behind_it() -> None:
    assert offsets(span_of(400).training(START.plus(90))) == [60]
    assert offsets(span_of(400).training(START.plus(89))) == []
    # h = 90: the first at 90, matured at 180.
    assert offsets(span_of(400, h=90).training(START.plus(180))) == [90]
    assert offsets(span_of(400, h=90).training(START.plus(179))) == []


def test_origins_are_disjoint_windows_that_end_with_the_data() -> None:
    found = origins(span_of(400), 3)
    assert days_of(found) == [310, 340, 370]
    assert not any(o.overlapping for o in found)
    assert offsets(found[0].training) == [70, 100, 130, 160, 190, 220, 250, 280]


def test_origins_stand_still_while_the_last_labels_are_not_yet_known() -> None:
    # The data end on day 400 and a label is known 12 days after its window: 400 - 30 - 12 = 358.
    assert days_of(origins(span_of(400, lag=12), 2)) == [328, 358]


def test_fewer_disjoint_origins_come_before_overlapping_ones() -> None:
    # h = 90, 370 days: origins 280 and 190 would be disjoint, but 190 leaves training at 100 alone; 280 and 250
    # overlap, 250 has [100, 130, 160], 220 has [100, 130].
    found = origins(span_of(370, h=90), 3)
    assert days_of(found) == [220, 250, 280]
    assert [o.overlapping for o in found] == [True, True, False]
    # With 30 days more both are disjoint, and two are enough.
    found = origins(span_of(400, h=90), 3)
    assert days_of(found) == [220, 310]
    assert not any(o.overlapping for o in found)


def test_where_no_two_windows_have_closed_the_origin_trains_at_the_longest_shorter_horizon() -> None:
    # 60 before the first cutoff, 30 to the second, 30 until its window closes, 30 to be judged on.
    (found,) = origins(span_of(150), 3)
    assert (offsets((found.cutoff,)), offsets(found.training), found.trained_days) == ([120], [60, 90], 30)
    # A day less: of 28 days two windows had closed by day 119, from days 91 and 63.
    (found,) = origins(span_of(149), 3)
    assert (offsets((found.cutoff,)), offsets(found.training), found.trained_days) == ([119], [63, 91], 28)


def test_the_cdnow_holdout_of_39_weeks_trains_at_120_days() -> None:
    # Standing on 1997-10-01, 273 days after the start: of 120 days, windows from days 153 and 123 have closed, 120 is
    # too early for a third; of 180 days none has.
    span = Span(Cutoff.parse("1997-01-01"), Cutoff.parse("1998-07-01"), 273, 0, panel_step(273))
    found = holdout(span, Cutoff.parse("1997-10-01"))
    assert found.trained_days == 120
    assert [c.day - span.starts.day for c in found.training] == [123, 153]


def test_origins_of_the_horizon_asked_are_never_mixed_with_carried_ones() -> None:
    # h = 90, 370 days: four steps back, at 190, only one window of 90 days had closed, so the origins end at 220.
    found = origins(span_of(370, h=90), 9)
    assert days_of(found) == [220, 250, 280]
    assert {o.trained_days for o in found} == {90}


def test_the_last_model_trains_on_all_that_has_matured() -> None:
    assert final(span_of(400)) == Origin(START.plus(400), tuple(START.plus(d) for d in range(70, 371, 30)), 30)
    # 100 days: no window of 90, 60 or 30 days has closed twice; 14 days from days 86 and below 60, 7 from 93 and 65.
    assert final(span_of(100, h=90)) == Origin(START.plus(100), (START.plus(65), START.plus(93)), 7)
    # 89 days: a single window of 14 days would be of no use for 90.
    with pytest.raises(NotEnoughData, match="89 days"):
        final(span_of(89, h=90))


def test_too_short_a_history_says_how_long_it_is_and_how_long_it_should_be() -> None:
    # 60 before the first cutoff, 28 to the second, 7 until its window closes, 30 to be judged on.
    assert days_of(origins(span_of(125), 3)) == [95]
    with pytest.raises(NotEnoughData, match=r"124 days.*horizon of 30 days.*125 days") as refused:
        origins(span_of(124), 3)
    assert refused.value.exit_code == 4
    assert refused.value.code == "RG041"


@pytest.mark.parametrize("h", [7, 30, 90, 365, 1825])
@pytest.mark.parametrize("days", [1, 50, 90, 364])
def test_the_history_that_is_asked_for_is_the_least_that_does(h: int, days: int) -> None:
    def refusal(n: int) -> NotEnoughData | None:
        try:
            origins(span_of(n, h=h, every=panel_step(h)), 1)
        except NotEnoughData as error:
            return error
        return None

    refused = refusal(days)
    if refused is not None:
        said = re.search(r"about (\d+) days", refused.needed)
        assert said is not None
        needed = int(said.group(1))
        assert refusal(needed) is None
        assert refusal(needed - 1) is not None


def test_a_horizon_that_is_proposed_does_what_it_promises() -> None:
    proposed = 0
    for days, h in itertools.product(range(60, 1200), (90, 180, 365)):
        try:
            origins(span_of(days, h=h, every=panel_step(h)), 3)
        except NotEnoughData as error:
            named = re.search(r"horizon_days = (\d+)", str(error))
            if named:
                proposed += 1
                shorter = int(named.group(1))
                assert shorter < h
                assert origins(span_of(days, h=shorter, every=panel_step(shorter)), 3), f"{days} days, {h} -> {shorter}"
    assert proposed > 100


def test_a_history_too_short_for_any_horizon_gets_no_false_hope() -> None:
    with pytest.raises(NotEnoughData, match=r"Do: bring a longer history$"):
        origins(span_of(40), 3)


def test_a_holdout_trains_on_what_had_matured_by_then() -> None:
    found = holdout(span_of(400), START.plus(200))
    assert found == Origin(START.plus(200), tuple(START.plus(d) for d in (80, 110, 140, 170)), 30)


def test_a_holdout_whose_window_runs_past_the_data_is_refused_with_the_last_day_that_would_do() -> None:
    span = span_of(400, lag=5)
    with pytest.raises(ConfigError, match="is not inside the data") as refused:
        holdout(span, START.plus(366))
    assert refused.value.exit_code == 2
    assert str(START.plus(365)) in refused.value.do
    assert holdout(span, START.plus(365)).cutoff == START.plus(365)


@pytest.mark.parametrize("day", [-10, 0])
def test_a_holdout_before_the_data_is_refused(day: int) -> None:
    with pytest.raises(ConfigError, match="is not inside the data, which run from 2020-01-01 to"):
        holdout(span_of(400), START.plus(day))


def test_a_holdout_without_a_matured_training_cutoff_is_refused_with_numbers() -> None:
    assert holdout(span_of(400), START.plus(90)).training == (START.plus(60),)
    with pytest.raises(NotEnoughData, match=r"89 days of history \(from 2020-01-01\)"):
        holdout(span_of(400), START.plus(89))


def test_a_horizon_that_is_proposed_for_a_holdout_does_what_it_promises_at_that_date() -> None:
    for day, h in itertools.product(range(30, 400), (30, 90, 180)):
        try:
            holdout(span_of(1000, h=h, every=panel_step(h)), START.plus(day))
        except NotEnoughData as error:
            named = re.search(r"horizon_days = (\d+)", str(error))
            if named:
                shorter = int(named.group(1))
                assert holdout(span_of(1000, h=shorter, every=panel_step(shorter)), START.plus(day)).training, (day, h)


@given(spans, st.integers(1, 6))
def test_no_training_label_lies_after_its_origin_and_no_window_outside_the_data(span: Span, wanted: int) -> None:
    try:
        found = origins(span, wanted)
    except NotEnoughData:
        # Then not even the last window leaves two cutoffs, at this horizon or at a shorter one.
        last = span.ends.minus(span.horizon_days + span.lag_days)
        assert all(len(span.at(h).training(last)) < 2 for h in (span.horizon_days, *SHORTER) if h <= span.horizon_days)
        return
    assert 1 <= len(found) <= wanted
    assert found[-1].cutoff.plus(span.horizon_days + span.lag_days) == span.ends
    for origin in found:
        assert len(origin.training) >= 2
        h = origin.trained_days
        assert h <= span.horizon_days
        for c in origin.training:
            assert c.day + h + span.lag_days <= origin.cutoff.day
            assert c.day - span.starts.day >= max(h, 60)
        steps = {b.day - a.day for a, b in itertools.pairwise(origin.training)}
        assert steps == {span.at(h).every_days}
    for earlier, later in itertools.pairwise(found):
        apart = later.cutoff.day - earlier.cutoff.day
        assert apart > 0
        assert earlier.overlapping == (apart < span.horizon_days)


@given(spans, st.integers(-50, 1600))
def test_a_holdout_obeys_the_same_embargo_or_says_why_not(span: Span, day: int) -> None:
    cutoff = span.starts.plus(day)
    assume(span.ends > span.starts)
    try:
        found = holdout(span, cutoff)
    except ConfigError:
        assert day <= 0 or cutoff.plus(span.horizon_days + span.lag_days) > span.ends
    except NotEnoughData:
        assert day < max(span.horizon_days, 60) + span.horizon_days + span.lag_days
    else:
        h = found.trained_days
        assert found.training
        assert found.training[-1].plus(h + span.lag_days) == cutoff
        assert found.training[0].day - span.starts.day >= max(h, 60)
        assert h == span.horizon_days or len(found.training) > 1 > len(span.training(cutoff)) - 1


def test_earlier_days_to_learn_trust_from_are_disjoint_and_train_on_what_was_known_by_then() -> None:
    # Cutoffs every 30 days, windows of 60: the last four training cutoffs are 0, 30, 60 and 90 days before the latest.
    day = Cutoff.parse("2024-06-29")
    stand = Origin(day, tuple(day.minus(60 + 30 * k) for k in (5, 4, 3, 2, 1, 0)), 60)
    first, second = calibrating(stand, 0, 9)
    # The latest window closed on the very day; the window of the one before ends where it starts, 60 days earlier.
    assert (second.cutoff, first.cutoff) == (day.minus(60), day.minus(120))
    # By then the windows of the cutoffs up to 60 days before it had closed.
    assert second.training == tuple(day.minus(60 + 30 * k) for k in (5, 4, 3, 2))
    assert first.training == tuple(day.minus(60 + 30 * k) for k in (5, 4))
    assert calibrating(stand, 0, 1) == (second,)
    # A label known a day late was not known yet at the second cutoff, so that only one more window helps.
    late = replace(stand, training=stand.training[:-1])
    assert [o.cutoff for o in calibrating(late, 1, 9)] == [day.minus(90)]
    assert calibrating(replace(stand, training=stand.training[:2]), 0, 9) == ()
