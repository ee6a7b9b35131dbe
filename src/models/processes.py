"""Which process made something, and whether it is still at it.

In: the holder of a job, or the tags that it left with its work. Out: those tags; alive, gone, or unknown where another
machine was at work. A process number that was given to somebody else meanwhile counts as gone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from ..disk.lock import Holder

State = Literal["alive", "gone", "unknown"]


def tags_of(holder: Holder) -> dict[str, str]:
    """What to note with the work of a process of this machine.

    Examples
    --------
    >>> sorted(tags_of(Holder.of_this_process("an example")))
    ['boot', 'host', 'pid', 'pid.started']
    """
    return {"host": holder.host, "boot": holder.boot, "pid": str(holder.pid), "pid.started": _started(holder.pid)}


def state_of(tags: Mapping[str, str]) -> State:
    """Whether the process that left such tags is still there.

    Examples
    --------
    >>> state_of(tags_of(Holder.of_this_process("an example"))), state_of({})
    ('alive', 'unknown')
    """
    here = Holder.of_this_process("")
    pid = tags.get("pid", "")
    if tags.get("host") != here.host or not pid.isdigit():
        return "unknown"
    if tags.get("boot") != here.boot or not _is_there(int(pid)):
        return "gone"
    return "alive" if _started(int(pid)) == tags.get("pid.started") else "gone"


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # Somebody else's.
    return True


def _started(pid: int) -> str:
    """When a process began, in ticks since the machine did, where the system says it."""
    try:
        # The name before it may hold spaces and brackets: field 22 is the 20th behind the last bracket.
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
