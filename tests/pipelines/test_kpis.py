"""`regulars kpis` as its users meet it: tables on the screen, as JSON and as files, and nobody named in any of them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pandas as pd
import pytest

from regulars.config import Config
from regulars.intake import build_ledger
from regulars.pipelines.kpis import kpis
from regulars.pipelines.published import Book

from ..kpis.few import purchases
from ..simulated import PLANTED
from .test_cli import run


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The few rows as a user has them, of customers whose ids can be searched for."""
    frame = purchases()
    frame["customer_id"] = PLANTED + frame["customer_id"]
    frame.to_csv(tmp_path / "purchases.csv", index=False)
    file = tmp_path / "regulars.toml"
    file.write_text(
        """
[data]
currency = "EUR"
history_starts = 2024-01-01
history_ends = 2024-04-10
[data.purchases]
path = "purchases.csv"
customer_id = "customer_id"
purchased_at = "purchased_at"
order_id = "order_id"
amount = "amount"
[target]
horizon_days = 30
""",
        encoding="utf-8",
    )
    return file


def publish(folder: Path, segments: dict[str, str], as_of: str) -> None:
    """Scores of a day that hold nothing but segments."""
    book = Book(folder / "scores")
    name = f"{as_of}-v1-0a1b2c3d"
    with book.filling(name) as waiting:
        ids = [PLANTED + who for who in segments]
        scores = pd.DataFrame({"customer_id": ids, "segment": list(segments.values())})
        scores.to_parquet(waiting / "scores.parquet", index=False)
    assert book.point(next(r for r in book.runs() if r.name == name))


def table(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as open_file:
        return list(csv.DictReader(open_file))


def test_kpis_shows_writes_and_names_nobody(shop: Path) -> None:
    folder = shop.parent
    first = run("kpis", shop, "--json", folder / "a.json", "--out", folder / "a")
    again = run("kpis", shop, "--json", folder / "b.json", "--out", folder / "b")
    assert (first.code, again.code) == (0, 0), first.err
    names = sorted(f.name for f in (folder / "a").iterdir())
    tables = ["by_cohort", "by_month", "cost_to_serve", "definitions", "funnel", "problems"]
    assert names == [f"{name}.csv" for name in tables]
    for name in names:
        assert (folder / "a" / name).read_bytes() == (folder / "b" / name).read_bytes()
    assert (folder / "a.json").read_bytes() == (folder / "b.json").read_bytes()
    written = [f.read_text(encoding="utf-8") for f in (*(folder / "a").iterdir(), folder / "a.json")]
    assert PLANTED not in "".join([first.out, first.err, *written])
    # A minus sign of a number is no formula: growth in February is (23 - 35) / 35.
    months = table(folder / "a" / "by_month.csv")
    assert (months[1]["growth"], months[1]["spend"]) == (str(-12 / 35), "23.0")
    # April is not over: shown, and empty.
    assert (months[3]["period"], months[3]["complete"], months[3]["orders"]) == ("2024-04", "False", "")
    assert "2024-04" in first.out
    figures = json.loads((folder / "a.json").read_text(encoding="utf-8"))
    assert figures["tables"]["by_month"]["rows"][1]["spend"] == 23.0
    defined = {(row["table"], row["column"]) for row in table(folder / "a" / "definitions.csv")}
    assert defined == {(name, c) for name, t in figures["tables"].items() for c in t["definitions"]}


def test_kpis_by_segment_follow_the_newest_published_scores(shop: Path) -> None:
    publish(shop.parent, {"a": "old", "b": "old"}, "2024-03-01")
    publish(shop.parent, {"a": "high value, steady", "b": "low value, at risk"}, "2024-04-01")
    config = Config.load(shop)
    table = kpis(build_ledger(config), config).table("by_segment")
    assert table is not None
    found = table.shown()
    # [2 Mar, 1 Apr): a bought for 30, b gave 2 back.
    assert [(r["segment"], r["customers"], r["bought"], r["spend"]) for r in found] == [
        ("high value, steady", 1, 1, 30.0),
        ("low value, at risk", 1, 0, -2.0),
        ("all", 2, 1, 28.0),
    ]


def test_scores_of_a_day_whose_window_is_not_covered_count_customers_only(shop: Path) -> None:
    publish(shop.parent, {"a": "steady"}, "2024-04-20")
    said = run("kpis", shop, "--by", "quarter", "--json", shop.parent / "k.json")
    found = json.loads((shop.parent / "k.json").read_text(encoding="utf-8"))["tables"]["by_segment"]["rows"]
    assert [(r["segment"], r["customers"], r["spend"]) for r in found] == [("steady", 1, None), ("all", 1, None)]
    assert "only customers are counted" in said.err


def test_kpis_by_a_scheme_and_what_relationships_cost(shop: Path) -> None:
    said = run("kpis", shop, "--scheme", "lifecycle", "--json", shop.parent / "k.json")
    assert said.code == 0, said.err
    figures = json.loads((shop.parent / "k.json").read_text(encoding="utf-8"))
    assert figures["tables"]["by_segment"]["rows"][-1]["customers"] == 5
    every = figures["tables"]["cost_to_serve"]["rows"][0]
    assert (every["by"], every["customers"]) == ("all", 5)
    # Without a table of customers nobody knows what it cost to win them: a sentence.
    assert "acquisition" not in figures["tables"]
    assert "[data.customers]" in figures["off"]["acquisition"]
    assert figures["off"]["campaigns"] in said.err
    assert run("kpis", shop, "--scheme", "horoscope").code == 2


def test_kpis_refuse_a_folder_of_other_things_and_another_period(shop: Path) -> None:
    (shop.parent / "mine").mkdir()
    (shop.parent / "mine" / "letter.txt").write_text("dear", encoding="utf-8")
    assert run("kpis", shop, "--out", shop.parent / "mine").code == 74
    assert (shop.parent / "mine" / "letter.txt").read_text(encoding="utf-8") == "dear"
    wrong = run("kpis", shop, "--by", "week")
    assert (wrong.code, "RG470" in wrong.err) == (2, True)
