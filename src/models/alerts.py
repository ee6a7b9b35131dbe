"""Alerts: what of freshness, drift and matured outcomes somebody should know, and whether to train again.

In: days, a `Drift`, figures by month beside what was promised, thresholds. Out: alerts in words, each with its figures
and what to do, and a verdict. A level that is off while the order of the customers holds is a season or the market; an
order that is lost is a model that has aged. What is not known raises nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ..clock import Cutoff
from ..production_sections import MonitorConfig
from .drift import Drift, Moved
from .intervals import LEVEL
from .matured import Promise

Severity = Literal["alert", "watch"]
LEANT_ON = 0.2
"""From this share of the churn model's gain on, features that drifted are an alert."""
GONE = 0.3
"""A feature is lost when it is missing for so many more of the customers, as a share of all."""
WATCH_APART, WATCH_VALUES = 0.6, 0.05
SHOWN = 5
RETRAIN = "train again, and let the gate compare: `regulars train`, `regulars promote`"


@dataclass(frozen=True)
class Alert:
    """Something that somebody should know.

    Parameters
    ----------
    rule : str
    severity : "alert" or "watch"
    words, do : str
    figures : dict
        JSON-safe.
    retrain : bool
        Whether a new training is the remedy.
    """

    rule: str
    severity: Severity
    words: str
    do: str
    figures: Mapping[str, Any] = field(default_factory=dict)
    retrain: bool = False


@dataclass(frozen=True)
class Freshness:
    """How old everything is.

    Parameters
    ----------
    today : Cutoff
    data_end : Cutoff
        The day after the ledger's last.
    scored : Cutoff or None
        Of the newest published scores.
    trained_on : Cutoff or None
        The champion's.
    """

    today: Cutoff
    data_end: Cutoff
    scored: Cutoff | None
    trained_on: Cutoff | None

    def days(self, day: Cutoff | None) -> int | None:
        """How many days before today that was."""
        return None if day is None else self.today.day - day.day

    def figures(self) -> dict[str, Any]:
        """JSON-safe form."""
        return {
            "today": str(self.today),
            "last_day": str(self.data_end.minus(1)),
            "data_days": self.days(self.data_end),
            "scored": None if self.scored is None else str(self.scored),
            "scores_days": self.days(self.scored),
            "trained_on": None if self.trained_on is None else str(self.trained_on),
            "model_days": self.days(self.trained_on),
        }


def freshness_alerts(fresh: Freshness, limits: MonitorConfig) -> Iterator[Alert]:
    """What is too old."""
    data, scores, model = (fresh.days(day) for day in (fresh.data_end, fresh.scored, fresh.trained_on))
    if data is not None and data > limits.data_days:
        words = f"the last purchase is of {fresh.data_end.minus(1)}, {data} days before {fresh.today}"
        yield Alert("data_old", "alert", words, "look at the delivery of purchases", {"days": data})
    if fresh.scored is None:
        yield Alert("no_scores", "alert", "no scores were ever published", "run `regulars score`")
    elif scores is not None and scores > limits.scores_days:
        words = f"the newest scores are as of {fresh.scored}, {scores} days before {fresh.today}"
        yield Alert("scores_old", "alert", words, "run `regulars score --catch-up`", {"days": scores})
    if model is not None and model > limits.model_days:
        words = f"the champion was trained on {fresh.trained_on}, {model} days before {fresh.today}"
        yield Alert("model_old", "watch", words, RETRAIN, {"days": model}, retrain=True)


def drift_alerts(drift: Drift, limits: MonitorConfig) -> Iterator[Alert]:
    """In what the customers are not those that were learnt from."""
    for one in drift.predictions:
        if one.size != "none" and one.psi > limits.psi:
            yield Alert("drift_predictions", "alert", one.words, RETRAIN, asdict(one), retrain=True)
    large = [one for one in drift.features if one.size != "none" and one.psi > limits.psi]
    lost = [one for one in large if one.missing_now - one.missing_then > GONE]
    yield from _features("features_lost", "alert", lost, "look at the delivery: something that was there is missing")
    moved = [one for one in large if one not in lost]
    leant = sum(one.gain_share or 0.0 for one in moved)
    severity: Severity = "alert" if leant >= LEANT_ON else "watch"
    yield from _features("drift_features", severity, moved, "see whether the data or the customers changed", leant)
    yield from _apart(drift, limits)
    for name, found in drift.new_values.items():
        share = float(found["share"])
        if share > min(WATCH_VALUES, limits.new_values):
            worse: Severity = "alert" if share > limits.new_values else "watch"
            values = ", ".join(f"`{v}`" for v in found["values"])
            words = f"{share:.0%} of what is known of `{name}` has values never learnt, such as {values}"
            yield Alert("new_values", worse, words, RETRAIN, {"of": name, **found}, retrain=worse == "alert")


def _features(
    rule: str, severity: Severity, moved: Sequence[Moved], do: str, leant: float | None = None
) -> Iterator[Alert]:
    if not moved:
        return
    shown = "; ".join(one.words for one in moved[:SHOWN])
    more = f"; and {len(moved) - SHOWN} more" if len(moved) > SHOWN else ""
    figures = {"features": [one.name for one in moved], "gain_share": leant}
    yield Alert(rule, severity, f"{shown}{more}", do, figures, retrain=rule == "drift_features" and severity == "alert")


def _apart(drift: Drift, limits: MonitorConfig) -> Iterator[Alert]:
    apart = drift.apart
    if apart is None or apart.low <= min(WATCH_APART, limits.apart_auc):
        return
    severity: Severity = "alert" if apart.low > limits.apart_auc else "watch"
    words = (
        f"a small model tells customers of now from those of the training with an AUC of {apart.auc:.2f} "
        f"({apart.low:.2f} to {apart.high:.2f}), by {', '.join(f'`{n}`' for n in apart.telling)}"
    )
    yield Alert("drift_apart", severity, words, RETRAIN, asdict(apart), retrain=severity == "alert")


def outcome_alerts(month: Mapping[str, Any], promise: Mapping[str, Promise], limits: MonitorConfig) -> Iterator[Alert]:
    """What of a month's matured scores was not kept.

    Parameters
    ----------
    month : mapping
        A row of `matured.by_month`; ``year_ago`` may say of the same windows a year before which share fell silent
        (``churned``), and what was spent as a multiple of what had been in as many days before (``growth``).
    promise : dict of str to Promise
        Of the training of that version.
    """
    if month["n"] < limits.least_customers:
        return
    yield from _order(month, promise, limits)
    yield from _level(month, limits)
    yield from _money(month, promise, limits)


def _order(month: Mapping[str, Any], promise: Mapping[str, Promise], limits: MonitorConfig) -> Iterator[Alert]:
    named = {"auc": ("ranking", "who falls silent", "AUC"), "gini": ("value_ranking", "who spends most", "Gini")}
    for name, (rule, what, figure) in named.items():
        said = promise.get(name, Promise())
        if (
            said.low is not None
            and said.value is not None
            and _number(month[f"{name}_high"]) < said.low - limits.auc_loss
        ):
            words = (
                f"{_scores(month)}: {what} was told less well than promised: {figure} {month[name]:.3f} "
                f"({month[f'{name}_low']:.3f} to {month[f'{name}_high']:.3f}), promised {said.value:.3f} "
                f"({said.low:.3f} to {said.high:.3f})"
            )
            yield Alert(rule, "alert", words, RETRAIN, _figures(month, name, said), retrain=True)
    if _number(month["auc_gain_high"]) < 0:
        words = (
            f"{_scores(month)}: days since the last purchase alone would have told better who falls silent: AUC "
            f"{month['naive_auc']:.3f} against {month['auc']:.3f}"
        )
        yield Alert("worse_than_naive", "alert", words, RETRAIN, _figures(month, "auc_gain"), retrain=True)


def _level(month: Mapping[str, Any], limits: MonitorConfig) -> Iterator[Alert]:
    gap, off = _number(month["gap"]), _least(month, "gap", 0.0)
    if not off > limits.level / 2:
        return
    severity: Severity = "alert" if off > limits.level else "watch"
    more = "more" if gap > 0 else "fewer"
    words = f"{_scores(month)}: {more} fell silent than told, {month['churned']:.0%} instead of {month['told']:.0%}"
    ago = _ago(month, "churned")
    season = None if ago is None else _explains(ago, month["churned"], month["told"])
    said = "" if ago is None else f"in the same days of the year before {ago:.0%} did"
    figures = {**_figures(month, "gap"), "year_ago": ago}
    yield Alert("level", severity, f"{words}; {_why(season, said)}", _DO_LEVEL, figures, retrain=season is False)


_DO_LEVEL = "keep the order of the customers, doubt the sums; training again sets the level of the last closed windows"


def _ago(month: Mapping[str, Any], name: str) -> float | None:
    """What the same windows of the year before tell, where the data reach back so far."""
    return _known((month.get("year_ago") or {}).get(name))


def _explains(ago: float, came: float, told: float) -> bool:
    """Whether the year before was much nearer to what came than what had been told."""
    return abs(came - ago) < abs(came - told) / 2


def _why(season: bool | None, said: str) -> str:
    if season is None:
        return "a season, or the market: the data do not reach back a year to tell which"
    return f"a season: {said}" if season else f"not a season of every year: {said}"


def _money(month: Mapping[str, Any], promise: Mapping[str, Promise], limits: MonitorConfig) -> Iterator[Alert]:
    yield from _bias(month, promise, limits)
    excess = _number(month["ece"]) - abs(_number(month["gap"])) - _by_chance(month["n"])
    if excess > limits.level / 2:
        words = f"{_scores(month)}: chances are off by {month['ece']:.0%} on average, beyond their level"
        yield Alert("calibration", "watch", words, RETRAIN, _figures(month, "ece", promise.get("ece")))
    if _number(month["coverage_high"]) < LEVEL - limits.coverage_loss:
        words = f"{_scores(month)}: intervals of spend held for {month['coverage']:.0%} instead of {LEVEL:.0%}"
        figures = _figures(month, "coverage", promise.get("coverage"))
        yield Alert("coverage", "watch", words, "take the intervals as too narrow until the next training", figures)


def _bias(month: Mapping[str, Any], promise: Mapping[str, Promise], limits: MonitorConfig) -> Iterator[Alert]:
    if not (_number(month["bias"]) > 0 and math.isfinite(_number(month["bias"]))):
        return
    low, high = (math.log(max(_number(month[f"bias_{end}"]), 1e-9)) for end in ("low", "high"))
    off = max(low, -high, 0.0)
    if not off > math.log1p(limits.bias) / 2:
        return
    severity: Severity = "alert" if off > math.log1p(limits.bias) else "watch"
    words = f"{_scores(month)}: {month['expected']:,.0f} were told to be spent, {month['spent']:,.0f} were"
    ago, before = _ago(month, "growth"), _number(month["before"])
    season = None
    if ago is not None and ago > 0 and before > 0:
        came, told = (math.log(month[name] / before) for name in ("spent", "expected"))
        season = _explains(math.log(ago), came, told)
    said = "" if ago is None else f"in the same days of the year before {ago:.2f} times as much as before them was"
    figures = {**_figures(month, "bias", promise.get("bias")), "year_ago": ago}
    yield Alert("bias", severity, f"{words}; {_why(season, said)}", _DO_LEVEL, figures, retrain=season is False)


def _by_chance(n: float, bins: int = 10) -> float:
    """What the calibration error of right chances is at most on average: mean |error| of a share of n / bins rows."""
    return math.sqrt(2 / math.pi * 0.25 * bins / n)


def _least(month: Mapping[str, Any], name: str, around: float) -> float:
    """How far a figure surely is from a value, by the nearer end of its interval; 0 where it may be that value."""
    return max(_number(month[f"{name}_low"]) - around, around - _number(month[f"{name}_high"]), 0.0)


def _scores(month: Mapping[str, Any]) -> str:
    return f"scores of {month['month']} by version {month['version']}"


def _figures(month: Mapping[str, Any], name: str, said: Promise | None = None) -> dict[str, Any]:
    found = {key: _known(month[f"{name}{end}"]) for key, end in (("value", ""), ("low", "_low"), ("high", "_high"))}
    where = {"month": month["month"], "version": month["version"], "n": int(month["n"])}
    return {**where, **found, "promised": None if said is None else asdict(said)}


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _known(value: Any) -> float | None:
    return float(value) if value is not None and math.isfinite(float(value)) else None


@dataclass(frozen=True)
class Verdict:
    """Whether to train again.

    Parameters
    ----------
    state : "retrain", "watch" or "fine"
    reasons : tuple of str
        The rules behind it.
    words : str
    """

    state: Literal["retrain", "watch", "fine"]
    reasons: tuple[str, ...]
    words: str


def verdict(alerts: Sequence[Alert]) -> Verdict:
    """Train again where that is the remedy; else watch, or do nothing.

    Examples
    --------
    >>> verdict([]).words
    'Fine: nothing asks for a new model.'
    >>> verdict([Alert("level", "alert", "fewer fell silent than told", "")]).state
    'watch'
    """
    remedied = tuple(dict.fromkeys(a.rule for a in alerts if a.retrain))
    others = tuple(dict.fromkeys(a.rule for a in alerts if not a.retrain))
    if remedied:
        why = "; ".join(dict.fromkeys(a.words for a in alerts if a.retrain))
        return Verdict("retrain", remedied, f"Retrain now: {why}.")
    if not others:
        return Verdict("fine", (), "Fine: nothing asks for a new model.")
    level = {"level", "bias"} & set(others)
    held = " The level is off and the order of the customers holds: that is no ageing of the model." if level else ""
    named = ", ".join(rule.replace("_", " ") for rule in others)
    return Verdict("watch", others, f"Watch {named}; a new model is not the remedy.{held}")
