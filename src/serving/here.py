"""The endpoint in a thread of this process: for a notebook, and for the tests of whoever calls it.

In: a model that was learnt here. Out: the address of a server that answers as `regulars serve` does, for as long as a
block lasts. It listens on this machine alone, on a port that is free; there is no registry behind it, nothing is
published, and nobody exchanges the model but `laid`.
"""

from __future__ import annotations

import gc
import json
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..clock import Cutoff
from ..config import Config
from ..errors import RegularsError
from ..models.bundle import save
from ..models.model import Model
from ..products.kept import FILE as SHELF
from .endpoint import Endpoint
from .server import bound, check_installed, url_of
from .stage import BUNDLE, FACTS, POLICY, REFERENCE, Facts, Stages

HOST = "127.0.0.1"


@contextmanager
def standing(endpoint: Endpoint) -> Iterator[str]:
    """Serve what is on an endpoint's stages from a thread of this process, on a free port.

    Returns
    -------
    context manager of str
        The server's address.

    Raises
    ------
    ConfigError
        A package that the endpoint needs is missing.
    NoModel
        Nothing is on stage.
    RegularsError
        ``RG384``: what is there cannot speak.
    """
    check_installed()
    Stages(endpoint.stages).stage()
    from uvicorn import Server

    from .supervisor import settings_of

    with closing(bound(HOST, 0)) as listening:
        server = Server(settings_of(endpoint, None))

        def run() -> None:
            with suppress(SystemExit):  # So a process of uvicorn's ends that could not begin.
                server.run([listening])

        thread = threading.Thread(target=run, name="endpoint", daemon=True)
        thread.start()
        try:
            while not server.started:
                thread.join(0.01)
                if not thread.is_alive():
                    raise RegularsError("what is on stage cannot speak", do="see above why", code="RG384")
            yield url_of(listening)
        finally:
            server.should_exit = True
            thread.join()
            gc.unfreeze()  # What a worker has put out of the collector's sight is this process's again.


@contextmanager
def here(model: Model, config: Config | None = None) -> Iterator[str]:
    """Serve a model from this process.

    Parameters
    ----------
    model : Model
        As `regulars.fit` gives it: ``trained.model``.
    config : Config, optional
        The one it was trained with: its section `serve` says how much a request may hold.

    Returns
    -------
    context manager of str
        The server's address, for `regulars.Client` and any other.
    """
    with tempfile.TemporaryDirectory(prefix="regulars-") as folder:
        stages = Stages(Path(folder))
        laid(stages, model)
        with standing(Endpoint(config or Config.of(), stages.folder)) as url:
            yield url


def laid(
    stages: Stages,
    model: Model,
    version: str = "1",
    day: Cutoff | None = None,
    others: bytes | None = None,
    scores: Path | None = None,
    policy: Mapping[str, Any] | None = None,
    online: Path | None = None,
    shelf: bytes | None = None,
) -> None:
    """Lay a model on a stage, from which servers take it.

    Parameters
    ----------
    version : str
        What it is called in answers.
    day : Cutoff, optional
        As of which other customers tell; default: the day of training.
    others : bytes, optional
        What they told then: the file `reference.json` of published scores; default: what the model has seen.
    scores : Path, optional
        The folder of published scores.
    policy : mapping, optional
        How offers are decided on: `Policy.to_dict()` of a plan.
    online : Path, optional
        Where recommendations are kept; default: they are not.
    shelf : bytes, optional
        What the wave knew of products: `Kept.content()`; default: nothing.
    """
    with stages.adding() as place:
        save(model, place / BUNDLE)
        if others is not None:
            (place / REFERENCE).write_bytes(others)
        if policy is not None:
            (place / POLICY).write_text(json.dumps(policy, allow_nan=False), encoding="utf-8")
        if shelf is not None:
            (place / SHELF).write_bytes(shelf)
        facts = Facts(
            name="regulars",
            version=version,
            run_id="",
            bundle="",
            reference_day=str(day or model.trained_on),
            scores=str(scores or stages.folder / "scores"),
            online="" if online is None else str(online),
        )
        (place / FACTS).write_text(json.dumps(asdict(facts)), encoding="utf-8")
