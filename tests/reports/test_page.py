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

from regulars.errors import ConfigError, DataError, StorageError
from regulars.reports import ReportInput, render, write_report

SECTIONS = ("risk", "keep", "ranking", "trust", "money", "comparison", "drivers", "data", "reading")
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


@pytest.fixture(scope="module")
def html(report: ReportInput) -> str:
    return render(report)


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
    scores = report.scores.iloc[:4].assign(p_churn=[0.5, 0.5, 0.0, 0.0])
    text = render(replace(report, scores=scores)).replace("\u00a0", " ")
    assert "25 % of your customers, about 1 of 4, will probably not buy in the next 30 days." in text


def test_same_input_gives_the_same_bytes(report: ReportInput, html: str) -> None:
    shuffled = replace(
        report,
        predictions=report.predictions.sample(frac=1, random_state=1),
        scores=report.scores.sample(frac=1, random_state=2),
    )
    assert render(report) == html
    assert render(shuffled) == html


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
    scores = report.scores.assign(
        customer_id=payload + report.scores["customer_id"], last_purchase=payload, model=payload
    )
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
        predictions=report.predictions.assign(cutoff=payload),
        scores=scores,
        features=[{"name": payload, "meaning": payload, "unit": payload, "gain_share": 1.0}],
        model={"name": payload, "version": payload, payload: payload},
    )


@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize("payload", PAYLOADS)
def test_texts_from_the_data_stay_texts(report: ReportInput, html: str, payload: str) -> None:
    few = replace(report, predictions=report.predictions.iloc[:40], scores=report.scores.iloc[:40])
    page = render(poisoned(few, payload))
    seen = Seen(page)
    assert seen.tags <= Seen(html).tags
    assert seen.open == []
    assert {k for k, _ in seen.attributes} <= {k for k, _ in Seen(html).attributes}
    assert all(v.startswith("#") for k, v in seen.attributes if k in ("href", "xlink:href", "src"))
    assert "\x00" not in page
    page.encode("utf-8")


def test_customer_ids_are_shown_whole_and_apart_from_their_surroundings(report: ReportInput) -> None:
    scores = report.scores.assign(customer_id=["\u202eمرحبا<b>" + c for c in report.scores["customer_id"]], p_churn=0.5)
    assert '<bdi class="strong">\u202eمرحبا&lt;b&gt;' in render(replace(report, scores=scores))


def test_sources_show_neither_folders_nor_passwords(html: str) -> None:
    assert "lines.csv" in html
    assert "secret folder" not in html
    assert "user:pass" not in html


def test_lines_and_money_are_reconciled(html: str) -> None:
    # 950 + 30 + 15 + 5 = 1000 lines; 800 + 70.5 + 30 = 900.5 in money.
    assert "Every line read has one fate: the lines add up, the money adds up." in html


def test_lines_that_do_not_add_up_are_told(report: ReportInput) -> None:
    manifest = report.manifest | {"lines": {"read": 1000, "used": 990}}
    assert "the lines do not add up: 10 unaccounted for" in render(replace(report, manifest=manifest))


def test_missing_figures_are_not_defined_here(report: ReportInput) -> None:
    nothing = {"log_loss": None, "auc": None, "ci": None}
    backtest: dict[str, object] = {
        "origins": [{"cutoff": "2017-06-04", "n": None, "base_rate": None, "churn": {"regulars": nothing}, "value": None}],
        "pooled": {"churn": {"regulars": nothing, "naive": None}, "value": None},
        "gain": {"churn": {"naive": {"log_loss_gain_percent": None, "ci": None}}, "value": None},
    }  # fmt: skip
    page = render(replace(report, backtest=backtest))
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
    assert "At the one check in the past the forecast was" in render(replace(report, predictions=one))


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
    assert "No customer was scored" in render(replace(report, scores=report.scores.iloc[:0]))


def test_predictions_without_spend_forecasts_are_told(report: ReportInput) -> None:
    only_churn = report.predictions[[c for c in report.predictions.columns if not c.startswith("value_")]]
    assert "No forecast of spend was made at any check." in render(replace(report, predictions=only_churn))


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


def test_frames_are_not_changed(report: ReportInput) -> None:
    scores, predictions = report.scores.copy(), report.predictions.copy()
    render(report)
    pd.testing.assert_frame_equal(report.scores, scores)
    pd.testing.assert_frame_equal(report.predictions, predictions)


def test_written_file_is_whole_and_alone(report: ReportInput, html: str, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old", encoding="utf-8")
    write_report(report, path)
    assert path.read_bytes() == html.encode("utf-8")
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]
    assert path.stat().st_mode & 0o077 == 0


def test_failed_write_keeps_the_old_report(
    report: ReportInput, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.html"
    path.write_text("old", encoding="utf-8")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="RG474.*No space left"):
        write_report(report, path)
    assert path.read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_missing_folder_is_a_storage_error(report: ReportInput, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="RG474"):
        write_report(report, tmp_path / "nowhere" / "report.html")
