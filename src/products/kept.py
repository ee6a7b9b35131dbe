"""The shelf that is kept: all that is needed to say what to suggest to anybody from that customer's own lines.

In: a `Shelf` and the rules that the backtest chose. Out: one file: a line with the digest of all that follows, then
plain arrays without pickle; the same bytes for the same data, and no customer in it. Read again it gives the same lists
to the bit, for a ledger or for one customer, on the day it is of or any later one. An item that it does not know is
passed over. A file that is not as it was written is an error.
"""

from __future__ import annotations

import hashlib
import io
import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..clock import Cutoff
from ..errors import StorageError
from .again import AgainRule, Pairs, buy_again
from .bought import Bought
from .crowd import Demand, Together
from .fresh import Shelf, needs
from .items import Items
from .ranked import Ranked

Arrays = dict[str, NDArray[Any]]
AGAIN, NEW = "buy again", "new for you"
LISTS = (AGAIN, NEW)
FILE = "products.shelf"
"""How it is called, beside a configuration and in a wave of offers."""
_FORMAT = 1
_FACTS = "facts"
_HEAD = b"regulars shelf "


@dataclass(frozen=True, eq=False)
class Kept:
    """What to suggest, and by which rules.

    Parameters
    ----------
    shelf : Shelf
        What sold before a day.
    again : AgainRule
    new : str
        One of the shelf's rules.
    window_days : int
        Within which something should be bought again.
    """

    shelf: Shelf
    again: AgainRule
    new: str
    window_days: int

    @property
    def day(self) -> Cutoff:
        """As of which it says what sells."""
        return self.shelf.demand.day

    @property
    def names(self) -> tuple[str, ...]:
        """Of the items."""
        return self.shelf.items.names

    # --- lists -----------------------------------------------------------------------------------------------------

    def pairs(self, block: Bought, day: Cutoff) -> Pairs:
        """Who bought what before a day, as far as it was known."""
        return Pairs.of(block.before(day), day)

    def buy_again(self, pairs: Pairs) -> Ranked:
        """What to buy again; who never bought an item has nothing on the list."""
        return buy_again(pairs, self.again, self.shelf.demand.order, self.window_days)

    def new_for_you(self, pairs: Pairs) -> Ranked:
        """What may be new; who never bought an item has nothing on this list, either."""
        found = self.shelf.best(pairs, self.new)
        strangers = np.bincount(pairs.customer, minlength=pairs.past.n_customers) == 0
        found.item[strangers] = -1
        return found

    def listed(
        self, blocks: Iterable[Bought], customer_ids: Sequence[str], day: Cutoff, widths: Mapping[str, int]
    ) -> dict[str, NDArray[np.int32]]:
        """The first few items of some lists, of customers who may not all be in the blocks.

        Parameters
        ----------
        customer_ids : sequence of str
            Ascending, each once.
        day : Cutoff
            On which one stands: what was bought or became known from then on does not count.
        widths : mapping of str to int
            How many items of each of `LISTS`.

        Returns
        -------
        dict of str to ndarray of int32, shape (n_customers, width)
            Places in `names`, best first; -1 behind the last, and for whoever is in no block.
        """
        made = {AGAIN: self.buy_again, NEW: self.new_for_you}
        found = {name: np.full((len(customer_ids), width), -1, np.int32) for name, width in widths.items()}
        for block in blocks:
            row, at = _places(customer_ids, block.customer_ids)
            pairs = self.pairs(block, day)
            for name, width in widths.items():
                found[name][row] = made[name](pairs).item[at, :width]
        return found

    # --- the file --------------------------------------------------------------------------------------------------

    @cached_property
    def _arrays(self) -> Arrays:
        items, demand = self.shelf.items, self.shelf.demand
        needed = needs(self.new)
        together = self.shelf.together if "together" in needed else None
        facts = {
            "format": _FORMAT,
            "as_of": str(self.day),
            "kind": items.kind,
            "names": items.names,
            "categories": items.categories,
            "excluded": sorted(items.excluded),
            "half_life_days": self.again.half_life_days,
            "due": self.again.due,
            "new": self.new,
            "window_days": self.window_days,
            "covered": demand.covered,
            "groups": None if together is None else together.groups,
        }
        told = json.dumps(facts, ensure_ascii=False).encode()
        arrays: Arrays = {
            _FACTS: np.frombuffer(told, np.uint8),
            "category": items.category,
            "buyers": demand.buyers,
            "buyers_before": demand.buyers_before,
            "popular": demand.popular,
        }
        if together is not None:
            arrays |= {"together": together.items, "both": together.both}
        if "factors" in needed and self.shelf.factors is not None:
            arrays["factors"] = self.shelf.factors
        return arrays

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all that it holds, however it was written."""
        found = hashlib.sha256()
        for name, values in sorted(self._arrays.items()):
            found.update(f"{name} {values.dtype.str} {values.shape}\n".encode())
            found.update(values.tobytes())
        return found.hexdigest()

    def content(self) -> bytes:
        """The file."""
        file = io.BytesIO()
        np.savez_compressed(file, allow_pickle=False, **self._arrays)
        return _sealed(file.getvalue())

    @classmethod
    def of_content(cls, content: bytes) -> Kept:
        """From `content`.

        Raises
        ------
        StorageError
            ``RG502``: it was not written by that, or is not as it was written.
        """
        try:
            # Nothing looks into it before it is known to be as it was written.
            arrays = content.partition(b"\n")[2]
            if content != _sealed(arrays):
                raise ValueError("it is not as it was written")
            with np.load(io.BytesIO(arrays), allow_pickle=False) as file:
                return _of_arrays({name: file[name] for name in file.files})
        except (KeyError, TypeError, ValueError) as error:
            raise StorageError(
                f"what was kept of the products to suggest cannot be read: {error}",
                needed=f"`{FILE}` as `regulars products` wrote it",
                do="make it anew: `regulars products`; in an assigned wave, put it back from a backup",
                code="RG502",
            ) from None


def _of_arrays(arrays: Arrays) -> Kept:
    facts = json.loads(arrays[_FACTS].tobytes())
    if facts["format"] != _FORMAT:
        raise ValueError("another version wrote it")
    names, categories = tuple(facts["names"]), tuple(facts["categories"])
    items = Items(facts["kind"], names, arrays["category"], categories, frozenset(facts["excluded"]))
    day = Cutoff.parse(facts["as_of"])
    demand = Demand(day, arrays["buyers"], arrays["buyers_before"], arrays["popular"], facts["covered"])
    together = None
    if facts["groups"] is not None:
        together = Together(arrays["together"], arrays["both"], facts["groups"])
    again = AgainRule(facts["half_life_days"], facts["due"])
    shelf = Shelf(items, demand, together, arrays.get("factors"))
    return Kept(shelf, again, facts["new"], facts["window_days"])


def _sealed(arrays: bytes) -> bytes:
    return _HEAD + hashlib.sha256(arrays).hexdigest().encode() + b"\n" + arrays


def _places(customer_ids: Sequence[str], block: pa.Array) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Those of some customers who are in a block: their places among them, and in the block; both ascend."""
    if not len(block):
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    low, high = bisect_left(customer_ids, block[0].as_py()), bisect_right(customer_ids, block[-1].as_py())
    mine = pa.array(customer_ids[low:high], pa.string())
    at = pc.index_in(mine, value_set=block).fill_null(-1).to_numpy().astype(np.intp)
    there = np.flatnonzero(at >= 0)
    return low + there, at[there]
