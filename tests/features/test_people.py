"""x"""

from __future__ import annotations
from hypothesis import given
from .agreement import disagreements
from .beside import FullLedger, full_ledgers
from .strategies import PROPERTY


@PROPERTY
@given(full_ledgers())
def test_people_are_what_the_oracle_says(ledger: FullLedger) -> None:
    assert disagreements(ledger, "people") == []
