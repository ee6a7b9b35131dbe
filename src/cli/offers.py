"""Commands about offers: who gets what under a budget, what goes out on a channel, what came back, and did it work."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Protocol

import typer

from .arguments import ConfigPath, JsonPath, cutoff_of, opened, write_json

WaveDay = Annotated[
    str | None, typer.Option("--as-of", metavar="DATE", help="The day of the scores; default: the newest.")
]
Campaign = Annotated[
    str | None, typer.Option("--campaign", metavar="NAME", help="Which campaign; default: the one of the catalogue.")
]
Html = Annotated[Path | None, typer.Option("--html", metavar="FILE.html", help="The page for people.")]


class Told(Protocol):
    """What a flow gives back: sentences for people, what to keep in mind, and figures without anybody's id."""

    @property
    def lines(self) -> Sequence[str]:
        """What was found or done."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """What to keep in mind."""
        ...

    def figures(self) -> dict[str, object]:
        """The same as JSON takes it."""
        ...


def init(config: ConfigPath) -> None:
    """Write a catalogue to start from, with every key explained; what is there already stays."""
    from ..config import Config
    from ..pipelines.campaign.begin import begin

    file = begin(Config.load(config))
    print(f"{file} is written: change it to what you can offer, then run `regulars offers plan`")


def plan(config: ConfigPath, as_of: WaveDay = None, html: Html = None, json: JsonPath = None) -> None:
    """A dry run: who would get what, its cost, what it is expected to bring, and why others get nothing."""
    from ..pipelines.campaign.pages import write_plan_page
    from ..pipelines.campaign.plan import plan_offers
    from ..pipelines.pages import PLAN
    from ..progress import bars

    day = cutoff_of(as_of)
    settings, ledger = opened(config)
    with bars() as progress:
        found = plan_offers(ledger, settings, day, progress)
    _say(found, json, settings.folder)
    file = html or settings.folder / PLAN
    write_plan_page(found.figures(), file, settings.folder)
    print(f"open {file}; nothing was decided: `regulars offers assign` does that")


def assign(config: ConfigPath, as_of: WaveDay = None, json: JsonPath = None) -> None:
    """Decide: one row for every scored customer, those who get nothing included, kept for good."""
    from ..pipelines.campaign.assign import assign as assigned
    from ..progress import bars

    day = cutoff_of(as_of)
    settings, ledger = opened(config)
    with bars() as progress:
        found = assigned(ledger, settings, day, progress)
    _say(found, json, settings.folder)


def export(
    config: ConfigPath,
    channel: Annotated[str, typer.Option("--channel", metavar="NAME", help="A channel of the catalogue.")],
    campaign: Campaign = None,
    as_of: WaveDay = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="A .csv or .xlsx; default: in decisions.")
    ] = None,
    json: JsonPath = None,
) -> None:
    """Who is to be sent what on one channel, as a file: only those who may be written to on the day of the export."""
    from ..pipelines.campaign.export import export as exported

    day = cutoff_of(as_of)
    settings, ledger = opened(config)
    _say(exported(ledger, settings, channel, campaign, day, out), json, settings.folder)


def log_events(
    config: ConfigPath,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, Parquet or JSON lines of what came back.")],
    json: JsonPath = None,
) -> None:
    """Keep what became of decisions (sent, opened, redeemed, ...); exit 7 where rows were put aside."""
    from ..config import Config
    from ..pipelines.campaign.events import log_events as logged
    from ..progress import bars

    settings = Config.load(config)
    with bars() as progress:
        found = logged(settings, file, progress)
    _say(found, json, settings.folder)
    if found.refused:
        raise typer.Exit(7)


def measure(
    config: ConfigPath,
    campaign: Campaign = None,
    today: Annotated[
        str | None, typer.Option("--today", metavar="DATE", help="As of a date; default: the day after the purchases.")
    ] = None,
    html: Html = None,
    json: JsonPath = None,
) -> None:
    """Did it work: what the offers brought against a control group, with its interval, once the window has closed."""
    from ..pipelines.campaign.measure import measure as measured
    from ..pipelines.campaign.pages import write_measured_page
    from ..pipelines.pages import MEASURED
    from ..progress import bars

    day = cutoff_of(today)
    settings, ledger = opened(config)
    with bars() as progress:
        found = measured(ledger, settings, campaign, day, progress)
    _say(found, json, settings.folder)
    file = html or settings.folder / MEASURED
    write_measured_page(found.figures(), file, settings.folder)
    print(f"open {file}")


def learn(
    config: ConfigPath,
    today: Annotated[
        str | None, typer.Option("--today", metavar="DATE", help="As of a date; default: the day after the purchases.")
    ] = None,
    json: JsonPath = None,
) -> None:
    """Put what was measured in the place of what was assumed; the next plan counts with it."""
    from ..pipelines.campaign.learn import learn as learnt
    from ..progress import bars

    day = cutoff_of(today)
    settings, ledger = opened(config)
    with bars() as progress:
        found = learnt(ledger, settings, day, progress)
    _say(found, json, settings.folder)


def _say(found: Told, json: Path | None, folder: Path) -> None:
    """Notes to the error stream, lines to the output, figures to the log and, if asked for, to a file."""
    for note in found.notes:
        print(f"note: {note}", file=sys.stderr)
    print(*found.lines, sep="\n")
    write_json(found.figures(), json, folder)
