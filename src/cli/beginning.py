"""Commands to begin with: a first configuration for one's own data, or the whole job on somebody else's."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .arguments import JsonPath, write_json

if TYPE_CHECKING:
    from ..pipelines.init import Question


class DemoData(StrEnum):
    """The data sets of the demo."""

    completejourney = "completejourney"
    cdnow = "cdnow"
    teashop = "teashop"


def init(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A file, folder, glob or database's URL.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE.toml", help="What to write.")] = Path("regulars.toml"),
    table: Annotated[str | None, typer.Option("--table", metavar="NAME", help="The table of a database.")] = None,
    sheet: Annotated[list[str] | None, typer.Option("--sheet", help="A sheet of a workbook; repeatable.")] = None,
    kind: Annotated[
        str, typer.Option("--as", metavar="TABLE", help="events, customers, offers or consent: add to FILE.toml.")
    ] = "purchases",
    column: Annotated[
        list[str] | None, typer.Option("--column", metavar="ROLE=NAME", help="Say which column plays a role.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE.toml.")] = False,
    quiet: Annotated[bool, typer.Option("--yes", "--no-input", help="Ask nothing; mark what is unsure.")] = False,
    json: JsonPath = None,
) -> None:
    """Look at a source and write a configuration with its guesses, a sample and a reason for each."""
    from ..pipelines.init import start

    said = dict(_pair(text) for text in column or [])
    ask = None if quiet or not (sys.stdin.isatty() and sys.stdout.isatty()) else _ask
    started = start(source, out, table=table, kind=kind, sheets=tuple(sheet or ()), said=said, force=force, ask=ask)
    for warning in started.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    for note in started.notes:
        print(f"note: {note}", file=sys.stderr)
    print("\n".join(started.lines))
    write_json(started.figures, json)


def _pair(text: str) -> tuple[str, str]:
    role, equals, name = text.partition("=")
    if not (role.strip() and equals and name):
        raise typer.BadParameter(f'--column {text}: write ROLE=NAME, as customer_id="Client No"')
    return role.strip(), name


def _ask(question: Question) -> str:
    """One question on the terminal; a number or a name chooses among options."""
    print(question.text)
    for i, option in enumerate(question.options, start=1):
        print(f"  {i}  {option}")
    while True:
        answer = str(typer.prompt("", default=question.default, prompt_suffix="> ")).strip()
        if not question.options or answer in question.options:
            return answer
        if answer.isdigit() and 1 <= int(answer) <= len(question.options):
            return question.options[int(answer) - 1]
        print(f"one of 1 to {len(question.options)}, please")


def demo(
    data: Annotated[DemoData, typer.Option("--data", help="Whose purchases.")] = DemoData.completejourney,
    folder: Annotated[Path, typer.Option("--folder", help="Where the results go.")] = Path("demo"),
    json: JsonPath = None,
) -> None:
    """The whole main job on real purchases: scores, a report and a registered model."""
    from ..pipelines.demo import run_demo
    from ..progress import bars

    with bars() as progress:
        lines, figures = run_demo(data.value, folder, progress)
    print("\n".join(lines))
    write_json(figures, json, folder)
