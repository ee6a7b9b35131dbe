"""Which evidence foretells purchases: chosen in an earlier window, judged in the last, on what was known before."""

from __future__ import annotations

import numpy as np

from regulars.clock import Cutoff
from regulars.timing.best_times import BestTimes, backtest, words
from regulars.timing.evidence import BOTH, PURCHASES, Evidence, tried, windows
from regulars.timing.moments import Moments

DAYS, N = 300, 120


def days_of(seed: int, chance: float, faithful: bool) -> Moments:
    """On each day somebody comes with a chance; the faithful only on their own weekday, seven times as often."""
    rng = np.random.default_rng(seed)
    customer, day = np.divmod(np.arange(N * DAYS), DAYS)
    own = (day + 3) % 7 == customer % 7
    came = rng.random(N * DAYS) < (7 * chance * own if faithful else chance)
    return Moments.told(customer[came], day[came], np.full(int(came.sum()), 9))


def known(purchases: Moments, visits: Moments) -> dict[Cutoff, Evidence]:
    days = (Cutoff(DAYS), *windows(Cutoff(0), Cutoff(DAYS)))
    return {day: Evidence(N, purchases.before(day.day), visits.before(day.day)) for day in days}


def test_visits_are_looked_at_where_they_tell_the_weekday_of_purchases() -> None:
    bought, day = days_of(1, 0.01, faithful=True), Cutoff(DAYS)
    begins = windows(Cutoff(0), day)
    told = tried("weekday", known(bought, days_of(2, 0.03, faithful=True)), begins, day)
    assert (told.source, told.chosen, told.sure) == (BOTH, True, True)
    noise = tried("weekday", known(bought, days_of(3, 0.03, faithful=False)), begins, day)
    assert (noise.source, noise.chosen) == (PURCHASES, True)
    alone = tried("weekday", known(bought, Moments.none()), begins, day)
    assert (alone.source, alone.chosen) == (PURCHASES, False)
    assert told.judged is not None
    assert alone.judged is not None
    assert told.judged.gain.value > alone.judged.gain.value


def test_the_choice_does_not_look_at_the_window_in_which_it_is_judged() -> None:
    begins, day = windows(Cutoff(0), Cutoff(DAYS)), Cutoff(DAYS)
    bought, visits = days_of(1, 0.01, faithful=True), days_of(2, 0.03, faithful=True)
    other = days_of(9, 0.05, faithful=False).since(begins[0].day)
    mixed = Moments.joined([bought.before(begins[0].day), other])
    order = np.argsort(mixed.key)
    changed = Moments(mixed.customer[order], mixed.day[order], mixed.hour[order])
    one, two = (tried("weekday", known(p, visits), begins, day) for p in (bought, changed))
    assert one.source == two.source == BOTH
    assert one.judged is not None
    assert two.judged is not None
    # What was learnt is the same to the bit; what came later is not, and so there is nothing to be told.
    assert one.judged.concentration == two.judged.concentration
    assert (one.sure, two.sure) == (True, False)


def test_where_the_backtest_is_not_sure_everybody_has_the_time_of_all_and_that_is_said() -> None:
    begins, day = windows(Cutoff(0), Cutoff(DAYS)), Cutoff(DAYS)
    evidence = known(days_of(4, 0.02, faithful=False), Moments.none())
    found = tried("weekday", evidence, begins, day)
    told = BestTimes.of("weekday", evidence[day], found)
    assert told is not None
    assert not found.sure
    assert not told.own.differs.any()
    assert words(found, told).startswith("nobody has a weekday of their own: habits do not surely foretell better")
    assert backtest([found]).rows[0]["used"] is False


def test_all_columns_of_the_table_of_weekdays_by_hand() -> None:
    # Four Mondays and one Tuesday of two customers; day 4 was a Monday.
    bought = Moments.told(*np.array([[0, 0, 0, 1, 1], [4, 11, 12, 4, 18], [9, 9, 9, 9, 9]]))
    told = BestTimes.of("weekday", Evidence(2, bought, Moments.none()), None)
    assert told is not None
    rows = told.table.rows
    assert rows[0] == {"weekday": "monday", "purchases": 4, "share": 0.8, "own": 0}
    assert rows[1] == {"weekday": "tuesday", "purchases": 1, "share": 0.2, "own": 0}
    assert told.usual == "monday"
