"""The least that any endpoint does: FastAPI, the same boosters, features that are ready; no names, no days, no checks.

In: the folder named by REGULARS_BARE, which `benchmarks.serving_shop` filled: boosters and ``columns.json``. Out: an
app with `POST /score`: rows of features and of margins in, for each row every booster's prediction out. A missing
feature is null.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import xgboost as xgb
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from pydantic import BaseModel

FOLDER, COLUMNS = "REGULARS_BARE", "columns.json"


class Rows(BaseModel):
    """What is known of some customers."""

    features: list[list[float | None]]
    margins: list[list[float]]


def app() -> FastAPI:
    """The app, with its boosters loaded; `uvicorn --factory` asks for it."""
    folder = Path(os.environ[FOLDER])
    told = json.loads((folder / COLUMNS).read_text(encoding="utf-8"))
    names, boosters = [one["file"] for one in told], []
    for one in told:
        booster = xgb.Booster({"nthread": 1}, model_file=folder / one["file"])
        boosters.append((booster, np.array(one["columns"]), one["margin"]))
    made = FastAPI()

    @made.post("/score")
    async def score(rows: Rows) -> JSONResponse:
        features, margins = np.array(rows.features, np.float32), np.array(rows.margins)
        links = [
            booster.inplace_predict(
                features[:, columns],
                predict_type="margin",
                base_margin=None if margin is None else margins[:, margin],
                validate_features=False,
            ).tolist()
            for booster, columns, margin in boosters
        ]
        return JSONResponse({"predictions": [dict(zip(names, row, strict=True)) for row in zip(*links, strict=True)]})

    @made.get("/ping")
    async def ping() -> JSONResponse:
        return JSONResponse({})

    return made
