"""How a ledger is built: anew, or by adding what an earlier one lacks.

In: a configuration. Out: a published, immutable `Ledger`. New files are added as a sorted segment when everything read
together would give the same, to the byte; else everything is read. What cannot be read lies in quarantine, and missing
values are dealt with by the intake.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..config import Config
from ..errors import ConfigError, DataError, RegularsError
from .added import Base, NotAdded
from .beside import Deliveries, deliveries_of, write_tables
from .growth import GROWN, Earlier, base_among, earlier_ledgers, is_ripe, sweep
from .ledger import Ledger, folder_of, opened, silent
from .manifest import FORMAT
from .outcome import Refined, data_key
from .publish import is_whole, published
from .refine import refine
from .segments import (
    MANIFEST_FILE,
    ORDERS_FILE,
    PURCHASES_FILE,
    LineWriter,
    all_orders,
    base_in,
    line_files,
    next_segment,
    other_files,
    share_lines,
    shared_files,
    write_facts,
    write_orders,
)
from .sorted_files import group_blocks
from .sources.found import parts_of
from .sources.parts import Part
from .straight import refine_canonical

_SPILL = "spill"


def build_ledger(config: Config, progress: Callable[[str], None] | None = None) -> Ledger:
    """The ledger of the configured source, under ``.regulars/ledger`` beside the configuration.

    A ledger of the same source content and the same [data] section is found again and not built twice. If there is one
    of some of the files, only the others are read and added to it, provided that everything read together would give
    the same; otherwise everything is read again, and `progress` is told why.

    Parameters
    ----------
    config : Config
        Names the source, the mapping and the rules.
    progress : callable, optional
        Told in a few words what is going on.

    Raises
    ------
    ConfigError
        There is no such source, or its kind is not supported.
    DataError
        The data cannot be read without guessing; the message names the place and the remedy.
    StorageError
        A file cannot be read or written.
    """
    say = progress or silent
    say("looking at the source")
    parts, notes = parts_of(config)
    build = _Build(config, parts, notes, deliveries_of(config), say)
    for folder in (build.target, build.grown):
        if is_whole(folder):
            return opened(folder)
    ledger = build.added() or build.anew()
    sweep(build.root, folder_of(ledger), parts, data_key(config))
    return ledger


def compact(ledger: Ledger) -> Ledger:
    """The same ledger in one file, whose bytes are those of one intake of everything.

    Examples
    --------
    >>> import pyarrow as pa
    >>> frame = pa.table({"customer_id": ["a"], "purchased_at": ["2024-01-05"], "amount": ["9.90"]})
    >>> compact(Ledger.from_frame(frame, Config.of())).manifest.lines["used"]
    1
    """
    if ledger.folder is None or len(line_files(ledger.folder)) == 1:
        return ledger
    source, known = ledger.folder, dict[str, str]()
    target = source.with_name(source.name.removesuffix(GROWN))
    with published(target, known) as temporary:
        with LineWriter(temporary / PURCHASES_FILE) as writer:
            for block in ledger.shards():
                writer.write(block)
        write_orders(temporary / ORDERS_FILE, all_orders(source))
        known |= shared_files(source, temporary, other_files(source))
    return opened(target)


def _key(parts: Sequence[Part], deliveries: Deliveries, config: Config) -> str:
    sources = sorted((p.name, p.sha256) for p in parts)
    sources += [(p.name, p.sha256) for several in deliveries.values() for d in several for p in d.parts]
    content = json.dumps([FORMAT, sources, config.data.model_dump(mode="json")], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:20]


@dataclass(frozen=True)
class _Build:
    """What is to be built, and where."""

    config: Config
    parts: Sequence[Part]
    notes: Sequence[str]
    deliveries: Deliveries
    say: Callable[[str], None]

    @property
    def root(self) -> Path:
        return self.config.folder / ".regulars" / "ledger"

    @cached_property
    def target(self) -> Path:
        return self.root / _key(self.parts, self.deliveries, self.config)

    @property
    def grown(self) -> Path:
        return self.target.with_name(self.target.name + GROWN)

    def anew(self) -> Ledger:
        """Read everything."""
        with published(self.target) as temporary:
            with LineWriter(temporary / PURCHASES_FILE) as writer:
                refined = self._refined(temporary, self.parts, writer, None)
            write_orders(temporary / ORDERS_FILE, refined.orders)
            self._finish(temporary, refined)
        return opened(self.target)

    def added(self) -> Ledger | None:
        """Read what an earlier ledger lacks, and add it; None where there is none, or it cannot be added exactly."""
        base = base_among(earlier_ledgers(self.root, self.parts, data_key(self.config)))
        if base is None:
            return None
        noted = [list(part.notes) for part in self.parts]
        try:
            ledger = self._added_to(base)
        except (NotAdded, DataError, ConfigError) as reason:
            self.say(f"everything is read again: {reason.found if isinstance(reason, RegularsError) else reason}")
            for part, notes in zip(self.parts, noted, strict=True):
                part.notes[:] = notes
            return None
        lines = [sum(b.lines for b in group_blocks(path)) for path in line_files(folder_of(ledger))]
        if is_ripe(lines[1:], lines[0]):
            self.say("merging the segments")
            return compact(ledger)
        return ledger

    def _added_to(self, base: Earlier) -> Ledger:
        read = {(s.file, s.sha256) for s in base.evidence.sources}
        new = [part for part in self.parts if (part.name, part.sha256) not in read]
        known, segment = dict[str, str](), next_segment(base.folder)
        self.say(f"adding {len(new)} of {len(self.parts)} files to what is known")
        facts = base_in(base.folder, base.evidence, [part.name for part in self.parts])
        # Without a line that counts there is no segment: the ledger's lines are the base's.
        with published(self.grown, known) as temporary:
            with LineWriter(temporary / f"{segment}.parquet") as writer:
                refined = self._refined(temporary, new, writer, facts)
            if (temporary / f"{segment}.parquet").exists():
                write_orders(temporary / f"{segment}.npy", refined.orders)
            known |= share_lines(base.folder, temporary, segment, refined.later)
            self._finish(temporary, refined)
        return opened(self.grown)

    def _refined(self, folder: Path, parts: Sequence[Part], writer: LineWriter, base: Base | None) -> Refined:
        intake = refine_canonical if self.config.data.purchases.canonical else refine
        return intake(parts, self.notes, self.config, folder / _SPILL, writer.write, self.say, base)

    def _finish(self, folder: Path, refined: Refined) -> None:
        write_facts(folder, refined)
        manifest = write_tables(folder, self.deliveries, self.config, refined.manifest, [refined.customers], self.say)
        (folder / MANIFEST_FILE).write_text(manifest.to_json(), encoding="utf-8")
        if (folder / _SPILL).exists():
            (folder / _SPILL).rmdir()
