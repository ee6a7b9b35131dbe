"""What a process and everything it started use: processor time and memory.

In: the id of a process. Out: seconds of user and system time; bytes of memory, each page shared by n processes counted
as 1/n in each (PSS), so that the sum counts every page once. Read from Linux's /proc; where there is none, 0 and the
caller falls back to what the system says of one process. A process that ends meanwhile counts as nothing.
"""

from __future__ import annotations

import os
import resource
import threading
from collections import defaultdict
from pathlib import Path

PROC = Path("/proc")
EVERY_S = 0.05


def family_of(pid: int) -> list[int]:
    """A process and its living descendants."""
    children = defaultdict(list)
    for stat in PROC.glob("[0-9]*/stat"):
        fields = _after_name(stat)
        if fields:
            children[int(fields[1])].append(int(stat.parent.name))
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += children[found[-1]]
    return found


def pss_bytes(pid: int) -> int:
    """The memory of a process and its living descendants."""
    return 1024 * sum(_pss_kb(PROC / str(member) / "smaps_rollup") for member in family_of(pid))


def cpu_seconds() -> float:
    """Processor time of this process, of its living descendants and of those that have ended."""
    used = sum(
        u.ru_utime + u.ru_stime for u in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )
    living = [member for member in family_of(os.getpid()) if member != os.getpid()]
    return used + sum(_ticks(PROC / str(member) / "stat") for member in living) / os.sysconf("SC_CLK_TCK")


def seconds_of(pid: int) -> float:
    """Processor time of a process and its living descendants, and of those that they have waited for."""
    return sum(_ticks(PROC / str(member) / "stat") for member in family_of(pid)) / os.sysconf("SC_CLK_TCK")


class Peak:
    """The most memory that a process and its descendants were seen to use, looked at every 50 ms until `stop`.

    Examples
    --------
    >>> peak = Peak(os.getpid())
    >>> peak.stop() >= 0
    True
    """

    def __init__(self, pid: int) -> None:
        self._pid, self._most, self._over = pid, 0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(EVERY_S):
            self._most = max(self._most, pss_bytes(self._pid))

    def stop(self) -> float:
        """The peak in MB, 0 where it cannot be seen."""
        self._over.set()
        self._thread.join()
        return self._most / 2**20


def _after_name(stat: Path) -> list[str]:
    """The fields after the process' name: state, parent, ..."""
    try:
        return stat.read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _ticks(stat: Path) -> int:
    """User and system time, its own and of its children that have ended."""
    return sum(map(int, _after_name(stat)[11:15]))


def _pss_kb(rollup: Path) -> int:
    try:
        lines = rollup.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
