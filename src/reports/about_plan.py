"""The chapters on a plan of offers: who gets what, what the budget buys, why others get nothing, what is assumed.

In: the figures of a plan, as `regulars offers plan` gives them. Out: sections in plain words. What was never measured
wears the badge "assumed" wherever it is counted with. A figure that is missing is "not defined here".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from .bars import WIDE, Bar, Group, draw_bars, height_of
from .blocks import Cell, Column, Section, Table, Tile, pictured
from .figures import WIDTH
from .inputs import branch, entries, number
from .notation import NBSP, UNDEFINED, count, date, figure, money, percent, plain
from .style import svg

Figures = Mapping[str, object]

ASSUMED = "assumed"
ARMS = {
    "chosen": ("Chosen", "get what pays best under the budget and the limits"),
    "explore": ("Explored", "get any of what they may get, by lot: from them it is learnt what else would work"),
    "control": ("Control", "get nothing in this campaign, by lot: what they do is what would have happened anyway"),
    "holdout": ("Hold-out", "get nothing from any campaign, by lot: they tell what all campaigns together bring"),
}
"""How each arm is called, and what it is for."""
REASONS = {
    "do not contact": "they are on the list of whom to leave alone",
    "open complaint": "a complaint of theirs is open: first it is answered",
    "no consent": "they have not agreed to be written to",
    "not eligible": "no offer is meant for them",
    "no follow-up due": "nothing happened to them of late that an offer follows",
    "follow-up given already": "they had the follow-up for it already",
    "cool-down": "they had such an offer not long ago",
    "too many contacts": "they were contacted often enough of late",
    "limit for each customer": "they have had as much as one customer may get",
    "nothing to suggest": "too few products are known to suggest to them",
    "hold-out": "they are left out of all campaigns, by lot",
    "control": "they are left out of this campaign, by lot, to compare with",
    "explored nothing": "the lot of those who get any offer, or none, gave them none",
    "does not pay": "no offer is expected to earn what it costs",
    "budget": "the money is spent on others for whom it does more",
}
"""Why a customer gets nothing, for people, by what a plan says."""
_LONG = 18
"""So many letters of a name have room beside a bar."""


def tiles(found: Figures) -> list[Tile]:
    """What is seen first."""
    unit = str(found.get("currency") or "")
    low, gain, high = gains_of(found.get("gain"))
    around = "" if low is None else f", {money(low, unit)} to {money(high, unit)}"
    return [
        Tile(count(found.get("given")), f"of {count(found.get('customers'))} customers get an offer"),
        Tile(money(found.get("cost"), unit), "expected cost"),
        Tile(money(gain, unit), f"expected gain after all costs{around}", warm=bool(assumed(found))),
        Tile(date(found.get("read_out")), "then it is known whether it worked"),
    ]


def assumed(found: Figures) -> int:
    """How many customers are given something whose effect nobody has measured."""
    return int(number(branch(found, "basis").get(ASSUMED)) or 0)


def badge(found: Figures) -> str:
    """The badge of whatever counts with assumptions."""
    return ASSUMED if assumed(found) else ""


def gains_of(value: object) -> tuple[float | None, float | None, float | None]:
    """Low, base and high of an expected gain; None where it is not known.

    Examples
    --------
    >>> gains_of([1, 2, 3]), gains_of(None)
    ((1.0, 2.0, 3.0), (None, None, None))
    """
    if not isinstance(value, (list, tuple)) or len(value) != 3:
        return None, None, None
    return number(value[0]), number(value[1]), number(value[2])


def short(name: str) -> str:
    """A name as it has room beside a bar; of a long one both ends.

    Examples
    --------
    >>> short("tea"), short("discount-2-from-10-10d")
    ('tea', 'discount…10-10d')
    """
    return (
        name if len(name) <= _LONG else f"{name[: _LONG // 2 - 1].rstrip('-')}…{name[-(_LONG // 2) + 2 :].lstrip('-')}"
    )


def option_name(row: Figures) -> str:
    """How an offer on its channel is called."""
    title = plain(row.get("title") or row.get("offer") or "")
    channel = plain(row.get("channel") or "")
    return f"{title} ({channel})" if channel else title


def who(found: Figures) -> Section:
    """Who gets what, at which cost, for which gain."""
    unit, rows = str(found.get("currency") or ""), entries(found.get("offers"))
    given = [r for r in rows if number(r.get("given"))]
    picture = gains_picture(given)
    words = [_meaning(found), *_explored(found)]
    return Section(
        "who", "Who gets what?", _headline(found, given), words,
        pictured("Expected gain by offer", picture, f"After all costs{_in(unit)}; lines: if they respond low or high."),
        [_offers(rows, unit), *_suggested(found)], badge(found),
    )  # fmt: skip


def _suggested(found: Figures) -> list[Table]:
    """The products that are suggested most; no table where none are."""
    items = branch(found, "items")
    most = entries(items.get("most"))
    rows = [[Cell(plain(row.get("item") or "")), Cell(count(row.get("customers")))] for row in most]
    caption = f"Products suggested most, by what sold before {date(items.get('as_of'))}"
    return [Table(caption, [Column("Product", False), Column("Customers")], rows)] if rows else []


def _in(unit: str) -> str:
    return f", in {plain(unit)}" if unit else ""


def _headline(found: Figures, given: Sequence[Figures]) -> str:
    unit = str(found.get("currency") or "")
    if not given:
        return "Nobody gets an offer in this plan."
    low, gain, high = gains_of(found.get("gain"))
    around = "" if low is None else f" ({money(low, unit)} to {money(high, unit)})"
    counted = " if what is assumed holds" if assumed(found) else ""
    return (
        f"{count(found.get('given'))} customers get an offer: expected cost {money(found.get('cost'), unit)}, "
        f"expected gain {money(gain, unit)}{around}{counted}."
    )


def _meaning(found: Figures) -> str:
    days = number(found.get("window_days")) or number(found.get("horizon_days"))
    within = f" within {count(days)}{NBSP}days" if days else ""
    return (
        f"The gain is the margin that would not have come without the offer{within}, less what is redeemed (also by "
        "those who would have bought anyway), what is sent and what complaints cost. Offering nothing is always one "
        "of the choices: whoever is chosen for an offer is expected to bring more than it costs."
    )


def _explored(found: Figures) -> list[str]:
    """What the draw costs, so that it is not taken for the policy's."""
    drawn, unit = branch(found, "explored"), str(found.get("currency") or "")
    if not number(drawn.get("given")):
        return []
    return [
        f"Among them are {count(drawn.get('given'))} who get any permitted offer by lot, for "
        f"{money(drawn.get('cost'), unit)}, expected to bring {money(gains_of(drawn.get('gain'))[1], unit)}: from them "
        "it is learnt what else would work."
    ]


def gains_picture(given: Sequence[Figures]) -> Markup | None:
    """Expected gain of each offer with its range; what is assumed is grey. None where nothing is given.

    Parameters
    ----------
    given : sequence of mapping
        Offers among the figures of a plan.
    """
    bars = []
    for row in given:
        low, gain, high = gains_of(row.get("gain"))
        ends = None if low is None or high is None else (low, high)
        bars.append(
            Bar(short(plain(row.get("offer") or "")), gain, None, ends, str(row.get("basis")) != ASSUMED, money(gain))
        )
    groups = [Group("", "", bars)]
    says = "Expected gain of each offer, with its range; the same numbers are in the table"
    return svg(lambda c: draw_bars(c, groups, None, WIDE), WIDTH, height_of(groups), says) if bars else None


def _offers(rows: Sequence[Figures], unit: str) -> Table:
    columns = [Column("Offer", False), Column("Customers", note="of those who may get it"), Column("Cost"),
               Column("Expected gain", note="if they respond low, high"), Column("Gain for each unit spent"),
               Column("Known how", False)]  # fmt: skip
    body, remarks = [], []
    for row in rows:
        low, gain, high = gains_of(row.get("gain"))
        cost, given = number(row.get("cost")), number(row.get("given"))
        each = None if not cost or gain is None else gain / cost
        body.append(
            [
                Cell(option_name(row), plain(row.get("offer") or ""), strong=bool(given)),
                Cell(count(given or 0), f"of {count(row.get('permitted') or 0)}"),
                Cell(money(cost or 0, unit) if given else "–"),
                Cell(money(gain, unit) if given else "–", f"{money(low)} to {money(high)}" if given else ""),
                Cell("–" if each is None or not given else figure(each, 2)),
                Cell(plain(row.get("basis") or "")),
            ]
        )
        remarks.append(_nobody(row) if not given else "")
    return Table("Offers and channels", columns, body, remarks=remarks)


def _nobody(row: Figures) -> str:
    """Why an offer is given to nobody."""
    known = branch(row, "why_not")
    reasons = sorted(((number(v) or 0, plain(k)) for k, v in known.items()), reverse=True)[:3]
    said = "; ".join(f"{why} {count(n)}" for n, why in reasons if n)
    return f"Nobody gets it: {said}." if said else "Nobody gets it."


def budget(found: Figures) -> Section:
    """What the budget and each limit allow, and what the next unit of each would return."""
    topic, unit = "What does the budget buy?", str(found.get("currency") or "")
    whole, limits = branch(found, "budget"), entries(found.get("limits"))
    limit, used = number(whole.get("limit")), number(whole.get("used"))
    if limit is None:
        headline = f"No budget was set; {money(found.get('cost'), unit)} would be spent."
    else:
        said = sentences([whole.get("words")]) or [f"{money(used, unit)} of {money(limit, unit)} would be spent."]
        headline = said[0]
    words = [
        "The shadow price of a budget or a limit says what one more of it would bring, its own cost already taken "
        "off. Where it is 0, more would change nothing: something else holds the plan back.",
    ]
    gap = number(found.get("gap"))
    if gap is not None:
        exact = bool(found.get("exact"))
        words.append(
            "No other choice of offers gains more: this is the exact optimum."
            if exact
            else f"No other choice of offers within the limits could gain over {100 * gap:.2g}{NBSP}% more."
        )
    rows = [_limit({**whole, "name": "Budget", "money": True}, unit, strong=True)] if limit is not None else []
    rows += [_limit(row, unit, strong=False) for row in limits]
    columns = [Column("Limit", False), Column("Used"), Column("Allowed"), Column("Share", False),
               Column("The next one returns")]  # fmt: skip
    tables = [Table("Budget and limits", columns, rows)] if rows else []
    return Section("budget", topic, headline, words, (), tables, badge(found))


def _limit(row: Figures, unit: str, strong: bool) -> list[Cell]:
    used, limit, price = (number(row.get(k)) for k in ("used", "limit", "price"))
    share = None if not limit or used is None else used / limit
    in_money = bool(row.get("money"))
    return [
        Cell(plain(row.get("name") or ""), strong=strong),
        Cell(money(used, unit) if in_money else count(used)),
        Cell(money(limit, unit) if in_money else count(limit)),
        Cell("" if share is None else percent(share), bar=share),
        Cell("–" if price is None else figure(price, 2)),
    ]


def nothing(found: Figures) -> Section:
    """Why everybody else gets nothing."""
    topic, rows = "Why do others get nothing?", [r for r in entries(found.get("why")) if number(r.get("customers"))]
    if not rows:
        return Section("nothing", topic, "Everybody gets an offer.")
    rows = sorted(rows, key=lambda r: (-(number(r.get("customers")) or 0), str(r.get("why"))))
    total, first = sum(number(r.get("customers")) or 0 for r in rows), rows[0]
    headline = (
        f"{count(total)} customers get nothing, {count(first.get('customers'))} of them because {_reason(first)}."
    )
    largest = max(number(r.get("customers")) or 0 for r in rows)
    body = [
        [Cell(_capital(_reason(r)), plain(r.get("why") or "")), Cell(count(r.get("customers"))),
         Cell(percent((number(r.get("customers")) or 0) / total), bar=(number(r.get("customers")) or 0) / largest)]
        for r in rows
    ]  # fmt: skip
    columns = [Column("Reason", False), Column("Customers"), Column("Share", False)]
    words = [
        "Each customer stands under the first reason that holds. Nobody is written to without consent: the last "
        "word of a customer counts, and no word means no.",
    ]
    return Section("nothing", topic, headline, words, (), [Table("Reasons", columns, body)])


def _reason(row: Figures) -> str:
    """Why, for people; of a limit its name."""
    said = plain(row.get("why") or "")
    name = said.removeprefix("limit: ")
    return REASONS.get(said, f"a limit is reached: {name}" if name != said else said)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def segments(found: Figures) -> Section | None:
    """Which kinds of customers get offers; None where it is not told."""
    rows, unit = entries(found.get("segments")), str(found.get("currency") or "")
    if not rows:
        return None
    body = []
    for row in rows:
        low, gain, high = gains_of(row.get("gain"))
        given, customers = number(row.get("given")) or 0, number(row.get("customers")) or 0
        share = given / customers if customers else None
        body.append(
            [
                Cell(plain(row.get("segment") or UNDEFINED), strong=True),
                Cell(count(customers)),
                Cell(count(given), percent(share) if share is not None else "", bar=share),
                Cell(money(row.get("cost"), unit)),
                Cell(money(gain, unit), f"{money(low)} to {money(high)}"),
            ]
        )
    columns = [Column("Customers", False), Column("Number"), Column("Get an offer"), Column("Cost"),
               Column("Expected gain")]  # fmt: skip
    best = max(rows, key=lambda r: gains_of(r.get("gain"))[1] or 0.0)
    headline = f"Most is expected of customers who are “{plain(best.get('segment') or UNDEFINED)}”."
    words = [
        "Those most likely to leave are not always those for whom an offer pays: many of them cannot be kept by it, "
        "and many others would have bought without it."
    ]
    return Section(
        "segments", "Which customers?", headline, words, (), [Table("Segments", columns, body)], badge(found)
    )


def fairness(found: Figures) -> Section | None:
    """How offers fall among groups that no rule may look at; None where no column is declared sensitive."""
    rows = entries(found.get("groups"))
    if not rows:
        return None
    body = [
        [
            Cell(plain(r.get("group") or "not known"), plain(r.get("column") or ""), strong=True),
            Cell(count(r.get("customers"))),
            Cell(count(r.get("permitted"))),
            Cell(count(r.get("given")), percent(r.get("rate")), bar=number(r.get("rate"))),
        ]
        for r in rows
    ]
    columns = [Column("Group", False), Column("Customers"), Column("May get something"), Column("Get an offer")]
    words = [
        "Columns declared sensitive are no feature of the model and no field of a rule. Offers can fall unevenly all "
        "the same, by way of what goes with them: that is for people to judge.",
    ]
    headline = "How many of each group get an offer."
    return Section("groups", "Do offers fall evenly?", headline, words, (), [Table("Groups", columns, body)])


def warned(found: Figures) -> Section | None:
    """What to look at before anything is decided; None where there is nothing."""
    said = sentences(found.get("warnings"))
    if not said:
        return None
    headline = "One thing to look at first." if len(said) == 1 else f"{len(said)} things to look at first."
    return Section("warnings", "What should be looked at?", headline, said)


def sentences(value: object) -> list[str]:
    """The texts of a list as sentences; what is empty is left out.

    Examples
    --------
    >>> sentences(["nothing is given", None, "why?"]), sentences(None)
    (['Nothing is given.', 'Why?'], [])
    """
    said = [plain(v).strip() for v in value if v and str(v).strip()] if isinstance(value, (list, tuple)) else []
    return [f"{_capital(t)}{'' if t.endswith(('.', '!', '?')) else '.'}" for t in said]
