"""The door: pseudonyms, tombstones, and the secret key behind both. What passes it names nobody any more."""

from __future__ import annotations

import hmac
import json
import stat
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from regulars.config import Config
from regulars.errors import ConfigError, DataError, StorageError
from regulars.intake import Ledger, build_ledger
from regulars.intake.keys import PREFIX, VARIABLE, Key, key_of
from regulars.intake.tombstones import Tombstones
from regulars.pipelines.check import examined
from regulars.pipelines.features import features
from regulars.pipelines.prepare import shape_of

Book = Callable[..., Config]
SECRET = "0123456789abcdef" * 4
NAMED = Key(SECRET.encode()).pseudonyms()


@pytest.fixture(autouse=True)
def _no_key_of_whoever_runs_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> Key:
    monkeypatch.setenv(VARIABLE, SECRET)
    return Key(SECRET.encode())


def named(config: Config, **privacy: object) -> Config:
    """The same configuration with pseudonyms."""
    return config.model_copy(update={"privacy": type(config.privacy)(pseudonyms=True, **privacy)})


def erasing(config: Config, key: Key, *ids: str) -> Config:
    """The same configuration, in whose folder some have been forgotten."""
    Tombstones.read(config.folder).plus(key, ids, "2026-01-31").write(config.folder)
    return config


def ids_of(ledger: Ledger) -> list[str]:
    return sorted(set(ledger.table().column("customer_id").to_pylist()))


def bytes_of(folder: Path) -> Iterator[tuple[Path, bytes]]:
    for file in folder.rglob("*"):
        if file.is_file():
            yield file, file.read_bytes()


# --- the key -----------------------------------------------------------------------------------------------------


def test_a_key_is_made_once_for_its_owner_only(book: Book) -> None:
    config = named(book("id,when,money\na,2024-01-05,1\n"))
    first, file = key_of(config), config.folder / ".regulars" / "key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(bytes.fromhex(file.read_text())) == 32
    assert key_of(config) == first
    assert first.secret.decode() not in repr(first)


def test_the_variable_the_named_file_and_the_own_file_give_the_same_key(book: Book, key: Key, tmp_path: Path) -> None:
    config = named(book("id,when,money\na,2024-01-05,1\n"))
    (tmp_path / "secret").write_text(SECRET + "\n")
    (tmp_path / "secret").chmod(0o600)
    assert key_of(config) == key == key_of(named(config, key_file="secret"))


@pytest.mark.parametrize(
    ("text", "mode", "code"), [("short", 0o600, "RG220"), (SECRET, 0o644, "RG222"), (None, 0o600, "RG221")]
)
def test_a_key_that_protects_nobody_is_refused(book: Book, text: str | None, mode: int, code: str) -> None:
    config = named(book("id,when,money\na,2024-01-05,1\n"), key_file="secret")
    if text is not None:
        (config.folder / "secret").write_text(text)
        (config.folder / "secret").chmod(mode)
    with pytest.raises(ConfigError, match="secret key in `secret`") as refused:
        build_ledger(config)
    assert refused.value.code == code
    assert SECRET not in str(refused.value)


def test_a_lost_key_is_missed_and_no_other_takes_its_place(book: Book) -> None:
    config = named(book("id,when,money\na,2024-01-05,1\n"))
    build_ledger(config)
    (config.folder / ".regulars" / "key").unlink()
    with pytest.raises(ConfigError, match="put it back from your backup") as refused:
        build_ledger(config)
    assert refused.value.code == "RG223"


def test_pseudonyms_are_the_librarys_hmac_under_a_key_of_their_own() -> None:
    own = hmac.new(SECRET.encode(), b"regulars pseudonym", "sha256").digest()
    assert NAMED("ann") == PREFIX + hmac.new(own, b"ann", "sha256").hexdigest()[:32]


# --- pseudonyms --------------------------------------------------------------------------------------------------


def test_the_same_key_gives_the_same_pseudonyms_and_another_key_others(
    book: Book, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = named(book("id,when,money\nann,2024-01-05,1\n ann ,2024-01-06,2\nbob,2024-01-07,3\n"))
    ledger = build_ledger(config)
    assert ids_of(ledger) == sorted(map(NAMED, ("ann", "bob")))
    assert all(name.startswith(PREFIX) and len(name) == 34 for name in ids_of(ledger))
    framed = Ledger.from_frame(pd.DataFrame({"id": ["bob"], "when": ["2024-01-07"], "money": ["3"]}), config)
    assert ids_of(framed) == [NAMED("bob")]
    monkeypatch.setenv(VARIABLE, "another key, which is quite as long")
    other = build_ledger(config)
    assert other.folder != ledger.folder
    assert not set(ids_of(other)) & set(ids_of(ledger))


def test_with_pseudonyms_no_id_is_stored_anywhere(book: Book, key: Key) -> None:
    # One line without a date, one that has too many fields, one with spaces to be trimmed.
    rows = "ann-of-the-hill,2024-01-05,1\nann-of-the-hill,,2\nbob-of-the-well,x,1,1,1\n bob-of-the-well ,2024-01-06,3\n"
    ledger = build_ledger(named(book("id,when,money\n" + rows, max_bad_share=1)))
    assert ledger.manifest.lines["quarantined"] == 2
    assert [r.count for r in ledger.manifest.repairs] == [1]
    texts = [json.loads(text) for text in ledger.quarantine().column("text").to_pylist()]
    assert texts == [
        {"id": NAMED("ann-of-the-hill"), "when": "", "money": "2"},
        {"line": "(not kept: customer ids are pseudonyms)"},
    ]
    assert ledger.folder is not None
    stored = list(bytes_of(ledger.folder.parents[1]))
    assert stored
    for secret in (b"of-the-hill", b"of-the-well", SECRET.encode()):
        assert [file for file, content in stored if secret in content] == []


def test_every_table_and_referrals_have_the_same_pseudonyms(book: Book, key: Key) -> None:
    config = named(book("id,when,money\nann,2024-01-05,1\nbob,2024-01-06,2\n"))
    (config.folder / "people.csv").write_text("who,by\nbob,ann\nann,\n")
    people = {"path": "people.csv", "customer_id": "who", "referred_by": "by"}
    data = type(config.data).model_validate({**config.data.model_dump(), "customers": people})
    ledger = build_ledger(config.model_copy(update={"data": data}))
    rows = ledger.rows_of("customers").to_pylist()
    expected = [{"customer_id": NAMED("bob"), "referred_by": NAMED("ann")}, {"customer_id": NAMED("ann")}]
    assert [{k: v for k, v in row.items() if v} for row in rows] == sorted(expected, key=lambda r: r["customer_id"])
    assert ledger.manifest.tables["customers"].without_purchases == 0


def test_ids_that_look_alike_are_noted_though_only_their_pseudonyms_are_kept(book: Book, key: Key) -> None:
    ledger = build_ledger(named(book("id,when,money\n0012345,2024-01-05,1\n12345,2024-01-06,2\n")))
    (note,) = [n for n in ledger.manifest.notes if "leading zeros" in n]
    assert note.startswith("2 customer ids differ from another by leading zeros only, such as '00...' (7 characters)")


def test_pseudonyms_change_no_figure(book: Book, key: Key) -> None:
    config = book("id,when,money\na,2024-01-05,1\n,2024-01-05,2\nb,2024-01-06,x\nb,2024-01-06,4\n", max_bad_share=1)
    plain, hidden = build_ledger(config).manifest, build_ledger(named(config)).manifest
    assert (plain.lines, plain.money, plain.n_customers) == (hidden.lines, hidden.money, hidden.n_customers)


# --- tombstones --------------------------------------------------------------------------------------------------


def test_the_lines_of_the_erased_are_counted_with_their_money_and_kept_nowhere(book: Book, key: Key) -> None:
    # Of ann: 1 + 4 and a line without a date; of nobody: 2; of bob: 8, and one that cannot be read.
    rows = "ann,2024-01-05,1\n ann,2024-01-06,4\nann,,16\n,2024-01-06,2\nbob,2024-01-07,8\nbob,2024-01-07,x\n"
    ledger = build_ledger(erasing(book("id,when,money\n" + rows, max_bad_share=1), key, "ann"))
    lines, money = ledger.manifest.lines, ledger.manifest.money
    assert {name: n for name, n in lines.items() if n} == {
        "read": 6, "used": 1, "guest": 1, "quarantined": 1, "erased": 3,
    }  # fmt: skip
    assert (Decimal(money["read"]), Decimal(money["erased"]), Decimal(money["used"])) == (31, 21, 8)
    assert ids_of(ledger) == ["bob"]
    assert [json.loads(t)["id"] for t in ledger.quarantine().column("text").to_pylist()] == ["bob"]


def test_broken_lines_in_which_an_erased_id_stands_are_erased_too(book: Book, key: Key) -> None:
    rows = "bob,2024-01-05,1\nbob,x,ann,1,1\nbob,x,annika,1,1\nbob;ann;\n"
    ledger = build_ledger(erasing(book("id,when,money\n" + rows, max_bad_share=1), key, "ann"))
    assert (ledger.manifest.lines["erased"], ledger.manifest.lines["quarantined"]) == (2, 1)
    (text,) = ledger.quarantine().column("text").to_pylist()
    assert "annika" in text


def test_everyone_else_is_read_as_if_nobody_had_been_erased(book: Book, key: Key) -> None:
    # Two files share a block of 101 lines, of which ann has two: without her it would be none, and count twice.
    days = [f"2024-01-{1 + i % 28:02d}T{i // 28:02d}:00" for i in range(101)]
    block = "".join(f"{'ann' if i < 2 else f'c{i}'},{day},1\n" for i, day in enumerate(days))
    files = {"a.csv": "id,when,money\n" + block, "b.csv": "id,when,money\n" + block + "z,2024-03-01,1\n"}
    config = book(files)
    before = build_ledger(config).manifest
    after = build_ledger(erasing(config, key, "ann")).manifest
    assert before.lines["merged"] == 101
    assert after.lines["used"] == before.lines["used"] - 2
    assert after.lines["erased"] == 4


def test_tables_beside_obey_and_referrals_by_the_erased_become_missing(book: Book, key: Key) -> None:
    config = book("id,when,money\nann,2024-01-05,1\nbob,2024-01-06,2\n")
    (config.folder / "people.csv").write_text("who,by\nbob,ann\nann,bob\ncarl,bob\n")
    people = {"path": "people.csv", "customer_id": "who", "referred_by": "by"}
    data = type(config.data).model_validate({**config.data.model_dump(), "customers": people})
    ledger = build_ledger(erasing(config.model_copy(update={"data": data}), key, "ann"))
    assert ledger.rows_of("customers").to_pylist() == [
        {"customer_id": "bob", "referred_by": None},
        {"customer_id": "carl", "referred_by": "bob"},
    ]
    assert ledger.manifest.tables["customers"].lines["erased"] == 1


@pytest.mark.parametrize("in_memory", [False, True])
def test_a_table_of_which_only_erased_lines_remain_is_empty(book: Book, key: Key, in_memory: bool) -> None:
    config = book("id,when,money\nann,2024-01-05,1\nbob,2024-01-06,2\n")
    (config.folder / "people.csv").write_text("who,town\nann,Bath\n")
    (config.folder / "visits.csv").write_text("who,at,what\nann,2024-01-03,visit\nann,2024-01-04,visit\n")
    people = {"path": "people.csv", "customer_id": "who", "attributes": ["town"]}
    visits = {"path": "visits.csv", "customer_id": "who", "occurred_at": "at", "kind": "what"}
    given = {**config.data.model_dump(), "customers": people, "events": visits}
    config = erasing(config.model_copy(update={"data": type(config.data).model_validate(given)}), key, "ann")
    if in_memory:
        frames = {
            n: pacsv.read_csv(config.folder / f"{f}.csv") for n, f in (("customers", "people"), ("events", "visits"))
        }
        bought = pa.table({"id": ["ann", "bob"], "when": ["2024-01-05", "2024-01-06"], "money": ["1", "2"]})
        ledger = Ledger.from_frame(bought, config, **frames)
    else:
        ledger = build_ledger(config)
    tables = ledger.manifest.tables
    assert {name: (t.lines["read"], t.lines["erased"]) for name, t in tables.items()} == {
        "customers": (1, 1), "events": (2, 2)
    }  # fmt: skip
    assert [(t.first_day, t.n_customers) for t in tables.values()] == [("", 0), ("", 0)]
    assert ledger.rows_of("customers").schema.names == ["customer_id", "town"]
    assert [ledger.rows_of(t, "a", "z").num_rows for t in tables] == [0, 0]
    # The features of whoever is left are worked out: there simply are no events of hers.
    shape = shape_of(ledger, config)
    assert features(ledger, config, [ledger.ends]).num_rows == 1
    assert (shape.kinds, shape.attributes) == ((), ("town",))
    assert {"customers", "events"} <= set(examined(ledger, config).profiles)


def test_the_last_day_that_the_data_cover_stays_when_its_only_buyer_is_erased(book: Book, key: Key) -> None:
    config = book("id,when,money\nbob,2024-01-05,1\nann,2024-01-09,2\n")
    ledger = build_ledger(erasing(config, key, "ann"))
    assert (str(ledger.ends), ledger.manifest.last_day) == ("2024-01-10", "2024-01-05")


def test_with_pseudonyms_the_erased_are_recognised_by_their_ids(book: Book, key: Key) -> None:
    rows = "ann,2024-01-05,1\nbob,2024-01-06,2\nbob,ann,1,1,1\n"
    ledger = build_ledger(erasing(named(book("id,when,money\n" + rows, max_bad_share=1)), key, "ann"))
    assert (ids_of(ledger), ledger.manifest.lines["erased"]) == ([NAMED("bob")], 2)


@pytest.mark.parametrize("pseudonyms", [False, True])
def test_canonical_purchases_pass_the_same_door(tmp_path: Path, key: Key, pseudonyms: bool) -> None:
    frame = pd.DataFrame({"id": ["ann", "bob"], "when": ["2024-01-05", "2024-01-06"], "money": ["1", "2"]})
    plain = Config.of(customer_id="id", purchased_at="when", amount="money")
    pq.write_table(Ledger.from_frame(frame, plain).table(), tmp_path / "p.parquet")
    purchases = {"path": "p.parquet", "canonical": True, "order_id": "order_id"}
    config = Config.of(purchases=purchases, privacy={"pseudonyms": pseudonyms})
    ledger = build_ledger(erasing(config.model_copy(update={"folder": tmp_path}), key, "ann"))
    assert ids_of(ledger) == [NAMED("bob") if pseudonyms else "bob"]
    assert (ledger.manifest.lines["erased"], Decimal(ledger.manifest.money["erased"])) == (1, 1)


def test_a_ledger_without_the_erased_grows_as_if_read_at_once(book: Book, key: Key) -> None:
    first, second = "id,when,money\nann,2024-01-05,1\nbob,2024-01-06,2\n", "id,when,money\nann,2024-01-07,4\n"
    config = erasing(book({"a.csv": first, "b.csv": second.replace("ann", "bob")}), key, "ann")
    (config.folder / "data" / "b.csv").rename(config.folder / "b.csv")
    base = build_ledger(config)
    (config.folder / "b.csv").rename(config.folder / "data" / "b.csv")
    told: list[str] = []
    grown = build_ledger(config, told.append)
    assert any("adding 1 of 2 files" in line for line in told)
    assert base.folder != grown.folder
    assert grown.manifest.lines == {**base.manifest.lines, "read": 3, "used": 2}


def test_evidence_under_other_tombstones_is_not_added_to(book: Book, key: Key) -> None:
    config = book({"a.csv": "id,when,money\nann,2024-01-05,1\nbob,2024-01-06,2\n", "b.csv": "id,when,money\n"})
    before = build_ledger(config)
    after = build_ledger(erasing(config, key, "nobody we know"))
    assert (before.folder != after.folder, after.manifest.lines) == (True, before.manifest.lines)


def test_tombstones_hold_no_id_and_are_for_their_owner_only(book: Book, key: Key) -> None:
    config = erasing(book("id,when,money\na,2024-01-05,1\n"), key, "ann-of-the-hill")
    file = config.folder / ".regulars" / "tombstones"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "ann" not in file.read_text()
    again = Tombstones.read(config.folder).plus(key, ["ann-of-the-hill"], "2026-02-01")
    assert [stone.date for stone in again.erased] == ["2026-01-31"]


def test_tombstones_under_another_key_or_in_pieces_stop_every_intake(
    book: Book, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = erasing(book("id,when,money\na,2024-01-05,1\n"), key, "ann")
    monkeypatch.setenv(VARIABLE, "another key, which is quite as long")
    with pytest.raises(ConfigError, match="erased under another secret key") as refused:
        build_ledger(config)
    assert refused.value.code == "RG224"
    (config.folder / ".regulars" / "tombstones").write_text("{")
    with pytest.raises(StorageError, match="tombstones cannot be read") as broken:
        build_ledger(config)
    assert broken.value.code == "RG225"


# --- what is told ------------------------------------------------------------------------------------------------

LEAKY: Mapping[str, str] = {
    "too many bad lines": "id,when,money\n{id},2024-01-05,x\n{id},,1\n{id},1,1,1,1\n",
    "ids among the money": "id,when,money\n1,2024-01-05,{id}\n1,2024-01-06,2.5\n",
    "ids among the dates": "id,when,money\n1,{id},1\n1,2024-01-05,1\n",
    "no header": "{id},2024-01-05,1\n{id},2024-01-06,1\n",
    "another encoding": "id,when,money\n{id} M\udcfcller,2024-01-05,1\n",
}


@pytest.mark.parametrize("text", LEAKY.values(), ids=LEAKY.keys())
@pytest.mark.parametrize("who", ["ann.miller@example.org", "a1b2c3d4e5f60718293a4b5c"])
def test_errors_name_nobody(book: Book, text: str, who: str) -> None:
    with pytest.raises((DataError, ConfigError)) as refused:
        build_ledger(book({"a.csv": text.replace("{id}", who).encode("utf-8", "surrogateescape")}))
    assert who not in str(refused.value)
    assert "miller" not in str(refused.value)
