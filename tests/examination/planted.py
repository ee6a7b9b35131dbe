"""Corruptions, each planted alone into clean files, and what `check` has to say about it.

In: the files of a clean shop, a seeded generator. Out: `CASES`: how the files are changed (as tables, or as text at the
end), and the words by which the corruption must be named: of an error, of a reason in quarantine, of a repair, or the
code of a finding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from .market import Files

Random = np.random.Generator
FIRST, SECOND, LAST = "part1.csv", "part2.csv", "part3.csv"


@dataclass(frozen=True)
class Planted:
    """A corruption.

    Parameters
    ----------
    name : str
    plant : callable
        Changes the frames before they are written.
    found : str
        `error: words`, `quarantine: words`, `repair: words` or the code of a finding.
    rewrite : callable or None
        Changes the files after they were written.
    """

    name: str
    plant: Callable[[Files, Random], None]
    found: str
    rewrite: Callable[[Path], None] | None = None


def _some(frame: pd.DataFrame, random: Random, n: int) -> pd.Index[int]:
    return frame.index[np.sort(random.choice(len(frame), n, replace=False))]


def _texts(column: str, text: str, n: int = 20) -> Callable[[Files, Random], None]:
    """Puts one text into some lines."""

    def plant(files: Files, random: Random) -> None:
        frame = files[SECOND]
        frame.loc[_some(frame, random, n), column] = text

    return plant


def _changed(file: str, column: str, change: Callable[[pd.Series], pd.Series]) -> Callable[[Files, Random], None]:
    """Changes a column of one file."""

    def plant(files: Files, _: Random) -> None:
        files[file][column] = change(files[file][column])

    return plant


def _times(
    column: str, factor: float, rows: Callable[[pd.DataFrame, Random], pd.Index[int]]
) -> Callable[[Files, Random], None]:
    """Multiplies the money of some lines of the second file."""

    def plant(files: Files, random: Random) -> None:
        frame = files[SECOND]
        chosen = rows(frame, random)
        frame.loc[chosen, column] = (frame.loc[chosen, column].astype(float) * factor).map("{:.2f}".format)

    return plant


def _month(frame: pd.DataFrame, _: Random) -> pd.Index[int]:
    return frame.index[frame["purchased_at"].str.startswith("2023-03")]


def _all(frame: pd.DataFrame, _: Random) -> pd.Index[int]:
    return frame.index


def _nothing(files: Files, random: Random) -> None:
    """The files stay as they are until they are written."""


def _appended(text: str) -> Callable[[Path], None]:
    def rewrite(folder: Path) -> None:
        with (folder / LAST).open("a", encoding="utf-8") as file:
            file.write(text)

    return rewrite


def _replaced(old: str, new: str) -> Callable[[Path], None]:
    def rewrite(folder: Path) -> None:
        file = folder / LAST
        file.write_text(file.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")

    return rewrite


def _latin(folder: Path) -> None:
    file = folder / LAST
    file.write_bytes(file.read_text(encoding="utf-8").encode("latin-1"))


def _twice(folder: Path) -> None:
    (folder / "part4.csv").write_bytes((folder / LAST).read_bytes())


def _truncated(folder: Path) -> None:
    file = folder / LAST
    file.write_bytes(file.read_bytes().rstrip(b"\n"))


def _overlap(files: Files, _: Random) -> None:
    files[LAST] = pd.concat([files[SECOND].tail(400), files[LAST]], ignore_index=True)


def _giant(files: Files, _: Random) -> None:
    files[SECOND].loc[700, ["amount", "cost"]] = ["9876543.00", "1.00"]


def _undone(files: Files, _: Random) -> None:
    frame = files[SECOND]
    line = frame.loc[[700, 700]].reset_index(drop=True)
    line["order_id"] = ["B1", "C1"]
    line["amount"], line["quantity"] = ["54321.00", "-54321.00"], ["1", "-1"]
    line["discount"] = "0.00"
    files[SECOND] = pd.concat([frame, line], ignore_index=True)


def _hole(files: Files, _: Random) -> None:
    frame = files[SECOND]
    files[SECOND] = frame[~frame["purchased_at"].between("2023-03-06", "2023-03-20")].reset_index(drop=True)


def _cut(files: Files, _: Random) -> None:
    frame = files[LAST]
    files[LAST] = frame[frame["purchased_at"] < "2023-12-12"].reset_index(drop=True)


def _busy(files: Files, _: Random) -> None:
    frame = files[SECOND]
    line = frame.loc[[500] * 60].reset_index(drop=True)
    line["order_id"] = [f"T{i}" for i in range(60)]
    line["purchased_at"] = [f"2023-02-07 10:{i:02d}:00" for i in range(60)]
    line["amount"] = line["amount"].str.replace("-", "")
    line["quantity"] = "1"
    files[SECOND] = pd.concat([frame, line], ignore_index=True)


def _renamed(share: float, name: str) -> Callable[[Files, Random], None]:
    """Gives a share of the orders of all files to one customer."""

    def plant(files: Files, random: Random) -> None:
        for frame in files.values():
            orders = pd.Series(frame["order_id"].unique())
            taken = set(orders[random.random(len(orders)) < share])
            frame.loc[frame["order_id"].isin(taken), "customer_id"] = name

    return plant


def _fees(files: Files, random: Random) -> None:
    frame = files[SECOND]
    for name, n in (("POST", 40), ("BANK CHARGES", 15)):
        rows = _some(frame, random, n)
        frame.loc[rows, "product_id"] = name
        frame.loc[rows, "amount"] = [f"{10 ** random.uniform(0, 3):.2f}" for _ in rows]


def _twins(files: Files, random: Random) -> None:
    for name, frame in files.items():
        again = frame.loc[_some(frame, random, len(frame) // 8)]
        files[name] = pd.concat([frame, again]).sort_values("purchased_at", kind="stable", ignore_index=True)


def _only_returns(files: Files, _: Random) -> None:
    frame = files[SECOND]
    line = frame[frame["amount"].str.startswith("-")].head(20).copy()
    line["customer_id"] = [f"8{i:05d}" for i in range(len(line))]
    files[SECOND] = pd.concat([frame, line], ignore_index=True)


def _free(files: Files, random: Random) -> None:
    for frame in files.values():
        frame.loc[_some(frame, random, len(frame) * 3 // 10), "amount"] = "0.00"


def _first_of_month(files: Files, _: Random) -> None:
    frame = files[SECOND]
    rows = frame["purchased_at"].str.startswith("2023-03")
    frame.loc[rows, "purchased_at"] = "2023-03-01" + frame.loc[rows, "purchased_at"].str[10:]


def _shared_orders(files: Files, _: Random) -> None:
    for frame in files.values():
        frame["order_id"] = "N" + (frame["order_id"].str[1:].astype(int) % 97).map(str)


def _long_orders(files: Files, _: Random) -> None:
    for frame in files.values():
        frame["order_id"] = "L" + frame["customer_id"]


def _signs(files: Files, random: Random) -> None:
    frame = files[SECOND]
    rows = frame.index[~frame["amount"].str.startswith("-")][:30]
    frame.loc[rows, "quantity"] = "-" + frame.loc[rows, "quantity"]


def _deep(files: Files, random: Random) -> None:
    frame = files[SECOND]
    rows = frame.index[~frame["amount"].str.startswith("-")][:30]
    frame.loc[rows, "discount"] = (frame.loc[rows, "amount"].astype(float) * 20).map("{:.2f}".format)


def _dearer(files: Files, random: Random) -> None:
    frame = files[SECOND]
    rows = frame.index[~frame["amount"].str.startswith("-")][:30]
    frame.loc[rows, "cost"] = (frame.loc[rows, "amount"].astype(float) * 3).map("{:.2f}".format)


def _everywhere(column: str, text: str) -> Callable[[Files, Random], None]:
    def plant(files: Files, _: Random) -> None:
        for frame in files.values():
            frame[column] = text

    return plant


def _known_early(files: Files, random: Random) -> None:
    frame = files[SECOND]
    frame.loc[_some(frame, random, 30), "known_at"] = "2022-06-01 00:00:00"


def _serials(texts: pd.Series) -> pd.Series:
    return ((pd.to_datetime(texts) - pd.Timestamp("1899-12-30")).dt.days).map(str)


CASES = (
    Planted("amounts that are NaN", _texts("amount", "NaN"), "quarantine: not a finite number"),
    Planted("infinite amounts", _texts("amount", "inf"), "quarantine: not a finite number"),
    Planted("amounts beyond all bounds", _texts("amount", "1e400"), "quarantine: amount"),
    Planted("amounts in words", _texts("amount", "n/a"), "quarantine: amount"),
    Planted("dates that are missing", _texts("purchased_at", ""), "quarantine: has no date"),
    Planted(
        "the 30th of February", _texts("purchased_at", "2023-02-30 10:00:00"), "quarantine: not a date that exists"
    ),
    Planted("dates of the year 1", _texts("purchased_at", "0001-01-01 00:00:00"), "quarantine: purchased_at"),
    Planted("dates in the far future", _texts("purchased_at", "2999-01-01 00:00:00"), "quarantine: after the moment"),
    Planted("lines without a customer", _texts("customer_id", ""), "guests"),
    Planted("spaces around ids", _changed(LAST, "customer_id", lambda s: " " + s + "\u200b"), "repair: customer_id"),
    Planted(
        "a decimal comma in one file", _changed(LAST, "amount", lambda s: s.str.replace(".", ",")), "error: amount"
    ),
    Planted("two-digit years in one file", _changed(LAST, "purchased_at", lambda s: s.str[2:]), "error: purchased_at"),
    Planted("spreadsheet dates in one file", _changed(LAST, "purchased_at", _serials), "error: purchased_at"),
    Planted("a broken line", _nothing, "quarantine: line", _appended("one,two\n")),
    Planted("a footer with the total", _nothing, "quarantine: has no date", _appended("Total,,,99.00,,,,,,,\n")),
    Planted("a renamed column", _nothing, "error: amount", _replaced("amount", "ammount")),
    Planted("a column that stands twice", _nothing, "error: amount", _replaced("discount", "amount")),
    Planted("the same file twice", _nothing, "error: part4.csv", _twice),
    Planted("a file in another encoding", _nothing, "error: UTF-8", _latin),
    Planted("a last line without an end", _nothing, "noticed", _truncated),
    Planted("two files that overlap", _overlap, "overlap"),
    Planted(
        "leading zeros lost in one file", _changed(LAST, "customer_id", lambda s: s.str.lstrip("0")), "twin_customers"
    ),
    Planted("ids with .0 in one file", _changed(LAST, "customer_id", lambda s: s + ".0"), "decimal_ids"),
    Planted("ids that a spreadsheet shortened", _texts("customer_id", "1.23E+05", 30), "scientific_ids"),
    Planted("customers called test", _texts("customer_id", "TEST_01", 30), "test_customers"),
    Planted("a customer of customers", _renamed(0.08, "99999"), "default_customer"),
    Planted("an account of many people", _renamed(0.3, "000001"), "giant_customer"),
    Planted("sixty purchases on one day", _busy, "busy_customer"),
    Planted("a giant line", _giant, "giant_lines"),
    Planted("a large sale undone", _undone, "undone_giants"),
    Planted("two weeks missing", _hole, "hole"),
    Planted("a last month that is cut", _cut, "incomplete_month"),
    Planted("a month in cents", _times("amount", 100, _month), "level_shift"),
    Planted("a file in another currency", _times("amount", 1000, _all), "level_shift"),
    Planted("a decimal sign lost here and there", _times("amount", 100, lambda f, r: _some(f, r, 40)), "price_slips"),
    Planted("fees among the products", _fees, "no_products"),
    Planted("every eighth line twice", _twins, "twin_lines"),
    Planted("returns by nobody", _only_returns, "return_without_purchase"),
    Planted("prices lost", _free, "zero_lines"),
    Planted("a month on its first day", _first_of_month, "first_of_month"),
    Planted(
        "a file without times of day", _changed(LAST, "purchased_at", lambda s: s.str[:10] + " 00:00:00"), "midnights"
    ),
    Planted(
        "a file with the time of loading",
        _changed(LAST, "purchased_at", lambda s: pd.Series("2023-11-30 03:00:00", index=s.index)),
        "one_instant",
    ),
    Planted(
        "texts in a wrong encoding", _changed(LAST, "category", lambda s: s.str.replace("ä", "Ã¤")), "damaged_texts"
    ),
    Planted("letters lost", _changed(LAST, "category", lambda s: s.str.replace("ü", "\ufffd")), "damaged_texts"),
    Planted("order numbers that begin anew", _shared_orders, "shared_orders"),
    Planted("one order a customer", _long_orders, "long_orders"),
    Planted("quantities with the other sign", _signs, "quantity_sign"),
    Planted("discounts beyond reason", _deep, "deep_discount"),
    Planted("costs beyond prices", _dearer, "cost_above_price"),
    Planted("rows known before they happened", _known_early, "known_before"),
    Planted("a constant column", _everywhere("channel", "web"), "constant_column"),
    Planted("an empty column", _everywhere("channel", ""), "empty_column"),
)
