"""What every campaign brought for what it cost: one row a campaign, measured as `regulars offers measure` measures it.

In: a ledger and a configuration. Out: a `Table`, or None and why. Nothing is measured in a second way: profit, its
interval and the verdict are those of `measure`. Before its day a campaign has no figures, only the date.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...config import Config
from ...intake import Ledger
from ...kpis.table import Column, Row, Table
from ...schema import SCALE
from .book import Decisions
from .measure import LEAGUE, measure

COLUMNS = (
    Column("campaign", "text", "its name; the newest last"),
    Column("read_out", "text", "the day that was fixed for its first result"),
    Column("customers", "count", "for whom something was meant, and who were not controls"),
    Column("control", "count", "for whom something was meant, and who got nothing by lot"),
    Column("cost", "money", "what was sent and redeemed, and what complaints and returns cost"),
    Column("gain", "money", "profit beyond that of the controls, all costs taken off"),
    Column("gain_low", "money", "lower end of its 95 % interval"),
    Column("gain_high", "money", "upper end"),
    Column("roi", "number", "gain / cost; missing where it cost nothing"),
    Column("roi_low", "number", "gain_low / cost"),
    Column("roi_high", "number", "gain_high / cost"),
    Column("verdict", "text", "what may be said of it"),
)


def returns(ledger: Ledger, config: Config) -> tuple[Table | None, str, list[str]]:
    """The newest campaigns, what is told of them first, and why there is no table."""
    names = list(dict.fromkeys(wave.campaign for wave in Decisions.of(config).waves()))[-LEAGUE:]
    if not names:
        why = "No campaigns: nothing was assigned (`regulars offers assign`), so there is nothing to measure."
        return None, "", [why]
    rows = [_row(name, measure(ledger, config, name).figures()) for name in names]
    about = "a campaign: what it brought for what it cost"
    return Table("campaigns", about, COLUMNS, tuple(rows)), str(rows[-1]["verdict"]), []


def _row(name: str, figures: Mapping[str, Any]) -> Row:
    profit = figures["profit"] or {}
    cost = profit.get("cost")
    gains = {"gain": profit.get("total"), "gain_low": profit.get("low"), "gain_high": profit.get("high")}
    return {
        "campaign": name,
        "read_out": str(figures["read_out"]),
        "customers": profit.get("customers"),
        "control": profit.get("control"),
        "cost": _units(cost),
        **{key: _units(value) for key, value in gains.items()},
        **{key.replace("gain", "roi"): _per(value, cost) for key, value in gains.items()},
        "verdict": str(figures["verdict"]),
    }


def _units(money: float | None) -> int | None:
    return None if money is None else round(money * SCALE)


def _per(gain: float | None, cost: float | None) -> float | None:
    return None if gain is None or not cost else gain / cost
