"""The MLflow model, from code: purchase histories in, one row of scores per customer out.

In: a frame of order lines (see `regulars.models.request_beside`) and parameters (see `regulars.models.answer`). Out: a
row per customer. MLflow runs this file; the bundle beside it holds no code, and is checked before it is used.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel

from regulars.models.answer import answer
from regulars.models.bundle import load
from regulars.models.model import Model


class Regulars(PythonModel):  # type: ignore[misc]  # MLflow decorates it away from its type
    """The registered model `regulars`."""

    model: Model

    def load_context(self, context: Any) -> None:
        """Read and check the bundle."""
        self.model = load(Path(context.artifacts["bundle"]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """One row per customer at risk on the day asked for."""
        return answer(self.model, model_input, params or {})


set_model(Regulars())
