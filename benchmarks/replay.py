"""A shop's past lived again: train every month, score every week, let scores mature, look each week what came of them.

In: purchases, a configuration, the first and the last day. Out: a row a week: who was scored by whom, what the gate and
monitoring said, and what came when the window had closed; and whether catching up on all weeks but the first gives the
same bytes. Each week the source is cut off at that day, as it was then, so that nobody can look ahead. By default on
Online Retail II (REGULARS_DATA names its folder), with a horizon of 30 days, one origin, no search. Run as `python -m
benchmarks.replay FOLDER [--share 0.2]`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.intake import Ledger, build_ledger
from regulars.pipelines.catch_up import catch_up
from regulars.pipelines.monitor import monitored
from regulars.pipelines.outcomes import kept, outcomes_file, records
from regulars.pipelines.promote import promote
from regulars.pipelines.published import CSV, RUNS, SCORES, Book, Run
from regulars.pipelines.register import train_and_register
from regulars.pipelines.score import score_to, scores_folder

from .run import say

WEEK = 7
SETTINGS = """
[data]
timezone = "Europe/London"
currency = "GBP"
history_starts = 2009-12-01
[data.purchases]
path = "purchases.parquet"
duplicates = "keep"
customer_id = "Customer ID"
purchased_at = "InvoiceDate"
order_id = "Invoice"
quantity = "Quantity"
unit_price = "Price"
product_id = "StockCode"
[target]
horizon_days = 30
[backtest]
origins = 1
windows = 1
[tuning]
trials = 0
[scores]
every_days = 7
[engine]
threads = 1
"""
FIRST, LAST = "2010-11-01", "2011-12-09"
"""Eleven months are there to learn from; the data end on the last day."""


@dataclass(frozen=True)
class Week:
    """What happened on one day, and what came of it.

    Parameters
    ----------
    trained, gate : str
        The version that was trained on that day and what the gate said of it; empty on all other days.
    told, came : float
        Mean chance of silence, and the share that fell silent; NaN while the window is open.
    auc : float
        Of the chances, once the window has closed.
    money : float
        What came in, in units of what was expected.
    alerts : tuple of str
        What monitoring found on that day, looking back.
    verdict : str
        What it said should be done.
    """

    as_of: str
    version: str
    customers: int
    trained: str
    gate: str
    alerts: tuple[str, ...]
    verdict: str
    told: float = float("nan")
    came: float = float("nan")
    auc: float = float("nan")
    money: float = float("nan")


@dataclass(frozen=True)
class Replay:
    """All weeks, and on how many days catching up gave other bytes than the night itself."""

    weeks: tuple[Week, ...]
    caught_up: int
    differing: tuple[str, ...]


def replayed(
    source_until: Callable[[Cutoff], None], config: Config, first: Cutoff, last: Cutoff, trains: Callable[[int], bool]
) -> Replay:
    """Live through the days from the first to the last, a week at a time.

    Parameters
    ----------
    source_until : callable
        Makes the source as it was at the beginning of a day.
    trains : callable
        Whether one trains in a week, counted from 0, in which there may be a champion already.
    """
    weeks, day, number = list[Week](), first, 0
    while day <= last:
        source_until(day)
        weeks.append(_lived(build_ledger(config), config, day, trains(number)))
        say(f"{day}: version {weeks[-1].version}, {weeks[-1].gate or '-'}, {', '.join(weeks[-1].alerts) or 'no alert'}")
        day, number = day.plus(WEEK), number + 1
    return Replay(tuple(_with_outcomes(weeks, config)), *_caught_up(build_ledger(config), config))


def _lived(ledger: Ledger, config: Config, day: Cutoff, train: bool) -> Week:
    """One night: perhaps train and let the gate judge, score, monitor."""
    version = gate = ""
    if train:
        _, registered, first = train_and_register(ledger, config)
        judged = first or promote(config, lambda: ledger, auto=True)
        version, gate = registered.version, judged.state
    run = score_to(ledger, config, day).run
    found = monitored(ledger, config, day)
    alerts = tuple(dict.fromkeys(alert.rule for alert in found.alerts if alert.severity == "alert"))
    return Week(str(day), run.version, int(run.facts["customers"]), version, gate, alerts, found.verdict.state)


def _with_outcomes(weeks: Sequence[Week], config: Config) -> Iterator[Week]:
    """The same with what came of those whose windows have closed."""
    came: dict[str, dict[str, Any]] = {str(row["as_of"]): row for row in records(kept(outcomes_file(config)))}
    for week in weeks:
        row = came.get(week.as_of)
        money = float("nan") if row is None else row["spent"] / row["expected"]
        yield week if row is None else replace(week, told=row["told"], came=row["churned"], auc=row["auc"], money=money)


def _caught_up(ledger: Ledger, config: Config) -> tuple[int, tuple[str, ...]]:
    """After the first night nobody scored until the last day: how many days are made good, and which differ."""
    live, late = Book(scores_folder(config)), Book(config.folder / "late")
    first = live.published()[0]
    shutil.rmtree(late.folder, ignore_errors=True)
    shutil.copytree(first.folder, late.folder / RUNS / first.name)
    late.point(Run(late.folder / RUNS / first.name))
    made = [done.run for done in catch_up(ledger, config, late.folder).made]
    differing = [str(run.as_of) for run in made if _bytes(run) != _bytes(live.of(run.as_of))]
    return len(made), tuple(differing)


def _bytes(run: Run | None) -> list[str]:
    return [] if run is None else [hashlib.sha256(run.path(name).read_bytes()).hexdigest() for name in (SCORES, CSV)]


def online_retail(share: float) -> pd.DataFrame:
    """The purchases of some of the customers of Online Retail II: those whose ids hash low."""
    frame = pd.read_parquet(Path(os.environ["REGULARS_DATA"]) / "online_retail_2.parquet")
    ids = frame["Customer ID"]
    chosen = {
        one
        for one in ids.dropna().unique()
        if int(hashlib.sha256(str(one).encode()).hexdigest()[:8], 16) < share * 2**32
    }
    return frame[ids.isin(chosen)]


def cut(frame: pd.DataFrame, when: str, file: Path) -> Callable[[Cutoff], None]:
    """Writes what had happened before the midnight at which a day begins."""

    def write(day: Cutoff) -> None:
        frame[frame[when] < pd.Timestamp(str(day))].to_parquet(file, index=False)

    return write


def monthly(number: int) -> bool:
    """In the first week, and in every fourth after it."""
    return number % 4 == 0


def figures(found: Replay) -> dict[str, Any]:
    """As JSON takes it."""
    weeks = [{k: None if v != v else v for k, v in asdict(week).items()} for week in found.weeks]
    return {"weeks": weeks, "caught_up": found.caught_up, "differing": list(found.differing)}


def main(given: Sequence[str] | None = None) -> None:
    """Live through Online Retail II, and print every week."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.replay", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--share", type=float, default=1.0, help="share of the customers (default 1)")
    parser.add_argument("--first", type=Cutoff.parse, default=Cutoff.parse(FIRST), help=f"default {FIRST}")
    parser.add_argument("--last", type=Cutoff.parse, default=Cutoff.parse(LAST), help=f"default {LAST}")
    options = parser.parse_args(given)
    options.folder.mkdir(parents=True, exist_ok=True)
    (options.folder / "regulars.toml").write_text(SETTINGS, encoding="utf-8")
    config = Config.load(options.folder / "regulars.toml")
    source = cut(online_retail(options.share), "InvoiceDate", options.folder / "purchases.parquet")
    print(json.dumps(figures(replayed(source, config, options.first, options.last, monthly))), flush=True)


if __name__ == "__main__":
    main()
