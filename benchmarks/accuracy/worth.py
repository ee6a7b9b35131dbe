"""The value figures of the accuracy benchmark, from the same backtests as its churn figures.

In: the folders that `ours` left. Out: JSON-safe rows, one per set and origin, and what the goals ask over all of them.
The classics are BG/NBD and Pareto/NBD times Gamma-Gamma. Figures of the shops of one kind are those of their customers
together. A model without a prediction for every customer, and a figure that is not defined, are None.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regulars.models import metrics
from regulars.models.coverage import coverage_card
from regulars.models.metrics import Resampling
from regulars.models.speakers import MODELS

from .figures import CLASSICS, Row, change
from .sets import DataSet

Float64 = NDArray[np.float64]
FIGURES = ("gini", "tweedie_deviance", "bias", "top_decile_capture", "wape", "spearman")
LEVEL = 0.8
GOALS = {"bias_with_twin": 0.10, "bias_without": 0.25, "coverage": 0.77, "coverage_most": 0.85, "gini": 0.02}
"""What is asked: |bias - 1|; the least coverage of a fifth, and the most where P(0) is below .2; the gain in Gini."""
UPPER = (0.87, 0.93)
"""What the one-sided 90 % bound must hold in each fifth; where P(0) is .9 or more a bound of 0 holds more."""
SURELY_BUYS, MOSTLY_NOTHING = 0.2, 0.9


def frame_of(folder: Path) -> pd.DataFrame:
    """The predictions of all worlds of a set; beside them the least that counts (`floor`), and `twin`."""
    frames = []
    for world in sorted(p for p in folder.iterdir() if (p / "predictions.parquet").exists()):
        told = json.loads((world / "figures.json").read_text(encoding="utf-8"))
        frame = pd.read_parquet(world / "predictions.parquet")
        floors = json.loads((world / "floors.json").read_text(encoding="utf-8"))
        twins = {part["cutoff"]: has_twin(part) for part in told["origins"]}
        about = {"floor": frame["cutoff"].map(floors), "twin": frame["cutoff"].map(twins)}
        frames.append(frame.assign(customer_id=f"{world.name}:" + frame["customer_id"].astype(str), **about))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def has_twin(part: Mapping[str, Any]) -> bool:
    """Whether the level of spend could be set from the year before, at one origin."""
    level = part.get("value_level") or part["level"]
    return level["twin"] is not None


def rows_of(name: str, data: DataSet, folder: Path) -> list[Row]:
    """A row per origin of a set; none where it could not be judged."""
    frame = frame_of(folder)
    about = {"set": name, "title": data.title, "horizon_days": data.horizon_days}
    parts = frame.groupby("cutoff") if len(frame) else ()
    return [{**about, "origin": str(cutoff), **row(part)} for cutoff, part in parts]


def row(frame: pd.DataFrame) -> Row:
    """The value figures of one origin.

    Parameters
    ----------
    frame : DataFrame
        Columns `customer_id`, `spend`, `floor`, `twin`, `value_<model>`; bounds and `p_none` where there are intervals.
    """
    spend, floor = frame["spend"].to_numpy(np.float64), np.maximum(frame["floor"].to_numpy(np.float64), 1e-9)
    customer = frame["customer_id"].to_numpy(object)
    said = {m: frame[f"value_{m}"].to_numpy(np.float64) for m in MODELS}
    said = {m: v for m, v in said.items() if not np.isnan(v).any()}
    found = {m: metrics.value_figures(spend, v, floor, customer) for m, v in said.items()}
    costs = {m: metrics.deviance(spend, np.maximum(v, floor)) for m, v in said.items()}
    classic = min((m for m in CLASSICS if m in costs), key=lambda m: float(costs[m].mean()), default=None)
    sharpest = max((m for m in CLASSICS if m in said), key=lambda m: found[m]["gini"] or 0.0, default=None)
    return {
        "n": len(frame),
        "twin": bool(frame["twin"].all()),
        **{f: {m: found[m][f] if m in found else None for m in MODELS} for f in FIGURES},
        "deviance_against": {"model": classic, **change(costs, classic, Resampling(customer, 0))},
        "gini_gain": _gain(found, sharpest),
        "intervals": coverage_card(frame, LEVEL) if "spend_low" in frame else None,
    }


def _gain(found: Mapping[str, Mapping[str, float | None]], other: str | None) -> float | None:
    """How much more Gini ours has than another."""
    if other is None or "regulars" not in found:
        return None
    ours, theirs = found["regulars"]["gini"], found[other]["gini"]
    return None if ours is None or theirs is None else ours - theirs


def summary_of(rows: Sequence[Row]) -> Row:
    """Means over the origins and over the sets' own means, and where a goal is missed."""
    gains = [(r["set"], r["gini_gain"]) for r in rows if r["gini_gain"] is not None]
    against = [
        (r["set"], r["deviance_against"]["percent"]) for r in rows if r["deviance_against"]["percent"] is not None
    ]
    fifths = [(r, part) for r in rows if r["intervals"] for part in r["intervals"]["by_quintile"]]
    return {
        "set_origins": len(rows),
        "gini_gain": _means(gains),
        "deviance_percent": _means(against),
        "shown_worse": [_named(r) for r in rows if (r["deviance_against"]["ci"] or [0.0])[0] > 0],
        "worse": [_named(r) for r in rows if (r["deviance_against"]["percent"] or 0.0) > 0],
        "biased": [_named(r) for r in rows if _biased(r)],
        "fifths": len(fifths),
        "covered_too_little": [_fifth(r, p) for r, p in fifths if p["coverage"] < GOALS["coverage"]],
        "covered_too_much": [
            _fifth(r, p) for r, p in fifths if p["p_none"] < SURELY_BUYS and p["coverage"] > GOALS["coverage_most"]
        ],
        "bound_off": [_fifth(r, p) for r, p in fifths if _off(p)],
    }


def _named(r: Row) -> str:
    return f"{r['set']} {r['origin']}"


def _fifth(r: Row, part: Row) -> str:
    return f"{_named(r)} #{part['quintile']}"


def _off(part: Row) -> bool:
    held = part["upper_coverage"]
    return held < UPPER[0] or (held > UPPER[1] and part["p_none"] < MOSTLY_NOTHING)


def _biased(r: Row) -> bool:
    bias = r["bias"]["regulars"]
    return bias is not None and abs(bias - 1) > GOALS["bias_with_twin" if r["twin"] else "bias_without"]


def _means(found: Sequence[tuple[str, float]]) -> Row:
    if not found:
        return {"mean": None, "mean_of_sets": None, "worst": None}
    values = pd.Series([v for _, v in found])
    sets = values.groupby([name for name, _ in found]).mean()
    return {"mean": float(values.mean()), "mean_of_sets": float(sets.mean()), "least": float(values.min())}
