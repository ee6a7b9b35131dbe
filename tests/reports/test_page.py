"""The page: complete, offline, escaped, the same bytes for the same input."""

from __future__ import annotations

import hashlib
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from regulars.errors import ConfigError, DataError
from regulars.reports import ReportInput, render
from regulars.reports.about_customers import at_risk, past_misses, to_keep
from regulars.reports.about_data import data, reading
from regulars.reports.about_model import ranking, worth
from regulars.reports.customers import customers_of
from regulars.reports.inputs import checked, first_day
from regulars.reports.notation import percent

SECTIONS = (
    "value", "keep", "risk", "timing", "horizons", "lifetime", "movers",
    "ranking", "monitoring", "trust", "money", "intervals", "comparison", "steady", "budget", "drivers",
    "data", "reading",
)  # fmt: skip
VOID = {"meta", "path", "use", "line", "rect", "image", "br"}
PAYLOADS = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</title><img src=x onerror=alert(1)>",
    "\"><svg onload=alert(1)>",
    "' onmouseover='alert(1)",
    "\" autofocus onfocus=alert(1) x=\"",
    "<a href=javascript:alert(1)>x</a>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "{{ 7 * 7 }}{% for x in y %}",
    "${7*7} $x$ \\frac{1}{2} $",
    "]]><script>alert(1)</script><![CDATA[",
    "<!--<script>alert(1)</script>-->",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "\x00<\x00script>alert(1)",
    "\u202e<script>\u202calert(1)",
    "שלום <b>עולם</b>",
    "مرحبا \u202e evil",
    "=cmd|'/c calc'!A1",
    "\ud800 lone surrogate",
    "顧客 <テスト>",
)  # fmt: skip


class Seen(HTMLParser):
    """Which tags and attributes a document has, and whether its tags close."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.ids: list[str] = []
        self.text: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(k, v or "") for k, v in attrs]
        self.ids += [v or "" for k, v in attrs if k == "id" and tag == "section"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(k, v or "") for k, v in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> without a start"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_every_section_is_there_and_every_tag_closes(html: str) -> None:
    seen = Seen(html)
    assert tuple(seen.ids) == SECTIONS
    assert seen.open == []


def test_page_loads_and_runs_nothing(html: str) -> None:
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in html
    assert "http:" not in html
    assert "https:" not in html
    assert "//" not in html
    assert "xmlns" not in html
    seen = Seen(html)
    assert seen.tags.isdisjoint({"script", "link", "img", "iframe", "object", "embed", "form", "base"})
    assert all(v.startswith("#") for k, v in seen.attributes if k in ("href", "xlink:href", "src"))
    assert not any(k.startswith("on") for k, _ in seen.attributes)


def test_links_of_the_summary_lead_to_sections(html: str) -> None:
    links = [v[1:] for k, v in Seen(html).attributes if k == "href"]
    assert links == list(SECTIONS[:-1])


def test_headline_tells_how_many_will_probably_not_buy(report: ReportInput) -> None:
    given = checked(replace(report, scores=report.scores.iloc[:4].assign(p_churn=[0.5, 0.5, 0.0, 0.0])))
    headline = at_risk(given, customers_of(given)).headline.replace("\u00a0", " ")
    assert headline == "25 % of your customers, about 1 of 4, will probably not buy in the next 30 days."


def test_order_of_rows_changes_no_byte_and_frames_stay_as_they_were(report: ReportInput, html: str) -> None:
    shuffled = replace(
        report,
        predictions=report.predictions.sample(frac=1, random_state=1),
        scores=report.scores.sample(frac=1, random_state=2),
    )
    scores, predictions = shuffled.scores.copy(), shuffled.predictions.copy()
    assert render(shuffled) == html
    pd.testing.assert_frame_equal(shuffled.scores, scores)
    pd.testing.assert_frame_equal(shuffled.predictions, predictions)


@pytest.mark.soak
def test_another_process_hash_seed_and_time_zone_give_the_same_bytes(
    report: ReportInput, html: str, tmp_path: Path
) -> None:
    kept = tmp_path / "report.pickle"
    kept.write_bytes(pickle.dumps(report))
    code = (
        "import hashlib, pickle, sys; from regulars.reports import render; "
        "print(hashlib.sha256(render(pickle.load(open(sys.argv[1], 'rb'))).encode()).hexdigest())"
    )
    environment = os.environ | {"PYTHONHASHSEED": "5", "TZ": "Pacific/Apia", "LC_ALL": "C"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(kept)], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == hashlib.sha256(html.encode()).hexdigest()


def poisoned(report: ReportInput, payload: str) -> ReportInput:
    # Arrow's strings cannot hold a lone surrogate; Python's can.
    cell = payload.encode("utf-8", "replace").decode()
    scores = report.scores.assign(customer_id=cell + report.scores["customer_id"], last_purchase=cell, model=cell)
    manifest = report.manifest | {
        "first_day": payload,
        "notes": {payload: [payload]},
        "repairs": [payload],
        "sources": [payload],
        "fingerprint": payload,
        "months": [{"month": payload, "orders": 1, "customers": 1, "revenue": "1"}],
    }
    extra = {"auc": 0.5, "log_loss": 0.5}
    backtest = report.backtest | {
        "origins": [{"cutoff": payload, "n": 1, "base_rate": 0.1, "churn": {payload: extra}}],
        "pooled": {"churn": {payload: extra}},
        "gain": {"churn": {payload: {"log_loss_gain_percent": 1.0, "ci": [0.5, 1.5]}}},
    }
    return replace(
        report,
        title=payload,
        currency=payload,
        manifest=manifest,
        backtest=backtest,
        predictions=report.predictions.assign(cutoff=cell),
        scores=scores,
        features=[{"name": payload, "meaning": payload, "unit": payload, "gain_share": 1.0}],
        model={"name": payload, "version": payload, payload: payload},
        ids_shown=True,
    )


@pytest.fixture(scope="module")
def usual(html: str) -> Seen:
    return Seen(html)


def assert_harmless(page: str, usual: Seen) -> None:
    seen = Seen(page)
    assert seen.open == []
    assert seen.tags <= usual.tags
    assert {k for k, _ in seen.attributes} <= {k for k, _ in usual.attributes}
    assert all(v.startswith("#") for k, v in seen.attributes if k in ("href", "xlink:href", "src"))
    assert "\x00" not in page
    page.encode("utf-8")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_texts_from_the_data_stay_texts(report: ReportInput, usual: Seen, payload: str) -> None:
    # Without predictions there is little to draw, and pictures hold no text of the data: the next test has them.
    few = replace(report, predictions=report.predictions.iloc[:0], scores=report.scores.iloc[:5])
    assert_harmless(render(poisoned(few, payload)), usual)


def test_texts_beside_pictures_stay_texts(report: ReportInput, usual: Seen) -> None:
    assert_harmless(render(poisoned(report, PAYLOADS[1] + PAYLOADS[4])), usual)


def test_customer_ids_are_shown_whole_and_apart_from_their_surroundings(report: ReportInput) -> None:
    scores = report.scores.assign(customer_id=["\u202eمرحبا<b>" + c for c in report.scores["customer_id"]], p_churn=0.5)
    assert '<bdi class="strong">\u202eمرحبا&lt;b&gt;' in render(
        replace(report, scores=scores, predictions=pd.DataFrame(), ids_shown=True)
    )


def test_customers_are_listed_by_their_rows_in_the_file_of_scores_unless_ids_are_asked_for(report: ReportInput) -> None:
    # Only the third customer is at risk and can be kept; the header is row 1, so the row is 4.
    scores = report.scores.assign(
        customer_id=[f"someone-{i:04d}" for i in range(len(report.scores))],
        p_churn=[0.5 if i == 2 else 0.01 for i in range(len(report.scores))],
    )
    given = checked(replace(report, scores=scores, predictions=pd.DataFrame()))
    for ids_shown, first in ((False, "4"), (True, "someone-0002")):
        shown = replace(given, ids_shown=ids_shown)
        (table,) = to_keep(shown, customers_of(shown)).tables
        assert [row[0].text for row in table.rows] == [first]
        assert ("someone" in render(shown)) is ids_shown


def test_sources_show_neither_folders_nor_passwords(html: str) -> None:
    assert "lines.csv" in html
    assert "secret folder" not in html
    assert "user:pass" not in html


def test_repairs_tell_what_how_often_and_an_example(html: str) -> None:
    assert "spaces around ids: 12 lines, such as &#39; 17&#39;" in html


def test_many_sources_are_counted(report: ReportInput) -> None:
    manifest = {"sources": [{"file": f"part-{i}.csv"} for i in range(8)]}
    cells = [r[1].text for t in reading(replace(report, manifest=manifest)).tables for r in t.rows]
    assert "part-0.csv, part-1.csv, part-2.csv, part-3.csv, part-4.csv and 3 more" in cells


def test_history_starts_before_the_first_line_when_it_is_told_so(report: ReportInput) -> None:
    assert str(first_day(report)) == "2017-01-01"
    assert str(first_day(replace(report, manifest=report.manifest | {"history_starts": "2016-12-25"}))) == "2016-12-25"


def test_lines_and_money_are_reconciled(html: str) -> None:
    # 950 + 30 + 15 + 5 = 1000 lines; 800 + 70.5 + 30 = 900.5 in money.
    assert "Every line read has one fate: the lines add up, the money adds up." in html


def test_lines_that_do_not_add_up_are_told(report: ReportInput) -> None:
    manifest = {"lines": {"read": 1000, "used": 990}}
    assert "the lines do not add up: 10 unaccounted for" in data(replace(report, manifest=manifest)).words[1]


def test_missing_figures_are_not_defined_here(report: ReportInput) -> None:
    nothing = {"log_loss": None, "auc": None, "ci": None}
    backtest: dict[str, object] = {
        "origins": [{"cutoff": "2017-06-04", "n": None, "base_rate": None, "churn": {"regulars": nothing}}],
        "pooled": {"churn": {"regulars": nothing, "naive": None}, "value": None},
        "gain": {"churn": {"naive": {"log_loss_gain_percent": None, "ci": None}}, "value": None},
    }  # fmt: skip
    page = render(replace(report, backtest=backtest, predictions=pd.DataFrame()))
    assert "not defined here: it was not measured" in page
    assert page.count("not defined here</bdi>") >= 4
    assert "None" not in page
    assert "nan" not in " ".join(Seen(page).text).lower().replace("finance", "").split()


def test_report_without_any_check_says_so(report: ReportInput) -> None:
    page = render(replace(report, predictions=pd.DataFrame(), backtest={}, features=[], manifest={}, model={}))
    assert tuple(Seen(page).ids) == SECTIONS
    assert page.count("There are no predictions of the past yet") == 3 * 2  # headline and summary, three sections


def test_single_check_is_told_as_one(report: ReportInput) -> None:
    one = report.predictions[report.predictions["cutoff"] == "2017-06-04"]
    assert past_misses(replace(report, predictions=one)).startswith("At the one check in the past the forecast was")


def test_misses_of_past_forecasts_are_relative_to_what_happened(report: ReportInput) -> None:
    # At "a" .3 was forecast and .2 happened: half too high. At "b" .1 against .2: half too low. Nobody left at "c".
    predictions = pd.DataFrame(
        {
            "cutoff": ["a"] * 5 + ["b"] * 5 + ["c"],
            "customer_id": [*"vwxyz", *"vwxyz", "v"],
            "churned": [1, 0, 0, 0, 0] * 2 + [0],
            "spend": 0.0,
            "p_churn_regulars": [0.3] * 5 + [0.1] * 5 + [0.5],
        }
    )
    said = past_misses(replace(report, predictions=predictions)).replace("\u00a0", " ")
    assert said == "At the 2 checks in the past the forecast was between 50 % too low and 50 % too high."


def test_five_customers_without_spend_or_currency_make_a_report(report: ReportInput) -> None:
    scores = report.scores.iloc[:5].assign(
        spend=[-50.0, 0.0, 0.0, 0.0, 0.0],
        orders=[1, 0, 1, 2, 3],
        expected_spend=None,
        last_purchase=["2017-08-01", None, "2017-08-02", "2017-08-01", "2017-08-01"],
        recency_days=[1, np.nan, 3, 4, 5],
    )
    predictions = report.predictions.iloc[:5].assign(spend=[-1.0, 0.0, 0.0, 0.0, -2.0])
    page = render(replace(report, scores=scores, predictions=predictions, currency=""))
    assert tuple(Seen(page).ids) == SECTIONS
    assert "No money is at stake" in page
    assert "No spend was observed at any check." in page


def test_nobody_scored_is_said(report: ReportInput) -> None:
    page = render(replace(report, scores=report.scores.iloc[:0], predictions=pd.DataFrame()))
    assert "No customer was scored" in page


def test_predictions_without_spend_forecasts_are_told(report: ReportInput) -> None:
    only_churn = report.predictions[[c for c in report.predictions.columns if not c.startswith("value_")]]
    assert worth(replace(report, predictions=only_churn)).headline == "No forecast of spend was made at any check."


def test_perfect_ranking_is_told_beside_the_own(report: ReportInput) -> None:
    # Of 150 customers at each check 15 are contacted; a perfect ranking finds 15 of those who left at each.
    left = report.predictions.groupby("cutoff")["churned"].sum()
    share = left.clip(upper=15).sum() / left.sum()
    assert f"A perfect ranking, the dotted line, would reach {percent(share)}." in ranking(report).words


def test_missing_column_is_named_with_its_neighbour(report: ReportInput) -> None:
    with pytest.raises(DataError, match=r"RG401.*`p_churn`.*did you mean `p_chrn`"):
        render(replace(report, scores=report.scores.rename(columns={"p_churn": "p_chrn"})))


@pytest.mark.parametrize("bad", [1.2, -0.1, None])
def test_impossible_probability_is_refused(report: ReportInput, bad: float | None) -> None:
    with pytest.raises(DataError, match="RG402"):
        render(replace(report, scores=report.scores.assign(p_churn=bad)))


def test_impossible_date_or_horizon_is_refused(report: ReportInput) -> None:
    with pytest.raises(ConfigError, match="RG010"):
        render(replace(report, as_of="2017-02-30"))
    with pytest.raises(ConfigError, match="RG400"):
        render(replace(report, horizon_days=0))
