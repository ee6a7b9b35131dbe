"""All campaigns together against the hold-out, whom no campaign ever reaches: what marketing as a whole brings.

In: all waves that are due, of all campaigns. Out: a `Cohort` for each, of the customers who were scored for the first
time in it, and how many moved between the hold-out and the others since. Without a hold-out nobody is a control.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .cohorts import Cohort, ReadOut

_READ = ("customer_id", "arm", "expected_spend", "p_churn")
ARMS = ("hold-out", "everybody else")
MOVED = (
    "The hold-out was drawn anew between waves (another salt or share in [offers]): what all campaigns bring together "
    "is not concluded."
)


def first_seen(outs: Sequence[ReadOut]) -> tuple[list[Cohort], int]:
    """Customers by the first wave that scored them, and how many changed between hold-out and the others since."""
    found, moved = [], 0
    seen, held = pa.array([], pa.string()), pa.array([], pa.bool_())
    for out in outs:
        table = out.wave.table(list(_READ))
        ids = table.column("customer_id").combine_chunks()
        holdout = pc.equal(table.column("arm").combine_chunks(), "holdout")
        before = pc.index_in(ids, value_set=seen)
        new = before.is_null()
        moved += int(pc.sum(pc.not_equal(held.take(before), holdout)).as_py() or 0) if len(held) else 0
        seen, held = pa.concat_arrays([seen, ids.filter(new)]), pa.concat_arrays([held, holdout.filter(new)])
        found.append(_cohort(out, table.filter(new)))
    return found, moved


def _cohort(out: ReadOut, table: pa.Table) -> Cohort:
    ids = np.asarray(table.column("customer_id").to_pylist(), object).astype(str)
    order = np.argsort(ids, kind="stable")
    held = np.asarray(pc.equal(table.column("arm"), "holdout").to_numpy(), bool)[order]
    nothing = np.zeros(len(ids), "<U1")
    expected, silent = (np.asarray(table.column(name).to_numpy(), np.float64)[order] for name in _READ[2:])
    return Cohort(out, ids[order], ~held, nothing, nothing, ~held, expected, silent, 1 - out.shares["holdout"])
