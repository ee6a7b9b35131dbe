"""Commands about the endpoint: serve the champion, and ask a server whether it keeps its contract."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..log import kind
from .arguments import ConfigPath, JsonPath, write_json

if TYPE_CHECKING:
    from ..config import Config


def serve(
    config: ConfigPath,
    host: Annotated[str | None, typer.Option("--host", metavar="ADDRESS", help="Instead of [serve] host.")] = None,
    port: Annotated[int | None, typer.Option("--port", min=0, max=65535, help="Instead of [serve] port.")] = None,
    workers: Annotated[int | None, typer.Option("--workers", min=1, max=64, help="Instead of [serve] workers.")] = None,
    scores: Annotated[
        Path | None, typer.Option("--scores", metavar="FOLDER", help="Where scores are published; default: scores.")
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Let others call without a key: something before it keeps them out.")
    ] = False,
) -> None:
    """Answer requests by the champion over HTTP until told to end; a new champion speaks without a restart."""
    from ..config import Config
    from ..pipelines.serve import serve as served

    settings = _told(Config.load(config), host=host, port=port, workers=workers)
    served(settings, scores, insecure, kind(), lambda text: print(text, file=sys.stderr, flush=True))


def probe(
    url: Annotated[str, typer.Argument(metavar="URL", help="Such as http://127.0.0.1:8000.")],
    key_variable: Annotated[
        str, typer.Option("--key-variable", metavar="NAME", help="The variable of the environment with the key.")
    ] = "REGULARS_API_KEY",
    json: JsonPath = None,
) -> None:
    """Ask a server whether it keeps what the endpoint promises; exit 7 where it does not."""
    from ..serving.guard import keys_of
    from ..serving.kit import probed, told

    key = next(iter(keys_of(key_variable, os.environ)), None)
    outcomes = list(probed(url, key))
    print(*told(outcomes), sep="\n")
    broken = {outcome.sentence: outcome.why for outcome in outcomes if outcome.why}
    write_json({"checks": len(outcomes), "n_broken": len(broken), "broken": broken}, json)
    if broken:
        raise typer.Exit(7)


def _told(settings: Config, **given: str | int | None) -> Config:
    """A configuration with what was said on the command line instead."""
    said = {name: value for name, value in given.items() if value is not None}
    return settings.model_copy(update={"serve": settings.serve.model_copy(update=said)})
