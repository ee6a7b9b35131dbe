"""The products of a wave: of each customer who may be given an offer that suggests some, from his lines before the day.

In: a ledger, a configuration, a catalogue, whom a wave is about and what may be given to whom; the shelf of products
that `regulars products` kept. Out: the items, what may be given now that they are known, and sentences. No shelf, one
of a later day, or purchases that name no products: such offers go to nobody, and a sentence says what to do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...clock import Cutoff
from ...config import Config
from ...errors import StorageError
from ...intake import Ledger
from ...offers.audience import Audience
from ...offers.catalogue import Catalogue
from ...offers.item_lists import Carried, ItemLists
from ...offers.permitted import Permitted
from ...products.bought import bought
from ...products.items import COLUMN, kind_of
from ...products.kept import FILE, Kept

OLD_DAYS = 92
"""From then on it is said that what sells may have changed."""


@dataclass(frozen=True, eq=False)
class Suggested:
    """What is suggested to whom.

    Parameters
    ----------
    permitted : Permitted
        Without offers of products for those who have too few of them.
    items : ItemLists or None
        None where no offer carries any.
    notes : tuple of str
    """

    permitted: Permitted
    items: ItemLists | None
    notes: tuple[str, ...] = ()


def suggested(
    ledger: Ledger, config: Config, catalogue: Catalogue, audience: Audience, permitted: Permitted
) -> Suggested:
    """The products of everybody who may be given an offer that carries some.

    Raises
    ------
    StorageError
        ``RG502``: what `regulars products` kept cannot be read, or is not as it was written.
    """
    carried = Carried.of(catalogue, kind_of(ledger) is not None)
    if not carried.lists:
        return Suggested(permitted, None)
    content = shelf_of(config)
    kept = None if content is None else Kept.of_content(content)
    trouble = _trouble(ledger, kept, audience.as_of)
    if kept is None or content is None or trouble:
        nothing = ItemLists(carried, (), {}, audience.n)
        note = f"nobody gets {', '.join(carried.lists)}: {trouble}"
        return Suggested(permitted.without_items(catalogue, nothing.few(catalogue)), nothing, (note,))
    carried = replace(carried, shelf=kept.digest, as_of=str(kept.day))
    wanted = np.flatnonzero(carried.wanted(catalogue, permitted.mask)).tolist()
    ids = [audience.customer_ids[row] for row in wanted]
    blocks = bought(ledger, kept.shelf.items, customers=ids) if ids else ()
    places = {}
    for name, found in kept.listed(blocks, ids, audience.as_of, carried.widths(catalogue)).items():
        places[name] = np.full((audience.n, found.shape[1]), -1, np.int32)
        places[name][wanted] = found
    items = ItemLists(carried, kept.names, places, audience.n, content)
    return Suggested(permitted.without_items(catalogue, items.few(catalogue)), items, _age(kept.day, audience.as_of))


def shelf_of(config: Config) -> bytes | None:
    """What `regulars products` kept beside a configuration; None where there is nothing."""
    try:
        return (config.folder / FILE).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(
            f"`{FILE}` cannot be read: {error.strerror or error}", do="check its permissions", code="RG502"
        ) from None


def _trouble(ledger: Ledger, kept: Kept | None, day: Cutoff) -> str:
    """Why nothing can be suggested; empty where something can."""
    if kind_of(ledger) is None:
        return "the purchases name neither products nor categories; map `product_id` or `category` in [data.purchases]"
    if kept is None:
        return "nothing is kept of what to suggest; run `regulars products` first"
    if kept.day > day:
        return (
            f"what was kept of the products is of {kept.day}, and has seen what came after {day}; run "
            f"`regulars products --as-of {day}`"
        )
    column = COLUMN[kept.shelf.items.kind]
    if column not in ledger.columns:
        return f"what was kept is by `{column}`, which the purchases name no more; run `regulars products` again"
    return ""


def _age(made: Cutoff, day: Cutoff) -> tuple[str, ...]:
    days = day.day - made.day
    if days <= OLD_DAYS:
        return ()
    return (f"products are suggested by what sold before {made}, {days} days ago; run `regulars products` again",)
