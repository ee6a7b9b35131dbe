"""The registry: versions of the model, their seals, and which of them is champion, challenger, previous.

In: trained models, what the gate said. Out: versions and aliases. Whoever asks for the champion gets a whole model, old
or new: everything else is noted first, its alias is moved last, and each step may be repeated. A version without the
gate's word, without a seal or with other files than were sealed is refused.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..clock import Cutoff
from ..disk.appended import append, entries
from ..disk.lock import Holder, job
from ..disk.whole import owners_files
from ..errors import NoModel
from .seal import check_model_folder
from .tracking import Store, local, pages
from .versions import (
    BUNDLE_DIGEST,
    CHALLENGER,
    CHAMPION,
    CROWNED,
    GATE,
    PREVIOUS,
    REASONS,
    REFUSED,
    ROLLED_BACK,
    SEAL,
    TRAINED_ON,
    Crowned,
    Registered,
    Said,
    Version,
)

if TYPE_CHECKING:
    from ..config import Config
    from .model import Model

AUDIT_FILE = "registry.jsonl"
_LONGEST_TAG = 4000


class Registry:
    """The registered models of a store.

    Parameters
    ----------
    uri : str
        As `Store` takes it.
    folder : Path
        That of the configuration: crownings are noted in ``.regulars/registry.jsonl`` below it.
    """

    def __init__(self, uri: str, folder: Path) -> None:
        self.store = Store(uri, folder)
        self.regulars = folder / ".regulars"

    @classmethod
    def of(cls, config: Config) -> Registry:
        """The registry of a configuration."""
        return cls(config.tracking_uri, config.folder)

    # What there is.

    def versions(self, name: str) -> tuple[Version, ...]:
        """All versions of a model, the first one first; none where there is no store or no model."""
        if not self.store.exists():
            return ()
        client = self.store.client()
        with self.store.speaking():
            aliases = self._aliases(client, name)
            found = pages(partial(client.search_model_versions, f"name = '{name}'"))
        return tuple(
            Version(name, str(v.version), str(v.run_id), dict(v.tags), _of(aliases, str(v.version)))
            for v in sorted(found, key=lambda v: int(v.version))
        )

    def aliases(self, name: str) -> dict[str, str]:
        """The versions that aliases name, whether they are there or not."""
        client = self.store.client()
        with self.store.speaking():
            return self._aliases(client, name)

    def _aliases(self, client: Any, name: str) -> dict[str, str]:
        models = client.search_registered_models(f"name = '{name}'")
        return {alias: str(version) for model in models for alias, version in model.aliases.items()}

    def at(self, name: str, which: str) -> Version | None:
        """The version of an alias or a number; None where there is none."""
        return next((v for v in self.versions(name) if which == v.version or which in v.aliases), None)

    def champion_for(self, name: str, day: Cutoff) -> Version | None:
        """Who of those crowned would speak on a day: the one crowned last of all whom no window of that day taught.

        Whoever was left by a rollback does not speak, nor whoever was crowned after the champion: that crowning did
        not come to its end, or was taken back.
        """
        found = self.versions(name)
        now = next((v.crowned for v in found if CHAMPION in v.aliases), None)
        able = [
            (v.crowned, v)
            for v in found
            if v.crowned and now and v.crowned <= now and not v.rolled_back and v.trained_on and v.gate
        ]
        return max(((c, v) for c, v in able if Cutoff.parse(v.trained_on) <= day), default=(0, None), key=_first)[1]

    # What is in it.

    @contextlib.contextmanager
    def folder(self, version: Version) -> Iterator[Path]:
        """A version's MLflow model folder, checked against its seal; it is there for as long as the block lasts.

        Raises
        ------
        NoModel
            Its files are gone, or are not those that were registered.
        """
        client = self.store.client()
        with self.store.speaking():
            uri = str(client.get_model_version_download_uri(version.name, version.version))
        with tempfile.TemporaryDirectory(prefix="regulars-") as copy:
            if uri.startswith("file://"):
                found = self._here(uri, version)
            else:
                with self.store.speaking(), owners_files():
                    found = Path(self.store.mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=copy))
            check_model_folder(found, version.seal)
            yield found

    def _here(self, uri: str, version: Version) -> Path:
        self.store.check_place(uri)
        folder = local(uri)
        if folder.is_dir():
            return folder
        raise NoModel(
            f"the files of {version.label} are gone",
            needed=f"the folder {folder}",
            do="restore it from a backup, `regulars rollback`, or train again",
            code="RG313",
        )

    def load(self, version: Version, threads: int = 1) -> Model:
        """A version's model; its seal is verified before anything of it is read.

        Raises
        ------
        NoModel
            As `folder`.
        """
        from .bundle import load

        with self.folder(version) as folder:
            return load(folder / "artifacts" / "bundle", threads, version.bundle or None)

    def champion(self, name: str, threads: int = 1) -> tuple[Model, Registered]:
        """The champion's model, as the gate let it through.

        Raises
        ------
        NoModel
            As `crowned`, and `folder`.
        """
        version = self.crowned(name)
        return self.load(version, threads), version.registered

    def crowned(self, name: str) -> Version:
        """The champion's version, whose files are not looked at yet.

        Raises
        ------
        NoModel
            There is no champion; its alias was moved by hand.
        """
        self.store.client()  # Without a store there is more to say than that there is no champion.
        version = self.at(name, CHAMPION)
        if version is None:
            raise NoModel(
                f"there is no champion of `{name}` in {self.store.shown}", do="train a model first", code="RG077"
            )
        if version.gate is None:
            raise NoModel(
                f"the alias `champion` was moved to version {version.version} by hand: the gate never let it through",
                needed="a version that was promoted",
                do=f"`regulars promote {version.version}` to judge it, or `regulars rollback`",
                code="RG314",
            )
        return version

    # What changes it.

    def register(
        self, model: Model, run_id: str, name: str, tags: Mapping[str, str], card: Mapping[str, Any] | None = None
    ) -> Registered:
        """Seal a model, log it with its run, register it with all its tags, and make it the challenger, in this order.

        Raises
        ------
        NoModel
            What was written could not be loaded again.
        StorageError
            The store could not take it.
        """
        from .logged import logged

        client, found = self.store.client(), logged(self.store, model, run_id, card)
        known = {TRAINED_ON: str(model.trained_on), "regulars": __version__}
        noted = {**tags, **known, BUNDLE_DIGEST: found.bundle, SEAL: found.seal}
        with self.store.speaking():
            if not client.search_registered_models(f"name = '{name}'"):
                client.create_registered_model(name)
            source = f"models:/{found.model_id}"
            made = client.create_model_version(name, source, run_id, noted, model_id=found.model_id)
            client.set_registered_model_alias(name, CHALLENGER, made.version)
        return Registered(name, str(made.version), run_id, found.bundle, noted[TRAINED_ON])

    def crown(self, version: Version, verdict: Said, reasons: Sequence[str] = ()) -> Crowned:
        """Make a version the champion, whose alias is moved last; a crowning that was killed half-way may be repeated.

        Raises
        ------
        NoModel
            The version has no seal, or its files are not those that were sealed.
        Busy
            Someone else is moving aliases.
        """
        with job(self.regulars, "promote", f"crowning version {version.version}"):
            found = self.versions(version.name)
            version = next(v for v in found if v.version == version.version)
            with self.folder(version):
                pass
            before = next((v for v in found if CHAMPION in v.aliases), None)
            if before is None or before.version != version.version or before.gate is None:
                self._crown(version, before, verdict, list(reasons), found)
            if CHALLENGER in version.aliases:
                self.unchallenge(version)
            now = self.at(version.name, CHAMPION)
            assert now is not None
            return Crowned(now, None if before is None else before.version)

    def _crown(
        self, version: Version, before: Version | None, verdict: Said, reasons: list[str], found: Sequence[Version]
    ) -> None:
        last = max((v.crowned or 0 for v in found), default=0)
        # One that was begun and not ended has its number already, unless others were crowned since.
        number = last if version.crowned == last and last and not version.rolled_back else last + 1
        client = self.store.client()
        with self.store.speaking():
            said = {GATE: verdict, REASONS: _told(reasons), CROWNED: str(number)}
            for key, value in said.items():
                client.set_model_version_tag(version.name, version.version, key, value)
            for key in {ROLLED_BACK, REFUSED} & set(version.tags):
                client.delete_model_version_tag(version.name, version.version, key)
            # Whoever was put there by hand is nobody to go back to.
            if before is not None and before.version != version.version and before.gate is not None:
                client.set_registered_model_alias(version.name, PREVIOUS, before.version)
        self._note("crown", version.name, before, version, verdict, reasons)
        self._move(version)

    def _move(self, version: Version) -> None:
        client = self.store.client()
        with self.store.speaking():
            client.set_registered_model_alias(version.name, CHAMPION, version.version)

    def unchallenge(self, version: Version) -> None:
        """Take the alias `challenger` away, unless another version has it by now."""
        client = self.store.client()
        if self.aliases(version.name).get(CHALLENGER) == version.version:
            with self.store.speaking():
                client.delete_registered_model_alias(version.name, CHALLENGER)

    def refused(self, version: Version, reasons: Sequence[str]) -> None:
        """Note that the gate did not let a version through; no alias moves."""
        with job(self.regulars, "promote", f"refusing version {version.version}"):
            self._note("refused", version.name, self.at(version.name, CHAMPION), version, "refused", reasons)
            client = self.store.client()
            with self.store.speaking():
                client.set_model_version_tag(version.name, version.version, REFUSED, _told(reasons))

    def rollback(self, name: str) -> tuple[Version, Version]:
        """Go back to the champion before; returns the version left and the champion now.

        Raises
        ------
        NoModel
            There is no champion, or none before it, or its files are not those that were sealed.
        Busy
            Someone else is moving aliases.
        """
        with job(self.regulars, "promote", "rolling back"):
            self.store.client()
            found = self.versions(name)
            left = next((v for v in found if CHAMPION in v.aliases), None)
            to = _before(left, found)
            if to is None or (left is not None and left.version == to.version):
                raise _nothing_before(name, left)
            with self.folder(to):
                pass
            self._note("rollback", name, left, to, to.gate or "", [])
            if left is not None:
                client = self.store.client()
                with self.store.speaking():
                    client.set_model_version_tag(name, left.version, ROLLED_BACK, f"to version {to.version}")
            self._move(to)
            now = self.at(name, to.version)
            assert now is not None
            return left or now, now

    def mark(self, version: Version, key: str, value: str) -> None:
        """Note something with a version and with the run that made it."""
        client = self.store.client()
        with self.store.speaking():
            client.set_model_version_tag(version.name, version.version, key, value)
            client.set_tag(version.run_id, key, value)

    # What was done.

    def audit(self) -> tuple[dict[str, Any], ...]:
        """Every crowning and rollback from this folder, the oldest first."""
        return entries(self.regulars / AUDIT_FILE)

    def _note(
        self, what: str, name: str, before: Version | None, to: Version, verdict: str, reasons: Sequence[str]
    ) -> None:
        """A line of the audit; the same step repeated after a kill is no second one."""
        came = None if before is None else before.version
        told = {"what": what, "name": name, "from": came, "to": to.version, "verdict": verdict, "reasons": [*reasons]}
        last = self.audit()[-1:]
        if not last or any(last[0].get(key) != value for key, value in told.items()):
            by = Holder.of_this_process(what)
            at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            append(self.regulars / AUDIT_FILE, {"at": at, **told, "host": by.host, "pid": by.pid})


def _told(reasons: Sequence[str]) -> str:
    return "; ".join(reasons)[:_LONGEST_TAG]


def _of(aliases: Mapping[str, str], version: str) -> tuple[str, ...]:
    return tuple(sorted(alias for alias, named in aliases.items() if named == version))


def _first(pair: tuple[int, Version | None]) -> int:
    return pair[0]


def _before(champion: Version | None, found: Sequence[Version]) -> Version | None:
    """To whom one goes back: `previous`; the last that was crowned, where the champion was put there by hand."""
    if champion is not None and champion.gate is None:
        crowned = [v for v in found if v.crowned and v.gate and not v.rolled_back and v != champion]
        return max(crowned, key=lambda v: v.crowned or 0, default=None)
    return next((v for v in found if PREVIOUS in v.aliases), None)


def _nothing_before(name: str, champion: Version | None) -> NoModel:
    who = "there is no champion" if champion is None else f"version {champion.version} is champion"
    return NoModel(
        f"there is nothing to go back to: {who} of `{name}`, and no other version is `previous`",
        needed="a champion before this one, to which nobody has gone back yet",
        do="`regulars models` lists the versions; `regulars promote VERSION` judges any of them",
        code="RG315",
    )


def named(registry: Registry, name: str, which: str) -> Version:
    """The version of an alias or a number, which must be there.

    Raises
    ------
    NoModel
        There is none.
    """
    registry.store.client()
    found = registry.at(name, which)
    if found is None:
        known = ", ".join(v.label for v in registry.versions(name)) or "none"
        raise NoModel(f"`{name}` has no `{which}`", needed=f"one of: {known}", code="RG316")
    return found
