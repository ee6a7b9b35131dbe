"""The chapters on the data and on reading the report: what was read, what was left out, what the words mean.

In: the checked report. Out: sections in plain words. What the manifest does not tell is "not defined here".
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

import pandas as pd

from .blocks import Cell, Column, Section, Table, further, pictured, row
from .comparison import origins
from .figures import months_picture
from .inputs import ReportInput, branch, entries, number
from .notation import NBSP, UNDEFINED, count, date, days, money, percent, plain

SHOWN_SOURCES = 5
FATES = {
    "used": "used",
    "guest": "guests: lines without a customer",
    "merged": "merged: the same lines delivered twice",
    "quarantined": "quarantined: could not be read safely",
    "dropped": "dropped: by the configuration",
    "erased": "erased: of customers who asked to be forgotten",
}
WORDS = (
    ("Order", "All lines of one customer with the same order number; without numbers, of the same day."),
    ("Purchase", "An order with at least one line of positive amount. Returns and free orders are none."),
    ("Left, not buying", "No purchase within the window that is named. Customers sign no contract, so leaving is never "
     "certain: it always means within so many days."),
    ("Chance of not buying", "The probability of no purchase in the window. Of 100 customers with 30 %, about 30 will "
     "not buy."),
    ("Expected spend", "The mean of what a customer like this spends in the window, zeros included, returns "
     "subtracted unless configured otherwise. Meant for sums over customers: one customer alone mostly spends nothing, "
     "or more."),
    ("Spent so far", "What was spent before the day of the scores. History, never a forecast."),
    ("High value, low value", "By expected spend: the line is drawn, when the model is trained, where those above it "
     "hold 80 % of what is expected."),
    ("80 % interval, 90 % bound", "Where the spend of one customer will lie in eight of ten such cases; what it will "
     "not exceed in nine of ten. Learnt from how far off forecasts were."),
    ("Lifetime value", "The margin on all future purchases up to the horizon that is named, later money counting less. "
     "Past purchases are not in it."),
    ("Late", "Silent for longer than nine of ten gaps between this customer's orders would last."),
    ("c-index", "Of two customers, how often the one forecast to buy earlier did. 0.5 is chance, 1 is perfect."),
    ("Worth if kept", "Mean order times the usual number of orders in the window, at least one."),
    ("At stake", "Worth if kept times the chance of not buying."),
    ("Grade", "A: surely better than the simple rule and the better classical model: the 90 % interval of the gain is "
     "above 0 for both. B: surely better than the rule, and at most 1 % worse than the classical model. C: otherwise; "
     "then the better of these rivals speaks instead."),
    ("Level and ranking", "Level: how many leave in all. Ranking: who. A forecast can have the one right without the "
     "other."),
    ("Check", "A day in the past at which the model was trained on what was known that day and judged on what came "
     "after it."),
    ("Base rate", "The share of customers that did not buy in the window."),
    ("90 % interval", "A range made by a procedure that covers the true figure nine times in ten."),
    ("Log loss", "The price of wrong probabilities: being sure and wrong costs most. 0 is perfect."),
    ("Brier", "Mean squared distance between probability and what happened. 0 is perfect."),
    ("AUC", "How often one who left was ranked above one who stayed. 0.5 is chance, 1 is perfect."),
    ("PR AUC", "How pure the top of the ranking is, over all cut-offs. Chance is the base rate, 1 is perfect."),
    ("ECE", "Mean distance between forecast and actual share over ten groups. 0 is perfect."),
    ("Tweedie deviance", "The price of wrong spend forecasts, made for many zeros and a long tail. Lower is better."),
    ("Gini", "How well spend was ranked: 0 is chance, 1 is perfect."),
    ("Top-tenth capture", "The share of the money spent by the tenth with the highest forecast."),
    ("Bias", "Forecast money divided by money spent, over all customers. 1 is right."),
    ("MAE, WAPE", "Mean absolute error of spend, and the same divided by the mean spend."),
    ("Spearman", "Agreement of forecast and actual order of spend: 0 is none, 1 is perfect."),
    ("BG/NBD, Pareto/NBD", "The classical models: each customer buys at an own pace and stops at an unknown moment."),
    ("Simple rule", "Who has not bought for some time counts as lost; the best such rule in the past speaks."),
    ("Boosted trees alone", "The same features and trees without the classical models."),
)  # fmt: skip


def data(report: ReportInput) -> Section:
    """What was read, what could be used, how many bought nothing in the past."""
    manifest, lines = report.manifest, branch(report.manifest, "lines")
    read, used = number(lines.get("read")), number(lines.get("used"))
    share = f"{percent(used / read)} of {count(read)} lines could be used." if read and used is not None else ""
    headline = (
        f"{count(manifest.get('n_customers'))} customers placed {count(manifest.get('n_orders'))} orders from "
        f"{date(manifest.get('first_day'))} to {date(manifest.get('last_day'))}. {share}"
    ).strip()
    if number(manifest.get("n_customers")) is None:
        headline = f"How many customers there are is not defined here. {share}".strip()
    months, measures = _months(manifest)
    note = "Calendar months; the first and the last may be incomplete."
    return Section(
        "data",
        "What is this based on?",
        headline,
        [_base_rates(report), *_enough(report), _adds_up(lines, branch(manifest, "money"), report.currency)],
        pictured("Month by month", months_picture(months, measures), note),
        [*_limits(report), reconciliation(manifest, report.currency), *_remarks(manifest)],
    )


def _base_rates(report: ReportInput) -> str:
    rates = [r for o in origins(report) if (r := number(o.get("base_rate"))) is not None]
    window = days(report.horizon_days)
    if not rates:
        return f"How many customers buy nothing within {window} is not defined here: there was no check in the past."
    if len(rates) == 1:
        return f"Base rate: at the one check in the past {percent(rates[0])} bought nothing within {window}."
    return (
        f"Base rate: at the {len(rates)} checks in the past {percent(min(rates))} to {percent(max(rates))} "
        f"of the customers bought nothing within {window}."
    )


def _enough(report: ReportInput) -> list[str]:
    """The verdict before training, whether the data are enough; nothing where none was kept."""
    said = plain(branch(report.backtest, "enough").get("words") or "")
    return [f"Is it enough? {said}"] if said else []


def _limits(report: ReportInput) -> list[Table]:
    """What the verdict remarks although it refuses nothing."""
    given = branch(report.backtest, "enough").get("remarks")
    texts = [plain(t) for t in given] if isinstance(given, (list, tuple)) else []
    rows = [row(f"{t[:1].upper()}{t[1:]}.") for t in texts if t]
    return [Table("What to keep in mind with so much data", [Column("Remark", False)], rows)] if rows else []


def _adds_up(lines: Mapping[str, object], amounts: Mapping[str, object], currency: str) -> str:
    """Whether read equals the sum of the fates, for lines and for money."""
    said = []
    for name, verb, figures in (("lines", "", lines), ("money", "s", amounts)):
        read, parts = number(figures.get("read")), [number(figures.get(f)) for f in FATES]
        if read is None or all(p is None for p in parts):
            continue
        gap = read - sum(p for p in parts if p is not None)
        shown = count(gap) if name == "lines" else money(gap, currency)
        added = (
            f"add{verb} up" if abs(gap) < 0.00005 else f"do{'es' if verb else ''} not add up: {shown} unaccounted for"
        )
        said.append(f"the {name} {added}")
    return f"Every line read has one fate: {', '.join(said)}." if said else "The fate of lines is not defined here."


def reconciliation(manifest: Mapping[str, object], currency: str) -> Table:
    """Where every line went, with its money."""
    lines, amounts = branch(manifest, "lines"), branch(manifest, "money")
    read = number(lines.get("read"))
    whole = f"100{NBSP}%" if read else UNDEFINED
    first = ("read", count(read), whole, money(amounts.get("read"), currency))
    rows = [[Cell(text, strong=True) for text in first]]
    for fate, words in FATES.items():
        n = number(lines.get(fate))
        if n is None and amounts.get(fate) is None:
            continue
        share = percent(n / read) if read and n is not None else UNDEFINED
        rows.append(row(words, count(n), share, money(amounts.get(fate), currency)))
    return Table(
        "Where every line went", [Column("Lines", False), Column("Number"), Column("Share"), Column("Money")], rows
    )


def _sentences(value: object) -> list[str]:
    """The entries of a list or mapping of whatever shape, one text each."""
    if isinstance(value, Mapping) and "what" in value:
        example = f", such as {plain(value['example'])}" if value.get("example") else ""
        return [f"{plain(value['what'])}: {count(value.get('count'))} lines{example}"]
    if isinstance(value, Mapping):
        return [f"{plain(k)}: {'; '.join(_sentences(v))}" for k, v in value.items()]
    if isinstance(value, (list, tuple)):
        return [", ".join(_sentences(v)) for v in value]
    return [] if value in (None, "") else [plain(value)]


def _remarks(manifest: Mapping[str, object]) -> list[Table]:
    tables = []
    for key, caption in (("repairs", "What was repaired while reading"), ("notes", "What was noticed while reading")):
        texts = [t for t in _sentences(manifest.get(key)) if t]
        if texts:
            tables.append(Table(caption, [Column("Remark", False)], [row(t) for t in texts], folded=True))
    return tables


def _months(manifest: Mapping[str, object]) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """Orders, customers and revenue per month, as far as the manifest tells them."""
    names = {"orders": "Orders", "customers": "Customers who bought", "revenue": "Revenue"}
    found = [m for m in entries(manifest.get("months")) if _month(m.get("month")) is not None]
    table = pd.DataFrame({"month": [_month(m["month"]) for m in found]})
    measures = []
    for key, name in names.items():
        values = [number(m.get(key)) for m in found]
        if found and all(v is not None for v in values):
            table[key] = pd.Series(values, dtype=float)
            measures.append((key, name))
    return table, measures


def _month(text: object) -> str | None:
    """`2017-03` in words; None when it is no month."""
    words = date(f"{text}-01").split(NBSP)
    return NBSP.join(words[1:]) if len(words) == 3 and words[0] == "1" else None


def reading(report: ReportInput) -> Section:
    """How to read the report, what it leaves out, its words, and where it comes from."""
    money_words = (
        f"Money is in {plain(report.currency)}"
        if report.currency
        else "Money is in the currency of the data, which names none"
    )
    words = [
        "A chance is not a verdict: with 90 % one in ten still buys. Use chances to rank and to add up, not to label.",
        "Every figure on quality comes from checks in the past, at which the model could not see the future. Intervals "
        "cover the luck of the draw among customers; that one season differs from the next shows in the checks.",
        "Left out: customers without a purchase before the date of the scores, lines without a customer, and the "
        f"effect of any offer. {money_words}.",
    ]
    glossary = Table("Words", [Column("Word", False), Column("Meaning", False)],
                     [[Cell(word, strong=True), Cell(meaning)] for word, meaning in WORDS], folded=True)  # fmt: skip
    return Section("reading", "How to read this?", "What the figures mean, and what they leave out.", words, (),
                   [*further(report.beside), glossary, _origin_of(report)])  # fmt: skip


def _origin_of(report: ReportInput) -> Table:
    """The model's card and the fingerprint of the data."""
    card = {f"model: {k}".replace("_", " "): plain(v) for k, v in report.model.items()}
    speakers = report.scores["model"].value_counts() if "model" in report.scores.columns else pd.Series(dtype=int)
    card |= {f"scores by {plain(k)}": count(v) for k, v in sorted(speakers.items(), key=lambda item: str(item[0]))}
    fingerprint = report.manifest.get("fingerprint")
    if fingerprint:
        card["data: fingerprint"] = "; ".join(_sentences(fingerprint))
    names = [_file_name(s) for s in _sources(report.manifest.get("sources"))]
    if names:
        more = f" and {count(len(names) - SHOWN_SOURCES)} more" if len(names) > SHOWN_SOURCES else ""
        card["data: sources"] = ", ".join(names[:SHOWN_SOURCES]) + more
    card["scores as of"] = date(report.as_of)
    rows = [row(k, v) for k, v in card.items()]
    return Table("Where this comes from", [Column("What", False), Column("Which", False)], rows, folded=True)


def _sources(value: object) -> list[str]:
    if isinstance(value, Mapping):
        return [str(value["file"])] if value.get("file") else []
    if isinstance(value, (list, tuple)):
        return [text for v in value for text in _sources(v)]
    return [] if value in (None, "") else [str(value)]


def _file_name(source: str) -> str:
    """The last part of a path or address: no folders, no user, no password."""
    return plain(PurePosixPath(source.replace("\\", "/").split("?")[0]).name.rsplit("@", 1)[-1])
