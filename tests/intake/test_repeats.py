"""Lines under an id of their own: the same id again is the same line, or corrects it; nothing is counted twice."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars.config import Config
from regulars.intake import Ledger, build_ledger

Book = Callable[..., Config]
HEADER = "t,id,when,money\n"
KNOWN = "t,id,when,money,seen\n"


def built(book: Book, text: str, **purchases: object) -> Ledger:
    return build_ledger(book(text, transaction_id="t", max_bad_share=1.0, **purchases))


def kept(ledger: Ledger) -> list[str]:
    return [str(amount.normalize()) for amount in ledger.table().column("amount").to_pylist()]


def test_the_same_line_under_the_same_id_is_one(book: Book) -> None:
    ledger = built(book, HEADER + "7,a,2024-01-05,5\n7,a,2024-01-05,5\n 7,a,2024-01-05,5.00\n8,a,2024-01-05,5\n")
    assert kept(ledger) == ["5", "5"]
    assert (ledger.manifest.lines["merged"], ledger.manifest.money["merged"]) == (2, "10.0000")
    assert "transaction_id" not in ledger.columns
    assert [r.count for r in ledger.manifest.repairs if "stands on an equal line" in r.what] == [2]


def test_different_lines_under_one_id_are_all_set_aside(book: Book) -> None:
    ledger = built(book, HEADER + "7,a,2024-01-05,5\n7,a,2024-01-05,6\n8,a,2024-01-05,1\n")
    assert kept(ledger) == ["1"]
    rows = ledger.quarantine().to_pylist()
    assert [(r["line"], r["column"]) for r in rows] == [(2, "t"), (3, "t")]
    assert {r["reason"] for r in rows} == {"stands on another line that says otherwise"}
    assert (ledger.manifest.money["quarantined"], ledger.manifest.money["read"]) == ("11.0000", "12.0000")


def test_the_line_known_last_stays_with_its_own_moment(book: Book) -> None:
    lines = "7,a,2024-01-05,5,2024-01-06\n7,a,2024-01-05,6,2024-01-09\n7,a,2024-01-05,4,2024-01-07\n7,a,2024-01-05,3,\n"
    ledger = built(book, KNOWN + lines, known_at="seen")
    (row,) = ledger.table().to_pylist()
    assert (row["amount"], row["known_at"].day) == (Decimal("6"), 9)
    assert (ledger.manifest.lines["merged"], ledger.manifest.money["merged"]) == (3, "12.0000")
    assert [r.count for r in ledger.manifest.repairs if "replaced" in r.what] == [3]


def test_a_line_delivered_again_is_known_since_the_first_time(book: Book) -> None:
    ledger = built(book, KNOWN + "7,a,2024-01-05,5,2024-01-09\n7,a,2024-01-05,5,2024-01-06\n", known_at="seen")
    (row,) = ledger.table().to_pylist()
    assert row["known_at"].day == 6


def test_two_last_words_of_one_moment_that_differ_are_set_aside(book: Book) -> None:
    lines = "7,a,2024-01-05,5,2024-01-09\n7,a,2024-01-05,6,2024-01-09\n7,a,2024-01-05,5,2024-01-06\n8,a,2024-01-05,1,\n"
    ledger = built(book, KNOWN + lines, known_at="seen")
    assert (kept(ledger), ledger.manifest.lines["quarantined"]) == (["1"], 3)


def test_lines_without_an_id_are_no_ones_twins(book: Book) -> None:
    ledger = built(book, HEADER + ",a,2024-01-05,5\n,a,2024-01-05,5\n  ,a,2024-01-05,6\n")
    assert (kept(ledger), ledger.manifest.lines["merged"]) == (["5", "5", "6"], 0)


def test_equal_lines_under_different_ids_are_no_overlap(book: Book) -> None:
    # 150 lines of 50 instants, delivered twice, as different transactions: without the ids a block is merged.
    lines = [f"a,2024-01-05 10:{m:02},{k}\n" for m in range(50) for k in range(3)]
    text = HEADER + "".join(f"{i},{line}" for i, line in enumerate(lines + lines))
    assert built(book, text).manifest.lines["merged"] == 0
    assert build_ledger(book(text)).manifest.lines["merged"] == 150


def test_a_bad_line_does_not_contradict_a_good_one(book: Book) -> None:
    ledger = built(book, HEADER + "7,a,2024-01-05,5\n7,a,2024-01-05,?\n")
    assert (kept(ledger), ledger.manifest.lines["quarantined"]) == (["5"], 1)


def test_a_correction_in_a_later_file_is_seen(book: Book) -> None:
    files = {"a.csv": KNOWN + "7,a,2024-01-05,5,2024-01-06\n", "b.csv": KNOWN + "8,a,2024-01-06,1,2024-01-06\n"}
    assert kept(built(book, files, known_at="seen")) == ["5", "1"]
    files["c.csv"] = KNOWN + "7,a,2024-01-05,6,2024-01-20\n"
    said: list[str] = []
    config = book(files, transaction_id="t", max_bad_share=1.0, known_at="seen")
    ledger = build_ledger(config, said.append)
    assert kept(ledger) == ["6", "1"]
    assert any("everything is read again" in s and "transaction_id" in s for s in said)


_lines = st.lists(
    st.tuples(st.sampled_from(["", "1", "2", "3"]), st.sampled_from(["", "a"]), st.integers(1, 3), st.integers(0, 3)),
    min_size=1,
    max_size=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=settings().max_examples // 3)
@given(_lines, st.booleans())
@pytest.mark.filterwarnings("error")
def test_what_stays_is_what_a_plain_reading_of_the_rule_leaves(
    book: Book, lines: list[tuple[str, str, int, int]], dated: bool
) -> None:
    text = "".join(f"{t},{c},2024-01-05,{m},{f'2024-02-{d:02}' if d else ''}\n" for t, c, m, d in lines)
    config = book(
        KNOWN + text + "9,z,2024-01-05,1,\n",
        transaction_id="t",
        max_bad_share=1.0,
        duplicates="keep",
        **({"known_at": "seen"} if dated else {}),
    )
    manifest = build_ledger(config).manifest
    stay, bad = [("z", 1)], 0
    for line in (line for line in lines if not line[0]):
        stay.append((line[1], line[2]))
    for name in ("1", "2", "3"):
        group = [line for line in lines if line[0] == name]
        if len({line[1:3] for line in group}) > 1:
            newest = max(line[3] for line in group) if dated else 0
            last = {line[1:3] for line in group if line[3] == newest} if newest else {("?", 0), ("!", 0)}
            bad += len(group) if len(last) > 1 else 0
            stay += list(last) if len(last) == 1 else []
        elif group:
            stay.append(group[0][1:3])
    assert manifest.lines["quarantined"] == bad
    assert manifest.lines["used"] == sum(1 for c, _ in stay if c)
    assert manifest.lines["guest"] == sum(1 for c, _ in stay if not c)
    assert Decimal(manifest.money["used"]) + Decimal(manifest.money["guest"]) == sum(m for _, m in stay)
