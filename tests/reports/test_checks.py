"""Every check is shown: losses, level, season, windows; the words are those of the figures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from regulars.reports import ReportInput
from regulars.reports.about_checks import steady
from regulars.reports.about_data import data
from regulars.reports.bars import Bar, Group
from regulars.reports.checks import better_at, loss_groups, windows
from regulars.reports.figures import losses_picture


def card(loss: float | None, level: float | None) -> dict[str, object]:
    ends = None if loss is None else [loss - 0.01, loss + 0.01]
    return {"log_loss": loss, "level_loss": level, "ci": {"log_loss": ends}}


def origin(cutoff: str, ours: float, rule: float, classic: float | None, **more: object) -> dict[str, object]:
    churn = {"regulars": card(ours, 0.02), "bg_nbd": card(classic, 0.0), "naive": card(rule, 0.1)}
    return {"cutoff": cutoff, "n": 100, "base_rate": 0.2, "churn": churn, **more}


OFF = {"twin": None, "weight": 0.0, "shift": -0.5, "words": "no twin: a year before 2017-06-04 there is too little"}
ON = {"twin": "2016-07-05", "weight": 0.5, "shift": 0.25, "words": "the season of 2016-07-05 weighs 50%"}


@pytest.fixture
def two(report: ReportInput) -> ReportInput:
    """Two checks: at the first all is better than with BG/NBD, at the second BG/NBD is better."""
    origins = [
        origin("2017-06-04", 0.30, 0.40, 0.32, level=OFF, trained_horizons=[30], priors=["BG/NBD: a weak prior"]),
        origin("2017-07-04", 0.34, 0.40, 0.32, level=ON, trained_horizons=[30], priors=["BG/NBD: a weak prior", "GG"]),
    ]
    pooled = origin("", 0.32, 0.40, 0.32)
    return replace(report, backtest={"origins": origins, "pooled": pooled, "notes": ["windows overlap"]})


def checks_of(report: ReportInput) -> list[dict[str, Any]]:
    """The origins of a backtest, as what they are."""
    found: Any = report.backtest["origins"]
    return list(found)


def said(report: ReportInput) -> str:
    section = steady(report)
    return " | ".join([section.headline, *section.words]).replace("\u00a0", " ")


def test_at_how_many_checks_it_was_better(two: ReportInput) -> None:
    assert better_at(two, "naive") == (2, 2)
    assert better_at(two, "bg_nbd") == (1, 2)
    assert steady(two).headline == (
        "Regulars was better than the simple rule at 2 of 2 and better than BG/NBD at 1 of 2 checks in the past."
    )


def test_one_check_is_told_as_one(two: ReportInput) -> None:
    one = replace(two, backtest=two.backtest | {"origins": [origin("2017-07-04", 0.34, 0.40, 0.32)]})
    assert steady(one).headline == (
        "Regulars was better than the simple rule and not better than BG/NBD at the one check in the past."
    )
    assert [g.title for g in loss_groups(one)] == ["4 Jul 2017"]


def test_how_much_of_the_error_is_level(two: ReportInput) -> None:
    # .02 of .32 is 6.25 %.
    assert "6.2 % of the log loss (0.0200 of 0.3200), the orange end of the bar." in said(two)


def test_level_that_is_not_defined_is_called_so(two: ReportInput) -> None:
    origins = [o | {"churn": {"regulars": card(0.32, None)}} for o in checks_of(two)]
    words = said(replace(two, backtest=two.backtest | {"origins": origins}))
    assert "How much of the error is level is not defined here." in words


def test_level_of_some_checks_is_set_against_their_own_loss(two: ReportInput) -> None:
    # At the second check everybody left. Of the first one's .30 the level is .02: 6.7 %; not .02 of the pooled .32.
    first, second = checks_of(two)
    given = replace(
        two, backtest=two.backtest | {"origins": [first, second | {"churn": {"regulars": card(0.34, None)}}]}
    )
    assert (
        "at the 1 of 2 checks at which some customers left and others not: 6.7 % of the log loss (0.0200 of 0.3000)"
        in (said(given))
    )
    assert steady(given).tables[0].rows[-1][3].text == "not defined here"
    assert loss_groups(given)[-1].bars[0].part is None


def test_every_model_has_a_bar_at_every_check_and_the_least_loss_is_bold(two: ReportInput) -> None:
    groups = loss_groups(two)
    assert [(g.title, g.note) for g in groups] == [
        ("4 Jun 2017", "100 customers, 20 % left"),
        ("4 Jul 2017", "100 customers, 20 % left"),
        ("All checks", "100 forecasts, 20 % left"),
    ]
    assert groups[1].bars[0] == Bar("Regulars", 0.34, 0.02, (0.33, 0.35000000000000003), own=True, text="0.3400")
    assert [b.name for b in groups[1].bars if b.strong] == ["BG/NBD"]


def test_gains_of_each_check_are_told_in_per_cent(two: ReportInput) -> None:
    # 1 - .30 / .40 = 25 %; 1 - .30 / .32 = 6.25 %; 1 - .34 / .40 = 15 %; 1 - .34 / .32 = -6.25 %; then pooled.
    rows = steady(two).tables[0].rows
    found = [[cell.text.replace("\u00a0", " ") for cell in row[4:6]] for row in rows]
    assert found == [["25.0 %", "6.2 %"], ["15.0 %", "−6.2 %"], ["20.0 %", "0.0 %"]]


def test_season_is_on_where_there_was_a_twin(two: ReportInput) -> None:
    assert "The season was taken into account at 1 of 2 checks" in said(two)
    assert "with a weight of 50 %." in said(two)
    season = next(t for t in steady(two).tables if "season" in t.caption)
    assert [row[1].text for row in season.rows] == ["off", "on"]
    assert [row[3].text for row in season.rows] == ["−0.50", "0.25"]


def test_season_that_was_off_everywhere_says_why(two: ReportInput) -> None:
    off = [o | {"level": OFF} for o in checks_of(two)]
    words = said(replace(two, backtest=two.backtest | {"origins": off}))
    assert (
        "The season was not taken into account at any of the 2 checks: a year before 4 Jun 2017 there is too little."
    ) in words


def test_season_without_figures_is_undefined(report: ReportInput) -> None:
    assert "Whether the season was taken into account is not defined here." in said(report)


def test_shorter_windows_are_told_with_the_horizon_they_are_carried_to(two: ReportInput) -> None:
    origins = [o | {"trained_horizons": [n]} for o, n in zip(checks_of(two), (12, 20), strict=True)]
    short = replace(two, backtest=two.backtest | {"origins": origins, "enough": {"trained_days": 25}})
    assert windows(short) == [12, 20]
    assert (
        "The model in use learnt from windows of 25 days; at some checks the models learnt from windows of 12 days and "
        "20 days, carried to 30 by the classical models: longer windows had not closed often enough."
    ) in said(short)
    table = steady(short).tables[0]
    assert table.columns[-1].name == "Learnt from windows of"
    assert [row[-1].text.replace("\u00a0", " ") for row in table.rows] == ["12 days", "20 days", ""]


def test_windows_that_are_the_same_everywhere_are_told_once(two: ReportInput) -> None:
    origins = [o | {"trained_horizons": [12]} for o in checks_of(two)]
    short = replace(two, backtest=two.backtest | {"origins": origins, "enough": {"trained_days": 12}})
    assert "| All models learnt from windows of 12 days, carried to 30 by the classical models: " in said(short)


def test_windows_as_long_as_asked_are_not_mentioned(two: ReportInput) -> None:
    assert "learnt from windows" not in said(two)
    assert len(steady(two).tables[0].columns) == 6


def test_notes_are_sentences_and_remarks_on_the_priors_are_folded_each_once(two: ReportInput) -> None:
    assert said(two).endswith("| Windows overlap.")
    priors = steady(two).tables[-1]
    assert priors.folded
    assert priors.caption == "How the classical models were fitted (2 remarks)"
    assert [row[0].text for row in priors.rows] == ["BG/NBD: a weak prior", "GG"]


def test_without_checks_nothing_is_claimed(report: ReportInput) -> None:
    section = steady(replace(report, backtest={}))
    assert section.headline == "Whether it is better every time is not defined here: no check was made."
    assert not section.pictures


def test_a_bar_shows_its_level_and_a_missing_one_its_text() -> None:
    groups = [Group("", "", [Bar("a", 1.0, 0.25, text="1"), Bar("b", None, text="not defined here")])]
    picture = losses_picture(groups)
    assert picture is not None
    assert ">not defined here</text>" in picture
    assert str(picture).count("var(--orange)") == 2  # in the key and at the end of the first bar


def test_verdict_on_the_amount_of_data_stands_with_the_data(report: ReportInput) -> None:
    enough = {"words": "Enough for a horizon of 30 days.", "remarks": ["100 customers are few"]}
    section = data(replace(report, backtest={"enough": enough}))
    assert "Is it enough? Enough for a horizon of 30 days." in section.words
    assert section.tables[0].rows[0][0].text == "100 customers are few."
