"""The sections of `regulars.toml` about the nightly work: scores, where models are kept, the gate, monitoring.

In: what the user wrote. Out: frozen settings with their defaults. Settings that contradict one another are refused.
"""

from __future__ import annotations

from pydantic import Field

from .sections import Section


class ScoresConfig(Section):
    """What is written beside the numbers."""

    reasons: int = Field(default=200, ge=0, description="so many customers get reasons: those with most at stake")
    movers: int = Field(default=100, ge=0, description="so many of each kind of change since last time are listed")


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


class MonitorConfig(Section):
    """When monitoring raises an alert."""
