"""The full examination: one pass over a ledger, and everything that it tells.

In: a ledger and its configuration. Out: an `Examination`: the profile, what lies aside, findings, whether it is enough,
the advice on the churn window, and a verdict. Nothing in it names a customer. Missing values are counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..clock import Cutoff
from ..config import Config
from ..features.lines import Int64
from ..intake import Ledger
from ..intake.table_rows import file_of
from ..models.splits import Span
from ..schema import SCALE
from .aside import Aside, asides, manifest_findings, repairs_said
from .columns import Columns, Profile, idle, profiles_of
from .contradictions import Contradictions
from .days import Days, month_name
from .enough import Enough, Sufficiency
from .finding import Finding, Severity, ordered
from .people import People
from .products import Products
from .rhythm import rhythm_findings
from .silence import Advice, Silences
from .sizes import Sizes
from .stretch import Stretch, stretches

FIT, REMARKS, UNFIT = "fit", "fit with remarks", "not fit"


@dataclass(frozen=True)
class Month:
    """Purchases, days on which somebody bought (each counted per customer), and signed money of a month."""

    name: str
    purchases: int
    money: int


@dataclass(frozen=True)
class Examination:
    """All that was found.

    Parameters
    ----------
    ledger : Ledger
    profiles : dict of str to tuple of Profile
        By table, the purchases first.
    asides : tuple of Aside
        What lies in quarantine.
    repairs : tuple of str
        What was mended.
    findings : tuple of Finding
        The gravest first.
    enough : Enough
    advice : Advice
    months : tuple of Month
    horizon_days : int
        What is asked for.
    gaps : ndarray of int64
        By number of days: how often a customer bought again after so many.
    sizes : tuple of (float, int)
        The middle of each bin of order values, and its orders; bins of a tenth of a decade.
    purchases_each : ndarray of int64
        How many customers made 0, 1, 2, ... purchases.
    """

    ledger: Ledger
    profiles: dict[str, tuple[Profile, ...]]
    asides: tuple[Aside, ...]
    repairs: tuple[str, ...]
    findings: tuple[Finding, ...]
    enough: Enough
    advice: Advice
    months: tuple[Month, ...]
    horizon_days: int
    gaps: Int64
    sizes: tuple[tuple[float, int], ...]
    purchases_each: Int64

    @cached_property
    def verdict(self) -> str:
        """`fit`, `fit with remarks` or `not fit`."""
        if not self.enough.enough or self.graver(Severity.SERIOUS):
            return UNFIT
        return REMARKS if self.graver(Severity.SUSPICIOUS) else FIT

    def graver(self, least: Severity) -> tuple[Finding, ...]:
        """The findings of at least a severity."""
        ranks = list(Severity)
        return tuple(f for f in self.findings if ranks.index(f.severity) <= ranks.index(least))

    @property
    def first_thing(self) -> str:
        """What to do first, in a sentence."""
        serious = self.graver(Severity.SERIOUS)
        if serious:
            return f"{capital(serious[0].words)}. Do first: {serious[0].do or 'look at these lines'}."
        if not self.enough.enough:
            return self.enough.words
        suspicious = self.graver(Severity.SUSPICIOUS)
        if suspicious:
            return f"{capital(suspicious[0].words)}. Do first: {suspicious[0].do or 'look at these lines'}."
        return "Train."

    def figures(self) -> dict[str, object]:
        """As plain values for JSON."""
        manifest = self.ledger.manifest
        return {
            "verdict": self.verdict,
            "first": self.first_thing,
            "enough": self.enough.enough,
            "origins": list(self.enough.origins),
            "history": self.enough.figures(),
            "lines": dict(manifest.lines),
            "money": dict(manifest.money),
            "customers": manifest.n_customers,
            "orders": manifest.n_orders,
            "first_day": manifest.first_day,
            "last_day": manifest.last_day,
            "fingerprint": manifest.fingerprint,
            "findings": [f.figures() for f in self.findings],
            "quarantine": [a.figures() for a in self.asides],
            "repairs": list(self.repairs),
            "advice": self.advice.figures(),
            "columns": {
                table: [{"name": p.name, "filled": p.share, "distinct": p.distinct, "more": p.more} for p in profiles]
                for table, profiles in self.profiles.items()
            },
            "months": [{"month": m.name, "purchases": m.purchases, "money": m.money / SCALE} for m in self.months],
        }


def examine(ledger: Ledger, config: Config, span: Span) -> Examination:
    """Examine a ledger.

    Parameters
    ----------
    ledger : Ledger
    config : Config
        The one it was built with.
    span : Span
        What the ledger covers and what is asked of it.

    Examples
    --------
    >>> frame = pa.table({"customer_id": ["a"], "purchased_at": ["2024-01-05"], "amount": ["9.90"]})
    >>> config = Config.of(horizon_days=30)
    >>> found = examine(Ledger.from_frame(frame, config), config, Span(Cutoff(19727), Cutoff(19728), 30, 0, 30))
    >>> found.verdict
    'not fit'
    """
    return _Examiner(ledger, config, span).examined()


class _Part(Protocol):
    def add(self, stretch: Stretch) -> None:
        """Take in a stretch."""


class _Examiner:
    """The one pass."""

    def __init__(self, ledger: Ledger, config: Config, span: Span) -> None:
        manifest = ledger.manifest
        self.ledger, self.config, self.span = ledger, config, span
        first, last = Cutoff.parse(manifest.first_day).day, Cutoff.parse(manifest.last_day).day
        self.days, self.people, self.sizes = Days(first, last), People(), Sizes()
        self.columns = Columns(ledger.columns)
        self.products = Products() if "product_id" in ledger.columns else None
        self.contradictions = Contradictions("order_id" in config.data.purchases.roles())
        target = config.target
        self.silences = Silences(first, ledger.ends.day, target.horizon_days, target.active_within_days)
        self.sufficiency = Sufficiency(ledger, span, config.backtest.origins, target.active_within_days)

    def examined(self) -> Examination:
        """Read everything once, then ask."""
        parts: list[_Part] = [
            self.days, self.people, self.sizes, self.columns, self.contradictions, self.silences,
            self.sufficiency,
        ]  # fmt: skip
        parts += [self.products] if self.products is not None else []
        for stretch in stretches(self.ledger):
            for part in parts:
                part.add(stretch)
        manifest = self.ledger.manifest
        beside = {name: _profiles_beside(self.ledger, name) for name in manifest.tables}
        ids = self.contradictions.n_order_ids if self.contradictions.ordered else manifest.n_orders
        own = self.columns.profiles(manifest.lines["used"], manifest.n_customers, ids)
        advice = self.silences.advice(self.span, self.config.backtest.origins)
        return Examination(
            ledger=self.ledger,
            profiles={"purchases": own, **beside},
            asides=asides(self.ledger),
            repairs=repairs_said(self.ledger),
            findings=ordered(self._findings(beside)),
            enough=self.sufficiency.verdict(),
            advice=advice,
            months=self._months(),
            horizon_days=self.span.horizon_days,
            gaps=self.silences.gaps,
            sizes=self._order_values(),
            purchases_each=np.bincount(self.people.purchases),
        )

    def _findings(self, beside: dict[str, tuple[Profile, ...]]) -> Iterator[Finding]:
        manifest = self.ledger.manifest
        yield from manifest_findings(self.ledger)
        yield from rhythm_findings(self.days, self.ledger.ends, self.ledger.zone)
        yield from self.sizes.findings()
        yield from self.people.findings(manifest.lines["used"], manifest.n_orders)
        if self.products is not None:
            yield from self.products.findings()
        yield from self.contradictions.findings()
        yield from self.columns.findings()
        for name, profiles in beside.items():
            for profile in profiles:
                yield from idle(profile, name)

    def _months(self) -> tuple[Month, ...]:
        months = self.days.months
        found = []
        for month in np.unique(months).tolist():
            rows = months == month
            found.append(
                Month(month_name(month), int(self.days.purchases[rows].sum()), int(self.days.money[rows].sum()))
            )
        return tuple(found)

    def _order_values(self) -> tuple[tuple[float, int], ...]:
        return self.sizes.orders.coarse(10)


def _profiles_beside(ledger: Ledger, table: str) -> tuple[Profile, ...]:
    if ledger.folder is None:
        rows = ledger.rows_of(table)
        return profiles_of([rows], rows.schema)
    empty = ledger.rows_of(table, first="", last="")
    with pq.ParquetFile(ledger.folder / file_of(table)) as file:
        pieces = (pa.Table.from_batches([batch]) for batch in file.iter_batches(columns=empty.schema.names))
        return profiles_of(pieces, empty.schema)


def capital(text: str) -> str:
    """A sentence with a capital at its beginning.

    Examples
    --------
    >>> capital("one line")
    'One line'
    """
    return text[:1].upper() + text[1:]
