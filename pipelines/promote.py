"""Promote: the gate judges the challenger beside the champion, and only then is it crowned.

In: the store, the ledger, what the user says. Out: a `Promotion`: the verdict, its figures, who is champion now.
Nothing is written before the verdict; the champion's alias is moved last. A model that cannot be read, or that the
ledger has no columns for, is never crowned, whatever is said for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from ..config import Config
from ..disk.lock import job
from ..errors import ConfigError, NoModel, Refused, RegularsError
from ..intake import Ledger
from ..models.gate import Verdict, decide, lacking
from ..progress import Progress
from .backtest import budget_of
from .contestants import Asker, Entry, entry_at, own_answer

if TYPE_CHECKING:
    from ..models.model import Model
    from ..models.registry import Registry
    from ..models.versions import Version

NOTHING = "nothing to promote"


@dataclass(frozen=True)
class Promotion:
    """What became of a challenger.

    Parameters
    ----------
    name : str
        The registered model.
    version : str or None
        The version that was judged; None where there was none.
    champion : str or None
        The version that was champion before.
    state : str
        ``promoted``, ``forced``, ``refused``, ``would be promoted``, ``unchanged`` or ``nothing to promote``.
    verdict : Verdict or None
        None where nothing was judged.
    told : tuple of str
        What else there is to say.
    how : dict
        Where the champion's predictions come from, by cutoff.
    """

    name: str
    version: str | None
    champion: str | None
    state: str
    verdict: Verdict | None = None
    told: tuple[str, ...] = ()
    how: dict[str, str] = field(default_factory=dict)

    @property
    def crowned(self) -> bool:
        """Whether the version is the champion by this."""
        return self.state in ("promoted", "forced")

    @property
    def words(self) -> list[str]:
        """What happened, a line each: the first says it all."""
        who = f"version {self.version} of {self.name}" if self.version else self.name
        after = f" in the place of version {self.champion}" if self.champion and self.crowned else ""
        lines = [f"{who}: {self.state}{after}"]
        if self.verdict is not None:
            lines += [f"  {reason}" for reason in self.verdict.reasons]
        return [*lines, *(f"note: {text}" for text in (*(self.verdict.notes if self.verdict else ()), *self.told))]

    def figures(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {
            "name": self.name,
            "version": self.version,
            "champion_before": self.champion,
            "state": self.state,
            "verdict": None if self.verdict is None else self.verdict.to_dict(),
            "champion_predictions": dict(self.how),
            "notes": list(self.told),
        }

    def check(self) -> Self:
        """Itself, unless the gate refused.

        Raises
        ------
        Refused
            ``RG327`` with the reasons.
        """
        if self.state == "refused" and self.verdict is not None:
            raise Refused(
                f"version {self.version} of `{self.name}` may not be the champion: {'; '.join(self.verdict.reasons)}",
                do="train again, change [gate], or say why it must be: regulars promote --force REASON",
                code="RG327",
            )
        return self


def promote(
    config: Config,
    ledger_of: Callable[[], Ledger],
    version: str | None = None,
    *,
    auto: bool = False,
    force: str | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Promotion:
    """Judge a version, by default the challenger, and crown it if it passes.

    Parameters
    ----------
    config : Config
    ledger_of : callable
        Opens the present ledger; called only where there is something to judge.
    version : str, optional
        A version or an alias.
    auto : bool
        For a schedule: where there is no challenger, or it was rolled back once, nothing is done.
    force : str, optional
        Why it must be the champion though the gate may refuse; kept with the version.
    dry_run : bool
        Judge, and move nothing; a ledger of the present sources is made if there is none yet.

    Raises
    ------
    NoModel
        There is no such version, and `auto` is not set.
    Busy
        Someone else moves aliases here.
    """
    from ..models.registry import Registry

    if force is not None and not force.strip():
        raise ConfigError("--force without a reason", do="say why, in a few words: it is kept", code="RG328")
    registry, name = Registry.of(config), config.mlflow.model_name
    with ExitStack() as stack:
        if not dry_run:
            stack.enter_context(job(config.folder / ".regulars", "promote", "promoting a model"))
        versions = registry.versions(name)
        target = _target(versions, name, version, auto)
        if target is None:
            return Promotion(name, None, None, NOTHING, told=("there is no challenger",))
        champion = _at(versions, "champion")
        if champion is not None and champion is target and champion.gate is not None:
            if not dry_run and "challenger" in target.aliases:
                registry.unchallenge(target)
            return Promotion(name, target.version, target.version, "unchanged", told=("it is the champion already",))
        if auto and target.rolled_back:
            return Promotion(name, target.version, None, NOTHING, told=("it was rolled back before",))
        return _judged(_Court(config, ledger_of, registry, versions, progress), target, force, dry_run)


def _target(versions: Sequence[Version], name: str, version: str | None, auto: bool) -> Version | None:
    found = _at(versions, version or "challenger")
    if found is None and not (auto and version is None):
        what = f"version `{version}`" if version else "challenger"
        raise NoModel(
            f"there is no {what} of `{name}`",
            needed="a version that a training registered",
            do="train first" if version is None else "name another",
            code="RG329",
        )
    return found


def _at(versions: Sequence[Version], named: str) -> Version | None:
    """A version by number or alias; None where there is none."""
    return next((v for v in versions if named == v.version or named in v.aliases), None)


@dataclass(frozen=True)
class _Court:
    """Who judges: the settings, the store and its versions, the ledger when it is needed."""

    config: Config
    ledger_of: Callable[[], Ledger]
    registry: Registry
    versions: Sequence[Version]
    progress: Progress | None

    def load(self, version: Version) -> Model:
        """A version's bundle, its seal checked."""
        from ..engines import usable_threads

        return self.registry.load(version, usable_threads(self.config.engine.threads))

    def unfit(self, target: Version) -> list[str]:
        """Why a version cannot speak of this ledger at all."""
        try:
            model = self.load(target)
        except RegularsError as error:
            return [f"it cannot be read: {error.found}"]
        ledger = self.ledger_of()
        return lacking(model.shape, ledger.columns, tuple(ledger.manifest.tables))

    def rival(self, target: Version) -> Version | None:
        """Beside whom a version is judged: the champion; if someone moved that alias by hand, who was crowned last."""
        champion = _at(self.versions, "champion")
        if champion is not None and champion.gate is not None and champion is not target:
            return champion
        others = [v for v in self.versions if v.crowned is not None and not v.rolled_back and v is not target]
        return max(others, key=lambda v: v.crowned or 0, default=None)

    def verdict(self, target: Version, rival: Version | None, unfit: Sequence[str]) -> tuple[Verdict, dict[str, str]]:
        """What the gate says, and where the champion's predictions come from."""
        settings, ledger_of = self.config.gate, self.ledger_of
        budget, seed = budget_of(self.config), self.config.seed
        try:
            mine = entry_at(self.registry, target)
            answer = own_answer(mine, self.config, ledger_of)
        except RegularsError as error:
            return Verdict(False, (*unfit, f"it cannot be judged: {error.found}")), {}
        challenger = mine.asked(answer.said)
        if rival is None:
            return decide(challenger, None, settings, budget, seed, unfit), {}
        try:
            theirs: Entry = entry_at(self.registry, rival)
        except RegularsError as error:
            return Verdict(False, (*unfit, f"the champion cannot be judged: {error.found}")), {}
        if theirs.horizons[0] != mine.horizons[0]:  # Other questions: nothing is learnt again for it.
            empty = theirs.asked(answer.said.iloc[:0])
            return decide(challenger, empty, settings, budget, seed, unfit), {}
        other = Asker(self.config, ledger_of, self.load, self.progress).ask(theirs, mine, answer)
        found = decide(challenger, theirs.asked(other.said), settings, budget, seed, unfit)
        return replace(found, notes=(*found.notes, *other.notes)), dict(other.how)


def _judged(court: _Court, target: Version, force: str | None, dry_run: bool) -> Promotion:
    champion = _at(court.versions, "champion")
    before = None if champion is None else champion.version
    rival, unfit = court.rival(target), court.unfit(target)
    if court.progress:
        court.progress("judging", 0.0)
    verdict, how = court.verdict(target, rival, unfit)
    found = Promotion(target.name, target.version, before, "refused", verdict, (), how)
    if rival is not None and (champion is None or rival.version != champion.version):
        found = replace(found, told=(f"the champion's alias was moved by hand: judged beside version {rival.version}",))
    forced = force is not None and not verdict.promote
    if not verdict.promote and (not forced or unfit):
        if not dry_run:
            court.registry.refused(target, verdict.reasons)
        return found
    if dry_run:
        return replace(found, state="would be forced" if forced else "would be promoted")
    reasons = verdict.reasons if force is None else (f"forced: {force.strip()}", *verdict.reasons)
    court.registry.crown(target, "forced" if forced else "passed", reasons)
    return replace(found, state="forced" if forced else "promoted")
