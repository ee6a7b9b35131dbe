"""Every line and every cent is in exactly one class, recomputed by a reader that shares no code with ours."""

from __future__ import annotations

import csv
import datetime as dt
import io
import os
import random
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.config import Config
from regulars.errors import RegularsError
from regulars.intake import Ledger, build_ledger
from regulars.intake.manifest import ORDER

FULL = os.environ.get("REGULARS_SOAK") == "1"
HEADER = ("id", "when", "money", "n", "price", "note")
Line = tuple[str, str, str, str, str, str]

_id = st.sampled_from(["a", "b", " b", "00123", "123", "", "  ", "\u200b", "é", "e\u0301", 'q"x', "x,y"])
_when = st.one_of(
    st.datetimes(dt.datetime(2023, 6, 1), dt.datetime(2024, 6, 1)).map(lambda t: t.strftime("%Y-%m-%d %H:%M")),
    st.sampled_from(["2024-01-05", "2024-01-05 10:00", "2024-01-05 10:00"]),
    st.sampled_from(["2024-02-30", "", "2199-01-01", "1970-01-01", "x"]),
)
_number = st.one_of(
    st.tuples(st.integers(-(10**9), 10**9), st.integers(0, 6)).map(lambda t: f"{Decimal(t[0]).scaleb(-t[1]):f}"),
    st.sampled_from(["1", "-1", "0", "0.00005", "-0.00015", "12.345678", "+3"]),
    st.sampled_from(["", "nan", "inf", "1e3", "abc", "99999999999999999999"]),
)
_line = st.tuples(_id, _when, _number, _number, _number, st.sampled_from(["", "n", "two\nlines"]))
_SEPARATOR: Line = ("sep", "2023-01-01 00:00", "1", "1", "1", "")
"""After the block, before all other lines: nothing that follows can be taken for a part of it."""


def _block(n: int) -> list[Line]:
    start = dt.datetime(2022, 1, 1)
    return [
        (f"c{i % 7}", f"{start + dt.timedelta(hours=i):%Y-%m-%d %H:%M}", f"{i}.25", "1", f"{i}.25", "")
        for i in range(n)
    ]


@dataclass(frozen=True)
class Dirty:
    """A random delivery: files of lines, how they are written, and the rules."""

    files: Sequence[Sequence[Line]]
    block: int
    form: str
    product: bool
    returns: str
    duplicates: str

    @property
    def lines(self) -> list[Line]:
        """All lines as they are delivered; the block stands in the first two files."""
        return [line for file in self.whole for line in file]

    @property
    def whole(self) -> list[list[Line]]:
        """The files with the block."""
        shared = _block(self.block)
        first = [*shared, _SEPARATOR, *self.files[0]]
        return [first, *([*shared, *file] if i == 0 else list(file) for i, file in enumerate(self.files[1:]))]


_dirty = st.builds(
    Dirty,
    files=st.lists(st.lists(_line, min_size=1, max_size=25), min_size=2, max_size=3),
    block=st.sampled_from([0, 0, 99, 100, 130]),
    form=st.sampled_from(["csv", "parquet", "frame"]),
    product=st.booleans(),
    returns=st.sampled_from(["net", "separate", "drop"]),
    duplicates=st.sampled_from(["overlap", "keep", "drop"]),
)


# --- the other reader ------------------------------------------------------------------------------------------------


def _exact(text: str) -> Decimal | None:
    return Decimal(text) if re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", text) else None


def _stored(exact: Decimal | None) -> Decimal | None:
    if exact is None:
        return None
    near = exact.quantize(Decimal("0.0001"), rounding=ROUND_HALF_EVEN, context=Context(prec=100))
    return near if abs(near) < 10**14 else None


def _moment(text: str) -> dt.datetime | None:
    try:
        moment = dt.datetime.strptime(text, "%Y-%m-%d %H:%M" if " " in text else "%Y-%m-%d")
    except ValueError:
        return None
    return moment if 1990 <= moment.year < 2100 else None


def _who(text: str) -> str:
    return text.strip(" \u200b").replace("e\u0301", "é")


def _accounts(dirty: Dirty, read: Sequence[Sequence[str]]) -> tuple[dict[str, int], dict[str, Decimal], Decimal]:
    """Lines and money by class, and the exact money that rounding took away."""
    lines: dict[str, int] = dict.fromkeys(ORDER, 0)
    money: dict[str, Decimal] = dict.fromkeys(ORDER, Decimal(0))
    lost, seen, once = Decimal(0), set[tuple[object, ...]](), set[tuple[str, ...]]()
    # A shorter block than 100 lines is no overlap.
    copies = set(_block(dirty.block)) if dirty.duplicates == "overlap" and dirty.block >= 100 else set[Line]()
    for line in read:
        who, when = _who(line[0]), _moment(line[1])
        quantity, price = _exact(line[3]), _exact(line[4])
        if dirty.product:
            exact = None if quantity is None or price is None else quantity * price
            fits = _stored(quantity) is not None and _stored(price) is not None
        else:
            exact, fits = _exact(line[2]), True
        amount = _stored(exact)
        key = (who, when, amount, *((_stored(quantity), _stored(price)) if dirty.product else ()))
        if when is None or amount is None or not fits:
            name = "quarantined"
        elif key in seen if dirty.duplicates == "drop" else tuple(line) in (copies & once):
            name = "merged"
        elif not who:
            name = "guest"
        elif dirty.returns == "drop" and amount < 0:
            name = "dropped"
        else:
            name = "used"
        if name != "quarantined":
            seen.add(key)
            once.add(tuple(line))
        lines[name] += 1
        if amount is not None and exact is not None:
            money[name] += amount
            lost += exact - amount
    return lines, money, lost


# --- delivery --------------------------------------------------------------------------------------------------------


def _csv(lines: Sequence[Line]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([HEADER, *lines])
    return out.getvalue()


def _arrow(lines: Sequence[Line]) -> pa.Table:
    return pa.table({n: pa.array(c, pa.string()) for n, c in zip(HEADER, zip(*lines, strict=True), strict=True)})


def _config(dirty: Dirty, folder: Path) -> Config:
    money = {"quantity": "n", "unit_price": "price"} if dirty.product else {"amount": "money"}
    mapped = {"customer_id": "id", "purchased_at": "when", **money, "path": "data", "decimal": "."}
    rules = {"returns": dirty.returns, "duplicates": dirty.duplicates, "max_bad_share": 1.0}
    config = Config.model_validate({"data": {"purchases": {**mapped, **rules}}, "engine": {"threads": 1}})
    return config.model_copy(update={"folder": folder})


def _ledger(dirty: Dirty, files: Sequence[Sequence[Line]]) -> Ledger | str:
    """The ledger in memory or on disk, or the code of the refusal."""
    with tempfile.TemporaryDirectory() as folder:
        config, data = _config(dirty, Path(folder)), Path(folder) / "data"
        data.mkdir()
        try:
            if dirty.form == "frame":
                return Ledger.from_frame(_arrow([line for file in files for line in file]), config)
            for i, lines in enumerate(files):
                if dirty.form == "csv":
                    (data / f"{i}.csv").write_text(_csv(lines), encoding="utf-8")
                else:
                    pq.write_table(_arrow(lines), data / f"{i}.parquet")
            built = build_ledger(config)
            return Ledger(built.manifest, None, built.table(), built.quarantine())
        except RegularsError as error:
            return error.code


@settings(max_examples=500 if FULL else 8)
@given(_dirty, st.randoms(use_true_random=False))
def test_lines_and_money_add_up_to_what_another_reader_counts(dirty: Dirty, shuffle: random.Random) -> None:
    ledger = _ledger(dirty, dirty.whole)
    if isinstance(ledger, str):
        # Two files of equal content are refused; the separator is always a line that can be used.
        assert ledger == "RG117"
        return
    manifest = ledger.manifest
    # What the csv module reads back from the CSV is what another reader would have been given.
    read = list(csv.reader(io.StringIO(_csv(dirty.lines))))[1:]
    lines, money, lost = _accounts(dirty, read)
    assert {name: manifest.lines[name] for name in ORDER} == lines
    assert {name: Decimal(manifest.money[name]) for name in ORDER} == money
    assert (manifest.lines["read"], Decimal(manifest.money["read"])) == (len(read), sum(money.values()))
    assert Decimal(manifest.rounding_difference) == lost
    table = ledger.table()
    assert (table.num_rows, sum(table.column("amount").to_pylist())) == (lines["used"], money["used"])
    assert ledger.quarantine().num_rows == lines["quarantined"]
    # In another order of lines within files, and of files, it is the same ledger.
    if dirty.form == "frame" and dirty.block:
        return  # Shuffled together, two copies of a block are no two stretches any more.
    moved = [shuffle.sample(file, len(file)) for file in dirty.whole]
    again = _ledger(dirty, shuffle.sample(moved, len(moved)))
    assert isinstance(again, Ledger)
    assert again.manifest.fingerprint == manifest.fingerprint
    assert (again.manifest.lines, again.manifest.money) == (manifest.lines, manifest.money)
    assert again.table().equals(table)
