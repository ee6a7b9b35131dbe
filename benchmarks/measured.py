"""Measurement on real data: a published experiment, groceries treated alike, campaigns that somebody chose.

In: Hillstrom's experiment from the folder that REGULARS_DATA names, Complete Journey from its wheel; how many draws.
Out: tables on the screen; data that are not at hand are said to be missing. `python -m benchmarks.measured`.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from regulars.config import Config
from regulars.intake import build_ledger
from regulars.offers.cuped import adjusted
from regulars.offers.trial import Trial
from regulars.offers.verdict import Measured, measured
from regulars.pipelines.campaign.measure import Measurement, measure
from regulars.pipelines.demo_data import purchases_of

from .accuracy.sets import Missing, given

PUBLISHED = {
    ("Mens E-Mail", "visit"): 7.66,
    ("Womens E-Mail", "visit"): 4.52,
    ("Mens E-Mail", "conversion"): 0.68,
    ("Womens E-Mail", "conversion"): 0.31,
    ("Mens E-Mail", "spend"): 0.770,
    ("Womens E-Mail", "spend"): 0.424,
}
BEFORE = ("history", "recency", "mens", "womens", "newbie", "zip_code", "channel")
HOLDOUTS = (("2017-07-01", 30), ("2017-10-02", 30), ("2017-10-02", 90))


def hillstrom() -> Measured:
    """64,000 customers, two mails and none, drawn by lot in 2008."""
    frame = pq.read_table(given("hillstrom.parquet")).to_pandas()
    arms = ("No E-Mail", "Mens E-Mail", "Womens E-Mail")
    shares: dict[str, float] = dict.fromkeys(arms, 1 / 3)
    outcomes = ["visit", "conversion", "spend"]
    return measured(
        Trial.of(frame, "segment", arms[0], outcomes, BEFORE, randomised="by lot", shares=shares, currency="USD")
    )


def of_hillstrom(found: Measured) -> str:
    """The effects beside the published ones."""
    rows = [
        (e.arm, e.outcome, f"{PUBLISHED[e.arm, e.outcome]:.3f}", f"{e.found.plain * _factor(e.unit):.3f}",
         f"{e.estimate:.3f}", f"{e.low:.3f} to {e.high:.3f}", f"{e.p_holm:.1e}")
        for e in found.effects
    ]  # fmt: skip
    return _table(("arm", "outcome", "published", "difference", "adjusted", "95 %", "p (Holm)"), rows)


def _factor(unit: str) -> float:
    return 100.0 if unit == "points" else 1.0


def windows(file: Path, cutoff: str, days: int) -> np.ndarray:
    """Spend of households who bought before a day: in the window after it, in that before, in two before that."""
    import duckdb

    passed = f"date_diff('day', timestamp '{cutoff}', transaction_timestamp)"
    ends = ((0, days), (-days, 0), (-3 * days, -days))
    sums = ", ".join(
        f"coalesce(sum(sales_value) filter ({passed} >= {low} and {passed} < {high}), 0)" for low, high in ends
    )
    query = f"select {sums} from '{file}' group by household_id having min({passed}) < 0 order by household_id"
    with duckdb.connect() as db:
        return np.array(db.execute(query).fetchall(), np.float64)


def alike(spend: np.ndarray, draws: int, share: float, seed: int = 0) -> dict[str, float]:
    """Arms drawn anew and treated alike: how often nothing is found, and how much narrower the interval is."""
    rng, n = np.random.default_rng(seed), len(spend)
    hit, plain, width = np.zeros(draws), np.zeros(draws), np.zeros(draws)
    for k in range(draws):
        treated = np.zeros(n, bool)
        treated[rng.choice(n, int(share * n), replace=False)] = True
        found = adjusted(spend[:, 0], treated, spend[:, 1:])
        low, high = found.interval
        hit[k], width[k] = low <= 0 <= high, found.se / found.plain_se
        plain[k] = abs(found.plain) <= 1.96 * found.plain_se
    return {"households": n, "coverage": hit.mean(), "without": plain.mean(), "narrower": 1 - width.mean()}


def campaigns(folder: Path) -> Measurement:
    """Complete Journey's own campaigns, which the retailer sent to whom it liked."""
    config = Config.load(purchases_of("completejourney", folder, beside=True))
    return measure(build_ledger(config), config)


def _table(names: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(names), *([*row] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def main(asked: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.measured", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--draws", type=int, default=2000, help="of arms that are treated alike (default 2,000)")
    draws = parser.parse_args(asked).draws
    try:
        print(f"Hillstrom\n{of_hillstrom(hillstrom())}\n")
    except Missing as error:
        print(f"Hillstrom: {error}\n")
    with tempfile.TemporaryDirectory(prefix="regulars-bench-") as name:
        folder = Path(name)
        found = campaigns(folder)
        file = folder / "data" / "completejourney" / "purchases.parquet"
        rows = []
        for cutoff, days in HOLDOUTS:
            spend = windows(file, cutoff, days)
            for share in (0.5, 0.9):
                told = alike(spend, draws, share)
                figures = [f"{told['coverage']:.3f}", f"{told['without']:.3f}", f"{told['narrower']:.1%}"]
                rows.append((f"{cutoff}, {days} days", f"{share:.0%}", f"{told['households']:,.0f}", *figures))
    names = ("Complete Journey", "treated", "households", "coverage", "without CUPED", "narrower by")
    print(_table(names, rows), *found.lines, sep="\n")


if __name__ == "__main__":
    main()
