"""The churn-window adviser: counts by hand, and against a slow reading of the definitions; why a window is proposed."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.examination.silence import MIN_SILENCES, Advice, Silences, Window, _proposal
from regulars.examination.stretch import stretches
from regulars.intake import Ledger
from regulars.models.splits import Span

FIRST = Cutoff.parse("2023-01-01").day


def ledger_of(bought: dict[str, list[int]]) -> Ledger:
    """Customers and the days on which they bought, counted from the first."""
    rows = [(name, str(Cutoff(FIRST + day))) for name, days in bought.items() for day in days]
    frame = pa.table(
        {"customer_id": [n for n, _ in rows], "purchased_at": [d for _, d in rows], "amount": ["1.00"] * len(rows)}
    )
    return Ledger.from_frame(frame, Config.of())


def counted(bought: dict[str, list[int]], ends: int, active_days: int | None = None) -> Silences:
    silences = Silences(FIRST, FIRST + ends, (), active_days)
    for stretch in stretches(ledger_of(bought)):
        silences.add(stretch)
    return silences


def test_silences_and_returns_are_those_counted_by_hand() -> None:
    # 100 days, so each silence is followed for 50; of 14 days it must begin by day 35 (35 + 14 + 50 < 100). Those are
    # a's from day 0 (back on day 20), a's from day 20 (back on day 90: later than 20 + 14 + 50), b's from day 10 (back
    # on day 30), b's from day 30 (never back). b's from day 5 ends after 5 days, a's from day 90 begins too late.
    silences = counted({"a": [0, 20, 90], "b": [5, 10, 30]}, 100)
    assert silences.follow_days == 50
    assert silences._silences[14] == 4
    assert silences._came_back[14] == 2
    # Gaps seen to end: 20, 70, 5, 20.
    assert np.flatnonzero(silences.gaps).tolist() == [5, 20, 70]
    assert silences.gaps[20] == 2


@pytest.mark.parametrize("active_days", [None, 40])
def test_customers_at_risk_and_silent_are_those_of_the_definition(active_days: int | None) -> None:
    random = np.random.default_rng(3)
    bought = {f"c{i}": sorted(set(random.integers(0, 120, random.integers(1, 9)).tolist())) for i in range(40)}
    bought["c0"] = [0]
    ends = 120
    silences = counted(bought, ends, active_days)
    at_risk = np.cumsum(silences._at_risk)
    for h in silences.windows:
        silent = np.cumsum(silences._silent[h])
        for t in range(1, ends - h + 1):
            past = {c: [d for d in days if d < t] for c, days in bought.items()}
            risky = [c for c, days in past.items() if days and (active_days is None or t - days[-1] <= active_days)]
            gone = [c for c in risky if not any(t <= d < t + h for d in bought[c])]
            assert (at_risk[t], silent[t]) == (len(risky), len(gone)), (h, t)


def test_few_silences_tell_nothing() -> None:
    span = Span(Cutoff(FIRST), Cutoff(FIRST + 100), 14, 0, 28)
    window = counted({"a": [0, 20, 90]}, 100).advice(span, 3).window(14)
    assert window is not None
    assert window.silences < MIN_SILENCES
    assert window.came_back is None


def windows(*rows: tuple[int, float, float]) -> tuple[Window, ...]:
    """Usable windows: days, share that comes back, share that falls silent."""
    return tuple(Window(h, 1_000, back, 3, (1_000,) * 3, (int(1_000 * base),) * 3) for h, back, base in rows)


def test_the_shortest_window_that_seldom_errs_is_proposed() -> None:
    proposed, reason = _proposal(windows((30, 0.6, 0.7), (90, 0.24, 0.5), (180, 0.1, 0.4)), 365)
    assert proposed == 90
    assert "24% come back" in reason


def test_else_the_bend_of_the_curve() -> None:
    # The line from (30, .9) to (180, .4) is at .7 on day 90; .45 lies .25 below it.
    proposed, reason = _proposal(windows((30, 0.9, 0.7), (90, 0.45, 0.5), (180, 0.4, 0.4)), 365)
    assert proposed == 90
    assert "brings little more" in reason


def test_else_the_longest_while_at_most_half_come_back() -> None:
    proposed, reason = _proposal(windows((30, 0.7, 0.7), (90, 0.6, 0.5), (180, 0.45, 0.4)), 365)
    assert proposed == 180
    assert "the longest" in reason


def test_where_nearly_all_come_back_the_classes_decide() -> None:
    proposed, reason = _proposal(windows((14, 0.98, 0.3), (28, 0.97, 0.19), (60, 0.95, 0.09)), 365)
    assert proposed == 28
    assert "pause" in reason


def test_without_enough_of_both_kinds_nothing_is_proposed() -> None:
    few = Window(30, 1_000, 0.1, 3, (100,) * 3, (20,) * 3)
    once = Window(60, 1_000, 0.1, 1, (1_000,), (500,))
    proposed, reason = _proposal((few, once), 365)
    assert proposed is None
    assert "more history" in reason
    assert Advice((few, once), 365, None, reason).window(30) == few
