"""How numbers, money, dates and other people's texts are written in the report.

In: a value that may be missing. Out: plain text in one notation: comma for thousands, a true minus, a no-break space
between a number and its unit. A missing or infinite value is "not defined here". Nothing here depends on the locale.
"""

from __future__ import annotations

import unicodedata

import numpy as np
import pandas as pd

from ..clock import Cutoff
from ..errors import ConfigError
from .inputs import number

UNDEFINED = "not defined here"
MINUS = "\u2212"
NBSP = "\u00a0"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MODEL_NAMES = {
    "regulars": "Regulars",
    "xgb_panel": "Boosted trees alone",
    "bg_nbd": "BG/NBD",
    "pareto_nbd": "Pareto/NBD",
    "naive": "Simple rule",
}


def _signed(text: str) -> str:
    return text.replace("-", MINUS)


def count(value: object) -> str:
    """A whole number.

    Examples
    --------
    >>> count(2469.4), count(None)
    ('2,469', 'not defined here')
    """
    known = number(value)
    return UNDEFINED if known is None else _signed(f"{round(known):,}")


def figure(value: object, digits: int = 3) -> str:
    """A number with a fixed count of decimals.

    Examples
    --------
    >>> figure(0.18249), figure(None)
    ('0.182', 'not defined here')
    """
    known = number(value)
    return UNDEFINED if known is None else _signed(f"{known:,.{digits}f}")


def percent(value: object) -> str:
    """A share as a percentage: one decimal below 10 %, none above; a small share is never written as nothing.

    Examples
    --------
    >>> [percent(v).replace(NBSP, " ") for v in (0.1234, 0.0612, 0.0002, 0, 0.9999, 1)]
    ['12 %', '6.1 %', '<0.1 %', '0 %', '>99.9 %', '100 %']
    """
    known = number(value)
    if known is None:
        return UNDEFINED
    if 0 < known < 0.001:
        return f"<0.1{NBSP}%"
    if 0.999 < known < 1:
        return f">99.9{NBSP}%"
    close = abs(known) < 0.0995 or 0.99 <= known < 1
    return points(known * 100, 1 if close and known != 0 else 0) + f"{NBSP}%"


def points(value: float, digits: int = 1) -> str:
    """A number of percentage points or per cent without its unit; zero has no sign.

    Examples
    --------
    >>> points(-0.04), points(2.25), points(-3.0, 0)
    ('0.0', '2.2', '−3')
    """
    text = f"{value:.{digits}f}"
    return _signed(text.lstrip("-") if float(text) == 0 else text)


def money(value: object, currency: str = "") -> str:
    """An amount: cents below 100, whole above, in the ledger's currency when there is one.

    Examples
    --------
    >>> [money(v, "USD").replace(NBSP, " ") for v in (12.5, 1234.56, -3, None)]
    ['USD 12.50', 'USD 1,235', '−USD 3.00', 'not defined here']
    """
    known = number(value)
    if known is None:
        return UNDEFINED
    digits = 2 if abs(known) < 99.995 and known != 0 else 0
    text = f"{abs(known):,.{digits}f}"
    sign = MINUS if known < 0 and float(text.replace(",", "")) != 0 else ""
    return sign + (f"{plain(currency)}{NBSP}{text}" if currency else text)


def short_money(value: object) -> str:
    """An amount for a tight place, without its currency.

    Examples
    --------
    >>> [short_money(v) for v in (7.2, 999.6, 12_340, 3_400_000, -52)]
    ['7', '1.0k', '12k', '3.4M', '−52']
    """
    known = number(value)
    if known is None:
        return "–"
    for size, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(known) >= size * 0.9995:
            scaled = known / size
            return _signed(f"{scaled:.{1 if abs(scaled) < 9.95 else 0}f}{unit}")
    return points(known, 0)


def span(ends: tuple[float, float] | None, digits: int = 3) -> str:
    """An interval, or nothing when it is not known.

    Examples
    --------
    >>> span((0.1, 0.25), 2), span(None)
    ('0.10 to 0.25', '')
    """
    return "" if ends is None else f"{figure(ends[0], digits)} to {figure(ends[1], digits)}"


def date(text: object) -> str:
    """An ISO date in words; any other text as it is.

    Examples
    --------
    >>> date("2017-10-02").replace(NBSP, " "), date("unknown")
    ('2 Oct 2017', 'unknown')
    """
    if text is None or text is pd.NaT or (isinstance(text, float) and np.isnan(text)):
        return UNDEFINED
    try:
        day = Cutoff.parse(str(text)[:10]).date
    except ConfigError:
        return plain(str(text))
    return f"{day.day}{NBSP}{MONTHS[day.month - 1]}{NBSP}{day.year}"


def plain(text: object) -> str:
    """Somebody's text without control characters and lone surrogates, which no HTML file may hold.

    Examples
    --------
    >>> plain("a\\x00b\\ud800")
    'a�b�'
    """
    return "".join("\ufffd" if unicodedata.category(c) in ("Cc", "Cs") else c for c in str(text))


def model_name(model: str) -> str:
    """How a model is called in the report.

    Examples
    --------
    >>> model_name("naive"), model_name("other")
    ('Simple rule', 'other')
    """
    return MODEL_NAMES.get(model, plain(model))


def days(n: int) -> str:
    """A number of days in words.

    Examples
    --------
    >>> days(1), days(30).replace(NBSP, " ")
    ('day', '30 days')
    """
    return "day" if n == 1 else f"{n}{NBSP}days"
