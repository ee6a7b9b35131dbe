"""The grade on the page, who speaks by it, and that the chapters on quality are about whoever speaks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from regulars.reports import ReportInput, render
from regulars.reports.about_comparison import comparison
from regulars.reports.about_customers import at_risk, past_misses, to_keep
from regulars.reports.about_model import drivers, ranking, trust, worth
from regulars.reports.customers import customers_of
from regulars.reports.figures import churn_curves
from regulars.reports.grades import NO_GRADE, as_spoken, instead, marks, speaker
from regulars.reports.inputs import checked


def graded(report: ReportInput, letter: str, champion: str, btyd: str | None = "bg_nbd") -> ReportInput:
    """The report with such a grade for churn and for spend, whose scores say the same."""
    grade = {"grade": letter, "champion": champion, "btyd": btyd, "gains": {}, "words": f"Grade {letter}: in figures."}
    scores = report.scores.assign(model=champion, value_model=champion)
    return replace(report, backtest=report.backtest | {"grade": {"churn": grade, "value": grade}}, scores=scores)


@pytest.mark.parametrize(
    ("letter", "champion", "btyd", "sentence", "follows"),
    [
        ("A", "regulars", "bg_nbd", "surely better than a simple rule and than the better classical model, BG/NBD.",
         "forecast by Regulars."),
        ("B", "regulars", "pareto_nbd", "about as good as the better classical model, Pareto/NBD: at most 1 % worse.",
         "forecast by Regulars."),
        ("B", "regulars", None, "no classical model could be fitted to compare with.", "forecast by Regulars."),
        ("C", "pareto_nbd", "pareto_nbd", "not shown to be as good as its simpler rivals, so it does not speak.",
         "forecast by Pareto/NBD, a classical model."),
        ("C", "naive", "bg_nbd", "not shown to be as good", "forecast by the simple rule."),
    ],
)  # fmt: skip
def test_a_grade_says_what_it_means_and_who_speaks(
    report: ReportInput, letter: str, champion: str, btyd: str | None, sentence: str, follows: str
) -> None:
    churn, value = marks(graded(report, letter, champion, btyd))
    assert (churn.letter, churn.subject, value.subject) == (letter, "Chance of not buying", "Spend")
    assert sentence in churn.sentence.replace("\u00a0", " ")
    assert churn.follows == f"Each customer's chance of not buying is {follows}"
    assert value.follows == f"Each customer's expected spend is {follows}"


def test_without_a_grade_it_is_called_undefined(report: ReportInput) -> None:
    churn, _ = marks(replace(report, backtest={}))
    assert (churn.letter, churn.kind) == (NO_GRADE, "none")
    assert churn.sentence == "The grade is not defined here: there was no check in the past."


def test_the_badge_stands_before_the_chapters(report: ReportInput) -> None:
    page = render(graded(report, "C", "bg_nbd"))
    badge = page.index('<div class="grade grade-c">')
    assert badge < page.index("In short</h2>") < page.index('<section id="risk">')
    assert "Grade C: in figures." in page[badge:]


def test_scores_say_who_spoke_and_the_grade_where_they_do_not(report: ReportInput) -> None:
    # The champion could not be fitted on the last day, so that the rule spoke: the scores know.
    given = graded(report, "C", "bg_nbd")
    assert speaker(replace(given, scores=given.scores.assign(model="naive"))) == "naive"
    assert speaker(replace(given, scores=given.scores.drop(columns="model"))) == "bg_nbd"
    assert speaker(replace(given, scores=given.scores.iloc[:0])) == "bg_nbd"


@pytest.mark.parametrize("name", ["<b>", "random", None])
def test_an_unknown_name_never_speaks(report: ReportInput, name: str | None) -> None:
    backtest: dict[str, object] = {"grade": {"churn": {"champion": name}}}
    given = replace(report, backtest=backtest, scores=report.scores.assign(model=name))
    assert speaker(given) == "regulars"


def test_chapters_are_about_whoever_speaks(report: ReportInput) -> None:
    # At the only check two of four leave. BG/NBD gives 60 % in the mean, a tenth of the 50 % too high times two: 20 %.
    predictions = report.predictions.iloc[:4].assign(
        churned=[1, 1, 0, 0],
        p_churn_regulars=0.5,
        p_churn_bg_nbd=[0.9, 0.7, 0.5, 0.3],
        value_regulars=1.0,
        value_bg_nbd=[0.0, 0.0, 2.0, 2.0],
    )
    given = checked(replace(graded(report, "C", "bg_nbd"), predictions=predictions))
    assert past_misses(given).replace("\u00a0", " ") == "At the one check in the past the forecast was 20 % too high."
    assert as_spoken(given)["p_churn_spoken"].tolist() == [0.9, 0.7, 0.5, 0.3]
    assert as_spoken(given)["value_spoken"].tolist() == [0.0, 0.0, 2.0, 2.0]
    names = [c.name for c in churn_curves(given.predictions, "bg_nbd", speaker(given))]
    assert names == ["BG/NBD", "Regulars", "Simple rule", "perfect", "chance"]
    said = "BG/NBD, not by Regulars' own model, which was not shown to be as good at the checks in the past (grade C)."
    for section in (at_risk(given, customers_of(given)), ranking(given), trust(given)):
        assert f"The chances of not buying here are forecast by {said}" in section.words
    for section in (to_keep(given, customers_of(given)), worth(given)):
        assert f"The spend here is forecast by {said}" in section.words


def test_where_our_own_model_speaks_nothing_is_said_of_it(report: ReportInput) -> None:
    given = graded(report, "A", "regulars")
    assert instead(given) == instead(given, "value") == ""
    assert not any("not by Regulars" in w for w in ranking(checked(given)).words)


def test_features_are_not_called_the_forecasts_where_the_trees_do_not_speak(report: ReportInput) -> None:
    section = drivers(graded(report, "C", "naive"))
    assert section.headline == "The simple rule speaks, and looks only at how long ago each customer bought last."
    assert [t.folded for t in section.tables] == [True]
    assert drivers(report).headline.startswith("What matters most: ")


def test_headline_of_the_comparison_says_why_a_rival_speaks(report: ReportInput) -> None:
    # The figures of the fixture: 20 % better than the rule (18 to 22), 10 % than BG/NBD (8 to 12).
    headline = comparison(graded(report, "C", "bg_nbd")).headline.replace("\u00a0", " ")
    assert headline == (
        "Regulars' own churn forecast is 20.0 % better than a simple rule (90 % interval 18.0 to 22.0 %) and 10.0 % "
        "better than BG/NBD (90 % interval 8.0 to 12.0 %); so BG/NBD speaks instead."
    )


def test_a_rival_may_be_missing_at_a_check(report: ReportInput) -> None:
    # It could not be fitted there, or its horizon was too short: its curve would be of other rows, so there is none.
    first = report.predictions["cutoff"] == "2017-06-04"
    predictions = report.predictions.assign(p_churn_bg_nbd=report.predictions["p_churn_bg_nbd"].mask(first))
    given = checked(replace(report, predictions=predictions))
    assert [c.name for c in churn_curves(given.predictions, "bg_nbd")][1] == "Simple rule"
    assert "Does the ranking find them?" in render(given)
