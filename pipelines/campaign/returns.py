"""What every campaign brought for what it cost: one row a campaign, measured as `regulars offers measure` measures it.

In: a ledger and a configuration. Out: a `Table`, or None and why. Nothing is measured in a second way: profit, its
interval and the verdict are those of `measure`, of all campaigns in one pass over the ledger. Before its day a campaign
has no figures, only the date; waves that are not due are not counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow.compute as pc

from ...clock import Cutoff
from ...config import Config
from ...intake import Ledger
from ...kpis.table import Column, Row, Table, Value
from ...offers.economics import Economics
from ...schema import SCALE
from . import results
from .book import Decisions
from .cohorts import Drawn, ReadOut, cohorts, read_outs
from .compared import Comparison, Windows
from .measure import LEAGUE, own_parts
from .moves import Moves

COLUMNS = (
    Column("campaign", "text", "its name; the newest last"),
    Column("read_out", "text", "the day that was fixed for its first result"),
    Column("waves", "count", "how many were assigned"),
    Column("waves_due", "count", "of them: whose day has come; all else is of these"),
    Column("customers", "count", "for whom something was meant, and who were neither controls nor explored with"),
    Column("control", "count", "for whom something was meant, and who got nothing by lot"),
    Column("given", "count", "times that something was given to the customers"),
    Column("cost", "money", "what the campaign paid for the customers: contacts, its part of redemptions, complaints"),
    Column("margin", "money", "gain + cost: earned beyond what the controls brought, before that cost"),
    Column("gain", "money", "profit beyond that of the controls, all costs taken off"),
    Column("gain_low", "money", "lower end of its 95 % interval"),
    Column("gain_high", "money", "upper end"),
    Column("roi", "number", "gain / cost; missing where it cost nothing"),
    Column("roi_low", "number", "gain_low / cost"),
    Column("roi_high", "number", "gain_high / cost"),
    Column("verdict", "text", "what may be said of it"),
)
_NONE = "No campaigns: nothing was assigned (`regulars offers assign`), so there is nothing to measure."


@dataclass(frozen=True)
class _Due:
    """A campaign of which a wave is due, and its comparison, whose windows are still to be read."""

    name: str
    drawn: list[Drawn]
    due: list[ReadOut]
    own: Comparison


def returns(ledger: Ledger, config: Config) -> tuple[Table | None, str, list[str]]:
    """The newest campaigns, what is told of them first, and what to keep in mind."""
    book = Decisions.of(config)
    every = list(dict.fromkeys(wave.campaign for wave in book.waves()))
    if not every:
        return None, "", [_NONE]
    outs = {name: read_outs(book.of_campaign(name), config) for name in every[-LEAGUE:]}
    found = _measured(ledger, config, book, outs)
    rows = [_row(name, outs[name], found.get(name)) for name in outs]
    told = [row for row in rows if row["waves_due"]] or rows
    table = Table("campaigns", "a campaign: what it brought for what it cost", COLUMNS, tuple(rows))
    return table, str(told[-1]["verdict"]), _notes(outs, ledger.ends, len(every))


def _measured(
    ledger: Ledger, config: Config, book: Decisions, outs: Mapping[str, Sequence[ReadOut]]
) -> dict[str, tuple[_Due, results.Result]]:
    """The result of each campaign of which a wave is due."""
    on, economics = ledger.ends, Economics.of(config.economics)
    if not any(out.due(on) for some in outs.values() for out in some):
        return {}
    events, windows = book.events(), Windows(ledger.zone)
    moves, asked = Moves.of(book, events, ledger.zone, economics), list[_Due]()
    for name, some in outs.items():
        due = [out for out in some if out.due(on)]
        if due:
            found, drawn = cohorts(some)
            parts = own_parts(found, due, windows)
            own = Comparison(parts, windows, moves, economics, str(some[0].policy["currency"]))
            asked.append(_Due(name, drawn, due, own))
    windows.read(ledger)
    nobody = Comparison([], windows, moves, economics, "")
    return {
        one.name: (one, results.Result(one.name, on, one.own.currency, one.drawn, one.own, [], nobody, 0, events))
        for one in asked
    }


def _row(name: str, outs: Sequence[ReadOut], found: tuple[_Due, results.Result] | None) -> Row:
    day = min(out.day for out in outs)
    row: dict[str, Value] = {column.name: None for column in COLUMNS}
    row |= {"campaign": name, "read_out": str(day), "waves": len(outs), "waves_due": 0}
    if found is None:
        return row | {"verdict": results.not_before(day)}
    one, result = found
    row |= {"waves_due": len(one.due), "verdict": result.verdict}
    profit = result.profit
    return row if profit is None else row | _money(one, profit)


def _money(one: _Due, profit: Mapping[str, Any]) -> dict[str, Value]:
    cost = sum(float(one.own.own_outlay(part, one.name, part.whole).sum()) for part in one.own.parts)
    gains = {"gain": profit["total"], "gain_low": profit["low"], "gain_high": profit["high"]}
    return {
        "customers": profit["customers"],
        "control": profit["control"],
        "given": sum(_given(out) for out in one.due),
        "cost": round(cost * SCALE),
        "margin": round(profit["total"] * SCALE) + round(cost * SCALE),
        **{name: round(value * SCALE) for name, value in gains.items()},
        **{name.replace("gain", "roi"): value / cost if cost else None for name, value in gains.items()},
    }


def _given(out: ReadOut) -> int:
    """How many of those whom the policy chose were given something in a wave."""
    chosen = pc.equal(out.wave.table(["arm"], "given").column("arm"), "chosen")
    return int(pc.sum(chosen).as_py() or 0)


def _notes(outs: Mapping[str, Sequence[ReadOut]], on: Cutoff, n: int) -> list[str]:
    found = [f"Of {n} campaigns only the newest {len(outs)} are told."] if n > len(outs) else []
    for name, some in outs.items():
        late = [out for out in some if not out.due(on)]
        if late and len(late) < len(some):
            found.append(f"Of {name}, {len(late)} of {len(some)} waves are not counted yet: their day has not come.")
        elif late:
            found.append(f"{name} is not counted yet: it is read out on {min(out.day for out in late)}.")
    return found
