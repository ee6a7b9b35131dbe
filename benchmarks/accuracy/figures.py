"""The figures of the accuracy benchmark: of every set, origin and model, and of the whole.

In: the folders that `ours` and the peers left. Out: JSON-safe rows, one per set and origin, and means over them. A
model that has no prediction for all customers of an origin has figures of None there. Changes of log loss are in
percent of the other's, below 0 where this project's model is better, with 90 % intervals paired by customer.
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
from regulars.models.metrics import Resampling
from regulars.models.speakers import MODELS

from .peers import PEERS
from .sets import DataSet

Float64 = NDArray[np.float64]
Row = dict[str, Any]
CLASSICS = ("bg_nbd", "pareto_nbd")
PANEL = "xgb_panel"
TOLERATED_PERCENT = 1.0
"""At no origin may it be shown that the model is worse than the better of the classics and the panel by more."""


def predictions_of(folder: Path) -> pd.DataFrame:
    """The predictions of all worlds of a set; one column per model, missing where it has none."""
    frames = []
    for world in sorted(p for p in folder.iterdir() if (p / "predictions.parquet").exists()):
        frame = pd.read_parquet(world / "predictions.parquet").rename(columns={f"p_churn_{m}": m for m in MODELS})
        for peer in PEERS.values():
            frame = _joined(frame, sorted(world.glob(f"{peer.name}-*.parquet")), peer.models)
        frames.append(frame.assign(customer_id=f"{world.name}:" + frame["customer_id"].astype(str)))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _joined(frame: pd.DataFrame, files: Sequence[Path], models: tuple[str, ...]) -> pd.DataFrame:
    if not files:
        return frame.assign(**dict.fromkeys(models, np.nan))
    said = pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)
    said["cutoff"] = said["cutoff"].to_numpy("datetime64[D]").astype(str)
    return frame.merge(said, on=["customer_id", "cutoff"], how="left", validate="one_to_one")


def rows_of(name: str, data: DataSet, folder: Path) -> list[Row]:
    """A row per origin of a set; one that says why where it could not be judged."""
    about = {"set": name, "title": data.title, "horizon_days": data.horizon_days}
    frame = predictions_of(folder)
    if not len(frame):
        return [{**about, "origin": ", ".join(data.cutoffs) or None, "n": 0, "refused": refusals(folder)[0]}]
    models = (*MODELS, *(m for peer in PEERS.values() for m in peer.models))
    return [{**about, "origin": str(cutoff), **row(part, models)} for cutoff, part in frame.groupby("cutoff")]


def refusals(folder: Path) -> list[str]:
    """Why worlds of a set could not be judged."""
    files = sorted([*folder.glob("missing.json"), *folder.glob("*/refused.json")])
    return list(dict.fromkeys(json.loads(file.read_text(encoding="utf-8")) for file in files))


def row(frame: pd.DataFrame, models: Sequence[str]) -> Row:
    """The figures of one origin.

    Parameters
    ----------
    frame : DataFrame
        Columns `customer_id`, `churned` (0 or 1) and a probability per model.
    """
    y = frame["churned"].to_numpy(np.float64)
    said = {m: frame[m].to_numpy(np.float64) for m in models}
    said = {m: p for m, p in said.items() if not np.isnan(p).any()}
    losses = {m: metrics.log_losses(y, p) for m, p in said.items()}
    means = {m: float(v.mean()) for m, v in losses.items()}
    drawn = Resampling(frame["customer_id"].to_numpy(object), 0)
    classic = min((m for m in CLASSICS if m in means), key=lambda m: means[m], default=None)
    better = min((m for m in (*CLASSICS, PANEL) if m in means), key=lambda m: means[m], default=None)
    against = {"btyd": classic, "panel": PANEL, "better": better}
    return {
        "n": len(frame),
        "base_rate": float(y.mean()),
        "refused": None,
        "log_loss": {m: means.get(m) for m in models},
        "auc": {m: metrics.auc(y, said[m]) if m in said else None for m in models},
        "ece": {m: metrics.ece(y, said[m]) if m in said else None for m in models},
        "level_loss": {m: metrics.level_loss(y, said[m]) if m in said else None for m in models},
        "against": {k: {"model": m, **change(losses, m, drawn)} for k, m in against.items()},
    }


def change(losses: Mapping[str, Float64], other: str | None, drawn: Resampling) -> Row:
    """By how many percent of another's log loss ours is higher, with its interval."""
    if other not in losses or "regulars" not in losses:
        return {"percent": None, "ci": None}
    theirs = losses[str(other)]
    more = losses["regulars"] - theirs
    interval = drawn.mean_interval(more, theirs)
    return {
        "percent": float(100 * more.sum() / theirs.sum()),
        "ci": None if interval is None else [100 * end for end in interval],
    }


def summary_of(rows: Sequence[Row]) -> Row:
    """Means over all sets and origins, over the sets' own means, and the origins at which the rule is broken."""
    judged = [r for r in rows if not r["refused"]]
    broken = [f"{r['set']} {r['origin']}" for r in judged if _worse(r["against"]["better"]["ci"])]
    return {
        "set_origins": len(judged),
        "sets": len({r["set"] for r in judged}),
        **{against: _mean_of(judged, against) for against in ("btyd", "panel", "better")},
        "worst_percent": max((r["against"]["better"]["percent"] for r in judged), default=None),
        "shown_worse": broken,
    }


def _worse(interval: list[float] | None) -> bool:
    return interval is not None and interval[0] > TOLERATED_PERCENT


def _mean_of(rows: Sequence[Row], against: str) -> Row:
    found = [(r["set"], r["against"][against]) for r in rows if r["against"][against]["ci"] is not None]
    if not found:
        return {"percent": None, "ci": None, "percent_of_sets": None}
    percents = [f["percent"] for _, f in found]
    # Origins are taken as independent; the interval is that of these customers at these origins, not of other seasons.
    spread = float(np.sqrt(sum(((f["ci"][1] - f["ci"][0]) / 2) ** 2 for _, f in found))) / len(found)
    mean = float(np.mean(percents))
    sets = pd.Series(percents).groupby([name for name, _ in found]).mean()
    return {"percent": mean, "ci": [mean - spread, mean + spread], "percent_of_sets": float(sets.mean())}
