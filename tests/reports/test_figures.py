"""Pictures: deterministic, free of addresses and state, legible in any theme."""

from __future__ import annotations

import itertools
import re
import struct
import subprocess
import sys
from dataclasses import replace

import matplotlib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.reports import ReportInput, overview
from regulars.reports.figures import (
    calibration_picture,
    churn_curves,
    gain_picture,
    months_picture,
    risk_value_map,
    spend_picture,
)
from regulars.reports.panels import Curve, spread
from regulars.reports.style import Canvas, svg
from regulars.reports.tables import calibration, deciles


def test_svg_names_no_address_and_no_colour_of_its_own(report: ReportInput) -> None:
    picture = str(calibration_picture(calibration(report.predictions, "regulars")))
    assert "http" not in picture
    assert "xmlns" not in picture
    assert re.findall(r"#[0-9a-f]{6}\b", picture) == []
    assert "var(--blue)" in picture


def test_texts_of_a_picture_are_texts() -> None:
    def write(canvas: Canvas) -> None:
        canvas.sheet().text(5, 5, "$a$ & <b>")

    assert ">$a$ &amp; &lt;b&gt;</text>" in svg(write, 50, 20, "words")


def test_alternative_text_is_escaped() -> None:
    assert 'aria-label="&#34;&lt;x&gt;&#34;"' in svg(lambda canvas: None, 10, 10, '"<x>"')


def test_settings_of_the_user_change_nothing(report: ReportInput) -> None:
    table = calibration(report.predictions, "regulars")
    before = calibration_picture(table)
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "svg.fonttype": "path"}):
        assert calibration_picture(table) == before
        assert matplotlib.rcParams["font.size"] == 30


@pytest.mark.soak
def test_pyplot_is_never_loaded() -> None:
    code = "import sys, regulars.reports.page; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def test_nothing_to_draw_is_no_picture(report: ReportInput) -> None:
    empty = report.predictions.iloc[:0]
    assert calibration_picture(calibration(empty, "regulars")) is None
    assert spend_picture(deciles(empty, "regulars", "value")) is None
    assert gain_picture(churn_curves(empty, "bg_nbd"), "", None, "") is None
    assert months_picture(pd.DataFrame({"month": []}), []) is None
    assert risk_value_map(pd.DataFrame({"n": [0], "at_stake": [0.0]}), [], 30) is None


def test_perfect_ranking_is_never_below_the_product(report: ReportInput) -> None:
    curves = {c.name: c for c in churn_curves(report.predictions, "bg_nbd")}
    assert list(curves) == ["Regulars", "BG/NBD", "Simple rule", "perfect", "chance"]
    assert (np.array(curves["perfect"].y) >= np.array(curves["Regulars"].y) - 1e-12).all()


def test_curves_without_the_product_are_not_drawn(report: ReportInput) -> None:
    assert churn_curves(report.predictions.drop(columns="p_churn_regulars"), "bg_nbd") == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_labels_never_overlap(wanted: list[float]) -> None:
    placed = spread(wanted, 0.1, 1.0)
    assert max(placed) <= 1.0 + 1e-9
    assert all(b - a >= 0.1 - 1e-9 for a, b in itertools.pairwise(sorted(placed)))
    assert np.argsort(placed, kind="stable").tolist() == np.argsort(wanted, kind="stable").tolist()


def test_lonely_label_stays_where_it_belongs() -> None:
    assert spread([0.4], 0.1, 1.0) == [0.4]


def test_overview_is_a_picture_of_1200_by_520(report: ReportInput) -> None:
    picture = overview(report)
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", picture[16:24]) == (1200, 520)
    assert overview(report) == picture


@pytest.mark.parametrize("rows", [0, 1])
def test_overview_without_data_is_still_a_picture(report: ReportInput, rows: int) -> None:
    few = replace(report, predictions=report.predictions.iloc[:rows], scores=report.scores.iloc[:rows], backtest={})
    assert struct.unpack(">II", overview(few)[16:24]) == (1200, 520)


def test_curve_is_named_at_its_end() -> None:
    picture = gain_picture([Curve("mine", [0.0, 0.5], [0.0, 0.8], "#0a6aa6")], "below", (0.1, "here"), "says")
    assert picture is not None
    assert ">mine</text>" in picture
    assert ">here</text>" in picture
