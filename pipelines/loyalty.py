"""A loyalty programme as of a day: points and what they may cost, tiers, stamp cards, milestones; and lists of members.

In: a ledger and its configuration. Out: `Loyalty` for a screen and as figures, which name nobody; and lists as .csv or
.xlsx. What the data or `[loyalty]` lack switches a part off with a sentence that says what to add.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..clock import Cutoff
from ..config import Config
from ..errors import ConfigError, did_you_mean
from ..intake import Ledger
from ..kpis.table import Table
from ..loyalty import milestones, stamps
from ..loyalty.members import LISTS, Members
from ..loyalty.months import Months
from ..loyalty.programme import Programme
from ..loyalty.tables import members_table, points, rates, tiers
from ..loyalty.words import COLUMNS, cells, plain, ranked
from ..schema import SCALE
from ..segments.facts import YEAR_DAYS
from .days import check_covered
from .loyalty_read import Log, members_of, programme_of
from .mailing import Listed, about_ids, may_be_listed, write_rows

Progress = Callable[[str, float], None]

PARTS = ("points", "expiry", "liability", "tiers", "stamps", "milestones")
"""What a programme can have; each may be off, with a sentence."""
_KINDS = "points_earned, points_spent and points_expired"
_LAST = 13
_SHOWN = {
    "members": ("who", "customers", "share", "bought_share", "orders_per_customer", "spend", "spend_per_customer"),
    "points_by_month": (
        *("month", "earned", "spent", "expired", "taken_back", "balance", "liability", "burn_rate", "active"),
    ),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Loyalty:
    """A programme, and what to keep in mind about it.

    Parameters
    ----------
    programme : Programme
    members : Members or None
        None where there is no programme.
    tables : tuple of Table
        Those that the data and the rules allow.
    off : mapping of str to str
        What is left out, and what to add; all of it is "loyalty".
    notes : tuple of str
    headline : str
    """

    programme: Programme
    members: Members | None
    tables: tuple[Table, ...]
    off: Mapping[str, str]
    notes: tuple[str, ...]
    headline: str

    @property
    def lines(self) -> list[str]:
        """For a screen."""
        told = [self.headline]
        for table in self.tables:
            names = _SHOWN.get(table.name, tuple(column.name for column in table.columns))
            last = _LAST if table.name == "points_by_month" else None
            told += ["", f"{table.name}: {table.about}", *table.lines(names, last)]
        return [*told, *(f"{part} is left out: {why}" for part, why in self.off.items())]

    def figures(self) -> dict[str, object]:
        """As JSON takes it: nobody is named."""
        programme = self.programme
        return {
            "headline": self.headline,
            "as_of": str(programme.day),
            "currency": programme.currency,
            "horizon_days": programme.horizon_days,
            "points_from": programme.source or None,
            "expire_days": programme.expire_days,
            "tables": {table.name: table.figures() for table in self.tables},
            "off": dict(self.off),
            "notes": list(self.notes),
        }


def loyalty(ledger: Ledger, config: Config, as_of: Cutoff | None = None, progress: Progress | None = None) -> Loyalty:
    """The programme of a configuration.

    Parameters
    ----------
    as_of : Cutoff, optional
        Default: the day after the last one that the purchases cover.

    Raises
    ------
    ConfigError
        ``RG485``: a day that the ledger does not cover.
    """
    day = as_of or ledger.ends
    check_covered(ledger, day, "RG485")
    programme = programme_of(ledger, config, day)
    if not programme.source and not config.loyalty.is_set:
        why = f"there are no events of points; add events of the kinds {_KINDS} to [data.events], or rules to [loyalty]"
        return Loyalty(programme, None, (), {"loyalty": why}, (), "There is no loyalty programme to tell of.")
    found, months, log = members_of(ledger, programme, progress)
    if not found.member.any():
        why = f"nobody was a member before {day}: no points are known from before it, and nothing else makes members"
        return Loyalty(programme, None, (), {"loyalty": why}, (), f"Nobody was a member before {day}.")
    year_known = ledger.history_starts <= day.minus(YEAR_DAYS)
    tables = _tables(found, months, year_known)
    notes = (*_about_data(ledger, found, year_known), *_about_log(log), *_about_joining(found), *_about_rules(found))
    return Loyalty(programme, found, tables, _off(found), notes, _headline(found))


def _tables(found: Members, months: Months | None, year_known: bool) -> tuple[Table, ...]:
    who, rules = found.member, found.programme.rules
    tables = [points(found), rates(found)] if found.points is not None else []
    tables += [months.table(found.programme)] if months is not None else []
    tables += [tiers(found, found.ladder, year_known)] if found.ladder is not None else []
    tables += [stamps.table(found.bought.stamps[who], rules.stamps, found.programme)] if rules.stamps else []
    tables += [milestones.table(found.milestones, who)] if found.milestones else []
    return (*tables, members_table(found, year_known))


def _off(found: Members) -> dict[str, str]:
    """What is not told, and what to add."""
    programme, rules = found.programme, found.programme.rules
    off = {}
    if not programme.source:
        kinds = f"there are no events of the kinds {_KINDS} with a number of points"
        off["points"] = f"{kinds}; add them to [data.events], or set `points_per_unit` under [loyalty]"
    if programme.source and programme.expire_days is None:
        off["expiry"] = "it is not said when points expire; set `expire_days` under [loyalty]"
    if programme.source and rules.point_value is None:
        off["liability"] = "it is not said what a point is worth; set `point_value` under [loyalty]"
    if found.ladder is None:
        off["tiers"] = _no_tiers(programme)
    if rules.stamps is None:
        off["stamps"] = "there are no stamp cards; set `stamps` under [loyalty]"
    if not found.milestones:
        off["milestones"] = "set `milestone_purchases`, `milestone_spend` or `milestone_years` under [loyalty]"
    return off


def _no_tiers(programme: Programme) -> str:
    if not programme.rules.tiers:
        return "there are no tiers; set `tiers` under [loyalty], such as {silver = 500, gold = 2000}"
    if programme.rules.tier_by == "points" and not programme.source:
        return 'they go by points, and there are none; add events of points, or set tier_by = "spend"'
    by_points = programme.rules.tier_by == "points"
    known = programme.points_known[0] if by_points else programme.data_start
    what = "points are" if by_points else "purchases are"
    return (
        f"{what} known from {known} on, which is less than {YEAR_DAYS} days before {programme.day}; if the programme "
        "began then, say so with `starts` under [loyalty]"
    )


def _about_data(ledger: Ledger, found: Members, year_known: bool) -> list[str]:
    programme, notes = found.programme, []
    if programme.source == "purchases":
        notes.append(
            f"Points are reckoned from purchases ({programme.rules.points_per_unit:,.10g} for one of money), because "
            "no events tell of them: nothing is known of what was spent."
        )
    if programme.source == "events":
        notes += _about_events(ledger, programme)
    if programme.expire_days is not None and programme.expiry_told:
        notes.append("What expired is as events of the kind points_expired tell it.")
    elif programme.expire_days is not None and programme.source:
        notes.append(
            f"What expired is worked out: points can be used up to and with the day {programme.expire_days} days after "
            "they were earned, the oldest first."
        )
    if not year_known:
        notes.append(f"The purchases cover less than {YEAR_DAYS} days before {programme.day}: spend is not told.")
    count, money = ledger.manifest.lines["guest"], ledger.manifest.money["guest"]
    if count:
        notes.append(f"{count:,} lines of guests ({float(money):,.2f} in all of the ledger) are nobody's.")
    return notes


def _about_events(ledger: Ledger, programme: Programme) -> list[str]:
    notes, about = [], ledger.manifest.tables["events"]
    if programme.rules.points_per_unit is not None:
        notes.append("`points_per_unit` is not used: events tell of points.")
    if programme.rules.starts is None:
        notes.append(f"Points are known from {about.first_day} on; a balance from before is not.")
    if Cutoff.parse(about.last_day) >= programme.day:
        notes.append(
            f"The log of events goes on till {about.last_day}: what is on {programme.day} or later is left out."
        )
    return notes


def _about_joining(found: Members) -> list[str]:
    rules = found.programme.rules
    if rules.joined_are_members or not bool((found.joined >= 0).any()):
        return []
    return ["A day of joining makes nobody a member; where it is that of the programme, set `joined_are_members`."]


def _about_log(log: Log) -> list[str]:
    notes = []
    if log.untold:
        notes.append(f"{log.untold:,} events of points have no number: they count as 0.")
    if log.spent_up and log.spent_down:
        fewer = min(log.spent_up, log.spent_down)
        notes.append(
            f"{fewer:,} events of points_spent have another sign than the rest; all count as spent. Points that were "
            "given back to a member belong to points_earned."
        )
    return notes


def _about_rules(found: Members) -> list[str]:
    programme, own, notes = found.programme, found.points, []
    if own is not None and own.overdrawn[found.member].any():
        n = int((own.overdrawn[found.member] > 0).sum())
        points_over = plain(int(own.overdrawn[found.member].sum()))
        notes.append(f"{n:,} members have spent {points_over} points more than the log says they earned.")
    if own is not None and programme.expiry_told and own.overdue[found.member].any():
        over = plain(int(own.overdue[found.member].sum()))
        notes.append(f"{over} points of the balance are too old, and no event has taken them away.")
    if found.ladder is not None:
        kept = int((found.ladder.lacks[found.member] > 0).sum())
        notes.append(
            f"A tier goes by {programme.tiers_by}, and is kept for {programme.rules.grace_days} days after it was last "
            f"reached: {kept:,} members keep one so."
        )
    if programme.rules.stamps is not None:
        notes.append(
            f"A purchase since {programme.stamps_from} gets a stamp, and keeps it when it comes back. Whether a full "
            "card was used is not known."
        )
    if found.milestones:
        notes.append(f"Milestones count from {programme.data_start} on: purchases before are not known.")
    return notes


def _headline(found: Members) -> str:
    """What a marketer would read first."""
    who, own, programme = found.member, found.points, found.programme
    n, active = int(who.sum()), int(found.active.sum())
    told = f"{n:,} members, {active:,} of them active within {programme.horizon_days} days"
    if own is None:
        return f"{told}."
    balance = int(own.balance[who].sum())
    worth = programme.worth(balance)
    told += f"; {plain(balance)} points outstanding"
    told += "" if worth is None else f", worth {worth / SCALE:,.2f} {programme.currency}".rstrip()
    if programme.expire_days is not None:
        told += f"; {plain(int(own.expiring[who].sum()))} of them expire within 30 days unless they are used"
    return f"{told}."


def write_list(
    ledger: Ledger, config: Config, found: Loyalty, path: Path, name: str = "everybody", channel: str | None = None
) -> Listed:
    """Write members, one row each; the highest tier first, then most points.

    Parameters
    ----------
    name : str
        Of `LISTS`.
    channel : str, optional
        Only those who have agreed to marketing on it, and may be contacted; by default the list is no mailing list and
        leaves nobody out.

    Raises
    ------
    ConfigError
        ``RG487``: no such list; ``RG428``: neither .csv nor .xlsx.
    """
    if name not in LISTS:
        do = did_you_mean(name, LISTS)
        raise ConfigError(f"there is no list `{name}`", needed=f"one of {', '.join(LISTS)}", do=do, code="RG487")
    if found.members is None:
        return Listed(path, 0, (found.off["loyalty"],), written=False)
    rows = ranked(found.members, found.members.who(name))
    notes: tuple[str, ...] = ("this is no mailing list: nobody was asked for consent, and nobody is left out",)
    if channel is not None:
        may, notes = may_be_listed(ledger, config, np.asarray(found.members.ids[rows]).tolist(), channel)
        if may is None:
            return Listed(path, 0, notes, written=False)
        rows = rows[may]
    write_rows(config, path, COLUMNS, list(cells(found.members, rows)))
    return Listed(path, len(rows), (*notes, *about_ids(config)))
