"""The columns of the table of problems, with what each counts and what it is divided by.

In: the horizon, and the days from a purchase to its landmark. Out: columns, and which of them rest on what.
"""

from __future__ import annotations

from .table import Column

COLUMNS_OF: dict[str, tuple[str, ...]] = {
    "return": ("returns", "given_back", "return_share"),
    "complaint": ("complaints", "resolved_share", "days_to_resolve"),
    "support": ("support",),
    "resolved": ("resolved_share", "days_to_resolve"),
}
"""What is missing where the data know nothing of returns, complaints, support or resolutions."""


def columns(h: int, after: int) -> tuple[Column, ...]:
    """The definitions."""
    silent = f"no purchase in the {h} days that begin {after} days after the purchase"
    return (
        Column("by", "text", "what the row is about: a product, a category, a reason, or all"),
        Column("name", "text", "which one"),
        Column("complaints", "count", "events of the kind `complaint`"),
        Column("support", "count", "events of the kind `support`; they are no problem yet, and in no other column"),
        Column(
            "returns",
            "count",
            "days on which a customer gave some of it back; of reasons: events `return...` that name it",
        ),
        Column("customers", "count", "who complained of it or gave it back"),
        Column("buyers", "count", "who ever bought it; of reasons and of all: who ever bought anything"),
        Column("problem_share", "share", "of the buyers: who complained of it or gave it back / buyers"),
        Column("problem_low", "share", "lower end of its 95 % interval (Wilson)"),
        Column("problem_high", "share", "upper end"),
        Column("given_back", "money", "money of the negative lines, without its sign"),
        Column("return_share", "share", "given_back / money of the positive lines"),
        Column("resolved_share", "share", "complaints that were resolved so far / complaints"),
        Column("days_to_resolve", "days", "median days from a complaint to the customer's next resolution"),
        Column(
            "compared",
            "count",
            f"days of purchase of it that were the last before a problem with it, less than {after} days later, whose "
            "window is over and which have their like without one",
        ),
        Column("silent_with", "share", f"of them: {silent} / compared"),
        Column(
            "silent_without",
            "share",
            "the same of purchases of it without that problem (of reasons: without any), of the same months and "
            "numbers of orders so far (1, 2 to 4, 5 and more), weighted like those with it",
        ),
        Column("difference", "share", "silent_with - silent_without; an association, no effect"),
        Column("low", "share", "lower end of its 95 % interval, customers as units"),
        Column("high", "share", "upper end"),
    )
