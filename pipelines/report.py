"""The report: scores, examination and data of a ledger -> one HTML file that a marketer can open."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..clock import Cutoff
from ..config import Config
from ..engines import histories
from ..features.family import plan_for
from ..features.shape import Shape
from ..intake import Ledger
from ..progress import Progress
from ..reports import ReportInput, render
from ..schema import SCALE
from .files import replaced
from .kept import predictions_file
from .monitor import monitoring_of
from .movers import Movers
from .pages import pages_beside
from .published import Book
from .run_files import moved_since
from .score import Scored, champion_of, scored, scores_folder
from .written import remember

if TYPE_CHECKING:
    import pandas as pd

    from ..models.model import Model
    from ..models.versions import Registered


def months_of(ledger: Ledger) -> list[dict[str, object]]:
    """Purchases, buying customers and signed revenue of each local month, guests aside."""
    totals: dict[str, list[int]] = {}
    for history in histories(ledger, plan_for(Shape())):
        month = history.day.astype("datetime64[D]").astype("datetime64[M]").astype(str)
        names, index = np.unique(month, return_inverse=True)
        bought = history.values("purchase")
        buyers = np.unique(np.stack([index[bought > 0], history.customer[bought > 0]]), axis=1)[0]
        for k, name in enumerate(names.tolist()):
            here, row = index == k, totals.setdefault(name, [0, 0, 0])
            row[0] += int(bought[here].sum())
            row[1] += int((buyers == k).sum())
            row[2] += int(history.values("spend")[here].sum())
    return [
        {"month": m, "orders": n, "customers": c, "revenue": money / SCALE}
        for m, (n, c, money) in sorted(totals.items())
    ]


def report_input(
    ledger: Ledger,
    config: Config,
    scores: pd.DataFrame,
    backtest: dict[str, Any],
    predictions: pd.DataFrame,
    features: list[dict[str, object]],
    registered: Registered,
    *,
    horizons: pd.DataFrame | None = None,
    moved: Movers | str | None = None,
    lifetime: dict[str, object] | None = None,
    monitoring: dict[str, object] | None = None,
) -> ReportInput:
    """Everything the report shows, gathered.

    Parameters
    ----------
    horizons : DataFrame, optional
        What is said of further horizons, a row per customer and horizon.
    moved : Movers or str, optional
        Who moved since earlier scores, or why nobody can be said to have.
    lifetime : dict, optional
        To which horizon lifetime value is counted, with which margin and discount, and what to keep in mind.
    monitoring : dict, optional
        What monitoring tells of published scores.
    """
    told: dict[str, object] | None = (
        moved.figures() if isinstance(moved, Movers) else {"words": moved} if moved else None
    )
    return ReportInput(
        title="Your customers: who is about to leave, and what they are worth",
        as_of=str(scores["as_of"].iloc[0]) if len(scores) else str(ledger.ends),
        horizon_days=config.target.primary,
        currency=config.data.currency,
        manifest={**json.loads(ledger.manifest.to_json()), "months": months_of(ledger)},
        backtest=backtest,
        predictions=predictions,
        scores=scores,
        features=features,
        model={"name": registered.name, "version": registered.version, "run_id": registered.run_id},
        ids_shown=config.privacy.ids_in_report,
        horizons=horizons,
        movers=moved.rows if isinstance(moved, Movers) else None,
        moved=told,
        lifetime=lifetime,
        monitoring=monitoring,
    )


def lifetime_terms(model: Model, found: Scored) -> dict[str, object]:
    """To which horizon lifetime value is counted, with which margin and discount, its total, what to keep in mind."""
    terms, total = model.lifetime.terms, found.total
    counted = {"horizon_days": terms.horizon_days, "margin": terms.margin, "discount_rate": terms.discount_rate}
    summed = asdict(total) if total is not None and np.isfinite([total.low, total.high]).all() else None
    return {**counted, "warnings": list(model.lifetime.notes), "total": summed}


def write_report(report: ReportInput, path: Path, folder: Path, coming: Collection[str] = ()) -> None:
    """One HTML file, whole or not at all, that points at the other pages beside it.

    Parameters
    ----------
    folder : Path
        The configuration's.
    coming : collection of str
        Names of pages beside it that are still to be written.
    """
    html = render(replace(report, beside=pages_beside(path, folder, coming)))
    replaced(path, lambda waiting: waiting.write_text(html, encoding="utf-8"))


def report_of_champion(
    ledger: Ledger, config: Config, as_of: Cutoff | None, path: Path, progress: Progress | None = None
) -> dict[str, object]:
    """Score with the champion and write the report; the examination, which is the one of its training."""
    import pandas as pd

    from ..models.registry import Registry

    model, registered = champion_of(config)
    found = scored(ledger, model, config, as_of, progress).by(registered.version, registered.run_id)
    scores, store = found.scores, Registry.of(config).store
    before = Book(scores_folder(config)).before(as_of or ledger.ends)
    kept = predictions_file(config, registered.run_id)
    backtest = store.table(registered.run_id, "backtest.json")
    if progress:
        progress("report", 0.0)
    report = report_input(
        ledger,
        config,
        scores,
        backtest,
        pd.read_parquet(kept) if kept.exists() else pd.DataFrame(),
        store.table(registered.run_id, "features.json")["features"],
        registered,
        horizons=found.horizons,
        moved=moved_since(scores, found.about, before, config.scores.movers),
        lifetime=lifetime_terms(model, found),
        monitoring=monitoring_of(ledger, config, as_of or ledger.ends),
    )
    remember(config.folder, "report", path)
    write_report(report, path, config.folder)
    return {"file": str(path), "as_of": report.as_of, "customers": len(scores), "backtest": backtest}
