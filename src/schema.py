"""The canonical tables: their columns, Arrow types, units and meaning.

In: nothing. Out: constants that every other module agrees on. Money and quantities are DECIMAL(18, 4) in files and
int64 in 1/10,000 inside, so that sums are exact and free of order; instants are UTC microseconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

SCALE = 10_000
"""Money and quantities are held as integers of 1/SCALE."""

MONEY = pa.decimal128(18, 4)
INSTANT = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True)
class Column:
    """One column of a canonical table.

    Examples
    --------
    >>> PURCHASES[0].name, PURCHASES[0].required
    ('customer_id', True)
    """

    name: str
    type: pa.DataType
    required: bool
    meaning: str


PURCHASES: tuple[Column, ...] = (
    Column("customer_id", pa.string(), True, "who bought; text, never a number"),
    Column("purchased_at", INSTANT, True, "when, as a UTC instant"),
    Column("order_id", pa.string(), True, "the order; without one, customer and local day"),
    Column("amount", MONEY, True, "net money the seller receives for the line; negative for a return"),
    Column("quantity", MONEY, False, "how many"),
    Column("product_id", pa.string(), False, "what was bought; text"),
    Column("category", pa.string(), False, "the product's category"),
    Column("discount", MONEY, False, "money taken off the line, >= 0"),
    Column("cost", MONEY, False, "what the line cost the seller"),
    Column("channel", pa.string(), False, "where it was bought"),
    Column("known_at", INSTANT, False, "when the row became known"),
)


def purchases_schema(columns: tuple[str, ...]) -> pa.Schema:
    """The Arrow schema of a ledger that has the given canonical columns, in canonical order.

    Examples
    --------
    >>> purchases_schema(("customer_id", "purchased_at", "order_id", "amount")).names
    ['customer_id', 'purchased_at', 'order_id', 'amount']
    """
    return pa.schema([pa.field(c.name, c.type) for c in PURCHASES if c.name in columns])


@dataclass(frozen=True)
class Rules:
    """What must travel with purchases so that everyone counts them alike.

    Parameters
    ----------
    timezone : str
        The business time zone (IANA name).
    returns : str
        ``net``: spend is the signed sum; ``separate``: spend counts positive lines only; ``drop``: returns left out.
    count_free : bool
        Whether an order of zero money is a purchase.

    Examples
    --------
    >>> Rules("UTC").returns
    'net'
    """

    timezone: str
    returns: str = "net"
    count_free: bool = False
