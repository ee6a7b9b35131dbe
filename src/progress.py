"""Progress bars on long work: what is being done, how far it is, how long it will take.

In: calls of (what, share done). Out: one bar per step on the terminal's error stream; nothing when that is no terminal,
but a line for each step in a log that is kept as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .log import step

Progress = Callable[[str, float], None]


@contextmanager
def bars() -> Iterator[Progress]:
    """Bars that vanish when the work is done.

    Examples
    --------
    >>> with bars() as progress:
    ...     progress("features", 0.5)
    """
    from rich.console import Console
    from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Rich

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    tasks: dict[str, TaskID] = {}
    with Rich(*columns, console=console, transient=True, disable=not console.is_terminal) as rich:

        def tell(what: str, share: float) -> None:
            if what not in tasks:
                step(what)
                for task in tasks.values():
                    rich.update(task, visible=False)
                tasks[what] = rich.add_task(what, total=1.0)
            rich.update(tasks[what], completed=share)

        yield tell
