"""What an error says, and with which code a command ends."""

from __future__ import annotations

import pytest

from regulars.errors import (
    Busy,
    ConfigError,
    DataError,
    NoModel,
    NotEnoughData,
    Refused,
    RegularsError,
    StorageError,
    did_you_mean,
)

KINDS = [
    (RegularsError, 70, "RG000"),
    (ConfigError, 2, "RG002"),
    (DataError, 3, "RG003"),
    (NotEnoughData, 4, "RG004"),
    (Refused, 5, "RG005"),
    (NoModel, 6, "RG006"),
    (StorageError, 74, "RG074"),
    (Busy, 75, "RG075"),
]


def test_an_error_says_found_needed_seen_do_in_this_order() -> None:
    error = DataError(
        "3 amounts are not numbers", needed="12.50", do="give `decimal`", offending=["a", 2], code="RG042"
    )
    assert str(error) == "RG042: 3 amounts are not numbers. Needed: 12.50. Seen: a; 2. Do: give `decimal`"
    assert (error.found, error.needed, error.do) == ("3 amounts are not numbers", "12.50", "give `decimal`")
    assert (error.offending, error.code) == (("a", 2), "RG042")


def test_parts_that_were_not_given_are_not_said() -> None:
    assert str(ConfigError("nothing fits")) == "RG002: nothing fits."
    assert str(ConfigError("nothing fits", do="try")) == "RG002: nothing fits. Do: try"
    assert str(ConfigError("nothing fits", needed="a hat")) == "RG002: nothing fits. Needed: a hat."


@pytest.mark.parametrize(
    ("n", "seen"), [(1, "Seen: 0."), (3, "Seen: 0; 1; 2."), (4, "Seen: 0; 1; 2; and 1 more."), (9, "2; and 6 more.")]
)
def test_three_offenders_are_shown_and_the_rest_counted(n: int, seen: str) -> None:
    error = DataError("wrong", offending=range(n))
    assert str(error).endswith(seen)
    assert len(error.offending) == n


@pytest.mark.parametrize(("kind", "exit_code", "code"), KINDS)
def test_each_kind_has_its_exit_code_and_is_a_value_error(kind: type[RegularsError], exit_code: int, code: str) -> None:
    error = kind("wrong")
    assert isinstance(error, ValueError)
    assert isinstance(error, RegularsError)
    assert (error.exit_code, error.code) == (exit_code, code)
    assert str(error) == f"{code}: wrong."


def test_exit_codes_tell_the_kinds_apart_and_none_is_success() -> None:
    codes = [kind.exit_code for kind, _, _ in KINDS]
    assert len(set(codes)) == len(codes)
    assert 0 not in codes
    # 1 is what an unforeseen traceback ends with.
    assert 1 not in codes
    assert {kind for kind, _, _ in KINDS} == {RegularsError, *RegularsError.__subclasses__()}


def test_the_nearest_names_come_first_and_in_their_own_spelling() -> None:
    assert did_you_mean("customerid", ["amount", "Customer_ID"]) == "did you mean `Customer_ID`?"
    assert did_you_mean("AMOUNT", ["amount"]) == "did you mean `amount`?"
    assert did_you_mean("product", ["product_id", "products", "x"]) == "did you mean `products` or `product_id`?"


def test_without_a_near_name_all_are_told() -> None:
    assert did_you_mean("zzz", ["amount", "customer_id"]) == "known names are `amount`, `customer_id`"
