"""What the tests of writing share: a process that forks one child a job, and a folder with sources and ledgers."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from regulars.config import Config
from regulars.intake import current_ledger


class Warm:
    """Runs jobs in children of one process that has everything loaded: see `warm.py`."""

    def __init__(self) -> None:
        root = Path(__file__).parents[2]
        paths = os.pathsep.join([str(root / ".imports"), *filter(None, [os.environ.get("PYTHONPATH")])])
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("warm.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": paths},
        )
        assert self._answer() == "ready"

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def _asked(self, **request: object) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def start(self, *jobs: Mapping[str, object]) -> list[int]:
        """Start jobs at once; their process ids."""
        return list(self._asked(start=jobs))

    def end(self, *pids: int) -> list[dict[str, Any]]:
        """Wait for jobs; what each told, or the signal that ended it."""
        return list(self._asked(end=pids))

    def run(self, do: str, root: Path, **more: object) -> dict[str, Any]:
        """One job from beginning to end."""
        (told,) = self.end(*self.start({"do": do, "root": str(root), **more}))
        return told

    def kill(self, pid: int, number: int) -> None:
        """Send a signal to a job that was not waited for yet."""
        self._asked(kill=pid, signal=number)

    def close(self) -> None:
        """Let it end."""
        self._process.communicate(timeout=60)


TOML = """
[engine]
threads = 1
[data]
timezone = "UTC"
[data.purchases]
path = "data"
customer_id = "id"
purchased_at = "when"
amount = "money"
max_bad_share = 1.0
"""
BESIDE = """
[[data.events]]
path = "visits.csv"
customer_id = "id"
occurred_at = "at"
all_of_kind = "visit"
max_bad_share = 1.0
"""


class Shelf:
    """A folder with sources and a regulars.toml, and what lies under its `.regulars`."""

    def __init__(self, root: Path, beside: bool = False) -> None:
        self.root = root
        (root / "data").mkdir(parents=True)
        (root / "regulars.toml").write_text(TOML + BESIDE * beside)
        if beside:
            (root / "visits.csv").write_text("id,at\na,2024-03-01\nx,2024-03-02\na,\n")

    @property
    def config(self) -> Config:
        return Config.load(self.root / "regulars.toml")

    @property
    def regulars(self) -> Path:
        return self.root / ".regulars"

    def add(self, day: int, customers: int = 5) -> None:
        """A file of one day: a line for each customer, one without a date."""
        lines = "".join(f"c{i},2024-03-{day:02} 10:{i % 60:02},{i}.50\n" for i in range(customers))
        (self.root / "data" / f"{day:02}.csv").write_text(f"id,when,money\n{lines}bad,,1\n")

    def copied(self, root: Path) -> Shelf:
        """The same in another place."""
        shutil.copytree(self.root, root)
        twin = Shelf.__new__(Shelf)
        twin.root = root
        return twin

    def tree(self) -> dict[str, tuple[int, str]]:
        """Every file and folder under `.regulars`: its mode, and the hash of its bytes."""
        found = {}
        for path in [self.regulars, *self.regulars.rglob("*")] if self.regulars.exists() else []:
            digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            found[str(path.relative_to(self.root))] = (path.stat().st_mode & 0o777, digest)
        return found

    def lines(self) -> int | None:
        """How many lines a reader sees who follows the pointer; None where there is no ledger yet."""
        ledger = current_ledger(self.config)
        return None if ledger is None else ledger.table().num_rows
