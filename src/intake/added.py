"""A ledger to which new files are added, and whether they can be.

In: the evidence of a ledger and of the new files, each settled by itself. Out: a `Base` whose facts and theirs add up;
or `NotAdded`, with the reason, whenever one intake of everything might read a line in another way than the two did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ..clock import Cutoff
from ..config import Config
from .casts import INSTANT
from .evidence import Evidence
from .hashes import Words
from .shards import COUNTS
from .staging import Connection


class NotAdded(Exception):
    """New files cannot be added to a ledger exactly; everything is read again. The text says why."""


@dataclass(frozen=True)
class Base:
    """What a ledger tells without its lines.

    Parameters
    ----------
    evidence : Evidence
    files : tuple of str
        The names of all files that are read today, the ledger's and the new ones, in their order.
    customers : pyarrow.Table
        The schema is `shards.COUNTS`.
    quarantine : pyarrow.Table
    orders : sequence of ndarray of uint64
        The orders of the ledger's files, each ascending.
    """

    evidence: Evidence
    files: tuple[str, ...]
    customers: pa.Table
    quarantine: pa.Table
    orders: Sequence[Words]

    def new_orders(self, words: Words) -> Words:
        """Those of the orders that the ledger does not have."""
        new = np.ones(len(words), bool)
        for known in self.orders:
            at = np.minimum(np.searchsorted(known, words), max(len(known) - 1, 0))
            if len(known):
                new &= known[at] != words
        return words[new]

    def customers_with(self, con: Connection, counts: pa.Table) -> pa.Table:
        """The customers of both, in order, with their numbers of lines."""
        if not counts.num_rows:
            return self.customers
        con.register("counts", pa.concat_tables([self.customers, counts]))
        query = "SELECT customer_id, CAST(sum(lines) AS BIGINT) AS lines FROM counts GROUP BY ALL ORDER BY customer_id"
        found = con.sql(query).to_arrow_table().cast(COUNTS)
        con.unregister("counts")
        return found

    def quarantine_with(self, bad: pa.Table) -> pa.Table:
        """The lines set aside of both, in the order of the files."""
        if not bad.num_rows or not self.quarantine.num_rows:
            return bad if bad.num_rows else self.quarantine
        both = pa.concat_tables([self.quarantine, bad])
        place = {name: i for i, name in enumerate(self.files)}
        order = np.argsort([place[name] for name in both.column("file").to_pylist()], kind="stable")
        return both.take(pa.array(order)).combine_chunks()


def check_fits(base: Evidence, new: Evidence, config: Config, read_us: int) -> None:
    """Raise `NotAdded` unless one intake of everything would read all lines as the two intakes did."""
    purchases = config.data.purchases
    if purchases.transaction_id is not None:
        raise NotAdded("a line of the new files may be one of the ledger, or correct it: `transaction_id` is mapped")
    if not config.data.currency and len({*base.currencies, *new.currencies}) > 1:
        raise NotAdded("the new files are in another currency")
    if purchases.duplicates != "keep" and not purchases.canonical:
        _check_later(base, new)
    if base.future_us is not None and base.future_us <= read_us:
        raise NotAdded("lines that lay in the future when they were read do so no longer")
    for role, signs in base.signs.items():
        if signs.plus(new.signs[role]).decimal(purchases.decimal) != base.decimals[role]:
            raise NotAdded(f"the new files tell another decimal sign of `{role}`")
    for role, known in base.formats.items():
        found = new.formats[role]
        if known.name and found.name and (known.name, known.order) != (found.name, found.order):
            raise NotAdded(f"the new files write `{role}` in another format")
        told = {*base.bases[role], *new.bases[role]}
        if INSTANT in told and len(told) > 1 and purchases.naive_timezone is None:
            raise NotAdded(f"times of `{role}` with and without a zone come together")
    negative, positive = (a + b for a, b in zip(base.discounts, new.discounts, strict=True))
    bad, read = (base.lines[name] + new.lines[name] for name in ("quarantined", "read"))
    if negative > positive or bad > purchases.max_bad_share * read:
        raise NotAdded("with the new files, too many lines or discounts cannot be read")


def _check_later(base: Evidence, new: Evidence) -> None:
    """Lines of one day may be copies of each other wherever they stand, and blocks of copies may end at any instant."""
    if base.readable is None or new.readable is None:
        return
    if new.readable[0] <= base.readable[1]:
        raise NotAdded(
            f"the new files begin on {Cutoff(new.readable[0])}, and lines up to {Cutoff(base.readable[1])} "
            "are in the ledger: some may stand in both"
        )
    if base.doubled[1] and new.doubled[0]:
        raise NotAdded("lines stand twice at the end of the ledger and at the beginning of the new files")


def is_later(base: Evidence, new: Evidence) -> bool:
    """Whether all new lines were made on later days than all of the base."""
    return base.readable is None or new.readable is None or new.readable[0] > base.readable[1]
