"""Forget: customers who ask for it vanish from everything that was made, and from everything that will be.

In: a configuration and ids as the source writes them. Out: a tombstone that every later intake obeys; ledgers, caches,
scores and whatever else was written without them; the models that learnt from them, by name; and a proof: every file is
decoded and searched again. An id that is nowhere gets its tombstone all the same. The source belongs to its owner.
"""

from __future__ import annotations

import contextlib
import glob
import json
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..config import Config
from ..disk.lock import job, writing
from ..disk.publish import removed
from ..errors import ConfigError, RegularsError, StorageError
from ..intake import Ledger, build_ledger
from ..intake.growth import priors_of
from ..intake.keys import Key, key_of
from ..intake.privacy import cleaned_ids
from ..intake.tombstones import Tombstones
from ..progress import Progress
from ..serving.endpoint import COUNTS
from .campaign.erased import erased_from_decisions
from .erase import Erased, erased_from, erased_from_run
from .published import Book
from .score_table import erased_from_table
from .serve import FOLDER as SERVE
from .sought import TELLING, TELLING_DIGITS, Sought, places_in
from .written import FILE as WRITTEN_FILE
from .written import USUAL, remembered

AUDIT_FILE = "erasures.jsonl"
_OURS = ("tombstones", "key", "key.fingerprint", "lock", WRITTEN_FILE, AUDIT_FILE)


@dataclass
class Forgotten:
    """What was done, as figures and in words; no id is in either.

    Parameters
    ----------
    customers, new : int
        How many were to be forgotten, and how many of them were not before.
    ledgers : int
        Ledgers that were removed.
    lines : int or None
        Lines that the ledger counts as erased now, of all who were ever forgotten; None where it was not built again.
    files : list of Erased
    models : list of dict
        Registered versions whose training data held them: version, run_id, trained on data up to.
    table_rows : int or None
        Rows taken out of the table of a database that scores go to; None where none is named.
    searched : int
        Files that were decoded and searched afterwards.
    short : int
        How many of the ids could be something else as well, and were looked for in columns of customers only.
    notes : list of str
    """

    customers: int
    new: int
    ledgers: int = 0
    lines: int | None = None
    files: list[Erased] = field(default_factory=list)
    models: list[dict[str, str]] = field(default_factory=list)
    table_rows: int | None = None
    searched: int = 0
    short: int = 0
    notes: list[str] = field(default_factory=list)
    found: bool = False

    def figures(self) -> dict[str, object]:
        """As JSON takes it."""
        files = [{"file": str(e.path), "count": e.count, "removed": e.removed} for e in self.files]
        counts = {"customers": self.customers, "new": self.new, "found": self.found, "ledgers_removed": self.ledgers}
        proof = {"files_searched": self.searched, "looked_for_in_columns_of_customers_only": self.short}
        rest: dict[str, object] = {"models": self.models, **proof, "notes": self.notes}
        return {**counts, "lines_erased": self.lines, "files": files, "table_rows": self.table_rows, **rest}

    def words(self) -> list[str]:
        """What was done, a line each."""
        who = f"{self.customers:,} customer{'' if self.customers == 1 else 's'}"
        again = (
            f" ({self.customers - self.new:,} of them had been forgotten before)" if self.new < self.customers else ""
        )
        said = [f"{who} will be left out by every later intake{again}."]
        if not self.found:
            said.append("Nothing of them was found in what has been made.")
        if self.ledgers:
            said.append(f"{self.ledgers} ledger{'' if self.ledgers == 1 else 's'} made before removed.")
        if self.lines is not None:
            said.append(f"The ledger was built again: {self.lines:,} of its source's lines are erased.")
        for e in self.files:
            said.append(
                f"{e.path}: " + ("removed; make it again" if e.removed else f"{e.count:,} rows or values erased")
            )
        if self.table_rows is not None:
            said.append(f"Rows erased in the table that scores go to: {self.table_rows:,}.")
        for model in self.models:
            said.append(
                f"{model['name']} version {model['version']} (run {model['run_id']}) was trained on data up to "
                f"{model['last_day']} that held them: train again, then delete the version."
            )
        return [*said, *self.notes, f"{self.searched:,} files searched, nothing left{self._within()}."]

    def _within(self) -> str:
        """What the proof covers, where it is less than every text."""
        if not self.short:
            return ""
        whole = self.short == self.customers
        which = "in columns of customers" if whole else f"of {self.short:,} of them in columns of customers"
        return (
            f" {which} and cells of pages: an id under {TELLING} characters, or of fewer than {TELLING_DIGITS} digits "
            "and nothing else, could be something else inside other texts"
        )


def forget(config: Config, ids: Sequence[str], progress: Progress | None = None) -> Forgotten:
    """Forget customers for good.

    Parameters
    ----------
    ids : sequence of str
        As the source has them; spaces around them and Unicode forms do not matter.

    Raises
    ------
    ConfigError
        No id was given, or the secret key is not the one that was used before.
    StorageError
        Something could not be rewritten, or the proof has found one of them: the message names the places.
    Busy
        Another run is writing.
    """
    wanted = list(dict.fromkeys(i for i in cleaned_ids(ids) if i is not None))
    if not wanted:
        raise ConfigError("no customer was named", needed="at least one id that is not empty", code="RG226")
    regulars = config.folder / ".regulars"
    what = "forgetting customers"
    with job(regulars, "score", what), job(regulars, "offers", what), writing(regulars, what):
        return _Forgetting(config, wanted, progress).run()


class _Forgetting:
    def __init__(self, config: Config, wanted: list[str], progress: Progress | None) -> None:
        self.config, self.wanted = config, wanted
        self.progress = progress
        self.day = time.strftime("%Y-%m-%d", time.gmtime())
        self.key: Key = key_of(config)
        pseudonym = self.key.pseudonyms()
        self.sought = Sought.of(config, frozenset({*wanted, *map(pseudonym, wanted)}))
        self.regulars = config.folder / ".regulars"

    def say(self, what: str) -> None:
        """Tell whoever wants to know."""
        if self.progress:
            self.progress(what, 0.0)

    def run(self) -> Forgotten:
        before = Tombstones.read(self.config.folder)
        before.check_key(self.key)
        stones = before.plus(self.key, self.wanted, self.day)
        short = sum(not self.sought.is_telling(i) for i in self.wanted)
        done = Forgotten(len(self.wanted), len(stones.erased) - len(before.erased), short=short)
        stones.write(self.config.folder)
        bought = self._ledgers(done)
        self._files(done)
        self._rebuild(done)
        self._models(done, bought)
        self._table(done)
        self._prove(done)
        self._note(done)
        return done

    def _ledgers(self, done: Forgotten) -> tuple[str, str] | None:
        """Remove the ledgers; the first and last day on which one of them bought, as far as these knew."""
        self.say("removing ledgers")
        root, days = self.regulars / "ledger", list[str]()
        for folder in sorted(f for f in root.glob("*") if f.is_dir()):
            held = self._held(folder)
            done.found |= held
            days += self._days(folder) if held else []
            # Whatever was made under other tombstones is nobody's any more.
            if held or done.new:
                with contextlib.suppress(OSError, ValueError, KeyError):
                    fingerprint = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["fingerprint"]
                    shutil.rmtree(priors_of(root, fingerprint), ignore_errors=True)
                removed(folder)
                done.ledgers += 1
        for pointer in root.glob("current-*.json"):
            name = json.loads(pointer.read_text(encoding="utf-8")).get("ledger", "")
            if not (root / str(name)).is_dir():
                pointer.unlink()
        return (min(days), max(days)) if days else None

    def _held(self, folder: Path) -> bool:
        """Whether a ledger holds one of them; a damaged one may."""
        try:
            return any(places_in(file, self.sought) for file in sorted(folder.iterdir()))
        except (OSError, ValueError):
            return True

    def _days(self, folder: Path) -> list[str]:
        """The first and last day of their purchases in a ledger."""
        names = pa.array(sorted(self.sought.ids), pa.string())
        days = list[str]()
        for file in (folder / "purchases.parquet", *sorted(folder.glob("segment-*.parquet"))):
            with contextlib.suppress(OSError, ValueError):
                table = pq.read_table(file, columns=["customer_id", "purchased_at"])
                at = table.filter(pc.is_in(table.column("customer_id"), names)).column("purchased_at")
                days += [str(np.datetime64(us, "us"))[:10] for us in at.cast(pa.int64()).to_pylist()]
        return [min(days), max(days)] if days else []

    def _files(self, done: Forgotten) -> None:
        """Rewrite everything else."""
        self.say("rewriting outputs")
        done.files += erased_from_decisions(self.config, self.sought, self.day)
        for book in (Book(place) for place in self._noted()):
            runs = book.runs()
            # A run that is published while they are taken out of the others would hold them again.
            with book.writing("forgetting customers") if runs else contextlib.nullcontext():
                for run in runs:
                    done.files += erased_from_run(run, self.sought, self.day)
        for file in self._outputs():
            erased = erased_from(file, self.sought, self.day)
            if erased is not None:
                done.files.append(erased)
        done.found |= bool(done.files)

    def _table(self, done: Forgotten) -> None:
        """Take them out of the table of a database that scores go to."""
        self.say("erasing rows of the table")
        done.table_rows = erased_from_table(self.config, self.sought.ids)
        done.found |= bool(done.table_rows)

    def _noted(self) -> list[Path]:
        """Every place where an output was, or usually is, written."""
        noted = [*(w.path for w in remembered(self.config.folder)), *(name for name, _ in USUAL)]
        return [self.config.folder / path for path in dict.fromkeys(noted)]

    def _outputs(self) -> Iterator[Path]:
        """Every file of ours beside the ledgers, each once; the source is none of them."""
        sections = [self.config.data.purchases, *(s for several in self.config.data.beside().values() for s in several)]
        source = {(self.config.folder / s.path).resolve() for s in sections if s.path is not None}
        roots = [self.regulars, *self._noted(), *self._store()]
        own = {self.regulars.resolve() / name for name in _OURS}
        # How often servers were asked, in memory that they share: figures alone.
        counts = {f.resolve() for f in (self.regulars / SERVE).glob(f"*/{COUNTS}")}
        ledgers, seen = (self.regulars / "ledger").resolve(), set[Path]()
        for root in roots:
            # What a killed writer left beside an output may hold what it was about to say.
            left = root.parent.glob(f".tmp-{glob.escape(root.name)}*")
            for place in (root, *left):
                for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
                    real = file.resolve()
                    skip = real in seen or real in own or real in source or real.is_relative_to(ledgers)
                    skip |= real.parent in counts
                    if real.is_file() and not skip:
                        seen.add(real)
                        yield file

    def _store(self) -> list[Path]:
        """The files of the model store, where they are on this machine."""
        from ..models.tracking import Store

        store = Store.of(self.config)
        return [path for path in (store.database, store.artifacts) if path is not None]

    def _rebuild(self, done: Forgotten) -> None:
        if not done.ledgers:
            return
        self.say("building the ledger again")
        try:
            ledger: Ledger = build_ledger(self.config, self.say)
        except RegularsError as error:
            done.notes.append(f"The ledger could not be built again; the next intake builds it: {error}")
            return
        done.lines = ledger.manifest.lines["erased"] + sum(t.lines["erased"] for t in ledger.manifest.tables.values())

    def _models(self, done: Forgotten, bought: tuple[str, str] | None) -> None:
        """The versions whose training data may have held them, marked."""
        if not done.found:
            return
        from ..models.registry import Registry

        self.say("looking at the models")
        registry = Registry.of(self.config)
        for version in registry.versions(self.config.mlflow.model_name):
            first, last = (version.tags.get(f"data.{end}_day", "") for end in ("first", "last"))
            if bought and first and last and not (first <= bought[1] and bought[0] <= last):
                continue
            registry.mark(
                version, "erased", f"{self.day}: {done.customers} customers of its training data were forgotten"
            )
            told = {"name": version.name, "version": version.version, "run_id": version.run_id}
            done.models.append({**told, "last_day": last or "an unknown day"})

    def _prove(self, done: Forgotten) -> None:
        """Decode and search every file; whoever is still found is an error."""
        self.say("searching every file")
        ledgers = [f for f in sorted((self.regulars / "ledger").rglob("*")) if f.is_file()]
        own = [self.regulars / name for name in _OURS if name != "key" and (self.regulars / name).is_file()]
        left: list[str] = []
        for file in (*ledgers, *own, *self._outputs()):
            try:
                left += places_in(file, self.sought)
            except (OSError, ValueError) as error:
                left.append(f"{file} (cannot be read: {error})")
            done.searched += 1
        if left:
            raise StorageError(
                f"after everything was rewritten, {len(left)} places still name a customer who is to be forgotten",
                needed="that nothing is left of them",
                do="remove these files, or train again and delete the old version; then forget them again",
                offending=left,
                code="RG227",
            )
        done.notes += self._beyond()

    def _beyond(self) -> list[str]:
        """What lies outside."""
        purchases = self.config.data.purchases
        said = []
        if not self.config.tracking_uri.startswith("sqlite:"):
            said.append("The model store's server was not searched; no customer's id is logged there.")
        where = purchases.path or purchases.table
        if where:
            said.append(f"The source ({where}) is not ours to change: have them removed there, too.")
        return said

    def _note(self, done: Forgotten) -> None:
        """A line for whoever must prove later that it was done."""
        hashed = self.key.tombstones()
        figures: dict[str, Any] = {k: v for k, v in done.figures().items() if k not in ("notes", "files")}
        entry = {"day": self.day, "hashes": [hashed(i) for i in self.wanted], **figures, "files": len(done.files)}
        path = self.regulars / AUDIT_FILE
        path.touch(0o600)
        with path.open("a", encoding="ascii") as file:
            file.write(json.dumps(entry) + "\n")
