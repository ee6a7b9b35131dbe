"""What killed processes and moved folders leave in a model store, and how each is put right.

In: a registry. Out: runs that nobody makes any more, models that never became a version, versions that cannot be
loaded, aliases of versions that are gone, places of artifacts that are no more; nothing is changed by looking. What
another machine may still be at is said to be unknown, and is left alone.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import RegularsError
from .database import cells_below, relocated
from .processes import State, state_of
from .tracking import EXPERIMENT, Store, local, pages

if TYPE_CHECKING:
    from .registry import Registry
    from .versions import Version

PLACES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
    ("model_versions", "source"),
)
"""Tables and columns of MLflow that hold whole paths."""


@dataclass(frozen=True)
class StaleRun:
    """A run that says it is RUNNING, and whose process does not live, or lives on a machine that cannot be asked.

    Parameters
    ----------
    since : str
        UTC.
    state : {"gone", "unknown"}
    """

    run_id: str
    name: str
    since: str
    host: str
    state: State


@dataclass(frozen=True)
class PendingModel:
    """A logged model that is no version: its training was ended before it was registered."""

    model_id: str
    run_id: str
    status: str
    folder: Path | None


@dataclass(frozen=True)
class Unfit:
    """A version that would be refused if it were asked for, and why."""

    version: Version
    why: str


@dataclass(frozen=True)
class Moved:
    """Artifacts that MLflow looks for elsewhere: where they were, where they are, and in how many places it says so."""

    there: str
    here: str
    rows: int


def stale_runs(store: Store) -> tuple[StaleRun, ...]:
    """Runs left RUNNING, the oldest first; none of a process that is alive."""
    if not store.exists():
        return ()
    client = store.client()
    with store.speaking():
        experiment = client.get_experiment_by_name(EXPERIMENT)
        found = [] if experiment is None else _running(client, str(experiment.experiment_id))
    stale = [
        StaleRun(
            str(run.info.run_id),
            str(run.info.run_name),
            time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(run.info.start_time / 1000)),
            str(run.data.tags.get("host", "")),
            state_of(run.data.tags),
        )
        for run in found
    ]
    return tuple(sorted((s for s in stale if s.state != "alive"), key=lambda s: (s.since, s.run_id)))


def end_run(store: Store, run: StaleRun) -> None:
    """Say of a run that it was killed."""
    client = store.client()
    with store.speaking():
        client.set_terminated(run.run_id, "KILLED")


def pending_models(store: Store) -> tuple[PendingModel, ...]:
    """Models that no version names, of runs that nobody makes any more."""
    if not store.exists():
        return ()
    client = store.client()
    with store.speaking():
        experiment = client.get_experiment_by_name(EXPERIMENT)
        if experiment is None:
            return ()
        # In this order: whoever is registered meanwhile is named by a version before its run ends.
        models = _logged(client, str(experiment.experiment_id))
        busy = {str(r.info.run_id) for r in _running(client, str(experiment.experiment_id)) if _may_live(r.data.tags)}
        named = {str(v.source).removeprefix("models:/") for v in pages(client.search_model_versions)}
    return tuple(
        PendingModel(str(m.model_id), str(m.source_run_id), str(m.status), _folder(store, m))
        for m in sorted(models, key=lambda m: (m.creation_timestamp, m.model_id))
        if str(m.source_run_id) not in busy and str(m.model_id) not in named
    )


def discard(store: Store, model: PendingModel) -> None:
    """Delete a model that no version names, and its files where they lie on this machine."""
    client = store.client()
    with store.speaking():
        client.delete_logged_model(model.model_id)
        if model.folder is not None:
            shutil.rmtree(model.folder, ignore_errors=True)


def unfit_versions(registry: Registry, name: str) -> tuple[Unfit, ...]:
    """Versions without a seal, without their files, or with other files than were sealed."""
    return tuple(_unfit(registry, name))


def _unfit(registry: Registry, name: str) -> Iterator[Unfit]:
    for version in registry.versions(name):
        try:
            with registry.folder(version):
                pass
        except RegularsError as error:
            if error.code != "RG311":  # A moved store is a finding of its own, not one of each version.
                yield Unfit(version, error.found)


def retire(registry: Registry, unfit: Unfit) -> None:
    """Take every alias but `champion` from a version that cannot be loaded, and note why.

    The champion stays: `regulars rollback` is for people to decide.
    """
    client = registry.store.client()
    with registry.store.speaking():
        for alias in unfit.version.aliases:
            if alias != "champion":
                client.delete_registered_model_alias(unfit.version.name, alias)
        client.set_model_version_tag(unfit.version.name, unfit.version.version, "unfit", unfit.why)


def dangling_aliases(registry: Registry, name: str) -> dict[str, str]:
    """Aliases that name a version which is not there."""
    if not registry.store.exists():
        return {}
    there = {v.version for v in registry.versions(name)}
    return {alias: version for alias, version in registry.aliases(name).items() if version not in there}


def drop_alias(registry: Registry, name: str, alias: str) -> None:
    """Take an alias away."""
    client = registry.store.client()
    with registry.store.speaking():
        client.delete_registered_model_alias(name, alias)


def moved_artifacts(store: Store) -> Moved | None:
    """Whether the store was moved or copied since MLflow noted where its artifacts lie."""
    if store.artifacts is None or store.database is None or not store.exists():
        return None
    client = store.client()
    with store.speaking():
        experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment is None or not store.is_elsewhere(str(experiment.artifact_location)):
        return None
    there, here = str(experiment.artifact_location), store.artifacts.as_uri()
    with store.speaking():
        return Moved(there, here, cells_below(store.address, PLACES, there))


def mend_artifacts(store: Store, moved: Moved) -> int:
    """Write where the artifacts lie now wherever the old place stands, in one transaction; returns how often."""
    with store.speaking():
        return relocated(store.address, PLACES, moved.there, moved.here)


def _running(client: Any, experiment: str) -> list[Any]:
    return pages(lambda **page: client.search_runs([experiment], "attributes.status = 'RUNNING'", **page))


def _logged(client: Any, experiment: str) -> list[Any]:
    return pages(lambda **page: client.search_logged_models([experiment], **page))


def _may_live(tags: Any) -> bool:
    return state_of(tags) != "gone"


def _folder(store: Store, model: Any) -> Path | None:
    """The folder that holds a model's files and nothing else, where it lies among the store's artifacts."""
    uri = str(model.artifact_location)
    if not uri.startswith("file://") or store.artifacts is None:
        return None
    folder = next((f for f in (local(uri), *local(uri).parents) if f.name == str(model.model_id)), None)
    return folder if folder is not None and folder.is_relative_to(store.artifacts) else None
