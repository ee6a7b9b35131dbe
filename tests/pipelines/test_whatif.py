"""What keeping more customers is worth: what is read off the ledger, what is off and why, and what never changes."""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from regulars import cli, simulate
from regulars.clock import Cutoff
from regulars.config import Config
from regulars.engines.local import panel_of
from regulars.errors import ConfigError
from regulars.features.family import planned
from regulars.features.panel import RHYTHM
from regulars.features.reference import Reference
from regulars.features.shape import Shape
from regulars.intake import Ledger
from regulars.pipelines.published import CSV, FACTS, RUNS, SCORES, Book, Run
from regulars.pipelines.whatif import Asked, changes, whatif
from regulars.pipelines.whatif_read import Stand, net_share, purchases_before
from regulars.relations.levers import TOGETHER, Levers
from regulars.schema import SCALE
from regulars.simulation.world import Simulated

from ..kpis import few
from ..simulated import PLANTED, ZONE, purchases

MARGIN: dict[str, object] = {"margin": 0.5, "discount_rate": 0.0}


@cache
def world() -> Simulated:
    return simulate(300, days=800, seed=5, return_rate=0.1)


@cache
def ledger() -> Ledger:
    return Ledger.from_frame(world().purchases, world().config(60))


@cache
def asked() -> Asked:
    return whatif(ledger(), world().config(60, economics=MARGIN))


def rows(found: Asked, name: str) -> list[dict[str, object]]:
    return [dict(row) for table in found.tables if table.name == name for row in table.rows]


def test_customers_are_those_of_the_models_panel() -> None:
    frame = purchases(n_customers=60, days=300)
    config = Config.of(timezone=ZONE, purchases={"order_id": "order_id"})
    small, day = Ledger.from_frame(frame, config), Cutoff.parse("2023-09-01")
    cells = purchases_before(small, day)
    stand = Stand.of(cells, day, None)
    panel = panel_of(small, planned(Shape(), ()), Reference.empty(), [day])
    assert cells.ids[stand.customer].tolist() == panel.customer_id.tolist()
    for name in RHYTHM:
        np.testing.assert_array_equal(getattr(stand.summary, name), getattr(panel.rhythm, name))


def test_a_stand_by_hand() -> None:
    # On 11 March: a bought on 5 Jan, 20 Jan and 10 Mar; b on 31 Jan and 29 Feb; c on 10 Feb; d only gave back.
    day = Cutoff.parse("2024-03-11")
    cells = purchases_before(few.ledger(), day.plus(30))
    stand = Stand.of(cells, day, None)
    s = stand.summary
    assert cells.ids[stand.customer].tolist() == ["a", "b", "c"]
    assert (s.frequency.tolist(), s.recency.tolist(), s.T.tolist()) == ([2, 1, 0], [65, 29, 0], [65, 39, 29])
    assert s.value[:2].tolist() == [25.0, 7.0]  # (20 + 30) / 2; the first purchase does not count
    # From 11 March on: c buys for 1.00 on that day, b gives back 2.00 on the 15th.
    assert stand.bought(cells, 30).tolist() == [False, False, True]
    assert stand.spend(cells, 30).tolist() == [0.0, -2.0, 1.0]
    assert stand.spend(cells, 4).tolist() == [0.0, 0.0, 1.0]
    assert cells.ids[Stand.of(cells, day, 10).customer].tolist() == ["a"]  # b: 11 days since 29 February
    # Net over gross before that day: 60 + 12 + 20 - 4 for d, over 60 + 12 + 20.
    assert net_share(cells, day) == pytest.approx(88 / 92)


def test_all_tables_are_told_and_segments_add_up() -> None:
    found = asked()
    assert [table.name for table in found.tables] == ["silence_in_money", "what_if", "years"]
    assert found.off == {}
    silence = rows(found, "silence_in_money")
    assert silence[-1]["segment"] == "all"
    for name in ("customers", "one_point", "by_model", "as_seen"):
        assert sum(int(str(row[name])) for row in silence[:-1]) == silence[-1][name]
    levers = {str(row["lever"]) for row in rows(found, "what_if")}
    assert levers == {"retention +1 point", "frequency +1 %", "order value +1 %", "margin +1 point", TOGETHER}
    assert [row["year"] for row in rows(found, "years")] == [1, 2, 3, 4, 5]
    assert found.headline.startswith("One point less silence in 60 days, in every segment, would be worth about ")
    assert any(note.startswith("Looking back: on 2023-03-12 ") for note in found.notes)


def test_half_the_margin_is_half_the_money() -> None:
    whole = whatif(ledger(), world().config(60, economics={"margin": 1.0, "discount_rate": 0.0}),
                   levers=Levers(retention=1.0))  # fmt: skip
    for name, column in (("silence_in_money", "one_point"), ("what_if", "base"), ("years", "base")):
        for half, one in zip(rows(asked(), name)[-1:], rows(whole, name)[-1:], strict=True):
            assert int(str(one[column])) == pytest.approx(2 * int(str(half[column])), abs=20)


def test_a_day_sees_nothing_that_comes_after_it() -> None:
    day, config = Cutoff.parse("2024-01-10"), world().config(60, economics=MARGIN)
    frame = world().purchases
    before = frame[frame["purchased_at"] < str(day)]
    short = Ledger.from_frame(before, Config.of(
        horizon_days=60, currency="EUR", purchases={"order_id": "order_id"},
        data={"history_starts": str(world().starts), "history_ends": str(day.minus(1))}))  # fmt: skip
    assert whatif(ledger(), config, day).figures() == whatif(short, config).figures()


def test_an_unknown_margin_makes_it_spend_and_leaves_the_lever_out() -> None:
    found = whatif(ledger(), world().config(60))
    assert "`margin` under [economics]" in found.off["margin lever"]
    assert not any("margin" in str(row["lever"]) for row in rows(found, "what_if"))
    assert "net spend a year" in found.headline
    assert any(note.startswith("Money is net spend") for note in found.notes)


def test_a_short_history_lets_the_model_speak_alone_and_says_how_much_is_lacking() -> None:
    # 400 days from 2022-01-01: a year before their end is day 35, and 60 are needed first: 25 are lacking.
    short = whatif(ledger(), world().config(60, economics=MARGIN), world().starts.plus(400))
    assert "needs 25 more days of history" in short.off["past year"]
    assert not any(note.startswith("Looking back") for note in short.notes)
    last = rows(short, "silence_in_money")[-1]
    assert last["one_point"] == last["by_model"]
    assert any("under two years" in note for note in short.notes)


def test_too_few_repeat_buyers_switch_both_parts_off() -> None:
    one = pd.DataFrame([("a", "2024-01-05", 3.0), ("b", "2024-02-05", 4.0)],
                       columns=["customer_id", "purchased_at", "amount"])  # fmt: skip
    found = whatif(Ledger.from_frame(one, Config.of()), Config.of())
    assert found.tables == ()
    for part in ("silence_in_money", "what_if"):
        assert "of 2 customers 0 have bought again" in found.off[part]
    assert found.headline.startswith("Too little is known")
    json.dumps(found.figures())


def test_a_year_of_silence_is_not_told_in_a_year() -> None:
    found = whatif(ledger(), world().config(365, economics=MARGIN))
    assert "name a shorter horizon" in found.off["silence_in_money"]
    assert rows(found, "what_if")


def test_the_figures_name_nobody() -> None:
    config = Config.of(timezone=ZONE, purchases={"order_id": "order_id"}, horizon_days=30)
    found = whatif(Ledger.from_frame(purchases(n_customers=80, days=420), config), config)
    assert PLANTED not in json.dumps(found.figures()) + "".join([*found.lines, *found.notes])


def publish(folder: Path, scores: pd.DataFrame, day: str) -> None:
    book, name = Book(folder / "scores"), f"{day}-v1-0000000a"
    with book.filling(name) as place:
        scores.to_parquet(place / SCORES)
        (place / CSV).write_text("")
        facts = {"as_of": day, "horizon_days": 45, "currency": "EUR", "model": {"version": "1"},
                 "totals": {"lifetime_low": 90.0, "lifetime_high": 110.0}}  # fmt: skip
        (place / FACTS).write_text(json.dumps(facts))
    book.point(Run(book.folder / RUNS / name))


def scored(folder: Path) -> Config:
    """A folder with purchases, and scores of the day after them by which all lifetimes are worth 7."""
    config = world().config(60, economics={"margin": 0.5})
    config = config.model_copy(update={"folder": folder})
    ids = sorted(world().purchases["customer_id"].dropna().unique())
    n = len(ids)
    blank: dict[str, object] = {"usual_gap_days": 20.0, "late": False, "next_order_from": "", "next_order_until": ""}
    segment = ["low value, steady"] * (n - 10) + ["high value, at risk"] * 10
    told = {"p_churn": 0.5, "expected_spend": 1.0, "lifetime_value": 7.0, "segment": segment}
    table = pd.DataFrame({"customer_id": ids, **told, **blank})
    publish(folder, table, str(world().ends))
    return config


def test_scores_give_the_height_the_chances_the_window_and_the_segments(tmp_path: Path) -> None:
    config = scored(tmp_path)
    found = whatif(ledger(), config, years=3, levers=Levers(order_value=2.0))
    n = world().purchases["customer_id"].nunique()
    assert (found.window_days, found.scheme) == (45, "value-churn")
    silence = {row["segment"]: row for row in rows(found, "silence_in_money")}
    assert {name: row["p_silent"] for name, row in silence.items()} == pytest.approx(dict.fromkeys(silence, 0.5))
    # Three years are the lifetime's 1,095 days: what they bring is what the scores say, 7 each.
    base = {row["segment"]: int(str(row["base"])) for row in rows(found, "what_if")}
    assert base == {"low value, steady": pytest.approx(7 * SCALE * (n - 10), abs=1),
                    "high value, at risk": pytest.approx(70 * SCALE, abs=1),
                    "all": pytest.approx(7 * SCALE * n, abs=2)}  # fmt: skip
    assert not any("No lifetime values" in note for note in found.notes)


def test_another_scheme_tells_the_same_all() -> None:
    config = world().config(60, economics=MARGIN)
    other = whatif(ledger(), config, scheme="rfm")
    assert (other.scheme, asked().scheme) == ("rfm", "lifecycle")
    one, two = rows(other, "what_if")[-1], rows(asked(), "what_if")[-1]
    assert int(str(one["difference"])) == pytest.approx(int(str(two["difference"])), abs=20)
    assert one["customers"] == two["customers"]


def test_what_cannot_be_is_refused() -> None:
    config = world().config(60, economics=MARGIN)
    for code, call in (
        ("RG494", lambda: changes(retention="more")),
        ("RG494", lambda: whatif(ledger(), config, levers=Levers(margin=60.0))),
        ("RG495", lambda: whatif(ledger(), config, years=0)),
        ("RG496", lambda: whatif(ledger(), config, world().starts)),
        ("RG476", lambda: whatif(ledger(), config, scheme="value-churn")),
    ):
        with pytest.raises(ConfigError, match=code):
            call()


def test_levers_that_are_named_are_those_that_are_changed() -> None:
    assert changes(retention=None, margin=None) is None
    assert changes(retention=" +2 ", order_value="-3%") == Levers(retention=2.0, order_value=-3.0)


def test_the_command_prints_and_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world().purchases.to_csv(tmp_path / "purchases.csv", index=False)
    config = tmp_path / "regulars.toml"
    config.write_text(
        '[data]\ntimezone = "UTC"\n[data.purchases]\npath = "purchases.csv"\ncustomer_id = "customer_id"\n'
        'purchased_at = "purchased_at"\norder_id = "order_id"\namount = "amount"\n[target]\nhorizon_days = 60\n'
    )
    sheet = tmp_path / "whatif.json"
    arguments = ["regulars", "whatif", str(config), "--retention", "+2", "--years", "2", "--json", str(sheet)]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    said = json.loads(sheet.read_text())
    assert {row["lever"] for row in said["tables"]["what_if"]["rows"]} == {"retention +2 points"}
    assert len(said["tables"]["years"]["rows"]) == 2
    told = capsys.readouterr()
    assert "silence_in_money" in told.out
    assert "note: No experiment" in told.err
