"""The section `[tuning]`: how long, and between which values, the settings of the boosters are searched.

In: the keys of the section. Out: frozen settings. A range that XGBoost could not take, and a setting that would do
nothing, is an error that says what may be written instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from .errors import did_you_mean
from .sections import Section

LEGAL: Mapping[str, tuple[float, float]] = {
    "max_depth": (1, 12),
    "learning_rate": (0.01, 0.5),
    "min_child_weight": (0.01, 10_000),
    "subsample": (0.1, 1),
    "colsample_bytree": (0.1, 1),
    "reg_lambda": (0.01, 10_000),
}
"""The parameters that can be searched, and how far; beyond it trees are no longer shallow, steps no longer small."""


def _trials(value: Any) -> Any:
    """A whole number, or a list of them as a tuple."""
    values = value if isinstance(value, list | tuple) else (value,)
    if not values or any(isinstance(v, bool) or not isinstance(v, int) or v < 0 for v in values):
        raise ValueError("a whole number, 0 or more, or a list of them, one per study of a training to be repeated")
    return tuple(values) if isinstance(value, list | tuple) else value


def _space(value: Any) -> Any:
    """Names to pairs (least, most)."""
    if not isinstance(value, Mapping):
        raise ValueError("a table of ranges, such as {max_depth = [2, 8]}")
    return {name: _range(str(name), given) for name, given in value.items()}


def _range(name: str, given: Any) -> tuple[float, float]:
    if name not in LEGAL:
        raise ValueError(f"`{name}` cannot be searched; {did_you_mean(name, list(LEGAL))}")
    least, most = LEGAL[name]
    numbers = isinstance(given, list | tuple) and all(isinstance(g, int | float) for g in given) and len(given) == 2
    if not numbers or any(isinstance(g, bool) for g in given):
        raise ValueError(f"`{name}` is {given!r}; needed: two numbers, the least and the largest, as [{least}, {most}]")
    if not least <= given[0] < given[1] <= most:
        raise ValueError(f"`{name}` goes from {given[0]} to {given[1]}; needed: upwards, within {least} to {most}")
    if name == "max_depth" and any(g != int(g) for g in given):
        raise ValueError(f"`{name}` is {list(given)}; needed: whole numbers")
    return given[0], given[1]


class TuningConfig(Section):
    """How long, and where, the settings of the boosters are searched."""

    trials: Annotated[int | tuple[int, ...], BeforeValidator(_trials)] = Field(
        default=10,
        description="trials of each seeded study; 0 keeps the defaults; the list that a training printed repeats it",
    )
    seconds: float | None = Field(
        default=None,
        gt=0,
        description="so long for all studies of a training together; finished trials are recorded",
    )
    space: Annotated[dict[str, tuple[float, float]], BeforeValidator(_space)] = Field(
        default={},
        description="ranges to search instead of the usual ones, as {max_depth = [2, 8]}; also: "
        + ", ".join(n for n in LEGAL if n != "max_depth"),
    )

    @model_validator(mode="after")
    def _something_to_do(self) -> TuningConfig:
        if self.seconds is not None and not isinstance(self.trials, int):
            raise ValueError("`seconds` does nothing where `trials` says how many each study finishes; leave it out")
        if self.trials == 0 and (self.space or self.seconds is not None):
            key = "space" if self.space else "seconds"
            raise ValueError(f"`{key}` does nothing while `trials` is 0")
        return self
