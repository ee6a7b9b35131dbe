"""Follow-ups in a wave: who is in the window, who gets it once, and what is said of the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from regulars.config import Config
from regulars.intake import Ledger
from regulars.pipelines.campaign.assign import assign
from regulars.pipelines.campaign.book import Decisions
from regulars.pipelines.campaign.plan import planned_day
from regulars.reports.offers_page import render_plan

from .open_shop import CATALOGUE, DAY, TOML, opened, published, who

N = 40
TRIGGER = 'trigger = { after = "first_purchase", within_days = 20 }\n'
SORRY = """
[[offers]]
id = "sorry"
type = "information"
title = "Is all well now?"
channels = ["mail"]
trigger = { after = "complaint_resolved" }
response = { save = [0.0, 0.1, 0.2] }
"""
EVENTS = """
[data.events]
path = "events.csv"
customer_id = "who"
occurred_at = "at"
kind = "kind"
"""


def scores_on(folder: Path, later: int = 0) -> None:
    """Customer i bought last i days before the first wave, and so many more before a later one; the even ones once."""
    i = np.arange(N)
    published(folder, N, DAY.plus(later), "2", more={"recency_days": 1 + i + later, "orders": 1 + i % 2})


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A shop with a tea for who bought once."""
    told = opened(
        tmp_path_factory.mktemp("shop"), N, CATALOGUE.replace('title = "A tea"\n', f'title = "A tea"\n{TRIGGER}')
    )
    scores_on(told.folder)
    return told


@pytest.fixture(scope="module")
def ledger(config: Config) -> Ledger:
    """Its tables."""
    bought = pd.read_csv(config.folder / "purchases.csv", dtype=str)
    return Ledger.from_frame(bought, config, consent=pd.read_csv(config.folder / "consent.csv", dtype=str))


def tea_of(figures: dict[str, Any]) -> dict[str, Any]:
    """What is told of the tea."""
    (row,) = figures["follow_ups"]
    return dict(row)


def test_a_wave_gives_a_follow_up_in_its_window_and_the_next_wave_does_not_again(
    ledger: Ledger, config: Config
) -> None:
    first = assign(ledger, config).wave
    rows = first.table().to_pylist()
    # Days since the last purchase are 1 + i; the even bought once; 0 to 20 days after: i = 0, 2, ..., 18.
    inside = {who(i) for i in range(0, 19, 2)}
    meant = {row["customer_id"] for row in rows if row["meant_offer"] == "tea"}
    given = {row["customer_id"] for row in rows if row["offer"] == "tea"}
    assert given
    assert meant - given, "some are controls"
    assert meant | given <= inside
    told = tea_of(first.figures())
    assert (told["in_window"], told["given"]) == (10, len(given))
    # i = 0 and i = 18 have said no to mail.
    assert told["held_back"]["no consent"] == 2
    assert told["given"] + sum(told["held_back"].values()) == 10
    line = "tea, 0 to 20 days after the first purchase: 10 customers are in this window, "
    assert any(words.startswith(line) for words in first.figures()["words"])

    scores_on(config.folder, later=2)
    plan = planned_day(ledger, config, DAY.plus(2), Decisions.of(config))
    later = tea_of(plan.figures())
    # Two days later i = 0, 2, ..., 16 are in it, days 3 to 19. What controls were meant to get counts as given.
    had = {row["customer_id"] for row in rows if (row["offer"] or row["meant_offer"]) == "tea"}
    assert later["in_window"] == 9
    still = {who(i) for i in range(0, 17, 2)}
    assert later["held_back"]["follow-up given already"] == len(had & still) > 0
    again = plan.decisions().to_pylist()
    assert not {row["customer_id"] for row in again if "tea" in (row["offer"], row["meant_offer"])} & had
    assert all(row["why"] for row in again if not row["offer"])


def test_the_page_shows_each_follow_up_with_its_counts(ledger: Ledger, config: Config) -> None:
    plan = planned_day(ledger, config, DAY, Decisions(config.folder / "nowhere"))
    html = render_plan(plan.figures())
    assert "Who gets a follow-up?" in html
    assert "0 to 20 days after the first purchase" in html
    assert "Who gets a follow-up?" not in render_plan({**plan.figures(), "follow_ups": []})


def test_without_events_a_follow_up_on_complaints_is_given_to_nobody_and_says_what_to_add(
    ledger: Ledger, tmp_path: Path
) -> None:
    config = opened(tmp_path, N, CATALOGUE + SORRY)
    plan = planned_day(ledger, config, DAY, Decisions.of(config))
    said = "nobody gets the follow-up `sorry`: there is no table of events; add [data.events] with the kinds"
    assert [note for note in plan.notes if note.startswith(said)]
    (row,) = plan.figures()["follow_ups"]
    assert (row["in_window"], row["given"], row["held_back"]) == (0, 0, {})


def test_who_had_a_complaint_resolved_of_late_may_get_its_follow_up(tmp_path: Path) -> None:
    opened(tmp_path, N, CATALOGUE + SORRY)
    (tmp_path / "regulars.toml").write_text(TOML + EVENTS, encoding="utf-8")
    config = Config.load(tmp_path / "regulars.toml")
    happened = pd.DataFrame(
        [
            # 7 days after it is the last day of the window; 8 days are too many; the third complained again.
            (who(1), "2024-02-20", "complaint"), (who(1), "2024-02-26", "complaint_resolved"),
            (who(2), "2024-02-20", "complaint"), (who(2), "2024-02-25", "complaint_resolved"),
            (who(3), "2024-02-20", "complaint"), (who(3), "2024-02-28", "complaint_resolved"),
            (who(3), "2024-03-01", "complaint"),
        ],
        columns=["who", "at", "kind"],
    )  # fmt: skip
    bought = pd.read_csv(tmp_path / "purchases.csv", dtype=str)
    consent = pd.read_csv(tmp_path / "consent.csv", dtype=str)
    ledger = Ledger.from_frame(bought, config, consent=consent, events=happened)
    plan = planned_day(ledger, config, DAY, Decisions.of(config))
    sorry = next(o.index for o in plan.decided_by.catalogue.options if o.offer.id == "sorry")
    assert np.flatnonzero(plan.permitted.mask[:, sorry]).tolist() == [1]
    np.testing.assert_array_equal(plan.audience.columns["days_since_resolved"][:4], [np.nan, 7, 8, np.nan])
