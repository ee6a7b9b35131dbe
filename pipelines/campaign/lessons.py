"""Waves that have been read out, as lessons: what was given by chance, and what everyone then bought and redeemed.

In: the decisions log, the ledger, the scores of the day of each wave. Out: `Lesson`s in the options of today's
catalogue, and notes on what could not be used. An option that the catalogue no longer has, or has with other terms,
teaches nothing of today's. Whoever has been forgotten since is left out. Where the scores of a day are gone, one
order is expected of each who buys, and nothing personal is learnt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ...clock import Zone
from ...config import Config
from ...intake import Ledger
from ...models.outputs import OUTPUTS
from ...offers.catalogue import Catalogue, Option
from ...offers.economics import EXPECTED, Expected, Terms
from ...offers.lesson import Lesson
from ...schema import SCALE
from ..published import SCORES, Book
from ..score import scores_folder
from .audience import scores_in
from .book import Decisions
from .cohorts import ReadOut
from .realised import Asked, Realised, realised

NOTHING, OTHER = -1, -2
"""No option; and one that today's catalogue does not have."""
_READ = (
    *("customer_id", "decision_id", "meant_offer", "meant_channel", "offer", "channel"),
    *("propensity", "expected_spend", "p_churn", "permitted"),
)
_NUMBERS = frozenset(name for name, output in OUTPUTS.items() if output.kind in ("number", "integer")) - {
    "horizon_days"
}
"""Scores that a personalised policy may learn from."""


@dataclass(frozen=True)
class Gathering:
    """Lessons, and what to keep in mind of them."""

    lessons: tuple[Lesson, ...]
    notes: tuple[str, ...]


def lessons_of(ledger: Ledger, config: Config, catalogue: Catalogue, outs: Sequence[ReadOut]) -> Gathering:
    """The lessons of waves whose windows have closed, in their order."""
    if not outs:
        return Gathering((), ())
    tables = [_table(out) for out in outs]
    ids = [np.asarray(table.column("customer_id").to_pylist(), str) for table in tables]
    asked = [Asked(who, out.begins, out.ends, out.ends.plus(out.lag_days)) for who, out in zip(ids, outs, strict=True)]
    came, _ = realised(ledger, asked)
    book, zone = Decisions.of(config), ledger.zone
    lessons, notes = [], []
    for out, table, who, found in zip(outs, tables, ids, came, strict=True):
        columns, note = _columns(config, out, table, who)
        lessons.append(_lesson(_Wave(out, table, who, found, columns), catalogue, book, zone))
        notes += [note] if note else []
    return Gathering(tuple(lessons), tuple(dict.fromkeys(notes)))


def terms_of(option: Option) -> dict[str, Any]:
    """What must be the same of an option for what was learnt of it to hold."""
    offer = option.offer
    return {"type": offer.type, "taken": list(offer.taken), "minimum_spend": offer.minimum_spend}


@dataclass(frozen=True)
class _Wave:
    out: ReadOut
    table: pa.Table
    ids: NDArray[np.str_]
    came: Realised
    columns: Mapping[str, NDArray[Any]]

    def numbers(self, name: str) -> NDArray[np.float64]:
        return np.asarray(self.table.column(name).to_numpy(), np.float64)

    def options(self, now: Mapping[tuple[str, str], int], offer: str, channel: str) -> NDArray[np.int16]:
        """Options of today's catalogue, by two columns of texts."""
        names = zip(self.table.column(offer).to_pylist(), self.table.column(channel).to_pylist(), strict=True)
        return np.array([NOTHING if not one[0] else now.get(one, OTHER) for one in names], np.int16)


def _table(out: ReadOut) -> pa.Table:
    found = out.wave.table()
    lacking = [name for name in _READ if name not in found.column_names]
    for name in lacking:
        found = found.append_column(name, pa.nulls(found.num_rows, pa.int64()))
    return found.select(list(_READ)).sort_by("customer_id")


def _columns(
    config: Config, out: ReadOut, table: pa.Table, ids: NDArray[np.str_]
) -> tuple[dict[str, NDArray[Any]], str]:
    """What was known of each before the window: from the scores of the day, as far as they are still there."""
    said = {name: np.asarray(table.column(name).to_numpy(), np.float64) for name in ("expected_spend", "p_churn")}
    run = Book(scores_folder(config)).of(out.begins)
    if run is not None:
        there = set(pq.read_schema(run.path(SCORES)).names)
        scored, columns = scores_in(run, out.window_days, {*EXPECTED, *(there & _NUMBERS)})
        place = pc.index_in(pa.array(ids.tolist(), pa.string()), value_set=pa.array(scored, pa.string()))
        if not place.null_count:
            at = np.asarray(place.to_numpy(), np.int64)
            told = {name: values[at] for name, values in columns.items() if values.dtype.kind in "fb"}
            return {**told, **said}, ""
    note = (
        f"the scores of {out.begins} are gone: one order is expected of each who buys, and nothing personal is learnt"
    )
    return {**said, "expected_orders": 1 - said["p_churn"]}, note


def _lesson(wave: _Wave, catalogue: Catalogue, book: Decisions, zone: Zone) -> Lesson:
    then = {option.name: terms_of(option) for option in wave.out.catalogue.options}
    same = [option for option in catalogue.options if then.get(option.name) == terms_of(option)]
    now = {(option.offer.id, option.channel.name): option.index for option in same}
    given, meant = wave.options(now, "offer", "channel"), wave.options(now, "meant_offer", "meant_channel")
    taken, redeemed, complained = _answers(wave, given, catalogue, book, zone)
    in_price = np.array([option.offer.in_price for option in catalogue.options], bool)
    off = np.where((given >= 0) & in_price[np.maximum(given, 0)], taken, 0.0)
    permitted = _permitted(wave, catalogue, same)
    whole = Lesson(
        f"{wave.out.wave.campaign} {wave.out.begins}",
        wave.ids,
        given,
        meant,
        np.minimum(wave.numbers("propensity"), 1.0),
        wave.columns,
        wave.came.spend / SCALE + off,
        wave.came.orders > 0,
        redeemed,
        None if redeemed is None else taken,
        complained,
        permitted,
    )
    return whole.of_rows(wave.came.known & (given != OTHER))


def _answers(
    wave: _Wave, given: NDArray[np.int16], catalogue: Catalogue, book: Decisions, zone: Zone
) -> tuple[NDArray[np.float64], NDArray[np.bool_] | None, NDArray[np.bool_] | None]:
    """What redemptions took, who redeemed, who complained; None for what was never logged of the wave."""
    decisions = wave.table.column("decision_id").combine_chunks()
    events = book.events(decisions, wave.out.ends.instant(zone))
    at = np.asarray(pc.index_in(events.column("decision_id"), value_set=decisions).to_numpy(), np.int64)
    kinds = np.asarray(events.column("kind").to_pylist(), object).astype(str)
    value = np.asarray(events.column("value").cast(pa.float64()).to_numpy(), np.float64)
    taken, n = np.zeros(len(given)), len(given)
    rows = np.flatnonzero(kinds == "redeemed")
    redeemed = np.bincount(at[rows], minlength=n) > 0
    usual = _usual(wave, given, catalogue)
    np.add.at(taken, at[rows], np.where(np.isnan(value[rows]), usual[at[rows]], value[rows]))
    complained = np.bincount(at[kinds == "complained"], minlength=n) > 0
    return taken, redeemed if len(rows) else None, complained if len(kinds) else None


def _usual(wave: _Wave, given: NDArray[np.int16], catalogue: Catalogue) -> NDArray[np.float64]:
    """What a redemption is expected to take of each customer, where its value was not logged."""
    expected, found = Expected.of(wave.columns), np.zeros(len(given))
    for option in catalogue.options:
        rows = np.flatnonzero(given == option.index)
        found[rows] = Terms.of(expected.taken(rows), option.offer).taken
    return found


def _permitted(wave: _Wave, catalogue: Catalogue, same: Sequence[Option]) -> NDArray[np.bool_] | None:
    """What could have been given, in today's options; None where it was not kept."""
    bits = wave.table.column("permitted")
    if bits.null_count:
        return None
    kept = np.asarray(bits.to_numpy(), np.int64)
    place = {option.name: option.index for option in wave.out.catalogue.options}
    found = np.zeros((len(kept), len(catalogue.options)), bool)
    for option in same:
        found[:, option.index] = kept >> place[option.name] & 1
    return found
