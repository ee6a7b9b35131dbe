"""The stage: what a worker needs to speak, laid ready in a folder by whoever knows the registry.

In: a folder of one server's own. Out: ``stages/<n>/`` with the bundle, ``facts.json``, where published scores came with
one ``reference.json``, where a wave of offers was assigned its ``policy.json`` and shelf of products; the link
``current``, which is moved in one step, and ``trouble``, why a newer champion is not on it. A reader who follows the
link finds a whole stage, old or new. What is missing in it is an error.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..disk.publish import published, removed, replaced
from ..disk.whole import TEMPORARY, private, room
from ..errors import NoModel, StorageError
from ..features.reference import Reference

if TYPE_CHECKING:
    from ..config import Config
    from ..products.kept import Kept
    from .speaker import Speaker

STAGES, CURRENT, TROUBLE = "stages", "current", "trouble"
BUNDLE, REFERENCE, FACTS, POLICY = "bundle", "reference.json", "facts.json", "policy.json"
LEFT_ALONE = "left_alone.json"
KEPT = 3
"""So many stages stay: a worker may still be reading one that was left."""


@dataclass(frozen=True)
class Facts:
    """What is known of a stage beside its files.

    Parameters
    ----------
    name, version, run_id : str
        The registered model, its version, and the training that made it.
    bundle : str
        The digest of its bundle; empty where the registry tells none.
    reference_day : str
        As of which day the other customers speak.
    scores : str
        The folder of published scores.
    online : str
        The folder in which recommendations are kept; empty where they are not.
    no_offers : str
        Why no policy was laid here, where one is known of.
    """

    name: str
    version: str
    run_id: str
    bundle: str
    reference_day: str
    scores: str
    online: str = ""
    no_offers: str = ""


@dataclass(frozen=True)
class Stage:
    """A folder from which a worker can speak.

    Parameters
    ----------
    folder : Path
    """

    folder: Path

    @property
    def name(self) -> str:
        """What `current` calls it."""
        return self.folder.name

    @property
    def bundle(self) -> Path:
        """The model's own folder."""
        return self.folder / BUNDLE

    def facts(self) -> Facts:
        """What is known of it.

        Raises
        ------
        StorageError
            ``RG390``: it cannot be read.
        """
        return Facts(**self._json(FACTS))

    def reference(self) -> Reference | None:
        """What other customers told the published scores; None where the model's own day of training counts."""
        return Reference.from_dict(self._json(REFERENCE)) if (self.folder / REFERENCE).is_file() else None

    def policy(self) -> dict[str, Any] | None:
        """How offers are decided on, as the newest wave does; None where none was assigned."""
        return self._json(POLICY) if (self.folder / POLICY).is_file() else None

    def shelf(self) -> Kept | None:
        """What the newest wave knew of products; None where it knew nothing.

        Raises
        ------
        StorageError
            ``RG502``: it is not as it was written.
        """
        from ..products.kept import FILE, Kept

        file = self.folder / FILE
        try:
            return Kept.of_content(file.read_bytes()) if file.is_file() else None
        except OSError as error:
            raise self._unreadable(FILE, error) from None

    def left_alone(self) -> list[str]:
        """Marks of those whom nobody may contact; see `offering.marks`."""
        return list(self._json(LEFT_ALONE)["marks"]) if (self.folder / LEFT_ALONE).is_file() else []

    def speaker(self, config: Config, before: Speaker | None = None) -> Speaker:
        """Whoever speaks from here; of the one before, what is the same is used again.

        Raises
        ------
        NoModel, StorageError
            The bundle was changed, or something cannot be read.
        """
        from .speaker import speaker_of

        return speaker_of(self, config, before)

    def _json(self, name: str) -> dict[str, Any]:
        try:
            return dict(json.loads((self.folder / name).read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise self._unreadable(name, error) from None

    def _unreadable(self, name: str, error: Exception) -> StorageError:
        return StorageError(
            f"`{name}` of the stage {self.name} cannot be read: {type(error).__name__}",
            do="start the server again",
            code="RG390",
        )


@dataclass(frozen=True)
class Stages:
    """The stages of one server.

    Parameters
    ----------
    folder : Path

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     stages = Stages(Path(folder))
    ...     with stages.adding() as place:
    ...         _ = (place / "facts.json").write_text("{}")
    ...     stages.current(), stages.trouble()
    ('1', '')
    """

    folder: Path

    def current(self) -> str:
        """The name of the stage that counts now; empty before the first. One call of the system."""
        with suppress(OSError):
            return (self.folder / CURRENT).readlink().name
        return ""

    def stage(self) -> Stage:
        """The stage that counts now.

        Raises
        ------
        NoModel
            ``RG391``: there is none yet.
        """
        name = self.current()
        if not name:
            raise NoModel("no model was laid ready for this server", do="start it by `regulars serve`", code="RG391")
        return Stage(self.folder / STAGES / name)

    @contextmanager
    def adding(self) -> Iterator[Path]:
        """A temporary folder that becomes the next stage, and the one that counts, when the block ends well.

        Raises
        ------
        StorageError
            It cannot be written; the one before still counts.
        """
        number = 1 + max((int(f.name) for f in self._all()), default=0)
        target = self.folder / STAGES / str(number)
        with published(target) as temporary:
            yield temporary
        self._point(target)
        for old in sorted(self._all(), key=lambda f: int(f.name))[:-KEPT]:
            removed(old)

    def trouble(self) -> str:
        """Why the champion is not on stage; empty when it is."""
        with suppress(OSError):
            return (self.folder / TROUBLE).read_text(encoding="utf-8")
        return ""

    def tell(self, trouble: str) -> None:
        """Note why the champion is not on stage, or that it is."""
        if trouble != self.trouble():
            replaced(self.folder / TROUBLE, lambda waiting: waiting.write_text(trouble, encoding="utf-8"))

    def _all(self) -> list[Path]:
        return [f for f in (self.folder / STAGES).glob("[0-9]*") if f.name.isdigit()]

    def _point(self, target: Path) -> None:
        waiting = self.folder / f"{TEMPORARY}{CURRENT}-{secrets.token_hex(4)}"
        try:
            private(self.folder)
            waiting.symlink_to(f"{STAGES}/{target.name}")
            waiting.replace(self.folder / CURRENT)
        except OSError as error:
            raise StorageError(
                f"`{self.folder}` takes no links: {error.strerror or error} ({room(self.folder)})",
                needed="a folder of one's own on a file system with symbolic links",
                do="serve from another folder",
                code="RG390",
            ) from None
        finally:
            with suppress(OSError):
                waiting.unlink(missing_ok=True)
