"""Purchases and what stands beside them from a caller: one frame of plain values -> `Lines` and `Beside`.

In: a frame as `request` reads it, perhaps with a column ``table``, whose rows are of "purchases" (also where it is
empty), "events", "offers" or "customers" and use the columns of that table. Out: what the features look at, the same as
the ledger gives. A customer without events is nothing unusual; a table of which a request knows neither rows nor
columns is a `DataError`. Rows of tables that the features do not look at are not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..clock import Cutoff, Zone
from ..errors import SHOWN, DataError, did_you_mean, masked
from ..features.events import Events, Traits
from ..features.history import Beside
from ..features.lines import Int64, Lines
from ..features.shape import Shape
from ..schema import INSTANT, MONEY, TIME_OF, Rules, table_schema
from .request import NEEDED, lines_among, some, trait_column, used_columns
from .rows import AT_ONCE, BadRow, Rows, come_again

if TYPE_CHECKING:
    import pandas as pd

PURCHASES = "purchases"
TABLES = (PURCHASES, "events", "offers", "customers")
INITIATORS = ("customer", "company")
_NONE = np.zeros(0, np.int64)


def request_of(
    frame: pd.DataFrame, columns: tuple[str, ...], shape: Shape, rules: Rules, begins: Mapping[str, Cutoff]
) -> tuple[Lines, Beside | None]:
    """What a request says of its customers.

    Parameters
    ----------
    columns : tuple of str
        The columns of the purchases that the features look at.
    begins : dict of str to Cutoff
        The first day that each table beside the purchases covered in training.

    Raises
    ------
    DataError
        For missing columns and tables; `Unreadable` for rows that cannot be read.
    """
    return of_rows(Rows.of_frame(frame), columns, shape, rules, begins)


def of_rows(
    rows: Rows, columns: tuple[str, ...], shape: Shape, rules: Rules, begins: Mapping[str, Cutoff]
) -> tuple[Lines, Beside | None]:
    """As `request_of`, from rows of all tables in one."""
    tables = _by_table(rows)
    some(tables[PURCHASES])
    tables[PURCHASES].needs(*NEEDED, *used_columns(columns))
    lacking = [name for name in shape.beside if not len(tables[name]) and not _known(tables[name], name, shape)]
    if lacking:
        raise DataError(
            "the model looks at more than purchases, and the request says nothing of it",
            needed=f"rows whose column `table` is {' or '.join(f'`{name}`' for name in lacking)}",
            do="send what is known of the customers; where there is nothing, the empty columns of these tables will do",
            offending=lacking,
            code="RG093",
        )
    return of_tables(tables, columns, shape, rules, begins)


def of_tables(
    tables: Mapping[str, Rows],
    columns: tuple[str, ...],
    shape: Shape,
    rules: Rules,
    begins: Mapping[str, Cutoff],
) -> tuple[Lines, Beside | None]:
    """As `request_of`, from the rows of each table, which note in the same `Faults` what cannot be read."""
    purchases, zone = tables[PURCHASES], Zone(rules.timezone)
    lines = lines_among(purchases, columns, rules)
    canonical = _canonical(tables, shape, zone)
    purchases.faults.settle()
    return lines, _beside(canonical, lines, shape, zone, begins) if shape.beside else None


def _by_table(rows: Rows) -> dict[str, Rows]:
    """The rows of each table."""
    names = [name or PURCHASES for name in rows.texts("table")]
    unknown = [i for i, name in enumerate(names) if name not in TABLES]
    if unknown:
        hint = did_you_mean(names[unknown[0]], TABLES)
        rows.refuse(unknown, "table", f"one of {', '.join(TABLES)} ({hint})")
        rows.faults.settle()
    table = np.array(names)
    return {name: rows.take(table == name, name) for name in TABLES}


def _known(rows: Rows, table: str, shape: Shape) -> bool:
    """Whether a request without rows of a table says at least that there is such a table."""
    if table != "customers":
        return rows.has(TIME_OF[table])
    names = (*map(trait_column, (*shape.attributes, *shape.numbers)), "joined_at", "referred_by")
    return any(rows.has(name) for name in names)


def _canonical(tables: Mapping[str, Rows], shape: Shape, zone: Zone) -> dict[str, pa.Table]:
    """The tables that the features look at, as a ledger has them."""
    found: dict[str, pa.Table] = {}
    if "events" in shape.beside:
        found["events"] = _events(tables["events"], zone)
    if "offers" in shape.beside:
        found["offers"] = _offers(tables["offers"], zone)
    if "customers" in shape.beside:
        found["customers"] = _customers(tables["customers"], shape, zone)
    return found


def _beside(
    tables: Mapping[str, pa.Table], lines: Lines, shape: Shape, zone: Zone, begins: Mapping[str, Cutoff]
) -> Beside:
    found, ids = Beside.none(lines.n_customers, shape), lines.customer_ids
    if "events" in tables:
        found = replace(found, events=Events.of(tables["events"], ids, shape, begins.get("events")))
    if "offers" in tables:
        found = replace(found, offers=Events.offers_of(tables["offers"], ids, begins.get("offers")))
    if "customers" in tables:
        found = replace(found, traits=Traits.of(tables["customers"], ids, shape, zone))
    return found


def _events(rows: Rows, zone: Zone) -> pa.Table:
    """As `schema.EVENTS`."""
    rows.needs("occurred_at", "kind")
    by = [text or INITIATORS[0] for text in rows.texts("initiated_by")]
    rows.refuse([i for i, who in enumerate(by) if who not in INITIATORS], "initiated_by", "`customer` or `company`")
    return _table(
        "events",
        {
            "customer_id": rows.ids("customer_id"),
            "occurred_at": _maybe(rows.instants("occurred_at", zone) if len(rows) else _NONE),
            "kind": rows.words("kind"),
            "initiated_by": by,
            "channel": _texts(rows, "channel"),
            "value": _money(rows, "value"),
            **_known_at(rows, zone),
        },
    )


def _offers(rows: Rows, zone: Zone) -> pa.Table:
    """As `schema.OFFERS`."""
    rows.needs("offered_at")
    offered = rows.instants("offered_at", zone) if len(rows) else _NONE
    redeemed = rows.instants_or("redeemed_at", zone, AT_ONCE)
    told = np.where(redeemed == AT_ONCE, offered, redeemed)
    before = np.flatnonzero(zone.local_day(told) < zone.local_day(offered))
    rows.refuse(before.tolist(), "redeemed_at", "no day before that of the offer")
    return _table(
        "offers",
        {
            "customer_id": rows.ids("customer_id"),
            "offered_at": _maybe(offered),
            "offer_id": rows.texts("offer_id"),
            "redeemed_at": _maybe(redeemed),
            **_known_at(rows, zone),
        },
    )


def _customers(rows: Rows, shape: Shape, zone: Zone) -> pa.Table:
    """As `schema.CUSTOMERS`, with the attributes and numbers of a shape under the user's names."""
    ids = rows.ids("customer_id")
    twice = come_again(ids)
    if twice:
        told = [f"row {rows.number[i]}: {masked(ids[i])}" for i in twice[:SHOWN]]
        bad = [BadRow(rows.table, int(rows.number[i]), "customer_id", "one row each") for i in twice]
        rows.faults.add(bad, told, "customers stand twice among the customers", "RG307")
    attributes = tuple(name for name in shape.attributes if name != "acquisition_channel")
    columns: dict[str, object] = {
        "customer_id": ids,
        "joined_at": _maybe(rows.instants_or("joined_at", zone, AT_ONCE)),
        "referred_by": _texts(rows, "referred_by"),
        **{name: _texts(rows, trait_column(name)) for name in shape.attributes},
        **{name: _money(rows, trait_column(name)) for name in shape.numbers},
    }
    return _table("customers", columns, attributes, shape.numbers)


def _table(
    name: str, columns: Mapping[str, object], attributes: tuple[str, ...] = (), numbers: tuple[str, ...] = ()
) -> pa.Table:
    """Canonical rows, in the order in which a ledger has them."""
    schema = table_schema(name, columns.keys(), attributes, numbers)
    arrays = [pa.array(columns[f.name], f.type) for f in schema]
    found = pa.Table.from_arrays(arrays, schema=schema)
    first = [key for key in ("customer_id", TIME_OF.get(name, "")) if key]
    keys = [*first, *(key for key in schema.names if key not in first)]
    return found.sort_by([(key, "ascending") for key in keys])


def _texts(rows: Rows, column: str) -> list[str | None]:
    return [text or None for text in rows.texts(column)]


def _maybe(values: Int64) -> pa.Array:
    """Instants, missing where there is none."""
    return pa.array(values, pa.int64(), mask=values == AT_ONCE).cast(INSTANT)


def _money(rows: Rows, column: str) -> pa.Array:
    """DECIMAL(18, 4), missing where there is none."""
    units, told = rows.money_or_none(column)
    words = np.ascontiguousarray(np.stack([units, units >> 63], axis=1))
    whole = pa.Array.from_buffers(MONEY, len(units), [None, pa.py_buffer(words)])
    return pc.if_else(pa.array(told), whole, pa.scalar(None, MONEY))


def _known_at(rows: Rows, zone: Zone) -> dict[str, object]:
    """When each row became known, where a request says so."""
    return {"known_at": _maybe(rows.instants_or("known_at", zone, AT_ONCE))} if rows.has("known_at") else {}
