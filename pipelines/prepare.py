"""From a ledger to rows that models learn from: cutoffs, Reference, panel, classical priors.

In: a ledger, a configuration, the cutoffs wanted. Out: `Prepared`, which hands out samples with the labels that were
known by a day. Everything about a cutoff is worked out once, from rows before it, and shared by all origins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..clock import Cutoff, day_of, parse_date
from ..config import Config
from ..engines import panel_of, reference_of, usable_threads
from ..features.family import Plan, chosen, plan_for
from ..features.lines import MONEYS, TEXTS
from ..features.modules import Source, register_sources, sources_of
from ..features.notes import company_kinds, lost_kinds, unseen_kinds
from ..features.panel import Label, Panel
from ..features.reference import Reference
from ..features.shape import Shape
from ..intake import Kind, Ledger
from ..models.ensemble import Recipe
from ..models.prior import Prior, PriorColumns, columns_of
from ..models.priors import priors_at
from ..models.rations import STUDIES, Rations
from ..models.sample import Sample, at_risk
from ..models.splits import TIMING, Origin, Span, calibrating
from ..models.tuning import SPACE
from ..progress import Progress

YEAR_DAYS = 365
"""So long before a cutoff spend is added up besides: a whole year has every season once."""
MOST_KINDS = 50
"""At most so many kinds (and channels) of events become features, the most frequent ones."""


def span_of(ledger: Ledger, config: Config) -> Span:
    """What the ledger covers and what the configuration asks of it."""
    h = config.target.primary
    lag, every = config.target.label_lag_days, config.panel.step(h)
    return Span(ledger.history_starts, ledger.ends, h, lag, every)


def shape_of(ledger: Ledger, config: Config) -> Shape:
    """What the ledger has, and which families the configuration asks for; the user's own are loaded."""
    wanted, tables = config.features, ledger.manifest.tables
    register_sources(modules_of(config))
    events, customers = tables.get("events"), tables.get("customers")
    company = wanted.company_events

    def told(kinds: tuple[Kind, ...]) -> tuple[str, ...]:
        counted = [(k.lines if company else k.lines - k.by_company, k.name) for k in kinds]
        frequent = sorted((c for c in counted if c[0]), key=lambda c: (-c[0], c[1]))[:MOST_KINDS]
        return tuple(sorted(name for _, name in frequent))

    attributes = (*(("acquisition_channel",) if customers and "acquisition_channel" in customers.columns else ()),)
    return Shape(
        families=chosen(wanted.on, wanted.off),
        columns=tuple(c for c in (*MONEYS[1:], *TEXTS) if c in ledger.columns),
        kinds=told(events.kinds) if events else (),
        channels=told(events.channels) if events else (),
        company_events=company,
        offers="offers" in tables,
        attributes=(*attributes, *(customers.attributes if customers else ())),
        numbers=customers.numbers if customers else (),
        joined=bool(customers and "joined_at" in customers.columns),
        referred=bool(customers and "referred_by" in customers.columns),
        points_expire_days=wanted.points_expire_days,
        holidays=tuple(day_of(parse_date(d)) for d in wanted.holidays),
    )


def modules_of(config: Config) -> tuple[Source, ...]:
    """The user's own feature families, as text; their files are called as in the configuration."""
    files = config.features.modules
    texts = sources_of([str(config.folder / file) for file in files])
    return tuple(replace(source, file=file) for source, file in zip(texts, files, strict=True))


def feature_notes(ledger: Ledger, plan: Plan, reference: Reference) -> list[str]:
    """Which values and kinds of events are no features of their own, and why."""
    events, shape = ledger.manifest.tables.get("events"), plan.shape
    notes = [*reference.notes()]
    if events and not shape.company_events:
        notes += company_kinds({k.name: k.by_company for k in events.kinds})
    if events and len(shape.kinds) == MOST_KINDS < len(events.kinds):
        notes.append(f"of {len(events.kinds):,} kinds of events the {MOST_KINDS} most frequent are features")
    return notes


def event_notes(ledger: Ledger, shape: Shape) -> list[str]:
    """Which kinds of events the model was not trained on, and which it was and the ledger lacks."""
    events = ledger.manifest.tables.get("events")
    kinds = (
        {k.name: k.lines if shape.company_events else k.lines - k.by_company for k in events.kinds} if events else {}
    )
    return [*unseen_kinds(kinds, shape), *lost_kinds(kinds, shape)]


def recipe_of(config: Config, stands: int = 1, spare: int = 0) -> Recipe:
    """How models are to be learnt at so many days on which one stands, one after the other.

    Parameters
    ----------
    spare : int
        So many of the studies that trials may be listed for will not run.

    Raises
    ------
    ConfigError
        When trials are listed for another number of studies.
    """
    return Recipe(
        lag_days=config.target.label_lag_days,
        seed=config.seed,
        threads=usable_threads(config.engine.threads),
        space={**SPACE, **config.tuning.space},
        rations=Rations(config.tuning.trials, STUDIES * stands, config.tuning.seconds, spare),
    )


@dataclass(frozen=True)
class Prepared:
    """Rows of all wanted cutoffs with priors and labels.

    Parameters
    ----------
    plan, reference, panel, priors
        Features, population tables, rows at risk, and the classical models by day number.
    columns : dict of int to PriorColumns
        What each row's own prior says, by horizon in days.
    horizon_days : int
        The horizon asked.
    starts : Cutoff
        First day that the history covers.
    late_rows : bool
        Whether rows may become known late, so that labels depend on the day on which one trains.
    """

    plan: Plan
    reference: Reference
    panel: Panel
    priors: dict[int, Prior]
    columns: dict[int, PriorColumns]
    horizon_days: int
    starts: Cutoff
    late_rows: bool

    def label(self, known_on: Cutoff, horizon_days: int | None = None) -> Label:
        """The label of a horizon (default: that asked) that was known by the start of a day."""
        return Label(horizon_days or self.horizon_days, known_on if self.late_rows else None)

    def sample(self, label: Label) -> Sample:
        """All rows, with one label."""
        return Sample(self.panel, self.columns, label, self.starts)

    def rows(self, stand: Origin) -> tuple[Sample, Sample]:
        """What one learns from on a day, and the rows of that day; they have labels where their windows closed."""
        train = self.sample(self.label(stand.cutoff, stand.trained_days)).at(stand.training)
        return train, self.sample(Label(self.horizon_days)).at((stand.cutoff,))


def prepare(
    ledger: Ledger,
    config: Config,
    stands: Sequence[Origin],
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Prepared:
    """Work out features, targets and classical priors at every cutoff that some days need on which one stands.

    Parameters
    ----------
    stands : sequence of Origin
        The days on which models are trained, each with its training cutoffs: labels as known by each.
    cache : Path, optional
        A folder of this ledger in which fitted priors are kept.
    """
    wanted = sorted({c for o in stands for c in (o.cutoff, *o.training)})
    h, late = config.target.primary, "known_at" in ledger.columns
    # Beside those asked: those of the timing, and twice the horizon, at which the lifetime learns what persists.
    horizons = sorted({*config.target.horizon_days, *TIMING, 2 * h, *(o.trained_days for o in stands)})
    lag, windows = config.target.label_lag_days, config.backtest.windows
    stood = {o.cutoff for stand in stands for o in (stand, *calibrating(stand, lag, windows))} if late else set()
    known = {(days, day) for day in stood for days in horizons}
    labels = [*(Label(days) for days in horizons), *(Label(days, day) for days, day in sorted(known))]
    plan = plan_for(shape_of(ledger, config))
    reference = reference_of(ledger, wanted, plan)
    threads = usable_threads(config.engine.threads)
    panel = panel_of(ledger, plan, reference, wanted, labels, threads, progress, (YEAR_DAYS,))
    # The classical models describe all customers; who counts as at risk is settled after them.
    priors = priors_at(panel, [c.day for c in wanted], cache, progress)
    panel = at_risk(panel, config.target.active_within_days)
    columns = {days: columns_of(panel, priors, days) for days in horizons}
    return Prepared(plan, reference, panel, priors, columns, h, ledger.history_starts, late)
