"""Baskets: how many lines, things and kinds of things an order holds, and at what discount.

In: what was known before each cutoff. Out: sizes, breadth, concentration, discount. Features of a column that the
source lacks do not exist. Missing: nothing to divide by, or the window starts before the ledger does.
"""

from __future__ import annotations

from collections.abc import Iterator

from .family import NOT_COVERED, Feature, family
from .past import Past, ratio
from .reference import Reference

NO_SALE = "missing without a line of positive money"


@family("basket")
def basket(past: Past, reference: Reference) -> Iterator[Feature]:
    """Size, breadth, concentration and discount of what is bought."""
    ever, recent = past.all(), past.last(90)
    lines, orders = ever.sum("purchase_line"), ever.sum("purchase")
    yield Feature("lines_per_order", "lines", "lines of positive money per purchase", ratio(lines, orders))
    yield Feature("line_value_mean", "money", "mean money of such a line", ratio(ever.sum("sold"), lines), NO_SALE)
    yield Feature(
        "free_line_share", "share", "share of lines of zero money", ratio(ever.sum("free_line"), ever.sum("line"))
    )
    yield Feature("lines_90d", "lines", "such lines in the last 90 days", recent.sum("purchase_line"), NOT_COVERED)
    if past.has("quantity"):
        quantity = ever.sum("quantity")
        yield Feature("quantity_per_order", "pieces", "pieces per purchase", ratio(quantity, orders))
        yield Feature(
            "price_level", "money", "money per piece sold", ratio(ever.sum("sold"), quantity), "missing without a piece"
        )
    if past.has("discount"):
        both = ((ever, "", "ever", NO_SALE), (recent, "_90d", "in the last 90 days", f"{NOT_COVERED}, or {NO_SALE}"))
        for span, name, said, missing in both:
            off = span.sum("discount")
            yield Feature(
                f"discount_share{name}",
                "share",
                f"discount / (discount + money sold), {said}",
                ratio(off, off + span.sum("sold")),
                missing,
            )
        yield Feature(
            "discounted_line_share",
            "share",
            "share of lines with a discount",
            ratio(ever.sum("discounted"), ever.sum("line")),
        )
    for column, kind in (("category", "categories"), ("product_id", "products")):
        if not past.has(column):
            continue
        breadth = ever.distinct(column)
        yield Feature(f"{kind}", kind, f"different {kind} ever", breadth)
        yield Feature(
            f"{kind}_90d", kind, f"different {kind} in the last 90 days", recent.distinct(column), NOT_COVERED
        )
        yield Feature(f"{kind}_per_order", kind, f"different {kind} / purchases, ever", ratio(breadth, orders))
        yield Feature(
            f"{kind}_top_share",
            "share",
            f"share of lines in the most frequent of the {kind}",
            ratio(past.at_last("cell", past.history.values(f"top_{column}")), ever.sum(f"named_{column}")),
            f"missing when no line names one of the {kind}",
        )
