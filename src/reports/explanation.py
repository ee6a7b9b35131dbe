"""One customer explained: scores, reasons up and down, a small waterfall, the past, and what is not known.

In: what a pipeline found about one customer. Out: a text for the terminal, a table with bars for notebooks, figures for
JSON. A score that is missing is left out. The only customer named is the one who was asked for.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..errors import visible
from ..models.quantities import measured, money, number, percent
from ..models.reasons import LEAST, Reason, Reasons
from .notation import model_name
from .style import BLUE, MUTED, ORANGE

WIDTH = 24
"""Characters of the longest bar in a text."""
NOT_CAUSES = "Reasons say what goes with the chance, not what causes it."
VALUE_HAS_NONE = (
    "They are of the chance of no purchase: what is expected in money has no parts that add up on one scale."
)


@dataclass(frozen=True)
class Step:
    """A step of the waterfall: a name, and by how much it moves the chance when taken in this order."""

    name: str
    moved: float
    reached: float


@dataclass(frozen=True)
class Explanation:
    """What is said of one customer.

    Parameters
    ----------
    customer : str
        As the caller named it.
    as_of : str
        ISO date; everything is known before it.
    horizon_days : int
    currency : str
    speaker : str
        The model that speaks of churn.
    scores : dict
        The customer's row of scores; None where something is not known.
    reasons : Reasons
    past, unknown : tuple of str
        Sentences.
    version : str
        Of the registered model; empty for one that is not.
    """

    customer: str
    as_of: str
    horizon_days: int
    currency: str
    speaker: str
    scores: Mapping[str, object]
    reasons: Reasons
    past: tuple[str, ...]
    unknown: tuple[str, ...]
    version: str = ""

    @property
    def p_churn(self) -> float:
        """Of no purchase in the horizon, as it is shown."""
        return _chance(self.reasons.logit)

    def steps(self) -> tuple[Step, ...]:
        """From a usual customer to this one: the season, the themes, the strongest first, the rest."""
        parted = [("season", self.reasons.season), *((r.theme, r.amount) for r in self.reasons.parts)]
        named = [(name, amount) for name, amount in parted if abs(amount) >= LEAST]
        rest = math.fsum(amount for _, amount in parted if abs(amount) < LEAST)
        named += [("everything else", rest)] if rest else []
        z, found = self.reasons.base, list[Step]()
        for name, amount in named:
            before, z = _chance(z), z + amount
            found.append(Step(name, _chance(z) - before, _chance(z)))
        return tuple(found)

    def figures(self) -> dict[str, object]:
        """As JSON takes it: amounts are logits, which add up; `moved` are parts of the chance, in the order taken."""

        def listed(reasons: tuple[Reason, ...]) -> list[dict[str, object]]:
            return [{"theme": r.theme, "logit": r.amount, "words": r.words} for r in reasons]

        r = self.reasons
        return {
            "customer_id": self.customer,
            "as_of": self.as_of,
            "horizon_days": self.horizon_days,
            "model": self.speaker,
            "version": self.version or None,
            "scores": dict(self.scores),
            "logit": {"shown": r.logit, "base": r.base, "season": r.season, "themes": listed(r.parts)},
            "raises": listed(r.raising()),
            "lowers": listed(r.lowering()),
            "waterfall": {
                "from": _chance(r.base),
                "steps": [{"name": s.name, "moved": s.moved, "reached": s.reached} for s in self.steps()],
                "to": self.p_churn,
            },
            "past": list(self.past),
            "not_known": list(self.unknown),
            "words": [NOT_CAUSES, VALUE_HAS_NONE],
        }

    def said(self) -> Iterator[tuple[str, str]]:
        """The scores in words: what, and how much."""
        s, h = self.scores, f"{self.horizon_days} days"
        yield f"chance of no purchase in {h}", percent(self.p_churn)
        for name, what in (("expected_orders", "purchases expected"), ("expected_spend", "spend expected")):
            value = _known(s.get(name))
            if value is not None:
                yield f"{what} in {h}", number(value) if name == "expected_orders" else money(value, self.currency)
        low, high = _known(s.get("spend_low")), _known(s.get("spend_high"))
        if low is not None and high is not None:
            yield "8 of 10 such customers spend", f"{money(low, self.currency)} to {money(high, self.currency)}"
        lifetime = _known(s.get("lifetime_value"))
        if lifetime is not None:
            yield "lifetime value", money(lifetime, self.currency)
        if s.get("next_order_from") and s.get("next_order_until"):
            yield "next purchase expected", f"{s['next_order_from']} to {s['next_order_until']}"
        gap = _known(s.get("usual_gap_days"))
        if gap is not None:
            yield "usual pause, the median", measured(gap, "days") + (", late now" if s.get("late") is True else "")
        if s.get("segment"):
            yield "segment", str(s["segment"])

    def __str__(self) -> str:
        told = list(self.said())
        wide = max(len(name) for name, _ in told)
        lines = [self._title(), "", *(f"{name:<{wide}}  {value}" for name, value in told)]
        for title, reasons, without in (
            ("Goes with a higher chance:", self.reasons.raising(), "nothing of note"),
            ("Goes with a lower chance:", self.reasons.lowering(), "nothing of note"),
        ):
            lines += ["", title, *(f"  {r.words}" for r in reasons)] + ([] if reasons else [f"  {without}"])
        lines += ["", "How the chance comes about:", *self._bars(), "", *self.past]
        lines += ["", "Not known:", *(f"  {said}" for said in self.unknown), "", NOT_CAUSES, VALUE_HAS_NONE]
        return "\n".join(lines)

    __repr__ = __str__

    def _title(self) -> str:
        who = f"{model_name(self.speaker)}{f', version {self.version}' if self.version else ''}"
        return f"Customer {visible(self.customer)} as of {self.as_of}, by {who}"

    def _bars(self) -> Iterator[str]:
        steps = self.steps()
        most = max((abs(s.moved) for s in steps), default=0.0)
        wide = max(len("a usual customer"), *(len(s.name) for s in steps), 0)
        yield f"  {'a usual customer':<{wide}} {percent(_chance(self.reasons.base)):>9}"
        for s in steps:
            mark = ("+" if s.moved > 0 else "-") * round(WIDTH * abs(s.moved) / most) if most else ""
            yield f"  {s.name:<{wide}} {_points(s.moved):>9} {mark}".rstrip()
        yield f"  {'this customer':<{wide}} {percent(self.p_churn):>9}"

    def _repr_html_(self) -> str:
        told = "".join(f"<tr><td>{html.escape(a)}</td><td><b>{html.escape(b)}</b></td></tr>" for a, b in self.said())
        most = max((abs(s.moved) for s in self.steps()), default=0.0) or 1.0
        rows = _row("a usual customer", percent(_chance(self.reasons.base)), 0.0)
        rows += "".join(_row(s.name, _points(s.moved), s.moved / most) for s in self.steps())
        rows += _row("this customer", percent(self.p_churn), 0.0)
        lists = ""
        for title, reasons in (("higher", self.reasons.raising()), ("lower", self.reasons.lowering())):
            items = "".join(f"<li>{html.escape(r.words)}</li>" for r in reasons) or "<li>nothing of note</li>"
            lists += f"<p>Goes with a {title} chance:</p><ul>{items}</ul>"
        said = "".join(f"<p>{html.escape(text)}</p>" for text in self.past)
        unknown = "".join(f"<li>{html.escape(text)}</li>" for text in self.unknown)
        return (
            f"<h4>{html.escape(self._title())}</h4><table>{told}</table>{lists}"
            f"<p>How the chance comes about:</p><table>{rows}</table>{said}<p>Not known:</p><ul>{unknown}</ul>"
            f'<p style="color:{MUTED}">{NOT_CAUSES} {VALUE_HAS_NONE}</p>'
        )


def _row(name: str, figure: str, part: float) -> str:
    """A row of the picture: left of the middle what lowers the chance, right of it what raises it."""
    side, colour = ("right", ORANGE) if part > 0 else ("left", BLUE)
    left = 50.0 if side == "right" else 50.0 - 50 * abs(part)
    bar = (
        f'<div style="position:relative;width:180px;height:12px">'
        f'<div style="position:absolute;left:{left:.1f}%;width:{50 * abs(part):.1f}%;height:12px;background:{colour}">'
        "</div></div>"
    )
    cell = '<td style="text-align:right;white-space:nowrap">'
    return f"<tr><td>{html.escape(name)}</td><td>{bar}</td>{cell}{html.escape(figure)}</td></tr>"


def _chance(z: float) -> float:
    return 0.5 * (1.0 + math.tanh(0.5 * z))


def _points(moved: float) -> str:
    """A part of a chance in points of a per cent, with its sign."""
    text = f"{100 * moved:+.1f}"
    return "0.0" if float(text) == 0 else text


def _known(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
