"""The command about products on a small shop: files, figures, sentences."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from regulars import cli
from regulars.clock import Cutoff
from regulars.config import Config
from regulars.errors import ConfigError
from regulars.intake import Ledger
from regulars.offers.harmless import as_it_was
from regulars.pipelines.products import Asked, Suggested, suggest
from regulars.pipelines.suggestions import COLUMNS
from regulars.pipelines.written import remembered

from ..simulated import PLANTED, config_of, purchases, shop, written


def of_shop(folder: Path, day: Cutoff | None = None, **asked: Any) -> Suggested:
    return suggest(shop(), config_of().model_copy(update={"folder": folder}), day, Asked(**asked))


def test_the_command_writes_lists_and_figures_that_name_nobody(tmp_path: Path) -> None:
    config = written(tmp_path, purchases(120))
    said = CliRunner().invoke(cli.app, ["products", str(config), "--json", str(tmp_path / "figures.json")])
    assert said.exit_code == 0, said.output
    figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    rows = pq.read_table(tmp_path / "products.parquet").to_pandas()
    assert tuple(rows.columns) == COLUMNS
    assert len(rows) == figures["rows"] > 0
    assert PLANTED not in json.dumps(figures) + said.stdout
    # Nobody has an item twice, on one list or on both; ranks count from 1 without a gap; what is new was never bought.
    assert not rows.duplicated(["customer_id", "item"]).any()
    ranks = rows.groupby(["customer_id", "list"], observed=True)["rank"]
    assert (ranks.max() == ranks.count()).all()
    assert (rows["rank"] <= 10).all()
    is_new = rows["list"] == "new for you"
    assert (rows["orders"][is_new] == 0).all()
    assert rows["last_bought"][is_new].isna().all()
    assert (rows["orders"][~is_new] > 0).all()
    assert "suggestions" in {entry.kind for entry in remembered(tmp_path)}


def test_rules_are_chosen_before_the_window_in_which_they_are_judged(tmp_path: Path) -> None:
    told = of_shop(tmp_path, backtest_only=True).told
    begins, ends = (Cutoff.parse(text) for text in told["judged_on"])
    assert (ends.minus(28), ends) == (begins, shop().ends)
    assert told["rules"]["chosen_on"] == str(begins.minus(28))
    assert not (tmp_path / "products.parquet").exists()
    rows = told["tables"]["backtest"]["rows"]
    assert {("popular", "all"), ("popular", "repeat"), ("popular", "new")} <= {(row["rule"], row["of"]) for row in rows}
    # A rule of each list is the chosen one, and its gain is what the figures say beside the table.
    (new,) = [row for row in rows if row["chosen"] and row["of"] == "new"]
    assert new["rule"] == told["rules"]["new_for_you"]
    (again,) = [row for row in rows if row["chosen"] and row["of"] == "all"]
    assert (again["list"], again["gain"]) == ("buy again", told["gain_over_popular"]["buy_again"]["gain"])
    assert {row["gain"] for row in rows if row["rule"] == "popular"} == {None}
    assert told["headline"].startswith(f"Ten items to buy again held {again['recall']:.1%} of what customers")


def test_every_column_of_a_table_has_a_meaning_and_a_category_stands_beside_its_product(tmp_path: Path) -> None:
    tables = of_shop(tmp_path, kind="product", backtest_only=True).told["tables"]
    for table in tables.values():
        assert all(list(row) == list(table["definitions"]) == list(table["kinds"]) for row in table["rows"])
    assert list(tables["in_demand"]["kinds"])[:3] == ["item", "category", "buyers"]
    # An item that is a category is its own: it is told once.
    alone = of_shop(tmp_path, kind="category", backtest_only=True).told["tables"]
    assert list(alone["in_demand"]["kinds"])[:2] == ["item", "buyers"]


def test_two_items_of_one_order_are_told_with_how_often_by_chance(tmp_path: Path) -> None:
    # 40 orders of tea and jam, 60 of rum: lift .4 / (.4 x .4) = 2.5.
    bought = [(f"t{i}", name, "food") for i in range(40) for name in ("tea", "jam")]
    bought += [(f"r{i}", "rum", "drinks") for i in range(60)]
    orders, products, categories = map(list, zip(*bought, strict=True))
    n = len(orders)
    frame = {"customer_id": ["a"] * n, "purchased_at": ["2024-02-01"] * n, "amount": ["1"] * n}
    frame |= {"order_id": orders, "product_id": products, "category": categories}
    mapped = {name: name for name in ("order_id", "product_id", "category")}
    config = Config.of(purchases=dict(mapped)).model_copy(update={"folder": tmp_path})
    told = suggest(Ledger.from_frame(pa.table(frame), config), config, asked=Asked(backtest_only=True)).told
    (pair,) = told["tables"]["goes_with"]["rows"]
    assert {pair["item"], pair["other"]} == {"tea", "jam"}
    assert (pair["category"], pair["other_category"], pair["orders"], pair["lift"]) == ("food", "food", 40, 2.5)
    # One day of history: no growth, no backtest; both are said, neither is a zero.
    assert {row["buyers_before"] for row in told["tables"]["in_demand"]["rows"]} == {None}
    assert {row["growth"] for row in told["tables"]["in_demand"]["rows"]} == {None}
    assert set(told["off"]) == {"backtest"}
    assert any("growth is not known" in note for note in told["notes"])


def test_a_history_that_is_too_short_takes_the_usual_rules_and_says_so(tmp_path: Path) -> None:
    # 40 days of history: a window of 28 leaves 12 before it, and 28 are needed.
    found = of_shop(tmp_path, shop().history_starts.plus(40))
    assert found.told["rules"]["buy_again"] == "half-life 60 days"
    assert "backtest" not in found.told["tables"]
    assert found.told["off"]["backtest"] in found.notes
    assert any(note.startswith("no backtest") for note in found.notes)


def test_with_one_window_the_rules_are_judged_where_they_were_chosen_and_that_is_said(tmp_path: Path) -> None:
    # 60 days: a window of 28 leaves 32 before it, a second one 4.
    found = of_shop(tmp_path, shop().history_starts.plus(60), backtest_only=True)
    assert found.told["rules"]["chosen_on"] == found.told["judged_on"][0]
    assert any("flatters" in note for note in found.notes)


def test_csv_holds_the_same_rows_and_no_formula(tmp_path: Path) -> None:
    ids, things = ["=1+1", "=1+1", "b"], ["@sum", "tea", "tea"]
    frame = {"customer_id": ids, "purchased_at": ["2024-01-05"] * 3, "amount": ["1"] * 3, "product_id": things}
    config = Config.of(purchases={"product_id": "product_id"}).model_copy(update={"folder": tmp_path})
    file = tmp_path / "lists.csv"
    suggest(Ledger.from_frame(pa.table(frame), config), config, out=file)
    with file.open(newline="", encoding="utf-8") as cells:
        _, *rows = csv.reader(cells)
    assert [(as_it_was(row[0]), row[2], as_it_was(row[4])) for row in rows] == [
        # Tea has two buyers, @sum one.
        ("=1+1", "buy again", "tea"),
        ("=1+1", "buy again", "@sum"),
        ("b", "buy again", "tea"),
        ("b", "new for you", "@sum"),
    ]
    assert "'=1+1" in file.read_text(encoding="utf-8")


def test_the_same_data_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        of_shop(tmp_path / name)
    one, two = ((tmp_path / name / "products.parquet").read_bytes() for name in ("one", "two"))
    assert one == two


def test_without_products_and_categories_a_sentence_says_what_to_map(tmp_path: Path) -> None:
    frame = pa.table({"customer_id": ["a"], "purchased_at": ["2024-01-05"], "amount": ["1"]})
    config = Config.of().model_copy(update={"folder": tmp_path})
    found = suggest(Ledger.from_frame(frame, config), config)
    assert "map `product_id` or `category`" in found.lines[0]
    assert (found.told["rules"], found.told["tables"]) == (None, {})
    assert found.told["off"] == {"products": found.lines[0]}
    assert list(tmp_path.iterdir()) == []


def test_a_day_after_the_data_and_another_kind_of_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="RG482"):
        of_shop(tmp_path, shop().ends.plus(1))
    with pytest.raises(ConfigError, match="RG483"):
        suggest(shop(), config_of(), out=tmp_path / "lists.txt")
