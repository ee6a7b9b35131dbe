"""A registered model for tests of the gate: the shop's one training, registered as often as wanted in a moment.

In: a folder, a way to alter out-of-time predictions. Out: versions with the files of the first one, each with a run
and predictions of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from regulars.models.registry import Registry
from regulars.pipelines.kept import predictions_file
from regulars.pipelines.promote import Promotion, promote
from regulars.pipelines.recipe import RECIPE
from regulars.pipelines.register import register

from ..simulated import config_of, shop, trained

Alter = Callable[[pd.DataFrame], pd.DataFrame]


class Shop:
    """A registered model of a store: the shop's one training, whose predictions may be altered, as often as wanted."""

    def __init__(self, folder: Path, name: str = "regulars") -> None:
        mlflow = {"tracking_uri": f"sqlite:///{folder}/mlruns/mlflow.db", "model_name": name}
        self.name, self.config = name, config_of(mlflow=mlflow).model_copy(update={"folder": folder})
        self.registry = Registry.of(self.config)

    def another(self, name: str) -> Shop:
        """Another model in the same store, without a version."""
        return Shop(self.config.folder, name)

    def registered(self, alter: Alter | None = None) -> str:
        """A challenger with altered predictions. Only the first one in the store is written; others share its files."""
        like = self.registry.at("regulars", "1")
        if like is None:
            return register(shop(), self.config, trained()).version
        store, frame = self.registry.store, trained().backtest.predictions.copy()
        tables = {name: store.table(like.run_id, name) for name in ("backtest.json", "features.json", RECIPE)}
        with store.run("again") as run_id:
            store.log(run_id, store.params(like.run_id), {}, {"origins": [], "pooled": {}}, tables, {})
        frame = frame if alter is None else alter(frame)
        frame.to_parquet(predictions_file(self.config, run_id), index=False)
        client, tags = store.client(), {k: v for k, v in like.tags.items() if not k.startswith(("gate", "crowned"))}
        if not client.search_registered_models(f"name = '{self.name}'"):
            client.create_registered_model(self.name)
        made = client.create_model_version(self.name, client.get_model_version("regulars", "1").source, run_id, tags)
        client.set_registered_model_alias(self.name, "challenger", made.version)
        return str(made.version)

    def promoted(self, version: str | None = None, **how: Any) -> Promotion:
        return promote(self.config, shop, version, **how)

    def at(self, alias: str) -> str | None:
        found = self.registry.at(self.name, alias)
        return None if found is None else found.version

    def audit(self) -> list[str]:
        return [f"{a['what']} {a['to']}" for a in self.registry.audit() if a["name"] == self.name]


def towards_the_truth(share: float) -> Alter:
    """Chances and spend moved towards what came, by a share; or away from it, to what did not come, if negative."""

    def altered(frame: pd.DataFrame) -> pd.DataFrame:
        for name in [c for c in frame if str(c).startswith(("p_churn_", "value_"))]:
            came = frame["churned"] if str(name).startswith("p_churn") else frame["spend"].clip(lower=0)
            aim = came if share > 0 else came.mean() - (came - came.mean())
            frame[name] = (1 - abs(share)) * frame[name] + abs(share) * aim.clip(lower=0)
        return frame

    return altered
