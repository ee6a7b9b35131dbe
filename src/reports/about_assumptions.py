"""The chapters on what a plan of offers rests on: what each offer is taken to do, and how it will be known.

In: the figures of a plan. Out: sections in plain words. What nobody has measured is called assumed, offer by offer.
"""

from __future__ import annotations

from .about_plan import ARMS, ASSUMED, Figures, assumed, badge, gains_of, option_name, sentences
from .blocks import Cell, Column, Section, Table
from .inputs import branch, entries, number
from .notation import count, date, percent, plain

BASES = {
    ASSUMED: "nobody has tried it here: what it does is what somebody believes",
    "measured": "learnt from customers who were given it by lot",
    "modelled": "learnt for each customer apart, and let through because that earned more",
}
"""What stands behind an expected gain."""


def knowing(found: Figures) -> Section:
    """Who is left out by lot, and how large an effect has to be to be seen."""
    arms, total = branch(found, "arms"), number(found.get("customers")) or 0
    body = [
        [Cell(name, strong=True), Cell(count(arms.get(arm) or 0), percent((number(arms.get(arm)) or 0) / total)
              if total else ""), Cell(f"They {purpose}.")]
        for arm, (name, purpose) in ARMS.items()
    ]  # fmt: skip
    columns = [Column("Group", False), Column("Customers"), Column("What for", False)]
    said = sentences([branch(found, "detectable").get("words")])
    headline = said[0] if said else f"The result is read on {date(found.get('read_out'))}."
    words = [
        f"The result is read once, on {date(found.get('read_out'))}, and not before: whoever looks every day and stops "
        "at a good one finds effects that are not there.",
        "The groups are drawn by lot before anything is optimised, so that they differ in nothing but what they get.",
    ]
    return Section("knowing", "Will we know whether it worked?", headline, words, (),
                   [Table("Groups", columns, body)])  # fmt: skip


def rests(found: Figures) -> Section:
    """What the gains rest on, offer by offer."""
    told = [(row, branch(row, "response")) for row in entries(found.get("offers"))]
    rows = [(row, response) for row, response in told if response]
    body = [
        [
            Cell(option_name(row), plain(response.get("source") or ""), strong=True),
            *(Cell(*_range(response.get(name))) for name in ("save", "extra_spend", "redemption")),
            Cell(percent(response.get("complaints")) if number(response.get("complaints")) is not None else "–"),
            Cell(plain(row.get("basis") or "")),
        ]
        for row, response in rows
    ]
    columns = [Column("Offer", False), Column("Stay", note="of those who would leave"), Column("More spend"),
               Column("Redeem it"), Column("Complain"), Column("Known how", False)]  # fmt: skip
    table = [Table("What each offer is taken to do", columns, body, note="Small figures: low to high.")] if rows else []
    n = assumed(found)
    headline = (
        f"For {count(n)} of {count(found.get('given'))} customers the effect is assumed, not measured."
        if n
        else "Every effect that is counted with was measured here."
        if number(found.get("given"))
        else "Nothing is given, so nothing is counted on."
    )
    words = [f"{name.capitalize()}: {meaning}." for name, meaning in BASES.items()]
    words.append(
        "After the day of the result, `regulars offers measure` says what came of it, and `regulars offers learn` "
        "puts it in the place of what was assumed."
    )
    return Section("rests", "What is assumed?", headline, words, (), table, badge(found))


def _range(value: object) -> tuple[str, str]:
    low, base, high = gains_of(value)
    if base is None:
        return "–", ""
    return percent(base), f"{percent(low)} to {percent(high)}"
