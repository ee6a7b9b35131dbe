"""What a table of purchases is thought to be: which column plays which role, and what must be said beside.

In: a `Sample`. Out: a `Guess` with a reason and a confidence for everything in it, warnings, and what is missing. Names
speak first, contents must agree, and what can be proved (sums, orders of one customer) counts most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ...errors import ConfigError, did_you_mean
from ...sections import PurchasesConfig
from .columns import Column
from .look import Sample
from .relations import per_group, within
from .roles import (
    LIKELY,
    SAID,
    SURE,
    UNSURE,
    Candidate,
    Choice,
    Guess,
    Setting,
    chosen,
    is_measure,
    is_time,
    labels,
    shown,
    times,
    usable,
)
from .sums import Money, money_of
from .words import NAMES, names_role, words_of
from .writings import currency_of, written_settings

ROLES = (*PurchasesConfig.LABELS, *PurchasesConfig.NUMBERS, *PurchasesConfig.TIMES, "transaction_id", "currency")
_STOPPED = frozenset(
    words_of(
        "cancel cancelled canceled refunded refund failed void voided chargeback declined rejected pending abandoned "
        "unpaid storniert abgebrochen erstattet annule annulee rembourse cancelado anulado devuelto reembolsado iptal "
        "iade لغو مرجوع returned expired"
    )
)


def guess_purchases(sample: Sample, said: Mapping[str, str] | None = None) -> Guess:
    """What the columns of a sample of purchases are.

    Parameters
    ----------
    sample : Sample
    said : mapping of str to str, optional
        Roles whose column the user has named.

    Examples
    --------
    >>> import pyarrow as pa
    >>> table = pa.table({"Customer": ["a", "b", "a"], "Date": ["2024-01-31"] * 3, "Total": ["9.90", "5.00", "7.10"]})
    >>> guess_purchases(Sample({"path": "x.csv"}, table, True)).column("amount")
    'Total'
    """
    columns = usable(sample.columns)
    return _Purchases(columns, sample, said_choices(said or {}, columns, ROLES)).guess()


def said_choices(said: Mapping[str, str], columns: Sequence[Column], roles: Sequence[str]) -> list[Choice]:
    """What the user has said, as choices; a role or a column that there is not is refused."""
    by_name = {c.name: c for c in columns}
    for role, column in said.items():
        if role not in roles:
            raise ConfigError(f"`{role}` is no role of this table", do=did_you_mean(role, roles), code="RG203")
        if column not in by_name:
            raise ConfigError(f"there is no column `{column}`", do=did_you_mean(column, by_name), code="RG203")
    return [Choice(role, name, SAID, "you said so", shown(by_name[name], role)) for role, name in said.items()]


@dataclass
class _Purchases:
    columns: Sequence[Column]
    sample: Sample
    choices: list[Choice]
    warnings: list[str] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.by_name = {c.name: c for c in self.columns}

    def guess(self) -> Guess:
        self._when()
        self._who_and_order()
        self._label("product_id", 2)
        self._label("category", 2)
        self._label("channel", 2)
        money = self._money()
        self._line_id()
        settings = [*money.settings, *self._currency(), *written_settings(self.sample, self.by_name, self.choices)]
        returns = self._returns()
        data = [*currency_of(self.by_name, self.choices, self.columns), *money.data]
        self._statuses()
        kept = sorted(self.choices, key=lambda c: _ORDER.index(c.role))
        missing = [role for role in ("customer_id", "purchased_at") if not self._has(role)]
        missing += [] if self._has("amount") or (self._has("quantity") and self._has("unit_price")) else ["amount"]
        return Guess(
            "purchases",
            tuple(kept),
            (*settings, *returns),
            tuple(data),
            tuple(self.warnings),
            self.left,
            tuple(missing),
        )

    def _has(self, role: str) -> bool:
        return any(c.role == role for c in self.choices)

    def _column(self, role: str) -> Column | None:
        return next((self.by_name.get(c.column) for c in self.choices if c.role == role), None)

    def _free(self) -> list[Column]:
        taken = {c.column for c in self.choices}
        return [c for c in self.columns if c.name not in taken]

    def _choose(self, role: str, candidates: Sequence[Candidate], why: str = "", confidence: str = "") -> None:
        if candidates and not self._has(role):
            self.choices.append(chosen(role, candidates, why, confidence))

    def _when(self) -> None:
        found = times(self._free(), "purchased_at")
        good = [c for c in found if c.score > 0.2]
        if good:
            only = len([c for c in found if is_time(c.column)]) == 1 and good[0].name < 0.6
            self._choose("purchased_at", good, "the only column of times" if only else "", LIKELY if only else "")
        known = [c for c in times(self._free(), "known_at") if c.name >= 0.95]
        self._choose("known_at", known)
        when = self._column("purchased_at")
        if when is None:
            return
        if when.years and when.years[0] >= 1300 and when.years[1] <= 1450:
            self.warnings.append(
                f"`{when.name}` counts years as {when.years[0]}: a solar (Jalali) or lunar calendar. Write the column "
                "in the Gregorian calendar, as YYYY-MM-DD, or every line is set aside"
            )
        clock = [c for c in self._free() if "time" in words_of(c.name) and c.samples and ":" in c.samples[0]]
        if clock and not when.format.startswith("times") and not any(":" in s for s in when.samples):
            self.left[clock[0].name] = f"the time of day, apart from the day in `{when.name}`; join them to use it"

    def _who_and_order(self) -> None:
        """The customer, and the order: the values of an order belong to one customer."""
        customers, orders = self._customers(), labels(self._free(), "order_id")
        orders = [c for c in orders if not c.column.constant and c.column.share_filled > 0.5 and self._plausible(c)]
        customers, why = self._not_of_one_order(customers, orders)
        self._choose("customer_id", customers, why)
        who = self._column("customer_id")
        if who is None:
            self._choose("order_id", orders)
            return
        self._tell_customer(who)
        fit = [(c, within(c.column, who)) for c in orders if c.column is not who]
        good = [c for c, g in fit if g.alone >= 0.97 or g.groups == 0]
        if good:
            top = good[0].column
            proved = within(top, who).groups >= 5
            self._choose("order_id", good, "its lines always have one customer" if proved else "")
        elif fit:
            self.left[fit[0][0].column.name] = "named like an order, but its lines have different customers"

    def _plausible(self, candidate: Candidate) -> bool:
        """A column called only `Name` or `id` is an order's when its values look like numbers of orders."""
        words, column = words_of(candidate.column.name), candidate.column
        if words == ("name",):
            return column.letters < 0.2 or all("#" in s for s in column.samples)
        return "name" not in words or names_role(candidate.column.name, "order_id") == 1

    def _customers(self) -> list[Candidate]:
        found = []
        for c in labels(self._free(), "customer_id", least=0.1):
            if c.column.constant:
                continue
            bare = words_of(c.column.name) == ("id",)
            if bare and c.column.unique:
                continue
            score = c.score - 0.25 * (c.column.unique and c.column.rows >= 20) - 0.1 * (c.column.top > 0.5)
            score -= 0.15 * ("name" in words_of(c.column.name))
            found.append(replace(c, score=score))
        if not found:
            found = [Candidate(c, 0.5, 0.5) for c in self._free() if c.emails >= 0.9]
        if not found:
            found = self._repeating()
        return sorted(found, key=lambda c: -c.score)

    def _repeating(self) -> list[Candidate]:
        """Columns of codes without a telling name whose values come back, as customers do."""
        known = [
            role for role in NAMES if role not in ("customer_id", "kind", "value", "consent", "acquisition_channel")
        ]
        found = []
        for c in self._free():
            named = max(names_role(c.name, role) for role in known)
            again = c.filled / max(c.distinct, 1)
            if (
                named < 0.5
                and not is_time(c)
                and not is_measure(c)
                and not c.unique
                and c.distinct >= 3
                and again < 200
            ):
                codes = c.letters < 1 or all(" " not in s for s in c.samples)
                found.append(Candidate(c, 0.0, 0.1 + 0.1 * codes + 0.1 * (c.distinct > c.filled * 0.05)))
        return [c for c in found if c.score > 0.25]

    def _not_of_one_order(self, customers: list[Candidate], orders: list[Candidate]) -> tuple[list[Candidate], str]:
        """Where the best-named customer is new in every order and another comes back, it is the other one."""
        if not customers or not orders:
            return customers, ""
        best, order = customers[0], orders[0].column
        if best.column.filled < 20 or best.column is order or per_group(best.column, order) > 1.001:
            return customers, ""
        for other in customers[1:]:
            if (
                other.name >= 0.6
                and per_group(other.column, order) > 1.001
                and per_group(best.column, other.column) < 1.01
            ):
                rest = [c for c in customers if c not in (best, other)]
                why = f"`{best.column.name}` is new in every order, this one comes back"
                return [replace(other, name=1.0, score=best.score + 0.5), *rest], why
        return customers, ""

    def _tell_customer(self, who: Column) -> None:
        if who.emails > 0.5:
            self.warnings.append(
                f"customers are told apart by their e-mail addresses (`{who.name}`): personal data, and one person may "
                "have two; an id is better, or pseudonyms = true under [privacy]"
            )
        elif {"name", "phone", "telefon", "mobile", "نام", "تلفن"} & set(words_of(who.name)):
            self.warnings.append(f"`{who.name}` is personal, and two people can share it; an id is better")
        if who.unique and who.rows >= 20:
            self.warnings.append(f"no value of `{who.name}` comes back in the sample: is it the customer's id?")
        if who.share_filled < 0.9:
            self.warnings.append(
                f"{1 - who.share_filled:.0%} of the sampled lines have no `{who.name}`: they are set aside as guests"
            )

    def _label(self, role: str, least: int) -> None:
        found = [c for c in labels(self._free(), role) if c.column.distinct >= least and c.column.emails == 0]
        if role == "channel":
            found = [c for c in found if c.column.distinct <= 500]
        self._choose(role, found)

    def _money(self) -> Money:
        money = money_of(self._free(), self._column("order_id"), self._column("product_id"))
        said = {c.role for c in self.choices}
        if said & {"amount"}:
            money.choices = [c for c in money.choices if c.role not in ("amount", "unit_price")]
        self.choices += [c for c in money.choices if c.role not in said]
        if money.whole_orders:
            drop = ("product_id", "category", "channel")
            self.left |= {c.column: "of the line, which is not counted" for c in self.choices if c.role in drop}
            self.choices = [c for c in self.choices if c.role not in drop]
        self.warnings += money.warnings
        self.left |= money.left
        return money

    def _line_id(self) -> None:
        """An id of the line, where it is one and is not the order's."""
        order = self._column("order_id")
        found = [
            c for c in labels(self._free(), "transaction_id") if c.column.unique and c.column.filled == c.column.rows
        ]
        if found and (order is None or not order.unique):
            self._choose("transaction_id", found, "no value stands twice in the sample")

    def _currency(self) -> list[Setting]:
        """The column of the currency, where lines are in several."""
        column = self._currency_column()
        if column is None or column.constant:
            return []
        found = [Candidate(column, names_role(column.name, "currency"), 1.0)]
        self._choose("currency", found, f"{column.distinct} currencies")
        main, *others = [value for value, _ in column.listed]
        rates = dict.fromkeys(others, "")
        self.warnings.append(
            f"`{column.name}` holds {', '.join(value for value, _ in column.listed[:5])}: put what one unit of each is "
            f"in {main} into `rates` before you trust any sum"
        )
        return [Setting("rates", rates, UNSURE, f'what one unit of each is in {main}, such as "0.92"')]

    def _currency_column(self) -> Column | None:
        found = [c for c in labels(self._free(), "currency") if c.column.codes >= 0.9 and c.column.listed]
        return found[0].column if found else None

    def _returns(self) -> list[Setting]:
        amount, quantity = self._column("amount"), self._column("quantity")
        column = amount or quantity
        order = self._column("order_id")
        if column is None or not np.isfinite(column.values).any() or not column.negative:
            return []
        why = f"{column.negative:.1%} of the sampled `{column.name}` are below zero"
        if order is not None:
            below = column.values < 0
            marked = [order.keys[i] for i in np.flatnonzero(below)[:200]]
            letters = {_first_letter(order, int(key)) for key in marked} - {""}
            if len(letters) == 1:
                why += f", on orders that begin with {letters.pop()}"
        return [
            Setting("returns", "net", SURE, why + "; they are taken off what the customer spent", ("separate", "drop"))
        ]

    def _statuses(self) -> None:
        for c in labels(self._free(), "status"):
            stopped = [(v, n) for v, n in c.column.listed if _STOPPED & set(words_of(v)) or _is_flag(c.column.name, v)]
            if stopped and c.column.distinct > 1:
                told = ", ".join(f"{value} ({count})" for value, count in stopped[:4])
                self.warnings.append(
                    f"`{c.column.name}` holds {told}: these lines count as purchases; leave them out of the source, or "
                    "give them a negative amount"
                )
            if c.name >= 0.95:
                self.left.setdefault(c.column.name, "what became of the order")


def _is_flag(name: str, value: str) -> bool:
    return bool({"cancelled", "refunded"} & set(words_of(name))) and value.casefold() in ("1", "true", "yes")


def _first_letter(order: Column, key: int) -> str:
    text = order.words[key].as_py() if key >= 0 else ""
    return text[:1] if text[:1].isalpha() else ""


_ORDER = (
    "customer_id",
    "purchased_at",
    "order_id",
    "transaction_id",
    "amount",
    "quantity",
    "unit_price",
    "discount",
    "cost",
    "currency",
    "product_id",
    "category",
    "channel",
    "known_at",
)
