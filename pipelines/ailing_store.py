"""What may be wrong with the model store: runs nobody makes any more, versions that cannot be loaded, aliases.

In: a configuration. Out: ailments with their cures; none where there is no store yet. A store that was moved comes
first, because nothing else can be seen before it is mended. What another machine may still be at is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ..config import Config
from ..errors import RegularsError
from ..models.orphans import (
    dangling_aliases,
    discard,
    drop_alias,
    end_run,
    mend_artifacts,
    moved_artifacts,
    pending_models,
    retire,
    stale_runs,
    unfit_versions,
)
from ..models.registry import Registry
from ..models.versions import CHAMPION
from .ailment import Ailment


def moved(config: Config) -> Iterator[Ailment]:
    """Artifacts that MLflow looks for where the store was before it was moved or copied."""
    store = Registry.of(config).store
    found = moved_artifacts(store)
    if found is not None:
        yield Ailment(
            "moved-store",
            f"the model store was moved: in {found.rows} places it names {found.there}, and lies in {found.here}",
            "MLflow keeps whole paths, so that no model of it can be loaded",
            "the paths are written anew in the database, in one transaction",
            partial(mend_artifacts, store, found),
        )


def accidental(config: Config) -> Iterator[Ailment]:
    """A store of files that something made beside the database."""
    folder = Registry.of(config).store.folder
    for file in sorted(folder.glob("*/meta.yaml")) if folder is not None else ():
        if file.parent.name.isdigit():
            yield Ailment(
                "file-store",
                f"{file.parent} is a store of files beside the database",
                "MLflow takes the folder for its own store then, and nobody finds what is in the database",
                "see what made it, by MLflow without the address of the store, and remove that folder",
            )


def unfinished(config: Config) -> Iterator[Ailment]:
    """Runs left RUNNING, and models that never became a version."""
    store = Registry.of(config).store
    for run in stale_runs(store):
        gone = run.state == "gone"
        by, who = f" on {run.host}" if run.host else "", "its process is gone" if gone else "its process may be gone"
        yield Ailment(
            "stale-run",
            f"the run `{run.name}` of {run.since} says that it is RUNNING{by}; {who}",
            "it looks as if somebody were training",
            "it is marked as KILLED" if gone else "see on that machine; if nobody is at it, end the run in MLflow",
            partial(end_run, store, run) if gone else None,
            slight=not gone,
        )
    for model in pending_models(store):
        yield Ailment(
            "pending-model",
            f"the model {model.model_id} ({model.status}) of the run {model.run_id} is no version",
            "its training ended before it was registered: it only takes room",
            "it is deleted, with its files",
            partial(discard, store, model),
        )


def unfit(config: Config) -> Iterator[Ailment]:
    """Versions and aliases that would be refused if they were asked for."""
    registry, name = Registry.of(config), config.mlflow.model_name
    for found in unfit_versions(registry, name):
        reigns = CHAMPION in found.version.aliases
        named = len(found.version.aliases) > reigns
        if reigns or named or found.version.tags.get("unfit") is None:
            yield Ailment(
                "unfit-version",
                f"{found.version.label} would be refused: {found.why}",
                "there is no champion to score with" if reigns else "it can be neither promoted nor gone back to",
                "`regulars rollback`, or train anew" if reigns else "it is marked, and its aliases are taken away",
                None if reigns else partial(retire, registry, found),
            )
    for alias, version in dangling_aliases(registry, name).items():
        yield Ailment(
            "dangling-alias",
            f"the alias `{alias}` names version {version}, which is not there",
            "whoever asks for it gets an error",
            "the alias is taken away" + ("; then promote another version" if alias == CHAMPION else ""),
            partial(drop_alias, registry, name, alias),
        )


def championless(config: Config) -> Iterator[Ailment]:
    """A champion that the gate never let in, or that cannot be read; or none at all."""
    registry, name = Registry.of(config), config.mlflow.model_name
    if not registry.versions(name):
        return
    try:
        registry.champion(name)
    except RegularsError as error:
        yield Ailment("no-champion", error.found, "nobody can be scored", error.do or "`regulars models` lists them")
