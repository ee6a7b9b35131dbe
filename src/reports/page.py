"""The report: one offline HTML file.

In: a `ReportInput`. Out: HTML that loads nothing, runs nothing and escapes everything, the same bytes for the same
input. What is missing is "not defined here"; a wrong column is a `DataError`; a file that cannot be written, a
`StorageError`.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import resources

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template
from markupsafe import Markup

from .about_budget import budget
from .about_checks import steady
from .about_comparison import comparison
from .about_customers import at_risk, tiles, to_keep
from .about_data import data, reading
from .about_future import further, lifetime
from .about_intervals import intervals
from .about_model import drivers, ranking, trust, worth
from .about_monitoring import monitoring
from .about_movers import movers
from .about_timing import timing
from .about_value import value
from .customers import customers_of
from .grades import marks
from .inputs import ReportInput as ReportInput
from .inputs import checked
from .notation import date, days, plain


def _file(name: str) -> str:
    return resources.files(__name__.rpartition(".")[0]).joinpath(name).read_text(encoding="utf-8")


def template(name: str) -> Template:
    """A page that escapes everything and refuses what is not given to it."""
    page = Environment(
        loader=FunctionLoader(_file), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return page.get_template(name)


def stylesheet() -> Markup:
    """Our own file, not a text from the data."""
    return Markup(_file("report.css"))


def render(report: ReportInput) -> str:
    """The whole report as HTML.

    Parameters
    ----------
    report : ReportInput

    Returns
    -------
    str
        A document without scripts and without any address; about 250 kB.

    Raises
    ------
    DataError
        When a column is missing or a probability is not one.
    ConfigError
        When the date of the scores is not a date or the horizon not at least one day.
    """
    given = checked(report)
    customers = customers_of(given)
    parts = {
        "Your customers": [
            value(given, customers),
            to_keep(given, customers),
            at_risk(given, customers),
            timing(given, customers),
            further(given, customers),
            lifetime(given, customers),
            movers(given),
        ],
        "How far to trust it": [
            ranking(given),
            monitoring(given),
            trust(given),
            worth(given),
            intervals(given),
            comparison(given),
            steady(given),
            budget(given),
            drivers(given),
        ],
        "What it rests on": [data(given), reading(given)],
    }
    sections = [replace(section, part=part) for part, group in parts.items() for section in group]
    return template("report.html").render(
        title=plain(given.title),
        as_of=date(given.as_of),
        horizon="1 day" if given.horizon_days == 1 else days(given.horizon_days),
        model=" ".join(plain(given.model[k]) for k in ("name", "version") if k in given.model),
        style=stylesheet(),
        tiles=tiles(given, customers),
        marks=marks(given),
        sections=sections,
    )
