"""The chapter on a budget: what contacting the customers at the head of each list would have brought, in money.

In: the checked report. Out: one section. What a contact costs and brings is assumed until the user states it, and the
chapter wears that as a badge. Without anybody to contact nothing is counted, and it is said why.
"""

from __future__ import annotations

from .bars import Bar, Group
from .blocks import Cell, Column, Section, Table, pictured
from .comparison import CLASSICS, RULE, origins
from .figures import money_picture
from .grades import speaker
from .inputs import PRODUCT, ReportInput, branch, interval, number
from .notation import count, model_name, money, percent, plain

WAYS = (PRODUCT, "xgb_panel", *CLASSICS, RULE, "random", "best_possible")
NAMES = {"random": "At random", "best_possible": "Best possible"}
SETTINGS = ("share", "contact_cost", "save_rate", "margin")


def name_of(way: str) -> str:
    """How a way of choosing is called.

    Examples
    --------
    >>> name_of("random"), name_of("bg_nbd")
    ('At random', 'BG/NBD')
    """
    return NAMES.get(way) or model_name(way)


def budget(report: ReportInput) -> Section:
    """What a budget of contacts would have brought by each list."""
    topic, who = "What would it have earned?", speaker(report)
    assumed = _assumed(report)
    found = branch(report.backtest, "pooled", "money")
    if number(branch(found, who).get("gain")) is None:
        why = branch(report.backtest, "pooled", "undefined").get("money")
        reason = plain(why) if why else "it was not measured"
        return Section("budget", topic, f"What a budget would have earned is not defined here: {reason}.")
    known = [w for w in WAYS if w in found]
    picture = money_picture([Group("", "", [_bar(report, w, who) for w in known])])
    note = f"Earned by the same contacts, chosen in different ways, all checks together{_unit(report)}."
    badge = "assumed" if assumed else ""
    tables = [_table(report, known, who)]
    pictures = pictured("Gain at the budget", picture, note)
    return Section("budget", topic, _headline(report, who), _words(report, assumed), pictures, tables, badge)


def _assumed(report: ReportInput) -> list[str]:
    given = branch(report.backtest, "budget").get("assumed")
    return [str(name) for name in given if name in SETTINGS] if isinstance(given, (list, tuple)) else []


def _unit(report: ReportInput) -> str:
    return f", in {plain(report.currency)}" if report.currency else ""


def _headline(report: ReportInput, who: str) -> str:
    found = branch(report.backtest, "pooled", "money")
    n = len(origins(report))
    checks = "at the one check" if n == 1 else f"over {count(n)} checks"
    mine = money(branch(found, who).get("gain"), report.currency)
    best = money(branch(found, "best_possible").get("gain"), report.currency)
    said = f"Contacting by {_list(who)} would have earned {mine} {checks}"
    over = branch(found, who, "over", RULE)
    more, ends = number(over.get("gain")), interval(over.get("ci"))
    if more is None:
        blind = money(branch(found, "random").get("gain"), report.currency)
        return f"{said}; at random it is {blind}, the best possible {best}."
    if ends is None:
        return f"{said}, {_signed(report, more)} than by the simple rule's list (no interval)."
    around = f"90\u00a0%\u00a0interval {money(ends[0], report.currency)} to {money(ends[1], report.currency)}"
    if ends[0] <= 0 <= ends[1]:
        return f"{said}, not distinguishable from the simple rule's list ({_signed(report, more)}, {around})."
    return f"{said}, {_signed(report, more)} than by the simple rule's list ({around})."


def _list(who: str) -> str:
    return "the list of Regulars" if who == PRODUCT else f"the list of {model_name(who)}, which speaks,"


def _signed(report: ReportInput, more: float) -> str:
    return f"{money(abs(more), report.currency)} {'more' if more >= 0 else 'less'}"


def _words(report: ReportInput, assumed: list[str]) -> list[str]:
    counted = plain(branch(report.backtest, "budget").get("words") or "")
    words = [f"What is counted: {counted[:1].lower()}{counted[1:]}"] if counted else []
    if assumed:
        words.append(
            "What is assumed was never measured here: nobody has tried what a contact does. To whom it would have gone "
            "and who then left is known; the size of the gain rests on the assumptions."
        )
    words.append(
        "To count with figures of your own, write them in the configuration, in [budget] (share, save_rate; "
        "money, the most to be spent) and [economics] (margin, contact_cost), and train again."
    )
    words.append(
        "At random contacts as many, whoever they are. Best possible knows who will not buy; nobody can earn more."
    )
    return words


def _bar(report: ReportInput, way: str, who: str) -> Bar:
    found = branch(report.backtest, "pooled", "money", way)
    gain = number(found.get("gain"))
    return Bar(name_of(way), gain, None, interval(found.get("ci")), way == who, money(gain))


def _table(report: ReportInput, known: list[str], who: str) -> Table:
    """One row a way of choosing; the last column stands only where the product's own model leads."""
    found, unit = branch(report.backtest, "pooled", "money"), report.currency
    over = branch(found, PRODUCT, "over")
    columns = [Column("Chosen by", False), Column("Earned"), Column("Contacts"), Column("Per contact"),
               Column("Money of those who left", note="reached"), Column("Of the best possible"),
               Column("Regulars earns more by")]  # fmt: skip
    rows = []
    for way in known:
        row, more = branch(found, way), branch(over, way)
        ends = interval(row.get("ci"))
        gap = interval(more.get("ci"))
        rows.append(
            [
                Cell(name_of(way), strong=way == who),
                Cell(money(row.get("gain"), unit), _between(ends), strong=way == who),
                Cell(count(row.get("contacted"))),
                Cell(money(row.get("per_contacted"), unit)),
                Cell(money(row.get("money_reached"), unit)),
                Cell(percent(row.get("share_of_best"))),
                Cell(money(more.get("gain"), unit) if more else "–", _between(gap)),
            ]
        )
    return Table("The ways of choosing, all checks together", columns, rows, note="Small figures: 90\u00a0% intervals.")


def _between(ends: tuple[float, float] | None) -> str:
    return "" if ends is None else f"{money(ends[0])} to {money(ends[1])}"
