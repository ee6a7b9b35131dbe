"""The outputs: every column that is said of a customer, what it means, and which of them somebody asks for.

In: names of outputs and horizons in days, as a caller gives them. Out: `Wanted`, checked against what a model has
learnt; what does not exist is a `ConfigError` that says where it stood and never repeats it. Only what is wanted is
worked out. Missing: intervals and chances where nothing teaches them are NaN; dates that are not expected are "".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

from ..errors import ConfigError, did_you_mean
from .splits import TIMING

if TYPE_CHECKING:
    from .model import Model

Kind = Literal["number", "integer", "text", "boolean"]


@dataclass(frozen=True)
class Output:
    """What kind of value an output is, and what it means, in a line."""

    kind: Kind
    meaning: str


OUTPUTS: Mapping[str, Output] = {
    "basis": Output("text", "`purchases`, or `newcomer` for who is too young for a history of their own"),
    "horizon_days": Output("integer", "the primary horizon in days"),
    "p_churn": Output("number", "chance of no purchase within the horizon"),
    "expected_orders": Output("number", "expected purchases within the horizon"),
    "expected_spend": Output("number", "expected net spend within the horizon, in currency"),
    "p_no_spend": Output("number", "chance that nothing is spent, or no more than comes back"),
    "spend_low": Output("number", "lower end of the 80 % interval of net spend"),
    "spend_high": Output("number", "upper end of the 80 % interval of net spend"),
    "spend_upper": Output("number", "with 90 % net spend is no more than this"),
    "lifetime_value": Output("number", "expected margin to the lifetime horizon, discounted"),
    "lifetime_low": Output("number", "lower end of its 80 % interval"),
    "lifetime_high": Output("number", "upper end of its 80 % interval"),
    "lifetime_value_ever": Output("number", "the same without an end; missing where it has no finite expectation"),
    **{f"p_purchase_{d}d": Output("number", f"chance of a purchase within {d} days") for d in TIMING},
    "next_order_from": Output("text", "from when the next purchase is likely (ISO date); empty if none within a year"),
    "next_order_p50": Output("text", "the day by which it comes with even odds"),
    "next_order_until": Output("text", "until when it is likely"),
    "usual_gap_days": Output("number", "days that usually lie between purchases of this customer"),
    "p_so_late": Output("number", "chance of so long a silence for one who is still a customer"),
    "late": Output("boolean", "whether so long a silence is unusual for this customer"),
    "segment": Output("text", "`high value` or `low value`, and `at risk` or `steady`"),
    "reasons": Output("text", "why, in words; takes some milliseconds a customer"),
    "recency_days": Output("integer", "days since the last purchase"),
    "orders": Output("integer", "purchases so far"),
    "spend": Output("number", "net spend so far, in currency"),
    "last_purchase": Output("text", "day of the last purchase (ISO date)"),
    "model": Output("text", "who speaks of churn: `regulars`, or a rival"),
    "value_model": Output("text", "who speaks of spend"),
}
"""By name, in the order of a table of scores."""
USUAL = (
    "p_churn",
    "expected_orders",
    "expected_spend",
    "spend_low",
    "spend_high",
    "segment",
    "recency_days",
    "orders",
    "spend",
    "last_purchase",
)
"""What is said to who asks for nothing in particular."""
SCORES = ("customer_id", "as_of", *OUTPUTS)
"""The columns of a table of scores."""
NEXT_ORDER = ("next_order_from", "next_order_p50", "next_order_until")
FURTHER = ("p_churn", "expected_orders", "expected_spend", "spend_low", "spend_high", "spend_upper")
"""What is said of a further horizon, each under its name with the days."""
HORIZON_ROWS = (
    "customer_id",
    "as_of",
    "horizon_days",
    "p_churn",
    "expected_orders",
    "expected_gross",
    "expected_spend",
    "spend_low",
    "spend_high",
    "spend_upper",
    "trained_days",
)
"""The columns of a table of scores with a row for each customer and horizon."""


@dataclass(frozen=True)
class Wanted:
    """What somebody wants to know of customers.

    Parameters
    ----------
    outputs : tuple of str
        Of `OUTPUTS`, each once.
    horizons : tuple of int
        Further horizons in days, of which those of the outputs are said that are in `FURTHER`.

    Examples
    --------
    >>> list(Wanted(("p_churn", "segment"), (30,)).columns)
    ['p_churn', 'segment', 'p_churn_30d']
    """

    outputs: tuple[str, ...] = USUAL
    horizons: tuple[int, ...] = ()

    @classmethod
    def of(cls, outputs: Sequence[str] | None, horizons: Sequence[int], model: Model) -> Self:
        """What was asked for; the usual outputs where none are named.

        Raises
        ------
        ConfigError
            ``RG395`` for an output that there is not, or for none at all; ``RG306`` for a horizon that the model has
            not learnt; ``RG396`` for horizons without an output that is said of them.
        """
        names = tuple(dict.fromkeys(USUAL if outputs is None else outputs))
        _check_outputs(names)
        days = tuple(dict.fromkeys(horizons))
        _check_horizons(days, names, sorted(model.learnt.horizons))
        return cls(names, days)

    @property
    def columns(self) -> dict[str, Output]:
        """The columns of the answer, in their order."""
        found = {name: OUTPUTS[name] for name in self.outputs}
        return found | {f"{name}_{days}d": OUTPUTS[name] for days in self.horizons for name in self.further}

    @property
    def further(self) -> tuple[str, ...]:
        """What is said of each further horizon."""
        return tuple(name for name in FURTHER if name in self.outputs)


def _check_outputs(names: Sequence[str]) -> None:
    if not names:
        do = "leave `outputs` out to get the usual ones"
        raise ConfigError("no outputs are asked for", needed="at least one", do=do, code="RG395")
    for place, name in enumerate(names):
        if name not in OUTPUTS:
            hint = did_you_mean(name, OUTPUTS)
            raise ConfigError(f"`outputs`, place {place}: there is no such output", do=hint, code="RG395")


def _check_horizons(days: Sequence[int], names: Sequence[str], known: Sequence[int]) -> None:
    for place, asked in enumerate(days):
        if asked not in known:
            raise ConfigError(
                f"`horizons`, place {place}: the model was not trained for this horizon",
                needed=f"of {', '.join(map(str, known))} days",
                code="RG306",
            )
    if days and not set(FURTHER) & set(names):
        raise ConfigError(
            "nothing that is asked for is said of further horizons",
            needed=f"one of {', '.join(FURTHER)}",
            do="name one of them in `outputs`, or leave `horizons` out",
            code="RG396",
        )
