"""The whole main job on real purchases: data -> ledger -> backtest -> train -> register -> score -> report.

In: the name of a data set and a folder. Out: scores, report, a registered champion, and ten lines in plain words.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..config import Config
from ..intake import build_ledger
from ..reports import overview, write_report
from .demo_data import DATA_SETS, purchases_of
from .prepare import Progress
from .report import report_input
from .score import score, write_scores
from .train import Trained, train_and_register


def run_demo(name: str, folder: Path, progress: Progress | None = None) -> list[str]:
    """Do everything and say what was learnt.

    Parameters
    ----------
    name : {"completejourney", "cdnow"}
    folder : Path
        Gets ``scores.parquet``, ``scores.csv``, ``report.html``; the model goes to ``mlruns`` beside the folder.
    """
    file = purchases_of(name, folder)
    config = Config.load(file)
    ledger = build_ledger(config, lambda what: progress(what, 0.0) if progress else None)
    trained, registered = train_and_register(ledger, config, progress)
    scores = score(ledger, trained.model, None, config.engine.threads, progress)
    scores = scores.assign(model_version=registered.version, run_id=registered.run_id)
    write_scores(scores, folder / "scores.parquet")
    report = report_input(
        ledger, config, scores, trained.backtest.figures, trained.backtest.predictions, trained.features, registered
    )
    write_report(report, folder / "report.html")
    (folder / "overview.png").write_bytes(overview(report))
    return story(DATA_SETS[name].title, ledger.manifest.reconciliation(), trained, scores, file, config)


def story(
    title: str, reconciliation: list[tuple[str, int, Any]], trained: Trained, scores: Any, file: Path, config: Config
) -> list[str]:
    """Ten lines: what went in, how good it is, what it says, what to open next."""
    figures: dict[str, Any] = trained.backtest.figures
    pooled, gain = figures["pooled"], figures["gain"]
    days, unit = figures["horizon_days"], config.data.currency
    counted = {name: (lines, money) for name, lines, money in reconciliation}
    used = counted["used"]
    left = ", ".join(f"{n:,} {name}" for name, (n, _) in counted.items() if name not in ("read", "used") and n)
    churn = pooled["churn"]
    classic = min(("bg_nbd", "pareto_nbd"), key=lambda m: churn[m]["log_loss"] or np.inf)
    by_risk = scores.sort_values("p_churn", ascending=False)
    predictions = trained.backtest.predictions
    first = np.argsort(-predictions["p_churn_regulars"].to_numpy())[: -(-len(predictions) // 10)]
    found = predictions["churned"].to_numpy()[first].sum() / predictions["churned"].sum()
    stakes = scores["p_churn"] * scores["expected_spend"]
    return [
        title + ".",
        f"{used[0]:,} lines worth {used[1]:,.2f} {unit} went in; {left or 'nothing was left out'}.",
        f"Examined {len(figures['origins'])} times on the {days} days that followed: {pooled['base_rate']:.1%} fell silent.",
        f"Contacting the riskiest tenth would have reached {found:.0%} of them (AUC {churn['regulars']['auc']:.3f}).",
        f"Log loss {churn['regulars']['log_loss']:.4f}: {_against(gain, classic)} than the best classical model, "
        f"{_against(gain, 'naive')} than the best simple rule.",
        f"Expected spend ranks customers with a Gini of {pooled['value']['regulars']['gini']:.3f}; "
        f"its total came to {pooled['value']['regulars']['bias']:.2f} x what was spent.",
        f"Now: of {len(scores):,} customers {scores['p_churn'].sum():,.0f} will probably not buy in the next {days} days; "
        f"{(scores['p_churn'] > 0.5).sum():,} more likely than not.",
        f"Expected spend in that time is {scores['expected_spend'].sum():,.0f} {unit}; "
        f"{stakes.sum():,.0f} of it lies with customers who may fall silent, most with {by_risk.loc[stakes.idxmax(), 'customer_id']}.",
        f"Model {config.mlflow.model_name}@champion is registered in {Path(config.tracking_uri.removeprefix('sqlite:///')).parent}.",
        f"Open {file.parent / 'report.html'} next; {file.parent / 'scores.csv'} has a row for every customer.",
    ]


def _against(gain: dict[str, Any], rival: str) -> str:
    """ "8.7 % better (7.0 to 10.4)" or the like."""
    found = gain["churn"][rival]
    percent, interval = found["log_loss_gain_percent"], found["ci"]
    if percent is None or interval is None:
        return "not comparable"
    word = "better" if percent > 0 else "worse"
    low, high = sorted(abs(x) if interval[0] * interval[1] > 0 else x for x in interval)
    return f"{abs(percent):.1f} % {word} ({low:.1f} to {high:.1f})"
