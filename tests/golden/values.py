"""What a panel holds, in a form small enough to keep: per feature its count, sum, least and largest value.

In: a ledger and cutoffs. Out: a JSON-safe summary, of float64 values as the families yield them, and the rows of three
customers. Run as `python -m tests.golden.values` it writes the files beside it anew; do that in a commit of its own,
which says why the numbers changed.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.engines import histories, reference_of
from regulars.features.family import Plan, plan_for
from regulars.features.past import Past
from regulars.intake import Ledger, build_ledger
from regulars.pipelines.demo_data import purchases_of
from regulars.pipelines.prepare import shape_of

FOLDER = Path(__file__).parent
CUTOFFS = {"cdnow": ("1997-10-01", "1998-04-02"), "completejourney": ("2017-07-01", "2017-10-02")}
EXACT = ("days", "orders", "lines", "0 or 1", "categories", "products", "offers")
"""Units of counts and days, which are whole numbers; with sums of money they must be equal to the last bit."""

Summary = dict[str, dict[str, dict[str, float | int | None]]]


def ledger_of(name: str, folder: Path) -> tuple[Ledger, Config]:
    """A demo data set's ledger, all its tables with it."""
    config = Config.load(purchases_of(name, folder, beside=True))
    return build_ledger(config), config


def summary(ledger: Ledger, config: Config, cutoffs: Sequence[str]) -> Summary:
    """By cutoff and feature: rows, values that are not missing, their exact sum, least and largest; three rows."""
    days = [Cutoff.parse(c) for c in cutoffs]
    plan = plan_for(shape_of(ledger, config))
    columns = _columns(ledger, plan, days)
    cutoff, who = columns.pop("cutoff"), columns.pop("customer")
    out: Summary = {}
    for day in days:
        rows = np.flatnonzero(cutoff == day.day)
        shown = rows[[0, len(rows) // 2, -1]]
        out[str(day)] = {name: _figures(values[rows]) for name, values in columns.items()}
        for row in shown.tolist():
            out[str(day)][f"customer {who[row]}"] = {n: _plain(v[row]) for n, v in columns.items()}
    return out


def _columns(ledger: Ledger, plan: Plan, days: Sequence[Cutoff]) -> dict[str, np.ndarray]:
    reference, parts = reference_of(ledger, days, plan), list[dict[str, np.ndarray]]()
    for history in histories(ledger, plan):
        past = Past(history, days, plan.offsets, plan.shape)
        yielded = (f for family in plan.families for f in family.function(past, reference))
        part: dict[str, np.ndarray] = {f.name: np.asarray(f.values, np.float64) for f in yielded}
        parts.append({"cutoff": past.cutoff_day, "customer": past.customer_id, **part})
    return {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}


def _figures(values: np.ndarray) -> dict[str, float | int | None]:
    known = values[~np.isnan(values)]
    if not len(known):
        return {"rows": len(values), "known": 0, "sum": None, "least": None, "largest": None}
    # fsum is exact, so that the order of rows does not matter.
    return {
        "rows": len(values),
        "known": len(known),
        "sum": math.fsum(known.tolist()),
        "least": float(known.min()),
        "largest": float(known.max()),
    }


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def main() -> None:
    """Write the golden files anew."""
    for name, cutoffs in CUTOFFS.items():
        with tempfile.TemporaryDirectory() as folder:
            found = summary(*ledger_of(name, Path(folder)), cutoffs)
        (FOLDER / f"{name}.json").write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
