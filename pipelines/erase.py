"""Files rewritten without those who are to be forgotten.

In: a file of ours, and whom one looks for. Out: the same file without their rows, with an `erased` entry where its kind
has room for one; a page or a picture that names them is removed, because it can be made again. What is not theirs keeps
its order, its types and its missing values. A file without them is left as it is, to the byte.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..disk.publish import sealed
from ..errors import StorageError
from ..intake.sources.identifiers import quoted
from .files import folder_replaced, replaced, strict_json
from .published import FACTS, MANIFEST, Run
from .sought import Sought, cells_of, places_in

GONE = "erased"
ENTRY = b"erased"
"""The key of a Parquet file's entry: how many rows were taken out, and on which days."""


@dataclass(frozen=True)
class Erased:
    """What became of a file: how many rows or values were taken out of it, or that it was removed."""

    path: Path
    count: int
    removed: bool = False


def erased_from(path: Path, sought: Sought, day: str) -> Erased | None:
    """Take them out of one file; None where they were not in it.

    Raises
    ------
    StorageError
        A file that cannot be read as what its name says.
    """
    try:
        if not places_in(path, sought):
            return None
        name = path.name.lower().removesuffix(".gz")
        rewrite = next((how for ends, how in _WRITERS.items() if name.endswith(ends)), None)
        if rewrite is None:
            path.unlink()
            return Erased(path, 0, removed=True)
        return Erased(path, rewrite(path, sought, day))
    except (OSError, ValueError, sqlite3.Error) as error:
        raise StorageError(
            f"{path} cannot be searched for those who are to be forgotten: {error}",
            do="remove the file, if it is not needed, and forget them again",
            code="RG229",
        ) from None


def erased_from_run(run: Run, sought: Sought, day: str) -> list[Erased]:
    """Take them out of a published run: a new folder in the place of the old one, sealed again.

    `run.json` says under `erased` how many rows and values have been taken out of the run in all. A reader finds the
    old folder or the new one, each whole.

    Raises
    ------
    StorageError
        As `erased_from`.
    """
    return erased_from_sealed(run.folder, FACTS, MANIFEST, sought, day)


def erased_from_sealed(folder: Path, facts: str, manifest: str, sought: Sought, day: str) -> list[Erased]:
    """The same for any sealed folder whose facts, a JSON file, count under `erased` what was taken out."""
    if not any(_names(file, sought) for file in folder.iterdir()):
        return []
    done: list[Erased] = []

    def write(waiting: Path) -> None:
        for file in sorted(folder.iterdir()):
            if file.name != manifest:
                shutil.copyfile(file, waiting / file.name)
        found = [erased_from(file, sought, day) for file in sorted(waiting.iterdir())]
        done.extend(Erased(folder / e.path.name, e.count, e.removed) for e in found if e is not None)
        told = json.loads((waiting / facts).read_text(encoding="utf-8"))
        told["erased"] = int(told["erased"]) + sum(e.count for e in done)
        (waiting / facts).write_text(strict_json(told), encoding="utf-8")
        sealed(waiting, manifest)

    folder_replaced(folder, write, lambda file: file.is_file())
    return done


def _names(file: Path, sought: Sought) -> bool:
    """Whether a file names them; one that cannot be read may."""
    try:
        return bool(places_in(file, sought))
    except (OSError, ValueError, sqlite3.Error):
        return True


def _parquet(path: Path, sought: Sought, day: str) -> int:
    source = pq.ParquetFile(path)
    compression = source.metadata.row_group(0).column(0).compression if source.num_row_groups else "ZSTD"
    taken = 0
    groups: list[pa.Table] = []
    for i in range(source.num_row_groups):
        table = source.read_row_group(i)
        theirs = sought.rows(table)
        taken += pc.sum(theirs).as_py() or 0
        groups.append(_plain(table.filter(pc.invert(theirs))))
    known = dict(source.schema_arrow.metadata or {})
    entries = [*json.loads(known.get(ENTRY, b"[]")), {"day": day, "rows": taken}]
    schema = source.schema_arrow.with_metadata({**known, ENTRY: json.dumps(entries).encode()})

    def write(waiting: Path) -> None:
        with pq.ParquetWriter(waiting, schema, compression=compression.replace("UNCOMPRESSED", "NONE")) as writer:
            for table in groups:
                writer.write_table(table.cast(schema))

    replaced(path, write)
    return taken


def _plain(table: pa.Table) -> pa.Table:
    """A table whose dictionaries hold no text that no row says."""
    for i, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            texts = table.column(i).cast(field.type.value_type)
            table = table.set_column(i, field, texts.dictionary_encode().cast(field.type))
    return table


def _csv(path: Path, sought: Sought, _: str) -> int:
    packed = path.name.lower().endswith(".gz")
    opened = gzip.open if packed else open
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        header = next(rows, [])
        everything = list(rows)
    kept = [r for r in everything if not any(sought.is_cell(c, v) for c, v in zip(header, r, strict=False))]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *kept])
    content = text.getvalue().encode()
    replaced(path, lambda waiting: waiting.write_bytes(gzip.compress(content, mtime=0) if packed else content))
    return len(everything) - len(kept)


def _json(path: Path, sought: Sought, _: str) -> int:
    text = path.read_text(encoding="utf-8")
    taken = 0

    def without(content: object, key: str = "") -> object:
        nonlocal taken
        if isinstance(content, dict):
            return {(GONE if sought.stands_in(k) else k): without(v, k) for k, v in content.items()}
        if isinstance(content, list):
            return [without(value, key) for value in content]
        if sought.is_cell(key, content):
            taken += 1
            return GONE
        return content

    try:
        written = json.dumps(without(json.loads(text)), indent=1, ensure_ascii=False) + "\n"
    except ValueError:
        lines = [json.dumps(without(json.loads(line)), ensure_ascii=False) for line in text.splitlines() if line]
        written = "\n".join(lines) + "\n"
    replaced(path, lambda waiting: waiting.write_text(written, encoding="utf-8"))
    return taken


def _database(path: Path, sought: Sought, _: str) -> int:
    """Texts with an id in them replaced; the file is written anew, so that no free page remembers them."""
    taken = [(t, c, row) for t, c, row, value in cells_of(path) if sought.is_cell(c, value)]
    with closing(sqlite3.connect(path, timeout=10)) as db:
        db.execute("pragma secure_delete = on")
        with db:
            for table, column, row in taken:
                db.execute(f"update {quoted(table)} set {quoted(column)} = ? where rowid = ?", [GONE, row])
        db.execute("vacuum")
    return len(taken)


_WRITERS: dict[tuple[str, ...], Callable[[Path, Sought, str], int]] = {
    (".parquet", ".pq"): _parquet,
    (".csv", ".tsv"): _csv,
    (".json", ".jsonl"): _json,
    (".db", ".sqlite"): _database,
}
