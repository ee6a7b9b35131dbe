"""Which products go with an offer that suggests some: the same for a wave of millions and for one customer at a time.

In: a catalogue, lists of items that somebody else has made for the customers of an audience. Out: who has too few of
them for which offer, and the items of what each gets. Offers of other types, and those that suggest products as they
are written because the data name none, carry no items; without a shelf of products an offer that should goes to nobody.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .catalogue import Catalogue
from .offer import BUY_AGAIN, Offer

if TYPE_CHECKING:
    import pyarrow as pa

Mask = NDArray[np.bool_]
Places = NDArray[np.int32]
ITEMS = "items"
"""The column of decisions."""
TOLD = 10
"""So many of the items that are suggested most are told of a plan."""


@dataclass(frozen=True)
class Carried:
    """Which offers carry items, from which shelf of products.

    Parameters
    ----------
    lists : mapping of str to str
        By the id of an offer: the list that its items come from.
    shelf : str
        The digest of the shelf; empty where there is none, and nobody is suggested anything.
    as_of : str
        The day of the shelf (YYYY-MM-DD); empty where there is none.

    Examples
    --------
    >>> Carried({"news": "buy again"}).shelf
    ''
    """

    lists: Mapping[str, str] = field(default_factory=dict)
    shelf: str = ""
    as_of: str = ""

    @classmethod
    def of(cls, catalogue: Catalogue, named: bool) -> Carried:
        """Before there is a shelf; `named` is whether the purchases name products or categories."""
        suggesting = [offer for offer in catalogue.offers if offer.suggests and (named or offer.suggest)]
        return cls({offer.id: offer.suggest or BUY_AGAIN for offer in suggesting})

    def widths(self, catalogue: Catalogue) -> dict[str, int]:
        """How many items are needed of each list."""
        found: dict[str, int] = {}
        for offer in catalogue.offers:
            name = self.lists.get(offer.id)
            if name is not None:
                found[name] = max(found.get(name, 0), offer.items)
        return dict(sorted(found.items()))

    def wanted(self, catalogue: Catalogue, permitted: Mask) -> Mask:
        """For whom items are looked for: who may be given an offer that carries some; shape (n_customers,)."""
        mine = [option.index for option in catalogue.options if option.offer.id in self.lists]
        return np.asarray(permitted[:, mine].any(axis=1), bool)

    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {"lists": dict(self.lists), "shelf": self.shelf, "as_of": self.as_of}

    @classmethod
    def of_dict(cls, found: Mapping[str, Any] | None) -> Carried:
        """From `to_dict`; None is that of a policy without such offers."""
        if found is None:
            return cls()
        lists = {str(offer): str(name) for offer, name in found["lists"].items()}
        return cls(lists, str(found["shelf"]), str(found["as_of"]))


@dataclass(frozen=True, eq=False)
class ItemLists:
    """The items for the customers of an audience.

    Parameters
    ----------
    carried : Carried
    names : tuple of str
        Of all items of the shelf.
    places : mapping of str to ndarray of int32, shape (n_customers, width)
        By list: places in `names`, best first; -1 behind the last, and for whom no item was looked for.
    n : int
        How many customers.
    shelf : bytes
        The file that it comes from; empty where it need not be kept.
    """

    carried: Carried
    names: tuple[str, ...]
    places: Mapping[str, Places]
    n: int
    shelf: bytes = field(default=b"", repr=False)

    def of(self, offer: Offer) -> Places | None:
        """The items of an offer, shape (n_customers, items); None of one that carries none."""
        name = self.carried.lists.get(offer.id)
        if name is None:
            return None
        if name not in self.places:
            return np.full((self.n, offer.items), -1, np.int32)
        return self.places[name][:, : offer.items]

    def few(self, catalogue: Catalogue) -> dict[str, Mask]:
        """By the id of each offer that carries items: for whom there are fewer than its `least_items`."""
        found = {offer.id: (offer, self.of(offer)) for offer in catalogue.offers}
        return {
            name: (places >= 0).sum(axis=1) < offer.least_items
            for name, (offer, places) in found.items()
            if places is not None
        }

    def told(self, offer: Offer, row: int) -> list[str]:
        """The names of the items of one customer, best first; none of an offer that carries none."""
        places = self.of(offer)
        return [] if places is None else [self.names[at] for at in places[row].tolist() if at >= 0]

    def texts(self, catalogue: Catalogue, choice: NDArray[np.integer]) -> NDArray[np.object_]:
        """The items of one option for each customer, as `text_of` writes them; empty where it carries none."""
        found = np.full(self.n, "", object)
        for option in catalogue.options:
            places = self.of(option.offer)
            rows = np.flatnonzero(choice == option.index)
            if places is None or not len(rows):
                continue
            # Many customers share their items: each different list is written once.
            different, code = np.unique(places[rows], axis=0, return_inverse=True)
            texts = [text_of([self.names[at] for at in one if at >= 0]) for one in different.tolist()]
            found[rows] = np.array(texts, object)[code.reshape(-1)]
        return found

    def most(self, catalogue: Catalogue, choice: NDArray[np.integer]) -> list[dict[str, Any]]:
        """The items that one option for each customer suggests most, with how many customers."""
        counts = np.zeros(len(self.names), np.int64)
        for option in catalogue.options:
            places = self.of(option.offer)
            if places is not None:
                chosen = places[choice == option.index]
                counts += np.bincount(chosen[chosen >= 0], minlength=len(self.names))
        order = np.argsort(-counts, kind="stable")[:TOLD].tolist()
        return [{"item": self.names[at], "customers": int(counts[at])} for at in order if counts[at]]


def item_cells(given: pa.Table, catalogue: Catalogue, carried: Carried, channel: str) -> dict[str, dict[str, str]]:
    """The columns `item_1`, `item_2`, ... of a list for a channel, their cells by customer.

    Parameters
    ----------
    given : pyarrow.Table
        Decisions with `customer_id` and, where offers carry items, `items`.

    Returns
    -------
    dict of str to dict of str to str
        As many columns as an offer of the channel may carry items; none where no offer carries any.
    """
    mine = [o.items for o in catalogue.offers if o.id in carried.lists and channel in o.channels]
    columns: dict[str, dict[str, str]] = {f"item_{i + 1}": {} for i in range(max(mine, default=0))}
    if not columns:
        return {}
    for customer, text in zip(given.column("customer_id").to_pylist(), given.column(ITEMS).to_pylist(), strict=True):
        for column, item in zip(columns.values(), items_of(text), strict=False):
            column[customer] = item
    return columns


def text_of(items: Sequence[str]) -> str:
    """Names of items as one text that gives them back, whatever stands in them; none are an empty text.

    Examples
    --------
    >>> text_of(["tea", 'a "b"']), text_of([])
    ('["tea","a \\\\"b\\\\""]', '')
    """
    return json.dumps(list(items), ensure_ascii=False, separators=(",", ":")) if items else ""


def items_of(text: str | None) -> list[str]:
    """The names of which `text_of` made a text.

    Examples
    --------
    >>> items_of('["tea","jam"]'), items_of("")
    (['tea', 'jam'], [])
    """
    return [str(name) for name in json.loads(text)] if text else []
