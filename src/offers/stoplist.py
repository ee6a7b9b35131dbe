"""The list of those whom nobody may contact, whatever else is known of them.

In: a text file with an id a line, beside the configuration. Out: the ids as the ledger has them, pseudonyms where it
has those. Empty lines are passed over. A list that cannot be read is an error, and never taken for an empty one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..config import Config
from ..errors import ConfigError
from ..intake.keys import key_of
from ..intake.privacy import cleaned_ids
from .past import rows_of


def do_not_contact(config: Config) -> frozenset[str]:
    """The ids, as the ledger has them, of whom nobody may contact; none where [contact] names no file.

    Raises
    ------
    ConfigError
        ``RG417`` for a file that is not there, or is no text.
    """
    name = config.contact.do_not_contact
    if name is None:
        return frozenset()
    try:
        lines = (config.folder / name).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = "is no UTF-8 text" if isinstance(error, UnicodeDecodeError) else "cannot be read"
        raise ConfigError(
            f"the list `{name}` of whom nobody may contact {why}",
            needed="a text file with an id a line",
            do="write it, or take `do_not_contact` out of [contact]; nothing is sent while it cannot be read",
            code="RG417",
        ) from None
    ids = [clean for clean in cleaned_ids(lines) if clean is not None]
    if not config.privacy.pseudonyms:
        return frozenset(ids)
    pseudonym = key_of(config).pseudonyms()
    return frozenset(pseudonym(i) for i in ids)


def left_alone(customer_ids: Sequence[str], names: Collection[str]) -> NDArray[np.bool_]:
    """Who is on a list of ids.

    Examples
    --------
    >>> left_alone(["ann", "bob"], {"bob"}).tolist()
    [False, True]
    """
    found = np.zeros(len(customer_ids), bool)
    if names:
        rows = rows_of(pa.array(sorted(names), pa.string()), customer_ids)
        found[rows[rows >= 0]] = True
    return found
