"""The tables of `[data]` as a user describes them: where each is, and which of its columns is what.

In: the keys of one TOML section. Out: frozen settings whose `roles()` name the column behind every role. A section that
contradicts itself, and a setting that would do nothing, is an error. Nothing is opened here.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from .clock import Zone

LABEL, NUMBER, SENSITIVE = "label_", "number_", "sensitive_"
"""How the roles of declared columns begin: `label_0` is the first of `attributes`, `number_0` that of `numbers`."""

Twins = Literal["overlap", "keep", "drop"]
_TWINS = "what becomes of lines that stand twice: blocks that two files share are merged, all are kept, or dropped"


class Section(BaseModel):
    """Settings that cannot be changed, with no room for an unknown key."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, validate_default=True)


class TableSection(Section):
    """Where a table is, and how its texts are to be read."""

    LABELS: ClassVar[tuple[str, ...]] = ()
    NUMBERS: ClassVar[tuple[str, ...]] = ()
    TIMES: ClassVar[tuple[str, ...]] = ()

    path: str | None = Field(
        default=None, description="CSV, Parquet, a folder or a glob; relative to the configuration file"
    )
    url: str | None = Field(
        default=None,
        repr=False,
        description="a database: sqlite:///file, duckdb:///file, postgresql://user@host/database, or any SQLAlchemy "
        "URL; ${NAME} in it, such as a password, is taken from the environment; PostgreSQL's can also stand in "
        "PGPASSWORD or ~/.pgpass",
    )
    table: str | None = Field(default=None, description="the table or view behind `url`, as `name` or `schema.name`")
    sheets: tuple[str, ...] = Field(default=(), description="of an Excel file: the sheets; one sheet needs no name")
    encoding: str | None = Field(default=None, description="of text files: default UTF-8, or UTF-16 with its mark")
    customer_id: str = Field(description="column of the customer's id; read as text")
    naive_timezone: str | None = Field(default=None, description="zone of stamps without one; default: data.timezone")
    day_first: bool | None = Field(
        default=None, description="how 03/04/2024 is to be read, when the data cannot prove it"
    )
    decimal: Literal[".", ","] | None = Field(default=None, description="decimal sign, when the data cannot prove it")
    max_bad_share: float = Field(default=0.01, ge=0, le=1, description="share of lines that may be quarantined")

    def roles(self) -> dict[str, str]:
        """The source column of every mapped role: labels first, then numbers, then times."""
        columns = {role: getattr(self, role) for role in (*self.LABELS, *self.NUMBERS, *self.TIMES)}
        return {role: column for role, column in columns.items() if column is not None}

    def extras(self) -> dict[str, str]:
        """The declared columns beyond the contract, by role; none but for customers."""
        return {}

    @model_validator(mode="after")
    def _coherent_source(self) -> Self:
        if self.path and self.url:
            raise ValueError("give `path` or `url`, not both")
        if (self.url is None) != (self.table is None):
            raise ValueError("`url` and `table` go together")
        for key in ("sheets", "encoding"):
            if self.url is not None and getattr(self, key):
                raise ValueError(f"`{key}` does nothing beside `url`; leave one out")
        if self.naive_timezone is not None:
            Zone(self.naive_timezone)
        roles = self.roles()
        if not any(role in roles for role in self.TIMES):
            for key in ("naive_timezone", "day_first"):
                if getattr(self, key) is not None:
                    raise ValueError(f"`{key}` does nothing: no column of times is mapped")
        if self.decimal is not None and not any(r in roles for r in self.NUMBERS) and not any_number(roles):
            raise ValueError("`decimal` does nothing: no column of numbers is mapped")
        return self


def any_number(roles: dict[str, str]) -> bool:
    """Whether a declared column of numbers is among the roles.

    Examples
    --------
    >>> any_number({"customer_id": "id", "number_0": "income"})
    True
    """
    return any(role.startswith(NUMBER) for role in roles)


class PurchasesConfig(TableSection):
    """Where the purchases are and which of their columns is what."""

    LABELS = ("customer_id", "order_id", "product_id", "category", "channel", "transaction_id", "currency")
    NUMBERS = ("amount", "quantity", "unit_price", "discount", "cost")
    TIMES = ("purchased_at", "known_at")

    purchased_at: str = Field(description="column of the time of purchase")
    order_id: str | None = Field(default=None, description="column of the order; without it, customer and local day")
    transaction_id: str | None = Field(
        default=None,
        description="column of an id that is the line's own: the same id twice is one line, or a correction",
    )
    currency: str | None = Field(default=None, description="column of the line's currency, as EUR")
    rates: dict[str, str] = Field(
        default_factory=dict, description="what one unit of each foreign currency is in the ledger's, as decimal text"
    )
    amount: str | None = Field(
        default=None, description="column of the net money of the line; or give quantity and unit_price"
    )
    quantity: str | None = None
    unit_price: str | None = None
    product_id: str | None = None
    category: str | None = None
    discount: str | None = None
    cost: str | None = None
    channel: str | None = None
    known_at: str | None = Field(default=None, description="column of when the row became known")
    returns: Literal["net", "separate", "drop"] = "net"
    duplicates: Twins = Field(default="overlap", description=_TWINS)
    count_free: bool = Field(default=False, description="whether an order of zero money is a purchase")
    canonical: bool = Field(
        default=False, description="the files are Parquet in the types of regulars.schema: nothing is cast or set aside"
    )

    @model_validator(mode="after")
    def _coherent_if_canonical(self) -> PurchasesConfig:
        if not self.canonical:
            return self
        if self.path is None or self.order_id is None or self.amount is None:
            raise ValueError("`canonical` needs `path`, `order_id` and `amount`")
        idle = ("naive_timezone", "day_first", "decimal", "max_bad_share", "transaction_id", "currency", "rates")
        for name in (n for n in idle if n in self.model_fields_set):
            raise ValueError(f"`{name}` does nothing beside `canonical`; leave one out")
        if "duplicates" in self.model_fields_set and self.duplicates != "keep":
            raise ValueError('canonical lines are all kept; `duplicates` can only be "keep"')
        return self

    @model_validator(mode="after")
    def _coherent(self) -> PurchasesConfig:
        if self.amount is None and (self.quantity is None or self.unit_price is None):
            raise ValueError("give `amount`, or both `quantity` and `unit_price`")
        if self.amount is not None and self.unit_price is not None:
            raise ValueError("`unit_price` does nothing beside `amount`; leave one out")
        if self.rates and self.currency is None:
            raise ValueError("`rates` does nothing: no column of currencies is mapped; give `currency`, too")
        self.rates_by_code()
        return self

    def rates_by_code(self) -> dict[str, Decimal]:
        """What one unit of each foreign currency is worth, by code in capitals.

        Examples
        --------
        >>> given = {"customer_id": "c", "purchased_at": "d", "amount": "a", "currency": "cur"}
        >>> PurchasesConfig(**given, rates={"usd ": "0.92"}).rates_by_code()
        {'USD': Decimal('0.92')}
        """
        found: dict[str, Decimal] = {}
        for name, text in self.rates.items():
            code = name.strip().upper()
            if not code or code in found:
                raise ValueError(f"`rates` names the currency `{name}` twice, or not at all")
            if not re.fullmatch(r"[0-9]+([.][0-9]+)?", text) or not Decimal(text):
                raise ValueError(f'the rate of {code} is `{text}`; needed is a positive number as text, such as "0.92"')
            found[code] = Decimal(text)
        return found


class EventsConfig(TableSection):
    """What customers did, and what was done to them, beside buying: visits, e-mails, surveys, complaints."""

    LABELS = ("customer_id", "kind", "channel", "initiated_by", "product_id", "reason")
    NUMBERS = ("value", "cost")
    TIMES = ("occurred_at", "known_at")

    occurred_at: str = Field(description="column of the time of the event")
    kind: str | None = Field(default=None, description="column of what happened, such as visit or email_open")
    all_of_kind: str | None = Field(default=None, min_length=1, description="the kind of every line, without a column")
    channel: str | None = Field(default=None, description="column of where it happened")
    product_id: str | None = Field(default=None, description="column of the product that it is about; read as text")
    reason: str | None = Field(default=None, description="column of why, such as broken or late; read as text")
    value: str | None = Field(
        default=None, description="column of a number that goes with it, such as points or a score"
    )
    cost: str | None = Field(default=None, description="column of what it cost the company")
    initiated_by: str | None = Field(default=None, description="column that says `customer` or `company`")
    company_initiated: tuple[str, ...] = Field(
        default=(), description="kinds that the company initiates, such as email_sent; no features by default"
    )
    known_at: str | None = Field(default=None, description="column of when the row became known")
    duplicates: Twins = Field(default="overlap", description=_TWINS)

    @model_validator(mode="after")
    def _coherent(self) -> EventsConfig:
        _one_of(self, "kind", "all_of_kind")
        if self.initiated_by is not None and self.company_initiated:
            raise ValueError("`company_initiated` does nothing beside `initiated_by`; leave one out")
        if self.all_of_kind is not None and set(self.company_initiated) - {self.all_of_kind}:
            raise ValueError(f"every line is of kind `{self.all_of_kind}`; `company_initiated` names another")
        if not all(kind.strip() for kind in self.company_initiated):
            raise ValueError("`company_initiated` holds an empty name")
        return self


class CustomersConfig(TableSection):
    """What is known of each customer, one row a customer."""

    LABELS = ("customer_id", "acquisition_channel", "referred_by")
    NUMBERS = ("acquisition_cost",)
    TIMES = ("joined_at",)

    joined_at: str | None = Field(default=None, description="column of when the customer joined")
    acquisition_channel: str | None = Field(default=None, description="column of what brought the customer")
    acquisition_cost: str | None = Field(default=None, description="column of what it cost to win the customer")
    referred_by: str | None = Field(default=None, description="column of the id of the customer who referred this one")
    attributes: tuple[str, ...] = Field(default=(), description="further columns, read as text; features")
    numbers: tuple[str, ...] = Field(default=(), description="further columns of numbers, to four decimals; features")
    sensitive: tuple[str, ...] = Field(
        default=(), description="columns that are never a feature, such as gender; kept as text to judge fairness by"
    )

    def roles(self) -> dict[str, str]:
        """The source column of every role, the declared columns among them."""
        return {**super().roles(), **self.extras()}

    def extras(self) -> dict[str, str]:
        """`attributes`, `numbers` and `sensitive`, in this order."""
        named = ((LABEL, self.attributes), (NUMBER, self.numbers), (SENSITIVE, self.sensitive))
        return {f"{begin}{i}": column for begin, columns in named for i, column in enumerate(columns)}

    @model_validator(mode="after")
    def _coherent(self) -> CustomersConfig:
        mapped = {column: role for role, column in super().roles().items()}
        extras = tuple(self.extras().values())
        for column in self.sensitive:
            read_as = mapped.get(column) or next(
                (n for n in ("attributes", "numbers") if column in getattr(self, n)), ""
            )
            if read_as:
                raise ValueError(f"column `{column}` is sensitive and is read as `{read_as}`; it can be one only")
        taken = {role.casefold() for role in (*self.LABELS, *self.NUMBERS, *self.TIMES)}
        for i, column in enumerate(extras):
            if column.casefold() in {c.casefold() for c in (*mapped, *extras[:i])}:
                raise ValueError(f"column `{column}` is named twice; name it once")
            if column.casefold() in taken:
                raise ValueError(f"column `{column}` has a meaning of its own; map it by a key of this name")
        return self


class OffersConfig(TableSection):
    """Which offer went to whom and when, and whether it was redeemed."""

    LABELS = ("customer_id", "offer_id", "channel")
    NUMBERS = ("value",)
    TIMES = ("offered_at", "redeemed_at", "known_at")

    offer_id: str = Field(description="column of the offer, coupon or campaign; read as text")
    offered_at: str = Field(description="column of when it was sent")
    redeemed_at: str | None = Field(default=None, description="column of when it was redeemed; empty where it was not")
    channel: str | None = Field(default=None, description="column of how it was sent")
    value: str | None = Field(default=None, description="column of what it was worth, in money")
    known_at: str | None = Field(default=None, description="column of when the row became known")
    duplicates: Twins = Field(default="overlap", description=_TWINS)


class ConsentConfig(TableSection):
    """Who may be written to, through which channel and for which purpose; the last row wins, none means no."""

    LABELS = ("customer_id", "channel", "purpose", "status")
    TIMES = ("recorded_at",)

    channel: str | None = Field(default=None, description="column of the channel, such as email")
    all_of_channel: str | None = Field(default=None, min_length=1, description="the channel of every line")
    purpose: str | None = Field(default=None, description="column of the purpose: marketing or personalisation")
    all_of_purpose: str | None = Field(default=None, min_length=1, description="the purpose of every line")
    status: str = Field(description="column of whether it was granted or withdrawn")
    recorded_at: str = Field(description="column of when it was said")
    granted: tuple[str, ...] = Field(
        default=(), description="the words of `status` that mean yes, all others no; default: a list of plain words"
    )
    # A withdrawal that cannot be read must not be passed over.
    max_bad_share: float = Field(default=0.0, ge=0, le=1, description="share of lines that may be quarantined")

    @model_validator(mode="after")
    def _coherent(self) -> ConsentConfig:
        _one_of(self, "channel", "all_of_channel")
        _one_of(self, "purpose", "all_of_purpose")
        return self


def listed(value: Any) -> Any:
    """One section or a list of them, as a list."""
    return (value,) if isinstance(value, dict | TableSection) else value


def _one_of(section: TableSection, column: str, constant: str) -> None:
    if (getattr(section, column) is None) == (getattr(section, constant) is None):
        raise ValueError(f"give `{column}` (a column) or `{constant}` (one text for all lines), and not both")
