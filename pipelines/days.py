"""Days that may be asked for: those on which a ledger can say what was known.

In: a ledger and a day. Out: nothing, or an error with the code of who asks.
"""

from __future__ import annotations

from ..clock import Cutoff
from ..errors import ConfigError
from ..intake import Ledger


def check_covered(ledger: Ledger, day: Cutoff, code: str) -> None:
    """Refuse a day before which the ledger knows nothing, and one after its end.

    Raises
    ------
    ConfigError
        With the code that is given.
    """
    if not ledger.history_starts < day <= ledger.ends:
        raise ConfigError(
            f"{day} is not a day of the ledger",
            needed=f"a day after {ledger.history_starts} and up to {ledger.ends}",
            do="name such a day with --as-of",
            code=code,
        )
