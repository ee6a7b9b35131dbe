"""In which segments the customers of some dealings are: by value and risk, and by stage.

In: a ledger, a day, its scores if there are any, ids. Out: `Stages`: each customer's place in each scheme. Whom
segments do not know has not bought, and is a prospect. Without scores there is no scheme by value and risk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..clock import Cutoff
from ..config import Config
from ..intake import Ledger
from ..relations.dealings import Int64
from ..segments.lifecycle import lifecycle
from ..segments.scheme import Assigned, Off
from ..segments.value_churn import value_churn
from .published import Run
from .segment_facts import facts_of


@dataclass(frozen=True, eq=False)
class Stages:
    """Schemes of segments.

    Parameters
    ----------
    schemes : tuple of (str, tuple of str, ndarray of int64)
        Name, names of the segments, and each customer's place among them.
    stage : ndarray of object, shape (n_customers,)
        Of the life cycle.
    off : mapping of str to str
    """

    schemes: tuple[tuple[str, tuple[str, ...], Int64], ...]
    stage: NDArray[np.object_]
    off: Mapping[str, str]


def stages_of(ledger: Ledger, config: Config, day: Cutoff, run: Run | None, ids: NDArray[np.object_]) -> Stages:
    """The segments of some customers on a day.

    Parameters
    ----------
    run : Run or None
        The scores of that day.
    ids : ndarray of object, shape (n_customers,)
        Ascending, each once; everybody whom the segments know is among them.
    """
    facts = facts_of(ledger, config, day, run).facts
    at = np.searchsorted(ids.astype(str), facts.ids)

    def placed(found: Assigned) -> tuple[str, tuple[str, ...], Int64]:
        place = np.full(len(ids), found.names.index("prospect"), np.int64)
        place[at] = found.place
        return found.scheme, found.names, place

    by_value, by_stage = value_churn(facts), placed(lifecycle(facts))
    stage = np.array(by_stage[1], object)[by_stage[2]]
    if isinstance(by_value, Off):
        return Stages((by_stage,), stage, {by_value.scheme: by_value.why})
    return Stages((placed(by_value), by_stage), stage, {})
