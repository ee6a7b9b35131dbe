"""How the pictures of future value are drawn on a canvas; `value_figures.py` turns them into SVG.

In: a canvas and small tables of finite numbers. Out: marks on the canvas, named directly instead of by legends. What is
missing is not drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from ..models.concentration import AT_RISK
from .notation import NBSP, count, short_money
from .panels import share_text, spread
from .style import BLUE, INK, MUTED, ORANGE, PAPER, Canvas

DEPTHS = 5
STRIP = 52.0
"""Height of the words above and below the value map."""


@dataclass(frozen=True)
class Corner:
    """What stands at a corner of the value map: a segment's name, its customers, its money."""

    name: str
    n: int
    money: str


def draw_value_map(
    canvas: Canvas, cells: pd.DataFrame, line: float | None, corners: Sequence[Corner], below: str
) -> None:
    """Customers by chance (across) and expected spend (up, equal steps are equal ratios), the segments around them.

    Parameters
    ----------
    cells : DataFrame
        left, right, bottom, top, n; the deeper a cell's colour, the more customers, on a logarithmic scale.
    line : float or None
        Where high value begins.
    corners : sequence of 4 Corner
        High value steady, at risk; low value steady, at risk.
    below : str
        What the horizontal axis is.
    """
    axes = canvas.axes(left=46, top=STRIP, right=16, bottom=STRIP + 38)
    low, high = float(cells["bottom"].min()), float(cells["top"].max())
    axes.set(xlim=(0, 1), ylim=(low, high), yscale="log")
    axes.grid(visible=False)
    depth = np.ceil(DEPTHS * np.log1p(cells["n"]) / np.log1p(cells["n"].max())).astype(int)
    for risky, colour in ((False, BLUE), (True, ORANGE)):
        side = (cells["left"] >= AT_RISK - 1e-9) == risky
        for level in range(1, DEPTHS + 1):
            chosen = cells[side & (depth == level)]
            if len(chosen):
                axes.add_patch(PathPatch(_cells_path(chosen), fc=colour, alpha=0.14 + 0.15 * level, ec=PAPER, lw=0.5))
    axes.axvline(AT_RISK, color=INK, lw=1.2)
    if line is not None and low < line < high:
        axes.axhline(line, color=INK, lw=1.2)
    _money_axis(axes, low, high)
    axes.set_xticks([0, 0.25, AT_RISK, 0.75, 1], [share_text(t) for t in (0, 0.25, AT_RISK, 0.75, 1)])
    axes.tick_params(axis="x", pad=5)
    _corners(canvas, corners, below)


def _cells_path(cells: pd.DataFrame) -> Path:
    """One path for all cells of a colour, which is a tenth of the bytes of as many rectangles."""
    one = Path.unit_rectangle()
    start = cells[["left", "bottom"]].to_numpy(float)[:, None, :]
    size = cells[["right", "top"]].to_numpy(float)[:, None, :] - start
    corners = start + size * np.asarray(one.vertices)[None, :, :]
    return Path(corners.reshape(-1, 2), np.tile(np.asarray(one.codes), len(cells)))


def _corners(canvas: Canvas, corners: Sequence[Corner], below: str) -> None:
    sheet = canvas.sheet()
    middle = 46 + (canvas.width - 62) * AT_RISK
    for number, corner in enumerate(corners):
        x, y = (46.0 if number % 2 == 0 else middle + 8), (8.0 if number < 2 else canvas.height - STRIP + 8)
        colour = ORANGE if number % 2 else BLUE
        sheet.text(x, y, corner.name, size=11.5, weight="bold", color=colour, va="center")
        people = "customer" if corner.n == 1 else "customers"
        sheet.text(x, y + 16, f"{count(corner.n)} {people}", size=11, color=INK, va="center")
        sheet.text(x, y + 31, corner.money, size=11, color=INK, va="center")
    sheet.text(
        (canvas.width + 44) / 2, canvas.height - STRIP - 12, below, size=11, color=MUTED, ha="center", va="center"
    )


@dataclass(frozen=True)
class Track:
    """Points on one line with the share they should have."""

    name: str
    values: Sequence[float]
    target: float
    colour: str


def draw_coverage(canvas: Canvas, groups: Sequence[str], tracks: Sequence[Track], below: tuple[str, str, str]) -> None:
    """Shares per group as dots joined by a line; the target of each is dashed in its colour."""
    axes = canvas.axes(left=46, top=8, right=104, bottom=38)
    x = np.arange(len(groups))
    known = [v for t in tracks for v in (*t.values, t.target) if np.isfinite(v)]
    low = max(0.0, np.floor((min(known) - 0.03) * 10) / 10)
    axes.set(xlim=(-0.4, len(groups) - 0.6), ylim=(low, 1.015))
    for track in tracks:
        axes.axhline(track.target, color=track.colour, lw=1.2, ls=(0, (4, 3)))
        axes.plot(x, track.values, "o-", color=track.colour, lw=2, ms=7, clip_on=False)
    places = spread([t.target for t in tracks], 30 / (canvas.height - 46) * (1.015 - low), 1.0)
    for track, place in zip(tracks, places, strict=True):
        axes.annotate(
            track.name, (1, place), (8, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
            va="center", size=11.5, color=track.colour, weight="bold", annotation_clip=False,
        )  # fmt: skip
    _shares(axes, low)
    axes.set_xticks(x, list(groups))
    axes.tick_params(axis="x", pad=4)
    base, ends = canvas.sheet(), (46.0, (canvas.width - 58) / 2, canvas.width - 104)
    for at, words, ha in zip(ends, below, ("left", "center", "right"), strict=True):
        base.text(at, canvas.height - 7, words, size=11, color=MUTED, ha=ha, va="center")


def _shares(axes: Axes, low: float) -> None:
    ticks = np.arange(low, 1.001, 0.1 if low >= 0.45 else 0.2)
    axes.set_yticks(ticks, [share_text(round(float(t), 2)) for t in ticks])


@dataclass(frozen=True)
class Ahead:
    """A figure within so many days, for several of them; `text` writes it."""

    name: str
    days: Sequence[int]
    values: Sequence[float]
    text: Callable[[float], str]


def draw_ahead(canvas: Canvas, rows: Sequence[Ahead]) -> None:
    """Bars over days ahead, one row of bars below the other, each bar with its figure."""
    each = canvas.height / len(rows)
    for place, row in enumerate(rows):
        part = canvas.part(0, place * each, canvas.width, each)
        part.sheet().text(0, 8, row.name, size=11.5, color=INK, weight="bold", va="center")
        axes, x = part.axes(left=2, top=36, right=2, bottom=22), np.arange(len(row.days))
        axes.bar(x, row.values, width=0.72, color=ORANGE, alpha=0.55, lw=0)
        top = max(*row.values, 1e-9)
        axes.set(xlim=(-0.6, max(len(x), 3) - 0.4), ylim=(min(0.0, *row.values), top * 1.02))
        for at, value in zip(x, row.values, strict=True):
            axes.annotate(
                row.text(value), (at, max(value, 0.0)), (0, 4), textcoords="offset points", ha="center", size=11,
                color=INK, annotation_clip=False,
            )  # fmt: skip
        axes.grid(visible=False)
        axes.set_yticks([])
        axes.set_xticks(x, [f"{d}{NBSP}{'day' if d == 1 else 'days'}" for d in row.days])
        axes.tick_params(axis="x", pad=4)


def draw_lifetime(canvas: Canvas, table: pd.DataFrame) -> None:
    """Bars per group with whiskers; columns group, value, low, high."""
    axes, x = canvas.axes(left=46, top=20, right=2, bottom=38), np.arange(len(table))
    tops = table[["value", "high"]].max(axis=1).to_numpy(float)
    low = min(0.0, float(table[["value", "low"]].min().min()))
    axes.bar(x, table["value"], width=0.72, color=ORANGE, alpha=0.55, lw=0)
    axes.vlines(x, table["low"], table["high"], color=MUTED, lw=1.2)
    axes.set(xlim=(-0.6, max(len(table), 3) - 0.4), ylim=(low, max(float(tops.max()), 1e-9) * 1.02))
    for at, value in zip(x, table["value"], strict=True):
        # Beside the whisker, whose end is another figure.
        axes.annotate(
            short_money(value), (at, value), (3, 3), textcoords="offset points", ha="left", size=10, color=INK,
            annotation_clip=False,
        )  # fmt: skip
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(lambda v, _: short_money(float(v)))
    axes.set_xticks(x, [str(int(g)) for g in table["group"]])
    axes.tick_params(axis="x", pad=4)
    base, ends = canvas.sheet(), (46.0, (canvas.width + 44) / 2, canvas.width - 2)
    below = ("most valuable", "tenths by lifetime value", "least")
    for place, words, ha in zip(ends, below, ("left", "center", "right"), strict=True):
        base.text(place, canvas.height - 7, words, size=11, color=MUTED, ha=ha, va="center")


def draw_moves(canvas: Canvas, moves: pd.DataFrame) -> None:
    """Arrows from (chance, spend) before to now; columns p_before, p, spend_before, spend, all known, spend above 0."""
    axes = canvas.axes(left=46, top=8, right=16, bottom=40)
    ends = moves[["spend_before", "spend"]].to_numpy(float)
    axes.set(xlim=(0, 1), ylim=(ends.min() / 1.4, ends.max() * 1.4), yscale="log")
    axes.axvline(AT_RISK, color=MUTED, lw=1)
    for r in moves.to_dict("records"):
        colour = BLUE if r["spend"] >= r["spend_before"] else ORANGE
        axes.annotate(
            "", (r["p"], r["spend"]), (r["p_before"], r["spend_before"]),
            arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 1.6, "mutation_scale": 12},
        )  # fmt: skip
    _money_axis(axes, *axes.get_ylim())
    axes.set_xticks([0, 0.25, AT_RISK, 0.75, 1], [share_text(t) for t in (0, 0.25, AT_RISK, 0.75, 1)])
    axes.tick_params(axis="x", pad=5)
    words = "chance of not buying"
    canvas.sheet().text(
        (canvas.width + 44) / 2, canvas.height - 7, words, size=11, color=MUTED, ha="center", va="center"
    )


def _money_axis(axes: Axes, low: float, high: float) -> None:
    """A logarithmic axis of money with few ticks."""
    axes.yaxis.set_minor_locator(NullLocator())
    ticks = [float(t) for t in LogLocator(base=10, subs=(1.0, 3.0)).tick_values(low, high) if low <= t <= high]
    axes.set_yticks(ticks, [short_money(t) if t >= 1 else f"{t:.2g}" for t in ticks])
