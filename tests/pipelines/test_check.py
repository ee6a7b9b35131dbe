"""Look before training: the examination says what the backtest would say, in words, as figures and as a page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from regulars.errors import NotEnoughData
from regulars.examination.examine import UNFIT
from regulars.models.splits import origins
from regulars.pipelines.check import examined, figures_of, write_check
from regulars.pipelines.files import strict_json
from regulars.pipelines.prepare import span_of
from regulars.reports.check_text import check_text

from ..simulated import PLANTED, config_of, shop


def test_enough_history_is_said_with_the_first_origin() -> None:
    found = examined(shop(), config_of(backtest={"origins": 2}))
    manifest = shop().manifest
    assert f"400 customers and {manifest.n_orders:,} orders from {manifest.first_day}" in check_text(found)
    assert found.enough.enough
    assert found.enough.origins == (str(shop().ends.minus(60)), str(shop().ends.minus(30)))
    assert f"2 origins, the first on {shop().ends.minus(60)}" in found.enough.words
    assert not any("overlap" in remark for remark in found.enough.remarks)


def test_overlapping_windows_are_called_so() -> None:
    config = config_of(120, backtest={"origins": 3})
    assert any(o.overlapping for o in origins(span_of(shop(), config), 3))
    found = examined(shop(), config)
    assert any("windows of the origins overlap" in remark for remark in found.enough.remarks)
    assert "  The windows of the origins overlap" in check_text(found)


def test_too_little_history_is_a_verdict_and_not_an_error() -> None:
    config = config_of(365)
    with pytest.raises(NotEnoughData):
        origins(span_of(shop(), config), 1)
    found = examined(shop(), config)
    assert found.verdict == UNFIT
    assert found.enough.origins == ()
    assert "are too few to train for a horizon of 365 days" in check_text(found).splitlines()[0]


def test_the_figures_are_plain_json_and_hold_the_manifest() -> None:
    figures = json.loads(strict_json(figures_of(examined(shop(), config_of()))))
    assert figures["enough"] is True
    assert figures["verdict"] in ("fit", "fit with remarks")
    assert figures["manifest"]["lines"]["used"] == shop().manifest.lines["used"]
    assert figures["manifest"]["fingerprint"] == shop().manifest.fingerprint


def test_nothing_that_check_says_names_a_customer(tmp_path: Path) -> None:
    found = examined(shop(), config_of())
    write_check(found, tmp_path / "check.html")
    for text in (check_text(found), strict_json(figures_of(found)), (tmp_path / "check.html").read_text()):
        assert len(text) > 1_000
        assert PLANTED not in text
