"""Lines that stand twice: blocks are merged once, twins inside an order stay."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable

import numpy as np
import pytest

from regulars.config import Config
from regulars.intake import Ledger, build_ledger
from regulars.intake.overlap import may_be_repeated, runs

Book = Callable[..., Config]
HEADER = "id,when,money,o,what\n"


def order(i: int, lines: int = 3) -> list[str]:
    """Order i: at minute i, of customer i mod 7, so many different lines."""
    when = f"2024-01-05 {i // 60:02}:{i % 60:02}"
    return [f"c{i % 7},{when},{k + 1}.5,o{i},p{k}\n" for k in range(lines)]


def orders(span: Iterable[int]) -> list[str]:
    """The lines of several orders."""
    return [line for i in span for line in order(i)]


def built(book: Book, *files: list[str], **purchases: object) -> Ledger:
    """The ledger of files of lines, with order and product mapped."""
    named = {f"{chr(97 + i)}.csv": HEADER + "".join(lines) for i, lines in enumerate(files)}
    return build_ledger(book(named, **{"order_id": "o", "product_id": "what", **purchases}))


def counted(ledger: Ledger) -> tuple[int, int, str]:
    """Lines used and merged, and the money merged."""
    return ledger.manifest.lines["used"], ledger.manifest.lines["merged"], ledger.manifest.money["merged"]


def test_the_overlap_of_two_files_is_merged_once(book: Book) -> None:
    # Orders 0..99 and 60..159: 40 orders of 3 lines (1.5 + 2.5 + 3.5 = 7.5) stand twice.
    ledger = built(book, orders(range(100)), orders(range(60, 160)))
    assert counted(ledger) == (480, 120, "300.0000")


def test_the_overlap_of_two_stretches_of_one_file_is_merged_whatever_the_order_of_lines(book: Book) -> None:
    lines = orders(range(100)) + orders(range(60, 160))
    ledger = built(book, lines)
    assert counted(ledger) == (480, 120, "300.0000")
    assert counted(built(book, random.Random(1).sample(lines, len(lines)))) == (480, 120, "300.0000")
    assert counted(built(book, sorted(lines, key=lambda line: line.split(",")[0]))) == (480, 120, "300.0000")


def test_twins_inside_an_order_stay_twins_in_a_merged_block(book: Book) -> None:
    first = orders(range(100)) + order(70)[:1]
    second = orders(range(60, 160)) + order(70)[:1]
    # One line of order 70 stands twice in each file: 4 times, of which 2 stay.
    assert counted(built(book, first, second)) == (481, 121, "301.5000")


def test_a_short_overlap_is_kept_and_noted(book: Book) -> None:
    ledger = built(book, orders(range(100)), orders(range(80, 160)))
    assert counted(ledger) == (540, 0, "0.0000")
    assert any(note.startswith("60 lines equal another line") for note in ledger.manifest.notes)


def test_twins_beside_a_block_are_not_drawn_into_it(book: Book) -> None:
    # Orders 59 and 100 are next to the block and consist of twins that stand together in one file only.
    first = orders(range(59)) + order(59, 1) * 2 + orders(range(60, 100))
    second = orders(range(60, 100)) + order(100, 1) * 2 + orders(range(101, 160))
    ledger = built(book, first, second)
    assert ledger.manifest.lines["merged"] == 120
    assert ledger.table().column("order_id").to_pylist().count("o59") == 2
    assert ledger.table().column("order_id").to_pylist().count("o100") == 2


def test_a_large_order_that_doubles_itself_is_no_block(book: Book) -> None:
    assert built(book, orders(range(5)) + order(7, 150) * 2).manifest.lines["merged"] == 0
    assert built(book, orders(range(5)) + sorted(order(7, 150) * 2)).manifest.lines["merged"] == 0


def test_neighbouring_twins_throughout_are_no_block_of_another_stretch(book: Book) -> None:
    # Every line of every order twice, one after the other: tickets sold in pairs.
    ledger = built(book, [line for line in orders(range(100)) for _ in range(2)])
    assert counted(ledger) == (600, 0, "0.0000")


def test_three_deliveries_of_one_block_leave_one(book: Book) -> None:
    # 0..99, 60..159 and 60..219: orders 60..99 stand three times, 100..159 twice.
    ledger = built(book, orders(range(100)), orders(range(60, 160)), orders(range(60, 220)))
    assert counted(ledger) == (660, 2 * 120 + 180, "1050.0000")


def test_rolling_deliveries_leave_every_line_once(book: Book) -> None:
    # Windows of 200 orders that move on by 40: orders stand up to five times.
    files = [orders(range(start, start + 200)) for start in range(0, 400, 40)]
    assert built(book, *files).manifest.lines["used"] == (360 + 200) * 3


def test_guests_are_merged_like_everyone(book: Book) -> None:
    lines = [line.replace("c3,", ",") for line in orders(range(100))]
    ledger = built(book, lines, lines[-150:] + orders(range(100, 110)))
    assert sum(ledger.manifest.lines[c] for c in ("used", "guest")) == 330
    assert ledger.manifest.lines["merged"] == 150


def test_a_block_of_a_whole_day_is_found_when_there_are_only_dates(book: Book) -> None:
    days = [[f"c{i},2024-01-{d:02},1.5,,p{i % 9}\n" for i in range(120)] for d in (5, 6, 7)]
    assert counted(built(book, days[0] + days[1], days[1] + days[2])) == (360, 120, "180.0000")
    assert counted(built(book, days[0] + days[1] + days[1] + days[2])) == (360, 120, "180.0000")


def test_only_mapped_columns_are_compared(book: Book) -> None:
    second = [line.replace(",p", ",q") for line in orders(range(60, 160))]
    assert built(book, orders(range(100)), second).manifest.lines["merged"] == 0
    # Without the product the lines of an order differ by their amount still.
    assert built(book, orders(range(100)), second, product_id=None).manifest.lines["merged"] == 120


@pytest.mark.parametrize(("duplicates", "merged"), [("keep", 0), ("drop", 121)])
def test_keep_merges_nothing_and_drop_every_duplicate(book: Book, duplicates: str, merged: int) -> None:
    ledger = built(book, orders(range(100)) + order(3)[:1], orders(range(60, 160)), duplicates=duplicates)
    assert ledger.manifest.lines["merged"] == merged
    assert not any("were kept" in note for note in ledger.manifest.notes)


def test_a_missing_value_equals_a_missing_value(book: Book) -> None:
    lines = [line.rsplit(",", 1)[0] + ",\n" for line in orders(range(100))]
    assert built(book, lines, lines[-150:] + orders(range(100, 110))).manifest.lines["merged"] == 150


def test_runs_end_where_a_moment_is_missing() -> None:
    moments, eligible = np.array([0, 1, 2, 4, 5, 9]), np.array([True, True, True, True, False, True])
    assert runs(moments, eligible) == [(0, 3), (3, 4), (5, 6)]
    assert runs(moments, ~np.ones(6, bool)) == []


@pytest.mark.parametrize("n", [0, 1, 2, 63, 64, 5_000])
def test_every_hash_that_stands_twice_is_found_and_few_others_are(n: int) -> None:
    rng = np.random.default_rng(n)
    hashes = rng.integers(0, 2**63, n).astype(np.uint64) * np.uint64(2)
    hashes[n // 2 :: 7] = hashes[: len(hashes[n // 2 :: 7])]
    counts = Counter(hashes.tolist())
    twice = np.array([counts[h] > 1 for h in hashes.tolist()], bool)
    found = may_be_repeated(hashes)
    assert found[twice].all()
    # 5,000 hashes are compared by 64 - 13 bits: two others agree in them with odds of 5,000^2 / 2 to 2^51.
    assert not found[~twice].any()
