"""What the tests of writing share: a folder with sources and ledgers."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from regulars.config import Config
from regulars.intake import current_ledger

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
        """Every file and folder under `.regulars` but the journal: its mode, and the hash of its bytes."""
        found = {}
        for path in [self.regulars, *self.regulars.rglob("*")] if self.regulars.exists() else []:
            digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            if path.name != "journal.jsonl":
                found[str(path.relative_to(self.root))] = (path.stat().st_mode & 0o777, digest)
        return found

    def lines(self) -> int | None:
        """How many lines a reader sees who follows the pointer; None where there is no ledger yet."""
        ledger = current_ledger(self.config)
        return None if ledger is None else ledger.table().num_rows
