"""The whole main job on real purchases: data -> ledger -> backtest -> train -> register -> score -> report -> offers.

In: the name of a data set and a folder. Out: scores, report, the page of the weekly meeting, a registered champion, ten
lines in plain words; where there is a catalogue a plan of offers with its decisions, and lines about them.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..config import Config
from ..errors import unnamed
from ..intake import build_ledger
from ..models.concentration import concentration
from ..models.grade import NAMES
from ..progress import Progress
from ..reports import overview
from ..reports.customers import can_be_kept, customers_of
from ..reports.tables import gain_curve
from .demo_data import DATA_SETS, purchases_of
from .demo_offers import CONSENT_WORDS, OFFERED, offered, with_offers
from .demo_shop import NAME, TITLE, shop_of
from .files import replaced
from .meeting import meeting, write_meeting
from .monitor import monitoring_of
from .pages import MEETING, PLAN, REPORT
from .products import suggest
from .promote import Promotion, promote
from .published import CSV, LATEST, Book
from .register import train_and_register
from .report import lifetime_terms, report_input, write_report
from .run_files import moved_since
from .score import Scored, publish_day, scores_folder
from .train import Trained
from .written import remember


def run_demo(name: str, folder: Path, progress: Progress | None = None) -> tuple[list[str], dict[str, object]]:
    """Do everything; what was learnt in ten lines, what is offered in some more, and the figures of the examination.

    Parameters
    ----------
    name : {"completejourney", "cdnow", "teashop"}
    folder : Path
        Gets ``scores/latest/`` with ``scores.parquet`` and ``scores.csv``, and ``report.html``; where something is
        offered ``offers-plan.html`` and ``decisions/``, too. The model goes to ``mlruns`` beside the folder.
    """
    file = shop_of(folder) if name == NAME else purchases_of(name, folder)
    if name == OFFERED:
        with_offers(file)
    config = Config.load(file)
    ledger = build_ledger(config, lambda what: progress(what, 0.0) if progress else None)
    trained, registered, promotion = train_and_register(ledger, config, progress)
    if promotion is None:  # There is a champion of an earlier demo.
        promotion = promote(config, lambda: ledger, registered.version, progress=progress)
    book = Book(scores_folder(config))
    run = publish_day(ledger, config, trained.model, registered, ledger.ends, book.folder, progress).run
    found = Scored.of_run(run)
    moved = moved_since(found.scores, found.about, book.before(run.as_of), config.scores.movers)
    remember(config.folder, "report", folder / REPORT, folder / "overview.png")
    if progress:
        progress("report", 0.0)
    examined = trained.backtest
    report = report_input(
        ledger, config, found.scores, examined.figures, examined.predictions, trained.features, registered,
        horizons=found.horizons, moved=moved, lifetime=lifetime_terms(trained.model, found),
        monitoring=monitoring_of(ledger, config, ledger.ends) if promotion.crowned else None,
    )  # fmt: skip
    with_a_plan = name in (OFFERED, NAME)
    write_report(report, folder / REPORT, folder, (MEETING, PLAN) if with_a_plan else (MEETING,))
    replaced(folder / "overview.png", lambda waiting: waiting.write_bytes(overview(report)))
    stakes = customers_of(report)
    title = TITLE if name == NAME else DATA_SETS[name].title
    lines = story(title, ledger.manifest.reconciliation(), trained, stakes, file, config, promotion)
    if name == NAME:
        suggest(ledger, config, run.as_of, progress=progress)
    if with_a_plan:
        lines += [*([CONSENT_WORDS] if name == OFFERED else []), *offered(ledger, config, progress)]
    write_meeting(meeting(ledger, config, progress=progress), folder / MEETING, folder)
    lines.append(f"Open {folder / MEETING} for the weekly meeting: how it goes, who is where, what to do next.")
    return lines, {**trained.backtest.figures, "version": registered.version, "run_id": registered.run_id}


def story(
    title: str,
    reconciliation: list[tuple[str, int, Decimal]],
    trained: Trained,
    customers: pd.DataFrame,
    file: Path,
    config: Config,
    promotion: Promotion,
) -> list[str]:
    """Ten lines: what went in, how good it is, what it says, what to open next."""
    figures: dict[str, Any] = trained.backtest.figures
    pooled, gain = figures["pooled"], figures["gain"]
    days, unit = figures["horizon_days"], config.data.currency
    counted = {name: (lines, money) for name, lines, money in reconciliation}
    lines, money = counted["used"]
    left = ", ".join(f"{n:,} {name}" for name, (n, _) in counted.items() if name not in ("read", "used") and n)
    examined = trained.backtest
    ours, churn = pooled["churn"]["regulars"], pooled["churn"][examined.speaker]
    value = pooled["value"][examined.value_speaker]
    classic = min(("bg_nbd", "pareto_nbd"), key=lambda m: pooled["churn"][m]["log_loss"] or np.inf)
    curve = gain_curve(examined.predictions, f"p_churn_{examined.speaker}", "churned", steps=10)
    found = float(curve["caught"].iloc[1])
    silent, likely = customers["p_churn"].sum(), int((customers["p_churn"] > 0.5).sum())
    stake = customers.loc[can_be_kept(customers), "at_stake"].sum()
    held = concentration(customers["expected_spend"].to_numpy(np.float64))
    return [
        f"{title}.",
        f"{lines:,} lines worth {money:,.2f} {unit} went in; {left or 'nothing was left out'}.",
        f"Examined at {len(figures['origins'])} past dates: "
        f"{pooled['base_rate']:.1%} then bought nothing for {days} days.",
        f"Contacting the riskiest tenth would have reached {found:.0%} of them (AUC {churn['auc']:.3f}).",
        f"{graded_words(figures, 'churn')}; Regulars' log loss {ours['log_loss']:.4f} is {_against(gain, classic)} "
        f"than the best classical model's and {_against(gain, 'naive')} than the best simple rule's.",
        f"{graded_words(figures, 'value')}; forecast spend ranks customers with a Gini of {value['gini']:.3f}; in "
        f"total it was {value['bias']:.2f} x what they spent.",
        f"Now: of {len(customers):,} customers {silent:,.0f} will probably not buy in the next {days} days, "
        f"{likely:,} of them more likely than not.",
        f"All together will spend about {customers['expected_spend'].sum():,.0f} {unit}, {held.held:.0%} of it "
        f"{held.n:,} customers ({held.share or 0:.0%}); {stake:,.0f} {unit} of usual spend is at stake with customers "
        "who can still be kept.",
        f"The gate: {promotion.words[0]}, in {unnamed(config.tracking_uri)}.",
        f"Open {file.parent / 'report.html'} next; {Book(scores_folder(config)).folder / LATEST / CSV} has a row for "
        "every customer.",
    ]


def graded_words(figures: dict[str, Any], target: str) -> str:
    """ "Churn: grade A" or, where a rival speaks, "Churn: grade C, so Pareto/NBD speaks instead of Regulars"."""
    grade = figures["grade"][target]
    instead = "" if grade["champion"] == "regulars" else f", so {NAMES[grade['champion']]} speaks instead of Regulars"
    return f"{'Churn' if target == 'churn' else 'Spend'}: grade {grade['grade']}{instead}"


def _against(gain: dict[str, Any], rival: str) -> str:
    """ "8.7 % better (7.0 to 10.4)" or the like."""
    found = gain["churn"][rival]
    percent, interval = found["log_loss_gain_percent"], found["ci"]
    if percent is None or interval is None:
        return "not comparable"
    return f"{abs(percent):.1f} % {'better' if percent > 0 else 'worse'} (gain {interval[0]:.1f} to {interval[1]:.1f})"
