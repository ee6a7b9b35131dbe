"""The chapters on a campaign that was measured: did it pay, what each offer did, what came back, can it be trusted.

In: the figures of a measurement, as `regulars offers measure` gives them. Out: sections in plain words. Before the day
of the result there are counts only, and it is said when more will be known. A missing interval is not drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from .about_plan import ARMS, Figures, sentences, short
from .bars import WIDE, Bar, Group, draw_bars, height_of
from .blocks import Cell, Column, Section, Table, Tile, pictured
from .figures import WIDTH
from .inputs import branch, entries, number
from .notation import NBSP, count, date, figure, money, percent, plain, points
from .style import svg

STEPS = {
    "given": "Given",
    "sent": "Sent",
    "delivered": "Delivered",
    "opened": "Opened",
    "viewed": "Seen",
    "clicked": "Clicked",
    "completed": "Completed",
    "redeemed": "Redeemed",
    "converted": "Bought",
}
"""The steps of a funnel in their order, and how each is called."""
OTHERS = {
    "unseen": "Redeemed unseen",
    "unsubscribed": "Unsubscribed",
    "complained": "Complained",
    "rejected": "Sent back",
}
"""What stands beside the steps."""


MONEY = ("profit", "spend")
OUTCOMES = {"profit": "Profit", "spend": "Spend", "orders": "Orders", "bought": "Customers who bought"}
"""What is measured of each customer; the first two in currency."""


def tiles(found: Figures) -> list[Tile]:
    """What is seen first."""
    unit, profit = str(found.get("currency") or ""), branch(found, "profit")
    log = entries(found.get("observed"))
    if log:
        return [
            Tile("No effect", "is concluded: nobody drew who got an offer", warm=True),
            Tile(count(len(log)), "offers of the log were looked at"),
        ]
    total = number(profit.get("total"))
    shown = [
        Tile(money(total, unit), "gained after all costs, against the control group", warm=(total or 0.0) < 0)
        if total is not None
        else Tile(date(found.get("read_out")), "then the result is known"),
    ]
    ends = _ends(profit)
    if ends is not None:
        around = f"{money(ends[0], unit)} to {money(ends[1], unit)}"
        shown.append(Tile(around, f"with 95{NBSP}% it lies between these"))
    waves = entries(found.get("waves"))
    shown.append(Tile(count(len(waves)), "wave" if len(waves) == 1 else "waves"))
    return shown


def _ends(row: Figures) -> tuple[float, float] | None:
    low, high = number(row.get("low")), number(row.get("high"))
    return None if low is None or high is None else (low, high)


def result(found: Figures) -> Section:
    """Did it pay, in one sentence; or when that will be known."""
    said = sentences([branch(found, "profit").get("words") or found.get("verdict")])
    said = said or [f"The result is known on {date(found.get('read_out'))}."]
    elsewhere = {str(r.get("words")) for r in (*entries(found.get("effects")), *entries(found.get("observed")))}
    words = sentences([text for text in _listed(found.get("words")) if text not in elsewhere])
    return Section("result", "Did it pay?", said[0], [text for text in words if text != said[0]])


def _listed(value: object) -> list[str]:
    return [str(v) for v in value] if isinstance(value, (list, tuple)) else []


def effects(found: Figures) -> Section | None:
    """What each offer changed, with its interval; None before the day of the result."""
    rows, unit = entries(found.get("effects")), str(found.get("currency") or "")
    if not rows:
        return None
    first = [r for r in rows if r.get("outcome") == rows[0].get("outcome")]
    further = [r for r in rows if r.get("outcome") != rows[0].get("outcome")]
    words = [
        "An effect is the difference to customers of whom the same was meant and who got nothing, by lot. It holds for "
        "all to whom it was given, whether they saw it or not.",
        "An interval that holds zero means: not distinguishable from zero. It does not mean that there is no effect.",
    ]
    each = f"{_outcome(first[0])} for each customer"
    note = f"{each}{_in(first[0], unit)}. Lines: 95{NBSP}% intervals. Blue: told from zero."
    tables = [_table(each, first, unit, said=True)]
    if further:
        tables.append(_table("What else changed", further, unit, said=False))
    picture = pictured("Effects", _picture(first, unit), note)
    return Section("effects", "What did each offer do?", _shown(first), words, picture, tables)


def _shown(rows: Sequence[Figures]) -> str:
    """What can be said of the offers, in a sentence."""
    offers = [r for r in rows if r.get("what") != "all"] or list(rows)
    good = [r for r in offers if _is_clear(r) and (number(r.get("estimate")) or 0.0) > 0]
    bad = [r for r in offers if _is_clear(r) and (number(r.get("estimate")) or 0.0) < 0]
    n = len(offers)
    what = f"to bring more {_outcome(rows[0]).lower()}"
    if not good and not bad:
        return f"No offer is shown {what}, or less." if n > 1 else f"It is not shown {what}, or less."
    less = f", {count(len(bad))} to bring less" if bad else ""
    return f"Of {count(n)} offers {count(len(good))} {'is' if len(good) == 1 else 'are'} shown {what}{less}."


def _table(caption: str, rows: Sequence[Figures], unit: str, said: bool) -> Table:
    body = [
        [
            Cell(_name(r), "" if said else _outcome(r), strong=_is_clear(r)),
            Cell(count(r.get("treated")), f"{count(r.get('control'))} without"),
            Cell(_effect(r.get("estimate"), r, unit), strong=_is_clear(r)),
            Cell(_span(r, unit)),
            Cell(_chance(r)),
        ]
        for r in rows
    ]
    columns = [Column("Of what", False), Column("Customers"), Column("Effect", note="for each customer"),
               Column(f"95{NBSP}% interval"), Column("p", note="for all comparisons together")]  # fmt: skip
    remarks = [plain(r.get("words") or "") for r in rows] if said else []
    return Table(caption, columns, body, folded=not said, remarks=remarks)


def _outcome(row: Figures) -> str:
    name = plain(row.get("outcome") or "")
    return OUTCOMES.get(name, name)


def _in(row: Figures, unit: str) -> str:
    return f", in {plain(unit)}" if unit and _is_money(row) else ""


def _chance(row: Figures) -> str:
    p = number(row.get("p_holm"))
    p = number(row.get("p")) if p is None else p
    return "<0.001" if p is not None and p < 0.001 else figure(p, 3)


def _is_money(row: Figures) -> bool:
    return row.get("outcome") in MONEY or "outcome" not in row


def _is_clear(row: Figures) -> bool:
    """Whether it can be told from zero, all comparisons being counted."""
    return row.get("sure") is True


def _name(row: Figures) -> str:
    name = plain(row.get("what") or row.get("name") or "")
    return {"all": "All together", "": "All together"}.get(name, name)


def _effect(value: object, row: Figures, unit: str) -> str:
    known = number(value)
    if known is None or _is_money(row):
        return money(known, unit)
    return f"{points(known, 2)}{NBSP}points" if row.get("unit") == "points" else figure(known, 3)


def _span(row: Figures, unit: str) -> str:
    ends = _ends(row)
    return "–" if ends is None else f"{_effect(ends[0], row, '')} to {_effect(ends[1], row, '')}"


def _picture(rows: Sequence[Figures], unit: str) -> Markup | None:
    bars = [
        Bar(short(_name(r)), number(r.get("estimate")), None, _ends(r), _is_clear(r), _effect(r.get("estimate"), r, ""))
        for r in rows
        if number(r.get("estimate")) is not None
    ]
    groups = [Group("", "", bars)]
    says = "Effect of each offer with its interval; the same numbers are in the table"
    return svg(lambda c: draw_bars(c, groups, None, WIDE), WIDTH, height_of(groups), says) if bars else None


def observed(found: Figures) -> Section | None:
    """What a log of offers shows that somebody chose to send, and why it is no effect; None where there is a result."""
    rows, unit = entries(found.get("observed")), str(found.get("currency") or "")
    if not rows:
        return None
    body = [
        [
            Cell(plain(r.get("offer") or ""), date(r.get("day")), strong=True),
            Cell(count(r.get("treated")), f"{count(r.get('others'))} others"),
            *(Cell(money(gap.get("gap"), unit), _span(gap, unit)) for gap in (branch(r, "before"), branch(r, "after"))),
        ]
        for r in rows
    ]  # fmt: skip
    columns = [Column("Offer", False), Column("Receivers"), Column("More spend before"), Column("More spend after")]
    words = [
        "Somebody chose who got an offer. What receivers spent more than the others before anything was sent, they "
        "would have spent more afterwards, too: that difference is no effect.",
        *sentences(_listed(found.get("warnings"))),
    ]
    headline = "Those who got an offer differed from the others before they got it."
    return Section("observed", "What does the log show?", headline, words, (),
                   [Table("Receivers less all others", columns, body)])  # fmt: skip


def leagues(found: Figures) -> Section | None:
    """Offers, channels and types side by side, each drawn towards the average by how little is known of it."""
    known, unit = branch(found, "league"), str(found.get("currency") or "")
    tables = []
    for name, heading in (("offers", "Offers"), ("channels", "Channels"), ("messages", "Kinds of message")):
        rows = entries(known.get(name))
        if len(rows) < 3:
            continue
        body = [
            [
                Cell(plain(r.get("name") or ""), strong=i == 0),
                Cell(count(r.get("n"))),
                Cell(money(r.get("estimate"), unit), strong=i == 0),
                Cell(_span(r, unit)),
            ]
            for i, r in enumerate(rows)
        ]
        columns = [Column(heading, False), Column("Customers"), Column("Gain", note="for each customer"),
                   Column(f"95{NBSP}% interval")]  # fmt: skip
        tables.append(Table(f"{heading}, the best first", columns, body))
    if not tables:
        return None
    words = [
        "Each is drawn towards the average of all, the more so the fewer customers speak for it: the best of many "
        "looks better than it is."
    ]
    return Section("league", "Which do best?", "The best first; what was seen by few counts less.", words, (), tables)


def funnel(found: Figures) -> Section | None:
    """How far each offer came: given, sent, seen, redeemed; None where no event is known."""
    rows = entries(found.get("funnel"))
    steps = [s for s in STEPS if any(number(r.get(s)) for r in rows)]
    others = [s for s in OTHERS if any(number(r.get(s)) for r in rows)]
    if len(steps) < 2 and not others:
        return None
    body = [
        [
            Cell(plain(r.get("title") or r.get("name") or r.get("offer") or ""), plain(r.get("channel") or "")),
            *(_step(r, s, steps[0]) for s in steps),
            *(_step(r, s, steps[0]) for s in others),
        ]
        for r in rows
    ]
    columns = [Column("Offer", False), *(Column(STEPS[s]) for s in steps), *(Column(OTHERS[s]) for s in others)]
    headline = "From what was given to what was redeemed."
    words = [
        "A funnel says what was done with an offer, not what the offer changed: many redeem one for what they would "
        "have bought anyway."
    ]
    return Section("funnel", "What came back?", headline, words, (), [Table("Of each offer", columns, body)])


def _step(row: Figures, step: str, first: str) -> Cell:
    n, of = number(row.get(step)), number(row.get(first))
    if n is None:
        return Cell("–")
    return Cell(count(n), percent(n / of) if of and step != first else "")


def trust(found: Figures) -> Section | None:
    """Whether the comparison is fair, and what could have been seen; None where nothing was drawn."""
    waves = entries(found.get("waves"))
    if not waves:
        return None
    body = [
        [
            Cell(date(w.get("as_of")), strong=True),
            *(Cell(_arm(w, arm)) for arm in ARMS),
            Cell(date(w.get("read_out"))),
            Cell(_ratio(w)),
        ]
        for w in waves
    ]
    columns = [Column("Wave", False), *(Column(name) for name, _ in ARMS.values()), Column("Result on"),
               Column("Groups as drawn?", False)]  # fmt: skip
    said = sentences([branch(found, "detectable").get("words"), *_listed(found.get("warnings"))])
    less = number(found.get("variance_reduction"))
    if less:
        said.append(
            f"What was known of customers before takes away {percent(less)} of the noise: the same certainty from "
            "fewer customers."
        )
    said.append(
        "Where the sizes of the groups could hardly come about by the lot that was drawn, something else decided who "
        "got what, and nothing is concluded."
    )
    fair = all(branch(w, "sample_ratio").get("ok") is not False for w in waves)
    headline = "The groups are as they were drawn." if fair else "The groups are not as they were drawn."
    return Section("trust", "Can the comparison be trusted?", headline, said, (),
                   [Table("Waves and groups", columns, body)], "" if fair else "not fair")  # fmt: skip


def _arm(wave: Figures, arm: str) -> str:
    value = branch(wave, "arms").get(arm)
    known = number(value) if number(value) is not None else number(branch(wave, "arms", arm).get("customers"))
    return "–" if known is None else count(known)


def _ratio(wave: Figures) -> str:
    said = branch(wave, "sample_ratio")
    p = number(said.get("p"))
    answer = "–" if "ok" not in said else "yes" if said.get("ok") else "no"
    return answer if p is None else f"{answer} (p {figure(p, 3)})"
