"""Quantities: numbers with their units as a marketer reads them.

In: a finite number, the unit that the catalogue of features gives it, a currency. Out: a short text, the same in every
locale. A unit that is not known is written as it is.
"""

from __future__ import annotations

_SINGULAR = {
    "days": "day",
    "orders": "order",
    "lines": "line",
    "pieces": "piece",
    "categories": "category",
    "products": "product",
    "events": "event",
    "points": "point",
    "offers": "offer",
}
_BARE = {"ratio", "score", "nats", "as given", "-1 to 1", "0 or 1", "", "events"}


def number(value: float) -> str:
    """A number with as many decimals as help.

    Examples
    --------
    >>> [number(v) for v in (3.0, 17.3333, 0.4567, 1234.5, -0.001, 0.0012)]
    ['3', '17.3', '0.46', '1,234', '0', '0']
    """
    size = abs(value)
    text = f"{value:,.{0 if size >= 100 else 1 if size >= 9.95 else 2}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.lstrip("-") if text.strip("-0.") == "" else text


def money(value: float, currency: str = "") -> str:
    """An amount: cents below 100, whole above.

    Examples
    --------
    >>> money(12.5, "USD"), money(-1234.56)
    ('USD 12.50', '-1,235')
    """
    text = f"{abs(value):,.{2 if abs(value) < 99.995 and value != 0 else 0}f}"
    sign = "-" if value < 0 and text.strip("0.,") else ""
    return f"{currency} {sign}{text}" if currency else sign + text


def percent(value: float) -> str:
    """A share in per cent.

    Examples
    --------
    >>> percent(0.345), percent(0.052), percent(0.0001), percent(0)
    ('34 %', '5.2 %', '<0.1 %', '0 %')
    """
    if 0 < value < 0.0005:
        return "<0.1 %"
    return f"{100 * value:,.{1 if 0 < abs(value) < 0.0995 else 0}f} %"


def measured(value: float, unit: str, currency: str = "") -> str:
    """A number with its unit.

    Examples
    --------
    >>> measured(1, "days"), measured(2.5, "categories"), measured(0.5, "share"), measured(3, "ratio")
    ('1 day', '2.5 categories', '50 %', '3')
    """
    if unit == "money":
        return money(value, currency)
    if unit == "share":
        return percent(value)
    if unit == "0 or 1" and value in (0.0, 1.0):
        return "yes" if value else "no"
    text = _text(value, unit)
    if unit in _BARE:
        return text
    return f"{text} {_SINGULAR.get(unit, unit) if text == '1' else unit}"


def bare(value: float, unit: str, currency: str) -> str:
    """The same after a number in that unit: the unit is not said twice."""
    return measured(value, unit, currency) if unit in ("money", "share", "0 or 1") else _text(value, unit)


def _text(value: float, unit: str) -> str:
    """No day is told to a hundredth."""
    return number(round(value, 1) if unit == "days" else value)


def times(value: float) -> str:
    """How often.

    Examples
    --------
    >>> times(0), times(1), times(2.5)
    ('never', 'once', '2.5 times')
    """
    text = number(value)
    return {"0": "never", "1": "once"}.get(text, f"{text} times")


def bought(value: float) -> str:
    """How often somebody bought.

    Examples
    --------
    >>> bought(0), bought(1), bought(4)
    ('did not buy', 'bought once', 'bought 4 times')
    """
    text = times(value)
    return "did not buy" if text == "never" else f"bought {text}"
