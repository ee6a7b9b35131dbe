"""The answer to a request: purchase histories in, one row of scores per customer out.

In: a model, a frame as `request_beside` reads it, the parameters ``as_of`` (ISO date; default: the day of training),
``horizons`` ("30,365": further columns), ``reasons`` and ``offers``. Out: the columns `SCORES`, and those of further
horizons. Who had not bought before the day, or was silent for too long, has no row. A parameter that cannot be met is
refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import pandas as pd

from ..clock import Cutoff
from ..errors import ConfigError, did_you_mean
from .model import Model
from .reasons import reasons_of
from .request_beside import request_of

PARAMETERS = ("as_of", "horizons", "reasons", "offers")
FURTHER = ("p_churn", "expected_orders", "expected_spend", "spend_low", "spend_high", "spend_upper")
"""What is said of a further horizon, each under its name with the days."""


@dataclass(frozen=True)
class Asked:
    """What a request wants to know.

    Parameters
    ----------
    as_of : Cutoff
    horizons : tuple of int
        Days, each a horizon of the model.
    reasons : bool
    """

    as_of: Cutoff
    horizons: tuple[int, ...] = ()
    reasons: bool = False

    @classmethod
    def of(cls, params: Mapping[str, object], model: Model) -> Self:
        """The parameters of a request, checked against what the model can say.

        Raises
        ------
        ConfigError
            For an unknown parameter, a day that is none, a horizon that the model has not learnt, and offers.
        """
        for name in params:
            if name not in PARAMETERS:
                raise ConfigError(f"there is no parameter `{name}`", do=did_you_mean(name, PARAMETERS), code="RG304")
        if params.get("offers"):
            raise ConfigError(
                "this bundle holds no offers",
                needed="`offers` left out, or false",
                do="decide on offers from `p_churn` and `expected_spend` yourself",
                code="RG305",
            )
        day = params.get("as_of") or model.trained_on
        horizons = _horizons(str(params.get("horizons") or ""), model)
        return cls(Cutoff.parse(str(day)), horizons, bool(params.get("reasons")))


def _horizons(text: str, model: Model) -> tuple[int, ...]:
    known = sorted(model.learnt.horizons)
    asked = [part.strip() for part in text.split(",") if part.strip()]
    unknown = [part for part in asked if not part.isascii() or not part.isdigit() or int(part) not in known]
    if unknown:
        raise ConfigError(
            "the model was not trained for these horizons",
            needed=f'of {", ".join(map(str, known))} days, as `horizons` = "{",".join(map(str, known))}"',
            offending=unknown,
            code="RG306",
        )
    return tuple(dict.fromkeys(map(int, asked)))


def answer(model: Model, frame: pd.DataFrame, params: Mapping[str, object]) -> pd.DataFrame:
    """One row per customer at risk on the day asked for, in the order of their ids.

    Raises
    ------
    ConfigError
        For parameters that cannot be met.
    DataError
        For rows that cannot be read.
    """
    asked = Asked.of(params, model)
    lines, beside = request_of(frame, model.plan.columns, model.shape, model.rules, model.begins)
    sample = model.sample_at(lines, asked.as_of, beside=beside)
    told = model.scored(sample)
    found = told.scores
    if asked.reasons:
        found = found.assign(reasons=pd.Series(reasons_of(model, sample, model.currency), found.index, object))
    for days in asked.horizons:
        of_it = told.horizons[told.horizons["horizon_days"] == days]
        found = found.assign(**{f"{name}_{days}d": of_it[name].to_numpy() for name in FURTHER})
    return found
