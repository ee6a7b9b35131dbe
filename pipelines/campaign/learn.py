"""Learn: what was measured takes the place of what was assumed, and the next plan counts with it.

In: a ledger, a configuration, the decisions log. Out: ``decisions/responses.json``, replaced whole, without anyone's
id; `responses_in_force` reads it for a plan. Only waves whose read-out day has come are learnt from, and none whose
arms are not as they were drawn. An option that was never learnt, or whose terms have changed since, is as the
catalogue has it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...clock import Cutoff
from ...config import Config
from ...disk.lock import job
from ...disk.publish import replaced
from ...errors import DataError, NotEnoughData
from ...intake import Ledger
from ...offers.catalogue import Catalogue
from ...offers.economics import Economics
from ...offers.learn import Learnt, learnt
from ...offers.responses import Responses
from ...progress import Progress
from ..files import strict_json
from .book import FOLDER, Decisions
from .cohorts import ReadOut, cohorts, read_outs
from .lessons import lessons_of, terms_of
from .wave import RESPONSES

FORMAT = 1


@dataclass(frozen=True)
class Learned:
    """What was learnt, and what to keep in mind.

    Parameters
    ----------
    found : Learnt
    learnt_on : Cutoff
    notes : tuple of str
    """

    found: Learnt
    learnt_on: Cutoff
    notes: tuple[str, ...]

    @property
    def lines(self) -> list[str]:
        """For people."""
        return [*self.found.words, f"the next plan counts with it: {FOLDER}/{RESPONSES}"]

    def figures(self) -> dict[str, Any]:
        """As JSON takes it; no ids."""
        return {"learnt_on": str(self.learnt_on), **self.found.figures(), "warnings": list(self.notes)}


def learn(
    ledger: Ledger,
    config: Config,
    today: Cutoff | None = None,
    progress: Progress = lambda what, share: None,
) -> Learned:
    """Learn from all waves that are due, and keep it for the next plan.

    Parameters
    ----------
    today : Cutoff, optional
        As if it were this day; by default the day after the ledger's last.

    Raises
    ------
    NotEnoughData
        ``RG452``: no wave can be learnt from yet.
    """
    catalogue, on = Catalogue.of_config(config), min(today or ledger.ends, ledger.ends)
    with job(config.folder / ".regulars", "offers", "learning"):
        progress("reading decisions", 0.0)
        outs, notes = _due(config, on)
        progress("reading purchases", 0.1)
        gathered = lessons_of(ledger, config, catalogue, outs)
        progress("learning", 0.6)
        found = learnt(catalogue, gathered.lessons, Economics.of(config.economics), config.seed)
        _keep(config, catalogue, found, on)
    return Learned(found, on, (*notes, *gathered.notes))


def responses_in_force(config: Config, catalogue: Catalogue) -> Responses:
    """What is believed of every option today: what was learnt of it, else what the catalogue assumes.

    Raises
    ------
    DataError
        ``RG453``: the file of what was learnt cannot be read.
    """
    assumed = Responses.assumed(catalogue)
    path = _path(config)
    if not path.is_file():
        return assumed
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["format"] != FORMAT:
            raise ValueError(f"format {kept['format']}")
        then, terms = Responses.of_dict(kept["responses"]), kept["terms"]
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{FOLDER}/{RESPONSES} cannot be read: {error}",
            do="learn anew with `regulars offers learn`, or remove the file to go back to what is assumed",
            code="RG453",
        ) from None
    now = {option.name: terms_of(option) for option in catalogue.options}
    same = {name: then.by_option[name] for name in now if terms.get(name) == now[name] and name in then.by_option}
    # A model of every option speaks of the very options it was learnt for, in their order.
    personal = then.personal if list(terms.items()) == list(now.items()) else None
    return replace(assumed, by_option={**assumed.by_option, **same}, personal=personal)


def _path(config: Config) -> Path:
    return config.folder / FOLDER / RESPONSES


def _due(config: Config, on: Cutoff) -> tuple[list[ReadOut], list[str]]:
    """Waves that may be looked at on a day and were drawn as they should have been."""
    book = Decisions.of(config)
    campaigns = list(dict.fromkeys(wave.campaign for wave in book.waves()))
    outs = [read_outs(book.of_campaign(name), config) for name in campaigns]
    due = [out for some in outs for out in some if out.due(on)]
    if not due:
        waiting = min((out.day for some in outs for out in some), default=None)
        raise NotEnoughData(
            "no wave can be learnt from yet"
            if campaigns
            else "nothing was ever assigned, so there is nothing to learn",
            needed="a wave whose result is due",
            do=f"learn on {waiting} or later" if waiting else "assign a wave: `regulars offers assign CONFIG`",
            code="RG452",
        )
    notes = []
    for some in outs:
        for drawn in cohorts([out for out in some if out.due(on)])[1]:
            if not drawn.ok:
                due.remove(drawn.out)
                told = f"the wave of {drawn.out.begins} of {drawn.out.wave.campaign} is left out"
                notes.append(f"{told}: its arms are not as they were drawn")
    return due, notes


def _keep(config: Config, catalogue: Catalogue, found: Learnt, on: Cutoff) -> None:
    content: dict[str, object] = {
        "format": FORMAT,
        "learnt_on": str(on),
        "waves": list(found.waves),
        "terms": {option.name: terms_of(option) for option in catalogue.options},
        "responses": found.responses.to_dict(),
        "digest": found.responses.digest,
    }
    text = strict_json(content)
    replaced(_path(config), lambda waiting: waiting.write_text(text, encoding="utf-8"))
