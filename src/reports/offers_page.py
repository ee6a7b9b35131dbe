"""A plan of offers, and what came of them, as offline HTML files in the house style of the report.

In: the figures of a plan, or of a measurement. Out: HTML that loads nothing, runs nothing, escapes everything and names
no customer; the same bytes for the same figures. What is missing is "not defined here".
"""

from __future__ import annotations

from collections.abc import Sequence

from . import about_assumptions, about_effects, about_follow_ups, about_plan
from .about_plan import Figures
from .blocks import Cell, Column, Section, Table, Tile
from .notation import date, plain
from .page import stylesheet, template

_PLAN_WORDS = (
    ("Expected gain", "Margin that would not have come without the offer, less all that the offer costs."),
    ("Low, high", "The same, if customers respond as little, or as much, as is thought possible."),
    ("Assumed", "Nobody has measured it here; somebody has written it into the catalogue."),
    ("Shadow price", "What one more of a budget or a limit would bring, its own cost already taken off."),
    ("Control", "Customers who get nothing, by lot: they show what would have happened anyway."),
    ("Hold-out", "Customers whom no campaign reaches: they show what all campaigns together bring."),
    ("Explored", "Customers who get anything that they may get, by lot: they show what else would work."),
)
_EFFECT_WORDS = (
    ("Effect", "What is different from customers of the same kind who got nothing, by lot."),
    ("95 % interval", "Of a hundred such intervals about 95 hold the true effect."),
    ("p", "How often chance alone would make as large a difference; counted for all comparisons together (Holm)."),
    ("Gain", "Margin from more spend, less what was redeemed, what was sent and what complaints cost."),
    ("Wave", "One day on which it was decided who gets what."),
)


def render_plan(found: Figures) -> str:
    """A plan as HTML.

    Parameters
    ----------
    found : mapping
        The figures of `regulars offers plan`.
    """
    sections = [
        about_plan.warned(found),
        about_plan.who(found),
        about_plan.budget(found),
        about_follow_ups.follow_ups(found),
        about_plan.nothing(found),
        about_plan.segments(found),
        about_plan.fairness(found),
        about_assumptions.knowing(found),
        about_assumptions.rests(found),
        _reading(_PLAN_WORDS, f"Catalogue {plain(found.get('catalogue') or '')[:16]}."),
    ]
    facts = f"Campaign {plain(found.get('campaign') or '')} · as of {date(found.get('as_of'))} · nothing decided yet"
    return _page("Who gets which offer?", "A plan of offers", facts, about_plan.tiles(found), sections)


def render_measured(found: Figures) -> str:
    """What a campaign brought as HTML.

    Parameters
    ----------
    found : mapping
        The figures of `regulars offers measure`.
    """
    sections = [
        about_effects.result(found),
        about_effects.effects(found),
        about_effects.observed(found),
        about_effects.leagues(found),
        about_effects.funnel(found),
        about_effects.trust(found),
        _reading(_EFFECT_WORDS, ""),
    ]
    named = f"Campaign {plain(found['campaign'])} · " if found.get("campaign") else ""
    facts = f"{named}as of {date(found.get('today'))}"
    return _page("Did the offers work?", "What offers brought", facts, about_effects.tiles(found), sections)


def _page(
    title: str, topic: str, facts: str, tiles: Sequence[Tile], sections: Sequence[Section | None]
) -> str:  # fmt: skip
    there = [s for s in sections if s is not None]
    return template("offers.html").render(
        title=title, topic=topic, facts=facts, style=stylesheet(), tiles=tiles, sections=there
    )


def _reading(words: Sequence[tuple[str, str]], said: str) -> Section:
    rows = [[Cell(word, strong=True), Cell(meaning)] for word, meaning in words]
    glossary = Table("Words", [Column("Word", False), Column("Meaning", False)], rows)
    texts = [said] if said.strip(". ") else []
    return Section("reading", "How to read this?", "What the words mean.", texts, (), [glossary])
