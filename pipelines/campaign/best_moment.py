"""The weekday and hour of their own that customers surely have, as `regulars timing` wrote them down, for a list.

In: the folder of a configuration and the day of a wave. Out: two columns, their cells by customer. No file, or one of a
later day than the wave, which would say what was not known then: no columns. Who has no time of their own, and who is
not in the file, has an empty cell.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ...clock import Cutoff
from ...errors import StorageError

FILE = "timing.parquet"
"""Beside the configuration."""
WEEKDAY, HOUR = "best_weekday", "best_hour"
_SOURCES = {WEEKDAY: "weekday", HOUR: "hour"}


def best_moments(folder: Path, wave: Cutoff) -> dict[str, Mapping[str, str]]:
    """The columns `best_weekday` and `best_hour` by customer; no columns where nothing was written down by then.

    Parameters
    ----------
    folder : Path
        Of the configuration.
    wave : Cutoff
        The day of the wave.

    Raises
    ------
    StorageError
        ``RG499``: the file cannot be read.

    Examples
    --------
    >>> best_moments(Path("nowhere"), Cutoff.parse("2024-03-04"))
    {}
    """
    path = folder / FILE
    if not path.is_file():
        return {}
    names = ["customer_id", "as_of", *(n for source in _SOURCES.values() for n in (source, f"{source}_differs"))]
    try:
        table = pq.read_table(path, columns=names)
    except (OSError, ValueError) as error:
        raise StorageError(
            f"{path} cannot be read: {error}",
            needed="the file that `regulars timing` writes",
            do="write it again, or remove it: then the list tells no times",
            code="RG499",
        ) from None
    days = table.column("as_of").unique().to_pylist()
    if any(Cutoff.parse(day) > wave for day in days):
        return {}
    return {column: _own(table, source) for column, source in _SOURCES.items()}


def _own(table: pa.Table, source: str) -> dict[str, str]:
    """The values of those who have one of their own."""
    own = table.filter(pc.fill_null(table.column(f"{source}_differs"), False))
    pairs = zip(own.column("customer_id").to_pylist(), own.column(source).to_pylist(), strict=True)
    return {customer: str(value) for customer, value in pairs}
