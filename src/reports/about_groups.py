"""The chapters on who is where: every scheme of segments, what each holds, and who moved since another day.

In: the figures of `regulars segments`. Out: sections. A scheme that the data do not allow is one sentence. Names of
segments are ours or the user's; nobody is named.
"""

from __future__ import annotations

from collections.abc import Callable

from markupsafe import Markup

from .about_plan import Figures, sentences
from .bars import WIDE, Bar, Group, draw_bars, height_of
from .blocks import Cell, Column, Section, Table, pictured
from .figures import WIDTH
from .inputs import branch, entries, number
from .listing import NONE
from .notation import count, date, money, percent, plain, short_money
from .style import svg

TOPICS = {
    "lifecycle": "Who is where in the relationship?",
    "value-churn": "Who is worth most, and who may leave?",
    "rfm": "Who bought lately, often and much?",
    "tiers": "Who is in which tier?",
    "expected-tiers": "Which tier is expected?",
}
"""The schemes in the order in which a meeting looks at them."""
_MOVES = 12


def groups(found: Figures) -> list[Section]:
    """A chapter for each scheme."""
    by_name = {str(s.get("scheme")): s for s in entries(found.get("schemes"))}
    named = [name for name in TOPICS if name in by_name] + [name for name in by_name if name not in TOPICS]
    return [_scheme(name, by_name[name], found) for name in named]


def _scheme(name: str, found: Figures, whole: Figures) -> Section:
    topic, unit = TOPICS.get(name, plain(name)), str(whole.get("currency") or "")
    if found.get("off"):
        return Section(f"segments-{name}", topic, f"This is left out: {plain(found['off'])}.")
    rows = [r for r in entries(found.get("segments")) if number(r.get("customers"))]
    tables = [_table(rows, unit, whole)] if rows else []
    moved = branch(found, "moved")
    moves = _moves(moved)
    words = [*sentences(found.get("notes")), *_not_compared(name, whole)]
    tables += [moves] if moves is not None else []
    note = "Longer: more customers. At the right: how many, and what is expected of them all."
    picture = pictured("How many are where", _picture(rows), note)
    return Section(f"segments-{name}", topic, _headline(rows, whole), words, picture, tables)


def _headline(rows: list[dict[str, object]], whole: Figures) -> str:
    if not rows:
        return "There are no customers yet."
    first = max(rows, key=lambda r: (number(r.get("expected_spend")) or 0.0, number(r.get("customers")) or 0.0))
    total = sum(number(r.get("expected_spend")) or 0.0 for r in rows)
    share = number(first.get("share"))
    held = number(first.get("expected_spend"))
    who = f"“{plain(first.get('segment'))}”"
    if not held or total <= 0:
        return f"{percent(share)} of {count(whole.get('customers'))} customers are {who}."
    return f"{percent(share)} of the customers are {who}: they hold {percent(held / total)} of what is expected."


def _table(rows: list[dict[str, object]], unit: str, whole: Figures) -> Table:
    days = whole.get("horizon_days")
    body = [
        [
            Cell(plain(r.get("segment")), plain(r.get("rule") or ""), strong=True),
            Cell(count(r.get("customers")), percent(r.get("share")), bar=number(r.get("share"))),
            Cell(_or_none(r.get("expected_spend"), lambda v: money(v, unit))),
            Cell(_or_none(r.get("p_churn"), percent)),
            Cell(_or_none(r.get("spend_year"), lambda v: money(v, unit))),
        ]
        for r in rows
    ]
    columns = [
        Column("Segment", False, "its rule; asked in this order"),
        Column("Customers"),
        Column("Expected spend", note=f"of all, within {days} days"),
        Column("Chance of not buying", note="on average"),
        Column("Spent in 365 days"),
    ]
    return Table("The segments", columns, body)


def _or_none(value: object, written: Callable[[object], str]) -> str:
    return NONE if number(value) is None else written(value)


def _picture(rows: list[dict[str, object]]) -> Markup | None:
    if not rows:
        return None
    bars = [
        Bar(
            plain(r.get("segment"))[:20],
            number(r.get("customers")),
            own=True,
            text=f"{count(r.get('customers'))} · {short_money(r.get('expected_spend'))}",
        )
        for r in rows
    ]
    shown = [Group("", "", bars)]
    says = "Customers of each segment; the same numbers are in the table"
    return svg(lambda c: draw_bars(c, shown, None, WIDE), WIDTH, height_of(shown), says)


def _moves(moved: Figures) -> Table | None:
    """The largest streams between segments since the other day."""
    flows = [f for f in entries(moved.get("flows")) if f.get("from") != f.get("to") and number(f.get("customers"))]
    if not flows:
        return None
    flows.sort(key=lambda f: (-(number(f.get("customers")) or 0.0), str(f.get("from")), str(f.get("to"))))
    body = [[Cell(plain(f.get("from"))), Cell(plain(f.get("to")), strong=True), Cell(count(f.get("customers")))]
            for f in flows[:_MOVES]]  # fmt: skip
    columns = [Column("From", False), Column("To", False), Column("Customers")]
    return Table(f"Who moved since {date(moved.get('since'))}", columns, body, folded=True)


def _not_compared(name: str, whole: Figures) -> list[str]:
    notes = whole.get("notes")
    told = [str(n) for n in notes] if isinstance(notes, (list, tuple)) else []
    return sentences([note for note in told if f"`{name}`" in note])
