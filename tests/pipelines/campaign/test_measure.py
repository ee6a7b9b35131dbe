"""A campaign is measured: to the cent where the truth is known, on the day that was fixed, or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.errors import ConfigError, NotEnoughData
from regulars.intake import Ledger
from regulars.pipelines.campaign.book import Decisions
from regulars.pipelines.campaign.event_store import HELD
from regulars.pipelines.campaign.measure import Measurement, measure

from . import measured_shop as shop

N = 400
SPRING = shop.arms(N)
TREATED, CONTROL, HELD_OUT = SPRING == 3, SPRING == 1, SPRING == 0


def _spring(folder: Path, **how: Any) -> Config:
    config = shop.settings(folder)
    shop.assign(config, shop.draft(N, shop.DAY, shop.meant_offers(N), **how))
    return config


def _log(config: Config, *rows: tuple[int, str, Cutoff, float | None], name: str = "spring") -> None:
    """Events about customers of the first wave: (customer, kind, day, value)."""
    ids = Decisions.of(config).of_campaign(name)[0].table(["decision_id"]).column(0).to_pylist()
    told = [
        (
            f"{name}{k}",
            ids[i],
            kind,
            day.day * 86_400_000_000 + 13 * 3_600_000_000,
            None if v is None else round(v * 10_000),
        )
        for k, (i, kind, day, v) in enumerate(rows)
    ]
    columns = {field: [row[k] for row in told] for k, field in enumerate(HELD.names)}
    Decisions.of(config).store.add(pa.table(columns, HELD))


def _effect(found: Measurement, what: str, outcome: str) -> dict[str, Any]:
    return next(e for e in found.figures()["effects"] if (e["what"], e["outcome"]) == (what, outcome))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """What everybody buys anyway."""
    return shop.base(shop.settings(tmp_path_factory.mktemp("plain")), N)


@pytest.fixture(scope="module")
def lifted(plain: Ledger) -> Ledger:
    """Everybody who is treated spends 5 more in the window of the first wave."""
    return shop.ledger(plain, {0: 5.0 * TREATED})


@pytest.fixture(scope="module")
def spring(tmp_path_factory: pytest.TempPathFactory, lifted: Ledger) -> tuple[Config, Ledger, Measurement]:
    """Everybody who was given something spends 5 more; all redeem; two complain; nothing else moves."""
    config = _spring(tmp_path_factory.mktemp("spring"))
    redeemed = [(int(i), "redeemed", shop.DAY.plus(6), 2.0 if i % 2 else 1.0) for i in np.flatnonzero(TREATED)]
    even = np.flatnonzero(TREATED & (np.arange(N) % 2 == 0))
    complained = [(int(i), "complained", shop.DAY.plus(1), None) for i in even[:2]]
    _log(config, *redeemed, *complained)
    return config, lifted, measure(lifted, config)


def test_profit_is_what_was_earned_less_what_it_cost(spring: tuple[Config, Ledger, Measurement]) -> None:
    # Tea, a gift beside the price: .5 x 5 - 1 - .1 = 1.4. Two off the price, which the ledger's 5 are net of: list
    # price 7, .5 x 7 - 2 - .1 = 1.4 as well. Two of those with tea complained, at 2 each.
    found = spring[2]
    tea, two = _effect(found, "tea", "profit"), _effect(found, "two", "profit")
    assert two["estimate"] == pytest.approx(1.4)
    assert two["plain"] != pytest.approx(1.4, abs=1e-3)
    assert tea["total"]["estimate"] == pytest.approx(1.4 * tea["treated"] - 4, abs=0.5)
    assert (tea["treated"], tea["control"]) == (
        int((TREATED & (np.arange(N) % 2 == 0)).sum()),
        int((CONTROL & (np.arange(N) % 2 == 0)).sum()),
    )
    assert _effect(found, "all", "spend")["estimate"] == pytest.approx(5.0)
    profit = found.figures()["profit"]
    assert profit["total"] == pytest.approx(1.4 * TREATED.sum() - 4, abs=0.5)
    assert profit["low"] < 1.4 * TREATED.sum() - 4 < profit["high"]
    # Redemptions, contacts and complaints of the treated.
    odd = int((TREATED & (np.arange(N) % 2 == 1)).sum())
    assert profit["cost"] == pytest.approx(0.1 * TREATED.sum() + 1.0 * (TREATED.sum() - odd) + 2.0 * odd + 4)
    # The plan had expected 2 of each, 1 to 3.
    assert profit["expected"] == pytest.approx(
        {"low": TREATED.sum(), "base": 2 * TREATED.sum(), "high": 3 * TREATED.sum()}
    )


def test_all_campaigns_together_are_held_against_the_hold_out(spring: tuple[Config, Ledger, Measurement]) -> None:
    # Everybody else: those treated and those who were their control.
    program = spring[2].figures()["program"]
    assert (program["customers"], program["control"]) == (int((~HELD_OUT).sum()), int(HELD_OUT.sum()))
    assert program["low"] < 1.4 * TREATED.sum() - 4 < program["high"]
    assert program["sample_ratio"]["ok"]


def test_the_answer_stands_in_the_first_line(spring: tuple[Config, Ledger, Measurement]) -> None:
    first, second, *_ = spring[2].lines
    assert first.startswith("The campaign brought ")
    assert "with 95 % certainty" in first
    assert second.startswith("The plans had expected")
    assert spring[2].notes == ()


def test_the_funnel_and_the_league_tables_are_told(spring: tuple[Config, Ledger, Measurement]) -> None:
    figures = spring[2].figures()
    funnel = {row["offer"]: row for row in figures["funnel"]}
    assert funnel["two"]["redeemed"] == funnel["two"]["given"] == int((TREATED & (np.arange(N) % 2 == 1)).sum())
    assert funnel["two"]["title"] == "Two off"
    assert [row["name"] for row in figures["league"]["channels"]] == ["mail"]
    # What the catalogue calls the message, else the type of the offer.
    assert {row["name"] for row in figures["league"]["messages"]} == {"thanks", "amount"}


def test_figures_are_plain_json_without_ids(spring: tuple[Config, Ledger, Measurement]) -> None:
    text = json.dumps(spring[2].figures(), allow_nan=False)
    assert json.loads(text) == spring[2].figures()
    assert "c00" not in text


def test_later_days_change_nothing(spring: tuple[Config, Ledger, Measurement], plain: Ledger) -> None:
    # More purchases, with another effect, after the window: the result is that of the day that was fixed.
    config, _, found = spring
    later = shop.ledger(plain, {0: 5.0 * TREATED, 1: 50.0 * TREATED}, last=shop.LAST.plus(30))
    again = measure(later, config).figures()
    assert again["effects"] == found.figures()["effects"]
    assert again["profit"] == found.figures()["profit"]


def test_before_the_day_of_the_result_there_are_counts_and_a_date(
    tmp_path: Path, lifted: Ledger, plain: Ledger
) -> None:
    # The window of 30 days from 2024-03-31 has closed on 2024-04-30.
    config = _spring(tmp_path)
    early = shop.ledger(plain, {0: 5.0 * TREATED}, last=Cutoff.parse("2024-04-29"))
    found = measure(early, config)
    assert found.lines[0].startswith("The result is looked at from 2024-04-30 on")
    figures = found.figures()
    assert (figures["effects"], figures["profit"], figures["program"]) == ([], None, None)
    (wave,) = figures["waves"]
    assert (wave["due"], wave["arms"]["chosen"], wave["effects"]) == (False, {"customers": int(TREATED.sum())}, [])
    assert wave["sample_ratio"]["ok"]
    # Of a day that the purchases do not reach nothing is known, whatever day is named.
    assert "The purchases end before" in measure(early, config, today=Cutoff.parse("2024-06-01")).lines[1]
    # A ledger that reaches further does not help before that day.
    assert not measure(lifted, config, today=Cutoff.parse("2024-04-29")).figures()["waves"][0]["due"]
    assert measure(lifted, config, today=Cutoff.parse("2024-04-30")).figures()["waves"][0]["due"]


def test_customers_lost_after_the_draw_are_no_result(tmp_path: Path, lifted: Ledger) -> None:
    # Two in three of the control are missing from the wave.
    keep = ~(CONTROL & (np.cumsum(CONTROL) % 3 != 0))
    config = _spring(tmp_path, keep=keep.tolist())
    found = measure(lifted, config)
    assert found.figures()["refused"].startswith("The arms are not as large as they were drawn")
    assert (found.figures()["effects"], found.figures()["profit"], found.figures()["league"]) == ([], None, {})
    assert found.lines[0] == "No effect is concluded."


def test_who_is_not_in_the_ledger_has_bought_nothing_and_stays_in_his_arm(tmp_path: Path, plain: Ledger) -> None:
    # Nobody leaves because of how it went: both are counted, with 0 instead of 10 to 16 (and 5 more).
    config = _spring(tmp_path)
    gone = [int(np.flatnonzero(TREATED)[0]), int(np.flatnonzero(CONTROL)[0])]
    found = measure(shop.ledger(plain, {0: 5.0 * TREATED}, skip=gone), config)
    effect, spend = _effect(found, "all", "spend"), 10 + np.arange(N) % 7 + 5.0 * TREATED
    spend[gone] = 0
    assert (effect["treated"], effect["control"]) == (TREATED.sum(), CONTROL.sum())
    assert effect["plain"] == pytest.approx(spend[TREATED].mean() - spend[CONTROL].mean())
    assert "2 customers of the decisions are not in the ledger" in " ".join(found.notes)


def test_redemptions_that_nobody_logged_cost_what_was_expected(tmp_path: Path, lifted: Ledger) -> None:
    # Each was expected to cost .6, .1 of it the contact. Tea: .5 x 5 - .6 = 1.9; two off, .5 at a redemption that the
    # ledger is net of: .5 x 5.5 - .6 = 2.15.
    config = _spring(tmp_path)
    found = measure(lifted, config)
    assert _effect(found, "tea", "profit")["estimate"] == pytest.approx(1.9)
    assert _effect(found, "two", "profit")["estimate"] == pytest.approx(2.15)
    assert "No redemption of spring was logged" in found.notes[0]


def test_a_redemption_without_a_value_counts_as_the_others_of_its_offer(tmp_path: Path, lifted: Ledger) -> None:
    # Of those with tea one says 3, the others nothing: 3 each. Of two off nobody says anything: 2, as in the catalogue.
    config = _spring(tmp_path)
    who = np.flatnonzero(TREATED)
    first = who[who % 2 == 0][0]
    _log(config, *((int(i), "redeemed", shop.DAY.plus(6), 3.0 if i == first else None) for i in who))
    found = measure(lifted, config)
    assert _effect(found, "tea", "profit")["estimate"] == pytest.approx(2.5 - 3 - 0.1)
    assert _effect(found, "two", "profit")["estimate"] == pytest.approx(1.4)
    assert f"{len(who) - 1} redemptions of spring were logged without a value" in found.notes[0]


def test_what_was_sent_back_costs_no_contact(tmp_path: Path, lifted: Ledger) -> None:
    # All of it: 2.5 of margin, and of the redemption that nobody logged nothing either.
    config = _spring(tmp_path)
    _log(config, *((int(i), "rejected", shop.DAY.plus(1), None) for i in np.flatnonzero(TREATED)))
    found = measure(lifted, config)
    assert _effect(found, "tea", "profit")["estimate"] == pytest.approx(2.5)


def test_with_costs_in_the_ledger_the_margin_is_exact(tmp_path: Path, lifted: Ledger) -> None:
    # Every line costs 4: the treated earn 5 more, whatever `margin` says, less a contact and what was expected beside.
    config = _spring(tmp_path)
    lines = lifted.table().to_pandas()
    purchases = config.data.purchases.model_copy(update={"cost": "cost"})
    bounds = {"history_starts": str(shop.FIRST), "history_ends": str(shop.LAST.minus(1)), "purchases": purchases}
    costly = config.model_copy(update={"data": config.data.model_copy(update=bounds)})
    frame = lines.assign(cost=4.0)[["customer_id", "purchased_at", "amount", "cost"]]
    found = measure(Ledger.from_frame(frame, costly), costly)
    assert _effect(found, "tea", "profit")["estimate"] == pytest.approx(5 - 0.6)
    assert found.figures()["effects"][0]["control_mean"] == pytest.approx(
        (10 + np.arange(N) % 7)[CONTROL].mean() - 4, abs=1e-9
    )
    # One line without a cost: margins it is, for all, and it is said.
    frame.loc[0, "cost"] = np.nan
    less = measure(Ledger.from_frame(frame, costly), costly)
    assert _effect(less, "tea", "profit")["estimate"] == pytest.approx(1.9)
    assert "1 lines have no cost" in " ".join(less.notes)


@pytest.fixture(scope="module")
def two_waves(tmp_path_factory: pytest.TempPathFactory, plain: Ledger) -> tuple[Config, Measurement]:
    """A second wave thirty days later, which means something for the second half for the first time."""
    config = shop.settings(tmp_path_factory.mktemp("waves"))
    late = list(range(N // 2, N))
    first = shop.draft(N, shop.DAY, shop.meant_offers(N, nobody=late))
    second = shop.draft(N, shop.DAY.plus(shop.WINDOW), shop.meant_offers(N))
    shop.assign(config, first, second)
    early, later = TREATED & (np.arange(N) < N // 2), TREATED & (np.arange(N) >= N // 2)
    # Whoever got tea or two off at first spends 5 more in that window and 3 in the next; the others 5 in the second.
    ledger = shop.ledger(plain, {0: 5.0 * early, 1: 3.0 * early + 5.0 * later}, last=shop.LAST)
    return config, measure(ledger, config)


def test_a_customer_is_compared_from_the_first_wave_that_meant_something(
    two_waves: tuple[Config, Measurement],
) -> None:
    # 8 of each of the first half, 5 of each of the second; the mixture of halves is that of both arms together.
    found = two_waves[1]
    half = np.arange(N) < N // 2
    whole = _effect(found, "all", "spend")
    assert whole["treated"] == TREATED.sum()
    assert whole["estimate"] == pytest.approx(5 + 3 * half[TREATED | CONTROL].mean())
    # An offer: the first time, in its own window: 5.
    assert _effect(found, "tea", "spend")["estimate"] == pytest.approx(5.0)
    assert "the first time it was meant" in " ".join(found.notes)


def test_each_wave_tells_what_the_campaign_brought_in_its_window(two_waves: tuple[Config, Measurement]) -> None:
    half = np.arange(N) < N // 2
    waves = two_waves[1].figures()["waves"]
    spend = [next(e for e in wave["effects"] if e["outcome"] == "spend") for wave in waves]
    assert spend[0]["treated"] == int((TREATED & half).sum())
    assert spend[0]["estimate"] == pytest.approx(5.0)
    # 3 more of the first half, 5 of the second.
    assert spend[1]["estimate"] == pytest.approx(5 - 2 * half[TREATED | CONTROL].mean())
    # The arms of the second wave are those of the first: they are checked once, on whoever is new.
    assert waves[1]["sample_ratio"]["counts"]["chosen"] == 0
    assert waves[1]["moved"] == 0


def test_a_wave_that_is_not_due_waits_for_its_day(two_waves: tuple[Config, Measurement], lifted: Ledger) -> None:
    found = measure(lifted, two_waves[0], today=Cutoff.parse("2024-05-29"))
    assert [wave["due"] for wave in found.figures()["waves"]] == [True, False]
    assert _effect(found, "all", "spend")["treated"] == int((TREATED & (np.arange(N) < N // 2)).sum())
    assert found.lines[-1] == "1 later wave is read out from 2024-05-30 on."


def test_arms_that_were_drawn_anew_between_waves_are_no_result(tmp_path: Path, lifted: Ledger) -> None:
    # The second wave of the same campaign has the arms of another one.
    config = shop.settings(tmp_path)
    other = shop.draft(N, shop.DAY.plus(shop.WINDOW), shop.meant_offers(N), keep=None, drawn="autumn")
    shop.assign(config, shop.draft(N, shop.DAY, shop.meant_offers(N)), other)
    found = measure(lifted, config)
    assert "changed their arm between waves" in found.figures()["refused"]
    assert found.figures()["waves"][1]["sample_ratio"]["ok"] is False


def test_other_campaigns_meanwhile_are_counted(tmp_path: Path, plain: Ledger) -> None:
    # Autumn runs at the same time, with arms of its own: it reaches the same share of both arms of spring.
    config = shop.settings(tmp_path)
    shop.assign(
        config,
        shop.draft(N, shop.DAY, shop.meant_offers(N)),
        shop.draft(N, shop.DAY.plus(3), shop.meant_offers(N), name="autumn"),
    )
    autumn = shop.arms(N, "autumn") == 3
    ledger = shop.ledger(plain, {0: 5.0 * TREATED + 4.0 * autumn})
    found = measure(ledger, config, campaign="spring")
    overlap = found.figures()["overlap"]
    assert overlap["treated"] == pytest.approx(autumn[TREATED].mean())
    assert overlap["control"] == pytest.approx(autumn[CONTROL].mean())
    assert "Other campaigns reached" in overlap["words"]
    # What autumn does is in both arms: spring's effect is still 5, but less sure.
    effect = _effect(found, "all", "spend")
    assert effect["low"] < 5 < effect["high"]
    # Rows of both campaigns stand in the league tables.
    assert found.figures()["league"]["offers"][0]["n"] > TREATED.sum() / 2
    # By default it is the campaign of the newest wave.
    assert measure(ledger, config).figures()["campaign"] == "autumn"


def test_a_campaign_that_there_is_not_is_named(tmp_path: Path, lifted: Ledger) -> None:
    config = _spring(tmp_path)
    with pytest.raises(ConfigError, match=r"RG445.*did you mean `spring`"):
        measure(lifted, config, campaign="sprong")


def test_without_decisions_there_is_nothing_to_measure(tmp_path: Path, lifted: Ledger) -> None:
    with pytest.raises(NotEnoughData, match=r"RG444.*regulars offers assign"):
        measure(lifted, shop.settings(tmp_path))


def test_a_log_of_offers_that_somebody_chose_is_refused_with_the_gap_before(tmp_path: Path, plain: Ledger) -> None:
    # Receivers of the leaflet are those who spend 15 and more of 10 to 16; nobody changes: 15.5 - 12 = 3.5 all along.
    config = shop.settings(tmp_path)
    n = N - 1
    level = 10 + np.arange(n) % 7
    got = [f"c{i:05d}" for i in range(n) if level[i] >= 15]
    text = '\n[data.offers]\npath = "offers.csv"\ncustomer_id = "who"\noffered_at = "day"\noffer_id = "offer"\n'
    file = tmp_path / "regulars.toml"
    file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")
    both = Config.load(file)
    data = both.data.model_copy(update={"history_starts": str(shop.FIRST), "history_ends": str(shop.LAST.minus(1))})
    both = both.model_copy(update={"data": data, "target": config.target})
    sent = pd.DataFrame({"who": got, "day": str(shop.DAY), "offer": "leaflet"})
    lines = shop.ledger(plain, skip=[n]).table().to_pandas()[["customer_id", "purchased_at", "amount"]]
    found = measure(Ledger.from_frame(lines, both, offers=sent), both)
    (row,) = found.figures()["observed"]
    assert (row["treated"], row["others"]) == (114, 285)
    assert row["before"]["gap"] == pytest.approx(3.5)
    assert row["after"]["gap"] == pytest.approx(3.5)
    assert found.lines[0] == "No effect is concluded."
    assert "somebody's choice" in found.lines[1]
    assert "already 3.50 EUR more in 30 days before" in found.lines[2]
    assert found.figures()["effects"] == []


@pytest.mark.parametrize("seeds", [3, pytest.param(60, marks=pytest.mark.soak)])
def test_a_second_wave_that_follows_what_the_first_one_did_does_not_spoil_the_result(
    tmp_path: Path, plain: Ledger, seeds: int
) -> None:
    # The first wave is for all; the second for those who spent less than most in the window of the first, which the
    # treated did less often. Each is worth 5: in all 5, and 5 more for those of the treated who got it twice.
    hit = 0
    for seed in range(seeds):
        rng, name = np.random.default_rng(seed), f"spring-{seed}"
        here = tmp_path / name
        here.mkdir()
        config = shop.settings(here)
        treated = shop.arms(N, name) == 3
        first = rng.gamma(1.0, 10.0, N) + 5.0 * treated
        again = first < np.median(first)
        second = rng.gamma(1.0, 10.0, N) + 5.0 * (treated & again)
        meant = ["tea" if a else "" for a in again]
        shop.assign(
            config,
            shop.draft(N, shop.DAY, ["tea"] * N, name),
            shop.draft(N, shop.DAY.plus(shop.WINDOW), meant, name),
        )
        found = measure(shop.ledger(plain, {0: first, 1: second}), config, campaign=name)
        effect = _effect(found, "all", "spend")
        hit += effect["low"] <= 5 + 5 * again[treated].mean() <= effect["high"]
    assert hit >= 0.88 * seeds - 1
