"""The chapter on products: how good the suggestions are, what sells, what goes together.

In: the figures of `regulars products`. Out: a section. A ledger without products gives one sentence. Names of products
are the user's texts; nobody is named.
"""

from __future__ import annotations

from .about_figures import chapter
from .about_plan import Figures
from .blocks import Section
from .inputs import branch, entries, number
from .notation import percent, plain

TOPIC = "What do they buy, and what may they like?"
_WORDS = (
    "Judged on a window that had not been looked at when the rule was chosen. What is new to a customer is much harder "
    "to guess than what is bought again; both are told apart.",
)


def shelf(found: Figures) -> Section:
    """What to suggest, and how often that was right."""
    rows = entries(branch(found, "tables", "backtest").get("rows"))
    rules = branch(found, "rules")
    ours = next((r for r in rows if r.get("rule") == rules.get("buy_again") and r.get("of") == "all"), {})
    naive = next((r for r in rows if r.get("rule") == "popular" and r.get("of") == "all"), {})
    hit, usual = number(ours.get("recall")), number(naive.get("recall"))
    headline = plain(found.get("headline") or "")
    if hit is not None:
        beside = f"; the same ten for everybody would have held {percent(usual)}" if usual is not None else ""
        headline = f"Ten items to buy again held {percent(hit)} of what customers then bought{beside}."
    told = _WORDS if hit is not None else ()
    return chapter("products", TOPIC, found, tables=("in_demand", "goes_with"), headline=headline, words=told)
