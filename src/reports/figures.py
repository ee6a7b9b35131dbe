"""The pictures of the report: each takes a table that `tables.py` or `customers.py` returned, and words.

In: small frames. Out: inline SVG, or PNG for the overview. An empty table gives no picture (None), never empty axes.
Texts in pictures are our own words and numbers; names from the data stay in the page.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from markupsafe import Markup

from .bars import WIDE, Group, draw_bars, height_of
from .comparison import best_classic
from .customers import customers_of, risk_value_grid, value_floors
from .grades import SPOKEN, as_spoken, speaker
from .inputs import PRODUCT, ReportInput, checked, models_with
from .notation import days, model_name, percent, short_money
from .panels import Curve, Gain, draw_curves, draw_forecasts, draw_gains, draw_map, draw_months, share_text
from .style import BLUE, GREY, INK, MUTED, ORANGE, Canvas, Drawing, png, svg
from .tables import calibration, deciles, gain_curve

WIDTH = 420.0
CONTACTED = 0.5
"""Gain curves are drawn up to here: hardly anybody contacts more."""
HIGHLIGHT = 0.10
NARROW = 300.0
"""Below this width words are left out."""
SAFEST_FIRST = ("safest", "groups of equal size", "riskiest")


def risk_value_map(grid: pd.DataFrame, floors: Sequence[float | None], horizon_days: int) -> Markup | None:
    """Counts and money at stake by risk and worth."""
    if int(grid["n"].sum()) == 0:
        return None
    says = "Map of customers by chance of not buying and by worth; the same numbers are in the table"
    return svg(lambda c: draw_map(c, grid, floors, _risk(horizon_days), " at stake"), WIDTH, 350, says)


def calibration_picture(
    table: pd.DataFrame, bar: str = "actually left", below: tuple[str, str, str] = SAFEST_FIRST
) -> Markup | None:
    """Forecast and actual share in groups of equal size, the lowest chance first; as it stands, of leaving."""
    if table.empty:
        return None
    says = f"Forecast and actual share of customers who {bar}, in groups by forecast from {below[0]} to {below[2]}"
    return svg(lambda c: _draw_calibration(c, table, bar, below), WIDTH, 300, says)


def spend_picture(tenths: pd.DataFrame) -> Markup | None:
    """Forecast and actual spend per customer in tenths, the most valuable first."""
    table = _spend_table(tenths)
    says = "Forecast and actual spend per customer in tenths by forecast spend"
    return None if table is None else svg(lambda c: _draw_spend(c, table), WIDTH, 300, says)


def _spend_table(tenths: pd.DataFrame) -> pd.DataFrame | None:
    names = {
        "tenth": "group", "predicted_spend": "predicted", "actual_spend": "actual",
        "spend_low": "low", "spend_high": "high",
    }  # fmt: skip
    table = tenths.rename(columns=names).dropna(subset=["predicted", "actual"])
    return table if table[["predicted", "actual"]].to_numpy().any() else None


def _draw_spend(canvas: Canvas, table: pd.DataFrame) -> None:
    below = ("most valuable", "tenths by forecast spend", "least")
    bar = "actual spend per customer" if canvas.width > NARROW else "actually spent"
    draw_forecasts(canvas, table, bar, short_money, below)


def gain_picture(curves: Sequence[Curve], below: str, mark: tuple[float, str] | None, says: str) -> Markup | None:
    """Gain curves, the first of them highlighted."""
    return svg(lambda c: draw_curves(c, curves, 96, below, mark), WIDTH, 300, says) if curves else None


def gains_picture(gains: Sequence[Gain], says: str) -> Markup | None:
    """How much better than each other model."""
    return svg(lambda c: draw_gains(c, gains), WIDTH, 48 + 38 * len(gains), says) if gains else None


def losses_picture(groups: Sequence[Group]) -> Markup | None:
    """The log loss of every model at every check, split into ranking and level."""
    if not groups:
        return None
    key, says = ("ranking", "level"), "Log loss of each model at each check; the same numbers are in the tables"
    return svg(lambda c: draw_bars(c, groups, key), WIDTH, height_of(groups, keyed=True), says)


def money_picture(groups: Sequence[Group]) -> Markup | None:
    """What the same contacts would have earned, chosen in different ways."""
    says = "Gain of each way of choosing whom to contact; the same numbers are in the table"
    return svg(lambda c: draw_bars(c, groups, None, WIDE), WIDTH, height_of(groups), says) if groups else None


def months_picture(months: pd.DataFrame, measures: Sequence[tuple[str, str]]) -> Markup | None:
    """Bars per month."""
    if months.empty or not measures:
        return None
    return svg(lambda c: draw_months(c, months, measures), WIDTH, 26 + 92 * len(measures), "Bars per month")


def _risk(horizon_days: int) -> str:
    return f"Chance of not buying in the next {days(horizon_days)}"


def _draw_calibration(
    canvas: Canvas, table: pd.DataFrame, bar: str = "actually left", below: tuple[str, str, str] = SAFEST_FIRST
) -> None:
    draw_forecasts(canvas, table, bar, lambda v: share_text(round(v, 2)), below)


def _cut(name: str, curve: pd.DataFrame, colour: str, width: float = 1.5, dash: str = "-") -> Curve:
    """The part of a curve that is drawn."""
    part = curve[curve.iloc[:, 0] <= CONTACTED + 1e-9]
    return Curve(name, part.iloc[:, 0].tolist(), part.iloc[:, 1].tolist(), colour, width, dash)


def churn_curves(predictions: pd.DataFrame, classic: str | None, first: str = PRODUCT) -> list[Curve]:
    """Gain curves of whoever speaks, the product, one BTYD model, the simple rule, chance and a perfect ranking.

    Parameters
    ----------
    predictions : DataFrame
    classic : str or None
        The BTYD model to show.
    first : str
        Who speaks: the curve that is highlighted.
    """
    curves = _ranked_curves(predictions, "p_churn_", "churned", first, classic)
    if not curves:
        return []
    perfect = gain_curve(predictions.assign(perfect=predictions["churned"]), "perfect", "churned")
    return [*curves, _cut("perfect", perfect, GREY, 1.0, ":"), _chance()]


def value_curves(predictions: pd.DataFrame, classic: str | None, first: str = PRODUCT) -> list[Curve]:
    """Share of the money that those ranked highest by forecast spend then spent."""
    curves = _ranked_curves(predictions, "value_", "spend", first, classic)
    return [*curves, _chance()] if curves else []


def _ranked_curves(
    predictions: pd.DataFrame, prefix: str, outcome: str, first: str, classic: str | None
) -> list[Curve]:
    """The gain curve of whoever speaks and, of the others, those with a prediction of every row."""
    others = [m for m in (PRODUCT, classic, "naive") if m is not None and m != first]
    style = {PRODUCT: (INK, 1.5), classic: (ORANGE, 1.5), "naive": (MUTED, 1.5), first: (BLUE, 3.0)}
    present = [m for m in models_with(predictions, prefix) if m == first or predictions[prefix + m].notna().all()]
    curves = [
        _cut(model_name(model), curve, *style[model])
        for model in (first, *others)
        if model in present and not (curve := gain_curve(predictions, prefix + model, outcome)).empty
    ]
    return curves if curves and curves[0].name == model_name(first) else []


def _chance() -> Curve:
    x = np.linspace(0, CONTACTED, 3).tolist()
    return Curve("chance", x, x, GREY, 1.0, "--")


def concentration_curves(at_stake: pd.DataFrame, expected: pd.DataFrame) -> list[Curve]:
    """How few customers hold the money at stake and the expected spend."""
    named = [("at stake", at_stake, ORANGE, 3.0), ("expected", expected, BLUE, 1.8)]
    curves = [_cut(name, table, colour, width) for name, table, colour, width in named if not table.empty]
    return [*curves, _chance()] if curves else []


def found_text(curve: Curve) -> str:
    """What the highlighted point of a gain curve says."""
    return f"{percent(np.interp(HIGHLIGHT, curve.x, curve.y))} found in the top {percent(HIGHLIGHT)}"


def overview(report: ReportInput) -> bytes:
    """The picture of the answer for the README: risk x value map, gain curve, forecast and actual
    of churn and of spend; PNG of 1200 x 520 pixels.

    Parameters
    ----------
    report : ReportInput

    Returns
    -------
    bytes
        The same input gives the same bytes. A panel without data says so.
    """
    given = checked(report)
    customers = customers_of(given)
    grid, floors = risk_value_grid(customers), value_floors(customers)
    curves = churn_curves(given.predictions, best_classic(given), speaker(given))
    table = calibration(as_spoken(given), SPOKEN)
    spend = _spend_table(deciles(as_spoken(given), SPOKEN, "value"))

    def draw_risk(canvas: Canvas) -> None:
        draw_map(canvas, grid, floors, _risk(given.horizon_days), "")

    def draw_gain(canvas: Canvas) -> None:
        draw_curves(canvas, curves, 78, "share of customers contacted", (HIGHLIGHT, found_text(curves[0])))

    def draw_both(canvas: Canvas) -> None:
        half = (canvas.height - 14) / 2
        _draw_calibration(canvas.part(0, 0, canvas.width, half), table)
        if spend is not None:
            _draw_spend(canvas.part(0, half + 14, canvas.width, half), spend)

    def draw(canvas: Canvas) -> None:
        _panel(canvas, 16, 326, "Customers, and the money at stake", draw_risk if len(customers) else None)
        _panel(canvas, 376, 272, "Who is found first", draw_gain if curves else None)
        _panel(canvas, 672, 212, "Forecast and actual", None if table.empty else draw_both)

    return png(draw, 900, 390, 4 / 3)


def _panel(canvas: Canvas, x: float, width: float, title: str, draw: Drawing | None) -> None:
    """One of the overview's pictures under its title."""
    head = canvas.part(x, 14, width, 24).sheet()
    head.text(0, 12, title, size=13, weight="bold", color=INK, va="center")
    body = canvas.part(x, 52, width, 322)
    if draw is None:
        body.sheet().text(0, 20, "no data yet", size=12, color=MUTED, va="center")
    else:
        draw(body)
