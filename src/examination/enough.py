"""Is it enough to train on? A verdict before anything is computed: counts, what to change, what would do.

In: the span of a ledger, how many origins are wanted, and its customers. Out: `Enough`: the origins at which one can
learn and be judged, the verdict in words, and remarks that refuse nothing. Too little is a verdict here and an error
once `check` is called. Purchases that became known late count as known at once, so that training may still refuse.

For orientation, what others ask for: Dynamics 365 100 customers for lifetime value and a history of twice the window;
Klaviyo 500 buyers and 180 days; Segment three times the window, 100 customers who did and 100 who did not. Here it is
`sample.MIN_OF_EACH` rows and `stands.MIN_CUSTOMERS` customers of either kind, and one past window to be judged on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from ..clock import Cutoff
from ..config import Config
from ..errors import NotEnoughData
from ..intake import Ledger
from ..models.splits import Origin, Span
from .finding import said
from .kinds import Buyers
from .remarks import remarks
from .remedies import remedies
from .stands import Stands
from .stretch import Stretch, stretches

COLUMNS = ("customer_id", "purchased_at", "order_id", "amount")
"""All that must be read for it."""


@dataclass(frozen=True)
class Enough:
    """Whether there is enough for the horizon asked.

    Parameters
    ----------
    horizon_days, customers, history_days : int
        The horizon, customers who ever bought, days that the data cover.
    chosen : tuple of Origin
        Past days on which a model can be learnt and judged, ascending.
    at_risk, silent : tuple of int
        At each the customers at risk, and those who then bought nothing.
    trained_days, trained_cutoffs, trained_rows, trained_silent : int
        What the final model would learn from: the horizon of its labels, cutoffs, rows, and rows without a purchase.
    refusal : NotEnoughData or None
        Why not, with counts and what would do.
    remarks : tuple of str
        What to know although it refuses nothing.
    """

    horizon_days: int
    customers: int
    history_days: int
    chosen: tuple[Origin, ...] = ()
    at_risk: tuple[int, ...] = ()
    silent: tuple[int, ...] = ()
    trained_days: int = 0
    trained_cutoffs: int = 0
    trained_rows: int = 0
    trained_silent: int = 0
    refusal: NotEnoughData | None = field(default=None, compare=False)
    remarks: tuple[str, ...] = ()

    @property
    def enough(self) -> bool:
        """Whether one can train."""
        return self.refusal is None

    @property
    def origins(self) -> tuple[str, ...]:
        """The dates of the past days."""
        return tuple(str(o.cutoff) for o in self.chosen)

    @property
    def overlapping(self) -> bool:
        """Whether the windows of some of them overlap."""
        return any(o.overlapping for o in self.chosen)

    @property
    def words(self) -> str:
        """The verdict as a sentence or two."""
        if self.refusal is not None:
            return str(self.refusal)
        return (
            f"Enough for a horizon of {self.horizon_days} days: {said(len(self.chosen), 'origin', 'origins')}, the "
            f"first on {self.origins[0]}, and {self.trained_rows:,} rows at "
            f"{said(self.trained_cutoffs, 'cutoff', 'cutoffs')} to learn from, "
            f"{self.trained_silent:,} of them without a purchase in {self.trained_days} days."
        )

    @property
    def lines(self) -> tuple[str, ...]:
        """The verdict and the remarks, a line each."""
        return (self.words, *(f"note: {remark}" for remark in self.remarks))

    def check(self) -> Self:
        """Itself, if it is enough.

        Raises
        ------
        NotEnoughData
            With counts, what to change, and what would do.
        """
        if self.refusal is not None:
            raise self.refusal
        return self

    def figures(self) -> dict[str, object]:
        """As plain values for JSON."""
        return {
            "enough": self.enough,
            "words": self.words,
            "remarks": list(self.remarks),
            "customers": self.customers,
            "history_days": self.history_days,
            "horizon_days": self.horizon_days,
            "trained_days": self.trained_days,
            "trained_cutoffs": self.trained_cutoffs,
            "trained_rows": self.trained_rows,
            "trained_silent": self.trained_silent,
            "origins": list(self.origins),
            "overlapping": self.overlapping,
            "at_risk": list(self.at_risk),
            "silent": list(self.silent),
        }


class Sufficiency:
    """The counts behind a verdict, stretch by stretch.

    Parameters
    ----------
    ledger : Ledger
    span : Span
        What it covers and what is asked of it.
    wanted : int
        At most so many origins.
    active_days : int or None
        Who counts as at risk bought within so many days.
    holdout : Cutoff or None
        The one day on which to be judged, instead of origins; then no final model is meant.
    """

    def __init__(
        self, ledger: Ledger, span: Span, wanted: int, active_days: int | None, holdout: Cutoff | None = None
    ) -> None:
        self.ledger = ledger
        self.stands = Stands.of(span, wanted, active_days, holdout)
        self.buyers = self._counting(self.stands)

    def _counting(self, *several: Stands) -> Buyers:
        first = Cutoff.parse(self.ledger.manifest.first_day).day
        asked = {question for stands in several for question in stands.asked()}
        return Buyers(first, self.ledger.ends.day, asked)

    def add(self, stretch: Stretch) -> None:
        """Take in a stretch."""
        self.buyers.add(stretch)

    def verdict(self) -> Enough:
        """Whether it is enough, once all stretches are in."""
        stands, buyers = self.stands, self.buyers
        span, refusal = stands.span, self._refusal()
        history = span.ends.day - span.starts.day
        if refusal is not None:
            return Enough(span.horizon_days, buyers.n, history, refusal=refusal)
        usable = stands.usable(buyers)
        judged = [buyers.kinds(stands.judged(o)) for o in usable]
        last = stands.final or usable[-1]
        learnt = buyers.kinds(stands.learnt(last))
        return Enough(
            horizon_days=span.horizon_days,
            customers=buyers.n,
            history_days=history,
            chosen=usable,
            at_risk=tuple(k.rows for k in judged),
            silent=tuple(k.silent_rows for k in judged),
            trained_days=last.trained_days,
            trained_cutoffs=len(last.training),
            trained_rows=learnt.rows,
            trained_silent=learnt.silent_rows,
            remarks=tuple(remarks(stands, buyers)),
        )

    def _refusal(self) -> NotEnoughData | None:
        """What is lacking, the first thing first."""
        stands, buyers = self.stands, self.buyers
        if not buyers.n:
            return self._nobody()
        if not buyers.paid:
            return NotEnoughData(
                f"the purchases of all {said(buyers.n, 'customer', 'customers')} are worth nothing",
                needed="some money: what customers will spend is learnt beside whether they buy",
                do="map `amount` to the column that holds the money; if there is none, to one that is 1 in every line",
                code="RG175",
            )
        lacking = stands.lacking(buyers)
        if lacking is None:
            return None
        # Only now is it worth to read once more, for what other settings would have.
        others = stands.others()
        counted = self._counting(stands, *others)
        for stretch in stretches(self.ledger, COLUMNS):
            counted.add(stretch)
        return NotEnoughData(
            lacking.found, needed=lacking.needed, do=remedies(stands, others, lacking, counted), code=lacking.code
        )

    def _nobody(self) -> NotEnoughData:
        lines, buyers = self.ledger.manifest.lines["used"], self.buyers
        free = f"{buyers.free_orders:,} free" if buyers.free_orders else ""
        returns = said(buyers.returns, "return", "returns") if buyers.returns else ""
        kinds = " and ".join(k for k in (free, returns) if k)
        do = "look at the sign of `amount` and at its column"
        if buyers.free_orders and not self.ledger.rules.count_free:
            do += "; or set count_free = true in [data.purchases], if orders worth nothing count"
        return NotEnoughData(
            f"none of the {said(lines, 'line', 'lines')} is part of a purchase (orders: {kinds or 'none'})",
            needed="orders with a line of amount > 0",
            do=do,
            code="RG175",
        )


def enough_for(ledger: Ledger, config: Config, span: Span, holdout: Cutoff | None = None) -> Enough:
    """The verdict on a ledger, read once, in about a quarter of a second for a million lines.

    Parameters
    ----------
    ledger : Ledger
    config : Config
    span : Span
        What the ledger covers and what is asked of it.
    holdout : Cutoff, optional
        The one day on which to be judged, instead of rolling origins.

    Raises
    ------
    ConfigError
        When the window of a holdout does not lie inside the data.

    Examples
    --------
    >>> import pyarrow as pa
    >>> frame = pa.table({"customer_id": ["a"], "purchased_at": ["2024-01-05"], "amount": ["9.90"]})
    >>> config = Config.of(horizon_days=30)
    >>> ledger = Ledger.from_frame(frame, config)
    >>> found = enough_for(ledger, config, Span(ledger.history_starts, ledger.ends, 30, 0, 30))
    >>> found.enough, found.words.split(".")[0]
    (False, 'RG041: 1 day of history (from 2024-01-05) are too few to train for a horizon of 30 days')
    """
    counts = Sufficiency(ledger, span, config.backtest.origins, config.target.active_within_days, holdout)
    for stretch in stretches(ledger, COLUMNS):
        counts.add(stretch)
    return counts.verdict()
