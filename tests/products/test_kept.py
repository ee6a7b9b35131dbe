"""The shelf that is kept: read again it says the same of everybody, alone or among others, today or later."""

from __future__ import annotations

import json

import numpy as np
import pytest

from regulars.clock import Cutoff
from regulars.errors import StorageError
from regulars.intake import Ledger
from regulars.products.again import AgainRule
from regulars.products.bought import bought
from regulars.products.crowd import shared_by_customers
from regulars.products.fresh import Shelf
from regulars.products.kept import LISTS, Kept

from ..simulated import purchases, shop
from .test_products import DAY, ledger_of, of_day

WIDTHS = dict.fromkeys(LISTS, 4)


def kept_of(ledger: Ledger, day: Cutoff, new: str) -> Kept:
    items, block, found = of_day(ledger, day)
    # Made up: what factors are like is learnt elsewhere, with a package that need not be there.
    factors = np.random.default_rng(7).normal(size=(len(found.by_popularity), 3)).astype(np.float32)
    return Kept(Shelf(items, found, shared_by_customers([block], found), factors), AgainRule(30, True), new, 28)


@pytest.mark.parametrize("new", ["popular", "categories", "similar", "fitting, half by demand", "als"])
def test_read_again_it_lists_the_same_for_everybody_and_for_each_alone(new: str) -> None:
    ledger = shop()
    day = ledger.ends.minus(20)
    kept = kept_of(ledger, day, new)
    again = Kept.of_content(kept.content())
    assert (again.digest, again.content()) == (kept.digest, kept.content())
    ids = sorted(set(purchases()["customer_id"]))
    every = kept.listed(bought(ledger, kept.shelf.items), ids, ledger.ends, WIDTHS)
    assert (every["buy again"] >= 0).any()
    assert (every["new for you"] >= 0).any()
    for some in (ids, ids[7::40], ids[3:4]):
        items = again.shelf.items
        found = again.listed(bought(ledger, items, customers=some), some, ledger.ends, WIDTHS)
        at = [ids.index(who) for who in some]
        for name in LISTS:
            np.testing.assert_array_equal(found[name], every[name][at])


def test_who_is_not_in_the_ledger_and_who_bought_nothing_yet_has_no_list() -> None:
    kept = kept_of(ledger_of(), DAY, "popular")
    # d bought ale after the day, which is no item; nobody is called bb.
    found = kept.listed(bought(ledger_of(), kept.shelf.items), ["a", "bb", "d"], DAY, WIDTHS)
    names = {name: [[kept.names[i] for i in row if i >= 0] for row in places] for name, places in found.items()}
    # a: jam a day ago, tea 30 and 60 days ago: 2^(-1/30) = .98 against 2^-1 + 2^-2 = .75; rum is all that is left.
    assert names == {"buy again": [["jam", "tea"], [], []], "new for you": [["rum"], [], []]}


def test_nobody_is_in_it_and_only_what_the_rule_needs() -> None:
    sizes = {}
    for new in ("popular", "similar"):
        content = kept_of(shop(), shop().ends, new).content()
        assert b"0shopper" not in content
        sizes[new] = len(content)
    assert sizes["popular"] < sizes["similar"] < 20_000


@pytest.mark.parametrize("at", [0, 20, 90, -1])
def test_a_byte_that_is_another_is_refused(at: int) -> None:
    content = bytearray(kept_of(ledger_of(), DAY, "similar").content())
    content[at] ^= 1
    with pytest.raises(StorageError, match=r"RG502: .* cannot be read: it is not as it was written"):
        Kept.of_content(bytes(content))


def test_what_another_version_wrote_is_refused() -> None:
    kept = kept_of(ledger_of(), DAY, "popular")
    facts = json.loads(kept._arrays["facts"].tobytes()) | {"format": 99}
    kept._arrays["facts"] = np.frombuffer(json.dumps(facts).encode(), np.uint8)
    with pytest.raises(StorageError, match=r"RG502: .* another version wrote it"):
        Kept.of_content(kept.content())
    with pytest.raises(StorageError, match="RG502"):
        Kept.of_content(b"")
