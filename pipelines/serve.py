"""Serve: the registered champion and the published scores laid on a stage, for as long as a server speaks from it.

In: a configuration. Out: `.regulars/serve/<server>/`, whose stage follows the registry, the folder of scores and the
decisions: the champion as its gate and its seal let it through, what other customers told the newest run, the policy of
the newest wave. A champion that cannot be laid there is told, and the one before goes on; a policy that cannot be is
left out with the reason. Only this process knows MLflow. What killed servers left goes when the next one begins.
"""

from __future__ import annotations

import json
import os
import platform
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from ..clock import Cutoff
from ..config import Config
from ..disk.lock import is_left, locked
from ..disk.whole import owners_files, private
from ..errors import ConfigError, NoModel, RegularsError, StorageError, unnamed
from ..features.reference import Reference
from ..models.registry import Registry
from ..models.versions import CHAMPION, Version
from ..offers.stoplist import do_not_contact
from ..products.kept import FILE as SHELF
from ..serving.offering import marks
from ..serving.online import FOLDER as ONLINE
from ..serving.stage import BUNDLE, FACTS, LEFT_ALONE, POLICY, REFERENCE, Facts, Stages
from .campaign.book import Decisions
from .campaign.wave import Wave
from .published import REFERENCE as OTHERS
from .published import Book, Run
from .score import scores_folder

FOLDER, HELD = "serve", ".held"
"""Below `.regulars`: a folder a server, and beside it the lock that tells whether he lives."""
AGAIN_SECONDS = 30.0
"""After so long a champion that could not be laid on stage is looked at once more, though nothing seems to be new."""

Say = Callable[[str], object]


@dataclass(frozen=True)
class _Needs:
    """What is to be known of a model to choose what other customers tell it."""

    groups: frozenset[str]
    reference_day: Cutoff

    @classmethod
    def of(cls, bundle: Path, digest: str) -> _Needs:
        """From a bundle, which is loaded: one that cannot be never comes on stage."""
        from ..models.bundle import load

        model = load(bundle, 1, digest or None)
        return cls(frozenset(model.plan.groups), Cutoff(model.reference.days[-1]))


class Keeper:
    """Keeps a stage as the registry and the published scores have it.

    Parameters
    ----------
    config : Config
    stages : Stages
    scores : Path
        The folder of published scores.
    """

    def __init__(self, config: Config, stages: Stages, scores: Path | None = None) -> None:
        self.config, self.stages, self.scores = config, stages, scores_folder(config, scores).absolute()
        self.registry, self.name = Registry.of(config), config.mlflow.model_name
        self._version: Version | None = None
        self._needs: _Needs | None = None
        self.decisions = Decisions(config.folder.absolute() / Decisions.of(config).folder.name)
        self._laid: tuple[str, ...] | None = None
        self._refused: tuple[tuple[str, ...], float, RegularsError] | None = None

    def look(self) -> bool:
        """Lay what counts now on the stage, if it is not there; whether something was laid.

        Raises
        ------
        NoModel
            There is no champion, the gate never let it through, or its files are not those that were sealed.
        StorageError
            The registry does not answer, or the stage cannot be written.
        """
        version, run = self._champion(), Book(self.scores).latest
        wave = self.decisions.latest
        wanted = (
            f"{version.version} {version.bundle}",
            "" if run is None else f"{run.name} {run.digest}",
            "" if wave is None else f"{wave.name} {_stamp(self.config)}",
        )
        if wanted == self._laid:
            return False
        if self._refused is not None and self._refused[0] == wanted and time.monotonic() < self._refused[1]:
            raise self._refused[2]
        try:
            self._lay(version, run, wave)
        except RegularsError as error:
            self._refused = wanted, time.monotonic() + AGAIN_SECONDS, error
            raise
        self._laid, self._refused = wanted, None
        return True

    @contextmanager
    def watching(self, say: Say) -> Iterator[None]:
        """A block in which a thread looks every `poll_seconds`."""
        done = threading.Event()
        thread = threading.Thread(target=self._watch, args=(done, say), name="keeper", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join(timeout=self.config.serve.drain_seconds)

    def _watch(self, done: threading.Event, say: Say) -> None:
        said = ""
        while not done.wait(self.config.serve.poll_seconds):
            trouble = ""
            try:
                if self.look() and self._version is not None:
                    say(f"version {self._version.version} of `{self.name}` is on stage")
            except Exception as error:  # Whatever it is, the server goes on with what it has.
                trouble = _told(error)
                if trouble != said:
                    say(f"warning: {unnamed(str(error)) if isinstance(error, RegularsError) else trouble}")
            said = trouble
            with suppress(RegularsError):
                self.stages.tell(trouble)

    def _champion(self) -> Version:
        """The champion; asked in full only when its alias has moved."""
        on = self._version
        if on is not None and self.registry.aliases(self.name).get(CHAMPION) == on.version:
            return on
        return self.registry.crowned(self.name)

    def _lay(self, version: Version, run: Run | None, wave: Wave | None) -> None:
        same = self._version is not None and (self._version.version, self._version.bundle) == (
            version.version,
            version.bundle,
        )
        with self.stages.adding() as place, owners_files():
            if same:
                shutil.copytree(self.stages.stage().bundle, place / BUNDLE, copy_function=os.link)
            else:
                with self.registry.folder(version) as folder:
                    shutil.copytree(folder / "artifacts" / "bundle", place / BUNDLE, copy_function=shutil.copyfile)
            needs = self._needs if same and self._needs is not None else _Needs.of(place / BUNDLE, version.bundle)
            day, others = _others(run, needs)
            if others is not None:
                (place / REFERENCE).write_bytes(others)
            no_offers = _laid_policy(place, wave, self.config)
            facts = Facts(
                name=version.name,
                version=version.version,
                run_id=version.run_id,
                bundle=version.bundle,
                reference_day=str(day),
                scores=str(self.scores),
                online=str(self.decisions.folder / ONLINE),
                no_offers=no_offers,
            )
            (place / FACTS).write_text(json.dumps(asdict(facts), indent=1) + "\n", encoding="utf-8")
        self._version, self._needs = version, needs


def _others(run: Run | None, needs: _Needs) -> tuple[Cutoff, bytes | None]:
    """What other customers told the newest run, unless the model's own day of training is later or it needs more."""
    if run is not None and run.as_of >= needs.reference_day:
        found = run.content(OTHERS)
        if found is not None and needs.groups <= set(Reference.from_dict(json.loads(found)).groups):
            return run.as_of, found
    return needs.reference_day, None


def _laid_policy(place: Path, wave: Wave | None, config: Config) -> str:
    """Lay down how the newest wave was decided, and marks of whom nobody may contact; or say why that cannot be."""
    if wave is None:
        return ""
    try:
        policy = wave.verified().path(POLICY).read_bytes()
        shelf = wave.path(SHELF).read_bytes() if wave.path(SHELF).is_file() else None
        left_alone = marks(sorted(do_not_contact(config)), str(json.loads(policy)["salt"]))
    except ConfigError as error:
        return f"{error.code}: the list of whom nobody may contact cannot be read"
    except (RegularsError, OSError, ValueError, KeyError):
        # Whoever may ask how the server is gets to read it: no path, no address.
        return "RG431: the newest wave is not as it was assigned"
    (place / POLICY).write_bytes(policy)
    if shelf is not None:
        (place / SHELF).write_bytes(shelf)
    (place / LEFT_ALONE).write_text(json.dumps({"marks": sorted(left_alone)}), encoding="utf-8")
    return ""


def _stamp(config: Config) -> str:
    """What tells whether the list of whom nobody may contact has changed."""
    name = config.contact.do_not_contact
    with suppress(OSError):
        found = (config.folder / (name or "")).stat()
        return "" if name is None else f"{found.st_ino} {found.st_mtime_ns} {found.st_size}"
    return "none"


def _told(error: Exception) -> str:
    """Why a champion is not on stage, for whoever asks the server how it is: without paths and addresses."""
    if isinstance(error, NoModel):
        return f"{error.code}: {unnamed(error.found)}"
    code = error.code if isinstance(error, RegularsError) else "RG394"
    return f"{code}: what the registry has now could not be laid ready; the server's log says why"


def serve(
    config: Config, scores: Path | None = None, insecure: bool = False, log: str = "text", say: Say = print
) -> None:
    """Serve until the process is told to end, and then end what is under way.

    Parameters
    ----------
    scores : Path, optional
        The folder of published scores; default: `scores` beside the configuration.
    insecure : bool
        Whether an address that others reach may do without a key.
    log : {"text", "json"}
        How workers say what happens.
    say : callable
        What is worth a line goes there.

    Raises
    ------
    ConfigError
        Others could call without a key, or a key cannot be used.
    NoModel, StorageError
        As `Keeper.look`; or the port is taken.
    """
    from ..serving.endpoint import Endpoint
    from ..serving.guard import Keys, check_address
    from ..serving.server import serve as speak

    keys = Keys.from_environment(config.serve.key_variable, os.environ)
    check_address(config.serve.host, keys, insecure)
    with stood(config) as stages:
        keeper = Keeper(config, stages, scores)
        keeper.look()
        # Workers inherit it: what they write beside the stages is for its owner alone, too.
        with keeper.watching(say), owners_files():
            speak(Endpoint(config, stages.folder, keys, insecure, log), lambda url: say(f"serving at {url}"))


@contextmanager
def stood(config: Config) -> Iterator[Stages]:
    """A block with stages of one's own below `.regulars`; they go when it ends, and those of killed servers before it.

    Raises
    ------
    StorageError
        ``RG390``: the folder cannot be written.
    """
    place = config.folder / ".regulars" / FOLDER
    name = f"{platform.node() or 'here'}-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        private(place)
    except OSError as error:
        raise StorageError(
            f"`{place}` cannot be written: {error.strerror or error}", do="check space and permissions", code="RG390"
        ) from None
    for left in abandoned(config.folder):
        swept(left)
    with locked(place / f"{name}{HELD}", "serving"):
        try:
            private(place / name)
            yield Stages(place / name)
        finally:
            shutil.rmtree(place / name, ignore_errors=True)


def abandoned(folder: Path) -> tuple[Path, ...]:
    """The stages beside a configuration whose servers live no more.

    Examples
    --------
    >>> abandoned(Path("nowhere"))
    ()
    """
    place = folder / ".regulars" / FOLDER
    stages = {f for f in place.glob("*") if f.is_dir() and not f.is_symlink()}
    stages |= {f.with_name(f.name.removesuffix(HELD)) for f in place.glob(f"*{HELD}")}
    return tuple(sorted(f for f in stages if is_left(_held(f)) or not _held(f).exists()))


def swept(stages: Path) -> None:
    """Take away what a killed server left."""
    with locked(_held(stages), "tidying up"):
        shutil.rmtree(stages, ignore_errors=True)


def _held(stages: Path) -> Path:
    return stages.with_name(f"{stages.name}{HELD}")
