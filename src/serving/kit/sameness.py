"""That a customer gets the same numbers however he is asked for: again, alone, among others, in another order.

In: a `Caller`. Out: checks by their sentences. Numbers are compared to the bit, as JSON carries them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...models.request import trait_column
from .caller import Broken, Caller

MANY = 20
"""Customers among whom one is, if the server takes so many."""


def _several(caller: Caller) -> dict[str, Any]:
    """The example's customer several times, each with fewer of the purchases and under a name of his own."""
    asked = caller.example()
    (first,) = asked["customers"]
    rows = first["purchases"]
    asked["customers"] = []
    many = min(MANY, caller.limit("max_customers"), caller.limit("max_rows") // max(1, len(rows)))
    for at in range(many):
        other = copy.deepcopy(first)
        other["customer_id"] = f"kit {many - at:02d}"
        other["purchases"] = [{**row, "amount": row["amount"] + at} for row in rows[at % len(rows) :]]
        asked["customers"].append(other)
    return asked


def _rows(found: Mapping[str, Any]) -> dict[str, Any]:
    return {row["customer_id"]: row for row in (*found["scores"], *found["not_scored"])}


def _again(caller: Caller) -> None:
    asked = _several(caller)
    first, second = (caller.post("/v1/score", asked).expect(200).body for _ in range(2))
    if first != second:
        raise Broken("the same request is answered otherwise the second time")


def _alone(caller: Caller) -> None:
    asked = _several(caller)
    together = _rows(caller.score(asked))
    for customer in asked["customers"][::3]:
        alone = _rows(caller.score({**asked, "customers": [customer]}))
        if alone != {customer["customer_id"]: together[customer["customer_id"]]}:
            raise Broken("a customer alone gets other numbers than among others")


def _order_of_customers(caller: Caller) -> None:
    asked = _several(caller)
    found = caller.score(asked)
    turned = caller.score({**asked, "customers": asked["customers"][::-1]})
    if _rows(found) != _rows(turned):
        raise Broken("the order of the customers changes their numbers")
    names = [customer["customer_id"] for customer in asked["customers"]]
    for answer, order in ((found, names), (turned, names[::-1])):
        said = [row["customer_id"] for row in answer["scores"]]
        if said != [name for name in order if name in said]:
            raise Broken("scores do not come in the order of the request")


def _order_of_rows(caller: Caller) -> None:
    asked = caller.example()
    found = caller.score(asked)
    for table in ("purchases", "events", "offers"):
        if table in asked["customers"][0]:
            asked["customers"][0][table].reverse()
    if caller.score(asked) != found:
        raise Broken("the order of the rows changes the numbers")


def _name(caller: Caller) -> None:
    asked = caller.example()
    (found,) = caller.score(asked)["scores"]
    for name in ("0007", "1E5", "NA", "null", "=1+1", "<b>", "a/b", "Ünïcode ✓ 🌵", "é"):
        asked["customers"][0]["customer_id"] = name
        (renamed,) = caller.score(asked)["scores"]
        if renamed != {**found, "customer_id": name}:
            raise Broken("the name of a customer changes his numbers, or comes back otherwise")


def _forms(caller: Caller) -> None:
    """What /invocations says of a customer in all of MLflow's forms."""
    asked = caller.example()
    records = [*flat(asked["customers"][0])]
    names = list(dict.fromkeys(name for row in records for name in row))
    split = {"columns": names, "data": [[row.get(name) for name in names] for row in records]}
    forms = {"dataframe_records": records, "instances": records, "dataframe_split": split}
    said = [caller.post("/invocations", {form: table}).expect(200).json for form, table in forms.items()]
    if any(found != said[0] or "predictions" not in found for found in said):
        raise Broken("the forms of /invocations are answered differently")


def flat(customer: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A customer of a request as rows of one table, as MLflow's forms have them."""
    for table, rows in customer.items():
        if table == "customer" and rows:
            named = {n if n in ("joined_at", "referred_by") else trait_column(n): value for n, value in rows.items()}
            yield {"customer_id": customer["customer_id"], "table": "customers", **named}
        elif isinstance(rows, list):
            beside = {} if len(customer) == 2 else {"table": table}
            yield from ({"customer_id": customer["customer_id"], **beside, **row} for row in rows)


SAMENESS: Mapping[str, Callable[[Caller], None]] = {
    "the same request twice: the same bytes": _again,
    "a customer alone: the same numbers as among others": _alone,
    "customers in another order: the same numbers, in that order": _order_of_customers,
    "rows in another order: the same numbers": _order_of_rows,
    "a customer under another name: the same numbers": _name,
    "/invocations says the same in every form": _forms,
}
