"""What the endpoints of the benchmark serve: a registered champion with published scores, and requests to it.

In: a folder. Out, in it: ``regulars.toml`` with a ledger, a store whose champion is registered, and a run of scores,
all as of one day; ``bare``: the boosters that answer what an endpoint says by default; ``<way>-<customers>.jsonl``: the
same customers, 20 purchases each, as each way is asked about them, one request a line; and ``about.json``. Run as
`python -m benchmarks.serving_shop FOLDER`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xgboost as xgb

from regulars.config import Config
from regulars.features.lines import MONEYS
from regulars.intake import build_ledger
from regulars.models.model import Model
from regulars.models.outputs import Wanted
from regulars.models.registry import Registry
from regulars.models.request import lines_of
from regulars.pipelines.register import register
from regulars.pipelines.score import publish_day, scores_folder
from regulars.pipelines.train import fit_model

from .bare_app import COLUMNS
from .purchases import LEDGER, write

PURCHASES, LEARNT_FROM = 20, 40_000
"""Purchases a customer; lines that the model is learnt from."""
SIZES = {1: 200, 100: 10}
"""Customers in a request -> how many such requests there are."""
Ready = dict[str, list[float | None]]
SETTINGS = """
[data]
history_starts = "2023-01-01"

[data.purchases]
path = "purchases.parquet"
duplicates = "keep"
customer_id = "customer_id"
purchased_at = "purchased_at"
amount = "amount"
{columns}
[target]
horizon_days = 90
[backtest]
origins = 1
windows = 1
[tuning]
trials = 0
[engine]
threads = 1
"""


def registered(folder: Path) -> tuple[Config, Model]:
    """A champion of a small shop, and its scores, published."""
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "purchases.parquet", LEARNT_FROM, PURCHASES)
    columns = "".join(f'{name} = "{name}"\n' for name in LEDGER)
    (folder / "regulars.toml").write_text(SETTINGS.format(columns=columns), encoding="utf-8")
    config = Config.load(folder / "regulars.toml")
    ledger = build_ledger(config)
    trained = fit_model(ledger, config)
    # Whoever was best on such purchases, it is the product's model that is measured.
    model = replace(trained.model, speaker="regulars", value_speaker="regulars")
    found, registry = register(ledger, config, replace(trained, model=model)), Registry.of(config)
    version = registry.at(found.name, found.version)
    assert version is not None
    registry.crown(version, "forced", ["a benchmark"])
    publish_day(ledger, config, model, found, model.trained_on, scores_folder(config))
    return config, model


@dataclass
class Heard:
    """What boosters were asked: each with the rows it read, by the names of its features."""

    boosters: list[xgb.Booster] = field(default_factory=list)
    rows: list[np.ndarray[Any, Any]] = field(default_factory=list)
    margins: list[np.ndarray[Any, Any] | None] = field(default_factory=list)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear every prediction until the context ends."""
        kept = xgb.Booster.inplace_predict

        def heard(booster: xgb.Booster, data: Any, *given: Any, **named: Any) -> Any:
            self.boosters.append(booster)
            self.rows.append(np.array(data))
            self.margins.append(named.get("base_margin"))
            return kept(booster, data, *given, **named)

        xgb.Booster.inplace_predict = heard
        try:
            yield
        finally:
            xgb.Booster.inplace_predict = kept

    def save(self, folder: Path) -> list[Ready]:
        """Write the boosters; what they were asked, a row a customer, is returned."""
        folder.mkdir()
        names = list(dict.fromkeys(name for booster in self.boosters for name in booster.feature_names or []))
        columns: dict[str, np.ndarray[Any, Any]] = {}
        margins: list[np.ndarray[Any, Any]] = []
        told = []
        for number, (booster, rows, margin) in enumerate(zip(self.boosters, self.rows, self.margins, strict=True)):
            own = booster.feature_names or []
            columns.update(zip(own, rows.T, strict=True))
            (folder / f"{number}.ubj").write_bytes(booster.save_raw("ubj"))
            at = None
            if margin is not None:
                at = len(margins)
                margins.append(margin)
            told.append({"file": f"{number}.ubj", "columns": [names.index(name) for name in own], "margin": at})
        (folder / COLUMNS).write_text(json.dumps(told), encoding="utf-8")
        features = np.stack([columns[name] for name in names], axis=1).astype(object)
        features[np.isnan(features.astype(float))] = None
        asked = zip(features.tolist(), np.stack(margins, axis=1).tolist(), strict=True)
        return [{"features": feature, "margins": margin} for feature, margin in asked]


def customers(folder: Path, model: Model) -> pd.DataFrame:
    """The last purchases of customers who have enough of them, in order of their ids."""
    frame = pd.read_parquet(folder / "purchases.parquet").sort_values(["customer_id", "purchased_at"])
    enough = frame.groupby("customer_id")["amount"].transform("size") >= PURCHASES
    frame = frame[enough].groupby("customer_id").tail(PURCHASES)
    money = [name for name in MONEYS if name in frame]
    stamps = frame["purchased_at"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    kept = ["customer_id", "purchased_at", "amount", "order_id", *(c for c in LEDGER if c in model.plan.columns)]
    frame = frame.assign(purchased_at=stamps, **{name: frame[name].astype(float) for name in money})
    return frame[list(dict.fromkeys(kept))].reset_index(drop=True)


def ready(folder: Path, model: Model, frame: pd.DataFrame) -> list[Ready]:
    """What the boosters read of each customer; they are left in a folder."""
    lines, heard = lines_of(frame, model.plan.columns, model.rules), Heard()
    with heard.listening():
        said = model.said(lines, model.trained_on, Wanted.of(None, (), model))
    assert len(said.customer) == frame["customer_id"].nunique()
    return heard.save(folder / "bare")


def bodies(model: Model, frame: pd.DataFrame, rows: Sequence[Ready], size: int) -> Iterator[dict[str, object]]:
    """Requests about so many customers each, as every way is asked."""
    groups = [(name, group) for name, group in frame.groupby("customer_id")]
    for request in range(SIZES[size]):
        at = [(request * size + k) % len(groups) for k in range(size)]
        purchases = [groups[k][1].drop(columns="customer_id").to_dict("records") for k in at]
        some = [{"customer_id": groups[k][0], "purchases": p} for k, p in zip(at, purchases, strict=True)]
        sent = pd.concat([groups[k][1] for k in at])
        split = {"columns": [*sent.columns], "data": sent.to_numpy(object).tolist()}
        yield {
            "ours": {"as_of": str(model.trained_on), "customers": some},
            "stock": {"dataframe_split": split},
            "bare": {name: [rows[k][name] for k in at] for name in ("features", "margins")},
        }


def main(given: Sequence[str] | None = None) -> None:
    """Fill a folder."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.serving_shop", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("folder", type=Path)
    options = parser.parse_args(given)
    config, model = registered(options.folder)
    frame = customers(options.folder, model)
    rows = ready(options.folder, model, frame)
    for size in SIZES:
        asked = list(bodies(model, frame, rows, size))
        for way in asked[0]:
            lines = "".join(json.dumps(body[way]) + "\n" for body in asked)
            (options.folder / f"{way}-{size}.jsonl").write_text(lines, encoding="utf-8")
    about = {
        "features": len(model.plan.names),
        "boosters": len([*(options.folder / "bare").glob("*.ubj")]),
        "tracking_uri": config.tracking_uri,
    }
    (options.folder / "about.json").write_text(json.dumps(about), encoding="utf-8")


if __name__ == "__main__":
    main()
