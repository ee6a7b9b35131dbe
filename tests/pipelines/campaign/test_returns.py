"""What campaigns brought for what they cost: to the cent where the truth is known, and the same as `measure` says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regulars.config import Config
from regulars.intake import Ledger
from regulars.pipelines.campaign.measure import measure
from regulars.pipelines.campaign.returns import returns

from . import measured_shop as shop

N = 400
SPRING, AUTUMN = shop.arms(N) == 3, shop.arms(N, "autumn") == 3


def _rows(ledger: Ledger, config: Config) -> tuple[list[dict[str, Any]], str, list[str]]:
    table, headline, notes = returns(ledger, config)
    assert table is not None
    return table.shown(), headline, notes


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """What everybody buys anyway."""
    return shop.base(shop.settings(tmp_path_factory.mktemp("plain")), N)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, plain: Ledger) -> tuple[Config, Ledger]:
    """Spring lifts spend by 5; autumn, three days later, by 4; nothing that was redeemed is logged."""
    config = shop.settings(tmp_path_factory.mktemp("both"))
    late = shop.draft(N, shop.DAY.plus(3), shop.meant_offers(N), name="autumn")
    shop.assign(config, shop.draft(N, shop.DAY, shop.meant_offers(N)), late)
    return config, shop.ledger(plain, {0: 5.0 * SPRING + 4.0 * AUTUMN})


def test_a_campaign_by_hand(tmp_path: Path, plain: Ledger) -> None:
    config = shop.settings(tmp_path)
    shop.assign(config, shop.draft(N, shop.DAY, shop.meant_offers(N)))
    (row,), headline, notes = _rows(shop.ledger(plain, {0: 5.0 * SPRING}), config)
    n = int(SPRING.sum())
    counts = ("campaign", "read_out", "waves", "waves_due", "customers", "control", "given")
    assert [row[name] for name in counts] == ["spring", "2024-04-30", 1, 1, n, int((shop.arms(N) == 1).sum()), n]
    # Nobody logged a redemption, so each costs what the plan expected: .6 with the contact.
    assert row["cost"] == pytest.approx(0.6 * n, abs=1e-4)
    # Tea, beside the price: .5 x 5 - .6 = 1.9. Two off the price, of which .5 was taken: .5 x (5 + .5) - .6 = 2.15.
    odd = int((SPRING & (np.arange(N) % 2 == 1)).sum())
    gain = 1.9 * (n - odd) + 2.15 * odd
    assert row["gain"] == pytest.approx(gain, abs=0.5)
    assert row["gain_low"] < gain < row["gain_high"]
    assert row["margin"] == pytest.approx(row["gain"] + row["cost"], abs=1e-9)
    assert row["roi"] == pytest.approx(row["gain"] / row["cost"], abs=1e-3)
    assert row["roi_low"] < row["roi"] < row["roi_high"]
    assert row["verdict"] == headline
    assert headline.startswith("The campaign brought ")
    assert notes == []


def test_every_campaign_says_what_measure_says(both: tuple[Config, Ledger]) -> None:
    config, ledger = both
    rows, headline, _ = _rows(ledger, config)
    assert [row["campaign"] for row in rows] == ["spring", "autumn"]
    for row in rows:
        figures = measure(ledger, config, str(row["campaign"])).figures()
        profit = figures["profit"]
        told = {"gain": "total", "gain_low": "low", "gain_high": "high", "customers": "customers", "control": "control"}
        assert {name: row[name] for name in told} == pytest.approx({name: profit[of] for name, of in told.items()})
        assert (row["verdict"], row["read_out"]) == (figures["verdict"], figures["read_out"])
    assert headline == rows[-1]["verdict"]


def test_a_campaign_pays_for_what_it_gave_itself(both: tuple[Config, Ledger]) -> None:
    # Spring's customers got autumn's offers, too: those are autumn's cost, each .6.
    rows, *_ = _rows(both[1], both[0])
    assert [row["cost"] for row in rows] == [
        pytest.approx(0.6 * SPRING.sum(), abs=1e-4),
        pytest.approx(0.6 * AUTUMN.sum(), abs=1e-4),
    ]


def test_what_is_not_distinguishable_from_zero_is_said_in_words(tmp_path: Path, plain: Ledger) -> None:
    # Half of the treated, by chance, spend 9 more and half 7 less: about 1, of which half is margin, less .6.
    config = shop.settings(tmp_path)
    shop.assign(config, shop.draft(N, shop.DAY, shop.meant_offers(N)))
    noise = np.where(np.random.default_rng(3).random(N) < 0.5, 9.0, -7.0)
    (row,), headline, _ = _rows(shop.ledger(plain, {0: noise * SPRING}), config)
    assert row["roi_low"] < 0 < row["roi_high"]
    assert "not distinguishable from zero" in headline


def test_a_wave_that_is_not_due_is_not_counted(tmp_path: Path, plain: Ledger) -> None:
    config = shop.settings(tmp_path)
    late = shop.draft(N, shop.DAY.plus(shop.WINDOW), shop.meant_offers(N))
    other = shop.draft(N, shop.DAY.plus(shop.WINDOW), shop.meant_offers(N), name="autumn")
    shop.assign(config, shop.draft(N, shop.DAY, shop.meant_offers(N)), late, other)
    # Up to the day on which the first window has closed.
    rows, headline, notes = _rows(shop.ledger(plain, {0: 5.0 * SPRING}, last=shop.DAY.plus(shop.WINDOW)), config)
    assert [(row["waves"], row["waves_due"]) for row in rows] == [(2, 1), (1, 0)]
    assert rows[0]["given"] == SPRING.sum()
    assert headline == rows[0]["verdict"]
    # Sixty days after 2024-03-31.
    assert rows[1]["verdict"].startswith("The result is looked at from 2024-05-30 on")
    told = {"campaign", "read_out", "waves", "waves_due", "verdict"}
    assert {value for name, value in rows[1].items() if name not in told} == {None}
    assert notes == [
        "Of spring, 1 of 2 waves are not counted yet: their day has not come.",
        "autumn is not counted yet: it is read out on 2024-05-30.",
    ]


def test_arms_that_are_not_as_drawn_have_no_figures(tmp_path: Path, plain: Ledger) -> None:
    config = shop.settings(tmp_path)
    keep = ~(SPRING & (np.arange(N) % 2 == 0))
    shop.assign(config, shop.draft(N, shop.DAY, shop.meant_offers(N), keep=keep.tolist()))
    (row,), headline, _ = _rows(shop.ledger(plain), config)
    assert (row["waves_due"], row["gain"], row["roi"]) == (1, None, None)
    assert headline == measure(shop.ledger(plain), config).figures()["verdict"]


def test_without_decisions_the_part_is_off(tmp_path: Path, plain: Ledger) -> None:
    table, headline, notes = returns(plain, shop.settings(tmp_path))
    assert (table, headline) == (None, "")
    assert notes == ["No campaigns: nothing was assigned (`regulars offers assign`), so there is nothing to measure."]
