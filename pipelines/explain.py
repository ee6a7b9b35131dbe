"""Explain: one customer's scores with reasons, the past and what is not known.

In: a ledger, a model, a customer. Out: an `Explanation`. The row is made as those of the scores are, so that the
numbers are the same. Who is not known, or has no score on that day, is refused, and nobody else is named. A window that
begins before the ledger does, and a table that the ledger lacks, are said as not known.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..clock import Cutoff
from ..config import Config
from ..engines import lines_of_one, panel_of_one, reference_of, usable_threads
from ..errors import ConfigError, masked
from ..features.panel import Panel
from ..intake import Ledger, known_before
from ..intake.keys import key_of
from ..intake.privacy import cleaned_ids
from ..models.model import Model
from ..models.quantities import measured, money
from ..models.reasons import explained
from ..models.sample import at_risk
from ..progress import Progress
from ..reports.explanation import Explanation
from .told import plan_of

BESIDE = {"events": "what they do beside buying", "customers": "who they are", "offers": "what they were offered"}
"""Tables that a ledger may lack, and what of its customers is then not known."""
LISTED = 3


def explain(
    ledger: Ledger, model: Model, customer: str, as_of: Cutoff | str | None = None, currency: str = ""
) -> Explanation:
    """Why a customer has the chance of no purchase that the scores show.

    Parameters
    ----------
    customer : str
        An id as the ledger has it.
    as_of : Cutoff or ISO date, optional
        The day before which everything is known; default: the day after the ledger's last.
    currency : str
        Before amounts.

    Raises
    ------
    ConfigError
        The customer is not known, had not bought before the day, or has been silent for too long to have a score.
    """
    day = Cutoff.parse(as_of) if isinstance(as_of, str) else as_of or ledger.ends
    return _explained(ledger, model, (customer,), day, currency)


def explain_by_champion(
    ledger: Ledger, config: Config, customer: str, as_of: Cutoff | None = None, progress: Progress | None = None
) -> Explanation:
    """The same by the registered champion, of a customer as the source or a file of scores names them."""
    from ..models.registry import Registry

    threads = usable_threads(config.engine.threads)
    model, registered = Registry.of(config).champion(config.mlflow.model_name, threads)
    names = _names(config, customer)
    if progress:
        progress("looking at the population", 0.0)
    found = _explained(ledger, model, names, as_of or ledger.ends, config.data.currency)
    return replace(found, version=str(registered.version))


def _names(config: Config, customer: str) -> tuple[str, ...]:
    """What a customer may be called in the ledger: by the id as the intake writes it, or by a pseudonym of it."""
    (clean,) = cleaned_ids([customer])
    if clean is None:
        raise ConfigError("no customer was named", needed="an id that is not empty", code="RG290")
    return (key_of(config).pseudonyms()(clean), clean) if config.privacy.pseudonyms else (clean,)


def _explained(ledger: Ledger, model: Model, names: Sequence[str], day: Cutoff, currency: str) -> Explanation:
    ledger = known_before(ledger, day)
    panel = _row(ledger, model, names, day)
    (reasons,) = explained(model, model.sample_of(panel), currency)
    (scores,) = model.scores(panel).drop(columns=["customer_id", "reasons"]).to_dict("records")
    return Explanation(
        customer=names[-1],
        as_of=str(day),
        horizon_days=model.horizon_days,
        currency=currency,
        speaker=model.speaker,
        scores={str(name): _plain(value) for name, value in scores.items()},
        reasons=reasons,
        past=tuple(_past(panel, model.horizon_days, currency)),
        unknown=tuple(_unknown(ledger, model, panel, day)),
    )


def _row(ledger: Ledger, model: Model, names: Sequence[str], day: Cutoff) -> Panel:
    """The one row of the customer on the day, looked for under each name."""
    plan, named = plan_of(ledger, model, day), masked(names[-1])
    lines = next((found for name in names if (found := lines_of_one(ledger, plan, name)) is not None), None)
    if lines is None:
        raise ConfigError(
            f"no customer is called {named}",
            needed="the id of a customer with a purchase, as it stands in the source",
            do="look at the spelling, at leading zeros and at capitals; who was forgotten is not known any more",
            code="RG291",
        )
    panel = panel_of_one(ledger, plan, reference_of(ledger, [day], plan), day, lines, model.days)
    if not panel.n_rows:
        raise ConfigError(
            f"customer {named} had not bought anything before {day}",
            needed="a purchase before the day",
            do="choose a later --as-of",
            code="RG292",
        )
    if not at_risk(panel, model.active_within_days).n_rows:
        raise ConfigError(
            f"customer {named} has no score: the last purchase was {int(panel.recency_days[0])} days before {day}",
            needed=f"one within `active_within_days` = {model.active_within_days}",
            do="choose an earlier --as-of, or train with a larger `active_within_days`",
            code="RG293",
        )
    return panel


def _past(panel: Panel, horizon_days: int, currency: str) -> Iterator[str]:
    """Three lines on what the customer did."""
    rhythm, silent = panel.rhythm, int(panel.recency_days[0])
    cutoff, age = Cutoff(int(panel.cutoff_day[0])), int(rhythm.T[0])
    orders, spend = int(panel.totals.orders[0]), float(panel.totals.spend[0])
    first, last = cutoff.minus(age + 1), cutoff.minus(silent)
    yield f"First bought on {first}, last on {last}, {measured(silent, 'days')} before {cutoff}."
    times = "1 purchase" if orders == 1 else f"{orders:,} purchases"
    frequency = int(rhythm.frequency[0])
    pace = f", every {measured(float(rhythm.recency[0]) / frequency, 'days')} on average" if frequency > 1 else ""
    yield f"{times} on {measured(frequency + 1, 'days')}{pace}, {money(spend, currency)} in all, less returns."
    trailing = float(panel.totals.trailing[horizon_days][0])
    yield f"{money(trailing, currency)} of it in the last {measured(horizon_days, 'days')}."


def _unknown(ledger: Ledger, model: Model, panel: Panel, day: Cutoff) -> Iterator[str]:
    """What nobody can know from this ledger, and what is not known of this customer."""
    missing = [n for n, v in zip(panel.names, panel.values[:, 0].tolist(), strict=True) if not math.isfinite(v)]
    yield f"what happened before {ledger.history_starts}, where the purchases begin"
    lacking = [said for table, said in BESIDE.items() if not ledger.has_table(table)]
    if lacking:
        yield f"{', '.join(lacking)}: there is no such table"
    if int(panel.rhythm.frequency[0]) == 0:
        yield "how long this customer usually waits: there is one purchase day only"
    if missing:
        more = f" and {len(missing) - LISTED} more" if len(missing) > LISTED else ""
        yield f"of {len(panel.names)} features {len(missing)}: {', '.join(missing[:LISTED])}{more}"
    if day > ledger.ends:
        yield f"whether anything was bought since {ledger.manifest.last_day}: the purchases end there"
    if day < model.trained_on:
        yield f"what a model of that day would say: this one was trained on {model.trained_on}"


def _plain(value: object) -> object:
    """A score as JSON takes it."""
    plain = value.item() if hasattr(value, "item") else value
    return None if isinstance(plain, float) and not math.isfinite(plain) else plain
