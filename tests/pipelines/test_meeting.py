"""The weekly meeting end to end: every part speaks where the data allow it, and says what to add where they do not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from regulars.config import Config
from regulars.intake import Ledger
from regulars.pipelines.days import usual_day, usual_run
from regulars.pipelines.demo_shop import CONFIG
from regulars.pipelines.meeting import Meeting, meeting, write_meeting
from regulars.pipelines.published import Book
from regulars.pipelines.segments import segments
from regulars.simulation.shop import Shop, tea_shop

from .test_cli import run

PARTS = ("kpis", "segments", "products", "timing", "loyalty", "relations", "whatif")
Held = Callable[..., Meeting]
_OF_CUSTOMERS = ("acquisition_cost", "referred_by")


@pytest.fixture(scope="module")
def shop() -> Shop:
    return tea_shop(70, days=500, seed=5)


@pytest.fixture
def held(shop: Shop, tmp_path: Path) -> Held:
    """A meeting of the shop without some tables, or without some columns of them; nothing was scored."""

    def of(*without: str) -> Meeting:
        import tomllib

        content: dict[str, Any] = tomllib.loads(CONFIG)
        frames = {name: getattr(shop, name) for name in ("events", "customers", "consent") if name not in without}
        for name in ("events", "customers", "consent"):
            if name in without:
                del content["data"][name]
            else:
                del content["data"][name]["path"]
        del content["data"]["purchases"]["path"]
        for column in (name.partition(".") for name in without if "." in name):
            del content["data"][column[0]][column[2]]
        if "events" in without:
            del content["loyalty"]
        config = Config.of(**_flat(content)).model_copy(update={"folder": tmp_path})
        return meeting(Ledger.from_frame(shop.purchases, config, **frames), config)

    return of


def _flat(content: dict[str, Any]) -> dict[str, Any]:
    """As `Config.of` takes it."""
    data, target = content["data"], content["target"]
    purchases = data.pop("purchases")
    named = {name: purchases.pop(name) for name in ("customer_id", "purchased_at", "amount")}
    rest = {name: section for name, section in content.items() if name not in ("data", "target")}
    return {**named, "purchases": purchases, "data": data, "horizon_days": target["horizon_days"], **rest}


def offs(found: Meeting, part: str) -> str:
    figures = found.parts[part]
    return json.dumps([figures.get("off"), figures.get("notes"), figures.get("schemes")])


def test_with_every_table_every_part_that_needs_no_scores_speaks(held: Held, tmp_path: Path) -> None:
    found = held()
    assert tuple(found.parts) == PARTS
    assert {"by_month", "engagement", "problems"} <= set(found.parts["kpis"]["tables"])
    assert "points_by_month" in found.parts["loyalty"]["tables"]
    assert "acquisition" in found.parts["relations"]["tables"]
    assert len(found.lines) >= 12
    write_meeting(found, tmp_path / "meeting.html", tmp_path)
    page = (tmp_path / "meeting.html").read_text(encoding="utf-8")
    # Ids are c00000 and so on: nobody is named, on the page, on the screen or in the figures.
    assert not re.search(r"\bc\d{5}\b", page + "\n".join(found.lines) + json.dumps(found.figures()))


@pytest.mark.parametrize(
    ("without", "silent", "says"),
    [
        (("events",), ("loyalty", "kpis"), ("[loyalty]", "[data.events]")),
        (("customers",), ("relations",), ("[data.customers]",)),
        (
            ("consent", "purchases.product_id", "purchases.category", *(f"customers.{name}" for name in _OF_CUSTOMERS)),
            ("products", "relations", "relations"),
            ("product_id", *_OF_CUSTOMERS),
        ),
    ],
)
def test_what_is_missing_switches_a_part_off_with_a_sentence(
    held: Held, tmp_path: Path, without: tuple[str, ...], silent: tuple[str, ...], says: tuple[str, ...]
) -> None:
    found = held(*without)
    write_meeting(found, tmp_path / "meeting.html", tmp_path)
    page = (tmp_path / "meeting.html").read_text(encoding="utf-8")
    for part, words in zip(silent, says, strict=True):
        assert words in offs(found, part) + "".join(found.lines)
        assert words in page


def test_without_scores_the_segments_that_need_them_say_so(held: Held) -> None:
    schemes = {s["scheme"]: s for s in held().parts["segments"]["schemes"]}
    assert "no scores" in schemes["value-churn"]["off"]
    assert "segments" in schemes["rfm"]


def test_the_command_writes_one_page_and_says_every_answer(tmp_path: Path) -> None:
    lines = ["customer_id,purchased_at,amount"]
    lines += [f"n{i % 7},2024-0{1 + i % 6}-1{i % 9},{10 + i}" for i in range(60)]
    (tmp_path / "p.csv").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "regulars.toml").write_text(
        '[data.purchases]\npath = "p.csv"\ncustomer_id = "customer_id"\npurchased_at = "purchased_at"\n'
        'amount = "amount"\n[target]\nhorizon_days = 30\n',
        encoding="utf-8",
    )
    said = run("meeting", tmp_path / "regulars.toml", "--json", tmp_path / "m.json")
    assert said.code == 0, said.err
    assert f"open {tmp_path / 'meeting.html'}" in said.out
    assert set(json.loads((tmp_path / "m.json").read_text(encoding="utf-8"))["parts"]) == set(PARTS)
    first = (tmp_path / "meeting.html").read_bytes()
    assert run("meeting", tmp_path / "regulars.toml").code == 0
    assert (tmp_path / "meeting.html").read_bytes() == first


def test_scores_of_a_day_after_the_data_are_passed_over(shop: Shop, tmp_path: Path) -> None:
    config = Config.of(amount="amount", purchases={"order_id": "order_id"}).model_copy(update={"folder": tmp_path})
    ledger = Ledger.from_frame(shop.purchases, config)
    book = Book(tmp_path / "scores")
    name = f"{ledger.ends.plus(3)}-v1-0a1b2c3d"
    with book.filling(name) as waiting:
        pd.DataFrame({"customer_id": ["c00001"], "segment": ["x"]}).to_parquet(waiting / "scores.parquet", index=False)
    assert book.point(next(run for run in book.runs() if run.name == name))
    # Nothing is known of these three days: all parts are of the day after the last purchase.
    assert usual_day(ledger, book) == ledger.ends
    assert usual_run(ledger, book) is None
    schemes = {each["scheme"]: each for each in segments(ledger, config).figures()["schemes"]}
    assert "no scores" in schemes["value-churn"]["off"]
