"""What may be wrong with the machine: libraries that disturb one another, threads that spin, no room, a wrong clock.

In: a configuration, the environment, the clock. Out: ailments, none of which Regulars may mend by itself.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from .. import clock
from ..config import Config
from ..disk.whole import bytes_in
from ..intake import current_ledger
from .ailment import Ailment

_DAY = 86_400
LEAST_BYTES = 1_000_000_000
"""So much should be free on a disk, however small everything is."""
_TIMES = 3
"""So many ledgers should fit in what is free: a new one is made beside the old one, and what is worked out of it."""


def two_boosters(_: Config) -> Iterator[Ailment]:
    """Both builds of XGBoost, which are one and the same import."""
    found = [f"{name} {number}" for name in ("xgboost", "xgboost-cpu") if (number := _installed(name))]
    if len(found) > 1:
        yield Ailment(
            "two-xgboosts",
            f"both builds of XGBoost are installed: {' and '.join(found)}",
            "each has written over files of the other: which one speaks is chance",
            "pip uninstall -y xgboost xgboost-cpu, then install the one of requirements.lock again",
        )


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def spinning(_: Config) -> Iterator[Ailment]:
    """Threads of OpenMP that wait by spinning."""
    policy = os.environ.get("OMP_WAIT_POLICY", "passive")
    if policy.lower() != "passive":
        yield Ailment(
            "spinning-threads",
            f"OMP_WAIT_POLICY is {policy}",
            "idle threads take whole processors away from everybody else on the machine",
            "set OMP_WAIT_POLICY=passive, or do not set it",
            slight=True,
        )


def no_room(config: Config) -> Iterator[Ailment]:
    """Less room than the next run may need."""
    ledger = current_ledger(config)
    size = 0 if ledger is None or ledger.folder is None else bytes_in(ledger.folder)
    free, wanted = shutil.disk_usage(config.folder).free, max(LEAST_BYTES, _TIMES * size)
    if free < wanted:
        yield Ailment(
            "no-room",
            f"{free:,} bytes are free where {config.folder} lies; {wanted:,} may be needed",
            "a run that finds no room ends with 74, and the old result stays",
            "make room, or move the folder",
        )


def wrong_clock(config: Config) -> Iterator[Ailment]:
    """A clock that stands before what was already done, or purchases of days that are still to come."""
    regulars, now = config.folder / ".regulars", time.time()
    made = max((f.stat().st_mtime for f in regulars.iterdir()), default=now) if regulars.is_dir() else now
    if made > now + _DAY:
        yield Ailment(
            "wrong-clock",
            f"files in {regulars} were written {(made - now) / _DAY:,.0f} days after the present time",
            "what is old is told by the clock, in monitoring and when old files are removed",
            "set the clock of the machine",
        )
    ledger, today = current_ledger(config), clock.today(config.zone)
    if ledger is not None and ledger.ends > today.plus(1):
        yield Ailment(
            "future-purchases",
            f"purchases reach to {ledger.manifest.last_day}; today is {today} in {config.data.timezone}",
            "scores would be told as of a day that has not come",
            "set the clock of the machine, or see why there are such purchases",
            slight=True,
        )
