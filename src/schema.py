"""The canonical tables: their columns, Arrow types, units and meaning.

In: nothing. Out: constants that every other module agrees on. Money and quantities are DECIMAL(18, 4) in files and
int64 in 1/10,000 inside, so that sums are exact and free of order; instants are UTC microseconds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
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


EVENTS: tuple[Column, ...] = (
    Column("customer_id", pa.string(), True, "whose event; text, never a number"),
    Column("occurred_at", INSTANT, True, "when, as a UTC instant"),
    Column("kind", pa.string(), True, "what happened: visit, email_open, support, ..."),
    Column(
        "initiated_by", pa.string(), True, "`customer` or `company`; what the company does is no feature by default"
    ),
    Column("channel", pa.string(), False, "where it happened"),
    Column("product_id", pa.string(), False, "the product it is about; text"),
    Column("reason", pa.string(), False, "why, in the company's own words, such as broken or late"),
    Column("value", MONEY, False, "a number that goes with it: points, a score, money"),
    Column("cost", MONEY, False, "what it cost the company"),
    Column("known_at", INSTANT, False, "when the row became known"),
)

CUSTOMERS: tuple[Column, ...] = (
    Column("customer_id", pa.string(), True, "who; one row each"),
    Column("joined_at", INSTANT, False, "when the customer joined"),
    Column("acquisition_channel", pa.string(), False, "what brought the customer"),
    Column("acquisition_cost", MONEY, False, "what it cost to win the customer"),
    Column("referred_by", pa.string(), False, "the id of the customer who referred this one"),
)

OFFERS: tuple[Column, ...] = (
    Column("customer_id", pa.string(), True, "who got the offer"),
    Column("offered_at", INSTANT, True, "when, as a UTC instant"),
    Column("offer_id", pa.string(), True, "the offer, coupon or campaign"),
    Column(
        "redeemed_at", INSTANT, False, "when it was redeemed; missing where it was not; an outcome, masked at cutoffs"
    ),
    Column("channel", pa.string(), False, "how it was sent"),
    Column("value", MONEY, False, "what it was worth"),
    Column("known_at", INSTANT, False, "when the row became known"),
)

CONSENT: tuple[Column, ...] = (
    Column("customer_id", pa.string(), True, "whose permission"),
    Column("recorded_at", INSTANT, True, "when it was said"),
    Column("channel", pa.string(), True, "such as email"),
    Column("purpose", pa.string(), True, "marketing or personalisation"),
    Column("status", pa.string(), True, "`granted` or `withdrawn`; the last row wins, none means no"),
)

DECISIONS: tuple[Column, ...] = (
    Column("customer_id", pa.string(), True, "about whom; ids ascend, each once"),
    Column("decision_id", pa.string(), True, "what events refer to: 32 hex digits of campaign, wave and customer"),
    Column("campaign", pa.string(), True, "the campaign's name"),
    Column("as_of", pa.string(), True, "the day of the wave (YYYY-MM-DD), before which all was known"),
    Column("arm", pa.string(), True, "`holdout`, `control`, `explore` or `chosen`; drawn before anything is optimised"),
    Column("meant_offer", pa.string(), True, "what the policy would give, whatever the arm; empty for no offer"),
    Column("meant_channel", pa.string(), True, "and on which channel"),
    Column("offer", pa.string(), True, "what is given; empty for no offer"),
    Column("channel", pa.string(), True, "on which channel; empty for no offer"),
    Column("send_at", INSTANT, False, "when; missing for no offer"),
    Column("valid_until", pa.string(), False, "the last day (YYYY-MM-DD) on which it can be redeemed"),
    Column("propensity", pa.float64(), True, "chance, before the draw, that this customer gets what is given, 0..1"),
    Column("gain_low", pa.float64(), True, "expected incremental profit of what is given, if responses are low"),
    Column("gain", pa.float64(), True, "expected incremental profit of what is given; 0 for no offer"),
    Column("gain_high", pa.float64(), True, "the same, if responses are high"),
    Column("meant_gain", pa.float64(), True, "expected incremental profit of what is meant; 0 for no offer"),
    Column("cost", pa.float64(), True, "expected cost of what is given: contact and redeemed value, in currency"),
    Column("basis", pa.string(), True, "`assumed`, `measured` or `modelled`; empty for no offer"),
    Column("why", pa.string(), True, "why nothing is given; empty where something is"),
    Column("permitted", pa.int64(), False, "bit i is set where the catalogue's option i may be given; of up to 63"),
    Column("expected_spend", pa.float64(), True, "what the model expected of the customer, in currency"),
    Column("p_churn", pa.float64(), True, "and the chance of silence"),
    Column("catalogue", pa.string(), True, "digest of the catalogue"),
    Column("responses", pa.string(), True, "digest of the responses that it was reckoned with"),
    Column("model_version", pa.string(), True, "the version of the model that spoke"),
    Column("run_id", pa.string(), True, "the training that made it"),
    Column(
        "items",
        pa.string(),
        False,
        "products that go with what is given (of those who are given nothing: with what was meant), as a JSON list",
    ),
)
"""One row for every scored customer of a wave, those who get nothing included; it is never changed."""

RESPONSES: tuple[Column, ...] = (
    Column("event_id", pa.string(), True, "the same id twice is the same event"),
    Column("decision_id", pa.string(), True, "what it is about"),
    Column("kind", pa.string(), True, "of `RESPONSE_KINDS`"),
    Column("occurred_at", INSTANT, True, "when, as a UTC instant"),
    Column("value", MONEY, False, "of a redemption: what it took off or cost; of a conversion: what was bought"),
)
"""What happened to decisions."""

RESPONSE_KINDS = (
    "sent",
    "delivered",
    "opened",
    "clicked",
    "redeemed",
    "converted",
    "unsubscribed",
    "complained",
    "rejected",
)

BESIDE: Mapping[str, tuple[Column, ...]] = {
    "events": EVENTS,
    "customers": CUSTOMERS,
    "offers": OFFERS,
    "consent": CONSENT,
}
"""The tables beside the purchases. Rows are sorted by customer, then by `TIME_OF` the table, then by all the rest."""

TIME_OF: Mapping[str, str] = {"events": "occurred_at", "offers": "offered_at", "consent": "recorded_at"}


def table_schema(
    table: str,
    columns: Collection[str],
    attributes: Sequence[str] = (),
    numbers: Sequence[str] = (),
    sensitive: Sequence[str] = (),
) -> pa.Schema:
    """The Arrow schema of a table beside the purchases.

    Parameters
    ----------
    table : {"events", "customers", "offers", "consent"}
    columns : collection of str
        The optional columns that it has; required ones are there anyhow. Order does not matter.
    attributes, numbers, sensitive : sequence of str
        Columns that the user declared, after the canonical ones: text, DECIMAL(18, 4), text.

    Examples
    --------
    >>> table_schema("customers", {"joined_at"}, attributes=["town"]).names
    ['customer_id', 'joined_at', 'town']
    """
    fields = [pa.field(c.name, c.type) for c in BESIDE[table] if c.required or c.name in columns]
    declared = ((attributes, pa.string()), (numbers, MONEY), (sensitive, pa.string()))
    return pa.schema(fields + [pa.field(name, kind) for names, kind in declared for name in names])


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
