"""The chapters on a campaign that was measured: did it pay, what each offer did, what came back, can it be trusted.

In: the figures of a measurement, as `regulars offers measure` gives them. Out: sections in plain words. Before the day
of the result there are counts only, and it is said when more will be known. A missing interval is not drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from .about_plan import ARMS, Figures, sentences
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
OTHERS = {"unsubscribed": "Unsubscribed", "complained": "Complained", "rejected": "Sent back"}
"""What nobody hopes for."""


def tiles(found: Figures) -> list[Tile]:
    """What is seen first."""
    unit, profit = str(found.get("currency") or ""), branch(found, "profit")
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
    said = plain(branch(found, "profit").get("words") or found.get("verdict") or "")
    if not said:
        said = f"The result is known on {date(found.get('read_out'))}"
    program = plain(branch(found, "program").get("words") or "")
    words = sentences([*_listed(found.get("words")), program])
    return Section("result", "Did it pay?", sentences([said])[0], words)


def _listed(value: object) -> list[str]:
    return [str(v) for v in value] if isinstance(value, (list, tuple)) else []


def effects(found: Figures) -> Section | None:
    """What each offer changed, with its interval; None before the day of the result."""
    rows, unit = entries(found.get("effects")), str(found.get("currency") or "")
    if not rows:
        return None
    money_rows = [r for r in rows if _is_money(r)]
    shown = money_rows or rows
    clear = [r for r in rows if _is_clear(r)]
    headline = (
        "No effect can be told from zero."
        if not clear
        else f"{count(len(clear))} of {count(len(rows))} effects can be told from zero."
    )
    body = [
        [
            Cell(_name(r), plain(r.get("outcome") or ""), strong=_is_clear(r)),
            Cell(count(r.get("treated")), f"{count(r.get('control'))} without"),
            Cell(_effect(r.get("estimate"), r, unit), strong=_is_clear(r)),
            Cell(_span(r, unit)),
            Cell(figure(r.get("p_holm") if number(r.get("p_holm")) is not None else r.get("p"), 3)),
        ]
        for r in rows
    ]
    columns = [Column("Of what", False), Column("Customers"), Column("Effect", note="for each customer"),
               Column(f"95{NBSP}% interval"), Column("p", note="for all comparisons together")]  # fmt: skip
    remarks = [plain(r.get("words") or "") for r in rows]
    words = [
        "An effect is the difference to customers of the same kind who got nothing, by lot. It holds for all to whom "
        "it was given, whether they saw it or not.",
        "An interval that holds zero means: not distinguishable from zero. It does not mean that there is no effect.",
    ]
    note = "Lines: 95\u00a0% intervals. Blue: told from zero."
    return Section("effects", "What did each offer do?", headline, words,
                   pictured("Effects", _picture(shown, unit), note),
                   [Table("Effects", columns, body, remarks=remarks)])  # fmt: skip


def _is_money(row: Figures) -> bool:
    return "point" not in str(row.get("unit") or "")


def _is_clear(row: Figures) -> bool:
    """Whether the interval leaves zero out, all comparisons being counted."""
    p = number(row.get("p_holm"))
    p = number(row.get("p")) if p is None else p
    ends = _ends(row)
    if ends is None:
        return False
    return not ends[0] <= 0 <= ends[1] and (p is None or p < 0.05)


def _name(row: Figures) -> str:
    name = plain(row.get("name") or row.get("what") or "")
    return {"all": "All offers together", "": "All offers together"}.get(name, name)


def _effect(value: object, row: Figures, unit: str) -> str:
    known = number(value)
    if known is None:
        return money(None)
    return money(known, unit) if _is_money(row) else f"{points(known * 100, 2)}{NBSP}points"


def _span(row: Figures, unit: str) -> str:
    ends = _ends(row)
    return "–" if ends is None else f"{_effect(ends[0], row, '')} to {_effect(ends[1], row, '')}"


def _picture(rows: Sequence[Figures], unit: str) -> Markup | None:
    bars = [
        Bar(_name(r)[:15], number(r.get("estimate")), None, _ends(r), _is_clear(r), _effect(r.get("estimate"), r, ""))
        for r in rows
        if number(r.get("estimate")) is not None
    ]
    groups = [Group("", "", bars)]
    says = "Effect of each offer with its interval; the same numbers are in the table"
    return svg(lambda c: draw_bars(c, groups, None, WIDE), WIDTH, height_of(groups), says) if bars else None


def leagues(found: Figures) -> Section | None:
    """Offers, channels and types side by side, each drawn towards the average by how little is known of it."""
    known, unit = branch(found, "league"), str(found.get("currency") or "")
    tables = []
    for name, heading in (("offers", "Offers"), ("channels", "Channels"), ("messages", "Types"), ("types", "Types")):
        rows = entries(known.get(name))
        if len(rows) < 2:
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
    if not rows or not steps:
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


def trust(found: Figures) -> Section:
    """Whether the comparison is fair, and what could have been seen."""
    waves = entries(found.get("waves"))
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
                   [Table("Waves and groups", columns, body)] if body else [], "" if fair else "not fair")  # fmt: skip


def _arm(wave: Figures, arm: str) -> str:
    value = branch(wave, "arms").get(arm)
    known = number(value) if number(value) is not None else number(branch(wave, "arms", arm).get("customers"))
    return "–" if known is None else count(known)


def _ratio(wave: Figures) -> str:
    said = branch(wave, "sample_ratio")
    p = number(said.get("p"))
    answer = "–" if "ok" not in said else "yes" if said.get("ok") else "no"
    return answer if p is None else f"{answer} (p {figure(p, 3)})"
