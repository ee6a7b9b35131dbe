"""Value under protocols of others: a published one, a year ahead on two years, and the 39 weeks of CDNOW.

In: which protocols, trials. Out: a row per model on the screen, as Markdown and JSON if files are named, with what the
publication reports beside it. Ours is always the strict version: nothing at or after the day of the test is learnt
from. WAPE is least for a median and not for a mean, so both are shown and named: `expected` is the mean, which totals
are made of, and `median` what half of such customers stay below.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regulars.config import Config
from regulars.models import metrics
from regulars.models.speakers import MODELS

from .accuracy.ours import floors_of, judged
from .accuracy.sets import Missing, World, cdnow, cdnow_sample, given, online_retail, retail, searched

Float64 = NDArray[np.float64]
Figures = dict[str, float | None]
FIGURES = ("bias", "wape", "spearman", "top_10", "top_20", "gini", "tweedie_deviance")
NAMES = {
    "value_regulars": "Regulars, expected",
    "spend_median": "Regulars, median",
    **{f"value_{m}": n for m, n in zip(MODELS[1:], ("XGBoost panel", "BG x GG", "Pareto x GG", "rule"), strict=True)},
    "trailing": "what was spent in as many days before",
}


@dataclass(frozen=True)
class Protocol:
    """One way of judging.

    Parameters
    ----------
    write : callable
        Writes the files into a folder; the configuration that maps them.
    reported : dict of str to dict
        What others report, by name and figure.
    """

    title: str
    horizon_days: int
    cutoff: str
    write: Callable[[Path], Config]
    reported: dict[str, Figures]


def published_retail(folder: Path) -> Config:
    """Online Retail II as published: customers known, price above 0, no twins, cancellations negative."""
    lines = pd.read_parquet(given("online_retail_2.parquet")).drop(columns=["Sheet", "Description", "Country"])
    lines = lines[lines["Customer ID"].notna() & (lines["Price"] > 0) & (lines["Quantity"] != 0)].drop_duplicates()
    ids = lines["Customer ID"].astype(float).astype(int).astype(str)
    file = folder / "lines.csv"
    lines.assign(**{"Customer ID": ids}).to_csv(file, index=False, lineterminator="\n")
    return retail(folder, file)


PROTOCOLS = {
    "published": Protocol(
        "Online Retail II, 180 days from 2011-06-01, as parisaMSTFV/customer-lifetime-value-decision-system cleans it",
        180,
        "2011-06-01",
        published_retail,
        {
            "reported model (its labels run past the test's first day)": {
                **{"wape": 0.672, "spearman": 0.611, "top_10": 0.627, "top_20": 0.758}
            },
            "reported rule": {"wape": 0.653, "spearman": 0.546, "top_10": 0.609, "top_20": 0.731},
        },
    ),
    "year": Protocol(
        "Online Retail II, a year from 2010-12-10, learnt from the year before", 365, "2010-12-10", online_retail, {}
    ),
    "cdnow": Protocol("CDNOW, 39 weeks from 1997-10-01", 273, "1997-10-01", cdnow, {}),
    "cdnow-tenth": Protocol("CDNOW, the 1/10 sample, 39 weeks from 1997-10-01", 273, "1997-10-01", cdnow_sample, {}),
}


def figures_of(spend: Float64, said: Float64, customer: NDArray[np.object_], floor: float) -> Figures:
    """The figures of one model; shares of the signed total that its first 10 and 20 % of the customers brought.

    Examples
    --------
    >>> ids = np.array(["a", "b", "c", "d", "e"], object)
    >>> found = figures_of(np.array([6.0, 1.0, 2.0, 0.0, 1.0]), np.array([4.0, 3.0, 1.0, 1.0, 1.0]), ids, 0.1)
    >>> found["bias"], found["wape"], found["top_20"]  # 10 / 10; (2 + 2 + 1 + 1 + 0) / 10; 6 / 10
    (1.0, 0.6, 0.6)
    """
    known = metrics.value_figures(spend, said, floor, customer)
    first = np.lexsort([customer.astype(str), -said])
    total = float(spend.sum())

    def held(share: float) -> float | None:
        return float(spend[first[: int(np.ceil(share * len(spend)))]].sum() / total) if total > 0 else None

    return {name: known.get(name) for name in FIGURES} | {"top_10": held(0.1), "top_20": held(0.2)}


def run(protocol: Protocol, folder: Path, trials: int | None) -> dict[str, Figures]:
    """The figures of every model under a protocol, by name; the others' report first."""
    config = protocol.write(folder)
    target = config.target.model_copy(update={"horizon_days": (protocol.horizon_days,)})
    config = searched(config.model_copy(update={"target": target}), trials, 1)
    found = judged(World("one", config, (protocol.cutoff,)))
    if found.backtest is None or found.prepared is None:
        raise SystemExit(f"{protocol.title}: {found.refused}")
    frame, (origin,) = found.backtest.predictions, found.origins
    floor = floors_of(found.prepared, [origin])[str(origin.cutoff)]
    frame = frame.assign(trailing=found.prepared.rows(origin)[1].trailing)
    spend, customer = frame["spend"].to_numpy(np.float64), frame["customer_id"].to_numpy(object)
    said = {name: frame[name].to_numpy(np.float64) for name in NAMES if name in frame}
    ours = {NAMES[n]: figures_of(spend, v, customer, floor) for n, v in said.items() if not np.isnan(v).any()}
    return {**protocol.reported, **ours}


def table(title: str, rows: dict[str, Figures]) -> str:
    """A protocol as Markdown."""
    heads = ["model", *(name.replace("_", " ") for name in FIGURES)]
    body = [[name, *(_shown(figures.get(f)) for f in FIGURES)] for name, figures in rows.items()]
    lines = [heads, ["---"] * len(heads), *body]
    return f"**{title}**\n\n" + "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def main(given_arguments: Sequence[str] | None = None) -> None:
    """Judge, print, write."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.protocols", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--only", nargs="+", choices=list(PROTOCOLS), default=list(PROTOCOLS))
    parser.add_argument("--trials", type=int, help="trials of every study; default: the configuration's own")
    parser.add_argument("--folder", type=Path, help="where temporary files go; the system's folder by default")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables")
    options = parser.parse_args(given_arguments)
    found: dict[str, dict[str, Figures]] = {}
    for name in options.only:
        with tempfile.TemporaryDirectory(prefix="regulars-protocols-", dir=options.folder) as folder:
            try:
                found[name] = run(PROTOCOLS[name], Path(folder), options.trials)
            except Missing as missing:
                print(f"{PROTOCOLS[name].title}: {missing}", file=sys.stderr)
                continue
        print(table(PROTOCOLS[name].title, found[name]), end="\n\n", flush=True)
    if options.markdown:
        tables = [table(PROTOCOLS[name].title, rows) for name, rows in found.items()]
        options.markdown.write_text("\n\n".join(tables) + "\n", encoding="utf-8")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
