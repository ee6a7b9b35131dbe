"""How each picture is drawn on a canvas; `figures.py` gives it its size and turns it into SVG or PNG.

In: a canvas and small tables of finite numbers. Out: marks on the canvas, named directly instead of by legends. A
missing interval is not drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from .customers import RISK_BANDS, VALUE_BANDS
from .notation import NBSP, count, points, short_money
from .style import BLUE, GREY, INK, MUTED, ORANGE, Canvas


@dataclass(frozen=True)
class Curve:
    """A line with its name at its right end."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    colour: str
    width: float = 1.5
    dash: str = "-"


@dataclass(frozen=True)
class Gain:
    """How much better than another, in per cent, with the ends of its interval."""

    name: str
    gain: float
    ends: tuple[float, float] | None


def spread(wanted: Sequence[float], gap: float, high: float) -> list[float]:
    """Places near the wanted ones, a gap apart, none above `high`.

    Examples
    --------
    >>> spread([5.0, 5.5, 0.0], 1.0, 6.0)
    [5.0, 6.0, 0.0]
    """
    order = np.argsort(np.asarray(wanted, float), kind="stable")
    placed = np.asarray(wanted, float)[order]
    for i in range(1, len(placed)):
        placed[i] = max(placed[i], placed[i - 1] + gap)
    for i in range(len(placed) - 1, -1, -1):
        placed[i] = min(placed[i], high if i == len(placed) - 1 else placed[i + 1] - gap)
    back = np.empty(len(placed))
    back[order] = placed
    return [float(v) for v in back]


def share_text(value: float) -> str:
    """A share as a tick label.

    Examples
    --------
    >>> share_text(0.5).replace(NBSP, " "), share_text(0.025).replace(NBSP, " ")
    ('50 %', '2.5 %')
    """
    return f"{round(value * 100, 6):g}{NBSP}%"


def _ticks(axes: Axes, high: float, text: Callable[[float], str], low: float = 0.0) -> None:
    ticks = [t for t in MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high) if low <= t <= high]
    axes.set_yticks(ticks, [text(float(t)) for t in ticks])


def draw_map(canvas: Canvas, grid: pd.DataFrame, floors: Sequence[float | None], risk: str, unit: str) -> None:
    """The risk x value map: counts and money at stake in 20 cells; the deeper the orange the more money."""
    sheet, gap, label, top = canvas.sheet(), 4.0, 19.0, 42.0
    width = (canvas.width - gap * (len(RISK_BANDS) - 1)) / len(RISK_BANDS)
    height = (canvas.height - top) / len(VALUE_BANDS) - label - gap
    sheet.text(0, 8, f"{risk} →", color=MUTED, size=11, va="center")
    for column, band in enumerate(RISK_BANDS):
        x = column * (width + gap) + width / 2
        sheet.text(x, 30, band, color=INK, size=11, weight="bold", ha="center", va="center")
    last = len(RISK_BANDS) - 1
    most = max(float(grid.loc[grid["risk_band"].between(1, last - 1), "at_stake"].max()), 1e-9)
    for cell in grid.to_dict("records"):
        row, column = int(cell["value_band"]), int(cell["risk_band"])
        x, y = column * (width + gap), top + row * (height + label + gap)
        if column == 0:
            floor = floors[row]
            from_ = f", from {short_money(floor)} each" if floor is not None and row < len(VALUE_BANDS) - 1 else ""
            sheet.text(0, y + 9, f"Worth: {VALUE_BANDS[row]}{from_}", color=MUTED, size=11, va="center")
        depth = 0.08 + 0.52 * float(cell["at_stake"]) / most
        fill, alpha = (BLUE, 0.14) if column == 0 else (GREY, 0.18) if column == last else (ORANGE, depth)
        sheet.add_patch(Rectangle((x, y + label), width, height, fc=fill, alpha=alpha, lw=0))
        middle, known = x + width / 2, cell["n"] > 0
        text = count(cell["n"]) if known else "–"
        y_text = y + label + height * (0.36 if known else 0.5)
        sheet.text(
            middle, y_text, text, color=INK if known else MUTED, size=15, weight="bold", ha="center", va="center"
        )
        if known:
            sheet.text(
                middle, y + label + height * 0.74, short_money(cell["at_stake"]) + unit,
                color=INK, size=10.5, ha="center", va="center",
            )  # fmt: skip


def _key(canvas: Canvas, bar: str, whiskers: bool) -> None:
    """One line that names the bar, its whisker and the tick."""
    sheet = canvas.sheet()
    sheet.add_patch(Rectangle((0, 4), 11, 11, fc=BLUE, alpha=0.30, lw=0))
    if whiskers:
        sheet.plot([5.5, 5.5], [1, 10], color=MUTED, lw=1.2)
    tail = f", with 90{NBSP}% interval" if whiskers and canvas.width > 300 else ""
    sheet.text(17, 10, bar + tail, size=11.5, color=INK, va="center")
    sheet.plot([canvas.width - 74, canvas.width - 60], [10, 10], color=ORANGE, lw=3)
    sheet.text(canvas.width - 52, 10, "forecast", size=11.5, color=INK, va="center")


def draw_forecasts(
    canvas: Canvas, table: pd.DataFrame, bar: str, text: Callable[[float], str], below: tuple[str, str, str]
) -> None:
    """Forecast (tick) against actual (bar with whisker) in groups; columns group, predicted, actual, low, high."""
    _key(canvas, bar, bool(table["low"].notna().any()))
    axes = canvas.axes(left=46, top=34, right=2, bottom=38)
    x, tops = np.arange(len(table)), table[["predicted", "actual", "high"]].max(axis=1).to_numpy(float)
    low = min(0.0, float(table[["predicted", "actual", "low"]].min().min()))
    high = max(float(tops.max()), 1e-9) * 1.1
    axes.bar(x, table["actual"], width=0.72, color=BLUE, alpha=0.30, lw=0)
    axes.vlines(x, table["low"], table["high"], color=MUTED, lw=1.2)
    axes.hlines(table["predicted"], x - 0.36, x + 0.36, color=ORANGE, lw=3)
    axes.set(xlim=(-0.6, max(len(table), 3) - 0.4), ylim=(low, high))
    roomy = (canvas.width - 48) / max(len(table), 1) > 30
    for place, value, peak in zip(x, table["actual"], tops, strict=True) if roomy else ():
        axes.annotate(
            text(float(value)), (place, peak), (0, 4), textcoords="offset points", ha="center", size=10, color=INK
        )
    _ticks(axes, high, text, low)
    axes.set_xticks(x, [str(int(g)) for g in table["group"]])
    axes.tick_params(axis="x", pad=4)
    if low < 0:
        axes.axhline(0, color=MUTED, lw=0.8)
    base, ends = canvas.sheet(), (46.0, (canvas.width + 44) / 2, canvas.width - 2)
    for at, words, ha in zip(ends, below, ("left", "center", "right"), strict=True):
        if roomy or ha != "center":
            base.text(at, canvas.height - 7, words, size=11, color=MUTED, ha=ha, va="center")


def draw_curves(
    canvas: Canvas, curves: Sequence[Curve], right: float, below: str, mark: tuple[float, str] | None
) -> None:
    """Lines from (0, 0), named at their right ends; `mark`: where to read off the first curve, and the text there."""
    upto = max(max(c.x) for c in curves)
    axes = canvas.axes(left=46, top=12, right=right, bottom=40)
    axes.set(xlim=(0, upto), ylim=(0, 1.02))
    for curve in reversed(curves):
        axes.plot(curve.x, curve.y, color=curve.colour, lw=curve.width, ls=curve.dash, clip_on=False)
    _ticks(axes, 1.0, share_text)
    ticks = np.linspace(0, upto, 6 if canvas.width > 400 else 3)
    axes.set_xticks(ticks[1:], [share_text(float(t)) for t in ticks[1:]])
    axes.tick_params(axis="x", pad=6)
    room = canvas.height - 52
    places = spread([c.y[-1] for c in curves], 15.5 / room * 1.02, 1.0)
    for curve, place in zip(curves, places, strict=True):
        bold = "bold" if curve is curves[0] else "normal"
        axes.annotate(
            curve.name, (upto, place), (8, 0), textcoords="offset points", va="center", size=11.5,
            color=curve.colour, weight=bold, annotation_clip=False,
        )  # fmt: skip
    if mark is not None:
        at, words = mark
        height = float(np.interp(at, curves[0].x, curves[0].y))
        axes.plot([at, at], [0, height], color=curves[0].colour, lw=1, ls=(0, (2, 2)))
        axes.plot([at], [height], "o", color=curves[0].colour, ms=7)
        side, ha = (7, "left") if at <= 0.45 * upto else (-7, "right")
        axes.annotate(
            words, (at, 0.0), (side, 8), textcoords="offset points", size=11.5, weight="bold", color=INK, ha=ha
        )
    canvas.sheet().text(
        (canvas.width - right + 46) / 2, canvas.height - 7, below, size=11, color=MUTED, ha="center", va="center"
    )


def draw_gains(canvas: Canvas, gains: Sequence[Gain]) -> None:
    """How much better the product is than each other model: dot, interval, zero line, figures at the right."""
    axes = canvas.axes(left=142, top=6, right=138, bottom=36)
    ends = [v for g in gains for v in (g.gain, *(g.ends or ()))]
    low, high = min(0.0, *ends), max(0.0, *ends)
    room = max(high - low, 1.0) * 0.08
    axes.set(xlim=(low - room, high + room), ylim=(len(gains) - 0.5, -0.5))
    axes.grid(visible=False)
    axes.axvline(0, color=MUTED, lw=1)
    axes.spines["bottom"].set_visible(False)
    for row, g in enumerate(gains):
        colour = ORANGE if g.gain < 0 else BLUE
        if g.ends is not None:
            axes.plot(g.ends, [row, row], color=colour, lw=5, alpha=0.35, solid_capstyle="butt")
        axes.plot([g.gain], [row], "o", color=colour, ms=8)
        said = f"{points(g.gain)}{NBSP}%"
        tail = "" if g.ends is None else f"  ({points(g.ends[0])} to {points(g.ends[1])})"
        axes.annotate(
            said + tail, (1, row), (8, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
            va="center", size=11.5, color=INK, annotation_clip=False,
        )  # fmt: skip
    axes.set_yticks(range(len(gains)), [g.name for g in gains])
    axes.tick_params(axis="y", labelcolor=INK, labelsize=11.5, pad=6)
    ticks = MaxNLocator(nbins=3, steps=[1, 2, 5, 10]).tick_values(low, high)
    shown = [float(t) for t in ticks if low - room <= t <= high + room]
    axes.set_xticks(shown, [f"{points(t, 0 if float(t).is_integer() else 1)}{NBSP}%" for t in shown])
    middle = 142 + (canvas.width - 280) / 2
    canvas.sheet().text(middle, canvas.height - 6, "worse ← → better", size=11, color=MUTED, ha="center", va="center")


def draw_months(canvas: Canvas, months: pd.DataFrame, measures: Sequence[tuple[str, str]]) -> None:
    """Bars per month, one row of bars for each (column, name)."""
    each = (canvas.height - 22) / len(measures)
    x = np.arange(len(months))
    for row, (column, name) in enumerate(measures):
        part = canvas.part(0, row * each, canvas.width, each)
        part.sheet().text(0, 8, name, size=11.5, color=INK, weight="bold", va="center")
        axes = part.axes(left=46, top=22, right=2, bottom=6)
        axes.bar(x, months[column], width=0.78, color=BLUE, alpha=0.45, lw=0)
        high = max(float(months[column].max()), 1e-9) * 1.05
        axes.set(xlim=(-0.6, len(months) - 0.4), ylim=(min(0.0, float(months[column].min())), high), xticks=[])
        _ticks(axes, high, short_money)
    base, slot = canvas.sheet(), (canvas.width - 48) / max(len(months) + 0.2, 1)
    step = max(1, int(np.ceil(62 / slot)))
    for i in range(0, len(months), step):
        base.text(
            46 + slot * (i + 0.6), canvas.height - 8, str(months["month"].iloc[i]),
            size=11, color=MUTED, ha="center", va="center",
        )  # fmt: skip
