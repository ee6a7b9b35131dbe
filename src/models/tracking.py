"""The MLflow store: one run per training, one registered model, its champion.

In: a tracking URI, what was learnt and how well. Out: runs, versions, aliases. The champion's alias is moved last, so
that whoever asks for it gets a whole model, old or new. No customer's id and no purchase is logged. What is written to
this machine is for its owner alone.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pandas as pd

from ..disk.whole import all_for_owner_alone, owners_files, private
from ..errors import NoModel, RegularsError
from .bundle import load, save
from .model import KINDS, SCORES, Model
from .request import used_columns

EXPERIMENT = "regulars"
CHAMPION = "champion"
STAGED = ("__init__.py", "errors.py", "schema.py", "clock.py", "features", "models")
"""What of the package a served bundle needs, beside its libraries."""


@dataclass(frozen=True)
class Registered:
    """A registered model's version and the run that made it."""

    name: str
    version: str
    run_id: str

    @property
    def uri(self) -> str:
        """What `mlflow models serve -m` takes."""
        return f"models:/{self.name}@{CHAMPION}"


@dataclass(frozen=True)
class Version:
    """A version of the registered model, whoever is the champion now, and what its training noted of the data."""

    name: str
    version: str
    run_id: str
    tags: Mapping[str, str]


class Store:
    """One MLflow tracking store.

    Parameters
    ----------
    uri : str
        Such as ``sqlite:////somewhere/mlruns/mlflow.db``; its folder is made when something is first written.
    """

    def __init__(self, uri: str) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        import mlflow

        for name in ("mlflow", "mlflow.store.db.utils", "alembic", "alembic.runtime.migration"):
            logging.getLogger(name).setLevel(logging.WARNING)

        self.uri = uri
        self._mlflow = mlflow
        self.folder = Path(uri.removeprefix("sqlite:///")).parent if uri.startswith("sqlite:///") else None

    def _client(self) -> Any:
        """A client of the store, which must exist."""
        if self.folder is not None and not Path(self.uri.removeprefix("sqlite:///")).exists():
            raise NoModel(f"there is no model store at {self.uri}", do="train a model first", code="RG075")
        self._mlflow.set_tracking_uri(self.uri)
        self._mlflow.set_registry_uri(self.uri)
        return self._mlflow.MlflowClient(self.uri)

    def _experiment(self) -> str:
        """The experiment's id; made, with its artifacts beside the database, if there is none."""
        if self.folder is not None:
            private(self.folder)
        self._mlflow.set_tracking_uri(self.uri)
        self._mlflow.set_registry_uri(self.uri)
        found = self._mlflow.get_experiment_by_name(EXPERIMENT)
        if self.folder is not None:
            all_for_owner_alone(Path(self.uri.removeprefix("sqlite:///")))  # An older one may be open to others.
        if found is not None:
            return str(found.experiment_id)
        location = None if self.folder is None else (self.folder / "artifacts").as_uri()
        return str(self._mlflow.create_experiment(EXPERIMENT, artifact_location=location))

    @contextlib.contextmanager
    def run(self, name: str) -> Iterator[str]:
        """A run that ends FINISHED, or FAILED when an error passes; gives its id."""
        with (
            owners_files(),
            self._mlflow.start_run(experiment_id=self._experiment(), run_name=name) as active,
        ):
            yield str(active.info.run_id)
            self._close(str(active.info.artifact_uri))

    def _close(self, uri: str) -> None:
        """Take others' rights to a folder of artifacts away: copies come with the rights of what was copied."""
        if self.folder is not None and uri.startswith("file://"):
            all_for_owner_alone(Path(url2pathname(urlsplit(uri).path)))

    def log(
        self,
        run_id: str,
        params: Mapping[str, object],
        tags: Mapping[str, str],
        backtest: Mapping[str, Any],
        tables: Mapping[str, object],
        figures: Mapping[str, str],
    ) -> None:
        """Parameters, tags, metrics per origin (by step) and pooled, tables as JSON, figures as files.

        A table that is a frame is logged as MLflow's own kind of table, which its pages show.
        """
        from mlflow.entities import Metric, Param, RunTag

        client, now = self._client(), int(time.time() * 1000)
        found = [(f"{kind}.{m}.{n}", v, s) for kind, m, n, v, s in _metrics(backtest)]
        metrics = [Metric(key, value, now, step) for key, value, step in found]
        logged = [Param(k, str(v)) for k, v in params.items()]
        client.log_batch(run_id, params=logged, tags=[RunTag(k, v) for k, v in tags.items()])
        for start in range(0, len(metrics), 900):
            client.log_batch(run_id, metrics=metrics[start : start + 900])
        for file, content in tables.items():
            if isinstance(content, pd.DataFrame):
                # As objects: MLflow asks pandas for columns of texts in a way that pandas 3 warns of.
                client.log_table(run_id, content.astype(object), file)
            else:
                client.log_dict(run_id, content, file)
        for file, text in figures.items():
            client.log_text(run_id, text, file)

    def register(self, model: Model, run_id: str, name: str, tags: Mapping[str, str]) -> Registered:
        """Log the bundle under the active run, register it, and make it the champion, in this order."""
        with tempfile.TemporaryDirectory(prefix="regulars-") as folder:
            bundle, code = Path(folder) / "bundle", Path(folder) / "regulars"
            save(model, bundle)
            _stage(code)
            with warnings.catch_warnings():
                # No input example, on purpose: examples are how customers' data end up in model stores.
                warnings.simplefilter("ignore", UserWarning)
                info = self._mlflow.pyfunc.log_model(
                    name="model",
                    python_model=str(Path(__file__).with_name("served.py")),
                    artifacts={"bundle": str(bundle)},
                    code_paths=[str(code)],
                    signature=_signature(model),
                    pip_requirements=_requirements(),
                )
        if info.signature is None:
            raise RegularsError("MLflow stored the model without a signature", code="RG076")
        client = self._client()
        self._close(str(client.get_logged_model(info.model_id).artifact_location))
        with contextlib.redirect_stderr(io.StringIO()):  # it prints what we say ourselves
            version = self._mlflow.register_model(info.model_uri, name, await_registration_for=60)
        for key, value in tags.items():
            client.set_model_version_tag(name, version.version, key, value)
        client.set_registered_model_alias(name, CHAMPION, version.version)
        return Registered(name, str(version.version), run_id)

    def champion(self, name: str, threads: int = 1) -> tuple[Model, Registered]:
        """The champion, read and checked by our own loader.

        Raises
        ------
        NoModel
            When no champion answers to the name, or its bundle was changed.
        """
        from mlflow.exceptions import MlflowException

        client = self._client()
        try:
            version = client.get_model_version_by_alias(name, CHAMPION)
        except MlflowException:
            raise NoModel(
                f"there is no champion of `{name}` in {self.uri}", do="train a model first", code="RG077"
            ) from None
        with owners_files():  # MLflow notes beside the model under which name it was asked for.
            folder = Path(self._mlflow.artifacts.download_artifacts(f"models:/{name}/{version.version}"))
        model = load(folder / "artifacts" / "bundle", threads)
        return model, Registered(name, str(version.version), str(version.run_id))

    def versions(self, name: str) -> tuple[Version, ...]:
        """All versions of the registered model, the first one first; none where there is no store or no model."""
        if self.folder is not None and not Path(self.uri.removeprefix("sqlite:///")).exists():
            return ()
        found = self._client().search_model_versions(f"name = '{name}'")
        return tuple(
            Version(name, str(v.version), str(v.run_id), dict(v.tags))
            for v in sorted(found, key=lambda v: int(v.version))
        )

    def mark(self, version: Version, key: str, value: str) -> None:
        """Note something with a version and with the run that made it."""
        client = self._client()
        client.set_model_version_tag(version.name, version.version, key, value)
        client.set_tag(version.run_id, key, value)

    def table(self, registered: Registered, file: str) -> Any:
        """A JSON table that the training logged."""
        path = self._mlflow.artifacts.download_artifacts(run_id=registered.run_id, artifact_path=file)
        return json.loads(Path(path).read_text(encoding="utf-8"))


def _metrics(backtest: Mapping[str, Any]) -> Iterator[tuple[str, str, str, float, int]]:
    """(kind, model, figure, value, step): steps count the origins; the pooled figures have their own kind."""
    for step, part in enumerate([*backtest["origins"], backtest["pooled"]]):
        pooled = step == len(backtest["origins"])
        for kind in ("churn", "value", "money"):
            for model, figures in part.get(kind, {}).items():
                for figure, value in figures.items():
                    if isinstance(value, float):
                        yield f"pooled_{kind}" if pooled else kind, model, figure, value, 0 if pooled else step


def _stage(folder: Path) -> None:
    """A copy of the parts of the package that serving needs, under the package's own name."""
    source = Path(__file__).resolve().parents[1]
    folder.mkdir()
    for part in STAGED:
        here = source / part
        if here.is_dir():
            shutil.copytree(here, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(here, folder / part)


def _signature(model: Model) -> Any:
    """What the model takes and gives, written by hand: nullable frames would leave it out."""
    from mlflow.models import ModelSignature
    from mlflow.types.schema import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec

    texts = {"product_id", "category"}
    inputs: list[ColSpec | TensorSpec] = [
        ColSpec(DataType.string, "customer_id"),
        ColSpec(DataType.string, "purchased_at"),
        ColSpec(DataType.double, "amount"),
        ColSpec(DataType.string, "order_id", required=False),
        *(ColSpec(DataType.string if c in texts else DataType.double, c) for c in used_columns(model.shape.columns)),
    ]
    outputs: list[ColSpec | TensorSpec] = [ColSpec(DataType[KINDS.get(c, "double")], c) for c in SCORES]
    as_of = ParamSpec("as_of", DataType.string, str(model.trained_on))
    return ModelSignature(Schema(inputs), Schema(outputs), ParamSchema([as_of]))


def _requirements() -> list[str]:
    """The libraries of the bundle, in the versions that trained it."""
    from importlib.metadata import PackageNotFoundError, version

    found = []
    for name in ("mlflow", "numpy", "pandas", "pyarrow", "scipy", "scikit-learn", "xgboost-cpu", "xgboost"):
        try:
            found.append(f"{name}=={version(name)}")
        except PackageNotFoundError:
            continue
    return found
