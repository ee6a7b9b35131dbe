"""The house style of every picture: palette, type, and how a drawing becomes inline SVG or PNG.

In: a function that draws on a `Canvas` measured in pixels from the top left. Out: an SVG text whose colours are the
page's CSS variables (light, dark and print look right), whose texts are real texts, and which names no address; or PNG
bytes. No state of pyplot is touched and no date is written: the same drawing gives the same bytes.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import matplotlib.style
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, MUTED, RULE, PAPER = "#1c2530", "#5c6875", "#d9dee4", "#ffffff"
BLUE, ORANGE, GREY = "#0a6aa6", "#c8500a", "#8a95a1"
"""Blue: the product and what was observed. Orange: the forecast and what may be lost. Colour-blind safe."""

_VARIABLES = {INK: "ink", MUTED: "muted", RULE: "rule", PAPER: "card", BLUE: "blue", ORANGE: "orange", GREY: "grey"}
_RC = {
    "svg.fonttype": "none",
    "svg.hashsalt": "regulars",
    "text.parse_math": False,
    "font.size": 12.0,
    "text.hinting": "no_hinting",
    "text.color": INK,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.8,
    "xtick.color": RULE,
    "xtick.labelcolor": MUTED,
    "xtick.labelsize": 11.0,
    "xtick.major.size": 0.0,
    "ytick.color": RULE,
    "ytick.labelcolor": MUTED,
    "ytick.labelsize": 11.0,
    "ytick.major.size": 0.0,
    "lines.solid_capstyle": "round",
}


@dataclass(frozen=True)
class Canvas:
    """A rectangle of a figure, in pixels from its top left corner.

    Parameters
    ----------
    figure : Figure
    width, height : float
        Of this rectangle.
    x, y : float
        Its top left corner in the figure.
    whole : tuple of float
        Width and height of the figure.
    """

    figure: Figure
    width: float
    height: float
    x: float
    y: float
    whole: tuple[float, float]

    def axes(self, left: float, top: float, right: float, bottom: float) -> Axes:
        """Axes inside margins."""
        w, h = self.whole
        return self.figure.add_axes(
            (
                (self.x + left) / w,
                1 - (self.y + self.height - bottom) / h,
                (self.width - left - right) / w,
                (self.height - top - bottom) / h,
            )
        )

    def sheet(self) -> Axes:
        """Bare axes over the whole rectangle whose data are its pixels."""
        axes = self.axes(0, 0, 0, 0)
        axes.set(xlim=(0, self.width), ylim=(self.height, 0))
        axes.set_axis_off()
        return axes

    def part(self, x: float, y: float, width: float, height: float) -> Canvas:
        """A rectangle inside this one."""
        return Canvas(self.figure, width, height, self.x + x, self.y + y, self.whole)


Drawing = Callable[[Canvas], None]


@contextmanager
def _house() -> Iterator[None]:
    with matplotlib.style.context(["default", _RC]):
        yield


def _drawn(draw: Drawing, width: float, height: float, background: str) -> Figure:
    # One user unit of the SVG is one pixel when 72 dots make an inch.
    figure = Figure(figsize=(width / 72, height / 72), dpi=72, facecolor=background)
    draw(Canvas(figure, width, height, 0, 0, (width, height)))
    return figure


def svg(draw: Drawing, width: float, height: float, says: str) -> Markup:
    """A drawing as an inline SVG element.

    Parameters
    ----------
    draw : callable
        Draws on the canvas it is given.
    width, height : float
        In pixels at natural size; the element scales with its container.
    says : str
        What the picture shows, for those who cannot see it.

    Examples
    --------
    >>> str(svg(lambda canvas: None, 30, 20, "nothing & more"))[:74]
    '<svg class="picture" viewBox="0 0 30 20" role="img" aria-label="nothing &a'
    """
    buffer = io.StringIO()
    with _house():
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        _drawn(draw, width, height, "none").savefig(buffer, format="svg", metadata=nothing)
    body = re.sub(r"^.*?<svg[^>]*>|</svg>\s*$", "", buffer.getvalue(), flags=re.S)
    body = re.sub(r"<style.*?</style>|<metadata>.*?</metadata>", "", body, flags=re.S)
    # Names of groups repeat from picture to picture; those of shapes (m... and p...) are hashes of their content.
    body = re.sub(r'<g id="[^"]*"', "<g", body)
    body = re.sub(r"font-family: [^;\"]*;?|transform=\"rotate\(-0 [^\"]*\"", "", body)
    for colour, name in _VARIABLES.items():
        body = body.replace(colour, f"var(--{name})")
    head = f'<svg class="picture" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(says)}">'
    return Markup(head + re.sub(r"\s*\n\s*", "\n", body) + "</svg>")


def alone(picture: Markup) -> str:
    """A picture with the light colours of the page, for places without its style sheet, such as a notebook.

    Examples
    --------
    >>> alone(Markup("<svg></svg>"))[:28]
    '<div style="--ink:#1c2530;--'
    """
    colours = ";".join(f"--{name}:{colour}" for colour, name in _VARIABLES.items())
    return f'<div style="{colours};max-width:530px">{picture}</div>'


def png(draw: Drawing, width: float, height: float, zoom: float) -> bytes:
    """A drawing as PNG on white, `zoom` pixels to a unit."""
    buffer = io.BytesIO()
    with _house():
        figure = _drawn(draw, width, height, PAPER)
        figure.savefig(buffer, format="png", dpi=72 * zoom, metadata={"Software": None}, facecolor=PAPER)
    return buffer.getvalue()
