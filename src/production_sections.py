"""The sections of `regulars.toml` about the nightly work: scores, where models are kept, the gate, monitoring.

In: what the user wrote. Out: frozen settings with their defaults. Settings that contradict one another are refused.
"""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from .sections import Section

_NAME = r"[A-Za-z_][\w$]{0,49}"
"""Short enough for `_published` behind it: PostgreSQL takes 63 characters."""


class ScoresConfig(Section):
    """What is written beside the numbers, how often, and into which table of a database besides."""

    reasons: int = Field(default=200, ge=0, description="so many customers get reasons: those with most at stake")
    movers: int = Field(default=100, ge=0, description="so many of each kind of change since last time are listed")
    every_days: int = Field(default=1, gt=0, description="days between the scores that `score --catch-up` makes good")
    keep_days: int | None = Field(
        default=None,
        gt=0,
        description="runs of days so long before the one that is scored are removed; monitoring keeps its figures of "
        "them; default: every run stays",
    )
    url: str | None = Field(
        default=None,
        repr=False,
        description="a database that gets the scores, too: sqlite:///file, duckdb:///file, "
        "postgresql://user@host/database, or any SQLAlchemy URL; ${NAME} in it, such as a password, is taken from the "
        "environment",
    )
    table: str | None = Field(
        default=None,
        pattern=rf"^({_NAME}\.)?{_NAME}$",
        description="the table behind `url`, as `name` or `schema.name`; it is made when it is missing",
    )

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if (self.url is None) != (self.table is None):
            raise ValueError("`url` and `table` go together")
        return self


class MlflowConfig(Section):
    """Where runs and models are kept."""

    tracking_uri: str | None = Field(
        default=None, description="default: sqlite:///mlruns/mlflow.db beside the configuration"
    )
    model_name: str = Field(default="regulars", min_length=1, pattern=r"^[A-Za-z0-9][\w.-]*$")


class GateConfig(Section):
    """When a new model may take the place of the champion."""

    tolerance: float = Field(
        default=0.01, ge=0, le=1, description="by this share a new model may be worse in the point, if not shown worse"
    )
    max_ece: float = Field(
        default=0.1,
        gt=0,
        le=1,
        description="chances of silence may be off by so much on average, beyond what chance alone brings",
    )
    max_bias: float = Field(
        default=2.0,
        ge=1,
        allow_inf_nan=False,
        description="expected spend in all may be so many times too much or too little",
    )
    allow_grade_c: bool = Field(
        default=False, description="whether a model of grade C may take the place of one of grade A or B"
    )


class MonitorConfig(Section):
    """When monitoring raises an alert, and whom it tells."""

    scores_days: int = Field(default=8, gt=0, description="published scores may be so many days old")
    data_days: int = Field(default=8, gt=0, description="the last purchase may be so many days ago")
    model_days: int = Field(default=120, gt=0, description="the champion may have been trained so many days ago")
    psi: float = Field(
        default=0.25, gt=0, le=10, description="population stability index from which what was told has drifted"
    )
    apart_auc: float = Field(
        default=0.75, gt=0.5, le=1, description="AUC from which customers of now and of the training are two worlds"
    )
    new_values: float = Field(
        default=0.2, gt=0, le=1, description="share of lines or customers with a value that was never learnt"
    )
    auc_loss: float = Field(
        default=0.02, ge=0, le=1, description="by so much AUC and Gini may surely be less than the backtest promised"
    )
    level: float = Field(
        default=0.1, gt=0, le=1, description="by so much the share of the silent may surely differ from what was told"
    )
    bias: float = Field(
        default=0.3, gt=0, allow_inf_nan=False, description="by this share spend may surely differ from what was told"
    )
    coverage_loss: float = Field(
        default=0.1, gt=0, le=1, description="by so much intervals of spend may surely hold less than 0.8"
    )
    least_customers: int = Field(default=200, gt=0, description="fewer customers are too few for an alert on outcomes")
    command: tuple[str, ...] = Field(
        default=(),
        description="a program and its arguments, run beside the configuration when there is an alert; it gets the "
        "figures as JSON on its standard input",
    )

    @model_validator(mode="after")
    def _runnable(self) -> Self:
        if self.command and not self.command[0].strip():
            raise ValueError("`command` names no program")
        return self
