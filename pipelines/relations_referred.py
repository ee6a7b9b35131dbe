"""Referrals of a ledger: who brought whom, what the referred bring, whom to ask to bring a friend.

In: `Dealings`, the stage of each customer. Out: `Referred`: tables, candidates, sentences. `referred_by` of the table
of customers tells all of it; without it events of the kind `referral` tell who referred, and not whom. Without both
nobody is known to refer: candidates are told all the same, with no share and no value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..intake import Ledger
from ..kpis.table import Table
from ..relations.candidates import Candidates, candidates_of, left_out, strata_table
from ..relations.chains import Chains
from ..relations.dealings import UNKNOWN_REFERRER, Dealings, Int64
from ..relations.referrals import Firsts, chains_table, comparison, referrers_table
from ..schema import SCALE

_MAP = "map `referred_by` in [data.customers]"


@dataclass(frozen=True, eq=False)
class Referred:
    """What is known of referrals.

    Parameters
    ----------
    candidates : Candidates
    brought : ndarray of int64, shape (n_customers,)
        How many each has referred.
    of_theirs : ndarray of int64 or None
        What those have brought, in 1/10,000; None where it is not known whom.
    tables : tuple of Table
    off : mapping of str to str
    notes : tuple of str
    """

    candidates: Candidates
    brought: Int64
    of_theirs: Int64 | None
    tables: tuple[Table, ...]
    off: Mapping[str, str]
    notes: tuple[str, ...]


def referred_of(ledger: Ledger, dealings: Dealings, stage: NDArray[np.object_], days: int) -> Referred:
    """Referrals as of the day of some dealings.

    Parameters
    ----------
    stage : ndarray of object, shape (n_customers,)
        Of the life cycle.
    days : int
        So many first days of customers are compared.
    """
    about = ledger.manifest.tables.get("customers")
    if about is not None and "referred_by" in about.columns and (dealings.people.referrer != -1).any():
        return _by_name(dealings, stage, days, ledger)
    if dealings.heard.referrals.any():
        return _by_events(dealings, stage, ledger)
    log = "or log events of the kind `referral` in [data.events]"
    off = {"referrals": f"nobody is said to have referred anybody; {_MAP}, {log}"}
    none = np.zeros(dealings.n, np.int64)
    found = candidates_of(dealings, None, stage, None)
    return Referred(found, none, None, (strata_table(found),), off, _about_asking(found, dealings, stage, ledger))


def _by_name(dealings: Dealings, stage: NDArray[np.object_], days: int, ledger: Ledger) -> Referred:
    chains, firsts = Chains.of(dealings.people.referrer), Firsts.of(dealings, days)
    margin = dealings.bought.summed(dealings.bought.margin, dealings.n)
    beside, alone = comparison(dealings, chains, firsts)
    worth, basis = _worth(dealings, chains.referred, margin, firsts)
    found = candidates_of(dealings, chains.brought, stage, worth)
    off = {}
    if beside is None:
        off["referred"] = (
            f"nobody who was referred can be compared: nobody came at least {days} days ago in a month in which others "
            "came, too; more of history is needed"
        )
    bought = (dealings.orders > 0).astype(np.int64)
    of_theirs = chains.per_referrer(margin)
    tables = [
        *([beside] if beside is not None else []),
        referrers_table(dealings, chains.brought, margin, of_theirs, chains.per_referrer(bought)),
        chains_table(dealings, chains, margin),
        strata_table(found),
    ]
    notes = [
        "What the referred bring is an association: who has a friend here may be like that friend.",
        *_about_chains(chains),
        *_about_alone(alone),
        *([f"A referred customer is taken to be worth {worth:,.2f}: {basis}."] if worth is not None else []),
        *_about_asking(found, dealings, stage, ledger),
    ]  # fmt: skip
    return Referred(found, chains.brought, of_theirs, tuple(tables), off, tuple(notes))


def _by_events(dealings: Dealings, stage: NDArray[np.object_], ledger: Ledger) -> Referred:
    brought = dealings.heard.referrals
    margin = dealings.bought.summed(dealings.bought.margin, dealings.n)
    worth, basis = _worth(dealings, dealings.orders > 0, margin, None)
    found = candidates_of(dealings, brought, stage, worth)
    off = {"referred": f"events of the kind `referral` tell who referred, and not whom; {_MAP}"}
    notes = [
        "Referrals are counted by events of the kind `referral` that a customer began.",
        *([f"A referred customer is taken to be worth {worth:,.2f}: {basis}."] if worth is not None else []),
        *_about_asking(found, dealings, stage, ledger),
    ]
    tables = (referrers_table(dealings, brought, margin, None, None), strata_table(found))
    return Referred(found, brought, None, tables, off, tuple(notes))


def _worth(
    dealings: Dealings, who: NDArray[np.bool_], margin: Int64, firsts: Firsts | None
) -> tuple[float | None, str]:
    """What such a customer brings, in currency, and how that is known; None where it is not."""
    whom = "of those who were referred" if firsts is not None else "of all who have bought"
    if dealings.foreseen is not None and who.any():
        value = margin / SCALE + np.nan_to_num(dealings.foreseen.lifetime, nan=0.0)
        return float(value[who].mean()), f"margin so far and expected, the mean {whom}"
    if firsts is not None and (who & firsts.whole).any():
        value = firsts.measures["margin_per_customer"][who & firsts.whole]
        return float(
            value.mean()
        ), f"margin in the first {firsts.days} days, the mean {whom}, because there are no scores"
    return None, ""


def _about_alone(n: int) -> list[str]:
    return [f"{n:,} who were referred came in months in which nobody else did, and are not compared."] if n else []


def _about_chains(chains: Chains) -> list[str]:
    notes = []
    if chains.themselves:
        notes.append(f"{chains.themselves:,} are said to have referred themselves: nobody referred them.")
    if chains.circles:
        notes.append(f"{chains.circles:,} are said to have referred one another in circles: nobody referred them.")
    unknown = int((chains.referrer == UNKNOWN_REFERRER).sum())
    if unknown:
        notes.append(f"{unknown:,} were referred by somebody whom the ledger does not know: they are nobody's.")
    return notes


def _about_asking(
    found: Candidates, dealings: Dealings, stage: NDArray[np.object_], ledger: Ledger
) -> tuple[str, ...]:  # fmt: skip
    notes = []
    left = left_out(dealings, found, stage)
    if left:
        told = ", ".join(f"{count:,} {why}" for why, count in left.items())
        notes.append(f"With several purchases, and no candidates to be asked: {told}.")
    if found.mean_answer is None:
        what = "there are no events" if not ledger.has_table("events") else "no event of the kind `survey` has a value"
        notes.append(f"Nobody is known to be satisfied, because {what}: candidates are those who never complained.")
    return tuple(notes)
