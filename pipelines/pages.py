"""The pages for people that lie beside a configuration, and which of them a page can point at.

In: a page and what else is known to come. Out: what each other page tells, and its file's name. A page that is written
elsewhere points at nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

REPORT, MEETING, PLAN, MEASURED = "report.html", "meeting.html", "offers-plan.html", "offers-measured.html"
"""Where pages lie beside a configuration, unless another place is named."""
TOLD = {
    REPORT: "Who is about to leave, and what each customer is worth",
    MEETING: "The weekly meeting: how it goes, who is where, what to do next",
    PLAN: "Who gets which offer, and why others get none",
    MEASURED: "What offers brought",
}


def pages_beside(page: Path, folder: Path, coming: Collection[str] = ()) -> list[tuple[str, str]]:
    """What other pages beside a configuration tell, and the names of their files.

    Parameters
    ----------
    page : Path
        The page that points at them.
    folder : Path
        The configuration's.
    coming : collection of str
        Names of pages that will be there when all is done.
    """
    if page.resolve().parent != folder.resolve():
        return []
    return [(said, name) for name, said in TOLD.items()
            if name != page.name and (name in coming or (folder / name).is_file())]  # fmt: skip
