"""Themes and words: every feature of every family has both, the user's own too, and the numbers are the customer's."""

from __future__ import annotations

import math
import re

import pytest

from regulars.features.family import BUILT_IN, NEVER, NOT_COVERED, Entry, catalogue
from regulars.models.themes import BREADTH, RECENT, RHYTHM, SPEND, theme_of
from regulars.models.words import clause, siblings

ALL = {entry.name: entry for entry in catalogue()}
CAUSAL = re.compile(r"because|causes?\b|leads? to|due to|therefore")


def said(name: str, value: float, usual: float = math.nan, currency: str = "") -> str:
    return clause(ALL[name], value, usual, currency).words


def test_every_feature_of_ours_has_a_clause_with_its_number_whatever_it_is() -> None:
    for entry in catalogue():
        assert entry.family in BUILT_IN
        for value in (0.0, 1.0, 0.37, 2.0, 41.0, -3.5, 1e7):
            for usual in (0.0, 2.0, math.nan):
                words = clause(entry, value, usual, "EUR").words
                plain = re.sub("`[^`]*`", "", words)
                assert words, entry
                assert words == words.strip()
                assert not re.search(r"[;{}\n_]|nan|inf\b", plain), words
                assert not CAUSAL.search(words), words


def test_every_feature_of_ours_says_what_it_is_when_it_is_missing() -> None:
    for entry in catalogue():
        for usual in (2.0, math.nan):
            words = clause(entry, math.nan, usual).words
            assert re.search(r"not known|did not|nothing|neither|\bno\b", words), words
            assert "nan" not in words


def test_every_feature_of_ours_has_a_phrase_of_its_own() -> None:
    # The meaning of the catalogue is exact, and less of a phrase.
    assert [e.name for e in catalogue() if clause(e, 2, math.nan).words.startswith(f"{e.meaning}: ")] == []


@pytest.mark.parametrize(
    ("name", "value", "usual", "words"),
    [
        ("orders_90d", 3, 1, "bought 3 times in the last 90 days, the median customer 1"),
        ("orders_90d", 1, 1, "bought once in the last 90 days, like the median customer"),
        ("orders_90d", 0, 2, "did not buy in the last 90 days, the median customer 2"),
        ("spend_90d", 40, 25.5, "spent USD 40.00 in the last 90 days, the median customer USD 25.50"),
        ("orders_60_90d", 2, 1, "bought 2 times between 90 and 60 days ago, the median customer 1"),
        ("categories_90d", 1, 3, "1 category in the last 90 days, the median customer 3"),
        ("discount_share", 0.125, 0.3, "got 12 % off by discounts, the median customer 30 %"),
        ("orders_trend_90d", 0.25, 0.5, "bought less in the last 90 days than in the 90 days before"),
        ("orders_trend_90d", 0, 0.5, "bought in the 90 days before the last 90, and not in these"),
        ("orders_trend_90d", 0.5, 0.5, "bought as much in the last 90 days as in the 90 days before"),
        ("spend_trend_90d", 1, 0.5, "spent in the last 90 days, and not in the 90 days before"),
        ("orders_slope_180d", -0.4, 0, "purchases fell by 0.4 a month over the last 180 days"),
        ("one_time", 1, 0, "bought on one day only"),
        ("events_visit_30d", 1, 4, "`visit` once in the last 30 days, the median customer 4"),
        ("events_visit_days_since", 9, 30, "`visit` 9 days ago for the last time, the median customer 30"),
        ("order_value_90d", math.nan, 20, "did not buy in the last 90 days"),
        ("order_value_90d", math.nan, math.nan, "mean value of a purchase in the last 90 days: not known"),
        ("spend_7d", math.nan, math.nan, "signed spend in the last 7 days: not known, no records go back so far"),
        ("gap_mean", math.nan, 20, "mean days between purchase days: not known with fewer than two purchase days"),
    ],
)  # fmt: skip
def test_a_clause_says_the_customers_number_and_the_usual_one(
    name: str, value: float, usual: float, words: str
) -> None:
    assert said(name, value, usual, "USD") == words


def test_a_number_like_the_median_customers_or_a_missing_one_tells_little() -> None:
    assert clause(ALL["orders_90d"], 3, 1).telling
    assert not clause(ALL["orders_90d"], 1, 1).telling
    assert not clause(ALL["orders_365d"], math.nan, math.nan).telling
    # Two shares that are written alike are alike.
    assert not clause(ALL["discount_share"], 0.1249, 0.1201).telling


def test_a_feature_of_the_users_own_is_said_by_its_meaning() -> None:
    own = Entry("weekend_share_90d", "habits", "share", "share of the purchases made on a weekend", NOT_COVERED)
    assert clause(own, 0.5, 0.25).words == "share of the purchases made on a weekend: 50 %, the median customer 25 %"
    counted = Entry("calls", "habits", "calls", "calls to the shop; of all kinds {so far}.", "missing without a phone")
    # What separates reasons cannot be part of one, and a brace is a brace.
    assert clause(counted, 2, 1).words == "calls to the shop, of all kinds {so far}: 2 calls, the median customer 1"
    assert clause(counted, math.nan, 1).words == "calls to the shop, of all kinds {so far}: not known without a phone"
    bare = Entry("mood", "habits", "", "", "")
    assert clause(bare, 2, math.nan).words == "mood: 2"


def test_a_name_like_ours_in_a_family_of_the_users_own_is_not_read_as_ours() -> None:
    own = Entry("orders_90d", "mine", "orders", "orders by telephone", NEVER)
    assert clause(own, 2, 1).words == "orders by telephone: 2 orders, the median customer 1"
    assert theme_of(own) == "orders"


def test_correlated_features_share_a_theme() -> None:
    assert {theme_of(ALL[n]) for n in ("recency_days", "lateness", "gap_mean", "frequency", "orders")} == {RHYTHM}
    assert {theme_of(ALL[n]) for n in ("orders_7d", "orders_90d", "orders_trend_30d", "days_90d")} == {RECENT}
    assert {theme_of(ALL[n]) for n in ("spend", "spend_90d", "spend_decayed_30d", "spend_slope_180d")} == {SPEND}
    assert {theme_of(ALL[n]) for n in ("categories_90d", "products_entropy")} == {BREADTH}
    assert {theme_of(ALL[n]) for n in ("events_support_30d", "events_support_resolved_ever", "support_open")} == {
        "support"
    }
    themes = {theme_of(entry) for entry in catalogue()}
    assert len(themes) < 40
    assert not any("_" in theme and theme not in " ".join(e.meaning for e in catalogue()) for theme in themes)


def test_features_of_the_users_own_are_grouped_by_name_without_their_window() -> None:
    names = ("weekend_share_30d", "weekend_share_90d", "weekend_share_trend_30d", "weekend_share")
    assert {theme_of(Entry(name, "mine", "share", "", "")) for name in names} == {"weekend share"}
    assert theme_of(Entry("30d", "mine", "share", "", "")) == "30d"


def test_what_a_formula_tells_a_plain_sibling_tells_in_its_place() -> None:
    assert siblings(ALL["orders_decayed_90d"])[0] == "orders_30d"
    assert siblings(ALL["products_entropy"]) == ("products_top_share", "products")
    assert siblings(ALL["orders_90d"]) == ()
    for entry in catalogue():
        assert set(siblings(entry)) <= set(ALL)
