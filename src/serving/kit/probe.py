"""All checks against a server, one after the other, and what is said of them to people.

In: an address and perhaps a key. Out: an `Outcome` each; lines in which bad bodies are told as one, those that were
answered by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..client import Client
from .check import Broken, checks


@dataclass(frozen=True)
class Outcome:
    """What became of a check.

    Parameters
    ----------
    sentence : str
    why : str
        It is not kept; empty where it is.
    group : str
    """

    sentence: str
    why: str = ""
    group: str = ""


def probed(url: str, key: str | None = None) -> Iterator[Outcome]:
    """What becomes of each check.

    Raises
    ------
    ConfigError
        The address or the key is none.
    RequestRefused
        Nobody answers there.
    """
    with Client(url, key) as client:
        client.ping()
    for check in checks(url, key):
        try:
            check()
        except Broken as broken:
            yield Outcome(check.sentence, str(broken), check.group)
        else:
            yield Outcome(check.sentence, group=check.group)


def told(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Lines for people.

    Examples
    --------
    >>> told([Outcome("/ping answers anybody"), Outcome("a", group="bad bodies"), Outcome("b", "200", "bad bodies")])
    ('  kept  /ping answers anybody', '  kept  bad bodies: 1 of 2', 'BROKEN  b: 200', '1 of 3 checks are not kept')
    """
    broken = [outcome for outcome in outcomes if outcome.why]
    lines = [f"  kept  {outcome.sentence}" for outcome in outcomes if not outcome.why and not outcome.group]
    for group in dict.fromkeys(outcome.group for outcome in outcomes if outcome.group):
        kept = [not outcome.why for outcome in outcomes if outcome.group == group]
        lines.append(f"  kept  {group}: {sum(kept)} of {len(kept)}")
    lines += [f"BROKEN  {outcome.sentence}: {outcome.why}" for outcome in broken]
    end = f"{len(broken)} of {len(outcomes)} checks are not kept" if broken else f"all {len(outcomes)} checks are kept"
    return (*lines, end)
