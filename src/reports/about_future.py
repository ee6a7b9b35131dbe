"""The chapters on further horizons and on lifetime value.

In: the checked report and its customers. Out: sections in plain words. With one horizon only, or without lifetime
values, it is said so. Values of newcomers and prospects are those of their cohorts, and are marked.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..models.concentration import HELD
from .blocks import Cell, Column, Section, Table, pictured, row
from .columns import prospects, purchase_days
from .inputs import ReportInput, branch, entries, number
from .listing import first_column, has, naming, so_far
from .notation import UNDEFINED, count, days, figure, money, percent, plain, short_money
from .panels import share_text
from .value import holders, lifetime_tenths
from .value_figures import ahead_picture, held_picture, lifetime_picture
from .value_panels import Ahead

FURTHER = "How does it go on?"
LIFETIME = "What is a customer worth in the long run?"
LISTED = 10
WARNED = 2
"""So many warnings stand in the words; the rest is folded."""
YEAR_DAYS = 365.25
BASES = {
    "purchases": "customers, by their own purchases",
    "newcomer": "newcomers, by their cohort",
    "prospect": "prospects, who never bought, by their cohort",
}


def totals(horizons: pd.DataFrame | None) -> pd.DataFrame:
    """What is expected of all customers together within each horizon.

    Returns
    -------
    DataFrame with columns horizon_days, n, buying (mean share), orders (sum; NaN untold), spend (sum), trained_days
        No rows without horizons.

    Examples
    --------
    >>> two = pd.DataFrame({"customer_id": ["a", "b"], "horizon_days": [30.0, 30.0], "p_churn": [0.2, 0.6],
    ...                     "expected_spend": [8.0, 2.0]})
    >>> totals(two)[["horizon_days", "buying", "spend"]].round(6).values.tolist()
    [[30.0, 0.6, 10.0]]
    """
    names = ["horizon_days", "n", "buying", "orders", "spend", "trained_days"]
    if horizons is None or horizons.empty:
        return pd.DataFrame({name: pd.Series(dtype=float) for name in names})
    known = horizons.assign(
        buying=1 - horizons["p_churn"],
        orders=horizons.get("expected_orders", pd.Series(np.nan, index=horizons.index)),
        trained_days=horizons.get("trained_days", pd.Series(np.nan, index=horizons.index)),
    ).groupby("horizon_days")
    found = known.agg(n=("customer_id", "size"), buying=("buying", "mean"), trained_days=("trained_days", "min"))
    sums = known[["orders", "expected_spend"]].sum(min_count=1).rename(columns={"expected_spend": "spend"})
    return found.join(sums).reset_index()[names]


def further(report: ReportInput, customers: pd.DataFrame) -> Section:
    """Who buys and what is spent within each horizon."""
    table = totals(report.horizons)
    if len(table) < 2:
        return Section(
            "horizons", FURTHER,
            f"Only one horizon, {days(report.horizon_days)}, is forecast. With several in horizon_days of [target], "
            "this chapter shows them all.",
        )  # fmt: skip
    first, last = table.iloc[0], table.iloc[-1]
    headline = (
        f"Within {days(int(first['horizon_days']))} {percent(first['buying'])} of the customers will buy, for "
        f"{money(first['spend'], report.currency)} in all; within {days(int(last['horizon_days']))} "
        f"{percent(last['buying'])}, for {money(last['spend'], report.currency)}."
    )
    words = [
        "The horizons agree with each other for every customer: the longer it is, the surer a purchase, and the more "
        "is spent.",
        *_carried(table),
    ]
    note = f"Bars are forecasts for all customers together{_unit(report)}; each holds the one to its left."
    picture = ahead_picture(_ahead(customers, table))
    return Section(
        "horizons", FURTHER, headline, words, pictured("What is expected within so many days", picture, note),
        [_totals_table(report, table), *_checks_table(report)],
    )  # fmt: skip


def _unit(report: ReportInput) -> str:
    return f", in {plain(report.currency)}" if report.currency else ""


def _ahead(customers: pd.DataFrame, table: pd.DataFrame) -> list[Ahead]:
    """Share who buy within days, of the timing and of the horizons, and spend within the horizons."""
    known = [d for d in purchase_days(customers) if has(customers, f"p_purchase_{d}d")]
    buying = {d: float(customers[f"p_purchase_{d}d"].mean()) for d in known}
    buying |= {int(r["horizon_days"]): float(r["buying"]) for r in table.to_dict("records")}
    shares = [buying[d] for d in sorted(buying)]
    spend = table.dropna(subset=["spend"])
    ahead = spend["horizon_days"].astype(int).tolist()
    return [
        Ahead("Share of the customers who will buy", sorted(buying), shares, lambda v: share_text(round(v, 2))),
        Ahead("Expected spend, all customers together", ahead, spend["spend"].tolist(), short_money),
    ]


def _carried(table: pd.DataFrame) -> list[str]:
    """Horizons that were longer than anything one could learn from."""
    carried = table[table["trained_days"] < table["horizon_days"]]
    return [
        f"No history was long enough to learn {days(int(r['horizon_days']))} ahead: models of "
        f"{days(int(r['trained_days']))} are carried there by the classical models."
        for r in carried.to_dict("records")
    ]


def _totals_table(report: ReportInput, table: pd.DataFrame) -> Table:
    columns = [Column("Within", False), Column("Will buy", note="customers"), Column("Share"),
               Column("Expected orders"), Column("Expected spend"), Column("per customer")]  # fmt: skip
    rows = [
        row(
            days(int(r["horizon_days"])), count(r["buying"] * r["n"]), percent(r["buying"]), count(r["orders"]),
            money(r["spend"], report.currency), money(r["spend"] / r["n"], report.currency),
        )
        for r in table.to_dict("records")
    ]  # fmt: skip
    return Table("Horizon by horizon", columns, rows)


def _checks_table(report: ReportInput) -> list[Table]:
    """How the further horizons did at the checks, where their windows had closed."""
    found = [h for h in entries(branch(report.backtest, "pooled").get("horizons")) if number(h.get("horizon_days"))]
    if not found:
        return []
    columns = [Column("Within", False), Column("Forecasts"), Column("AUC"), Column("Log loss"),
               Column("Gini of spend"), Column("Bias of spend", note="1 is right"),
               Column("Within the interval")]  # fmt: skip
    rows = [
        row(
            days(int(number(h["horizon_days"]) or 0)), count(h.get("n")), figure(branch(h, "churn").get("auc")),
            figure(branch(h, "churn").get("log_loss"), 4), figure(branch(h, "value").get("gini")),
            figure(branch(h, "value").get("bias"), 2), percent(branch(h, "intervals").get("coverage")),
        )
        for h in found
    ]  # fmt: skip
    note = (
        f"{UNDEFINED.capitalize()}: at no check had so long a window closed."
        if any(not h.get("n") for h in found)
        else ""
    )
    return [Table("How the further horizons did at the checks", columns, rows, folded=True, note=note)]


def lifetime(report: ReportInput, customers: pd.DataFrame) -> Section:
    """What all future purchases are worth, how few hold it, and how far such a figure goes."""
    if not has(customers, "lifetime_value"):
        return Section("lifetime", LIFETIME, "Lifetime value is not part of these scores.")
    values, terms = customers["lifetime_value"], report.lifetime or {}
    total = values.sum()
    n = holders(values)
    headline = f"Customers of today will bring {money(total, report.currency)} {_until(terms)}{_sure(report, terms)}"
    headline += f"; {count(n)} of them, {percent(n / len(customers))}, hold {share_text(HELD)} of it." if n else "."
    held = held_picture(
        [("lifetime", values), ("expected", customers["expected_spend"])],
        "Share of lifetime value held by the customers with most of it",
    )
    pictures = [
        *pictured(
            "Lifetime value, mean per tenth", lifetime_picture(lifetime_tenths(customers)),
            f"The line: from the mean lower to the mean upper end of the customers' intervals{_unit(report)}.",
        ),
        *pictured("How few hold how much", held, "Above the other line: in the long run fewer customers matter. "
                  "Below it: more of them do."),
    ]  # fmt: skip
    tables = [_by_basis(report), *_best(report, customers), *_more_warnings(terms)]
    return Section("lifetime", LIFETIME, headline, _lifetime_words(report, customers, terms), pictures, tables)


def _sure(report: ReportInput, terms: Mapping[str, object]) -> str:
    """The interval of the total, where it is known."""
    about = branch(terms, "total")
    low, high = number(about.get("low")), number(about.get("high"))
    if low is None or high is None:
        return ""
    level = percent(number(about.get("level")) or 0.9)
    return f" ({level} interval {money(low, report.currency)} to {money(high, report.currency)})"


def _until(terms: Mapping[str, object]) -> str:
    ahead = number(terms.get("horizon_days"))
    if ahead is None:
        return "in the long run"
    years = ahead / YEAR_DAYS
    if years < 0.95:
        return f"in the next {days(round(ahead))}"
    return (
        "in the next year"
        if abs(years - 1) < 0.05
        else f"in the next {figure(years, 0 if abs(years - round(years)) < 0.05 else 1)} years"
    )


def _lifetime_words(report: ReportInput, customers: pd.DataFrame, terms: Mapping[str, object]) -> list[str]:
    rate, margin = number(terms.get("discount_rate")), number(terms.get("margin"))
    counted = []
    if margin is not None:
        counted.append("the whole revenue (margin 100\u00a0%)" if margin == 1 else f"a margin of {percent(margin)}")
    if rate is not None:
        counted.append(f"discounted by {percent(rate)} a year" if rate > 0 else "not discounted")
    words = [
        "Lifetime value is a forecast of future purchases only; what was spent so far is not in it."
        + (f" It counts {', '.join(counted)}." if counted else "")
    ]
    ever = customers["lifetime_value_ever"].sum(min_count=1) if has(customers, "lifetime_value_ever") else np.nan
    if np.isfinite(ever):
        words.append(f"With no end at all it would be {money(ever, report.currency)}.")
    words += _warnings(terms)[:WARNED]
    new = int((customers["basis"] == "newcomer").sum()) if "basis" in customers.columns else 0
    if new:
        words.append(
            f"{count(new)} newcomers have too short a history of their own: theirs is the value of their cohort, of "
            "those who came like them, and is marked in lists."
        )
    return words


def _warnings(terms: Mapping[str, object]) -> list[str]:
    given = terms.get("warnings")
    texts = [plain(w) for w in given if w] if isinstance(given, (list, tuple)) else []
    return [f"{t[:1].upper()}{t[1:]}." for t in texts]


def _more_warnings(terms: Mapping[str, object]) -> list[Table]:
    """Those for which the chapter has no room."""
    rows = [row(text) for text in _warnings(terms)[WARNED:]]
    return (
        [Table("More on how lifetime value is counted", [Column("Remark", False)], rows, folded=True)] if rows else []
    )


def _best(report: ReportInput, customers: pd.DataFrame) -> list[Table]:
    top = customers.dropna(subset=["lifetime_value"]).sort_values(
        ["lifetime_value", "customer_id"], ascending=[False, True]
    )
    name_of, unit = naming(report), report.currency
    rows = []
    for r in top.head(LISTED).to_dict("records"):
        low, high = number(r.get("lifetime_low")), number(r.get("lifetime_high"))
        ends = f"{money(low)} to {money(high)}" if low is not None and high is not None else ""
        chance, soon = Cell(percent(r["p_churn"])), Cell(money(r["expected_spend"], unit))
        rows.append(
            [name_of(r), Cell(money(r["lifetime_value"], unit), ends, strong=True), chance, soon, so_far(r, unit)]
        )
    columns = [first_column(report), Column("Lifetime value"), Column("Chance of not buying"),
               Column("Expected spend", note=f"next {days(report.horizon_days)}"), Column("Spent so far")]  # fmt: skip
    return [Table(f"The {len(rows)} with the highest lifetime value", columns, rows, folded=True)]


def _by_basis(report: ReportInput) -> Table:
    """What the values rest on; prospects are counted here, and nowhere else."""
    scores = report.scores
    if "basis" not in scores.columns:
        scores = scores.assign(basis="purchases")
    columns = [Column("Whose", False), Column("How many"), Column("Lifetime value", note="together"),
               Column("per head")]  # fmt: skip
    rows = []
    for basis, words in BASES.items():
        part = scores.loc[scores["basis"] == basis, "lifetime_value"]
        if len(part):
            rows.append(
                row(words, count(len(part)), money(part.sum(min_count=1), report.currency),
                    money(part.mean(), report.currency))
            )  # fmt: skip
    return Table("What the values rest on", columns, rows, folded=not prospects(report.scores).any())
