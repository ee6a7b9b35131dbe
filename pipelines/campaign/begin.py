"""Begin: a catalogue to start from, beside a configuration.

In: a configuration. Out: the example as a file of the user's own, with every key explained. What is there stays.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from ... import offers
from ...config import Config
from ...errors import ConfigError
from ..files import replaced

EXAMPLE = "example.toml"


def begin(config: Config) -> Path:
    """Write the example where the configuration looks for its catalogue; the path.

    Raises
    ------
    ConfigError
        ``RG460``: there is a catalogue already.
    """
    file = config.folder / config.offers.catalogue
    if file.exists():
        raise ConfigError(
            f"there is a catalogue `{file}` already",
            do="change that one, or name another as `catalogue` under [offers]",
            code="RG460",
        )
    text = resources.files(offers).joinpath(EXAMPLE).read_text(encoding="utf-8")
    replaced(file, lambda waiting: waiting.write_text(text, encoding="utf-8"))
    return file
