"""Which costs of serving customers a ledger tells of, and what to add for the others.

In: a ledger, prices, the period, what was found in it. Out: `Known`: whose numbers and whose costs count, and a
sentence for each that does not. What is not known is missing and never 0; a number may be known without its cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..config import Config
from ..intake import Ledger
from ..offers.contact import COMPLAINT
from ..relations.cost import COMPLAINTS, CONTACTS, DISCOUNTS, OTHER, RETURNS
from ..relations.dealings import Dealings
from ..relations.served import Prices
from .campaign.book import Decisions


@dataclass(frozen=True)
class Known:
    """What counts.

    Parameters
    ----------
    costs, counts : frozenset of str
        Of `relations.cost.PARTS`.
    off : mapping of str to str
        Why a part is left out, and what to add.
    """

    costs: frozenset[str]
    counts: frozenset[str]
    off: Mapping[str, str]


def known_of(ledger: Ledger, config: Config, prices: Prices, dealings: Dealings) -> Known:
    """What counts of a ledger."""
    costs, counts, off = set[str](), set[str](), dict[str, str]()
    priced = _has(ledger, "cost")
    if "discount" in ledger.columns:
        costs.add(DISCOUNTS)
    else:
        off[DISCOUNTS] = "no line says what was taken off its price; map `discount` in [data.purchases]"
    if not _reaches(ledger, config):
        off[CONTACTS] = "nothing says how often customers were reached; add [data.events], or assign offers"
    elif priced or prices.contact is not None or prices.channels:
        costs.add(CONTACTS)
    else:
        off[CONTACTS] = "contacts have no cost; set `contact_cost` under [economics], or map `cost` in [data.events]"
    counts |= {CONTACTS} if _reaches(ledger, config) else set()
    if not _logs_complaints(ledger):
        kind = f"events of the kind `{COMPLAINT}`"
        off[COMPLAINTS] = f"no complaint is logged: either nobody complains, or [data.events] lacks {kind}"
    elif priced or prices.complaint is not None:
        costs.add(COMPLAINTS)
    else:
        do = "set `complaint_cost` under [economics], or map `cost` in [data.events]"
        off[COMPLAINTS] = f"complaints have no cost; {do}"
    counts |= {COMPLAINTS} if _logs_complaints(ledger) else set()
    _returns(ledger, prices, dealings, (costs, counts, off))
    if priced:
        costs.add(OTHER)
    return Known(frozenset(costs), frozenset(counts), off)


def _returns(
    ledger: Ledger, prices: Prices, dealings: Dealings, into: tuple[set[str], set[str], dict[str, str]]
) -> None:
    costs, counts, off = into
    if ledger.rules.returns == "drop":
        off[RETURNS] = 'returns were dropped when the data were read; set returns = "net" under [data.purchases]'
        return
    counts.add(RETURNS)
    if prices.ret is not None or dealings.served.return_cost.any():
        costs.add(RETURNS)
    else:
        off[RETURNS] = "returns have no cost beside their money; set `return_cost` under [economics]"


def _has(ledger: Ledger, column: str) -> bool:
    return ledger.has_table("events") and column in ledger.manifest.tables["events"].columns


def _reaches(ledger: Ledger, config: Config) -> bool:
    return ledger.has_table("events") or ledger.has_table("offers") or bool(Decisions.of(config).waves())


def _logs_complaints(ledger: Ledger) -> bool:
    if not ledger.has_table("events"):
        return False
    return any(kind.name == COMPLAINT and kind.lines for kind in ledger.manifest.tables["events"].kinds)
