"""BG/NBD and Pareto/NBD of `lifetimes`; run as a script by the Python of another environment.

In: folders, each with `job.json` and `rhythm.parquet`. Out: in each, `lifetimes-<cutoff day>.parquet` with one row per
customer and what either model says of P(no purchase in the horizon), written as soon as an origin is done. Times are
in weeks, as its documents have them; equal customers are one row with a weight. It imports nothing of this project.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from lifetimes import BetaGeoFitter, ParetoNBDFitter

KEYS = ["frequency", "recency", "T"]


def bg_silent(rows: pd.DataFrame, weeks: float) -> np.ndarray:
    """BG/NBD: either gone, or alive and silent: nobody leaves without buying (Fader, Hardie & Lee 2005)."""
    model = BetaGeoFitter().fit(*(rows[k] for k in KEYS), weights=rows["n"])
    r, alpha = (model.params_[k] for k in ("r", "alpha"))
    silent = ((alpha + rows["T"]) / (alpha + rows["T"] + weeks)) ** (r + rows["frequency"])
    alive = model.conditional_probability_alive(*(rows[k] for k in KEYS))
    return np.asarray(1 - alive * (1 - silent))


def pareto_silent(rows: pd.DataFrame, weeks: float) -> np.ndarray:
    """Pareto/NBD: its own P(0 purchases up to a time)."""
    model = ParetoNBDFitter().fit(*(rows[k] for k in KEYS), weights=rows["n"])
    return np.asarray(model.conditional_probability_of_n_purchases_up_to_time(0, weeks, *(rows[k] for k in KEYS)))


MODELS = {"lifetimes_bg": bg_silent, "lifetimes_pareto": pareto_silent}


def said(customers: pd.DataFrame, horizon_days: int) -> pd.DataFrame:
    """The probabilities of one origin's customers; missing where a model failed, and why on the error stream."""
    weekly = customers.assign(**{k: customers[k] / 7 for k in ("recency", "T")})
    rows = weekly.groupby(KEYS, as_index=False).size().rename(columns={"size": "n"})
    for name, silent in MODELS.items():
        try:
            rows[name] = silent(rows, horizon_days / 7)
        except Exception as error:  # a fit that fails is a fact about the peer, not an end of the benchmark
            print(f"{name}: {type(error).__name__}: {str(error).splitlines()[0]}", file=sys.stderr)
            rows[name] = np.nan
    return weekly[["customer_id", "cutoff", *KEYS]].merge(rows, on=KEYS)[["customer_id", "cutoff", *MODELS]]


def main(folders: list[str]) -> None:
    """Every origin of every folder."""
    warnings.simplefilter("ignore")  # of overflow in its own formulas
    for folder in map(Path, folders):
        job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
        rhythm = pd.read_parquet(folder / "rhythm.parquet")
        for cutoff, customers in rhythm.groupby("cutoff"):
            said(customers, job["horizon_days"]).to_parquet(folder / f"lifetimes-{cutoff}.parquet", index=False)


if __name__ == "__main__":
    main(sys.argv[1:])
