"""Canonical purchases straight into a ledger: checked, sorted, and nothing else.

In: parts that are canonical Parquet files, and the configuration that says so. Out: the same as `refine` gives of the
same lines, in the same bytes. Nothing is cast, merged or set aside; returns that are dropped by rule are counted.
Missing optional values stay missing; lines that break the contract stop the run.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..config import Config
from ..errors import ConfigError
from .added import Base, check_fits
from .blocks import customer_blocks
from .contract import canonical_lines
from .evidence import Delivered, Evidence
from .hashes import Fingerprint
from .lines import CLASSES, QUARANTINE
from .outcome import Refined, Sink, Written, columns_of, data_key, outcome_of, sorted_tables
from .privacy import Door, erased_sql
from .refine import Progress
from .sources.parts import Part, Unchanged
from .staging import Connection, fetched


def refine_canonical(
    parts: Sequence[Part],
    notes: Sequence[str],
    config: Config,
    spill: Path,
    sink: Sink,
    progress: Progress,
    base: Base | None = None,
    door: Door | None = None,
) -> Refined:
    """Check and sort all parts; every block of lines goes to `sink` in order.

    Raises
    ------
    ConfigError
        The source is no Parquet.
    DataError
        A file of other types, or lines that break the contract.
    """
    read_us, paths = time.time_ns() // 1_000, _paths(parts)
    before = [Unchanged.now(path) for path in paths]
    mapping, door = config.data.purchases.roles(), door or Door.of(config)
    progress("checking canonical lines")
    with canonical_lines(paths, mapping, config.engine, spill, read_us) as con:
        source = door.admitted(con)
        own = _evidence(con, parts, config, source, data_key(config, door.facts))
        if base is not None:
            check_fits(base.evidence, own, config, read_us)
        progress("sorting and writing")
        columns = columns_of(config)
        query = f"SELECT {', '.join(columns)} FROM {source} WHERE {_kept(con, config)}"
        written = Written(sink, customer_blocks(sorted_tables(con, query, columns)))
        for file in before:
            file.check()
        return outcome_of(con, own, written, QUARANTINE.empty_table(), config, notes, read_us, base, door.plain_ids)


def _paths(parts: Sequence[Part]) -> list[Path]:
    found = [part.path for part in parts if part.path is not None]
    if len(found) < len(parts):
        raise ConfigError(
            "`canonical` is given, and the source is no Parquet",
            needed="Parquet files in the types of regulars.schema.PURCHASES",
            do="leave out `canonical`: then the source is read with care",
            code="RG112",
        )
    return found


def _evidence(con: Connection, parts: Sequence[Part], config: Config, source: str, data: str) -> Evidence:
    counts = {Path(file).resolve(): n for file, n in fetched(con, "SELECT of_file, count(*) FROM lines GROUP BY ALL")}
    sources = tuple(Delivered(p.name, p.sha256, counts[p.path.resolve()]) for p in parts if p.path is not None)
    ((read, whole, *span),) = fetched(con, f"SELECT {_FACTS} FROM lines")
    ((used, money, *used_span),) = fetched(con, f"SELECT {_FACTS} FROM {source} WHERE {_kept(con, config)}")
    ((erased, lost, *erased_span),) = fetched(con, f"SELECT {_FACTS} FROM {source} WHERE {erased_sql(con)}")
    (begin, end), (first, last) = _days(span, config), _days(used_span, config)
    seen = max((day for day in (last, _days(erased_span, config)[1]) if day is not None), default=None)
    dropped, left = read - used - erased, whole - money - lost
    nothing = dict.fromkeys(CLASSES, "0.0000")
    return Evidence(
        data=data,
        sources=sources,
        lines={**dict.fromkeys(CLASSES, 0), "read": read, "used": used, "dropped": dropped, "erased": erased},
        money={**nothing, "read": str(whole), "used": str(money), "dropped": str(left), "erased": str(lost)},
        unreadable_amounts=0,
        rounding_difference="0",
        n_orders=0,
        sums=Fingerprint().sums,
        first_day=first,
        last_day=last,
        seen=seen,
        readable=None if begin is None or end is None else (begin, end),
    )


_FACTS = (
    "count(*), CAST(coalesce(sum(amount), 0) AS DECIMAL(38, 4)), "
    "min(epoch_us(purchased_at)), max(epoch_us(purchased_at))"
)


def _kept(con: Connection, config: Config) -> str:
    kept = f"NOT {erased_sql(con)}"
    return f"amount >= 0 AND {kept}" if config.data.purchases.returns == "drop" else kept


def _days(span: Sequence[int | None], config: Config) -> list[int | None]:
    return [None if us is None else int(config.zone.local_day(np.array([us]))[0]) for us in span]
