"""The accuracy benchmark as Markdown: a row per set and origin, the means, what was missing, what it cost.

In: rows and the summary as `figures` gives them, costs and notes. Out: text. Nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..run import Cost
from .figures import TOLERATED_PERCENT, Row
from .worth import GOALS, UPPER

COLUMNS = {
    "regulars": "Regulars",
    "xgb_panel": "XGBoost panel",
    "bg_nbd": "BG/NBD",
    "pareto_nbd": "Pareto/NBD",
    "naive": "rule",
    "lifetimes_bg": "lifetimes BG",
    "lifetimes_pareto": "lifetimes Pareto",
    "pymc_bg": "PyMC BG",
    "pymc_pareto": "PyMC Pareto",
    "lightgbm": "LightGBM panel",
}
AGAINST = {"btyd": "better BTYD", "panel": "panel"}


def of_rows(rows: Sequence[Row]) -> str:
    """Log losses of all models, and of ours AUC, ECE, and how much of the loss is level."""
    there = [m for m in COLUMNS if any(not r["refused"] and r["log_loss"].get(m) is not None for r in rows)]
    heads = ["data", "days", "origin", "n", "silent", *(COLUMNS[m] for m in there)]
    heads += [f"against {name}, % (90 %)" for name in AGAINST.values()] + ["AUC", "ECE", "level"]
    return _table(heads, [_cells(r, there) for r in rows])


def _cells(r: Row, there: Sequence[str]) -> list[str]:
    about = [r["title"], str(r["horizon_days"]), str(r["origin"] or "-"), f"{r['n']:,}"]
    if r["refused"]:
        return [*about, "-", *("-" for _ in there), *("-" for _ in AGAINST), "-", "-", "-"]
    losses = {m: r["log_loss"][m] for m in there}
    least = min(v for v in losses.values() if v is not None)
    shown = [_bold(_fixed(v), v is not None and v == least) for v in losses.values()]
    own = [_fixed(r[figure]["regulars"]) for figure in ("auc", "ece", "level_loss")]
    return [*about, f"{r['base_rate']:.1%}", *shown, *(between(r["against"][k]) for k in AGAINST), *own]


def of_summary(summary: Row) -> str:
    """The means, and whether the rule holds."""
    heads = ["log loss against", "mean of origins, % (90 %)", "mean of sets, %"]
    names = {**AGAINST, "better": "better of both"}
    body = [[name, between(summary[k]), _signed(summary[k]["percent_of_sets"])] for k, name in names.items()]
    broken = ", ".join(summary["shown_worse"]) or "none"
    return "\n\n".join(
        [
            f"{summary['set_origins']} origins of {summary['sets']} sets; below 0: Regulars is better.",
            _table(heads, body),
            f"Worst against the better of both: {_signed(summary['worst_percent'])} %. Shown to be more than "
            f"{TOLERATED_PERCENT:g} % worse (lower end of the interval): {broken}.",
        ]
    )


def of_value_rows(rows: Sequence[Row]) -> str:
    """Normalised Gini and Tweedie deviance of all models; bias, top decile and coverage of ours."""
    models = list(COLUMNS)[:5]
    heads = ["data", "days", "origin", "n", *(f"Gini {COLUMNS[m]}" for m in models)]
    heads += [f"deviance {COLUMNS[m]}" for m in models] + ["against better BTYD, % (90 %)", "bias", "BTYD's bias"]
    heads += ["twin", "top decile", "BTYD's", "WAPE", "coverage by fifth, lowest first", "90 % bound by fifth"]
    return _table(heads, [_value_cells(r, models) for r in rows]) if rows else ""


def _value_cells(r: Row, models: Sequence[str]) -> list[str]:
    about = [r["title"], str(r["horizon_days"]), str(r["origin"]), f"{r['n']:,}"]
    gini, cost = ({m: r[figure][m] for m in models} for figure in ("gini", "tweedie_deviance"))
    most = max((v for v in gini.values() if v is not None), default=None)
    least = min((v for v in cost.values() if v is not None), default=None)
    shown = [_bold(_fixed(v, 3), v is not None and v == most) for v in gini.values()]
    shown += [_bold(_fixed(v, 2), v is not None and v == least) for v in cost.values()]
    classic = r["deviance_against"]["model"]
    rest = [between(r["deviance_against"]), _fixed(r["bias"]["regulars"], 2), _fixed(r["bias"].get(classic), 2)]
    rest += ["yes" if r["twin"] else "no", _fixed(r["top_decile_capture"]["regulars"], 3)]
    rest += [_fixed(r["top_decile_capture"].get(classic), 3), _fixed(r["wape"]["regulars"], 3)]
    fifths = r["intervals"]["by_quintile"] if r["intervals"] else []
    return [*about, *shown, *rest, _parts(fifths, "coverage"), _parts(fifths, "upper_coverage")]


def _parts(fifths: Sequence[Row], figure: str) -> str:
    return " ".join(_fixed(part[figure], 2) for part in fifths) or "-"


def of_value_summary(summary: Row) -> str:
    """The means, and where a goal is missed."""
    gain, cost = summary["gini_gain"], summary["deviance_percent"]
    if gain["mean"] is None:
        return ""
    goal = GOALS["gini"]
    said = [
        f"Gini against the better BTYD x Gamma-Gamma: {gain['mean']:+.4f} over origins, {gain['mean_of_sets']:+.4f} "
        f"over sets (goal {goal:+g}), least {gain['least']:+.4f}.",
        f"Deviance against the better BTYD x Gamma-Gamma: {_signed(cost['mean'])} % over origins, "
        f"{_signed(cost['mean_of_sets'])} % over sets; above it at: {_listed(summary['worse'])}; shown to be: "
        f"{_listed(summary['shown_worse'])}.",
        f"Bias off by more than {GOALS['bias_with_twin']:g} with a twin or {GOALS['bias_without']:g} without: "
        f"{_listed(summary['biased'])}.",
        f"80 % intervals, {summary['fifths']} fifths: covering less than {GOALS['coverage']:.0%}: "
        f"{_listed(summary['covered_too_little'])}; more than {GOALS['coverage_most']:.0%} where P(0) is below .2: "
        f"{_listed(summary['covered_too_much'])}; 90 % bound outside {UPPER[0]:g} to {UPPER[1]:g}, "
        f"where P(0) is below .9: {_listed(summary['bound_off'])}.",
    ]
    return "\n\n".join(said)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def of_costs(costs: Mapping[str, Mapping[str, Cost]]) -> str:
    """CPU seconds of everyone by set, and our peak memory."""
    others = list(dict.fromkeys(name for one in costs.values() for name in one if name != "regulars"))
    body = []
    for name, one in costs.items():
        ours = one["regulars"]
        theirs = [f"{one[o]['cpu_s']:.0f}" if o in one else "-" for o in others]
        body.append([name, f"{ours['cpu_s']:.0f}", f"{ours['peak_mb']:.0f}", *theirs])
    total = sum(one["regulars"]["cpu_s"] for one in costs.values())
    body.append(["all", f"{total:.0f}", "-", *("-" for _ in others)])
    return _table(["set", "all models of ours, CPU s", "peak MB", *(f"{o}, CPU s" for o in others)], body)


def of_grades(grades: Mapping[str, Row]) -> str:
    """The grade that the backtest of each set gives; empty where none gives one."""
    if not grades:
        return ""
    return _table(["set", "grade of churn", "who speaks"], [[k, g["grade"], g["champion"]] for k, g in grades.items()])


def between(found: Row) -> str:
    """A change with its interval."""
    if found["percent"] is None:
        return "-"
    if found["ci"] is None:
        return _signed(found["percent"])
    return f"{_signed(found['percent'])} ({_signed(found['ci'][0])} to {_signed(found['ci'][1])})"


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+.1f}"


def _fixed(value: float | None, digits: int = 4) -> str:
    return "-" if value is None else f"{value:.{digits}f}".removeprefix("0")


def _bold(text: str, yes: bool) -> str:
    return f"**{text}**" if yes else text


def _table(heads: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *body]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
