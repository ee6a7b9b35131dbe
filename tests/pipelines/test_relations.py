"""Relations read off a ledger: every figure by hand, what is left out and why, lists, and the command."""

from __future__ import annotations

import csv
import json
import re
import sys
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
from regulars.kpis.table import Row
from regulars.pipelines import relations_read
from regulars.pipelines.campaign.book import Decisions
from regulars.pipelines.relations import Relations, relations, write_list
from regulars.relations.candidates import COLUMNS as CANDIDATE_COLUMNS
from regulars.relations.costly import COLUMNS as COSTLY_COLUMNS

from .campaign.decided import DAY as DECIDED
from .campaign.decided import assigned, who
from .test_segments import publish

BOUGHT: list[tuple[Any, ...]] = [
    ("ann", "2023-01-10", "o1", 20.0, 0.0, 12.0),  # before the period
    ("ann", "2023-12-20", "o2", 30.0, 5.0, 18.0),
    ("ann", "2024-01-25", "o3", 10.0, 0.0, None),  # no cost of its own: half is earned
    ("ann", "2024-01-28", "o4", -10.0, 0.0, -6.0),
    ("bob", "2023-06-01", "o5", 10.0, 2.0, 8.0),
    ("cat", "2024-01-31", "o6", 8.0, 0.0, 4.0),
    ("eve", "2024-02-01", "o7", 99.0, 9.0, 1.0),  # on the day: not known yet
]
TOLD: list[tuple[Any, ...]] = [
    ("ann", "2024-01-02", "email_sent", "company", "email", 0.5),
    ("ann", "2024-02-01", "email_sent", "company", "email", 9.0),  # on the day
    ("bob", "2023-07-01", "complaint", "customer", None, None),
    ("bob", "2023-07-05", "complaint_resolved", "company", None, 1.5),
    ("bob", "2023-08-01", "call", "company", "phone", None),
    ("zoe", "2023-09-01", "visit", "customer", None, 0.1),
    ("bob", "2023-01-15", "email_sent", "company", "email", 0.5),  # before the period
]
PEOPLE: list[tuple[Any, ...]] = [
    ("ann", "2023-01-05", "ads", 4.0, None),
    ("bob", "2023-05-31", "friend", None, "ann"),
    ("cat", None, "ads", 6.0, "cat"),
    ("dan", "2022-12-01", "ads", 5.0, None),  # came before the data begin
    ("eve", "2024-02-01", "ads", 7.0, "ann"),  # joins on the day
    ("zoe", "2023-08-30", "ads", 2.0, "somebody else"),
]
DAY = Cutoff.parse("2024-02-01")
LINE = ("customer_id", "purchased_at", "order_id", "amount", "discount", "cost")
EVENT = ("customer_id", "occurred_at", "kind", "initiated_by", "channel", "cost")
PERSON = ("customer_id", "joined_at", "acquisition_channel", "acquisition_cost", "referred_by")
ECONOMICS = {"margin": 0.5, "contact_cost": 0.2, "complaint_cost": 6, "return_cost": 3}
# Of 90 days: the chance of silence, expected spend, and the margin of a lifetime.
SCORES = {"ann": (0.1, 20.0, 10.0), "bob": (0.9, 0.5, 1.0), "cat": (0.3, 10.0, 3.0)}


def config_of(folder: Path | None = None, **sections: Any) -> Config:
    data: dict[str, object] = {"history_starts": "2023-01-01", "events": {name: name for name in EVENT}}
    data["customers"] = {name: name for name in PERSON}
    further = {"discount": "discount", "cost": "cost", "order_id": "order_id"}
    found = Config.of(
        currency="EUR", data=data, purchases=further, **{"economics": ECONOMICS, **sections}
    )  # fmt: skip
    return found.model_copy(update={"folder": folder or Path("nowhere")})


@cache
def ledger() -> Ledger:
    tables = {"events": pd.DataFrame(TOLD, columns=EVENT), "customers": pd.DataFrame(PEOPLE, columns=PERSON)}
    return Ledger.from_frame(pd.DataFrame(BOUGHT, columns=LINE), config_of(), **tables)


def scored(folder: Path) -> Config:
    """A folder in which the day is scored."""
    rows = [
        (name, p, spend, worth, 20.0, False, "low value, steady", "", "") for name, (p, spend, worth) in SCORES.items()
    ]
    names = ["customer_id", "p_churn", "expected_spend", "lifetime_value", "usual_gap_days", "late", "segment"]
    publish(folder, "2024-02-01", pd.DataFrame(rows, columns=[*names, "next_order_from", "next_order_until"]))
    return config_of(folder)


def row(found: Relations, table_name: str, **key: object) -> Row:
    table = found.table(table_name)
    assert table is not None
    return next(one for one in table.rows if all(one[k] == v for k, v in key.items()))


def test_what_serving_costs_by_hand(tmp_path: Path) -> None:
    found = relations(ledger(), scored(tmp_path), DAY)
    every = row(found, "cost_to_serve", by="all")
    # Ann earned 30 - 18, half of 10, and -10 + 6; 5 were taken off before. Bob 10 - 8 and 2. Cat 8 - 4.
    assert every["margin"] == (12 + 5 - 4 + 5 + 2 + 2 + 4) * 10_000
    assert (every["customers"], every["discounts"], every["contacts"], every["contact_cost"]) == (5, 70_000, 2, 7_000)
    assert (every["complaints"], every["complaint_cost"], every["returns"], every["return_cost"]) == (
        1,
        75_000,
        1,
        30_000,
    )
    assert (every["other_cost"], every["cost"], every["net"]) == (1_000, 183_000, 77_000)
    # Bob: 4 - 2 - .2 - 7.5; Zoe, who has not bought: -.1.
    assert (every["negative"], every["negative_net"]) == (2, -58_000)
    # Half of 30.5 is expected.
    assert (every["cost_share"], every["expected_margin"]) == (pytest.approx(18.3 / 26), 152_500)
    for by in ("lifecycle", "value-churn"):
        rows = [one for one in found.tables[0].rows if one["by"] == by]
        for name in ("customers", "margin", "cost", "net", "negative"):
            assert sum(int(one[name] or 0) for one in rows) == every[name]
    assert row(found, "cost_to_serve", by="lifecycle", segment="prospect")["customers"] == 2
    # Bob came 246 days ago, but nobody else came in May; Zoe came less than 198 days ago.
    assert set(found.off) == {"referred"}


def test_what_customers_bring_for_what_they_cost_by_hand(tmp_path: Path) -> None:
    config = scored(tmp_path)
    found = relations(ledger(), config, DAY)
    every = row(found, "acquisition", by="all")
    # Dan came before the data, Eve joins on the day. Known are 4 of Ann, 6 of Cat, 2 of Zoe, who never bought.
    assert (every["customers"], every["cost_known"], every["cost"]) == (4, 3, 120_000)
    assert (every["bought_share"], every["cost_per_customer"]) == (0.75, 4.0)
    # So far: Ann 8 + 13, Bob 2, Cat 4; to come 10 + 1 + 3. Of those with a cost: 21 + 10 + 4 + 3 for 12.
    assert (every["margin_per_customer"], every["expected_per_customer"]) == (6.75, 3.5)
    assert (every["clv_per_customer"], every["clv_to_cost"]) == (10.25, pytest.approx(38 / 12))
    # Half of the 396 days that the data cover are 198: Ann alone came so long ago; five days later 8 covered 4.
    assert (every["watched"], every["watched_days"], every["payback"]) == (1, 198, "after 5 days")
    short = row(relations(ledger(), config, DAY, 100), "acquisition", by="all")
    # Of 100 days: Zoe, too, so that 8 must cover 6, and only one of two has brought what she cost.
    assert (short["watched"], short["payback_days"], short["paid_back_share"]) == (2, 5, 0.5)
    assert row(found, "acquisition", by="channel", name="friend")["cost"] is None
    assert "1 customers came before the data begin" in " ".join(found.notes)


def test_who_brought_whom_by_hand(tmp_path: Path) -> None:
    found = relations(ledger(), scored(tmp_path), DAY)
    every = row(found, "referrers", brought="all")
    assert (every["referrers"], every["referred"], every["margin_of_referred"], every["own_margin"]) == (
        1,
        1,
        20_000,
        210_000,
    )
    assert [(one["depth"], one["customers"]) for one in found.tables[-2].rows] == [(0, 3), (1, 2)]
    said = " ".join(found.notes)
    assert "1 are said to have referred themselves" in said
    assert "1 were referred by somebody whom the ledger does not know" in said
    # Bob has brought 2, and 1 is to come; Zoe nothing.
    assert "A referred customer is taken to be worth 1.50" in said


def test_the_period_is_as_long_as_the_data_and_margins_before_the_day_only() -> None:
    found = relations(ledger(), config_of(), Cutoff.parse("2023-07-02"))
    # 182 days from 1 January 2023: Ann's 8, Bob's 4 with the 2 that were taken off; his complaint of the day before.
    every = row(found, "cost_to_serve", by="all")
    assert (found.dealings.period_days, every["margin"], every["complaints"], every["complaint_cost"]) == (
        182,
        120_000,
        1,
        60_000,
    )
    assert "The data cover 182 days before 2023-07-02: the period is that long." in found.notes


def test_without_scores_nobody_is_listed_and_nothing_is_to_come(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    found = relations(ledger(), config)
    assert set(found.off) == {"referred", "value-churn", "clv_to_cost", "costly"}
    assert "`regulars score --as-of 2024-02-02`" in found.off["costly"]
    every = row(found, "acquisition", by="all")
    assert (every["clv_per_customer"], every["clv_to_cost"], every["expected_per_customer"]) == (None, None, None)
    listed = write_list(ledger(), config, found, "costly", tmp_path / "x.csv")
    assert (listed.written, (tmp_path / "x.csv").exists()) == (False, False)


def test_what_the_data_lack_is_off_with_a_sentence_that_says_what_to_add() -> None:
    lines = pd.DataFrame(BOUGHT, columns=LINE)[["customer_id", "purchased_at", "amount"]]
    found = relations(Ledger.from_frame(lines, Config.of()), Config.of().model_copy(update={"folder": Path("nowhere")}))
    assert set(found.off) == {
        *("discounts", "contacts", "complaints", "returns", "value-churn", "acquisition", "referrals", "costly"),
    }
    assert "map `discount` in [data.purchases]" in found.off["discounts"]
    assert "map `referred_by` in [data.customers]" in found.off["referrals"]
    every = row(found, "cost_to_serve", by="all")
    names = (
        "discounts",
        "contacts",
        "contact_cost",
        "complaints",
        "complaint_cost",
        "return_cost",
        "other_cost",
        "cost",
    )
    assert [every[name] for name in names] == [None] * 8
    # No margin is stated: 167 of net spend since 2023-01-10, which is not so much as a year before the day.
    assert (every["returns"], every["margin"], every["expected_margin"]) == (1, 1_470_000, None)
    assert found.headline == "What serving customers costs is not known."
    assert any("margin is net spend; set `margin` under [economics]" in note for note in found.notes)


def test_a_cost_without_a_price_is_counted_and_not_added() -> None:
    plain = config_of(economics={"margin": 0.5})
    found = relations(ledger(), plain)
    every = row(found, "cost_to_serve", by="all")
    # The call and the complaint have no cost of their own; of returns nobody says what they cost.
    assert (every["contacts"], every["contact_cost"], every["complaint_cost"], every["return_cost"]) == (
        3,
        95_000,
        15_000,
        None,
    )
    assert "2 contacts and complaints have neither a cost nor a price, and count as free." in found.notes
    assert set(found.off) == {"referred", "returns", "value-churn", "clv_to_cost", "costly"}


def test_events_of_referrals_tell_who_refers_where_no_table_does(tmp_path: Path) -> None:
    config = Config.of(data={"events": {name: name for name in EVENT[:4]}}).model_copy(update={"folder": tmp_path})
    told = [("ann", "2024-01-02", "referral", "customer"), ("ann", "2024-01-03", "referral", "customer")]
    tables = {"events": pd.DataFrame(told, columns=EVENT[:4])}
    found = relations(
        Ledger.from_frame(
            pd.DataFrame(BOUGHT, columns=LINE)[["customer_id", "purchased_at", "amount"]], config, **tables
        ),
        config,
    )
    every = row(found, "referrers", brought="all")
    assert (every["referrers"], every["referred"], every["margin_of_referred"]) == (1, 2, None)
    assert "tell who referred, and not whom" in found.off["referred"]


def test_what_campaigns_sent_is_a_contact_though_no_event_tells_of_it(tmp_path: Path) -> None:
    config = Config.of(timezone="Europe/Berlin", economics={"contact_cost": 0.25}).model_copy(
        update={"folder": tmp_path}
    )
    wave = assigned(Decisions.of(config), 12)
    lines = [(who(i), "2024-02-01", 10.0) for i in (0, 3)] + [("zoe", "2024-03-31", 10.0)]
    built = Ledger.from_frame(pd.DataFrame(lines, columns=["customer_id", "purchased_at", "amount"]), config)
    found = relations(built, config)
    table = wave.table(["customer_id", "offer"]).to_pylist()
    sent_to = {one["customer_id"] for one in table if one["offer"]}
    every = row(found, "cost_to_serve", by="all")
    # Of twelve three are chosen and get tea; of the three explorers those of even tens, 2 and 6, get a cup.
    assert len(sent_to) == 5
    assert (every["contacts"], every["contact_cost"]) == (5, 5 * 2_500)
    # Of the others nothing is known; those who were only meant to get something are no customers by that.
    assert every["customers"] == len(sent_to | {who(0), who(3), "zoe"})
    # The wave is of 4 March: on that day nothing was sent yet.
    assert row(relations(built, config, DECIDED), "cost_to_serve", by="all")["contacts"] == 0


def test_what_became_known_later_does_not_count() -> None:
    late = {"history_starts": "2023-01-01", "events": {**{name: name for name in EVENT}, "known_at": "known_at"}}
    config = Config.of(data=late, purchases={"cost": "cost", "known_at": "known_at"}, economics={"contact_cost": 1})
    config = config.model_copy(update={"folder": Path("nowhere")})
    lines = [("ann", "2023-05-01", 10.0, 4.0, "2023-05-01"), ("ann", "2023-05-02", 50.0, None, "2024-03-01"),
             ("ann", "2023-05-03", 8.0, 2.0, "2023-05-03"), ("bob", "2024-03-01", 1.0, 1.0, "2024-03-01")]  # fmt: skip
    told = [("ann", "2023-06-01", "call", "company", "phone", None, when) for when in ("2023-06-01", "2024-02-01")]
    built = Ledger.from_frame(
        pd.DataFrame(lines, columns=["customer_id", "purchased_at", "amount", "cost", "known_at"]),
        config,
        events=pd.DataFrame(told, columns=[*EVENT, "known_at"]),
    )
    every = row(relations(built, config, DAY), "cost_to_serve", by="all")
    # 10 - 4 and 8 - 2 are known, the 50 in between are not; one of two calls is.
    assert (every["customers"], every["margin"], every["contacts"]) == (1, 120_000, 1)


def test_blocks_of_customers_change_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = scored(tmp_path)
    whole = relations(ledger(), config, DAY)
    for lines in (1, 2, 4):
        monkeypatch.setattr(relations_read, "LINES", lines)
        cut = relations(ledger(), config, DAY)
        assert cut.figures() == whole.figures()
        assert cut.dealings.ids.tolist() == ["ann", "bob", "cat", "dan", "zoe"]


def test_figures_and_the_screen_name_nobody(tmp_path: Path) -> None:
    found = relations(ledger(), scored(tmp_path), DAY)
    said = json.dumps(found.figures(), allow_nan=False)
    assert not re.search(r"\b(ann|bob|cat|dan|eve|zoe)\b", said + "\n".join([*found.lines, *found.notes]))
    for one in found.tables:
        assert all(set(row) == {column.name for column in one.columns} for row in one.rows)
    assert found.headline.startswith(
        "Discounts and service took 70.4% of the margin of 365 days; 1 relation costs more"
    )


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_list_of_dear_relations_is_for_a_person_and_says_why(tmp_path: Path) -> None:
    config = scored(tmp_path)
    found = relations(ledger(), config, DAY)
    listed = write_list(ledger(), config, found, "costly", tmp_path / "costly.csv")
    assert listed.notes == (
        "this list is for a person to look at: it is no mailing list, and nothing follows from standing in it",
    )
    (bob,) = read_csv(tmp_path / "costly.csv")
    assert tuple(bob) == COSTLY_COLUMNS
    # 7.7 of complaints and contacts in 365 days are 1.90 in 90; half of .5 is expected.
    assert bob["reason"] == (
        "brought 4.00 EUR in 365 days and cost 9.70 (1 complaint 7.50, discounts 2.00, 1 contact 0.20); expected "
        "within 90 days: 0.25 EUR, and 1.90 to serve at the same rate"
    )
    assert [bob[name] for name in ("customer_id", "from", "to", "last_purchase", "net")] == [
        *("bob", "2023-02-01", "2024-01-31", "2023-06-01", "'-5.70"),
    ]
    assert "costly.csv" in (tmp_path / ".regulars/written.json").read_text()
    with pytest.raises(ConfigError, match="RG491"):
        write_list(ledger(), config, found, "costly", tmp_path / "x.csv", "email")
    with pytest.raises(ConfigError, match=r"RG491.*did you mean `costly`"):
        write_list(ledger(), config, found, "costy", tmp_path / "x.csv")


def test_candidates_are_listed_but_for_whom_nobody_may_contact(tmp_path: Path) -> None:
    lines = [(who, f"2024-01-{day:02d}", 10.0) for who in ("ann", "bob", "=1+1") for day in (3, 10, 20)]
    frame = pd.DataFrame(lines, columns=["customer_id", "purchased_at", "amount"])
    (tmp_path / "never.txt").write_text("bob\n")
    config = Config.of(contact={"do_not_contact": "never.txt"}).model_copy(update={"folder": tmp_path})
    built = Ledger.from_frame(frame, config)
    found = relations(built, config)
    listed = write_list(built, config, found, "referrers", tmp_path / "ask.csv")
    told = read_csv(tmp_path / "ask.csv")
    assert tuple(told[0]) == CANDIDATE_COLUMNS
    assert [(one["customer_id"], one["expected_value"]) for one in told] == [("'=1+1", ""), ("ann", "")]
    assert told[1]["reason"] == "3 purchases, the last 1 days ago; never complained"
    assert listed.rows == 2
    asked = write_list(built, config, found, "referrers", tmp_path / "mail.csv", "email")
    assert asked.notes == ("there is no table of consent, so nobody may be written to; add [data.consent]",)


@pytest.mark.parametrize("day", ["2023-01-01", "2024-02-03"])
def test_a_day_that_the_ledger_does_not_cover_is_refused(day: str) -> None:
    with pytest.raises(ConfigError, match="RG490"):
        relations(ledger(), config_of(), Cutoff.parse(day))
    with pytest.raises(ConfigError, match="RG492"):
        relations(ledger(), config_of(), DAY, days=0)


def test_the_command_tells_and_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    pd.DataFrame(BOUGHT, columns=LINE).to_csv(tmp_path / "p.csv", index=False)
    (tmp_path / "regulars.toml").write_text(
        '[data.purchases]\npath = "p.csv"\ncustomer_id = "customer_id"\npurchased_at = "purchased_at"\n'
        'amount = "amount"\ncost = "cost"\n'
    )
    out, told = tmp_path / "ask.csv", tmp_path / "relations.json"
    config = str(tmp_path / "regulars.toml")
    command = ["relations", config, "--list", "referrers", "--out", str(out), "--json", str(told)]
    monkeypatch.setattr(sys, "argv", ["regulars", *command])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr()
    assert ended.value.code == 0
    assert "cost_to_serve: what serving customers cost" in said.out
    assert "note: Margin is the money of a line less its cost" in said.err
    assert json.loads(told.read_text())["days"] == 365
    for wrong in (["--list", "costly"], ["--channel", "email"]):
        monkeypatch.setattr(sys, "argv", ["regulars", "relations", config, *wrong])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == 2
