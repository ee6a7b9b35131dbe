"""Horizontal bars in groups: a length, perhaps split in two, with its interval and its figure.

In: a canvas and groups of bars. Out: marks on the canvas. A bar without a length is named and has only its text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from .style import BLUE, GREY, INK, MUTED, ORANGE, Canvas

ROW, HEAD, GAP, KEY = 18.0, 22.0, 10.0, 26.0
LEFT, RIGHT = 124.0, 62.0
WIDE = 90.0
"""Room for figures with a currency."""


@dataclass(frozen=True)
class Bar:
    """A name and a length; `part` of it is drawn apart at its end, `ends` are those of its interval."""

    name: str
    length: float | None
    part: float | None = None
    ends: tuple[float, float] | None = None
    own: bool = False
    text: str = ""
    strong: bool = False


@dataclass(frozen=True)
class Group:
    """Bars under a title."""

    title: str
    note: str
    bars: Sequence[Bar]


def height_of(groups: Sequence[Group], keyed: bool = False) -> float:
    """The height in pixels that groups need.

    Examples
    --------
    >>> height_of([Group("", "", [Bar("a", 1.0)]), Group("b", "", [Bar("a", 1.0), Bar("b", 2.0)])], keyed=True)
    122.0
    """
    return (KEY if keyed else 0.0) + sum((HEAD if g.title else 0.0) + ROW * len(g.bars) + GAP for g in groups)


def draw_bars(
    canvas: Canvas, groups: Sequence[Group], key: tuple[str, str] | None = None, right: float = RIGHT
) -> None:
    """All groups on one scale that holds zero; `key` names the bar and the part at its end."""
    sheet = canvas.sheet()
    if key is not None:
        _key(sheet, key)
    bars = [b for g in groups for b in g.bars]
    reach = [v for b in bars for v in (b.length, *(b.ends or ())) if v is not None]
    low, high = min([0.0, *reach]), max([0.0, *reach])
    scale = (canvas.width - LEFT - right) / max(high - low, 1e-12)
    y = KEY if key is not None else 0.0
    for group in groups:
        if group.title:
            title = sheet.text(0, y + 11, group.title, size=11.5, weight="bold", color=INK, va="center")
            sheet.annotate(
                group.note, (1, 0.5), (8, 0), xycoords=title, textcoords="offset points",
                va="center", size=11, color=MUTED,
            )  # fmt: skip
            y += HEAD
        for bar in group.bars:
            _bar(sheet, bar, y, LEFT - low * scale, scale, canvas.width)
            y += ROW
        y += GAP
    if low < 0:
        sheet.plot([LEFT - low * scale] * 2, [KEY if key is not None else 0.0, y - GAP], color=MUTED, lw=0.8)


def _bar(sheet: Axes, bar: Bar, y: float, zero: float, scale: float, width: float) -> None:
    weight = "bold" if bar.own else "normal"
    sheet.text(LEFT - 8, y + ROW / 2, bar.name, size=11, color=INK, ha="right", va="center", weight=weight)
    figure = "bold" if bar.strong else "normal"
    known = INK if bar.length is not None else MUTED
    sheet.text(width, y + ROW / 2, bar.text, size=11, color=known, ha="right", va="center", weight=figure)
    if bar.length is None:
        return
    colour = BLUE if bar.own else GREY
    part = min(max(bar.part or 0.0, 0.0), max(bar.length, 0.0))
    body = (bar.length - part) * scale
    sheet.add_patch(Rectangle((zero, y + 3), body, ROW - 6, fc=colour, alpha=0.55 if bar.own else 0.35, lw=0))
    if part:
        sheet.add_patch(Rectangle((zero + body, y + 3), part * scale, ROW - 6, fc=ORANGE, alpha=0.8, lw=0))
    if bar.ends is not None:
        sheet.plot([zero + v * scale for v in bar.ends], [y + ROW / 2] * 2, color=MUTED, lw=1.2)


def _key(sheet: Axes, key: tuple[str, str]) -> None:
    """One line that names the two parts of a bar and the whisker."""
    x = 0.0
    for words, colour, alpha in ((key[0], BLUE, 0.55), (key[1], ORANGE, 0.8)):
        sheet.add_patch(Rectangle((x, 4), 11, 11, fc=colour, alpha=alpha, lw=0))
        sheet.text(x + 17, 10, words, size=11.5, color=INK, va="center")
        x += 36 + 6.1 * len(words)
    sheet.plot([x, x + 16], [10, 10], color=MUTED, lw=1.2)
    sheet.text(x + 22, 10, "90\u00a0% interval", size=11.5, color=INK, va="center")
