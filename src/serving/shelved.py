"""The products of a request's customers, from the purchases that were told: what a wave of the same lines suggests.

In: the shelf of the newest wave, purchases that name items, who may be given an offer that carries some. Out: their
items, to the bit as in a plan, and why there are none. Nothing is kept of a customer between requests. A purchase
without an order's id belongs to the order of its day, as everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..clock import Zone, dates
from ..errors import ConfigError
from ..models.rows import AT_ONCE
from ..offers.audience import Audience
from ..offers.catalogue import Catalogue
from ..offers.item_lists import Carried, ItemLists
from ..offers.permitted import NO_ITEMS, Permitted
from ..products.bought import of_lines
from ..products.items import COLUMN
from ..products.kept import Kept
from ..schema import INSTANT
from .asides import ORDER, Told

if TYPE_CHECKING:
    from ..offers.policy import Policy

NOT_ASSIGNED = "the wave was assigned without a shelf of products"


@dataclass(frozen=True)
class Shelf:
    """What a stage knows of products.

    Parameters
    ----------
    carried : Carried
        Which offers carry items.
    kept : Kept or None
        None where the wave had none.
    """

    carried: Carried
    kept: Kept | None

    @classmethod
    def of(cls, policy: Policy, kept: Kept | None) -> Shelf:
        """That of a policy.

        Raises
        ------
        ConfigError
            ``RG503``: it is not the one that the wave was decided with.
        """
        if policy.items.shelf != ("" if kept is None else kept.digest):
            raise ConfigError(
                "the shelf of products on stage is not the one that the newest wave was decided with",
                do="start the server again; if it stays so, assign a wave anew",
                code="RG503",
            )
        if kept is not None:
            # Not while the first caller waits.
            kept.shelf.ready(kept.new)
        return cls(policy.items, kept)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the purchases that it looks at, the one that names the item first; none without one."""
        if self.kept is None:
            return ()
        items = self.kept.shelf.items
        others = [column for column in COLUMN.values() if items.excluded and column != items.column]
        return (items.column, *others)

    def on(
        self, catalogue: Catalogue, audience: Audience, permitted: Permitted, bought: Told, names: list[str], zone: Zone
    ) -> Shelved | None:
        """The items of an audience; None where no offer carries any.

        Parameters
        ----------
        bought : Told
            Purchases that name items.
        names : list of str
            Of all customers of the request, as the ledger has them.
        """
        if not self.carried.lists:
            return None
        n, ids = audience.n, audience.customer_ids
        told = {names[at] for at in np.unique(bought.customer).tolist()}
        named = np.fromiter((who in told for who in ids), bool, n)
        if self.kept is None:
            return Shelved(ItemLists(self.carried, (), {}, n), NOT_ASSIGNED, named)
        wanted = self.carried.wanted(catalogue, permitted.mask)
        mine = {who for who, one in zip(ids, wanted.tolist(), strict=True) if one}
        rows = [i for i, at in enumerate(bought.customer.tolist()) if names[at] in mine]
        blocks = [of_lines(_lines(bought.take(rows), names, zone), self.kept.shelf.items, zone)] if rows else []
        places = self.kept.listed(blocks, ids, audience.as_of, self.carried.widths(catalogue))
        lacking = f"no purchase that was told names `{self.columns[0]}`"
        return Shelved(ItemLists(self.carried, self.kept.names, places, n), lacking, named)

    def example(self, rows: list[dict[str, object]]) -> None:
        """Let the purchases of an example name what sells most."""
        if self.kept is not None:
            popular = self.kept.shelf.demand.by_popularity.tolist()
            for row, item in zip(rows, popular, strict=False):
                row[self.columns[0]] = self.kept.names[item]


@dataclass(frozen=True)
class Shelved:
    """The items of an audience.

    Parameters
    ----------
    items : ItemLists
    lacking : str
        What keeps customers from items who are not `named`.
    named : ndarray of bool, shape (n_customers,)
        Whose purchases name items.
    """

    items: ItemLists
    lacking: str
    named: NDArray[np.bool_]

    def why(self, row: int, why: str) -> str:
        """Why a customer gets nothing, with what the caller can do about it where it is for want of items."""
        missing = self.items.carried.shelf == "" or not self.named[row]
        return f"{why}: {self.lacking}" if why == NO_ITEMS and missing else why


def _lines(bought: Told, names: list[str], zone: Zone) -> pa.Table:
    """Purchases as lines of a ledger; each costs something."""
    days = dates(zone.local_day(bought.at)).tolist()
    texts = {name: [text or None for text in of] for name, of in bought.texts.items() if name != ORDER}
    known = bought.known_at
    return pa.table(
        {
            "customer_id": pa.array([names[at] for at in bought.customer.tolist()], pa.string()),
            "purchased_at": pa.array(bought.at).cast(INSTANT),
            "known_at": pa.array(np.where(known == AT_ONCE, 0, known), mask=known == AT_ONCE).cast(INSTANT),
            "order_id": pa.array([o or d for o, d in zip(bought.texts[ORDER], days, strict=True)], pa.string()),
            "amount": pa.array(np.ones(len(bought), np.int64)),
            **{name: pa.array(of, pa.string()) for name, of in texts.items()},
        }
    )
