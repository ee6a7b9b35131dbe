"""The page of the examination: offline, escaped, the same bytes for the same data."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import pyarrow as pa
import pytest
from markupsafe import escape

from regulars.config import Config
from regulars.examination.examine import Examination, examine
from regulars.examination.finding import Finding, Severity
from regulars.intake import Ledger
from regulars.models.splits import Span
from regulars.reports.check_figures import gaps_bars, values_bars
from regulars.reports.check_page import render_check
from regulars.reports.check_text import aligned, check_text

from ..simulated import config_of, shop

PAYLOADS = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style><b>", "{{ 7*7 }}", "javascript:x")


@cache
def found() -> Examination:
    ledger = shop()
    return examine(ledger, config_of(), Span(ledger.history_starts, ledger.ends, 30, 0, 30))


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    html = render_check(found())
    assert html.startswith("<!doctype html>")
    assert "default-src 'none'" in html
    assert not re.search(r"<script|<link|<img|<iframe|https?://|url\((?!#)|@import|\bon\w+=", html)


def test_the_same_examination_gives_the_same_bytes_and_a_new_one_of_the_same_data_too() -> None:
    ledger = shop()
    again = examine(ledger, config_of(), Span(ledger.history_starts, ledger.ends, 30, 0, 30))
    assert render_check(found()) == render_check(found()) == render_check(again)
    assert check_text(found()) == check_text(again)


def test_the_page_answers_its_questions_with_four_pictures() -> None:
    html = render_check(found())
    for question in ("Is anything wrong?", "What is in the data?", "Is it enough to train on?", "How to read this?"):
        assert question in html
    assert html.count('<svg class="picture"') == 4
    assert "Customer report" not in html
    assert "It lists customers" not in html


@pytest.mark.parametrize("payload", PAYLOADS)
def test_names_from_the_data_are_escaped(payload: str) -> None:
    finding = Finding("no_products", Severity.SUSPICIOUS, f"a {payload}", 1, 1, (payload,), payload)
    html = render_check(replace(found(), findings=(finding,), repairs=(payload,)))
    assert html.count(str(escape(payload))) >= 3
    assert not re.search(r"<script|<img|</style><b>", html)


def test_a_single_line_has_a_page_without_pictures_of_nothing() -> None:
    frame = pa.table({"customer_id": ["a"], "purchased_at": ["2024-01-05"], "amount": ["9.90"]})
    config = Config.of(horizon_days=30)
    ledger = Ledger.from_frame(frame, config)
    html = render_check(examine(ledger, config, Span(ledger.history_starts, ledger.ends, 30, 0, 30)))
    # A month and an order value can be drawn; there is no second purchase and no window.
    assert html.count('<svg class="picture"') == 2
    assert "Not fit to train on" in html


def test_the_screen_says_the_verdict_first() -> None:
    assert check_text(found()).splitlines()[0].startswith(found().verdict.upper())


def test_columns_of_text_stand_below_each_other() -> None:
    assert list(aligned(("day", "n"), [("Monday", "5"), ("Friday", "100")], "<>")) == [
        "  day       n", "  Monday    5", "  Friday  100",
    ]  # fmt: skip


def test_gaps_are_drawn_in_whole_weeks_when_they_are_long() -> None:
    # Every gap from 1 to 400 days once: 98 % of 400 lie up to day 392, so forty bars would be ten days wide each: 14.
    bars = gaps_bars([0] + [1] * 400)
    assert bars.heights == [14] * 28
    assert bars.ticks[1][1] == "70"


def test_order_values_are_marked_at_powers_of_ten() -> None:
    # Bins of a tenth of a decade from 1 up to 100: marks at 1, 10 and 100, ten bins apart.
    bars = values_bars([(10 ** (k / 10 + 0.05), 1) for k in range(20)])
    assert [round(at, 6) for at, _ in bars.ticks] == [0, 10, 20]
    assert [text for _, text in bars.ticks] == ["1", "10", "100"]
