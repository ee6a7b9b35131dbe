"""What each customer did, and the ids themselves: who is no person, and which ids were damaged on the way.

In: stretches. Out: counts by customer and findings. An id is never in a finding: customers are counted, and the one
that stands for many is masked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..clock import Cutoff
from ..errors import masked
from ..features.lines import Int64
from .finding import Finding, Severity, said
from .stretch import Stretch
from .tallies import Largest

_TEST = r"(?i)^[\W_]*(test|dummy|demo|sample|fake|example|asdf|qwerty|mustermann|john ?doe)([\W_\d]|$)"
_NOBODY = (
    r"(?i)^[\W_]*(guest([\W_]?(user|account|checkout))?|anonymous|anon|unknown|unbekannt|none|null|nan|na|n/a|"
    r"walk ?-?in|"
    r"cash|default|no ?(name|id|customer)|not set|undefined|0+|9{3,}|1{4,}|-1|123456\d*)[\W_]*$"
)
SCIENTIFIC = r"^\d(\.\d+)?[eE]\+\d{2,}$"
_DECIMAL = r"^\d+\.0+$"
DAMAGED = (
    "\ufffd|\u00c3[\u0080-\u00bf\u0192\u201a-\u2122]|\u00c2[\u00a0-\u00bf]|\u00e2\u20ac|"
    "[\u00d8\u00d9][\u0081-\u00bf\u2026]|\\?{3,}"
)
"""What is left of texts that were read in the wrong encoding."""

_SCREEN = "|".join(f"({pattern})" for pattern in (_TEST[4:], _NOBODY[4:], SCIENTIFIC, _DECIMAL, DAMAGED))
MOST = 30


class People:
    """Counts by customer."""

    def __init__(self) -> None:
        self.n = 0
        self._purchases: list[Int64] = []
        self._bought_days: list[Int64] = []
        self._named: dict[int, str] = {}
        self._odd: list[tuple[str, int, int, int]] = []
        self.by_orders = Largest(MOST, "customer", "lines", "money")
        self.busiest = Largest(MOST, "customer", "day")
        self.early_returns, self.early_money = 0, 0

    def add(self, stretch: Stretch) -> None:
        """Take in a stretch."""
        n, orders = stretch.lines.n_customers, stretch.orders
        lines = np.diff(stretch.lines.starts)
        money = np.add.reduceat(stretch.amount, stretch.lines.starts[:-1]) if n else np.zeros(0, np.int64)
        customer, day, in_a_day = stretch.bought_days
        number = self.n + np.arange(n)
        all_orders = np.bincount(orders.customer, minlength=n)
        self._purchases.append(np.bincount(customer, weights=in_a_day, minlength=n).astype(np.int64))
        self._bought_days.append(np.bincount(customer, minlength=n))
        self.by_orders.add(all_orders, number, lines, money)
        self.busiest.add(in_a_day, number[customer], day)
        self._name(stretch)
        self._screen(stretch, all_orders, lines, money)
        self._returned_first(stretch)
        self.n += n

    def _name(self, stretch: Stretch) -> None:
        """Keep the ids of the few that may be spoken of."""
        of_interest = {*self.by_orders.column("customer").tolist(), *self.busiest.column("customer").tolist()}
        self._named = {i: name for i, name in self._named.items() if i in of_interest}
        for i in of_interest:
            if i >= self.n:
                self._named[i] = str(stretch.lines.customer_ids[i - self.n])

    def _screen(self, stretch: Stretch, orders: Int64, lines: Int64, money: Int64) -> None:
        names = pa.array(stretch.lines.customer_ids, pa.string())
        odd = np.flatnonzero(pc.match_substring_regex(names, _SCREEN, ignore_case=True).to_numpy(zero_copy_only=False))
        self._odd += [(names[int(i)].as_py(), int(orders[i]), int(lines[i]), int(money[i])) for i in odd]

    def _returned_first(self, stretch: Stretch) -> None:
        """Count returned lines of customers who have not bought anything before."""
        back = np.flatnonzero(stretch.amount < 0)
        if not len(back):
            return
        sold = np.concatenate([[0], np.cumsum(stretch.amount > 0)])
        before = sold[back] - sold[stretch.lines.starts[stretch.customer[back]]]
        early = back[before == 0]
        self.early_returns += len(early)
        self.early_money += int(stretch.amount[early].sum())

    @property
    def purchases(self) -> Int64:
        """How many purchases each customer made."""
        return np.concatenate([np.zeros(0, np.int64), *self._purchases])

    @property
    def bought_days(self) -> Int64:
        """On how many days each customer bought."""
        return np.concatenate([np.zeros(0, np.int64), *self._bought_days])

    def findings(self, n_lines: int, n_orders: int) -> Iterator[Finding]:
        """What is odd about customers."""
        yield from self._nobodies(n_lines, n_orders)
        yield from self._busy()
        yield from self._damaged_ids()
        if self.early_returns:
            yield Finding(
                "return_without_purchase",
                Severity.NOTE,
                f"{said(self.early_returns, 'returned line', 'returned lines')} of customers who had bought nothing "
                "before in these data",
                self.early_returns,
                self.early_money,
                do="usual where the data begin in the middle of a shop's life; they count on the day they were made",
            )

    def _nobodies(self, n_lines: int, n_orders: int) -> Iterator[Finding]:
        tests = [row for row in self._odd if re.search(_TEST, row[0])]
        if tests:
            yield Finding(
                "test_customers",
                Severity.SUSPICIOUS,
                f"{said(len(tests), 'customer is', 'customers are')} named like a test, with "
                f"{said(sum(row[2] for row in tests), 'line', 'lines')}",
                len(tests),
                sum(row[3] for row in tests),
                tuple(masked(row[0]) for row in tests[:3]),
                "leave their lines out of the source",
            )
        often = 5 * self._usual_orders(0.95)
        for name, orders, lines, money in self._odd:
            if re.search(_NOBODY, name) and orders > max(20, often, 0.002 * n_orders):
                share = max(orders / n_orders, lines / n_lines)
                yield Finding(
                    "default_customer",
                    Severity.SERIOUS if share > 0.2 else Severity.SUSPICIOUS,
                    "one customer has an id like those given to nobody in particular and holds "
                    f"{orders / n_orders:.1%} of the orders",
                    lines,
                    money,
                    (masked(name),),
                    "make the id empty in the source, so that its lines count as guests",
                )
        yield from self._giant_customer(self._usual_orders(0.99), n_orders)

    def _usual_orders(self, share: float) -> float:
        purchases = self.purchases
        return float(np.quantile(purchases, share)) if len(purchases) else 0.0

    def _giant_customer(self, usual: float, n_orders: int) -> Iterator[Finding]:
        if self.n < 100:
            return
        by = self.by_orders
        for rank, orders in enumerate(by.keys[:3].tolist()):
            name = self._named[int(by.column("customer")[rank])]
            if orders > max(0.05 * n_orders, 20 * usual, 100) and not re.search(_NOBODY, name):
                share = orders / n_orders
                yield Finding(
                    "giant_customer",
                    Severity.SERIOUS if share > 0.2 else Severity.SUSPICIOUS,
                    f"one customer holds {share:.1%} of all orders, {orders / max(usual, 1):,.0f} times as many as "
                    "99 % of the others: an account for many people?",
                    orders,
                    int(by.column("money")[rank]),
                    (masked(name),),
                    "make the id empty in the source if it is no person, so that its lines count as guests",
                )

    def _busy(self) -> Iterator[Finding]:
        most = self.busiest
        odd = np.flatnonzero(most.keys >= 25)
        if len(odd):
            who = len(np.unique(most.column("customer")[odd]))
            yield Finding(
                "busy_customer",
                Severity.SUSPICIOUS,
                f"{said(who, 'customer', 'customers')} made up to {int(most.keys[0])} purchases on one day: "
                "a test, a till, or a reseller?",
                who,
                examples=tuple(f"{int(most.keys[i])} on {Cutoff(int(most.column('day')[i]))}" for i in odd[:3]),
                do="look whether these are persons; if not, make the id empty",
            )

    def _damaged_ids(self) -> Iterator[Finding]:
        kinds = (
            ("scientific_ids", SCIENTIFIC, "look like numbers that a spreadsheet shortened, as 1.2E+05: different "
             "customers may have become one", "export the ids again as text", Severity.SUSPICIOUS),
            ("decimal_ids", _DECIMAL, "end in .0, as numbers do after a detour through decimals",
             "export the ids as text; as they are, 12.0 and 12 are two customers", Severity.SUSPICIOUS),
            ("damaged_texts", DAMAGED, "hold the remains of letters in a wrong encoding",
             "export again as UTF-8", Severity.SUSPICIOUS),
        )  # fmt: skip
        for code, pattern, words, do, severity in kinds:
            rows = [row for row in self._odd if re.search(pattern, row[0])]
            if rows:
                yield Finding(
                    code,
                    severity,
                    f"{said(len(rows), 'customer id', 'customer ids')} {words}",
                    len(rows),
                    sum(row[3] for row in rows),
                    do=do,
                )
