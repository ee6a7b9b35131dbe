"""Evidence of two intakes adds up to that of one; what a column's texts prove is decided in one way only."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.config import Config
from regulars.errors import DataError
from regulars.intake.evidence import Mended
from regulars.intake.money import settle_money
from regulars.intake.notation import Signs
from regulars.intake.sources.parts import Places
from regulars.intake.staging import working_database

_amounts = st.sampled_from(
    ["12", "1.5", "1,5", "1.500", "1,500", "1 500", "1'500", "1.500,25", "1,500.25", "12345.5", "12345,5", "x", "-3"]
)


def _settled(texts: list[str], decimal: str | None) -> tuple[Signs | None, str | None]:
    """What the texts prove and the decimal sign with which they are read; nothing where they are refused."""
    with working_database(Config.of().engine, Path("no spill")) as con:
        table = pa.table({"amount": texts, "seq": range(len(texts))})
        con.register("rows", table)
        con.execute("CREATE TABLE raw AS SELECT seq, NULL AS fault, amount, false AS amount_native FROM rows")
        try:
            signs = settle_money(con, "amount", decimal, "money", Places(("a.csv",), ("line",)))
        except DataError:
            return None, None
        return signs, signs.decimal(decimal)


@pytest.mark.soak  # Segments are compared whole, in test_segments.py.
@settings(max_examples=settings().max_examples // 2)
@given(st.lists(_amounts, min_size=1, max_size=6), st.sampled_from([None, ".", ","]))
def test_signs_decide_as_the_texts_themselves_do(texts: list[str], decimal: str | None) -> None:
    signs, sign = _settled(texts, decimal)
    together = Signs()
    for text in texts:
        alone, _ = _settled([text], decimal or ".")
        if alone is None:
            alone, _ = _settled([text], ",")
        if alone is None:
            return
        together = together.plus(alone)
    assert together.decimal(decimal) == sign
    assert signs is None or together == signs


def test_the_example_of_a_repair_is_the_first_in_the_order_of_the_files() -> None:
    place = {"a.csv": 0, "b.csv": 1}
    old, new = Mended("spaces", 2, "' x'", "b.csv", 3), Mended("spaces", 1, "' y'", "a.csv", 9)
    assert old.plus(new, place) == Mended("spaces", 3, "' y'", "a.csv", 9)
    assert old.plus(Mended("spaces", 0), place) == old
    # Without a place the least example is kept, as one intake would.
    assert Mended("digits", 1, "٥").plus(Mended("digits", 1, "٣"), place) == Mended("digits", 2, "٣")
