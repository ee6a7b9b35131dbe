"""The answer to a request: purchase histories in, one row of scores per customer out.

In: a model, a frame as `request_beside` reads it, the parameters ``as_of`` (ISO date; default: the day of training),
``horizons`` ("30,365": further columns), ``reasons`` and ``offers``. Out: the columns `SCORES`, and those of further
horizons. Who had not bought before the day, or was silent for too long, has no row. A parameter that cannot be met is
refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff
from ..errors import ConfigError, did_you_mean
from ..features.history import Beside
from ..features.lines import Lines
from .model import Model
from .outputs import OUTPUTS, SCORES, Wanted
from .request_beside import request_of

if TYPE_CHECKING:
    import pandas as pd

PARAMETERS = ("as_of", "horizons", "reasons", "offers")


@dataclass(frozen=True)
class Asked:
    """What a request wants to know.

    Parameters
    ----------
    as_of : Cutoff
    wanted : Wanted
    """

    as_of: Cutoff
    wanted: Wanted

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
                do="ask `POST /v1/recommendations` of `regulars serve`, or run `regulars offers plan`",
                code="RG305",
            )
        day = params.get("as_of") or model.trained_on
        horizons = _horizons(str(params.get("horizons") or ""), model)
        outputs = [name for name in OUTPUTS if name != "reasons" or params.get("reasons")]
        return cls(Cutoff.parse(str(day)), Wanted.of(outputs, horizons, model))


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
    import pandas as pd

    asked = Asked.of(params, model)
    lines, beside = request_of(frame, model.plan.columns, model.shape, model.rules, model.begins)
    return pd.DataFrame(answered(model, lines, beside, asked))


def answered(model: Model, lines: Lines, beside: Beside | None, asked: Asked) -> dict[str, NDArray[Any]]:
    """The same of lines, as columns: `SCORES`, in which nobody gave reasons are empty, and further horizons."""
    said = model.said(lines, asked.as_of, asked.wanted, None, beside)
    none = np.full(len(said.customer), "", object)
    who = {"customer_id": lines.customer_ids[said.customer], "as_of": np.full(len(none), str(asked.as_of), object)}
    known = {**who, "reasons": none, **said.columns}
    return {name: known[name] for name in dict.fromkeys((*SCORES, *said.columns))}
