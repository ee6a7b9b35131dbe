"""Products in offers, worked out by hand on five customers: who gets what, what is kept of it, what a list says."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.errors import Refused, StorageError
from regulars.intake import Ledger, build_ledger
from regulars.offers.item_lists import ITEMS, items_of
from regulars.offers.plan import Plan
from regulars.pipelines.campaign.assign import assign
from regulars.pipelines.campaign.book import Decisions
from regulars.pipelines.campaign.erased import erased_from_decisions
from regulars.pipelines.campaign.export import export
from regulars.pipelines.campaign.plan import planned_day
from regulars.pipelines.products import suggest
from regulars.pipelines.serve import _laid_policy
from regulars.pipelines.sought import Sought
from regulars.products.kept import FILE, Kept
from regulars.serving.stage import Stage

from .decided import assigned, config_in
from .open_shop import DAY, TOML, opened, who

CATALOGUE = """
[campaign]
name = "spring"
control = 0
explore = 0

[[channels]]
name = "mail"

[[offers]]
id = "again"
type = "product_suggestion"
title = "Time for these?"
channels = ["mail"]
response = { save = 0.5, extra_spend = 0.5 }
"""
NEW = 'suggest = "new for you"\n'
LINES = """
0,2024-02-21,tea
0,2024-02-21,=rum
1,2024-01-15,tea
1,2024-02-12,tea
1,2024-02-27,jam
2,2023-11-01,tea
2,2024-02-20,tea
3,2024-02-22,
4,2024-02-25,=rum
4,2024-03-04,tea
"""
"""Customer, day, product. Of customer 3 it is not known what was bought; the last line is of the day of the wave."""


def shop(folder: Path, more: str = "", products: bool = True, lines: str = LINES) -> tuple[Ledger, Config]:
    """The five; customer 0 has not agreed to be written to."""
    catalogue = CATALOGUE.replace("response", f"{more}response")
    config = opened(folder, 5, catalogue)
    rows = [line.split(",") for line in lines.split()]
    told = [f"{who(int(i))},{day}T10:00:00,10,{item}" for i, day, item in rows]
    (folder / "purchases.csv").write_text("\n".join(["customer_id,purchased_at,amount,product_id", *told]) + "\n")
    named = 'amount = "amount"\nproduct_id = "product_id"' if products else 'amount = "amount"'
    toml = TOML.replace('amount = "amount"', named) + "\n[offers]\nholdout = 0\n"
    (folder / "regulars.toml").write_text(toml, encoding="utf-8")
    config = Config.load(folder / "regulars.toml")
    return build_ledger(config), config


def planned(ledger: Ledger, config: Config) -> Plan:
    return planned_day(ledger, config, DAY, Decisions.of(config))


def told(plan: Plan) -> dict[str, list[str]]:
    """The items of whoever is given something, by the last digit of the id."""
    return {r["customer_id"][-1]: items_of(r["items"]) for r in plan.decisions().to_pylist() if r["offer"]}


def why(plan: Plan) -> dict[str, str]:
    return {r["customer_id"][-1]: r["why"] for r in plan.decisions().to_pylist() if not r["offer"]}


def test_what_is_bought_often_and_lately_is_suggested_again(tmp_path: Path) -> None:
    ledger, config = shop(tmp_path)
    suggest(ledger, config, DAY)
    plan = planned(ledger, config)
    # At the usual half-life of 60 days: tea of 1 is worth 2^(-49/60) + 2^(-21/60) = 1.35, jam 2^(-6/60) = .93. The tea
    # of 4 is of the day of the wave, which is not known before it.
    assert told(plan) == {"1": ["tea", "jam"], "2": ["tea"], "4": ["=rum"]}
    assert why(plan) == {"0": "no consent", "3": "nothing to suggest"}
    assert plan.figures()["items"] == {
        "as_of": "2024-03-04",
        "most": [
            {"item": "tea", "customers": 2},
            {"item": "=rum", "customers": 1},
            {"item": "jam", "customers": 1},
        ],
    }
    assert "suggested most, by what sold before 2024-03-04: tea (2 customers), =rum (1 customers)" in "\n".join(
        plan.lines
    )
    assert plan.figures()["offers"][0]["why_not"] == {"no consent": 1, "nothing to suggest": 1}


def test_what_is_new_is_popular_and_not_owned(tmp_path: Path) -> None:
    ledger, config = shop(tmp_path, NEW + "items = 1\n")
    suggest(ledger, config, DAY)
    # In the 28 days before, tea has three buyers, rum two, jam one; 1 owns tea and jam, 2 tea, 4 rum.
    assert told(planned(ledger, config)) == {"1": ["=rum"], "2": ["=rum"], "4": ["tea"]}


def test_who_has_fewer_than_the_least_gets_nothing(tmp_path: Path) -> None:
    ledger, config = shop(tmp_path, "least_items = 2\n")
    suggest(ledger, config, DAY)
    assert told(planned(ledger, config)) == {"1": ["tea", "jam"]}


def test_a_shelf_that_is_older_than_the_wave_sees_what_was_bought_since_then(tmp_path: Path) -> None:
    ledger, config = shop(tmp_path)
    suggest(ledger, config, Cutoff.parse("2023-11-15"))
    plan = planned(ledger, config)
    # Only tea was known then; 4 had bought none before the day of the wave.
    assert told(plan) == {"1": ["tea"], "2": ["tea"]}
    assert plan.notes[0] == (
        "products are suggested by what sold before 2023-11-15, 110 days ago; run `regulars products` again"
    )


@pytest.mark.parametrize(
    ("shelf", "products", "note"),
    [
        ("", True, "nobody gets again: nothing is kept of what to suggest; run `regulars products` first"),
        (
            "2024-03-05",
            True,
            "nobody gets again: what was kept of the products is of 2024-03-05, and has seen what came after "
            "2024-03-04; run `regulars products --as-of 2024-03-04`",
        ),
        (
            "",
            False,
            "nobody gets again: the purchases name neither products nor categories; map `product_id` or `category` in "
            "[data.purchases]",
        ),
    ],
)
def test_without_what_it_takes_nobody_gets_it_and_a_sentence_says_what_to_do(
    tmp_path: Path, shelf: str, products: bool, note: str
) -> None:
    ledger, config = shop(tmp_path, 'suggest = "buy again"\n', products)
    if shelf:
        suggest(ledger, config, Cutoff.parse(shelf))
    plan = planned(ledger, config)
    assert (told(plan), plan.notes[0]) == ({}, note)
    assert (plan.figures()["items"]["most"], plan.figures()["offers"][0]["why_not"]["nothing to suggest"]) == ([], 4)


def test_an_offer_that_names_no_list_goes_as_it_is_written_where_purchases_name_no_products(tmp_path: Path) -> None:
    plan = planned(*shop(tmp_path, products=False))
    assert told(plan) == {"1": [], "2": [], "3": [], "4": []}
    assert "items" not in plan.figures()
    assert "items" not in plan.policy().to_dict()


def test_a_shelf_that_was_tampered_with_stops_the_plan(tmp_path: Path) -> None:
    ledger, config = shop(tmp_path)
    suggest(ledger, config, DAY)
    content = bytearray((tmp_path / FILE).read_bytes())
    content[-1] ^= 1
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(StorageError, match="RG502: what was kept of the products to suggest cannot be read"):
        planned(ledger, config)


def test_a_wave_keeps_its_items_and_its_shelf_and_a_list_names_them_in_cells_without_formulas(tmp_path: Path) -> None:
    ledger, config = shop(tmp_path)
    suggest(ledger, config, DAY)
    wave = assign(ledger, config).wave
    assert wave.path(FILE).read_bytes() == (tmp_path / FILE).read_bytes()
    assert wave.policy()["items"] == {
        "lists": {"again": "buy again"},
        "shelf": Kept.of_content(wave.path(FILE).read_bytes()).digest,
        "as_of": "2024-03-04",
    }
    assert wave.verified().table(["customer_id", ITEMS], "given").column(ITEMS).to_pylist() == [
        '["tea","jam"]',
        '["tea"]',
        '["=rum"]',
    ]
    with export(ledger, config, "mail").path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header[-3:] == ["item_1", "item_2", "item_3"]
    assert {row[1][-1]: row[-3:] for row in rows} == {
        "1": ["tea", "jam", ""],
        "2": ["tea", "", ""],
        "4": ["'=rum", "", ""],
    }
    # The same again changes nothing; products that were looked at anew may decide otherwise, which is refused.
    assert assign(ledger, config).unchanged
    suggest(ledger, config, Cutoff.parse("2024-02-24"))
    with pytest.raises(Refused, match="changed since then: what was kept of the products to suggest"):
        assign(ledger, config)


def test_a_stage_has_the_shelf_of_its_wave_and_a_wave_from_which_one_is_taken_out_keeps_it(tmp_path: Path) -> None:
    ledger, config = shop(tmp_path)
    suggest(ledger, config, DAY)
    wave, stage = assign(ledger, config).wave, tmp_path / "stage"
    stage.mkdir()
    assert _laid_policy(stage, wave, config) == ""
    laid = Stage(stage).shelf()
    assert laid is not None
    assert laid.digest == wave.policy()["items"]["shelf"]
    before = wave.path(FILE).read_bytes()
    assert erased_from_decisions(config, Sought(frozenset([who(1)])), "2024-03-05")
    assert wave.verified().path(FILE).read_bytes() == before
    assert wave.table([ITEMS], "given").column(ITEMS).to_pylist() == ['["tea"]', '["=rum"]']
    wave.path(FILE).write_bytes(before[:-1])
    assert _laid_policy(stage, wave, config) == "RG431: the newest wave is not as it was assigned"


def test_a_wave_that_is_older_than_the_column_is_read_without_it(tmp_path: Path) -> None:
    wave = assigned(Decisions.of(config_in(tmp_path)))
    assert wave.table(["customer_id", ITEMS]).column_names == ["customer_id"]
    assert ITEMS not in wave.table().column_names
