"""BG/NBD and Pareto/NBD of `pymc-marketing`, at the mode; run as a script by the Python of another environment.

In: folders, each with `job.json` and `rhythm.parquet`. Out: in each, `pymc-<cutoff day>.parquet` with one row per
customer and what either model, with its own default priors on the parameters, says of P(no purchase in the horizon),
written as soon as an origin is done. Times are in weeks. It imports nothing of this project.
"""

from __future__ import annotations

import json
import logging
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from pymc_marketing.clv import BetaGeoModel, ParetoNBDModel

KEYS = ["frequency", "recency", "T"]


def bg_silent(customers: pd.DataFrame, rows: pd.DataFrame, weeks: float) -> np.ndarray:
    """BG/NBD fitted on all customers, asked about the distinct ones."""
    model = BetaGeoModel()
    model.fit(data=customers, method="map", progressbar=False)
    return np.asarray(model.expected_probability_no_purchase(data=rows, t=weeks)).mean((0, 1))


def pareto_silent(customers: pd.DataFrame, rows: pd.DataFrame, weeks: float) -> np.ndarray:
    """Pareto/NBD likewise."""
    model = ParetoNBDModel()
    model.fit(data=customers, method="map", progressbar=False)
    return np.asarray(model.expected_purchase_probability(data=rows, n_purchases=0, future_t=weeks)).mean((0, 1))


MODELS = {"pymc_bg": bg_silent, "pymc_pareto": pareto_silent}


def said(customers: pd.DataFrame, horizon_days: int) -> pd.DataFrame:
    """The probabilities of one origin's customers; missing where a model failed, and why on the error stream."""
    weekly = customers.assign(**{k: customers[k] / 7 for k in ("recency", "T")})
    rows = weekly[KEYS].drop_duplicates(ignore_index=True)
    rows = rows.assign(customer_id=np.arange(len(rows)))
    for name, silent in MODELS.items():
        try:
            rows[name] = silent(weekly[["customer_id", *KEYS]], rows[["customer_id", *KEYS]], horizon_days / 7)
        except Exception as error:  # a fit that fails is a fact about the peer, not an end of the benchmark
            print(f"{name}: {type(error).__name__}: {str(error).splitlines()[0]}", file=sys.stderr)
            rows[name] = np.nan
    return weekly.merge(rows.drop(columns="customer_id"), on=KEYS)[["customer_id", "cutoff", *MODELS]]


def main(folders: list[str]) -> None:
    """Every origin of every folder."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    for folder in map(Path, folders):
        job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
        rhythm = pd.read_parquet(folder / "rhythm.parquet")
        for cutoff, customers in rhythm.groupby("cutoff"):
            said(customers, job["horizon_days"]).to_parquet(folder / f"pymc-{cutoff}.parquet", index=False)


if __name__ == "__main__":
    main(sys.argv[1:])
