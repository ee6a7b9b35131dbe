"""How a ledger is built: anew, or by adding what an earlier one lacks.

In: a configuration. Out: a published, immutable `Ledger`. New files are added as a sorted segment when everything read
together would give the same, to the byte; else everything is read. What cannot be read lies in quarantine, and missing
values are dealt with by the intake.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from ..config import Config
from ..disk.lock import check_free, is_abandoned, writing
from ..disk.publish import is_whole, published
from ..errors import Busy, ConfigError, DataError, RegularsError, StorageError
from .added import Base, NotAdded
from .beside import Deliveries, deliveries_of, write_tables
from .growth import GROWN, Earlier, base_among, earlier_ledgers, is_ripe, sweep
from .ledger import Ledger, folder_of, opened, silent
from .manifest import FORMAT
from .outcome import Refined, data_key
from .pointer import all_pointed, is_pointed, ledgers_of, point
from .privacy import Door
from .refine import refine
from .segments import (
    MANIFEST_FILE,
    ORDERS_FILE,
    PURCHASES_FILE,
    LineWriter,
    all_orders,
    base_in,
    evidence_in,
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
    Busy
        There is no such ledger yet, and another run is writing.
    """
    say = progress or silent
    root, regulars = ledgers_of(config), config.folder / ".regulars"
    if not any(all_pointed(root)):
        check_free(regulars)  # Whoever has nothing to read yet must write: no need to look at the source first.
    say("looking at the source")
    parts, notes = parts_of(config)
    build = _Build(config, parts, notes, deliveries_of(config), say, Door.of(config))
    known = build.known()
    if known is not None and build.is_settled(known) and not is_abandoned(regulars):
        return known
    try:
        with writing(regulars, "building a ledger") as killed:
            if killed is not None:
                say(f"taking over from a run that was killed: pid {killed.pid}, host {killed.host}, {killed.since}")
            # Someone may have built it meanwhile, or erased someone, before the lock was ours.
            build = replace(build, door=Door.of(config))
            return build.settled(build.known() or build.added() or build.anew())
    except (Busy, StorageError) as error:
        if known is None or not is_whole(folder_of(known)):
            raise
        say(f"reading what is there: {error.found}")
        return known


def built(config: Config) -> Ledger | None:
    """The ledger of exactly what the configured sources hold now, if it is there; nothing is built or written for it.

    Raises
    ------
    ConfigError, DataError, StorageError
        As `build_ledger` does of the sources.

    Examples
    --------
    >>> built(Config.of()) is None
    True
    """
    if not ledgers_of(config).is_dir():
        return None
    parts, notes = parts_of(config)
    return _Build(config, parts, notes, deliveries_of(config), silent, Door.of(config)).known()


def compact(ledger: Ledger) -> Ledger:
    """The same ledger in one file, whose bytes are those of one intake of everything.

    Examples
    --------
    >>> import pyarrow as pa
    >>> frame = pa.table({"customer_id": ["a"], "purchased_at": ["2024-01-05"], "amount": ["9.90"]})
    >>> compact(Ledger.from_frame(frame, Config.of())).manifest.lines["used"]
    1
    """
    if ledger.folder is None:
        return ledger
    regulars, merged = ledger.folder.parents[1], len(line_files(ledger.folder)) == 1
    if merged and not is_abandoned(regulars):
        return ledger
    with writing(regulars, "merging the segments of a ledger"):
        return ledger if merged else _merged(ledger.folder)


def _merged(source: Path) -> Ledger:
    """The ledger in one file; it is the present one if the other was."""
    known, data = dict[str, str](), evidence_in(source).data
    target, ledger = source.with_name(source.name.removesuffix(GROWN)), opened(source)
    with published(target, known) as temporary:
        with LineWriter(temporary / PURCHASES_FILE) as writer:
            for block in ledger.shards():
                writer.write(block)
        write_orders(temporary / ORDERS_FILE, all_orders(source))
        known |= shared_files(source, temporary, other_files(source))
    merged = opened(target)
    if is_pointed(source.parent, data, ledger):
        point(source.parent, data, merged)
    return merged


def _is_ripe(ledger: Ledger) -> bool:
    """Whether the segments are so many, or so large, that they are to be merged."""
    first, *segments = (sum(b.lines for b in group_blocks(path)) for path in line_files(folder_of(ledger)))
    return is_ripe(segments, first)


def _key(parts: Sequence[Part], deliveries: Deliveries, config: Config, facts: Sequence[str]) -> str:
    sources = sorted((p.name, p.sha256) for p in parts)
    sources += [(p.name, p.sha256) for several in deliveries.values() for d in several for p in d.parts]
    content = json.dumps([FORMAT, sources, config.data.model_dump(mode="json"), *facts], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:20]


@dataclass(frozen=True)
class _Build:
    """What is to be built, and where."""

    config: Config
    parts: Sequence[Part]
    notes: Sequence[str]
    deliveries: Deliveries
    say: Callable[[str], None]
    door: Door

    @property
    def root(self) -> Path:
        return ledgers_of(self.config)

    @property
    def data(self) -> str:
        """What evidence must share to add up."""
        return data_key(self.config, self.door.facts)

    @cached_property
    def target(self) -> Path:
        return self.root / _key(self.parts, self.deliveries, self.config, self.door.facts)

    @property
    def grown(self) -> Path:
        return self.target.with_name(self.target.name + GROWN)

    def known(self) -> Ledger | None:
        """The whole ledger of exactly this, if there is one already."""
        return next((opened(folder) for folder in (self.target, self.grown) if is_whole(folder)), None)

    def is_settled(self, ledger: Ledger) -> bool:
        """Whether nothing remains to be done for a ledger that is there."""
        return is_pointed(self.root, self.data, ledger) and not _is_ripe(ledger)

    def settled(self, ledger: Ledger) -> Ledger:
        """Make a whole ledger the present one, merge its segments when they are ripe, remove what is superfluous."""
        point(self.root, self.data, ledger)
        if _is_ripe(ledger):
            self.say("merging the segments")
            ledger = compact(ledger)
        sweep(self.root)
        return ledger

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
        base = base_among(earlier_ledgers(self.root, self.parts, self.data))
        # What pseudonyms hide cannot be compared with new ids: the notes would not be those of one intake.
        if base is None or self.door.pseudonyms:
            return None
        noted = [list(part.notes) for part in self.parts]
        try:
            return self._added_to(base)
        except (NotAdded, DataError, ConfigError) as reason:
            self.say(f"everything is read again: {reason.found if isinstance(reason, RegularsError) else reason}")
            for part, notes in zip(self.parts, noted, strict=True):
                part.notes[:] = notes
            return None

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
        return intake(parts, self.notes, self.config, folder / _SPILL, writer.write, self.say, base, self.door)

    def _finish(self, folder: Path, refined: Refined) -> None:
        write_facts(folder, refined)
        buyers = [refined.customers]
        manifest = write_tables(folder, self.deliveries, self.config, refined.manifest, buyers, self.say, self.door)
        (folder / MANIFEST_FILE).write_text(manifest.to_json(), encoding="utf-8")
        if (folder / _SPILL).exists():
            (folder / _SPILL).rmdir()
