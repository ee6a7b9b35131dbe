"""The doctor: what killed runs, moved folders and the machine have done beside a configuration, and mending it.

In: a configuration. Out: a `Diagnosis`: what is wrong, why it matters, whether it was mended; and facts about sizes and
days. Nothing changes unless mending is asked for; then one check is done after the other, each on what the one before
has mended, while all jobs are kept out. What is not there yet is not wrong.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from ..config import Config
from ..disk.lock import LOCK, job, locked
from ..disk.whole import bytes_in
from ..errors import RegularsError
from ..log import journal
from ..models.registry import Registry
from ..models.versions import CHAMPION
from . import ailing_decisions, ailing_files, ailing_machine, ailing_store
from .ailment import Ailment, Check

CHECKS: tuple[Check, ...] = (
    ailing_machine.two_boosters,
    ailing_machine.spinning,
    ailing_machine.no_room,
    ailing_machine.wrong_clock,
    ailing_files.damaged_ledger,
    ailing_files.left_behind,
    ailing_files.left_stages,
    ailing_store.accidental,
    ailing_store.moved,
    ailing_store.unfinished,
    ailing_store.unfit,
    ailing_store.championless,
    ailing_files.unwhole_runs,
    ailing_decisions.unwhole_waves,
    ailing_decisions.damaged_events,
    ailing_files.open_to_others,
)
"""In this order: a store that was moved before the versions in it, and runs before the links to them."""
JOBS = ("train", "promote", "score", "offers")


@dataclass(frozen=True)
class Found:
    """An ailment, and what became of it."""

    ailment: Ailment
    mended: bool = False
    failure: str = ""

    @property
    def left(self) -> bool:
        """Whether somebody has to look at it."""
        return not self.mended and not self.ailment.slight

    @property
    def lines(self) -> list[str]:
        """For people."""
        what, *more = self.ailment.lines
        state = "mended" if self.mended else "slight" if self.ailment.slight else "wrong"
        return [f"{state:<7} {what}", *more, *([f"  it could not be mended: {self.failure}"] if self.failure else [])]


@dataclass(frozen=True)
class Diagnosis:
    """All that was found."""

    found: tuple[Found, ...]
    busy: tuple[str, ...]
    facts: dict[str, object]

    @property
    def left(self) -> tuple[Found, ...]:
        """What is still wrong."""
        return tuple(f for f in self.found if f.left)

    @property
    def lines(self) -> list[str]:
        """For people."""
        told = [line for found in self.found for line in found.lines]
        told += [f"at work {who}: what is unfinished was left alone" for who in self.busy]
        told += [
            f"{name:<16} {value:,}" if isinstance(value, int) else f"{name:<16} {value}"
            for name, value in self.facts.items()
        ]
        if not self.left:
            return [*told, "nothing is wrong" if not any(f.mended for f in self.found) else "all is mended"]
        curable = any(f.ailment.cure is not None for f in self.left)
        return [*told, f"{len(self.left)} wrong" + ("; `regulars doctor --mend` mends what it can" if curable else "")]

    def figures(self) -> dict[str, object]:
        """As plain values for JSON."""
        found = [
            {
                **{key: getattr(f.ailment, key) for key in ("kind", "what", "why", "do", "slight")},
                "mended": f.mended,
                "failure": f.failure or None,
            }
            for f in self.found
        ]
        mended = sum(f.mended for f in self.found)
        return {"found": found, "wrong": len(self.left), "mended": mended, "facts": self.facts}


def diagnosed(config: Config, mend: bool = False) -> Diagnosis:
    """Look at everything; mend what can be, if that is asked for.

    Raises
    ------
    Busy
        Something is to be mended, and somebody is at work.
    """
    with _alone(config) if mend else ExitStack():
        busy = [
            f"{who.what}, host {who.host}, pid {who.pid}, since {who.since}" for who in ailing_files.at_work(config)
        ]
        found = tuple(one for check in CHECKS for one in _looked(check, config, mend))
    return Diagnosis(found, tuple(busy), _facts(config))


@contextmanager
def _alone(config: Config) -> Iterator[None]:
    """A block in which none of the jobs runs."""
    regulars = config.folder / ".regulars"
    with ExitStack() as stack:
        if regulars.is_dir():
            for name in JOBS:
                stack.enter_context(job(regulars, name, "mending"))
            stack.enter_context(locked(regulars / LOCK, "mending"))
        yield


def _looked(check: Check, config: Config, mend: bool) -> Iterator[Found]:
    """What a check finds, each mended before the next is looked for."""
    try:
        for ailment in check(config):
            yield _treated(ailment) if mend and ailment.cure is not None else Found(ailment)
    except RegularsError as error:
        yield Found(Ailment.of_error(error, "unreadable"))


def _treated(ailment: Ailment) -> Found:
    assert ailment.cure is not None
    try:
        ailment.cure()
    except (RegularsError, OSError) as error:
        return Found(ailment, failure=str(error))
    return Found(ailment, mended=True)


def _facts(config: Config) -> dict[str, object]:
    """Sizes and days: what grows, who speaks, when each command last went well."""
    found: dict[str, object] = {"free bytes": shutil.disk_usage(config.folder).free}
    for place in ailing_files.places(config):
        name = place.relative_to(config.folder) if place.is_relative_to(config.folder) else place
        found[f"{name} bytes"] = bytes_in(place)
    for book in ailing_files.books(config):
        found["runs of scores"] = len(book.runs())
        found["latest scores"] = str(book.latest.as_of) if book.latest is not None else "none"
    found |= ailing_decisions.facts(config)
    try:
        versions = Registry.of(config).versions(config.mlflow.model_name)
        found["versions"] = len(versions)
        found["champion"] = next(
            (f"{v.label}, trained on {v.trained_on}" for v in versions if CHAMPION in v.aliases), "none"
        )
    except RegularsError as error:
        found["champion"] = error.found
    for line in journal(config.folder):
        if line.get("exit") == 0:
            found[f"last {line.get('command')}"] = line.get("at")
    return found
