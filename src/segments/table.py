"""What each segment of a scheme holds: customers, money that came and is expected, risk; and ranks within it.

In: `Facts` and `Assigned`. Out: a row per segment, empty segments included, and for everybody a rank. Shares are of all
customers of the scheme, prospects among them. A mean has its own denominator, the scored; it is None where there are
none, and the spend of the last year is None where the ledger begins later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from ..schema import SCALE
from .facts import Facts, Int64
from .scheme import Assigned


@dataclass(frozen=True)
class Row:
    """A segment in figures.

    Parameters
    ----------
    segment, rule : str
    customers : int
    share : float or None
        Of all customers of the scheme, 0..1; None without customers.
    n_scored : int
        Of how many the model spoke.
    expected_spend : float or None
        Sum over the scored, in currency; None without any.
    p_churn : float or None
        Mean over the scored; None without any.
    spend_year : float or None
        Net spend of the last 365 days, in currency: exact before it is shown.
    """

    segment: str
    rule: str
    customers: int
    share: float | None
    n_scored: int
    expected_spend: float | None
    p_churn: float | None
    spend_year: float | None

    def figures(self) -> dict[str, object]:
        """As JSON takes it."""
        return asdict(self)


def table(facts: Facts, assigned: Assigned) -> tuple[Row, ...]:
    """A row for each segment, in the order of the scheme."""
    return tuple(_row(facts, assigned, number) for number in range(len(assigned.segments)))


def _row(facts: Facts, assigned: Assigned, number: int) -> Row:
    here, segment = assigned.place == number, assigned.segments[number]
    scored = here & facts.scored
    n = int(scored.sum())
    year = None if facts.spend_year is None else int(facts.spend_year[here].sum()) / SCALE
    return Row(
        segment.name,
        segment.rule,
        int(here.sum()),
        float(here.sum() / facts.n) if facts.n else None,
        n,
        float(facts.expected_spend[scored].sum()) if n else None,
        float(facts.p_churn[scored].mean()) if n else None,
        year,
    )


def ranks(facts: Facts, assigned: Assigned) -> Int64:
    """The rank of each customer within the segment, from 1: by expected spend, then spend so far, then id.

    Returns
    -------
    ndarray of int64, shape (n,)
        Who has no expected spend comes after those who have.
    """
    expected = np.where(np.isfinite(facts.expected_spend), facts.expected_spend, -np.inf)
    order = np.lexsort((np.arange(facts.n), -facts.spend, -expected, assigned.place))
    rank = np.empty(facts.n, np.int64)
    sizes = np.bincount(assigned.place, minlength=len(assigned.segments))
    begins = np.cumsum(sizes) - sizes
    rank[order] = 1 + np.arange(facts.n) - begins[assigned.place[order]]
    return rank


HEAD = ("segment", "customers", "share", "expected", "p_churn", "spend 365 d")
_NONE = "-"


def lines(rows: Sequence[Row]) -> list[str]:
    """The table as aligned text, for a screen."""
    cells = [HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEAD))]
    return ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in cells]


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.segment,
        f"{row.customers:,}",
        _NONE if row.share is None else f"{100 * row.share:.1f} %",
        _NONE if row.expected_spend is None else f"{row.expected_spend:,.2f}",
        _NONE if row.p_churn is None else f"{row.p_churn:.3f}",
        _NONE if row.spend_year is None else f"{row.spend_year:,.2f}",
    )
