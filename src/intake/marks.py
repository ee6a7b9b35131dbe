"""What stands around a number in a text: currency signs, brackets and trailing minuses of accountants.

In: the texts of a column, in the table `found`. Out: `found` with `p` bare, its minus in front, the `mark` and the
`style` that were taken off, and the `Marks` of all texts, which add up with those of other files. Percentages, several
signs, or several ways to write a minus are errors; missing values are no texts.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import DataError
from .sources.parts import Places
from .staging import Connection, fetched

_LISTED = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF "
    "CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD "
    "HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL "
    "LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR "
    "PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP "
    "TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWL "
)
CODES = frozenset(_LISTED.split())
"""The codes of ISO 4217 in use, and those of a few years ago."""

SYMBOLS = {
    **{"€": "EUR", "£": "GBP", "₹": "INR", "₺": "TRY", "₽": "RUB", "₩": "KRW", "₪": "ILS", "₫": "VND", "₴": "UAH"},
    **{"฿": "THB", "₦": "NGN", "₱": "PHP", "₡": "CRC", "₸": "KZT", "₼": "AZN", "₾": "GEL", "﷼": "IRR", "TL": "TRY"},
}
"""Signs of one currency only; the dollar, the yen and the crown are signs of several."""

_WORDS = (
    *("TL", "kr.", "kr", "Kč", "zł", "Ft", "lei", "лв.", "лв", "руб.", "руб", "р.", "грн", "Rs.", "Rs", "Fr.", "KM"),
    *(
        "US$",
        "CA$",
        "AU$",
        "A$",
        "C$",
        "NZ$",
        "HK$",
        "S$",
        "R$",
        "RM",
        "Rp",
        "Tk",
        "تومان",
        "ریال",
        "ريال",
        "ر.س",
        "د.إ",
    ),
)
_MARK = "(?:" + "|".join(word.replace("$", "[$]").replace(".", "[.]") for word in _WORDS) + r"|[A-Za-z]{3}|\p{Sc})"
_NUMBER = "[0-9](?:[0-9.,' ]*[0-9])?|[.,][0-9]+"
_AROUND = f"^({_MARK})? ?([(]|[+-]?) ?({_MARK})? ?({_NUMBER}) ?({_MARK})? ?([)-]?) ?({_MARK})?$".replace("'", "''")
_PIECES = "['m0', 'lead', 'm1', 'number', 'm2', 'trail', 'm3']"

LEADING, TRAILING, BRACKETS = "a minus in front", "a minus behind", "brackets"


@dataclass(frozen=True)
class Marks:
    """What stands around the numbers of a column; two files' marks add up.

    Parameters
    ----------
    signs : tuple of str
        The currency signs and codes, each with its side; ``nothing`` where a number stands bare.
    styles : tuple of str
        How a minus is written.

    Examples
    --------
    >>> Marks(("€ before",)).plus(Marks(("nothing",))).is_one()
    False
    """

    signs: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()

    def plus(self, other: Marks) -> Marks:
        """What both together show."""
        return Marks(
            tuple(sorted({*self.signs, *other.signs})),
            tuple(sorted({*self.styles, *other.styles})),
        )

    def is_one(self) -> bool:
        """Whether there is one sign at most, and one way to write a minus."""
        return len(self.signs) <= 1 and len(self.styles) <= 1

    @property
    def currency(self) -> str:
        """The currency that the sign can only be; empty without one, or for a sign of several."""
        sign = self.signs[0].rpartition(" ")[0] if len(self.signs) == 1 else ""
        return sign.upper() if sign.upper() in CODES else SYMBOLS.get(sign, "")


def bare_numbers(con: Connection, column: str, places: Places) -> Marks:
    """Take off what stands around the numbers of `found`.

    Raises
    ------
    DataError
        Percentages; more than one sign, or some numbers with a sign and some without; more than one way to write a
        minus.
    """
    codes = ", ".join(f"'{code}'" for code in sorted(CODES))
    con.execute(
        f"""
        CREATE TABLE marked AS WITH pieces AS (
            SELECT *, s.m0 || s.m1 || s.m2 || s.m3 AS sign,
                (s.m0 <> '')::INT + (s.m1 <> '')::INT + (s.m2 <> '')::INT + (s.m3 <> '')::INT AS signs
            FROM (SELECT *, CASE WHEN NOT native THEN regexp_extract(p, '{_AROUND}', {_PIECES}) END AS s FROM found)
        ), known AS (
            SELECT *, s.number <> '' AND signs <= 1 AND (NOT regexp_full_match(sign, '[A-Za-z]{{3}}')
                OR upper(sign) IN ({codes}) OR sign IN ('lei')) AS fine,
                CASE WHEN s.lead = '(' AND s.trail = ')' THEN '{BRACKETS}' WHEN s.lead = '-' AND s.trail = ''
                THEN '{LEADING}' WHEN s.lead IN ('', '+') AND s.trail = '-' THEN '{TRAILING}'
                WHEN s.lead IN ('', '+') AND s.trail = '' THEN '' END AS style FROM pieces
        )
        SELECT v, native, n, first,
            CASE WHEN taken AND (sign <> '' OR style NOT IN ('', '{LEADING}'))
            THEN CASE WHEN style <> '' THEN '-' ELSE '' END || s.number ELSE p END AS p,
            CASE WHEN taken THEN sign ELSE '' END AS mark, CASE WHEN taken THEN style ELSE '' END AS style, taken,
            CASE WHEN s.m0 || s.m1 <> '' THEN ' before' ELSE ' after' END AS side
        FROM (SELECT *, coalesce(fine AND style IS NOT NULL, false) AS taken FROM known)
        """
    )
    con.execute("DROP TABLE found; ALTER TABLE marked RENAME TO found")
    _check_percent(con, column, places)
    signs = _shown(con, "CASE WHEN mark = '' THEN 'nothing' ELSE mark || side END", "taken", places)
    styles = _shown(con, "style", "taken AND style <> ''", places)
    if len(signs) > 1:
        raise DataError(
            f"the numbers of column `{column}` do not all carry the same currency sign",
            needed="one sign, or none, over all files",
            do="write the column in one currency and in one way; amounts in several currencies need a column of "
            f'codes: give currency = "that column" under [{places.section}]',
            offending=[f"{sign}: {sample}" for sign, sample in signs.items()],
            code="RG160",
        )
    if len(styles) > 1:
        raise DataError(
            f"column `{column}` writes negative numbers in more than one way",
            needed="-12.50, 12.50- or (12.50), and one of them over all files",
            do="write the column alike in all files, best as -12.50",
            offending=[f"{style}: {sample}" for style, sample in styles.items()],
            code="RG161",
        )
    return Marks(tuple(sorted(signs)), tuple(sorted(styles)))


def _shown(con: Connection, what: str, where: str, places: Places) -> dict[str, str]:
    """Each of several ways with its first text and where that stands, in the order of their first lines."""
    query = f"SELECT {what} AS k, arg_min(v, first), min(first) AS f FROM found WHERE {where} GROUP BY k ORDER BY f"
    return {name: places.told(value, first) for name, value, first in fetched(con, query)}


def _check_percent(con: Connection, column: str, places: Places) -> None:
    rows = fetched(
        con,
        "SELECT v, first FROM found WHERE NOT native AND regexp_full_match(p, '[(+-]*[0-9][0-9., '']* ?[%٪‰][)-]?') "
        "ORDER BY first LIMIT 3",
    )
    if rows:
        raise DataError(
            f"column `{column}` holds percentages",
            needed="numbers: money, or how many",
            do="map the column that holds the money, or write the share as a number where the data are made",
            offending=[places.told(value, first) for value, first in rows],
            code="RG162",
        )
