"""Baskets: how many lines, things and kinds of things an order holds, and at what discount.

In: what was known before each cutoff. Out: sizes, breadth, concentration, novelty, discount. Features of a column
that the source lacks do not exist. Missing: nothing to divide by, or the window starts before the ledger does.
"""

from __future__ import annotations

from collections.abc import Iterator

from .family import NOT_COVERED, Feature, family
from .measures import LOGARITHM, counted_logs
from .past import Past, ratio
from .reference import Reference
from .track import Float64

NO_SALE = "missing without a line of positive money"


@family("basket")
def basket(past: Past, reference: Reference) -> Iterator[Feature]:
    """Size, breadth, concentration and discount of what is bought."""
    ever, recent = past.all(), past.last(90)
    # Who is at risk has a purchase, so there is a line and an order to divide by.
    lines, orders, any_line = ever.sum("purchase_line"), ever.sum("purchase"), ever.sum("line")
    yield Feature("lines_per_order", "lines", "lines of positive money per purchase", lines / orders)
    yield Feature("line_value_mean", "money", "mean money of such a line", ratio(ever.sum("sold"), lines), NO_SALE)
    yield Feature("free_line_share", "share", "share of lines of zero money", ever.sum("free_line") / any_line)
    yield Feature("lines_90d", "lines", "such lines in the last 90 days", recent.sum("purchase_line"), NOT_COVERED)
    back = ever.sum("returned_line") / any_line
    yield Feature("returned_line_share", "share", "share of lines of negative money", back)
    if past.has("quantity"):
        yield from _pieces(past)
    if past.has("discount"):
        yield from _discounts(past)
    for column, kind in (("category", "categories"), ("product_id", "products")):
        if past.has(column):
            yield from _breadth(past, column, kind)


def _pieces(past: Past) -> Iterator[Feature]:
    ever = past.all()
    quantity = ever.sum("quantity")
    per_order, price = quantity / ever.sum("purchase"), ratio(ever.sum("sold"), quantity)
    yield Feature("quantity_per_order", "pieces", "pieces per purchase", per_order)
    yield Feature("price_level", "money", "money per piece sold", price, "missing without a piece")


def _discounts(past: Past) -> Iterator[Feature]:
    ever, recent = past.all(), past.last(90)
    both = ((ever, "", "ever", NO_SALE), (recent, "_90d", "in the last 90 days", f"{NOT_COVERED}, or {NO_SALE}"))
    for span, name, said, missing in both:
        off = span.sum("discount")
        share = ratio(off, off + span.sum("sold"))
        yield Feature(f"discount_share{name}", "share", f"discount / (discount + money sold), {said}", share, missing)
    yield Feature(
        "discounted_line_share",
        "share",
        "share of lines with a discount",
        ever.sum("discounted") / ever.sum("line"),
    )
    off, paid = ever.sum("discount_on_sold"), ever.sum("discounted_sold")
    yield Feature(
        "discount_depth",
        "share",
        "discount / (discount + money), over lines of positive money with a discount",
        ratio(off, off + paid),
        "missing without such a line",
    )
    yield Feature(
        "discounted_spend_share",
        "share",
        "share of the money sold that was sold at a discount",
        ratio(paid, ever.sum("sold")),
        NO_SALE,
    )


def _breadth(past: Past, column: str, kind: str) -> Iterator[Feature]:
    """How many codes of a column, how evenly, how new."""
    ever, recent = past.all(), past.last(90)
    breadth, named = ever.distinct(column), ever.sum(f"named_{column}")
    unnamed = f"missing when no line names one of the {kind}"
    yield Feature(kind, kind, f"different {kind} ever", breadth)
    yield Feature(f"{kind}_90d", kind, f"different {kind} in the last 90 days", recent.distinct(column), NOT_COVERED)
    per_order = breadth / ever.sum("purchase")
    yield Feature(f"{kind}_per_order", kind, f"different {kind} / purchases, ever", per_order)
    yield Feature(
        f"{kind}_top_share",
        "share",
        f"share of lines in the most frequent of the {kind}",
        ratio(past.at_last("cell", past.history.values(f"top_{column}")), named),
        unnamed,
    )
    yield Feature(f"{kind}_entropy", "nats", f"entropy of the lines over {kind}", _entropy(past, column), unnamed)
    yield Feature(
        f"{kind}_new_90d",
        kind,
        f"{kind} met for the first time in the last 90 days",
        recent.sum(f"new_{column}"),
        NOT_COVERED,
    )
    yield Feature(
        f"{kind}_repeat_share",
        "share",
        f"share of lines in one of the {kind} that stood on an earlier line",
        ratio(named - breadth, named),
        unnamed,
    )


def _entropy(past: Past, column: str) -> Float64:
    """ln n - sum(c ln c) / n of the counts c of codes on n lines: of one code, exactly 0."""
    ever = past.all()
    n = ever.integer(f"named_{column}")
    uneven = counted_logs(int(n.max(initial=1)).bit_length())[n]
    uneven -= ever.integer(f"counted_logs_{column}")
    return ratio(uneven, LOGARITHM * n)
