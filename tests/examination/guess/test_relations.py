"""What columns prove about each other, on tables small enough to be counted by hand."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest

from regulars.examination.guess.columns import Column, columns_of, order_of
from regulars.examination.guess.relations import grows_with, products, stands_once_an_order, sum_of_order, within
from regulars.examination.guess.roles import masked, plain
from regulars.examination.guess.words import names_role


def columns(**texts: list[str]) -> dict[str, Column]:
    return {column.name: column for column in columns_of(pa.table(texts))}


def test_a_product_is_proved_only_where_quantities_differ_from_one() -> None:
    quantity = [1 + i % 3 for i in range(60)]
    price = [2 + i % 7 for i in range(60)]
    table = columns(
        total=[f"{q * p}.00" for q, p in zip(quantity, price, strict=True)],
        qty=[str(q) for q in quantity],
        price=[f"{p}.00" for p in price],
    )
    (found,) = products(list(table.values()))
    assert (found.amount, found.quantity, found.unit_price, found.share) == ("total", "qty", "price", 1.0)
    # With one piece a line, the total is the price, which proves nothing of the quantity.
    alone = columns(total=[f"{p}.00" for p in price], qty=["1"] * 59 + ["2"], price=[f"{p}.00" for p in price])
    assert products(list(alone.values())) == []


def test_a_discount_is_part_of_the_proof() -> None:
    rows = [(1 + i % 3, 4 + i % 5, i % 4) for i in range(60)]
    table = columns(
        net=[f"{q * p - d}.00" for q, p, d in rows],
        qty=[str(q) for q, _, _ in rows],
        price=[f"{p}.00" for _, p, _ in rows],
        off=[f"-{d}.00" if d else "0.00" for _, _, d in rows],
    )
    assert ("net", "qty", "price", "off") in {
        (p.amount, p.quantity, p.unit_price, p.discount) for p in products(list(table.values()))
    }


def test_a_total_that_is_the_same_on_all_lines_of_an_order_is_the_orders() -> None:
    # Twenty orders of two lines; each has a total of its own.
    order = [str(i // 2) for i in range(40)]
    table = columns(
        order=order,
        repeated=[f"{10 + i // 2}.00" for i in range(40)],
        once=[f"{10 + i // 2}.00" if i % 2 == 0 else "" for i in range(40)],
        line=[f"{10 + i}.00" for i in range(40)],
        flat=["5.00"] * 40,
    )
    said = {name: stands_once_an_order(table["order"], table[name]) for name in ("repeated", "once", "line", "flat")}
    # A shipping fee of 5.00 everywhere is the same within orders, too, but does not differ between them.
    assert said == {"repeated": "repeated", "once": "first line only", "line": "", "flat": ""}


def test_groups_of_one_line_say_nothing() -> None:
    table = columns(order=["a", "b", "c"], customer=["x", "y", "z"])
    assert within(table["order"], table["customer"]).groups == 0


def test_a_price_that_grows_with_the_quantity_is_the_lines() -> None:
    draw = random.Random(1)
    rows = [(i % 8, draw.choice([1, 2, 4])) for i in range(80)]
    table = columns(
        sku=[str(s) for s, _ in rows],
        qty=[str(q) for _, q in rows],
        of_line=[f"{(3 + s) * q}.00" for s, q in rows],
        of_piece=[f"{3 + s}.00" for s, _ in rows],
    )
    assert grows_with(table["of_line"], table["qty"], table["sku"]) == 1.0
    assert grows_with(table["of_piece"], table["qty"], table["sku"]) == 0.0
    # One line a product: nothing to compare.
    assert grows_with(table["of_line"], table["qty"], columns(k=[str(i) for i in range(80)])["k"]) is None


def test_lines_that_add_up_to_the_total_of_the_order_prove_quantity_and_price() -> None:
    # Orders of 2 x 3.00 + 1 x n.00 = (6 + n).00; every second total is wrong.
    orders = range(10)
    table = columns(
        order=[str(n) for n in orders for _ in range(2)],
        qty=["2", "1"] * 10,
        price=[text for n in orders for text in ("3.00", f"{n + 1}.00")],
        total=[f"{7 + n + n % 2}.00" for n in orders for _ in range(2)],
    )
    assert sum_of_order(table["order"], table["qty"], table["price"], table["total"]) == 0.5


@pytest.mark.parametrize(
    ("texts", "proved"),
    [
        (["03/04/2024", "25/12/2024"], ("day first", "25/12/2024")),
        (["03/04/2024", "12/25/2024 10:00"], ("month first", "12/25/2024 10:00")),
        (["13/04/2024", "12/25/2024"], ("both", "13/04/2024; 12/25/2024")),
        (["03/04/2024", "05/06/2024"], ("", "")),
        (["2024-04-03", "2024-12-25"], ("", "")),
    ],
)
def test_only_a_day_above_twelve_proves_an_order(texts: list[str], proved: tuple[str, str]) -> None:
    table = pa.table({"when": texts})
    assert order_of(columns_of(table)[0], table.column(0)) == proved


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("Kunden-Nr.", "customer_id"),
        ("MÜŞTERİ NO", "customer_id"),
        ("N° client", "customer_id"),
        ("كد مشتري", "customer_id"),  # Arabic letter forms
        ("InvoiceDate", "purchased_at"),
        ("order_purchase_timestamp", "purchased_at"),
        ("Belegnummer", "order_id"),
        ("Lineitem sku", "product_id"),
        ("Prix unitaire", "unit_price"),
        ("sales_value", "amount"),
    ],
)
def test_names_of_six_languages_are_known_however_they_are_written(name: str, role: str) -> None:
    assert names_role(name, role) == 1.0


@pytest.mark.parametrize(
    ("name", "role"),
    [("updated_at", "purchased_at"), ("product name", "customer_id"), ("Valid", "order_id"), ("paid", "order_id")],
)
def test_names_that_only_look_alike_are_not_taken(name: str, role: str) -> None:
    assert names_role(name, role) < 0.5


def test_what_is_shown_stays_on_one_line_and_hides_people() -> None:
    assert plain("a\nb\x1b[31m") == "a b [31m"
    assert len(plain("x" * 500)) == 40
    # One character cannot be told from the person.
    assert (masked("7"), masked("17850")) == ("*", "1****")
