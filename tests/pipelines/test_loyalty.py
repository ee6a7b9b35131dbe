"""A loyalty programme read off a ledger: by hand, what is left out and why, lists, and the command."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from regulars import cli
from regulars.clock import Cutoff
from regulars.config import Config
from regulars.errors import ConfigError
from regulars.intake import Ledger
from regulars.kpis.table import Row, Table
from regulars.loyalty.members import Members
from regulars.loyalty.words import COLUMNS
from regulars.offers.workbook import cells_of_workbook
from regulars.pipelines import loyalty_read
from regulars.pipelines.loyalty import Loyalty, loyalty, write_list

BOUGHT = [
    ("ann", "2023-01-10", 20.0),
    ("ann", "2023-12-20", 30.0),
    ("ann", "2024-01-25", 12.5),
    ("ann", "2024-01-28", -2.5),
    ("bob", "2023-06-01", 10.0),
    ("cat", "2024-01-31", 8.0),
    ("dan", "2024-01-05", -4.0),  # has only given back
    ("eve", "2024-02-01", 99.0),  # on the day: not known yet
]
Told = tuple[object, ...]
TOLD: list[Told] = [
    ("ann", "2023-01-10", "points_earned", 20.0),
    ("ann", "2023-12-20", "points_earned", 30.0),
    ("ann", "2024-01-25", "points_earned", 12.5),
    ("ann", "2024-01-28", "points_earned", -2.5),
    ("ann", "2024-01-30", "points_spent", -5.0),
    ("bob", "2023-06-01", "points_earned", 10.0),
    ("bob", "2023-07-01", "points_spent", 15.0),
    ("yan", "2023-12-31", "points_earned", 3.0),  # has points and never bought
    ("ann", "2024-02-01", "points_spent", 1.0),  # on the day
    ("bob", "2023-07-02", "visit", 7.0),
]
PEOPLE = [("zoe", "2024-01-15"), ("cat", ""), ("eve", "2024-02-01")]
DAY = Cutoff.parse("2024-02-01")
EVENTS = {name: name for name in ("customer_id", "occurred_at", "kind", "value")}


def config_of(events: bool = True, folder: Path | None = None, **rules: Any) -> Config:
    data: dict[str, object] = {"events": EVENTS} if events else {}
    data["customers"] = {"customer_id": "customer_id", "joined_at": "joined_at"}
    found = Config.of(currency="EUR", data=data, loyalty=rules, target={"horizon_days": 30})
    return found if folder is None else found.model_copy(update={"folder": folder})


def ledger_of(config: Config, told: Sequence[Told] = tuple(TOLD), columns: tuple[str, ...] = tuple(EVENTS)) -> Ledger:
    """The ledger does not depend on the rules of a programme: tests that have the same tables share one."""
    return _ledger(tuple(told) if config.data.events else None, columns)


@cache
def _ledger(told: tuple[Told, ...] | None, columns: tuple[str, ...]) -> Ledger:
    customers = pd.DataFrame(PEOPLE, columns=["customer_id", "joined_at"])
    bought = pd.DataFrame(BOUGHT, columns=["customer_id", "purchased_at", "amount"])
    config = config_of(told is not None)
    if told is None:
        return Ledger.from_frame(bought, config, customers=customers)
    if "known_at" in columns:
        (section,) = config.data.events
        section = section.model_copy(update={"known_at": "known_at"})
        config = config.model_copy(update={"data": config.data.model_copy(update={"events": (section,)})})
    return Ledger.from_frame(bought, config, customers=customers, events=pd.DataFrame(told, columns=list(columns)))


def told_of(day: Cutoff = DAY, **rules: Any) -> Loyalty:
    config = config_of(**rules)
    return loyalty(ledger_of(config), config, day)


def members(found: Loyalty) -> Members:
    assert found.members is not None
    return found.members


def table(found: Loyalty, name: str) -> Table:
    return next(one for one in found.tables if one.name == name)


def rows(found: Loyalty, name: str, key: str) -> dict[str, Row]:
    return {str(row[key]): row for row in table(found, name).rows}


def test_members_are_who_has_points_or_joined_and_every_point_is_accounted_for() -> None:
    found = told_of(expire_days=365, point_value=0.01, joined_are_members=True)
    who = members(found)
    # Zoe joined, Yan has points and never bought; Cat is in the table without a day, Dan gave back, Eve is of the day.
    assert dict(zip(who.ids.tolist(), who.member.tolist(), strict=True)) == {
        **{"ann": True, "bob": True, "cat": False, "dan": False, "eve": False, "yan": True, "zoe": True},
    }
    points = rows(found, "points", "what")
    # Ann: 20 of 10 January 2023 last till 10 January 2024 and expire; 42.5 less 2.5 and 5: 35. Bob owes 5. Yan: 3.
    assert [(name, row["points"]) for name, row in points.items()] == [
        ("earned", 75.5),
        ("overdrawn: spent beyond all that was earned", 5.0),
        ("spent", 20.0),
        ("taken back", 2.5),
        ("expired", 20.0),
        ("balance", 38.0),
        ("of the balance: expires within 30 days", 0.0),
    ]
    # 75.5 + 5 = 20 + 2.5 + 20 + 38. A hundredth of money for each.
    assert (points["balance"]["money"], points["balance"]["members"]) == (3_800, 2)
    assert points["expired"]["share"] == 20 / 75.5
    rates = rows(found, "points_rates", "rate")
    assert rates["burn rate: spent / earned"]["value"] == 20 / 75.5
    # As of 1 February points of days before 1 February 2023 are old enough: Ann's 20, all of which have expired.
    assert rates["breakage: expired / earned more than 365 days ago"]["value"] == 1.0
    assert rates["breakage of a balance: expired since / balance 365 days ago"]["money"] == 0
    assert all(row["low"] is None for row in rates.values())  # three members are too few for an interval
    # Of the 30 days before 1 February is what Ann did; Yan's three points are of 32 days before.
    assert found.headline == (
        "4 members, 1 of them active within 30 days; 38 points outstanding, worth 0.38 EUR; 0 of them expire within 30 "
        "days unless they are used."
    )


def test_a_day_of_joining_makes_no_member_unless_the_rules_say_so() -> None:
    found = told_of()
    assert members(found).ids[members(found).member].tolist() == ["ann", "bob", "yan"]
    assert any("set `joined_are_members`" in note for note in found.notes)
    assert not any("joined_are_members" in note for note in told_of(joined_are_members=True).notes)


def test_months_that_points_are_not_known_of_wholly_are_shown_without_a_figure() -> None:
    found = {row["month"]: row for row in table(told_of(expire_days=365), "points_by_month").rows}
    # The log begins on 10 January 2023 and goes on to 1 February 2024.
    assert [found[month]["complete"] for month in ("2023-01", "2023-02", "2024-01")] == [False, True, True]
    assert found["2023-01"]["earned"] is None
    july = found["2023-07"]
    # Bob spent 15 of 10; Ann has 20.
    assert (july["spent"], july["balance"], july["active"], july["holders"]) == (15.0, 20.0, 1, 1)
    assert (july["burn_rate"], july["liability"]) == (
        None,
        None,
    )  # nothing was earned, and nobody said what it is worth
    january = found["2024-01"]
    assert [january[name] for name in ("earned", "spent", "expired", "taken_back")] == [12.5, 5.0, 20.0, 2.5]
    # December ended with 50 + 3; 12.5 - 5 - 20 - 2.5 since.
    assert (found["2023-12"]["balance"], january["balance"]) == (53.0, 38.0)
    assert len(found) == 13


def test_points_are_reckoned_from_purchases_where_no_event_tells_of_them_and_that_is_said() -> None:
    config = config_of(events=False, points_per_unit=2, expire_days=365)
    found = loyalty(ledger_of(config), config, DAY)
    points = rows(found, "points", "what")
    # 80.5 of money sold before the day, 2.5 + 4 taken back; Ann's 40 of January 2023 expired, Dan owes 8.
    assert [points[name]["points"] for name in ("earned", "spent", "taken back", "expired", "balance")] == [
        *(161.0, 0.0, 5.0, 40.0, 116.0),
    ]
    # Dan has never bought, so he is no member; of those who are, nobody owes anything.
    assert members(found).ids[members(found).member].tolist() == ["ann", "bob", "cat"]
    assert found.notes[0].startswith("Points are reckoned from purchases (2 for one of money), because no events tell")
    both = config_of(points_per_unit=2)
    assert "`points_per_unit` is not used: events tell of points." in loyalty(ledger_of(both), both, DAY).notes


def test_a_rate_with_decimals_is_exact_and_rounds_down_once_a_day() -> None:
    config = config_of(events=False, points_per_unit=0.3333)
    found = members(loyalty(ledger_of(config), config, DAY))
    assert found.points is not None
    # Cat: 8.0000 * 0.3333 = 2.6664; Ann: 20, 30, 12.5 -> 6.666, 9.999, 4.16625 (rounded down to 4.1662).
    assert dict(zip(found.ids.tolist(), found.points.earned.tolist(), strict=True)) == {
        **{"ann": 66_660 + 99_990 + 41_662, "bob": 33_330, "cat": 26_664, "dan": 0, "eve": 0, "zoe": 0},
    }


def test_expiries_that_events_tell_are_taken_as_they_are() -> None:
    config = config_of(expire_days=365)
    found = loyalty(ledger_of(config, [*TOLD, ("ann", "2024-01-29", "points_expired", -4.0)]), config, DAY)
    points = rows(found, "points", "what")
    # Only 4 of Ann's 20: of the first batch 2.5 + 5 + 4 have gone, so 8.5 are too old and still there.
    assert (points["expired"]["points"], points["balance"]["points"]) == (4.0, 54.0)
    assert points["of the balance: too old, and not taken away"]["points"] == 8.5
    assert "8.5 points of the balance are too old, and no event has taken them away." in found.notes


def test_what_became_known_later_does_not_count_yet() -> None:
    config = config_of()
    late = [(*row, "2024-02-05" if row[1] == "2024-01-25" else row[1]) for row in TOLD]
    found = loyalty(ledger_of(config, late, (*EVENTS, "known_at")), config, DAY)
    # Without the 12.5 of 25 January.
    assert rows(found, "points", "what")["earned"]["points"] == 63.0


def test_tiers_by_points_need_a_year_of_points_or_the_first_day_of_the_programme() -> None:
    rules: dict[str, Any] = {"tiers": {"silver": 10, "gold": 40}}
    early = Cutoff.parse("2024-01-09")
    assert (
        told_of(early, **rules).off["tiers"].startswith("points are known from 2023-01-10 on, which is less than 365")
    )
    found = told_of(early, **rules, starts="2023-01-10")
    tiers = rows(found, "tiers", "tier")
    # 20 + 30 of Ann, 10 of Bob, 3 of Yan.
    assert [(name, row["members"]) for name, row in tiers.items()] == [("gold", 1), ("silver", 1), ("bronze", 1)]
    later = told_of(DAY, **rules)
    ladder = members(later).ladder
    assert ladder is not None
    # Since 1 February 2023: 30 + 12.5 - 2.5 of Ann: gold, just. Twenty of these days are within the grace.
    assert ladder.place.tolist()[:2] == [0, 1]
    assert (ladder.value.tolist()[0], ladder.until.tolist()[0]) == (400_000, Cutoff.parse("2024-12-19").plus(90).day)


def test_tiers_by_spend_need_no_points_and_count_from_the_first_day_of_the_programme() -> None:
    config = config_of(events=False, tiers={"gold": 40.0}, tier_by="spend")
    found = members(loyalty(ledger_of(config), config, DAY))
    assert found.ladder is not None
    # Ann: 30 + 12.5 - 2.5 of the last 365 days.
    assert found.ladder.value.tolist() == [400_000, 100_000, 80_000, -40_000, 0, 0]
    config = config_of(events=False, tiers={"gold": 40.0}, tier_by="spend", starts="2024-01-01")
    found = members(loyalty(ledger_of(config), config, DAY))
    assert found.ladder is not None
    assert found.ladder.value.tolist()[:2] == [100_000, 0]
    # Bob's only purchase was before the programme.
    assert found.ids[found.member].tolist() == ["ann", "cat"]


def test_stamps_are_purchases_of_enough_money_since_the_card_began() -> None:
    rules = {"stamps": 2, "stamp_minimum_spend": 12.5, "stamps_start": "2023-06-01"}
    found = members(told_of(**rules))
    # Ann: 30 and 12.50; her 20 were before the card, the return takes no stamp. Bob's 10 and Cat's 8 are too little.
    assert found.bought.stamps.tolist() == [2, 0, 0, 0, 0, 0, 0]
    assert found.filled_lately.tolist()[:2] == [True, False]
    assert found.who("milestone").tolist()[:2] == [True, False]
    assert found.who("card").tolist()[:2] == [False, False]  # the card is full: nothing lacks, and nothing is on it


def test_members_stand_beside_other_customers_only_where_a_year_is_covered() -> None:
    found = told_of(joined_are_members=True)
    both = rows(found, "members", "who")
    assert "an association" in table(found, "members").about
    # Members: ann, bob, yan, zoe. Others: cat, dan. The year begins on 1 February 2023.
    assert [row["customers"] for row in both.values()] == [4, 2]
    assert [row["spend"] for row in both.values()] == [500_000, 40_000]
    assert both["members"]["bought_share"] == 0.5
    assert both["members"]["spend_per_customer"] == 12.5
    assert both["other customers"]["orders_per_customer"] == 0.5
    early = rows(told_of(Cutoff.parse("2023-12-01")), "members", "who")
    assert early["members"]["customers"] == 2  # Ann and Bob have points by then
    assert early["members"]["spend"] is None


def test_what_is_not_said_is_off_with_a_sentence_that_says_what_to_add() -> None:
    found = told_of()
    assert set(found.off) == {"expiry", "liability", "tiers", "stamps", "milestones"}
    assert "set `expire_days` under [loyalty]" in found.off["expiry"]
    only_cards = config_of(events=False, stamps=5)
    off = loyalty(ledger_of(only_cards), only_cards, DAY).off
    assert set(off) == {"points", "tiers", "milestones"}
    assert "set `points_per_unit` under [loyalty]" in off["points"]
    assert [one.name for one in loyalty(ledger_of(only_cards), only_cards, DAY).tables] == ["stamp_cards", "members"]


def test_where_there_is_no_programme_that_is_said_and_no_list_is_written(tmp_path: Path) -> None:
    config = config_of(events=False, folder=tmp_path)
    found = loyalty(ledger_of(config), config)
    assert (found.members, found.tables) == (None, ())
    assert "or rules to [loyalty]" in found.off["loyalty"]
    assert found.lines[0] == "There is no loyalty programme to tell of."
    listed = write_list(ledger_of(config), config, found, tmp_path / "members.csv")
    assert (listed.written, (tmp_path / "members.csv").exists()) == (False, False)


def test_events_without_a_number_of_points_and_with_odd_signs_are_told() -> None:
    config = config_of()
    found = loyalty(ledger_of(config, [*TOLD, ("ann", "2024-01-02", "points_earned", None)]), config, DAY)
    assert "1 events of points have no number: they count as 0." in found.notes
    # Of -5, 15 and 1 one is below 0.
    assert any(note.startswith("1 events of points_spent have another sign than the rest") for note in found.notes)


def test_where_no_event_of_points_has_a_number_points_are_off_and_not_nothing() -> None:
    config = config_of(tiers={"gold": 10})
    found = loyalty(ledger_of(config, [(*row[:3], None) for row in TOLD]), config, DAY)
    assert {"points", "tiers"} <= set(found.off)
    assert "points" not in {one.name for one in found.tables}


def test_expiries_without_a_number_do_not_keep_points_from_expiring() -> None:
    config = config_of(expire_days=365)
    found = loyalty(ledger_of(config, [*TOLD, ("ann", "2024-01-29", "points_expired", None)]), config, DAY)
    # Ann's 20 of 2023-01-10 last till 2024-01-10; nothing of them was used before.
    assert rows(found, "points", "what")["expired"]["points"] == 20.0


def test_blocks_of_customers_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rules: dict[str, Any] = {"expire_days": 200, "tiers": {"silver": 10}, "stamps": 3, "milestone_years": [1]}
    whole = told_of(**rules)
    for lines in (1, 2, 3):
        monkeypatch.setattr(loyalty_read, "LINES", lines)
        cut = told_of(**rules)
        assert cut.figures() == whole.figures()
        assert members(cut).ids.tolist() == members(whole).ids.tolist()


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_list_has_a_row_a_member_with_what_there_is_to_say(tmp_path: Path) -> None:
    rules: dict[str, Any] = {"expire_days": 60, "tiers": {"silver": 20, "gold": 60}, "joined_are_members": True}
    rules |= {"stamps": 4, "milestone_purchases": [3, 5], "milestone_spend": [100], "milestone_years": [1]}
    config = config_of(folder=tmp_path, **rules)
    told = [*TOLD, ("=1+1", "2024-01-02", "points_earned", 1.0)]
    ledger = ledger_of(config, told)
    found = loyalty(ledger, config, DAY)
    listed = write_list(ledger, config, found, tmp_path / "members.csv")
    assert listed.notes == ("this is no mailing list: nobody was asked for consent, and nobody is left out",)
    told_rows = read_csv(tmp_path / "members.csv")
    assert tuple(told_rows[0]) == COLUMNS
    assert [row["customer_id"] for row in told_rows] == ["ann", "yan", "'=1+1", "bob", "zoe"]
    ann = told_rows[0]
    # 30 of 20 December last 60 days, till 18 February; 7.5 of them are gone. Silver: 30 + 12.5 - 2.5 of the last 365.
    # Three purchases: three stamps of four; the third milestone was reached on 25 January; first bought 2023-01-10.
    assert ann["reason"] == (
        "22.5 points expire, the first after 2024-02-18; 20 points to gold; 1 stamp to a full card; "
        "reached 3 purchases; reached 1 year; 2 to 5 purchases; 40.00 to 100 spent"
    )
    assert [ann[name] for name in ("tier", "next_tier", "to_next_tier", "points_balance", "points_expiring")] == [
        *("silver", "gold", "20", "35", "22.5"),
    ]
    assert [ann[name] for name in ("stamps_on_card", "stamps_to_full", "full_cards", "expires_on")] == [
        *("3", "1", "0", "2024-02-18"),
    ]
    assert (ann["milestone_reached"], ann["milestone_next"]) == (
        "3 purchases; 1 year",
        "2 to 5 purchases; 40.00 to 100 spent",
    )
    assert [row["joined"] for row in told_rows] == ["", "", "", "", "2024-01-15"]
    write_list(ledger, config, found, tmp_path / "card.xlsx", "card")
    assert [row[0] for row in cells_of_workbook(tmp_path / "card.xlsx")] == ["customer_id", "ann"]
    known = json.loads((tmp_path / ".regulars/written.json").read_text())
    assert {"members.csv", "card.xlsx"} <= {entry["path"] for entry in known}
    with pytest.raises(ConfigError, match=r"RG487.*did you mean `card`"):
        write_list(ledger, config, found, tmp_path / "x.csv", "cards")


def test_a_list_for_a_channel_leaves_out_who_has_not_agreed(tmp_path: Path) -> None:
    config = config_of(folder=tmp_path)
    ledger = ledger_of(config)
    listed = write_list(ledger, config, loyalty(ledger, config), tmp_path / "a.csv", channel="email")
    assert (listed.written, (tmp_path / "a.csv").exists()) == (False, False)
    assert listed.notes == ("there is no table of consent, so nobody may be written to; add [data.consent]",)


def test_figures_and_the_screen_name_nobody_and_are_the_same_each_time() -> None:
    rules: dict[str, Any] = {"expire_days": 60, "tiers": {"silver": 20}, "stamps": 4, "milestone_spend": [10, 20]}
    found = told_of(**rules)
    said = json.dumps(found.figures(), allow_nan=False)
    assert not re.search(r"\b(ann|bob|cat|dan|eve|yan|zoe)\b", said + "\n".join([*found.lines, *found.notes]))
    assert said == json.dumps(told_of(**rules).figures(), allow_nan=False)
    for one in found.tables:
        assert all(set(row) == {column.name for column in one.columns} for row in one.rows)


@pytest.mark.parametrize("day", ["2023-01-10", "2024-02-03"])
def test_a_day_that_the_ledger_does_not_cover_is_refused(day: str) -> None:
    with pytest.raises(ConfigError, match="RG485"):
        told_of(Cutoff.parse(day))


def test_the_command_tells_and_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    pd.DataFrame(BOUGHT, columns=["customer_id", "purchased_at", "amount"]).to_csv(tmp_path / "p.csv", index=False)
    (tmp_path / "regulars.toml").write_text(
        '[data.purchases]\npath = "p.csv"\ncustomer_id = "customer_id"\npurchased_at = "purchased_at"\n'
        'amount = "amount"\n[loyalty]\npoints_per_unit = 1\nstamps = 3\n'
    )
    out, told = tmp_path / "members.csv", tmp_path / "loyalty.json"
    command = [
        "loyalty",
        str(tmp_path / "regulars.toml"),
        "--as-of",
        "2024-02-01",
        "--out",
        str(out),
        "--json",
        str(told),
    ]
    monkeypatch.setattr(sys, "argv", ["regulars", *command])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr()
    assert ended.value.code == 0
    assert f"{out} is written: 3 customers" in said.out
    assert "note: Points are reckoned from purchases" in said.err
    assert json.loads(told.read_text())["points_from"] == "purchases"
    monkeypatch.setattr(sys, "argv", ["regulars", "loyalty", str(tmp_path / "regulars.toml"), "--list", "card"])
    with pytest.raises(SystemExit) as wrong:
        cli.main()
    assert wrong.value.code == 2


def test_before_the_first_points_nobody_is_a_member_and_no_table_of_zeros_is_told() -> None:
    config = config_of()
    # Bob's of June are the first points; in March ann has bought, and nobody has any.
    found = loyalty(ledger_of(config, TOLD[5:7]), config, Cutoff.parse("2023-03-01"))
    assert found.tables == ()
    assert found.off["loyalty"].startswith("nobody was a member before 2023-03-01")
