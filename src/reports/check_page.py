"""The examination as one offline HTML file, in the house style of the report.

In: an `Examination`. Out: HTML that loads nothing, runs nothing, escapes everything and names no customer; the same
bytes for the same examination. What is missing is "not defined here".
"""

from __future__ import annotations

import json

import pandas as pd

from ..examination.examine import REMARKS, UNFIT, Examination, capital
from ..examination.finding import Finding, Severity
from ..schema import SCALE
from .about_data import reconciliation
from .blocks import Cell, Column, Section, Table, Tile, pictured, row
from .check_figures import bars_picture, gaps_bars, values_bars, windows_picture
from .figures import months_picture
from .notation import MONTHS, NBSP, UNDEFINED, count, date, days, money, percent, plain
from .page import stylesheet, template

_MONTHS_SHOWN = 60
_HEAD = {Severity.SERIOUS: "Serious", Severity.SUSPICIOUS: "Suspicious", Severity.NOTE: "Good to know"}
_ANSWERS = {UNFIT: "Not fit to train on", REMARKS: "Fit, with remarks"}
_LOOKED = (
    "Looked for: giants and their reversals, holes in time, shifts of scale, tests, ids that stand for nobody or were "
    "damaged, fees among the products, lines that contradict themselves."
)
_WORDS = (
    ("Serious", "Models learnt from these data would be wrong."),
    ("Suspicious", "Perhaps right, perhaps a mistake: look before you train."),
    ("Silence", "So many days without a purchase after one; whoever buys often can be silent several times."),
    ("Come back", "The share of these silences that ended in a purchase within the days for which each was followed."),
    (
        "Fall silent",
        "Of the customers at risk on past days, the share that bought nothing in the window that followed.",
    ),
    ("Past day", "A day on which a model can be judged: it leaves two earlier days to learn from, and a whole window."),
    ("Filled, different", "How many lines have a value in the column, and how many different values there are."),
)


def render_check(found: Examination) -> str:
    """The whole examination as HTML."""
    manifest, currency = found.ledger.manifest, found.ledger.manifest.currency
    sections = [_suspicious(found), _data(found), _aside(found), _enough(found), _window(found), _reading(found)]
    used = manifest.lines["used"] / max(manifest.lines["read"], 1)
    tiles = [
        Tile(_ANSWERS.get(found.verdict, "Fit to train on"), "the verdict", warm=found.verdict == UNFIT),
        Tile(count(manifest.n_customers), f"customers with {count(manifest.n_orders)} orders"),
        Tile(money(manifest.money["used"], currency), "net money of the lines that count"),
        Tile(percent(used), f"of {count(manifest.lines['read'])} lines read count"),
    ]
    return template("check.html").render(
        title="Can these data be trusted?",
        facts=f"{date(manifest.first_day)} to {date(manifest.last_day)} · horizon {_horizon(found)}",
        style=stylesheet(),
        tiles=tiles,
        sections=sections,
    )


def _horizon(found: Examination) -> str:
    return "1 day" if found.horizon_days == 1 else days(found.horizon_days)


def _suspicious(found: Examination) -> Section:
    graver = found.graver(Severity.SUSPICIOUS)
    headline = found.first_thing if graver else "Nothing suspicious was found."
    tables = []
    for severity, head in _HEAD.items():
        of_kind = [f for f in found.findings if f.severity == severity]
        if of_kind:
            tables.append(_findings(head, of_kind, found.ledger.manifest.currency))
    return Section("findings", "Is anything wrong?", headline, () if graver else (_LOOKED,), (), tables)


def _findings(head: str, findings: list[Finding], currency: str) -> Table:
    rows = []
    for f in findings:
        such = f"Such as {'; '.join(plain(e) for e in f.examples)}. " if f.examples else ""
        todo = f"{capital(f.do)}." if f.do else ""
        known = money(f.money / SCALE, currency) if f.money is not None else ""
        rows.append([Cell(plain(capital(f.words)) + ".", such + todo), Cell(count(f.count)), Cell(known)])
    return Table(head, [Column("What", False), Column("Number"), Column("Money")], rows)


def _data(found: Examination) -> Section:
    manifest = found.ledger.manifest
    each = found.purchases_each
    buyers = int(each[1:].sum())
    once = percent(int(each[1]) / buyers) if buyers else UNDEFINED
    mean = f"{int((each * range(len(each))).sum()) / buyers:.1f}" if buyers else UNDEFINED
    headline = (
        f"{count(manifest.n_customers)} customers placed {count(manifest.n_orders)} orders from "
        f"{date(manifest.first_day)} to {date(manifest.last_day)}."
    )
    months = found.months[-_MONTHS_SHOWN:]
    table = pd.DataFrame(
        {
            "month": [_month(m.name) for m in months],
            "purchases": [float(m.purchases) for m in months],
            "money": [m.money / SCALE for m in months],
        }
    )
    pictures = [
        *pictured("Month by month", months_picture(table, [("purchases", "Purchases"), ("money", "Net money")])),
        *pictured("Order values", bars_picture(values_bars(found.sizes), "How many orders have which value")),
    ]
    content = json.loads(manifest.to_json())
    tables = [reconciliation(content, manifest.currency), *(_columns(found, name) for name in found.profiles)]
    words = [f"A customer makes {mean} purchases on average; {once} of those who bought did so once."]
    return Section("data", "What is in the data?", headline, words, pictures, tables)


def _month(name: str) -> str:
    return f"{MONTHS[int(name[5:]) - 1]}{NBSP}{name[:4]}"


def _columns(found: Examination, table: str) -> Table:
    grammar = found.ledger.manifest.grammar if table == "purchases" else {}
    rows = []
    for p in found.profiles[table]:
        ends = f"{p.lowest} to {p.highest}" if p.lowest else ""
        distinct = ("over " if p.more else "") + count(p.distinct) if not p.is_time else ""
        rows.append(
            [Cell(plain(p.name), strong=True), Cell(percent(p.share), bar=p.share), Cell(distinct), Cell(ends),
             Cell(plain(grammar.get(p.name, "")))]
        )  # fmt: skip
    heads = [Column("Column", False), Column("Filled"), Column("Different"), Column("From, to", False),
             Column("Written as", False)]  # fmt: skip
    return Table(f"Columns of the {plain(table)}", heads, rows, folded=table != "purchases")


def _aside(found: Examination) -> Section:
    lines = found.ledger.manifest.lines
    bad = lines["quarantined"]
    headline = (
        f"{count(bad)} of {count(lines['read'])} lines lie in quarantine." if bad else "No line lies in quarantine."
    )
    if found.repairs:
        headline += (
            f" {'One kind of repair was' if len(found.repairs) == 1 else f'{len(found.repairs)} repairs were'} made."
        )
    tables = []
    if found.asides:
        rows = [row(a.table, a.reason, count(a.count), ", ".join(a.places)) for a in found.asides]
        heads = [Column("Table", False), Column("Reason", False), Column("Lines"), Column("The first stand in", False)]
        tables.append(Table("In quarantine", heads, rows))
    if found.repairs:
        tables.append(Table("Repaired while reading", [Column("What", False)], [row(r) for r in found.repairs]))
    words = (
        ["Lines in quarantine are kept with their text, file and line, and are used nowhere."] if found.asides else []
    )
    return Section("aside", "What was repaired or set aside?", headline, words, (), tables)


def _enough(found: Examination) -> Section:
    enough = found.enough
    rows = [
        row(date(day), count(n), count(gone), percent(gone / n) if n else UNDEFINED)
        for day, n, gone in zip(enough.origins, enough.at_risk, enough.silent, strict=False)
    ]
    heads = [Column("Past day", False), Column("Customers at risk"), Column("Bought nothing then"), Column("Share")]
    table = [Table("Where a model can be judged", heads, rows)] if rows else []
    remarks = [plain(f"{capital(remark)}.") for remark in enough.remarks]
    return Section("enough", "Is it enough to train on?", plain(enough.words), remarks, (), table)


def _window(found: Examination) -> Section:
    advice = found.advice
    headline = (
        f"A churn window of {days(advice.proposed)} is proposed."
        if advice.proposed
        else "No window can be proposed yet."
    )
    table = pd.DataFrame(
        [(w.days, w.came_back, w.base_rate) for w in advice.windows], columns=["days", "came_back", "base_rate"]
    ).astype(float)
    gaps = gaps_bars(found.gaps.tolist())
    pictures = [
        *pictured("What a window means", windows_picture(table, advice.proposed)),
        *pictured("Days between purchases", bars_picture(gaps, "How many days pass between purchases")),
    ]
    rows = [
        [
            Cell(count(w.days), strong=w.days == advice.proposed), Cell(count(w.silences)),
            Cell(percent(w.came_back)), Cell(percent(w.base_rate)), Cell(count(w.origins)),
            Cell(count(w.smaller_class)),
        ]
        for w in advice.windows
    ]  # fmt: skip
    heads = [
        Column("Days", False), Column("Silences"), Column("Come back", note=f"within {days(advice.follow_days)}"),
        Column("Fall silent"), Column("Past days"), Column("Smaller class"),
    ]  # fmt: skip
    words = [
        f"{capital(advice.reason)}.",
        f"The horizon in use is {_horizon(found)}. A short window calls people gone who are only late; a long one says "
        "so when it is too late to do anything.",
    ]
    return Section("window", "After how many silent days is a customer gone?", headline, words, pictures,
                   [Table("Churn windows", heads, rows)])  # fmt: skip


def _reading(found: Examination) -> Section:
    glossary = Table("Words", [Column("Word", False), Column("Meaning", False)],
                     [[Cell(word, strong=True), Cell(meaning)] for word, meaning in _WORDS])  # fmt: skip
    words = [f"The data's fingerprint is {plain(found.ledger.manifest.fingerprint[:16])}."]
    return Section("reading", "How to read this?", "What the words mean.", words, (), [glossary])
