"""The chapter on rivals: is the model better than a simple rule and the classical models, by how much, how surely.

In: the checked report. Out: one section in plain words. The verdicts follow the intervals: a gain whose interval holds
zero is "not distinguishable"; what was not measured is called so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .blocks import Cell, Column, Section, Table, pictured
from .comparison import (
    CHURN_METRICS,
    RULE,
    VALUE_METRICS,
    Metric,
    best,
    best_classic,
    gain_over,
    gains,
    known_models,
    origins,
)
from .figures import gains_picture
from .grades import called, full_words, speaker
from .inputs import PRODUCT, ReportInput, branch, interval, number
from .notation import count, date, figure, model_name, percent, points, span
from .panels import Gain

NOTE = "Small figures: 90\u00a0% intervals; where none stands, none was computed. Bold: nearest to ideal."


def verdict(gain: Gain | None, other: str) -> str:
    r"""What may be said about a gain, given its interval.

    Examples
    --------
    >>> verdict(Gain("Simple rule", 18.2, (14.0, 22.4)), "a simple rule").replace("\u00a0", " ")
    '18.2 % better than a simple rule (90 % interval 14.0 to 22.4 %)'
    >>> verdict(Gain("BG/NBD", 0.4, (-1.0, 1.8)), "BG/NBD").replace("\u00a0", " ")
    'not distinguishable from BG/NBD (gain 0.4 %, 90 % interval −1.0 to 1.8 %)'
    """
    if gain is None:
        return f"not compared with {other}"
    size = points(abs(gain.gain))
    if gain.ends is None:
        return f"{size} % {'better' if gain.gain >= 0 else 'worse'} than {other} (no interval)"
    around = f"90\u00a0%\u00a0interval {points(gain.ends[0])} to {points(gain.ends[1])} %"
    if gain.ends[0] <= 0 <= gain.ends[1]:
        return f"not distinguishable from {other} (gain {points(gain.gain)} %, {around})"
    return f"{size} % {'better' if gain.gain >= 0 else 'worse'} than {other} ({around})"


def comparison(report: ReportInput) -> Section:
    """Whether the model is better than simple rules and the classical models, by how much, how surely."""
    topic, classic = "Is it better than a simple rule?", best_classic(report)
    name = model_name(classic or "")
    rule, old = gain_over(report, RULE), gain_over(report, classic)
    measured = rule is not None or old is not None
    headline = f"The churn forecast is {verdict(rule, 'a simple rule')}."
    if not measured:
        headline = "How much better than a simple rule is not defined here: it was not measured."
    elif speaker(report) != PRODUCT:
        headline = (
            f"Regulars' own churn forecast is {verdict(rule, 'a simple rule')} and {verdict(old, name)}; so "
            f"{called(speaker(report))} speaks instead."
        )
    graded = [w for target in ("churn", "value") if (w := full_words(report, target))]
    words = [
        *(graded or [f"Against the better of the two classical models it is {verdict(old, name)}."]),
        "Measured in log loss, the price of a wrong probability, and for spend in Tweedie deviance; intervals are "
        "paired by customer.",
        "The simple rule calls everybody lost who has not bought for some time. BG/NBD and Pareto/NBD are the "
        "classical models of buying and stopping. All saw the same past and were judged on the same future.",
    ]
    pictures = [
        *pictured(
            "Churn: how much better than", gains_picture(gains(report), "Gain in log loss"), "In log loss saved."
        ),
        *pictured(
            "Spend: how much better than",
            gains_picture(gains(report, "value"), "Gain in Tweedie deviance"),
            "In Tweedie deviance saved.",
        ),
    ]  # fmt: skip
    return Section("comparison", topic, headline, words, pictures, _metric_tables(report))


def _metric_tables(report: ReportInput) -> list[Table]:
    found: list[Table] = []
    for target, name, metrics in (("churn", "Churn", CHURN_METRICS), ("value", "Spend", VALUE_METRICS)):
        pooled = branch(report.backtest, "pooled", target)
        each = [(_check(o), branch(o, target)) for o in origins(report)]
        found += _metric_table([(Cell("all"), pooled)], metrics, f"{name}, all checks pooled", folded=False)
        found += _metric_table(each, metrics, f"{name}, check by check", folded=True)
    return found


def _check(origin: Mapping[str, object]) -> Cell:
    base = percent(number(origin.get("base_rate")))
    return Cell(date(origin.get("cutoff")), f"{count(origin.get('n'))} customers, base rate {base}")


def _direction(metric: Metric) -> str:
    if metric.ideal == 1:
        return "1 is right" if metric.key == "bias" else "higher is better"
    return "lower is better"


def _metric_table(
    checks: Sequence[tuple[Cell, Mapping[str, object]]], metrics: Sequence[Metric], caption: str, folded: bool
) -> list[Table]:
    """One row a check and model, one column a metric that anybody has; the best of each check in bold."""
    shown = [m for m in metrics if any(m.key in branch(f, model) for _, f in checks for model in f)]
    rows = [r for check, figures in checks for r in _model_rows(check, figures, shown)]
    if not rows or not shown:
        return []
    headings = [Column("Check", False), Column("Model", False), *(Column(m.name, note=_direction(m)) for m in shown)]
    if len(checks) == 1 and not folded:
        headings, rows = headings[1:], [r[1:] for r in rows]
    return [Table(caption, headings, rows, folded, NOTE)]


def _model_rows(check: Cell, figures: Mapping[str, object], shown: Sequence[Metric]) -> list[list[Cell]]:
    models = known_models(figures)
    winners = {m.key: best(figures, m, models) for m in shown}
    return [
        [check if model == models[0] else Cell(""), Cell(model_name(model), strong=model == PRODUCT)]
        + [
            Cell(
                figure(branch(figures, model).get(m.key), m.digits),
                span(interval(branch(figures, model, "ci").get(m.key)), m.digits),
                strong=winners[m.key] == model,
            )
            for m in shown
        ]
        for model in models
    ]
