"""The products of offers: who has too few, what is told of them, how they are kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from regulars.offers.catalogue import Catalogue
from regulars.offers.item_lists import Carried, ItemLists, item_cells, items_of, text_of
from regulars.offers.permitted import NO_ITEMS, REASONS, Permitted
from regulars.products.kept import LISTS


def suggesting(name: str, **keys: Any) -> dict[str, Any]:
    return {"id": name, "type": "product_suggestion", "title": name, "channels": ["email"], **keys}


CATALOGUE = Catalogue.of(
    {
        "campaign": {"name": "spring"},
        "channels": [{"name": "email"}, {"name": "sms"}],
        "offers": [
            suggesting("again", items=2, least_items=2),
            suggesting("fresh", suggest="new for you", channels=["email", "sms"]),
            {"id": "news", "type": "information", "title": "News", "channels": ["sms"]},
        ],
    }
)
CARRIED = Carried.of(CATALOGUE, named=True)
LISTED = ItemLists(
    CARRIED,
    ("jam", "rum", "tea"),
    {
        "buy again": np.array([[2, 0], [1, -1], [-1, -1]], np.int32),
        "new for you": np.array([[1, -1, -1], [2, 0, -1], [-1, -1, -1]], np.int32),
    },
    3,
)


def test_the_lists_of_offers_are_those_that_there_are() -> None:
    assert set(CARRIED.lists.values()) == set(LISTS)
    assert CARRIED.widths(CATALOGUE) == {"buy again": 2, "new for you": 3}
    assert Carried.of_dict(CARRIED.to_dict()) == CARRIED
    # Where purchases name nothing, only who asked for a list is kept from an offer without one.
    assert Carried.of(CATALOGUE, named=False).lists == {"fresh": "new for you"}


def test_who_has_fewer_than_the_least_may_not_get_it_and_other_reasons_stand() -> None:
    # Options: again@email, fresh@email, fresh@sms, news@sms. Customer 2 has not agreed to e-mails.
    reason = np.zeros((3, 4), np.uint8)
    reason[2, :2] = REASONS.index("no consent")
    found = Permitted.of(reason).without_items(CATALOGUE, LISTED.few(CATALOGUE))
    assert found.mask.tolist() == [[True, True, True, True], [False, True, True, True], [False, False, False, True]]
    assert found.counts() == ({NO_ITEMS: 1, "no consent": 1}, {"no consent": 1}, {NO_ITEMS: 1}, {})
    assert found.why.tolist() == [0, 0, 0]
    # For whom items are looked for: who may be given an offer that carries some.
    assert CARRIED.wanted(CATALOGUE, Permitted.of(reason).mask).tolist() == [True, True, True]
    assert CARRIED.wanted(CATALOGUE, np.array([[False, False, False, True]])).tolist() == [False]


def test_the_items_of_what_each_customer_gets_are_told_counted_and_put_into_cells() -> None:
    choice = np.array([0, 2, 3])
    texts = LISTED.texts(CATALOGUE, choice).tolist()
    assert texts == ['["tea","jam"]', '["tea","jam"]', ""]
    assert LISTED.told(CATALOGUE.offers[2], 0) == []
    assert LISTED.most(CATALOGUE, choice) == [{"item": "jam", "customers": 2}, {"item": "tea", "customers": 2}]
    given = pa.table({"customer_id": ["a", "b", "c"], "items": texts})
    assert item_cells(given, CATALOGUE, CARRIED, "email") == {
        "item_1": {"a": "tea", "b": "tea"},
        "item_2": {"a": "jam", "b": "jam"},
        "item_3": {},
    }
    assert item_cells(given.drop_columns("items"), CATALOGUE, Carried(), "email") == {}


def test_any_name_comes_back_from_its_text() -> None:
    names = ['a "b"', "c,d", "[e]", "ü\n", "\\"]
    assert items_of(text_of(names)) == names
    assert items_of(None) == []
