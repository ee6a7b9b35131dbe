"""The pictures of future value: each takes a table that `value.py` or a chapter made, and words.

In: small frames. Out: inline SVG. An empty table gives no picture (None), never empty axes. Texts in pictures are our
own words and numbers; names from the data stay in the page.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from markupsafe import Markup

from ..models.concentration import HELD
from .customers import concentration
from .figures import CONTACTED, WIDTH
from .notation import days, percent, short_money
from .panels import Curve, draw_curves, draw_forecasts, share_text
from .style import BLUE, GREY, MUTED, ORANGE, Canvas, svg
from .value import holders, segment_table, value_cells, value_line
from .value_panels import Ahead, Corner, Track, draw_ahead, draw_coverage, draw_lifetime, draw_moves, draw_value_map


def value_map(customers: pd.DataFrame, horizon_days: int) -> Markup | None:
    """Where the customers are by chance of not buying and expected spend, in four segments."""
    cells, table = value_cells(customers), segment_table(customers)
    if cells.empty or table.empty:
        return None
    says = (
        "Map of customers: across the chance of not buying, upwards the expected spend; the numbers of its four "
        "segments are in the table"
    )
    return svg(lambda c: paint_value_map(c, customers, horizon_days), WIDTH, 380, says)


def paint_value_map(canvas: Canvas, customers: pd.DataFrame, horizon_days: int) -> None:
    """The value map on a canvas; customers must have segments and expected spend."""
    table = segment_table(customers)
    whole = float(table["expected"].sum())
    corners = []
    for name, n, held in zip(table["segment"], table["n"].tolist(), table["expected"].tolist(), strict=True):
        of_all = f", {percent(held / whole)} of all" if whole > 0 and canvas.width > 300 else ""
        corners.append(Corner(name.capitalize(), n, f"{short_money(held)} expected{of_all}"))
    below = f"chance of not buying in the next {days(horizon_days)}"
    draw_value_map(canvas, value_cells(customers), value_line(customers), corners, below)


def held_curves(named: Sequence[tuple[str, pd.Series[float]]], upto: float = 1.0) -> list[Curve]:
    """How few customers, up to a share of them, hold how much of each amount; without the first no curves.

    Examples
    --------
    >>> [(c.name, c.x[-1], round(c.y[-1], 2)) for c in held_curves([("expected", pd.Series([3.0, 1.0]))], 0.5)]
    [('expected', 0.5, 0.75), ('all alike', 0.5, 0.5)]
    """
    styles = ((BLUE, 3.0, "-"), (MUTED, 1.5, "--"))
    curves = []
    for (name, amounts), (colour, width, dash) in zip(named, styles, strict=False):
        table = concentration(amounts)
        table = table[table["customers"] <= upto + 1e-9]
        if len(table):
            curves.append(Curve(name, table["customers"].tolist(), table["money"].tolist(), colour, width, dash))
    if not curves or curves[0].name != named[0][0]:
        return []
    return [*curves, Curve("all alike", [0.0, upto], [0.0, upto], GREY, 1.0, ":")]


def held_picture(named: Sequence[tuple[str, pd.Series[float]]], says: str) -> Markup | None:
    """Concentration of money, with the mark at those who hold 80 % of the first amount."""
    amounts = named[0][1]
    at = holders(amounts) / max(len(amounts), 1)
    curves = held_curves(named, CONTACTED if at < CONTACTED - 0.05 else 1.0)
    if not curves:
        return None
    words = f"{percent(at)} hold {share_text(HELD)}"
    below = "share of customers, those with most first"
    return svg(lambda c: draw_curves(c, curves, 96, below, (at, words)), WIDTH, 300, says)


def coverage_picture(quintiles: pd.DataFrame, level: float, upper: float) -> Markup | None:
    """How often the interval and the upper bound held, by fifths of predicted spend, with what was promised."""
    if quintiles.empty:
        return None
    tracks = [
        Track(f"{share_text(upper)} bound", quintiles["upper_coverage"].tolist(), upper, ORANGE),
        Track(f"{share_text(level)} interval", quintiles["coverage"].tolist(), level, BLUE),
    ]
    known = [t for t in tracks if np.isfinite(np.asarray(t.values, float)).any()]
    groups = [str(int(q)) for q in quintiles["quintile"]]
    below = ("lowest", "fifths by forecast spend", "highest")
    says = "Share of customers whose spend was within the interval, by fifths of forecast spend; also in the table"
    return svg(lambda c: draw_coverage(c, groups, known, below), WIDTH, 300, says) if known else None


def none_picture(quintiles: pd.DataFrame) -> Markup | None:
    """Forecast and actual share of customers without any spend, by fifths of forecast spend."""
    if quintiles.empty:
        return None
    table = pd.DataFrame(
        {"group": quintiles["quintile"], "predicted": quintiles["p_none"], "actual": quintiles["share_none"]}
    ).assign(low=np.nan, high=np.nan)
    table = table.dropna(subset=["predicted", "actual"])
    if table.empty:
        return None
    below = ("lowest", "fifths by forecast spend", "highest")
    says = "Forecast and actual share of customers who spent nothing, by fifths of forecast spend"
    return svg(lambda c: draw_forecasts(c, table, "spent nothing", _whole, below), WIDTH, 300, says)


def purchase_picture(table: pd.DataFrame) -> Markup | None:
    """Forecast and actual share of customers who bought within days; columns group (days), predicted, actual."""
    if table.empty:
        return None
    below = ("", "within so many days", "")
    says = "Forecast and actual share of customers who bought within a number of days; also in the table"
    return svg(lambda c: draw_forecasts(c, table, "bought", _whole, below), WIDTH, 300, says)


def lifetime_picture(tenths: pd.DataFrame) -> Markup | None:
    """Mean lifetime value of tenths of the customers, with the mean ends of their intervals."""
    if tenths.empty or not tenths["value"].to_numpy().any():
        return None
    says = "Mean lifetime value of tenths of the customers, the highest first; also in the table"
    return svg(lambda c: draw_lifetime(c, tenths), WIDTH, 300, says)


def ahead_picture(rows: Sequence[Ahead]) -> Markup | None:
    """Figures within several numbers of days."""
    shown = [r for r in rows if len(r.days)]
    if not shown:
        return None
    says = "Who will buy and what they will spend within several numbers of days; also in the table"
    return svg(lambda c: draw_ahead(c, shown), WIDTH, 150 * len(shown), says)


def moves_picture(movers: pd.DataFrame) -> Markup | None:
    """Arrows of those who were and are scored, with money expected at both times."""
    names = {"p_churn_before": "p_before", "p_churn": "p", "expected_spend_before": "spend_before",
             "expected_spend": "spend"}  # fmt: skip
    known = movers[list(names)].rename(columns=names).dropna()
    known = known[(known["spend_before"] > 0) & (known["spend"] > 0)]
    if known.empty:
        return None
    says = "Movers from last time to now by chance of not buying and expected spend; also in the table"
    return svg(lambda c: draw_moves(c, known), WIDTH, 300, says)


def _whole(value: float) -> str:
    return share_text(round(value, 2))
