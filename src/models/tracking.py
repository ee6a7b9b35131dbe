"""The MLflow store: one run per training, with its figures and tables.

In: a tracking URI, what was learnt and how well. Out: runs. No customer's id and no purchase is logged, and no password
of the store's address. What is written to this machine is for its owner alone. A store that is not there is not made by
asking; one that does not answer is a `StorageError`.
"""

from __future__ import annotations

import io
import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ..disk.lock import Holder
from ..disk.whole import all_for_owner_alone, owners_files, private, room
from ..errors import NoModel, RegularsError, StorageError
from ..intake.sources.address import Address
from . import database
from .processes import tags_of

if TYPE_CHECKING:
    from ..config import Config

EXPERIMENT = "regulars"
_SQLITE = "sqlite:///"
_PAGE = 1000
_AT_ONCE = 900
"""MLflow takes at most 1,000 metrics in a call."""


class Store:
    """One MLflow tracking store.

    Parameters
    ----------
    uri : str
        Such as ``sqlite:////somewhere/mlruns/mlflow.db`` or ``postgresql://me:${PASSWORD}@host/mlflow``; ``${NAME}``
        stands for a variable of the environment. What must be made is made when something is first written.
    folder : Path, optional
        That of the configuration; artifacts of a database elsewhere lie in ``mlruns/artifacts`` below it.
    """

    def __init__(self, uri: str, folder: Path | None = None) -> None:
        self.uri = uri
        self.address = Address.of(uri)
        self._beside = folder
        self._seen = False

    @classmethod
    def of(cls, config: Config) -> Store:
        """The store of a configuration."""
        return cls(config.tracking_uri, config.folder)

    @property
    def database(self) -> Path | None:
        """The file of a SQLite store."""
        uri = self.address.text
        return Path(uri.removeprefix(_SQLITE)) if uri.startswith(_SQLITE) else None

    @property
    def folder(self) -> Path | None:
        """Where the store's own files lie on this machine; None when a server keeps them."""
        if self.database is not None:
            return self.database.parent
        return self._beside / "mlruns" if self._beside is not None and self.is_database else None

    @property
    def artifacts(self) -> Path | None:
        """Where artifacts lie on this machine; None when a server keeps them."""
        return None if self.folder is None else self.folder / "artifacts"

    @property
    def is_database(self) -> bool:
        """Whether MLflow is asked in this process, and no server of its own."""
        return not self.address.scheme.startswith(("http", "databricks", "uc"))

    @cached_property
    def mlflow(self) -> Any:
        """MLflow, quiet."""
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "5")  # About a minute of waiting for a server.
        import mlflow

        for name in ("mlflow", "mlflow.store.db.utils", "alembic", "alembic.runtime.migration"):
            logging.getLogger(name).setLevel(logging.WARNING)
        return mlflow

    def exists(self) -> bool:
        """Whether there is a store; a server is taken for one.

        Raises
        ------
        StorageError
            When the database cannot be reached.
        """
        if self.database is not None:
            return self.database.exists()
        self._seen = self._seen or not self.is_database or database.has_tables(self.address)
        return self._seen

    def client(self) -> Any:
        """A client of the store, which must exist.

        Raises
        ------
        NoModel
            When there is none.
        """
        if not self.exists():
            raise NoModel(f"there is no model store at {self.shown}", do="train a model first", code="RG075")
        return self._client()

    def _client(self) -> Any:
        uri = self.address.text
        with self.speaking():
            # Parts of MLflow ask for the uri that the process was told, whatever their client's is.
            self.mlflow.set_tracking_uri(uri)
            self.mlflow.set_registry_uri(uri)
            return self.mlflow.MlflowClient(uri, uri)

    @property
    def shown(self) -> str:
        """The address as it may be shown."""
        return self.address.masked(self.uri)

    @contextmanager
    def speaking(self) -> Iterator[None]:
        """A block in which MLflow, its database and its files may fail; what is said then holds no password.

        Raises
        ------
        StorageError
            For whatever of these went wrong.
        """
        from sqlalchemy.exc import SQLAlchemyError

        failures = (self.mlflow.exceptions.MlflowException, SQLAlchemyError, OSError)
        try:
            yield
        except RegularsError:
            raise
        except failures as error:
            left = "" if self.folder is None else f" ({room(self.folder)})"
            raise StorageError(
                f"the model store at {self.shown} could not do what it was asked{left}: {self._said(error)}",
                do="check that it can be reached and written to; `regulars doctor` tells what was left",
                code="RG310",
            ) from None

    def _said(self, error: Exception) -> str:
        """The first line of a message, without the addresses' secrets."""
        lines = str(error).strip().splitlines() or [type(error).__name__]
        return self.address.masked(lines[0])[:300]

    def experiment(self) -> str:
        """The experiment's id; made, with its artifacts' place, if there is none."""
        if self.folder is not None:
            private(self.folder)
        if self.database is not None:
            with self.speaking():
                database.made(self.database)
        client = self._client()
        with self.speaking():
            found = client.get_experiment_by_name(EXPERIMENT)
            if self.database is not None:
                all_for_owner_alone(self.database)  # An older one may be open to others.
            if found is None:
                location = None if self.artifacts is None else self.artifacts.as_uri()
                return str(client.create_experiment(EXPERIMENT, artifact_location=location))
        self.check_place(str(found.artifact_location))
        return str(found.experiment_id)

    def check_place(self, uri: str) -> None:
        """Refuse a place of artifacts that was right before the store was moved or copied.

        Raises
        ------
        StorageError
            MLflow notes places with their whole path: what is written there would be lost, or spoil another store.
        """
        if self.is_elsewhere(uri):
            raise StorageError(
                "the model store was moved or copied: it looks for its artifacts where it was before",
                needed=f"artifacts in {self.artifacts}",
                do="run `regulars doctor --mend`",
                offending=[uri],
                code="RG311",
            )

    def is_elsewhere(self, uri: str) -> bool:
        """Whether a place of artifacts is that of another folder, while those of this store lie beside it."""
        if self.artifacts is None or self.database is None or not uri.startswith("file://"):
            return False
        return not local(uri).is_relative_to(self.artifacts) and (self.artifacts.is_dir() or not local(uri).exists())

    @contextmanager
    def run(self, name: str) -> Iterator[str]:
        """A run that ends FINISHED, or FAILED when an error passes; gives its id.

        Its tags tell which process makes it, so that whoever finds it RUNNING later knows whether that is true.
        """
        with owners_files():
            experiment, client = self.experiment(), self.client()
            with self.speaking():
                run = client.create_run(experiment, run_name=name, tags=tags_of(Holder.of_this_process(name)))
            run_id, status = str(run.info.run_id), "FAILED"
            try:
                yield run_id
                self.close(str(run.info.artifact_uri))
                status = "FINISHED"
            finally:
                # For a server it prints addresses that we do not speak of.
                with self.speaking(), redirect_stdout(io.StringIO()):
                    client.set_terminated(run_id, status)

    def close(self, uri: str) -> None:
        """Take others' rights to a folder of artifacts away: copies come with the rights of what was copied."""
        if self.folder is not None and uri.startswith("file://") and local(uri).exists():
            all_for_owner_alone(local(uri))

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
        metrics = [(f"{kind}.{model}.{name}", value, step) for kind, model, name, value, step in _metrics(backtest)]
        self._log(run_id, params, tags, metrics, tables, figures)

    def log_figures(
        self,
        run_id: str,
        params: Mapping[str, object],
        tags: Mapping[str, str],
        metrics: Mapping[str, float],
        tables: Mapping[str, object],
    ) -> None:
        """Parameters, tags, metrics of one number each, tables as JSON."""
        self._log(run_id, params, tags, [(name, value, 0) for name, value in metrics.items()], tables, {})

    def _log(
        self,
        run_id: str,
        params: Mapping[str, object],
        tags: Mapping[str, str],
        metrics: Sequence[tuple[str, float, int]],
        tables: Mapping[str, object],
        figures: Mapping[str, str],
    ) -> None:
        import pandas as pd

        client, now = self.client(), int(time.time() * 1000)
        entities = self.mlflow.entities
        points = [entities.Metric(name, value, now, step) for name, value, step in metrics]
        logged = [entities.Param(k, str(v)) for k, v in params.items()]
        with self.speaking():
            client.log_batch(run_id, params=logged, tags=[entities.RunTag(k, v) for k, v in tags.items()])
            for start in range(0, len(points), _AT_ONCE):
                client.log_batch(run_id, metrics=points[start : start + _AT_ONCE])
            for file, content in tables.items():
                if isinstance(content, pd.DataFrame):
                    # As objects: MLflow asks pandas for columns of texts in a way that pandas 3 warns of.
                    client.log_table(run_id, content.astype(object), file)
                else:
                    client.log_dict(run_id, content, file)
            for file, text in figures.items():
                client.log_text(run_id, text, file)

    def table(self, run_id: str, file: str) -> Any:
        """A JSON table that a training logged; None where the run has no such file."""
        client = self.client()
        with self.speaking():
            if file not in {found.path for found in client.list_artifacts(run_id)}:
                return None
            with TemporaryDirectory(prefix="regulars-") as folder:
                path = self.mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=file, dst_path=folder)
                return json.loads(Path(path).read_text(encoding="utf-8"))

    def params(self, run_id: str) -> dict[str, str]:
        """The parameters of a run."""
        client = self.client()
        with self.speaking():
            return dict(client.get_run(run_id).data.params)


def local(uri: str) -> Path:
    """The path of a ``file://`` address.

    Examples
    --------
    >>> local("file:///a/b%20c").as_posix()
    '/a/b c'
    """
    return Path(url2pathname(urlsplit(uri).path))


def pages(search: Callable[..., Any]) -> list[Any]:
    """All that a search of MLflow finds, which gives a page at a time."""
    page = search(max_results=_PAGE)
    found = list[Any](page)
    while page.token:
        page = search(max_results=_PAGE, page_token=page.token)
        found += page
    return found


def _metrics(backtest: Mapping[str, Any]) -> Iterator[tuple[str, str, str, float, int]]:
    """(kind, model, figure, value, step): steps count the origins; the pooled figures have their own kind."""
    for step, part in enumerate([*backtest["origins"], backtest["pooled"]]):
        pooled = step == len(backtest["origins"])
        for kind in ("churn", "value", "money"):
            for model, figures in part.get(kind, {}).items():
                for figure, value in figures.items():
                    if isinstance(value, float):
                        yield f"pooled_{kind}" if pooled else kind, model, figure, value, 0 if pooled else step
