"""The 48 inputs of which well-known readers make something else, and what becomes of each: one readable table.

A case is a number, a sentence, rows of Python values and an outcome: kept (with what was repaired or noted), set aside
(with the reason), or refused (with the code and words of the message). It holds for every kind of source in which it
can exist; `why` says why not in the others. Several cases may share a number: they are forms of it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from tests.intake.delivery import ALL, FILES, ONE_TYPE, TEXT_FILES, Row, Rows

NOW = dt.datetime(2024, 1, 5, 10, 0)
THREE: Sequence[str] = ("id", "when", "money")


@dataclass(frozen=True)
class Outcome:
    """What becomes of the rows.

    Parameters
    ----------
    code : str
        Of the error; empty where there is none.
    says : sequence of str
        What the error must say.
    used : sequence of (customer, amount) or None
        The lines of the ledger, in its order; None where they do not matter.
    bad : mapping
        The reasons in quarantine, and how many lines each has.
    classes : mapping
        Lines that are set aside otherwise: ``guest``, ``merged``, ``dropped``.
    notes, repairs : sequence of str
        What notes, and descriptions of repairs, must say.
    first_day : str
        Of the ledger.
    times : sequence of str
        The instants of the used lines, in their order, as YYYY-MM-DD HH:MM.
    """

    code: str = ""
    says: Sequence[str] = ()
    used: Sequence[tuple[str, str]] | None = None
    bad: Mapping[str, int] = field(default_factory=dict)
    classes: Mapping[str, int] = field(default_factory=dict)
    notes: Sequence[str] = ()
    repairs: Sequence[str] = ()
    times: Sequence[str] | None = None


def refused(code: str, *says: str) -> Outcome:
    """An error of a code, with words that must stand in it."""
    return Outcome(code, says)


def kept(
    *used: tuple[str, str],
    bad: Mapping[str, int] | None = None,
    notes: Sequence[str] = (),
    repairs: Sequence[str] = (),
    times: Sequence[str] | None = None,
    **classes: int,
) -> Outcome:
    """Used lines as (customer, amount), and what became of the others."""
    return Outcome("", (), used or None, bad or {}, classes, notes, repairs, times)


@dataclass(frozen=True)
class Case:
    """One form of one of the 48 inputs.

    Parameters
    ----------
    parts : sequence of rows
        One table, or several files.
    raw : bytes or None
        Instead of rows: what stands in the text file.
    second : sequence of str or None
        The header of the second file where it is another.
    where : sequence of str
        The sources in which it can exist.
    why : str
        Why it cannot in the others.
    """

    number: int
    sentence: str
    parts: Sequence[Rows]
    outcome: Outcome
    header: Sequence[str] = THREE
    settings: Mapping[str, object] = field(default_factory=dict)
    where: Sequence[str] = ALL
    why: str = ""
    raw: bytes | None = None
    timezone: str = "UTC"
    second: Sequence[str] | None = None

    @property
    def name(self) -> str:
        """Number and sentence, for the list of tests."""
        return f"{self.number:02} {self.sentence}"


def but(*sources: str) -> tuple[str, ...]:
    """All sources without some."""
    return tuple(s for s in ALL if s not in sources)


def rows(*lines: Row) -> Sequence[Rows]:
    """One table."""
    return (lines,)


def ids(*values: object) -> Sequence[Rows]:
    """A line for each id, the day and the money alike but for their number."""
    return (tuple((v, NOW + dt.timedelta(days=i), Decimal(i + 1)) for i, v in enumerate(values)),)


def times(*values: object) -> Sequence[Rows]:
    """A line of customer `a` for each time."""
    return (tuple(("a", v, Decimal(i + 1)) for i, v in enumerate(values)),)


def moneys(*values: object) -> Sequence[Rows]:
    """A line of customer `a` for each amount, a day each."""
    return (tuple(("a", NOW + dt.timedelta(days=i), v) for i, v in enumerate(values)),)


def text(body: str, encoding: str = "utf-8") -> bytes:
    """The bytes of a CSV with the three columns."""
    return f"id,when,money\n{body}".encode(encoding)


ANY = {"max_bad_share": 1.0}
MIXED = "a column of one type holds no values of two"
LINES = "tables and frames have no lines of text"
NO_FLOAT = "a text has no floating-point numbers"
NO_FILES = "a database table or a frame is one part"
BLOCK = tuple((f"c{i % 40}", NOW + dt.timedelta(hours=i), Decimal(i)) for i in range(130))

CASES: tuple[Case, ...] = (
    # --- money -------------------------------------------------------------------------------------------------------
    Case(1, "a negative amount is a return and kept", moneys(10.0, -4.0), kept(("a", "10"), ("a", "-4"))),
    Case(
        1,
        "a negative amount is left out, counted, when returns are dropped",
        moneys(10.0, -4.0),
        kept(("a", "10"), dropped=1),
        settings={"returns": "drop"},
    ),
    Case(2, "a return without a purchase is kept", moneys(-4.0), kept(("a", "-4"))),
    Case(
        3,
        "an order and its cancellation are both kept and cancel out",
        rows(("a", NOW, 19.5, "536379"), ("a", NOW + dt.timedelta(days=1), -19.5, "C536379")),
        kept(("a", "19.5"), ("a", "-19.5")),
        header=(*THREE, "o"),
        settings={"order_id": "o"},
    ),
    Case(4, "a zero amount is a line", moneys(0.0, 3.0), kept(("a", "0"), ("a", "3"))),
    Case(
        5,
        "an amount that is no number is set aside",
        moneys(1.0, float("nan")),
        kept(("a", "1"), bad={"is not a finite number": 1}),
        settings=ANY,
        where=but("jsonl", "excel", "sqlite", "pandas"),
        why="JSON and Excel have no NaN, SQLite keeps it as NULL, pandas means a missing value by it",
    ),
    Case(
        5,
        "an amount that is missing is set aside",
        moneys(1.0, None),
        kept(("a", "1"), bad={"is missing": 1}),
        settings=ANY,
    ),
    Case(
        6,
        "an infinite amount is set aside",
        moneys(1.0, float("inf"), float("-inf")),
        kept(("a", "1"), bad={"is not a finite number": 2}),
        settings=ANY,
        where=but("jsonl", "excel"),
        why="JSON and Excel have no infinity",
    ),
    Case(
        6,
        "an amount with an exponent, written as text, is set aside",
        moneys("1.0", "1e400", "1e3"),
        kept(("a", "1"), bad={"is not a plain number": 2}),
        settings=ANY,
    ),
    Case(
        7,
        "an amount a thousand times the others is kept",
        moneys(*[12.5] * 5, 77_183.6),
        kept(*[("a", "12.5")] * 5, ("a", "77183.6")),
    ),
    Case(
        7,
        "an amount of twenty digits is set aside",
        moneys("1.5", "99999999999999999999"),
        kept(("a", "1.5"), bad={"is too large": 1}),
        settings=ANY,
    ),
    # --- lines that stand twice --------------------------------------------------------------------------------------
    Case(
        8,
        "twins inside an order are kept, and noted",
        rows(("a", NOW, 1.0), ("a", NOW, 1.0), ("b", NOW, 2.0)),
        kept(("a", "1"), ("a", "1"), ("b", "2"), notes=["1 lines equal another line"]),
    ),
    Case(
        8,
        "twins are merged when asked",
        rows(("a", NOW, 1.0), ("a", NOW, 1.0), ("b", NOW, 2.0)),
        kept(("a", "1"), ("b", "2"), merged=1),
        settings={"duplicates": "drop"},
    ),
    Case(
        8,
        "a transaction that stands twice is one line",
        rows(("a", NOW, 1.0, "t1"), ("a", NOW, 1.0, "t1"), ("b", NOW, 2.0, "t2")),
        kept(("a", "1"), ("b", "2"), merged=1),
        header=(*THREE, "t"),
        settings={"transaction_id": "t"},
    ),
    Case(
        8,
        "a block that two files share is merged once",
        (BLOCK, (*BLOCK[10:], ("z", NOW - dt.timedelta(days=1), Decimal(5)))),
        Outcome(classes={"merged": 120}),
        where=FILES,
        why=NO_FILES,
    ),
    Case(
        8,
        "a block that stands twice in one table is merged once",
        (BLOCK + BLOCK,),
        Outcome(classes={"merged": 130}),
    ),
    Case(
        9,
        "a transaction with two values is set aside",
        rows(("a", NOW, 1.0, "t1"), ("a", NOW, 5.0, "t1"), ("b", NOW, 2.0, "t2")),
        Outcome(used=[("b", "2")], bad={"*": 2}),
        header=(*THREE, "t"),
        settings={"transaction_id": "t", **ANY},
    ),
    Case(
        9,
        "a transaction with two values counts as it was last known",
        rows(
            ("a", NOW, 1.0, "t1", NOW + dt.timedelta(days=1)),
            ("a", NOW, 5.0, "t1", NOW + dt.timedelta(days=2)),
            ("b", NOW, 2.0, "t2", NOW),
        ),
        kept(("a", "5"), ("b", "2"), merged=1),
        header=(*THREE, "t", "known"),
        settings={"transaction_id": "t", "known_at": "known"},
    ),
    Case(
        10,
        "a file that is there twice is refused",
        (moneys(1.0)[0], moneys(1.0)[0]),
        refused("RG117", "a.", "b.", "same content", "remove one"),
        where=FILES,
        why=NO_FILES,
    ),
    # --- who ---------------------------------------------------------------------------------------------------------
    Case(11, "a line without a customer is a guest with its money", ids("a", None), kept(("a", "1"), guest=1)),
    Case(
        12,
        "blanks around an id are trimmed",
        ids("a ", "\u200ba", "\u00a0a\u00a0"),
        kept(("a", "1"), ("a", "2"), ("a", "3"), repairs=["white space, invisible"]),
    ),
    Case(12, "an id of blanks is nobody's", ids("a", "  ", "\u200b"), kept(("a", "1"), guest=2)),
    Case(13, "leading zeros are kept", ids("00123", "0"), kept(("0", "2"), ("00123", "1"))),
    Case(
        14,
        "an id is a number in one file and text in another",
        (ids(123)[0], ids("123", "a")[0]),
        kept(("123", "1"), ("123", "1"), ("a", "2")),
        where=FILES,
        why=NO_FILES,
    ),
    Case(
        14,
        "an id is a number in one line and text in another",
        ids(123, "123", "a"),
        kept(("123", "1"), ("123", "2"), ("a", "3")),
        where=but(*ONE_TYPE),
        why=MIXED,
    ),
    Case(
        14,
        "ids that differ by leading zeros are two customers, and noted",
        ids("123", "00123"),
        kept(("00123", "2"), ("123", "1"), notes=["2 customer ids differ", "leading zeros"]),
    ),
    Case(
        15,
        "whole ids that arrive as floats lose their fraction",
        ids(123.0, 7.0),
        kept(("123", "1"), ("7", "2")),
        where=but(*TEXT_FILES),
        why=NO_FLOAT,
    ),
    Case(
        15,
        "ids that are fractions are refused",
        ids(123.5, 7.0),
        refused("RG103", "`id`", "floating-point", "as text"),
        where=but(*TEXT_FILES),
        why=NO_FLOAT,
    ),
    Case(
        16,
        "ids beyond 2^53 stay apart as integers",
        ids(9007199254740993, 9007199254740992),
        kept(("9007199254740992", "2"), ("9007199254740993", "1")),
        where=but("excel"),
        why="a cell of a spreadsheet is a double",
    ),
    Case(
        16,
        "ids beyond 2^53 are refused as floats",
        ids(9007199254740993.0, 7.0),
        refused("RG103", "`id`", "2^53", "as text"),
        where=but(*TEXT_FILES),
        why=NO_FLOAT,
    ),
    Case(
        16,
        "ids of twenty digits are text",
        ids("123456789012345678901", "123456789012345678902"),
        kept(("123456789012345678901", "1"), ("123456789012345678902", "2")),
    ),
    Case(
        17,
        "a customer may be called NA, null or None",
        ids("NA", "null", "None", "nan"),
        kept(("NA", "1"), ("None", "3"), ("nan", "4"), ("null", "2")),
    ),
    Case(
        18,
        "composed and decomposed letters are one customer",
        ids("e\u0301", "\u00e9"),
        kept(("\u00e9", "1"), ("\u00e9", "2"), repairs=["composed characters"]),
    ),
    Case(
        18,
        "ids that differ by letter forms are two customers, and noted",
        ids("علي", "علی", "Bo", "bo"),
        kept(("Bo", "3"), ("bo", "4"), ("علي", "1"), ("علی", "2"), notes=["4 customer ids differ", "letter forms"]),
    ),
    Case(
        19,
        "truth values as ids are text",
        ids(True, False),
        kept(("false", "2"), ("true", "1")),
        where=but("sqlite"),
        why="SQLite has no truth values",
    ),
    # --- when --------------------------------------------------------------------------------------------------------
    Case(
        20,
        "times of several zones are instants",
        times("2024-01-05T10:00:00+01:00", "2024-01-05 10:00:00Z", "2024-01-05T23:30:00+03:30"),
        kept(("a", "1"), ("a", "2"), ("a", "3"), times=["2024-01-05 09:00", "2024-01-05 10:00", "2024-01-05 20:00"]),
        timezone="Europe/Berlin",
    ),
    Case(
        20,
        "typed instants are instants",
        times(dt.datetime(2024, 1, 5, 9, tzinfo=dt.UTC), dt.datetime(2024, 7, 5, 9, tzinfo=dt.UTC)),
        kept(("a", "1"), ("a", "2"), times=["2024-01-05 09:00", "2024-07-05 09:00"]),
        timezone="Europe/Berlin",
        where=but("excel"),
        why="Excel's times have no zone",
    ),
    Case(
        21,
        "times with and without a zone are refused",
        times("2024-01-05 10:00:00Z", "2024-01-06 10:00:00"),
        refused("RG127", "`when`", "with and without", "naive_timezone", "instant: 2024-01-05T10:00", "2"),
    ),
    Case(
        21,
        "times with and without a zone are read when the zone is said",
        times("2024-01-05 10:00:00Z", "2024-01-06 10:00:00"),
        kept(("a", "1"), ("a", "2"), times=["2024-01-05 10:00", "2024-01-06 09:00"]),
        settings={"naive_timezone": "Europe/Berlin"},
    ),
    Case(
        22,
        "a time in the gap of a clock change moves forward, one in the fold is the first",
        times(dt.datetime(2024, 3, 31, 2, 30), dt.datetime(2024, 10, 27, 2, 30)),
        kept(
            ("a", "1"),
            ("a", "2"),
            times=["2024-03-31 01:30", "2024-10-27 00:30"],
            repairs=["do not exist and moved forward", "exist twice and count as the first"],
        ),
        timezone="Europe/Berlin",
    ),
    Case(
        23,
        "a time after the moment of reading is set aside",
        times(NOW, dt.datetime(2199, 1, 1)),
        kept(("a", "1"), bad={"lies after the moment of reading": 1}),
        settings=ANY,
    ),
    Case(
        24,
        "a time before 1990 is set aside",
        times(NOW, dt.datetime(1989, 12, 31, 23, 59), dt.datetime(1970, 1, 1)),
        kept(("a", "1"), bad={"lies before 1990": 2}),
        settings=ANY,
    ),
    Case(
        24,
        "the years 1 and 9999 are set aside",
        times("2024-01-05", "0001-01-01", "9999-12-31"),
        kept(("a", "1"), bad={"lies before 1990": 1, "lies after the moment of reading": 1}),
        settings=ANY,
    ),
    Case(
        25,
        "days that do not exist are set aside",
        times("2024-01-05", "0000-00-00", "2024-02-30", "2024-01-05 25:00"),
        kept(("a", "1"), bad={"is not a date that exists, in the column's format": 3}),
        settings=ANY,
    ),
    *(
        Case(
            26,
            f"epoch {unit} are told by their size",
            times(1_704_448_800 * factor, 1_704_535_200 * factor),
            kept(("a", "1"), ("a", "2"), times=["2024-01-05 10:00", "2024-01-06 10:00"]),
            where=ALL if factor < 10**9 else but("excel"),
            why="a cell of a spreadsheet is a double" if factor == 10**9 else "",
        )
        for unit, factor in (("seconds", 1), ("milliseconds", 10**3), ("microseconds", 10**6), ("nanoseconds", 10**9))
    ),
    Case(
        26,
        "epoch numbers of two units are refused",
        times(1_704_448_800, 1_704_535_200_000),
        refused("RG124", "`when`", "epoch seconds", "epoch milliseconds", "1704448800"),
    ),
    Case(
        27,
        "days as whole numbers are days",
        times(20240105, 20240106),
        kept(("a", "1"), ("a", "2"), times=["2024-01-05 00:00", "2024-01-06 00:00"]),
    ),
    Case(
        28,
        "serial numbers of Excel are refused with advice",
        times(45_296, 45_297),
        refused("RG125", "`when`", "serial numbers", "45296", "YYYY-MM-DD"),
    ),
    Case(
        29,
        "days that can be read in two ways are refused with both readings",
        times("03/04/2024", "05/06/2024"),
        refused("RG123", "2024-04-03", "2024-03-04", "day_first = true", "03/04/2024"),
    ),
    Case(
        29,
        "a day above 12 proves the order for all",
        times("03/04/2024", "25/12/2023"),
        kept(("a", "2"), ("a", "1"), times=["2023-12-25 00:00", "2024-04-03 00:00"]),
    ),
    Case(
        29,
        "the order of day and month may be said",
        times("03/04/2024", "05/06/2024"),
        kept(("a", "1"), ("a", "2"), times=["2024-03-04 00:00", "2024-05-06 00:00"]),
        settings={"day_first": False},
    ),
    Case(
        30,
        "two formats in one column are refused",
        times("2024-01-05", "25/12/2023"),
        refused("RG124", "`when`", "mixes formats", "2024-01-05", "25/12/2023", "YYYY-MM-DD"),
    ),
    Case(
        30,
        "an American and a European order in one column are refused",
        times("12/25/2023", "25/12/2023"),
        refused("RG124", "day first", "month first", "12/25/2023", "25/12/2023"),
    ),
    Case(
        31, "years of two digits are refused", times("05/01/24"), refused("RG126", "`when`", "two digits", "05/01/24")
    ),
    # --- how numbers are written -------------------------------------------------------------------------------------
    Case(32, "a decimal comma is read", moneys("10,50", "7"), kept(("a", "10.5"), ("a", "7"))),
    Case(33, "signs of thousands are read", moneys("1.234,50", "7,25"), kept(("a", "1234.5"), ("a", "7.25"))),
    Case(
        33, "spaces and apostrophes of thousands are read", moneys("1'234.50", "7"), kept(("a", "1234.5"), ("a", "7"))
    ),
    Case(
        33,
        "1.500 alone is refused with both readings",
        moneys("1.500", "2.250"),
        refused("RG121", "`money`", "1.500", "1500", "decimal = "),
    ),
    Case(
        33,
        "a number beside a text proves nothing of how texts are written",
        moneys("1.500", 2.5),
        refused("RG121", "`money`", "1.500", "1500", "decimal = "),
        where=("jsonl", "excel", "sqlite", "pandas"),
        why="where all is text, so is 2.5; a column of one type holds no values of two",
    ),
    Case(
        33,
        "two ways to write numbers in one column are refused",
        moneys("1.234,50", "1,234.50"),
        refused("RG122", "`money`", "more than one way", "1.234,50", "1,234.50"),
    ),
    Case(34, "a sign of currency is read", moneys("€ 12,50", "€ 7,00"), kept(("a", "12.5"), ("a", "7"))),
    Case(34, "accounting brackets are a minus", moneys("(12.50)", "7.00"), kept(("a", "-12.5"), ("a", "7"))),
    Case(
        34,
        "two signs of currency in one column are refused",
        moneys("€12.50", "$7.00"),
        Outcome("RG*", ["`money`", "€12.50", "$7.00"]),
    ),
    Case(
        35,
        "two currencies are refused without rates",
        rows(("a", NOW, 10.0, "EUR"), ("b", NOW, 10.0, "USD")),
        Outcome("RG*", ["`cur`", "USD", "rates"]),
        header=(*THREE, "cur"),
        settings={"currency": "cur"},
    ),
    Case(
        35,
        "two currencies are one with rates",
        rows(("a", NOW, 10.0, "EUR"), ("b", NOW, 10.0, "USD")),
        kept(("a", "10"), ("b", "9.1")),
        header=(*THREE, "cur"),
        settings={"currency": "cur", "rates": {"USD": "0.91"}},
    ),
    Case(
        38,
        "Persian and Arabic digits are digits",
        rows(("۱", "۲۰۲۴-۰۱-۰۵", "۱۲"), ("٢", "2024-01-06", "٣٤")),
        kept(("٢", "34"), ("۱", "12"), times=["2024-01-06 00:00", "2024-01-05 00:00"], repairs=["another script"]),
    ),
    # --- the file ----------------------------------------------------------------------------------------------------
    Case(
        36,
        "a byte-order mark is no part of the first name",
        (),
        kept(("é", "1")),
        raw=b"\xef\xbb\xbf" + text("é,2024-01-05,1\n"),
        where=TEXT_FILES,
        why=LINES,
    ),
    Case(
        36,
        "UTF-16 with its mark is read",
        (),
        kept(("é", "1")),
        raw=text("é,2024-01-05,1\n", "utf-16"),
        where=TEXT_FILES,
        why=LINES,
    ),
    Case(
        37,
        "a Western file that is not UTF-8 is refused with readings",
        (),
        refused("RG107", "a.csv", ":2 ", "UTF-8", "Zoë", "cp1252"),
        raw=text("Zoë,2024-01-05,1\n", "cp1252"),
        where=TEXT_FILES,
        why=LINES,
    ),
    Case(
        37,
        "an Arabic file that is not UTF-8 is refused with readings",
        (),
        refused("RG107", "a.csv", ":2 ", "UTF-8", "تهران", "cp1256"),
        raw=text("تهران,2024-01-05,1\n", "cp1256"),
        where=TEXT_FILES,
        why=LINES,
    ),
    Case(
        39,
        "lines that end in CR alone are lines",
        (),
        kept(("a", "1"), ("b", "2")),
        raw=text("a,2024-01-05,1\nb,2024-01-06,2\n").replace(b"\n", b"\r"),
        where=TEXT_FILES,
        why=LINES,
    ),
    Case(
        39,
        "a line with a NUL byte is set aside",
        (),
        kept(("a", "1"), bad={"holds a NUL byte": 1}),
        raw=text("a,2024-01-05,1\nb\0,2024-01-06,2\n"),
        settings=ANY,
        where=TEXT_FILES,
        why=LINES,
    ),
    Case(
        40,
        "a ragged line is set aside",
        (),
        kept(("a", "1"), bad={"has 4 fields where the header has 3": 1, "has 2 fields where the header has 3": 1}),
        raw=text("a,2024-01-05,1\nb,2024-01-06,2,9\nc,2024-01-06\n"),
        settings=ANY,
        where=TEXT_FILES,
        why=LINES,
    ),
    Case(
        40,
        "ragged lines beyond the limit are refused",
        (),
        refused("RG128", "2 of 3 lines", "a.csv", "4 fields", "`max_bad_share`", ":3"),
        raw=text("a,2024-01-05,1\nb,2024-01-06,2,9\nc,2024-01-06\n"),
        where=TEXT_FILES,
        why=LINES,
    ),
    Case(
        40,
        "a quote that swallows lines is refused with its line",
        (),
        refused("RG109", "a.csv", ":2 ", "quote", "line 2"),
        raw=text('"a,2024-01-05,1\n' + "b,2024-01-06,2\n" * 5),
        where=TEXT_FILES,
        why=LINES,
    ),
    Case(
        41,
        "two columns of one name are refused",
        rows(("a", NOW, 1.0, 2.0)),
        refused("RG101", "money; money", "rename"),
        header=(*THREE, "money"),
        where=("csv", "gz", "excel", "parquet", "arrow"),
        why="databases and the other frames cannot have them, and an object of JSON keeps one",
    ),
    Case(
        41,
        "two columns that differ by capitals are refused",
        rows(("a", NOW, 1.0, 2.0)),
        refused("RG101", "money; Money", "capitals"),
        header=(*THREE, "Money"),
        where=but("sqlite", "duckdb"),
        why="SQLite and DuckDB cannot have them",
    ),
    Case(
        42,
        "a column under another name is named with the nearest",
        rows(("a", NOW, 1.0)),
        refused("RG102", "no column `money`", "did you mean `mony`"),
        header=("id", "when", "mony"),
    ),
    Case(
        42,
        "a file without a header is refused",
        (),
        refused("RG102", "`a.csv", "has no column `id`"),
        raw=b"a,2024-01-05,1\nb,2024-01-06,2\n",
        where=TEXT_FILES,
        why=LINES,
    ),
    Case(
        42,
        "columns in another order are read by name",
        rows((1.0, "a", NOW)),
        kept(("a", "1")),
        header=("money", "id", "when"),
    ),
    Case(43, "a table without rows is refused", rows(), refused("RG118", "no rows")),
    Case(
        43,
        "an empty file among others is passed over, and noted",
        (moneys(1.0)[0], ()),
        kept(("a", "1"), notes=["is empty and was passed over"]),
        where=FILES,
        why=NO_FILES,
    ),
    # --- what models meet later --------------------------------------------------------------------------------------
    Case(44, "a shop where everyone bought once is a ledger, and too little to learn from", ids("a", "b"), kept()),
    Case(
        45,
        "a column without a value is kept and stays missing",
        rows(("a", NOW, 1.0, None), ("b", NOW, 2.0, None)),
        kept(("a", "1"), ("b", "2")),
        header=(*THREE, "kind"),
        settings={"category": "kind"},
    ),
    Case(
        46,
        "a category is any text",
        rows(*(("a", NOW + dt.timedelta(days=i), 1.0, f"new {i}") for i in range(5))),
        kept(*[("a", "1")] * 5),
        header=(*THREE, "kind"),
        settings={"category": "kind"},
    ),
    Case(
        47,
        "a new column changes nothing",
        rows(("a", NOW, 1.0, "x")),
        kept(("a", "1")),
        header=(*THREE, "new"),
    ),
    Case(
        47,
        "a column that is gone from a later file is refused",
        (moneys(1.0)[0], moneys(2.0)[0]),
        refused("RG102", "has no column `money`", "b."),
        second=("id", "when", "mony"),
        where=FILES,
        why=NO_FILES,
    ),
    Case(
        48,
        "a line is kept with the moment at which it became known",
        rows(("a", NOW, 1.0, NOW), ("a", NOW, 2.0, NOW + dt.timedelta(days=60))),
        kept(("a", "1"), ("a", "2")),
        header=(*THREE, "known"),
        settings={"known_at": "known"},
    ),
)
