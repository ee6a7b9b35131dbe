"""The pictures of the examination: order values, days between purchases, and what a churn window would mean.

In: small counts. Out: inline SVG, or None where there is nothing to draw. What is not known is not drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from markupsafe import Markup

from .figures import WIDTH
from .notation import NBSP, short_money
from .panels import share_text, spread
from .style import BLUE, INK, MUTED, ORANGE, Canvas, svg

_BARS = 40


@dataclass(frozen=True)
class Bars:
    """Bars of one width, and at which of their edges something is written below."""

    heights: Sequence[int]
    ticks: Sequence[tuple[float, str]]
    below: str


def bars_picture(bars: Bars, says: str) -> Markup | None:
    """A histogram."""
    return svg(lambda c: draw_bars(c, bars), WIDTH, 210, says) if sum(bars.heights) else None


def windows_picture(windows: pd.DataFrame, proposed: int | None) -> Markup | None:
    """Who comes back after so many silent days, and who falls silent for so long.

    Parameters
    ----------
    windows : DataFrame with columns days, came_back, base_rate; missing is not drawn
    proposed : int or None
        The window to mark.
    """
    if not windows["came_back"].notna().any():
        return None
    says = "Share of silent customers who come back, by days of silence; the same numbers are in the table"
    return svg(lambda c: draw_windows(c, windows, proposed), WIDTH, 280, says)


def values_bars(sizes: Sequence[tuple[float, int]]) -> Bars:
    """Order values in tenths of a decade, with a mark at every power of ten."""
    if not sizes:
        return Bars((), (), "")
    lowest = float(np.log10(sizes[0][0])) - 0.05
    decades = range(int(np.ceil(lowest)), int(np.floor(lowest + len(sizes) / 10)) + 1)
    ticks = [((d - lowest) * 10, f"{10**d:g}" if d < 0 else short_money(10**d)) for d in decades]
    return Bars([n for _, n in sizes], ticks, "money of an order, each mark ten times the last")


def gaps_bars(gaps: Sequence[int]) -> Bars:
    """Days between purchases, up to where 98 % of them lie."""
    counts = np.asarray(gaps, np.int64)
    if not counts.sum():
        return Bars((), (), "")
    upto = int(np.searchsorted(np.cumsum(counts), 0.98 * counts.sum()))
    width = max(1, -(-upto // _BARS))
    if width > 1:
        # Whole weeks keep the weekly rhythm out of the bars.
        width = -(-width // 7) * 7
    shown = counts[1 : 1 + width * -(-upto // width)]
    shown = np.pad(shown, (0, -len(shown) % width))
    heights = shown.reshape(-1, width).sum(axis=1)
    step = max(1, round(len(heights) / 6))
    ticks = [(float(i), str(i * width)) for i in range(0, len(heights) + 1, step)]
    return Bars(heights.tolist(), ticks, "days until the next purchase")


def draw_bars(canvas: Canvas, bars: Bars) -> None:
    """Bars from the left to the right, ticks at their edges."""
    axes = canvas.axes(left=46, top=8, right=6, bottom=40)
    high = max(bars.heights) * 1.05
    axes.bar(np.arange(len(bars.heights)) + 0.5, bars.heights, width=0.86, color=BLUE, alpha=0.45, lw=0)
    axes.set(xlim=(0, len(bars.heights)), ylim=(0, high))
    axes.set_xticks([at for at, _ in bars.ticks], [text for _, text in bars.ticks])
    axes.tick_params(axis="x", pad=5)
    counts = [high * part / 1.05 for part in (0.0, 0.5, 1.0)]
    axes.set_yticks(counts, [short_money(n) for n in counts])
    canvas.sheet().text(
        (canvas.width + 40) / 2, canvas.height - 7, bars.below, size=11, color=MUTED, ha="center", va="center"
    )


def draw_windows(canvas: Canvas, windows: pd.DataFrame, proposed: int | None) -> None:
    """Two lines over the windows, which stand at even distances, named at their right ends."""
    right = 104.0
    axes = canvas.axes(left=46, top=14, right=right, bottom=42)
    x = np.arange(len(windows))
    axes.set(xlim=(-0.3, len(windows) - 0.7), ylim=(0, 1.0))
    lines = [("came_back", "come back", BLUE, 2.6), ("base_rate", "fall silent", ORANGE, 1.6)]
    drawn = [(windows[column].to_numpy(float), name, colour, width) for column, name, colour, width in lines]
    ends = [(y, name, colour, width) for y, name, colour, width in drawn if np.isfinite(y).any()]
    for y, _, colour, width in ends:
        axes.plot(x, y, color=colour, lw=width, marker="o", ms=width + 2.4, clip_on=False)
    last = [int(np.flatnonzero(np.isfinite(y))[-1]) for y, *_ in ends]
    places = spread([float(y[i]) for (y, *_), i in zip(ends, last, strict=True)], 0.08, 0.98)
    for (_, name, colour, width), i, place in zip(ends, last, places, strict=True):
        axes.annotate(
            name, (i, place), (10, 0), textcoords="offset points", va="center", size=11.5, color=colour,
            weight="bold" if width > 2 else "normal", annotation_clip=False,
        )  # fmt: skip
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1.0], [share_text(t) for t in (0, 0.25, 0.5, 0.75, 1.0)])
    axes.set_xticks(x, [str(int(d)) for d in windows["days"]])
    axes.tick_params(axis="x", pad=6)
    if proposed is not None:
        at = float(np.flatnonzero(windows["days"].to_numpy() == proposed)[0])
        axes.axvline(at, color=MUTED, lw=1, ls=(0, (2, 2)))
        axes.annotate(
            f"{proposed}{NBSP}days", (at, 1.0), (0, 6), textcoords="offset points", ha="center", size=11.5,
            weight="bold", color=INK, annotation_clip=False,
        )  # fmt: skip
    middle = 46 + (canvas.width - 46 - right) / 2
    canvas.sheet().text(middle, canvas.height - 7, "days of silence", size=11, color=MUTED, ha="center", va="center")
