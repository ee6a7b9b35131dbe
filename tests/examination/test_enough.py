"""The verdict before training: its counts by a slow reading of the definitions, and that what it proposes does."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pytest

from regulars.clock import Cutoff, panel_step
from regulars.config import Config
from regulars.errors import ConfigError, NotEnoughData
from regulars.examination.enough import Enough, enough_for
from regulars.examination.kinds import Asked, Buyers
from regulars.examination.stands import MIN_CUSTOMERS, Stands
from regulars.examination.stretch import stretches
from regulars.intake import Ledger
from regulars.models.sample import MIN_OF_EACH
from regulars.models.splits import Span, final, origins

FIRST = Cutoff.parse("2023-01-01")
Bought = dict[str, list[int]]


def ledger_of(bought: Bought, days: int | None = None) -> Ledger:
    """Customers and the days on which they bought, counted from the first; perhaps said to cover more days."""
    rows = [(name, str(FIRST.plus(day))) for name, on in bought.items() for day in on]
    frame = pa.table(
        {"customer_id": [n for n, _ in rows], "purchased_at": [d for _, d in rows], "amount": ["1.00"] * len(rows)}
    )
    ledger = Ledger.from_frame(frame, Config.of())
    return ledger if days is None else ledger.covering(FIRST.plus(days - 1))


def verdict(
    bought: Bought, days: int, h: int, wanted: int = 1, holdout: Cutoff | None = None, **target: int | None
) -> Enough:
    """The verdict on purchases, with the usual step between cutoffs unless said otherwise."""
    every, ledger = target.pop("every_days", panel_step(h)), ledger_of(bought, days)
    config = Config.of(backtest={"origins": wanted}, target={"horizon_days": h, **target})
    span = Span(FIRST, FIRST.plus(days), h, int(target.get("label_lag_days") or 0), int(every or 1))
    return enough_for(ledger, config, span, holdout)


def half_stay(n: int, days: int, every: int = 10) -> Bought:
    """Of n customers every other buys every so many days, the others on day 0 only."""
    return {f"c{i:03}": list(range(0, days, every)) if i % 2 else [0] for i in range(n)}


@pytest.mark.parametrize("active_days", [None, 40])
@pytest.mark.parametrize("h", [7, 30])
def test_rows_and_customers_of_both_kinds_are_those_of_the_definition(h: int, active_days: int | None) -> None:
    random = np.random.default_rng(5)
    bought = {f"c{i}": sorted(set(random.integers(0, 120, random.integers(1, 9)).tolist())) for i in range(40)}
    # One cutoff lies before the first purchase, and the last window ends with the data.
    asked = Asked(h, tuple(FIRST.plus(t) for t in (-5, 0, 1, 30, 61, 120 - h)), active_days)
    ledger = ledger_of({**bought, "c0": [0]}, 120)
    bought["c0"] = [0]
    buyers = Buyers(FIRST.day, ledger.ends.day, [asked])
    for stretch in stretches(ledger):
        buyers.add(stretch)
    at_risk, silent, gone, stayed = [], [], set[str](), set[str]()
    for t in (c.day - FIRST.day for c in asked.cutoffs):
        past = {c: max(d for d in days if d < t) for c, days in bought.items() if any(d < t for d in days)}
        risky = {c for c, last in past.items() if active_days is None or t - last <= active_days}
        lost = {c for c in risky if not any(t <= d < t + h for d in bought[c])}
        at_risk.append(len(risky))
        silent.append(len(lost))
        gone |= lost
        stayed |= risky - lost
    found = buyers.kinds(asked)
    assert (found.at_risk, found.silent) == (tuple(at_risk), tuple(silent))
    assert (found.gone, found.stayed) == (len(gone), len(stayed))
    assert found.at_risk[0] == 0
    assert buyers.n == 40
    assert buyers.repeaters == sum(len(days) > 1 for days in bought.values())
    assert buyers.joined_before(FIRST.plus(10).day) == sum(min(days) < 10 for days in bought.values())


def test_a_favourable_verdict_counts_what_is_learnt_from_and_where_it_is_judged() -> None:
    # h = 30, 240 days: an origin on day 210; the final model learns at 60, 90, ..., 210, each with all 100 customers.
    found = verdict(half_stay(100, 240), 240, 30).check()
    assert found.origins == (str(FIRST.plus(210)),)
    assert (found.at_risk, found.silent) == ((100,), (50,))
    assert (found.trained_cutoffs, found.trained_rows, found.trained_silent) == (6, 600, 300)
    assert found.words.startswith(
        "Enough for a horizon of 30 days: 1 origin, the first on 2023-07-30, and 600 rows at 6"
    )
    assert found.figures()["enough"] is True
    assert found.lines[0] == found.words


def test_the_origins_are_those_of_the_splits() -> None:
    found = verdict(half_stay(100, 400), 400, 30, wanted=3)
    span = Span(FIRST, FIRST.plus(400), 30, 0, 30)
    assert found.chosen == origins(span, 3)
    assert found.trained_cutoffs == len(final(span).training)


def test_too_short_a_history_says_how_many_days_and_which_horizon_would_do() -> None:
    # A year at h = 365 leaves no past window to be judged on; which horizon does is tried here in turn.
    found = verdict(half_stay(200, 365, every=45), 365, 365)
    assert found.refusal is not None
    assert (found.refusal.code, found.refusal.exit_code) == ("RG041", 4)
    named = re.search(r"set horizon_days = (\d+), or bring ([\d,]+) more days of history", found.refusal.do)
    assert named, found.words
    horizon, days = int(named[1]), int(named[2].replace(",", ""))
    assert verdict(half_stay(200, 365, every=45), 365, horizon).enough
    longer = Span(FIRST, FIRST.plus(365 + days), 365, 0, panel_step(365))
    assert origins(longer, 1)
    with pytest.raises(NotEnoughData):
        origins(Span(FIRST, FIRST.plus(364 + days), 365, 0, panel_step(365)), 1)


def test_fewer_than_fifty_rows_of_a_kind_are_refused_and_fifty_are_not() -> None:
    # 10 cutoffs on day 60 to 330 of 360 days; five who stay make 50 rows, but are five customers.
    stay = {f"s{i:03}": list(range(0, 360, 10)) for i in range(5)}
    leave = {f"l{i:03}": [0] for i in range(100)}
    found = verdict({**stay, **leave}, 360, 30)
    assert found.refusal is not None
    assert found.refusal.code == "RG042"
    assert "of 1,050 training rows 1,000 were silent for 30 days and 50 were not, of 100 customers and 5" in found.words
    assert f"at least {MIN_OF_EACH} of each, of {MIN_CUSTOMERS} customers each" in found.words
    # 5 of 25 are a fifth: five times 105 customers.
    assert "about 530 customers like these 105" in found.words
    more = {f"s{i:03}": list(range(0, 360, 10)) for i in range(MIN_CUSTOMERS)}
    assert verdict({**more, **leave}, 360, 30).enough


def test_a_past_day_on_which_nobody_came_back_is_no_judge() -> None:
    # All stop buying on day 199, and the data are said to run to 240: on 210 the window is empty.
    found = verdict({c: [d for d in days if d < 200] for c, days in half_stay(100, 200).items()}, 240, 30)
    assert found.refusal is not None
    assert "on 2023-07-30, the only past day to be judged on, all 100 customers at risk bought nothing" in found.words
    assert "look whether the data are whole up to 2023-08-28" in found.words


def test_an_origin_with_one_kind_only_is_kept_while_another_has_both() -> None:
    # Nobody buys from day 200 on, and from 230 on half buy again: the last origin of 240 days sees only those.
    bought = {
        c: [*(d for d in days if d < 180), *((235,) if len(days) > 1 else ())]
        for c, days in half_stay(100, 240).items()
    }
    found = verdict(bought, 240, 30, wanted=2)
    assert found.silent == (100, 50)
    assert any("of 100 customers at risk on 2023-06-30 0 bought something" in r for r in found.remarks)


def test_an_origin_without_enough_to_learn_from_is_left_out_and_said() -> None:
    # Customers arrive on day 185: of the origins on 210, 240, 270 the first learns at cutoffs up to 180, from nobody.
    bought = {c: [d for d in days if d >= 185] or [185] for c, days in half_stay(100, 300).items()}
    found = verdict(bought, 300, 30, wanted=3)
    assert found.origins == (str(FIRST.plus(240)), str(FIRST.plus(270)))
    assert any(
        f"left out, because there was too little to learn from by then: {FIRST.plus(210)}" in r for r in found.remarks
    )
    assert any("at 5 of 8 training cutoffs nobody is at risk yet" in r for r in found.remarks)


def test_what_refuses_nothing_is_remarked() -> None:
    found = verdict(half_stay(100, 240), 240, 30)
    said = " ".join(found.remarks)
    assert "the season is not known: that takes 544 days of history" in said  # 364 + max(2 x 30, 180)
    assert "one past day to be judged on" in said
    assert "100 customers are few" in said
    assert "100% of the customers first appear in the first 30 days" in said
    assert "left-censored" in said
    calm = verdict({f"c{i:04}": list(range(i % 700, 950, 15 + i % 80)) for i in range(300)}, 950, 30, wanted=3)
    assert calm.remarks == ()


def test_windows_that_overlap_and_windows_that_are_carried_are_remarked() -> None:
    bought = half_stay(400, 420, every=100)
    assert any("overlap" in r for r in verdict(bought, 420, 120, wanted=3).remarks)
    span = Span(FIRST, FIRST.plus(420), 270, 0, 30)
    assert final(span).trained_days < 270
    carried = verdict(bought, 420, 270)
    assert carried.trained_days == final(span).trained_days
    assert any("the classical models carry it to 270" in r for r in carried.remarks)


def test_returns_and_free_orders_alone_are_no_purchases_and_that_is_said() -> None:
    config = Config.of(horizon_days=30)
    frame = pa.table(
        {"customer_id": ["a", "b"], "purchased_at": ["2023-01-01", "2023-09-01"], "amount": ["-1.00", "0.00"]}
    )
    found = enough_for(Ledger.from_frame(frame, config), config, Span(FIRST, FIRST.plus(244), 30, 0, 30))
    assert found.refusal is not None
    assert (found.refusal.code, found.refusal.exit_code) == ("RG175", 4)
    assert "none of the 2 lines is part of a purchase (orders: 1 free and 1 return)" in found.words
    assert "count_free = true" in found.words


def test_a_holdout_is_judged_by_its_own_day() -> None:
    found = verdict(half_stay(100, 400), 400, 30, holdout=FIRST.plus(200))
    assert found.origins == (str(FIRST.plus(200)),)
    assert found.trained_cutoffs == 4  # 80, 110, 140, 170
    assert not any("one past day" in r for r in found.remarks)
    with pytest.raises(ConfigError, match="is not inside the data"):
        verdict(half_stay(100, 400), 400, 30, holdout=FIRST.plus(380))
    early = verdict(half_stay(100, 400), 400, 30, holdout=FIRST.plus(80))
    assert early.refusal is not None
    assert re.search(r"set horizon_days = (14|7)", early.refusal.do)


def test_a_lag_that_is_proposed_is_the_longest_that_does() -> None:
    bought = half_stay(100, 240)
    assert verdict(bought, 240, 30, label_lag_days=57).enough
    assert not verdict(bought, 240, 30, label_lag_days=58).enough
    assert "set label_lag_days to 57 or less" in verdict(bought, 240, 30, label_lag_days=500).words


def test_every_horizon_that_is_proposed_passes_the_same_verdict() -> None:
    proposed = 0
    for gap, days in ((9, 330), (40, 330), (40, 130)):
        ledger = ledger_of({f"c{i}": list(range(i % gap, days, gap)) for i in range(60)}, days)

        def found(h: int, ledger: Ledger = ledger, days: int = days) -> Enough:
            return enough_for(ledger, Config.of(horizon_days=h), Span(FIRST, FIRST.plus(days), h, 0, panel_step(h)))

        for h in (5, 14, 90, 180, 365):
            named = re.search(r"horizon_days = (\d+)", found(h).words)
            if named:
                proposed += 1
                assert found(int(named[1])).enough, found(h).words
    assert proposed >= 5


def test_the_stands_of_a_horizon_are_not_moved_by_those_of_others() -> None:
    span = Span(FIRST, FIRST.plus(500), 90, 0, 30)
    stands = Stands.of(span, 3, None)
    assert all(other.change for other in stands.others())
    assert stands == Stands.of(span, 3, None)
