"""Check by check: log loss of the product's model and its rivals, and how much of it is level.

In: the backtest's mappings. Out: bars for the picture, counts and rows. A figure that is missing stays None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from .bars import Bar, Group
from .comparison import RULE, best_classic, origins
from .inputs import PRODUCT, ReportInput, branch, interval, number
from .notation import NBSP, count, date, figure, model_name, percent


@dataclass(frozen=True)
class Loss:
    """A log loss, the part of it that is level, and its interval."""

    whole: float | None
    level: float | None
    ends: tuple[float, float] | None

    @property
    def share(self) -> float | None:
        """How much of it is level, 0..1.

        Examples
        --------
        >>> Loss(0.4, 0.1, None).share, Loss(0.4, None, None).share
        (0.25, None)
        """
        return None if self.level is None or not self.whole else self.level / self.whole


def loss_of(part: Mapping[str, object], model: str) -> Loss:
    """The log loss of a model in a part (an origin, or all of them).

    Examples
    --------
    >>> loss_of({"churn": {"naive": {"log_loss": 0.3, "level_loss": 0.1, "ci": {"log_loss": [0.2, 0.4]}}}}, "naive")
    Loss(whole=0.3, level=0.1, ends=(0.2, 0.4))
    """
    found = branch(part, "churn", model)
    ends = interval(branch(found, "ci").get("log_loss"))
    return Loss(number(found.get("log_loss")), number(found.get("level_loss")), ends)


def together(report: ReportInput, model: str) -> Loss:
    """The log loss over all checks; its level only where every check defines one: else they are of other rows."""
    loss = loss_of(branch(report.backtest, "pooled"), model)
    whole = all(loss_of(o, model).level is not None for o in origins(report))
    return loss if whole else replace(loss, level=None)


def where_defined(report: ReportInput, model: str) -> tuple[Loss, int]:
    """Log loss and level over the rows of those checks that define a level, and how many they are.

    A level is not defined where all customers left, or none.
    """
    parts = [(number(o.get("n")) or 0.0, loss_of(o, model)) for o in origins(report)]
    found = [(n, loss) for n, loss in parts if loss.share is not None]
    rows = sum(n for n, _ in found)
    if not rows:
        return Loss(None, None, None), 0
    whole = sum(n * (loss.whole or 0.0) for n, loss in found) / rows
    return Loss(whole, sum(n * (loss.level or 0.0) for n, loss in found) / rows, None), len(found)


def beside(report: ReportInput) -> list[str]:
    """The models that stand side by side: the product's, its trees alone, the better classical one, the rule."""
    wanted = (PRODUCT, "xgb_panel", best_classic(report), RULE)
    known = {m for o in origins(report) for m in branch(o, "churn") if loss_of(o, m).whole is not None}
    return [m for m in wanted if m in known]


def loss_groups(report: ReportInput) -> list[Group]:
    """The bars of every check, oldest first, and of all together when there are several."""
    models, parts = beside(report), origins(report)
    if PRODUCT not in models:
        return []
    groups = [_group(date(o.get("cutoff")), o, {m: loss_of(o, m) for m in models}) for o in parts]
    pooled = branch(report.backtest, "pooled")
    if len(parts) > 1 and branch(pooled, "churn"):
        groups.append(_group("All checks", pooled, {m: together(report, m) for m in models}))
    return groups


def _group(title: str, part: Mapping[str, object], losses: Mapping[str, Loss]) -> Group:
    least = min((v.whole for v in losses.values() if v.whole is not None), default=None)
    n, left = part.get("n"), number(part.get("base_rate"))
    about = [f"{count(n)} {'forecasts' if title == 'All checks' else 'customers'}"] if number(n) is not None else []
    about += [f"{percent(left)} left"] if left is not None else []
    bars = [
        Bar(
            model_name(m),
            loss.whole,
            loss.level,
            loss.ends,
            own=m == PRODUCT,
            text=figure(loss.whole, 4),
            strong=loss.whole is not None and loss.whole == least,
        )
        for m, loss in losses.items()
    ]
    return Group(title.replace(NBSP, " "), ", ".join(about).replace(NBSP, " "), bars)


def better_at(report: ReportInput, other: str) -> tuple[int, int]:
    """At how many checks the product's log loss was the smaller one, of how many at which both are known."""
    pairs = [(loss_of(o, PRODUCT).whole, loss_of(o, other).whole) for o in origins(report)]
    known = [(ours, theirs) for ours, theirs in pairs if ours is not None and theirs is not None]
    return sum(ours < theirs for ours, theirs in known), len(known)


def gain_at(part: Mapping[str, object], other: str) -> float | None:
    """By which share of the rival's log loss the product's is smaller.

    Examples
    --------
    >>> gain_at({"churn": {"regulars": {"log_loss": 0.3}, "naive": {"log_loss": 0.4}}}, "naive")
    0.25
    """
    ours, theirs = loss_of(part, PRODUCT).whole, loss_of(part, other).whole
    return None if ours is None or not theirs else round(1 - ours / theirs, 12)


def windows(report: ReportInput) -> list[int | None]:
    """The days of the windows that were learnt from at each check."""
    found = []
    for origin in origins(report):
        trained = origin.get("trained_horizons")
        first = number(trained[0]) if isinstance(trained, (list, tuple)) and trained else None
        found.append(None if first is None else round(first))
    return found
