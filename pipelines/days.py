"""Days that may be asked for: those on which a ledger can say what was known.

In: a ledger, published scores, a day. Out: the day that is usual, or an error with the code of who asks.
"""

from __future__ import annotations

from ..clock import Cutoff
from ..errors import ConfigError
from ..intake import Ledger
from .published import Book, Run


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


def usual_run(ledger: Ledger, book: Book) -> Run | None:
    """The newest published scores of a day that the ledger covers; None where there are none.

    Scores may be of a day after the end of the data; nothing more is known of it, so it is passed over.
    """
    return book.before(ledger.ends.plus(1))


def usual_day(ledger: Ledger, book: Book) -> Cutoff:
    """The day of these scores; without any the day after the purchases."""
    run = usual_run(ledger, book)
    return ledger.ends if run is None else run.as_of
