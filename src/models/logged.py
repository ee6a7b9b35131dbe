"""A model as MLflow keeps it: packed, sealed, checked as a loader would, and uploaded with the run that made it.

In: a model, a run. Out: a logged model, READY, with its seal; one that could not be logged whole is FAILED. No input
example, on purpose: examples are how customers' data end up in model stores.
"""

from __future__ import annotations

import contextlib
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..disk.whole import owners_files, synced
from ..errors import RegularsError, StorageError
from .bundle import save
from .model import Model
from .packed import requirements, signature_of, staged
from .seal import bundle_digest, check_model_folder, seal_of
from .tracking import Store, local


@dataclass(frozen=True)
class Logged:
    """A model in the store that no version names yet.

    Parameters
    ----------
    seal, bundle : str
        The numbers that all its files make, and the manifest of its bundle.
    """

    model_id: str
    seal: str
    bundle: str


def logged(store: Store, model: Model, run_id: str, card: Mapping[str, Any] | None = None) -> Logged:
    """Log a model with a run.

    Raises
    ------
    NoModel
        What was packed could not be loaded again.
    StorageError
        The store could not take it.
    """
    client = store.client()
    with store.speaking():
        experiment = client.get_run(run_id).info.experiment_id
        entry = client.create_logged_model(experiment, name="model", source_run_id=run_id)
    try:
        with tempfile.TemporaryDirectory(prefix="regulars-") as beside, owners_files():
            folder = Path(beside) / "model"
            with store.speaking():
                _pack(store, model, folder, run_id, str(entry.model_id), card)
            found = Logged(str(entry.model_id), seal_of(folder), bundle_digest(folder / "artifacts" / "bundle"))
            check_model_folder(folder, found.seal)
            _upload(store, entry, folder, run_id)
    except BaseException:
        with contextlib.suppress(StorageError), store.speaking():
            client.finalize_logged_model(entry.model_id, "FAILED")
        raise
    return found


def _pack(store: Store, model: Model, folder: Path, run_id: str, model_id: str, card: Mapping[str, Any] | None) -> None:
    """Write the MLflow model into a folder that is not there yet."""
    models = store.mlflow.models
    signature = models.ModelSignature.from_dict(signature_of(model))
    bundle, code = folder.with_name("bundle"), folder.with_name("regulars")
    save(model, bundle, card)
    staged(code)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # That there is no input example.
        store.mlflow.pyfunc.save_model(
            path=str(folder),
            mlflow_model=models.Model(run_id=run_id, model_id=model_id, model_uuid=model_id),
            python_model=str(Path(__file__).with_name("served.py")),
            artifacts={"bundle": str(bundle)},
            code_paths=[str(code)],
            signature=signature,
            pip_requirements=requirements(),
        )
    stored = models.Model.load(str(folder)).signature
    if stored is None or stored.to_dict() != signature.to_dict():
        raise RegularsError("MLflow stored the model without its signature", code="RG076")


def _upload(store: Store, entry: Any, folder: Path, run_id: str) -> None:
    client, output = store.client(), store.mlflow.entities.LoggedModelOutput(entry.model_id, 0)
    place = str(entry.artifact_location)
    with store.speaking():
        client.log_outputs(run_id, [output])
        client.log_model_artifacts(entry.model_id, str(folder))
        store.close(place)
        if place.startswith("file://"):
            for path in (*local(place).rglob("*"), local(place)):
                synced(path)
        client.finalize_logged_model(entry.model_id, "READY")
