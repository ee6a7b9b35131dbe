"""Hashes of lines: the same whatever the buffers, different for any other value, and free of order."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.intake.hashes import Fingerprint, ascending, line_hashes, order_words, value_words
from regulars.schema import INSTANT, MONEY

_texts = st.lists(st.one_of(st.none(), st.text(max_size=20), st.sampled_from(["", "a", "a\0", "\0"])), max_size=30)


def _table(texts: list[str | None], cents: list[int | None]) -> pa.Table:
    money = [None if c is None else Decimal(c) / 100 for c in cents]
    return pa.table({"text": pa.array(texts, pa.string()), "money": pa.array(money, MONEY)})


@given(_texts)
def test_two_texts_have_one_word_only_if_they_are_equal(texts: list[str | None]) -> None:
    words = value_words(pa.array(texts, pa.string())).tolist()
    assert len(set(words)) == len(set(texts))
    assert len(set(zip(texts, words, strict=True))) == len(set(texts))


@given(_texts, st.integers(0, 5))
def test_words_do_not_depend_on_where_the_texts_lie(texts: list[str | None], skip: int) -> None:
    array = pa.array(["x" * 9] * skip + texts, pa.string()).slice(skip)
    alone = [value_words(pa.array([t], pa.string()))[0] for t in texts]
    assert value_words(array).tolist() == [int(w) for w in alone]


def test_words_never_change() -> None:
    # Fingerprints are stored: another hash would be another FORMAT.
    texts = pa.array(["", "a", "c00000001", None, "чай" * 9], pa.string())
    assert [f"{w:016x}" for w in value_words(texts).tolist()] == GOLDEN
    table = pa.table({"x": texts, "n": pa.array([Decimal(1), Decimal(-1), None, Decimal(0), Decimal(2)], MONEY)})
    fingerprint = Fingerprint()
    fingerprint.add(table)
    assert fingerprint.text("UTC")[:16] == GOLDEN_TEXT


GOLDEN = ["0000000000000000", "d7d9902a7403b2cc", "856b1acfe8641cd6", "d41e532b2392e9bf", "1e92c5f809db852d"]
GOLDEN_TEXT = "fae0d56bbe99c1ea"


@given(st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from([1, -1, None])), min_size=1, max_size=40))
def test_a_fingerprint_counts_equal_lines_and_knows_no_order(lines: list[tuple[str | None, int | None]]) -> None:
    whole, mixed = Fingerprint(), random.Random(1).sample(lines, len(lines))
    whole.add(_table(*map(list, zip(*lines, strict=True))))
    one, other = Fingerprint(), Fingerprint()
    one.add(_table(*map(list, zip(*mixed[:3], strict=True))))
    if mixed[3:]:
        other.add(_table(*map(list, zip(*mixed[3:], strict=True))))
    assert one.plus(other).text() == whole.text()
    twice = Fingerprint()
    twice.add(_table(*map(list, zip(*lines, lines[0], strict=True))))
    assert twice.text() != whole.text()


def test_columns_are_told_apart() -> None:
    a, b = pa.array(["x", "y"]), pa.array(["y", "x"])
    prints = []
    for table in (pa.table({"p": a, "q": b}), pa.table({"p": b, "q": a}), pa.table({"q": b, "p": b})):
        found = Fingerprint()
        found.add(table)
        prints.append(found.text())
    # The first two hold other lines: (x, y), (y, x) against (y, x), (x, y) is the same set; the third is not.
    assert prints[0] == prints[1] != prints[2]
    assert line_hashes(pa.table({"p": a}))[0].tolist() != line_hashes(pa.table({"q": a}))[0].tolist()


@pytest.mark.soak
def test_no_two_of_a_million_lines_share_a_hash() -> None:
    # By chance two of a million 64-bit words are equal once in 37 million tries.
    n = 1_000_000
    stamps = pa.array(np.arange(n) * 1_000_000, INSTANT)
    for lane in line_hashes(pa.table({"at": stamps})):
        assert len(np.unique(lane)) == n
        assert abs(float((lane & np.uint64(1)).mean()) - 0.5) < 0.01


def test_orders_are_counted_by_customer() -> None:
    block = pa.table({"customer_id": ["a", "a", "a", "b", "b"], "order_id": ["1", "1", "2", "1", "1"]})
    both = ascending([order_words(block), order_words(block.slice(1))])
    assert len(both) == 3
    assert both.tolist() == sorted(both.tolist())


def test_instants_are_taken_to_the_microsecond() -> None:
    at = [datetime(2024, 1, 5, tzinfo=UTC), datetime(2024, 1, 5, 0, 0, 0, 1, tzinfo=UTC)]
    assert np.diff(value_words(pa.array(at, INSTANT)).astype(np.int64)).tolist() == [1]
