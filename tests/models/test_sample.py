"""Training rows: labels, weights, cuts and the refusal of too few, on a ledger of five customers written by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.engines import panel_of, reference_of
from regulars.errors import DataError, NotEnoughData
from regulars.features.family import plan_for
from regulars.features.panel import Label
from regulars.features.shape import Shape
from regulars.intake import Ledger
from regulars.models.prior import PriorColumns
from regulars.models.sample import Sample, at_risk

FIRST, SECOND, LAST = (Cutoff.parse(d) for d in ("2024-01-31", "2024-03-01", "2024-07-29"))
H = 30
"""First is 30 days before second; last is 180 days after first. Windows: [31 Jan, 1 Mar), [1 Mar, 31 Mar), ..."""

BOUGHT = [
    # Twice in the first window, nothing in the second.
    ("a", "2024-01-10", 10.0),
    ("a", "2024-01-31", 7.0),
    ("a", "2024-02-29", 5.0),
    # A return only in the first window: silent, with negative spend.
    ("b", "2024-01-11", 20.0),
    ("b", "2024-02-05", -20.0),
    # On the first day after the first window, so in the second.
    ("c", "2024-01-30", 3.0),
    ("c", "2024-03-01", 4.0),
    # New in the first window: no row at the first cutoff.
    ("d", "2024-02-10", 8.0),
    # Keeps the ledger open until the last cutoff, so that its window is not closed.
    ("e", "2024-07-28", 1.0),
]


def sample_of(rows: list[tuple[str, str, float]] = BOUGHT, h: int = H) -> Sample:
    """Rows at the three cutoffs; the prior is of no concern here."""
    frame = pd.DataFrame(rows, columns=["customer_id", "purchased_at", "amount"])
    ledger = Ledger.from_frame(frame, Config.of())
    cutoffs = [FIRST, SECOND, LAST]
    plan = plan_for(Shape(columns=ledger.columns))
    panel = panel_of(ledger, plan, reference_of(ledger, cutoffs, plan), cutoffs, [Label(h)])
    none = np.full(panel.n_rows, np.nan)
    return Sample(panel, {h: PriorColumns(none, none, none, none, none)}, Label(h), ledger.history_starts)


def ids(sample: Sample) -> list[str]:
    return [f"{c}@{Cutoff(d)}" for c, d in zip(sample.panel.customer_id, sample.panel.cutoff_day.tolist(), strict=True)]


def test_targets_count_purchases_and_add_signed_money_in_the_half_open_window() -> None:
    first = sample_of().at((FIRST,))
    assert ids(first) == ["a@2024-01-31", "b@2024-01-31", "c@2024-01-31"]
    # a's purchase on the cutoff itself is in the window, and so is the one on its last day, 29 February.
    assert first.orders.tolist() == [2.0, 0.0, 0.0]
    assert first.churned.tolist() == [0.0, 1.0, 1.0]
    assert first.spend.tolist() == [12.0, -20.0, 0.0]
    second = sample_of().at((SECOND,))
    assert ids(second) == ["a@2024-03-01", "b@2024-03-01", "c@2024-03-01", "d@2024-03-01"]
    assert second.churned.tolist() == [1.0, 1.0, 0.0, 1.0]


def test_what_was_spent_before_is_seen_without_the_window() -> None:
    second = sample_of().at((SECOND,))
    # [31 January, 1 March): a 7 + 5, b the return, c nothing, d 8.
    assert second.trailing.tolist() == [12.0, -20.0, 0.0, 8.0]


def test_the_label_of_a_window_that_is_still_open_is_refused() -> None:
    whole = sample_of()
    for target in ("churned", "orders", "spend"):
        with pytest.raises(DataError, match="runs past the data"):
            getattr(whole, target)
    assert whole.at((FIRST, SECOND)).churned.sum() == 5.0


def test_rows_mature_on_the_day_their_window_closes_and_their_label_is_known() -> None:
    whole = sample_of()
    # FIRST + 30 = SECOND.
    assert set(whole.matured_before(SECOND, 0).panel.cutoff_day.tolist()) == {FIRST.day}
    assert whole.matured_before(SECOND.minus(1), 0).n_rows == 0
    assert whole.matured_before(SECOND, 1).n_rows == 0
    assert whole.matured_before(SECOND.plus(1), 1).n_rows == 3


def test_a_row_weighs_half_after_the_longer_of_two_horizons_and_180_days() -> None:
    # LAST - FIRST is 180 days; LAST - SECOND 150.
    weight = dict(zip(ids(sample_of()), sample_of().weight.tolist(), strict=True))
    assert weight["a@2024-07-29"] == 1.0
    assert weight["a@2024-01-31"] == 0.5
    assert weight["a@2024-03-01"] == pytest.approx(0.5 ** (150 / 180))
    longer = dict(zip(ids(sample_of(h=120)), sample_of(h=120).weight.tolist(), strict=True))
    assert longer["a@2024-01-31"] == pytest.approx(0.5 ** (180 / 240))


def test_taking_rows_keeps_panel_prior_and_labels_together() -> None:
    whole = sample_of().at((FIRST, SECOND))
    rows = np.array([4, 0])
    part = whole.take(rows)
    assert ids(part) == [ids(whole)[4], ids(whole)[0]]
    assert part.spend.tolist() == whole.spend[rows].tolist()
    assert part.panel.feature("recency_days").tolist() == whole.panel.feature("recency_days")[rows].tolist()


def test_too_few_of_either_outcome_is_refused_with_counts_and_the_way_out() -> None:
    with pytest.raises(NotEnoughData, match="of 7 training rows 5 were silent for 30 days and 2 were not") as refused:
        sample_of().at((FIRST, SECOND)).checked()
    assert refused.value.exit_code == 4
    assert "longer horizon" in refused.value.do
    everyone = [(f"{i:03}", day, 1.0) for i in range(120) for day in ("2024-01-05", "2024-02-05", "2024-07-28")]
    with pytest.raises(NotEnoughData, match="of 120 training rows 0 were silent") as refused:
        sample_of(everyone).at((FIRST,)).checked()
    assert "shorter horizon" in refused.value.do
    half = [row for row in everyone if row[1] != "2024-02-05" or row[0] < "070"]
    # 70 came back, 50 did not: just enough.
    assert sample_of(half).at((FIRST,)).checked().churned.sum() == 50.0


def test_at_risk_keeps_whoever_bought_within_the_days_and_everyone_if_not_asked() -> None:
    panel = sample_of().panel
    second = panel.take(panel.cutoff_day == SECOND.day)
    # On 1 March: a bought 1 day before, b 50 (11 January), c 31 (30 January), d 20.
    assert second.recency_days.tolist() == [1.0, 50.0, 31.0, 20.0]
    assert at_risk(second, 31).customer_id.tolist() == ["a", "c", "d"]
    assert at_risk(second, 30).customer_id.tolist() == ["a", "d"]
    assert at_risk(second, None) is second
