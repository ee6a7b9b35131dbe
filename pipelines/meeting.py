"""The weekly meeting: every part of the work as of one day, on one page that names nobody.

In: a ledger, its configuration, perhaps a day to compare with. Out: `Meeting`: the figures of all parts, and the page.
What the data do not allow switches a part off with a sentence; an error is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..clock import Cutoff
from ..config import Config
from ..intake import Ledger
from ..progress import Progress
from ..reports.meeting_page import headlines, render_meeting
from .days import usual_day, usual_run
from .files import replaced
from .kpis import kpis
from .loyalty import loyalty
from .pages import pages_beside
from .products import Asked, suggest
from .published import Book
from .relations import relations
from .score import scores_folder
from .segments import segments
from .timing import timing
from .whatif import whatif
from .written import remember

_DAYS = 28
"""With the scores of so many days ago, or the ones before, the segments are compared."""


@dataclass(frozen=True)
class Meeting:
    """What a meeting looks at.

    Parameters
    ----------
    as_of : str
        ISO date.
    parts : mapping of str to mapping
        The figures of every part; nobody is named.
    """

    as_of: str
    parts: Mapping[str, Mapping[str, object]]

    @property
    def lines(self) -> list[str]:
        """For a screen: every question with its answer in a sentence."""
        return [f"{question} {answer}" for question, answer in headlines(self.parts)]

    def figures(self) -> dict[str, object]:
        """As JSON takes it."""
        return {"as_of": self.as_of, "parts": {name: dict(part) for name, part in self.parts.items()}}


def meeting(
    ledger: Ledger, config: Config, since: Cutoff | None = None, progress: Progress | None = None
) -> Meeting:  # fmt: skip
    """Every part as of the day of the newest scores, or of the end of the data.

    Parameters
    ----------
    since : Cutoff, optional
        The day to compare segments with; default: that of the scores of four weeks before, where there are any.
    """
    book = Book(scores_folder(config))
    run, day = usual_run(ledger, book), usual_day(ledger, book)
    if since is None and run is not None:
        earlier = book.before(day.minus(_DAYS - 1)) or book.before(day)
        since = None if earlier is None else earlier.as_of
    judged = Asked(backtest_only=True)
    flows: dict[str, Callable[[], Mapping[str, object]]] = {
        "kpis": lambda: kpis(ledger, config).figures(),
        "segments": lambda: segments(ledger, config, None, day, since).figures(),
        "products": lambda: suggest(ledger, config, day, judged).figures(),
        "timing": lambda: timing(ledger, config, day).figures(),
        "loyalty": lambda: loyalty(ledger, config, day).figures(),
        "relations": lambda: relations(ledger, config, day).figures(),
        "whatif": lambda: whatif(ledger, config, day).figures(),
    }
    told: dict[str, Mapping[str, object]] = {}
    for place, (name, flow) in enumerate(flows.items()):
        if progress:
            progress(name, place / len(flows))
        told[name] = flow()
    return Meeting(str(day), told)


def write_meeting(found: Meeting, file: Path, folder: Path, coming: Collection[str] = ()) -> None:
    """The page, whole or not at all.

    Parameters
    ----------
    folder : Path
        The configuration's.
    coming : collection of str
        Names of pages beside it that are still to be written.
    """
    html = render_meeting(found.parts, found.as_of, pages_beside(file, folder, coming))
    remember(folder, "report", file)
    replaced(file, lambda waiting: waiting.write_text(html, encoding="utf-8"))
