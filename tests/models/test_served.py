"""`mlflow models serve --env-manager local`, where nothing is installed but what the model asks for.

A purchase history goes in over HTTP; the numbers that come out are those of the batch, to the bit.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from regulars.models.answer import answer
from regulars.models.registry import Registry
from regulars.pipelines.register import register
from regulars.pipelines.train import Trained

from ..clean import PYTHON, environment
from ..simulated import config_of, purchases, shop, trained
from .test_request_beside import as_request, frames, full

pytestmark = pytest.mark.soak


@contextmanager
def stored(folder: Path, found: Trained) -> Iterator[Path]:
    """The folder of a model that was registered in a store of its own."""
    config = config_of(mlflow={"tracking_uri": f"sqlite:///{folder}/mlruns/mlflow.db"})
    config = config.model_copy(update={"folder": folder})
    register(shop(), config, found)
    registry = Registry.of(config)
    (version,) = registry.versions("regulars")
    with registry.folder(version) as model:
        yield model


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the shop's model is served."""
    folder = tmp_path_factory.mktemp("served")
    with stored(folder, trained()) as model, socket.socket() as free:
        libraries = (model / "requirements.txt").read_text(encoding="utf-8").splitlines()
        variables = environment(folder / "installed", libraries)
        # MLflow starts the server by the name of its command.
        command = folder / "bin" / "uvicorn"
        command.parent.mkdir()
        command.write_text(f'#!/bin/sh\nexec {" ".join(PYTHON)} -m uvicorn "$@"\n', encoding="utf-8")
        command.chmod(0o700)
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        asked = ["-m", str(model), "--env-manager", "local", "-h", "127.0.0.1", "-p", str(port), "-w", "1"]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [*PYTHON, "-m", "mlflow", "models", "serve", *asked],
                env={**variables, "PATH": f"{command.parent}:/usr/bin:/bin"},
                cwd=folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            _await(f"http://127.0.0.1:{port}/ping", server, folder / "log")
            yield f"http://127.0.0.1:{port}/invocations"
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(30)


def _await(ping: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the server answers."""
    for _ in range(600):
        assert server.poll() is None, log.read_text(encoding="utf-8")[-3000:]
        try:
            with urllib.request.urlopen(ping, timeout=5) as answered:
                assert answered.status == 200
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise AssertionError(log.read_text(encoding="utf-8")[-3000:])


def history() -> pd.DataFrame:
    return purchases().head(200)


def sent(address: str, frame: pd.DataFrame, params: dict[str, Any]) -> pd.DataFrame:
    """What the server answers, as a frame."""
    records = json.loads(frame.to_json(orient="records"))
    body = json.dumps({"dataframe_records": records, "params": params}).encode()
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as answered:
        return pd.DataFrame(json.load(answered)["predictions"])


def test_the_server_says_what_the_batch_says_to_the_bit(address: str) -> None:
    asked = {"as_of": "2024-03-15", "horizons": "30", "reasons": True}
    found, meant = sent(address, history(), asked), answer(trained().model, history(), asked)
    assert list(found) == list(meant)
    for name in meant:
        # JSON has null where there is no number.
        said = [None if pd.isna(value) else value for value in meant[name].tolist()]
        assert [None if pd.isna(value) else value for value in found[name].tolist()] == said, name


@pytest.mark.parametrize(
    ("frame", "params"),
    [
        (history().drop(columns="amount"), {}),
        (history().assign(purchased_at="yesterday"), {}),
        (history(), {"offers": True}),
        (history(), {"horizons": "31"}),
    ],
    ids=["no amount", "no time", "offers", "a horizon that was not learnt"],
)
def test_what_cannot_be_answered_is_an_error_and_no_number(
    address: str, frame: pd.DataFrame, params: dict[str, Any]
) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        sent(address, frame, params)
    assert refused.value.code == 400
    refused.value.close()


def test_a_request_of_several_tables_passes_what_mlflow_asks_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    monkeypatch.setattr(sys, "path", [*sys.path])  # MLflow puts the model's code in front.
    some, model = list(frames()["purchases"]["customer_id"].unique()[:20]), full().model
    parts = [
        (frame.rename(columns={"category": "customers.category"}) if name == "customers" else frame).assign(table=name)
        for name, frame in frames().items()
    ]
    whole = pd.concat([part[part["customer_id"].isin(some)] for part in parts], ignore_index=True)
    with stored(tmp_path, replace(trained(), model=model)) as folder:
        found = mlflow.pyfunc.load_model(str(folder)).predict(whole)
    pd.testing.assert_frame_equal(found, answer(model, as_request(some), {}), check_exact=True)
