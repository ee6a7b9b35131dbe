"""The benchmark's tables: medians and ratios with the goals beside them.

In: costs as `parts` gives them. Out: text. The goals are for the sizes that they name, on two processors.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from .run import Cost, Costs

WAYS = {
    "sort": ("DuckDB's sort of the same columns, dropped (the floor)", ""),
    "memory": ("Regulars, unsorted Parquet to memory", "<= 2.2 x sort, <= 1/8 SQL, <= 2 GB"),
    "parquet": ("Regulars, unsorted Parquet to Parquet", "<= 3.2 x sort"),
    "ledger": ("Regulars, stored ledger to memory", "<= 1.2 x sort"),
    "duckdb": ("DuckDB, one SQL statement", ""),
    "pandas": ("pandas, cutoff by cutoff, days of customers made once", ""),
    "pandas_lines": ("pandas, each cutoff by itself from its lines", ">= 25 x Regulars"),
}
INTAKE = {
    "duckdb": ("DuckDB, read_csv of all columns as text and its sort", ""),
    "ledger": ("Regulars, CSV to a ledger", "<= 2 x wall"),
}
WIDE = 56


def medians(costs: Costs) -> dict[str, Cost]:
    """Of every way, the median of each figure."""
    return {way: {f: statistics.median(c[f] for c in rounds) for f in rounds[0]} for way, rounds in costs.items()}


def of_panel(costs: Costs, lines: int, cutoffs: int) -> str:
    """The ways to the panel against the floor and the rival."""
    found = medians(costs)
    sort, sql, rows = found["sort"]["cpu_s"], found["duckdb"]["cpu_s"], found["memory"]["rows"]
    out = [
        f"{lines:,} purchase lines x {cutoffs} cutoffs -> {rows:,.0f} rows x 80 features, float32; goals at 10M x 12",
        f"{'':{WIDE}}{'CPU s':>8}{'x sort':>8}{'x SQL':>8}{'peak MB':>9}{'wall s':>8}  goal",
    ]
    for way, m in found.items():
        name, goal = WAYS[way]
        ratios = f"{m['cpu_s'] / sort:8.2f}{m['cpu_s'] / sql:8.3f}"
        out.append(f"{name:{WIDE}}{m['cpu_s']:8.2f}{ratios}{m['peak_mb']:9.0f}{m['wall_s']:8.2f}  {goal}".rstrip())
    return "\n".join(out)


def of_cutoffs(costs: Costs, lines: int) -> str:
    """How the cost grows with the number of cutoffs."""
    found = medians(costs)
    goals = {"12": ("1", "<= 3 x"), "36": ("12", "<= 2.5 x")}
    out = [f"{lines:,} purchase lines, stored ledger to memory", f"{'cutoffs':>7}{'CPU s':>8}{'rows':>12}"]
    for n, m in found.items():
        line = f"{n:>7}{m['cpu_s']:8.2f}{m['rows']:12,.0f}"
        if n in goals:
            base, goal = goals[n]
            line += f"   {m['cpu_s'] / found[base]['cpu_s']:.2f} x that of {base} (goal {goal})"
        out.append(line)
    return "\n".join(out)


def of_pandas(costs: Costs, lines: int, cutoffs: int) -> str:
    """pandas against Regulars."""
    found = medians(costs)
    ours = found["ledger"]
    out = [
        f"{lines:,} purchase lines x {cutoffs} cutoffs, stored ledger to memory; goals at 200k x 12",
        f"{'':{WIDE}}{'CPU s':>8}{'x':>7}{'wall s':>8}{'x':>7}{'peak MB':>9}  goal",
    ]
    for way, m in found.items():
        name, goal = WAYS[way] if way != "ledger" else (WAYS[way][0], "")
        spent = "".join(f"{m[f]:8.2f}{m[f] / ours[f]:7.1f}" for f in ("cpu_s", "wall_s"))
        out.append(f"{name:{WIDE}}{spent}{m['peak_mb']:9.0f}  {goal}".rstrip())
    return "\n".join(out)


def of_intake(costs: Costs, lines: int) -> str:
    """The way from a CSV file to a ledger against reading and sorting alone."""
    found = medians(costs)
    floor = found["duckdb"]
    out = [
        f"{lines:,} purchase lines from a CSV file; goal at 10M",
        f"{'':{WIDE}}{'wall s':>8}{'x':>7}{'CPU s':>8}{'x':>7}{'peak MB':>9}  goal",
    ]
    for way, m in found.items():
        name, goal = INTAKE[way]
        spent = "".join(f"{m[f]:8.2f}{m[f] / floor[f]:7.2f}" for f in ("wall_s", "cpu_s"))
        out.append(f"{name:{WIDE}}{spent}{m['peak_mb']:9.0f}  {goal}".rstrip())
    return "\n".join(out)


def of_training(cost: Cost, trials: int) -> str:
    """A whole training, and its parts in units of the fits that are kept."""
    fits = cost["fits_s"]
    boosted = fits + cost["studies_s"] + cost["looks_s"]
    out = [
        f"training on CDNOW: three origins and the final model, {trials} trials a study, {cost['trials']:.0f} in all, "
        f"one thread; {cost['rows']:,.0f} rows for the last fit; peak {cost['peak_mb']:.0f} MB",
        f"{'':{WIDE}}{'CPU s':>8}{'x':>7}  goal",
    ]
    parts = {
        "the fits that are kept": (fits, ""),
        "their rows into bins, and those of the trials": (cost["matrices_s"], ""),
        "the trials' boosting": (cost["studies_s"], ""),
        "judging the trials": (cost["looks_s"], ""),
        "predicting": (cost["predictions_s"], ""),
        "everything": (cost["cpu_s"], "<= 4 x"),
    }
    out += [f"{name:{WIDE}}{spent:8.2f}{spent / fits:7.2f}  {goal}".rstrip() for name, (spent, goal) in parts.items()]
    return "\n".join([*out, f"everything is {cost['cpu_s'] / boosted:.2f} x all boosting, trials included"])


def of_scoring(cost: Cost) -> str:
    """All scores of many customers, in units of the boosters' own predictions."""
    boosters = cost["boosters_s"]
    out = [
        f"scoring {cost['rows']:,.0f} customers from features in memory: {cost['columns']:.0f} columns but reasons, "
        f"{cost['long_rows']:,.0f} rows of all horizons; one thread; peak {cost['peak_mb']:.0f} MB",
        f"{'':{WIDE}}{'CPU s':>8}{'x':>7}  goal",
    ]
    parts = {
        "the boosters' own predictions": (boosters, ""),
        "everything, at all horizons": (cost["cpu_s"], "<= 2 x at 1M"),
    }
    out += [
        f"{name:{WIDE}}{spent:8.2f}{spent / boosters:7.2f}  {goal}".rstrip() for name, (spent, goal) in parts.items()
    ]
    return "\n".join(out)


def of_one(found: Sequence[Cost], calls: int) -> str:
    """One customer alone."""
    out = [f"one customer, from lines in memory to the 80 values at one cutoff, median of {calls:,} calls"]
    for one in found:
        who = f"{one['customers']:.0f} customers of " if one["customers"] > 1 else ""
        what = f"{who}{one['purchases']:.0f} purchases in {one['lines']:.0f} lines"
        out.append(f"{what}: {one['cpu_ms']:.2f} ms of CPU")
    return "\n".join([*out[:1], f"{out[1]} (goal <= 1 ms)", *out[2:]])


def of_families(found: Sequence[dict[str, float | str]], lines: int, cutoffs: int) -> str:
    """Every family of the catalogue."""
    out = [
        f"every family alone, {lines:,} purchase lines x {cutoffs} cutoffs, from numbers in memory",
        f"{'':20}{'features':>9}{'CPU ns a feature and row':>26}",
    ]
    out += [f"{f['family']:20}{f['features']:9}{f['cpu_ns']:26.1f}" for f in found]
    return "\n".join(out)


def of_big(cost: Cost, lines: int, cutoffs: int) -> str:
    """Many purchases to Parquet."""
    spent = f"{cost['wall_s']:.0f} s, {cost['cpu_s']:.0f} s of CPU, peak {cost['peak_mb'] / 1024:.1f} GB"
    goal = "goal at 100M x 12: <= 240 s, < 8 GB"
    return f"{lines:,} purchase lines x {cutoffs} cutoffs to Parquet: {cost['rows']:,.0f} rows: {spent} ({goal})"


def of_featuretools(costs: dict[str, dict[str, Cost]], lines: int) -> str:
    """The peer, on the features that it can express."""
    out = [f"{lines:,} purchase lines; both from the stored ledger to memory"]
    for n, both in costs.items():
        ours, theirs = both["ledger"], both["featuretools"]
        per = {name: c["cpu_s"] / c["features"] for name, c in both.items()}
        line = f"{n} cutoffs: Regulars {ours['cpu_s']:.2f} s for {ours['features']:.0f} features, "
        line += f"featuretools {theirs['cpu_s']:.2f} s for {theirs['features']:.0f}: "
        out.append(line + f"{per['featuretools'] / per['ledger']:,.0f} x the CPU a feature")
    return "\n".join(out)
