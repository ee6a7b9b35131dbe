"""The MLflow model, from code: purchase histories in, one row of scores per customer out.

In: a frame of order lines (see `regulars.models.request`) and the parameter ``as_of`` (ISO date; default: the day on
which the model was trained). Out: `SCORES` columns. MLflow runs this file; the bundle beside it holds no code.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel

from regulars.clock import Cutoff
from regulars.models.bundle import load
from regulars.models.model import Model
from regulars.models.request import lines_of


class Regulars(PythonModel):  # type: ignore[misc]  # MLflow decorates it away from its type
    """The registered model `regulars`."""

    model: Model

    def load_context(self, context: Any) -> None:
        """Read and check the bundle."""
        self.model = load(Path(context.artifacts["bundle"]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """One row per customer at risk on the day asked for."""
        asked = str((params or {}).get("as_of") or self.model.trained_on)
        lines = lines_of(model_input, self.model.shape.columns, self.model.rules)
        return self.model.scores_of(lines, Cutoff.parse(asked))


set_model(Regulars())
