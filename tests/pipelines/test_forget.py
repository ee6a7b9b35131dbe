"""Forget: a planted customer vanishes from all that was made, and the proof finds whoever is left."""

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from regulars.config import Config
from regulars.disk.lock import writing
from regulars.errors import Busy, ConfigError, StorageError
from regulars.intake import build_ledger
from regulars.intake.keys import VARIABLE
from regulars.models.registry import Registry, named
from regulars.pipelines.erase import ENTRY, erased_from
from regulars.pipelines.features import features_to
from regulars.pipelines.forget import forget
from regulars.pipelines.published import CSV, MOVERS, RUNS, SCORES, Book, Run
from regulars.pipelines.register import register
from regulars.pipelines.score import score_to
from regulars.pipelines.score_table import publish
from regulars.pipelines.sought import Sought, places_in
from regulars.pipelines.written import remember, remembered
from regulars.serving.endpoint import COUNTS

from ..simulated import PLANTED, purchases, trained, written

WHO = "planted-0123456789abcdef"
NUMBER = "12346"
SOUGHT = Sought(frozenset({WHO, NUMBER}), frozenset({"id"}))


@pytest.fixture(autouse=True)
def _no_key_of_whoever_runs_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture
def small(tmp_path: Path) -> Config:
    """A shop of a few customers, one of them planted; nothing is built yet."""
    frame = purchases(40, 200)
    return Config.load(written(tmp_path, frame.replace(f"{PLANTED}00003", WHO)))


def files_with(folder: Path, text: str) -> list[str]:
    """The files of a folder in whose decoded or raw bytes a text stands; written independently of the product."""

    def texts(file: Path) -> Iterator[bytes]:
        yield file.read_bytes()
        if file.suffix == ".parquet":
            table = pq.read_table(file)
            yield json.dumps(table.to_pydict(), default=str).encode()
            metadata = pq.read_metadata(file)
            for group in range(metadata.num_row_groups):
                for column in range(metadata.num_columns):
                    yield str(metadata.row_group(group).column(column).statistics).encode()
        if file.suffix == ".gz":
            yield gzip.decompress(file.read_bytes())
        if file.suffix == ".db":
            with closing(sqlite3.connect(file)) as db:
                yield "\n".join(db.iterdump()).encode()

    files = [f for f in folder.rglob("*") if f.is_file()]
    return sorted(f.name for f in files if any(text.encode() in found for found in texts(f)))


def test_a_planted_customer_vanishes_from_everything_that_was_made(small: Config, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    ledger, config = build_ledger(small), small
    registered, registry = register(ledger, config, trained()), Registry.of(config)
    registry.crown(named(registry, registered.name, registered.version), "passed")
    book = Book(tmp_path / "scores")
    runs = [score_to(ledger, config, day).run for day in (ledger.ends.minus(20), ledger.ends)]
    remember(tmp_path, "scores", elsewhere / "more.csv")
    features_to(ledger, config, [ledger.ends], elsewhere / "features")
    (elsewhere / "more.csv").write_bytes(runs[1].path(CSV).read_bytes())
    (tmp_path / "report.html").write_text(f"<td>{WHO}</td>")
    # What nobody foresaw: a text and a JSON file among the caches, a cell in the model store, a killed writer's rest.
    (tmp_path / ".regulars" / "notes.json").write_text(json.dumps({"who": [WHO], "n": 1}))
    (tmp_path / ".regulars" / "page.html").write_text(f"<p>{WHO}</p>")
    (book.folder / RUNS / ".tmp-half").mkdir()
    (book.folder / RUNS / ".tmp-half" / CSV).write_text(f"customer_id\n{WHO}\n")
    with closing(sqlite3.connect(tmp_path / "mlruns" / "mlflow.db")) as db, db:
        db.execute("insert into tags (key, value, run_uuid) values ('note', ?, ?)", [WHO, registered.run_id])
    source = (tmp_path / "purchases.csv").read_bytes()
    lines = ledger.manifest.lines["used"]
    theirs = source.decode().count(f"{WHO},")
    held = {"scores.csv", "scores.parquet", "movers.csv"}
    held |= {"more.csv", "mlflow.db", "purchases.parquet", "part-00000.parquet"}
    assert held <= set(files_with(tmp_path, WHO))
    # A server runs meanwhile: others told it of them, and its processes share figures in files that are no databases.
    server = tmp_path / ".regulars" / "serve" / "here-1-0a0b0c0d"
    others, shared = server / "stages" / "1" / "reference.json", server / COUNTS / "counter_1.db"
    for file, content in ((others, json.dumps({"names": [WHO, "b"]})), (shared, "\0\1 figures")):
        file.parent.mkdir(parents=True)
        file.write_text(content)

    done = forget(config, [WHO])

    assert (json.loads(others.read_text()), shared.read_text()) == ({"names": ["erased", "b"]}, "\0\1 figures")
    shutil.rmtree(server)
    assert files_with(tmp_path, WHO) == ["purchases.csv"]
    assert (tmp_path / "purchases.csv").read_bytes() == source
    after = build_ledger(config)
    assert (after.manifest.lines["used"], after.manifest.lines["erased"]) == (lines - theirs, theirs)
    assert (done.found, done.new, done.ledgers, done.lines) == (True, 1, 1, theirs)
    assert [(m["version"], m["run_id"]) for m in done.models] == [(registered.version, registered.run_id)]
    (version,) = registry.versions(registered.name)
    assert "1 customers of its training data were forgotten" in version.tags["erased"]
    # Every run is whole again, says how many rows it has lost, and is where readers look for it.
    assert (book.runs(), book.latest) == (tuple(runs), runs[1])
    for run in map(Run, (run.folder for run in runs)):
        assert run.verified() is run
        scores = pd.read_csv(run.path(CSV), dtype=str)
        assert len(scores) == len(run.frame()) == run.facts["customers"] - 1 > 20
        (entry,) = json.loads(pq.read_schema(run.path(SCORES)).metadata[ENTRY])
        assert entry["rows"] == 1
    assert [Run(run.folder).facts["erased"] for run in runs] == [2, 3]
    assert {(e.path, e.count) for e in done.files} >= {(runs[1].path(MOVERS), 1), (runs[0].path(SCORES), 1)}
    assert list((book.folder / RUNS).glob(".*")) == []
    assert not (tmp_path / "report.html").exists()
    assert json.loads((tmp_path / ".regulars" / "notes.json").read_text()) == {"who": ["erased"], "n": 1}
    said = " ".join([*done.words(), json.dumps(done.figures())])
    assert WHO not in said
    assert f"{done.searched:,} files searched, nothing left." in said
    (audit,) = (tmp_path / ".regulars" / "erasures.jsonl").read_text().splitlines()
    assert (json.loads(audit)["customers"], WHO in audit) == (1, False)

    again = forget(config, [f" {WHO} "])
    assert (again.found, again.new, again.ledgers, again.files, again.models) == (False, 0, 0, [], [])


def test_someone_unknown_gets_a_tombstone_and_nothing_else_happens(small: Config) -> None:
    score_free = build_ledger(small)
    done = forget(small, ["nobody at all"])
    assert (done.found, done.files, done.models) == (False, [], [])
    assert "Nothing of them was found in what has been made." in done.words()
    assert build_ledger(small).manifest.lines == score_free.manifest.lines


def test_with_pseudonyms_the_customer_is_found_under_the_pseudonym(small: Config) -> None:
    config = small.model_copy(update={"privacy": small.privacy.model_copy(update={"pseudonyms": True})})
    n = build_ledger(config).manifest.n_customers
    done = forget(config, [WHO])
    assert (done.found, build_ledger(config).manifest.n_customers) == (True, n - 1)


def test_when_the_source_is_gone_the_ledgers_go_all_the_same(small: Config, tmp_path: Path) -> None:
    build_ledger(small)
    (tmp_path / "purchases.csv").rename(tmp_path / "away.csv")
    done = forget(small, [WHO])
    assert (done.ledgers, done.lines) == (1, None)
    assert any("the next intake builds it" in note for note in done.notes)
    assert files_with(tmp_path / ".regulars", WHO) == []


def test_nobody_is_forgotten_while_someone_else_is_writing_or_without_a_name(small: Config) -> None:
    with pytest.raises(ConfigError, match="no customer was named") as unnamed:
        forget(small, ["", "\u00a0"])
    assert unnamed.value.code == "RG226"

    def elsewhere() -> None:
        forget(small, [WHO])

    with writing(small.folder / ".regulars", "a test"), pytest.raises(Busy):
        _in_a_new_context(elsewhere)


def _in_a_new_context(run: Callable[[], None]) -> None:
    """As another thread of work would: without the locks of this one."""
    import contextvars

    contextvars.Context().run(run)


def test_whoever_cannot_be_taken_out_is_reported_with_the_place(small: Config, tmp_path: Path) -> None:
    build_ledger(small)
    stuck = tmp_path / ".regulars" / "model.json"
    stuck.write_text(json.dumps({"name": WHO}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("regulars.pipelines.forget.erased_from", lambda *_: None)
        with pytest.raises(StorageError, match="still name a customer") as left:
            forget(small, [WHO])
    assert (left.value.code, left.value.exit_code) == ("RG227", 74)
    assert "model.json" in str(left.value)
    assert WHO not in str(left.value)


# --- the search, and taking out ------------------------------------------------------------------------------------


def _parquet(path: Path, **columns: object) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def test_every_kind_of_file_is_decoded_and_searched(tmp_path: Path) -> None:
    coded = pa.DictionaryArray.from_arrays(pa.array([0]), pa.array(["a", WHO]))
    line = json.dumps({"id": f" {NUMBER} ", "money": "x"})
    (tmp_path / "a.csv").write_text(f'customer_id,x\na,"say ""{WHO}"""\n')
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(f"customer_id\n{NUMBER}\n".encode()))
    (tmp_path / "c.json").write_text(json.dumps({"deep": [{"customer_id": NUMBER}]}))
    (tmp_path / "d.jsonl").write_text(f'{{"a": 1}}\n{{"b": "{WHO}"}}\n')
    (tmp_path / "e.html").write_text(f"<td>{WHO}</td>")
    np.save(tmp_path / "f.npy", np.array(["a", WHO]))
    (tmp_path / "g.ubj").write_bytes(b"\0\1" + WHO.encode())
    with closing(sqlite3.connect(tmp_path / "h.db")) as db, db:
        db.execute("create table t (x text)")
        db.execute("insert into t values (?)", [WHO])
    found = [
        *(tmp_path / name for name in ("a.csv", "b.csv.gz", "c.json", "d.jsonl", "e.html", "f.npy", "g.ubj", "h.db")),
        _parquet(tmp_path / "i.parquet", customer_id=["a", NUMBER]),
        _parquet(tmp_path / "j.parquet", customer_id=coded),
        _parquet(tmp_path / "k.parquet", note=["a", f"for {WHO}"]),
        _parquet(tmp_path / "l.parquet", reason=["is missing"], text=[line]),
    ]
    for file in found:
        places = places_in(file, SOUGHT)
        assert places, file.name
        assert WHO not in " ".join(places)


def test_a_number_that_is_no_customer_is_nobody(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"customer_id,orders\na,{NUMBER}\n")
    (tmp_path / "b.json").write_text(json.dumps({"n": NUMBER, "product_id": NUMBER}))
    files = [tmp_path / "a.csv", tmp_path / "b.json", _parquet(tmp_path / "c.parquet", product_id=[NUMBER])]
    assert [places_in(file, SOUGHT) for file in files] == [[], [], []]


def test_a_page_that_shows_a_short_id_is_removed_and_one_with_the_number_inside_a_text_is_not(tmp_path: Path) -> None:
    named, other = tmp_path / "named.html", tmp_path / "other.html"
    named.write_text(f"<td><strong>{NUMBER}</strong></td>")
    other.write_text(f"<p>{NUMBER} customers bought</p>")
    assert [erased_from(page, SOUGHT, "2026-01-31") is not None for page in (named, other)] == [True, False]
    assert [page.exists() for page in (named, other)] == [False, True]


def test_the_proof_says_where_short_ids_were_looked_for(small: Config) -> None:
    build_ledger(small)
    # Under 8 characters, under 12 digits; the third is long enough to be searched for in every text.
    done = forget(small, ["ann", "12345678901", WHO])
    assert done.short == done.figures()["looked_for_in_columns_of_customers_only"] == 2
    (proof,) = [line for line in done.words() if "files searched" in line]
    assert "nothing left of 2 of them in columns of customers and cells of pages" in proof
    alone = forget(small, [WHO]).words()[-1]
    assert alone.endswith(" files searched, nothing left.")


def test_a_rewritten_file_keeps_everyone_else_and_remembers_nothing(tmp_path: Path) -> None:
    coded = pa.array([WHO, "a", "b", WHO]).dictionary_encode()
    file = _parquet(tmp_path / "a.parquet", customer_id=coded, spend=[1.5, 2.5, None, 4.5])
    erased = erased_from(file, SOUGHT, "2026-01-31")
    assert erased is not None
    assert (erased.count, erased.removed) == (2, False)
    table = pq.read_table(file)
    assert table.to_pylist() == [{"customer_id": "a", "spend": 2.5}, {"customer_id": "b", "spend": None}]
    assert table.schema.field("customer_id").type == coded.type
    assert files_with(tmp_path, WHO) == []
    before = file.read_bytes()
    assert erased_from(file, SOUGHT, "2026-02-01") is None
    assert file.read_bytes() == before


def test_free_pages_of_a_database_remember_nothing(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    with closing(sqlite3.connect(file)) as db, db:
        db.execute("create table t (x text)")
        db.executemany("insert into t values (?)", [[f"{WHO} {i}"] for i in range(500)])
        db.execute("delete from t where rowid > 1")
    assert WHO.encode() in file.read_bytes()
    erased = erased_from(file, SOUGHT, "2026-01-31")
    assert erased is not None
    assert erased.count == 1
    assert WHO.encode() not in file.read_bytes()


def test_outputs_are_remembered_wherever_they_are_written(small: Config, tmp_path: Path) -> None:
    ledger = build_ledger(small)
    features_to(ledger, small, [ledger.ends], tmp_path / "features")
    features_to(ledger, small, [ledger.ends], tmp_path / "features")
    away = tmp_path.parent / f"{tmp_path.name}-away"
    features_to(ledger, small, [ledger.ends], away)
    assert [(w.path, w.kind) for w in remembered(tmp_path)] == [("features", "features"), (str(away), "features")]


def test_rows_of_the_table_that_scores_go_to_are_erased(small: Config, tmp_path: Path, tmp_path_factory: Any) -> None:
    scores = small.scores.model_copy(update={"url": "sqlite:///out.db", "table": "scores"})
    config = small.model_copy(update={"scores": scores})
    made = tmp_path_factory.mktemp("made") / "2024-01-08-v1-0a1b2c3d"
    made.mkdir()
    pq.write_table(pa.table({"customer_id": [WHO, "other"], "as_of": ["2024-01-08"] * 2}), made / SCORES)
    publish(Run(made), config)
    assert files_with(tmp_path, WHO) == ["out.db", "purchases.csv"]
    done = forget(config, [WHO])
    assert done.figures()["table_rows"] == 1
    assert "Rows erased in the table that scores go to: 1." in done.words()
    # The source is the owner's; no free page of the database remembers the id.
    assert files_with(tmp_path, WHO) == ["purchases.csv"]
    with closing(sqlite3.connect(tmp_path / "out.db")) as db:
        assert db.execute("select * from scores").fetchall() == [("other", "2024-01-08")]
        assert db.execute("select run, rows from scores_published").fetchall() == [(made.name, 1)]
    assert forget(config, [WHO]).figures()["table_rows"] == 0
