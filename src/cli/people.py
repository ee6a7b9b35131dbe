"""Commands about the people in the data: their right to be forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .arguments import ConfigPath, JsonPath, write_json


def forget(
    config: ConfigPath,
    customer: Annotated[list[str] | None, typer.Argument(metavar="CUSTOMER", help="Ids as in the source.")] = None,
    id_file: Annotated[Path | None, typer.Option("--id-file", metavar="FILE", help="A file with an id a line.")] = None,
    json: JsonPath = None,
) -> None:
    """Remove customers from everything that was made, keep them out of every later intake, and prove it."""
    from ..config import Config
    from ..pipelines.forget import forget as forgotten
    from ..progress import bars

    if not customer and id_file is None:
        raise typer.BadParameter("name a CUSTOMER, or a file of them with --id-file")
    ids = [*(customer or []), *(id_file.read_text(encoding="utf-8-sig").splitlines() if id_file else [])]
    settings = Config.load(config)
    with bars() as progress:
        found = forgotten(settings, ids, progress)
    print("\n".join(found.words()))
    write_json(found.figures(), json)
