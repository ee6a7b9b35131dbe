"""A ledger that grows by a file a day is, to the byte, the one that is built of all files at once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars.config import Config
from regulars.errors import RegularsError
from regulars.intake import Ledger, build, build_ledger, compact, growth, open_ledger
from regulars.intake.growth import priors_of
from regulars.intake.segments import evidence_in, line_files

HEAD = "id,when,money,o,kind,seen\n"
COLUMNS = {"order_id": "o", "category": "kind", "known_at": "seen"}


@dataclass
class Shop:
    """A folder of files, and the ledgers made of them."""

    root: Path
    rules: Mapping[str, object]

    def config(self, where: str = "grown") -> Config:
        mapped = {"path": str(self.root / "data"), "customer_id": "id", "purchased_at": "when", "amount": "money"}
        config = Config.model_validate(
            {"data": {"timezone": "Europe/Berlin", "purchases": {**mapped, **COLUMNS, **self.rules}}}
        )
        return config.model_copy(update={"folder": self.root / where})

    def add(self, name: str, *lines: str, head: str = HEAD) -> None:
        (self.root / "data").mkdir(parents=True, exist_ok=True)
        (self.root / "data" / f"{name}.csv").write_text(head + "".join(f"{line}\n" for line in lines), encoding="utf-8")

    def grown(self, said: list[str] | None = None) -> Ledger:
        """The ledger of the files that are there, made from what was known before."""
        return build_ledger(self.config(), None if said is None else said.append)

    def rebuilt(self) -> Ledger:
        """The ledger of the files that are there, by someone who knows nothing."""
        return build_ledger(self.config(f"rebuilt {time.time_ns()}"))


@pytest.fixture(autouse=True)
def _segments_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledgers here are so small that every segment would be merged at once."""
    monkeypatch.setattr(growth, "LARGEST_SHARE", 1_000)


@pytest.fixture
def shop(tmp_path: Path) -> Callable[..., Shop]:
    """Makes a shop under some rules; nothing limits the share of bad lines."""
    return lambda **rules: Shop(tmp_path, {"max_bad_share": 1.0, **rules})


def _folder(ledger: Ledger) -> Path:
    return Path(str(ledger.folder))


def _check_same(grown: Ledger, rebuilt: Ledger) -> None:
    """Facts, lines, blocks, quarantine; and after compaction the bytes of every file but for the moment of reading."""
    assert replace(grown.manifest, read_time="") == replace(rebuilt.manifest, read_time="")
    whole = rebuilt.table()
    assert grown.table().equals(whole)
    assert grown.quarantine().equals(rebuilt.quarantine())
    for lines in (1, 7, 30_000):
        assert grown.blocks(lines) == rebuilt.blocks(lines)
        for encoded in (False, True):
            shards = [s.cast(whole.schema) for s in grown.shards(lines, encoded=encoded)]
            assert [s.num_rows for s in shards] == [b.lines for b in rebuilt.blocks(lines)]
            assert all(a.equals(b) for a, b in zip(shards, rebuilt.shards(lines), strict=True))
    last = range(len(rebuilt.blocks(7)))[-2:]
    for columns in (["amount"], ["customer_id", "category"]):
        some = [list(ledger.shards(7, columns, last)) for ledger in (grown, rebuilt)]
        assert some[0] == some[1]
    assert evidence_in(_folder(grown)) == evidence_in(_folder(rebuilt))
    one, other = (_folder(ledger) for ledger in (compact(grown), rebuilt))
    files = {f.name for f in other.iterdir()} - {"manifest.json", "files.json"}
    assert {f.name for f in one.iterdir()} - {"manifest.json", "files.json"} == files
    assert [name for name in sorted(files) if (one / name).read_bytes() != (other / name).read_bytes()] == []


IDS = ["a", " a", "A", "00123", "123", "Ägid", "", "z"]
MONEYS = ["5", "5.50", "-5.50", "0", "0.12345", "\u0665", "nan", ""]


def _lines(rng: random.Random, day: int, n: int) -> list[str]:
    """Lines of one local day: dirt of every kind, orders that go on for days, rows known later."""
    made = []
    for _ in range(n):
        stamp = f"2024-03-{day:02} {rng.choice(['02:30', '10:00', '10:00:30', '23:59'])}"
        when = rng.choice([stamp] * 12 + ["", "2024-02-30", "2199-01-01", f"2024-03-{day:02}"])
        known = f"2024-04-{rng.randint(1, 28):02}" if rng.random() < 0.5 else ""
        money, kind = rng.choice(MONEYS), rng.choice(["Tee", " Tee", "чай", "", "x" * 40])
        made.append(
            f"{rng.choice(IDS)},{when},{money},{rng.choice(['', 'o1', f'o{day}', '2024-03-30'])},{kind},{known}"
        )
    return made


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=settings().max_examples // 8)
@given(
    st.integers(0, 2**32),
    st.sampled_from(["overlap", "keep", "drop"]),
    st.sampled_from(["net", "drop"]),
    st.lists(st.integers(0, 2), min_size=2, max_size=5),
)
def test_a_ledger_grown_day_by_day_is_the_rebuilt_one(
    tmp_path_factory: pytest.TempPathFactory, seed: int, duplicates: str, returns: str, steps: list[int]
) -> None:
    rng = random.Random(seed)
    rules = {"duplicates": duplicates, "returns": returns, "max_bad_share": 1.0}
    shop, said = Shop(tmp_path_factory.mktemp("shop"), rules), list[str]()
    shop.add("m", "a,2024-03-01 10:00,1.50,o1,Tee,", *_lines(rng, 1, 30))
    shop.grown()
    day = 1
    for files in steps:
        for _ in range(files):
            day += 1
            # Names in any order: what a message shows first must not depend on when a file came.
            shop.add(f"{rng.choice('akz')}{day}", "a,,,,,", *_lines(rng, day, rng.randint(1, 12)))
        ledger = shop.grown(said)
    assert sum(s.startswith("adding") for s in said) == sum(files > 0 for files in steps)
    assert not any("again" in s for s in said)
    _check_same(ledger, shop.rebuilt())


def test_only_the_new_file_is_read(shop: Callable[..., Shop]) -> None:
    here, said = shop(), list[str]()
    here.add("1", "a,2024-03-01,1,,,", "b,2024-03-01,2,,,")
    first = here.grown()
    here.add("2", "a,2024-03-02,3,,,")
    second = here.grown(said)
    assert [s for s in said if s.startswith("reading")] == ["reading 2.csv"]
    names = [f.name for f in line_files(_folder(second))]
    assert names == ["purchases.parquet", "segment-0001.parquet"]
    assert (_folder(second) / names[0]).samefile(_folder(first) / names[0])
    assert open_ledger(_folder(second)).table().num_rows == 3
    assert first.table().num_rows == 2


def test_another_table_may_change_without_the_purchases_being_read(shop: Callable[..., Shop]) -> None:
    here, said = shop(), list[str]()
    here.add("1", "a,2024-03-01,1.5,,,", " b,2024-03-01,2,,,", ",2024-03-01,3,,,")
    events = {"path": str(here.root / "visits.csv"), "customer_id": "id", "occurred_at": "at", "all_of_kind": "visit"}
    ledgers = []
    for visits in ("a,2024-03-01\n", "a,2024-03-01\nb,2024-03-02\n"):
        (here.root / "visits.csv").write_text(f"id,at\n{visits}")
        content = here.config().model_dump(mode="json")
        content["data"]["events"] = [events]
        config = Config.model_validate(content).model_copy(update={"folder": here.root / "grown"})
        ledgers.append(build_ledger(config, said.append))
    assert "adding 0 of 1 files to what is known" in said
    assert [s for s in said if s.startswith("reading 1")] == ["reading 1.csv"]
    assert [ledger.rows_of("events").num_rows for ledger in ledgers] == [1, 2]
    one, other = (replace(ledger.manifest, read_time="", fingerprint="", tables={}) for ledger in ledgers)
    assert one == other
    assert ledgers[0].table().equals(ledgers[1].table())


def test_a_copy_does_where_files_cannot_be_linked(shop: Callable[..., Shop], monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    here = shop()
    here.add("1", "a,2024-03-01,1,,,")
    here.grown()
    here.add("2", "a,2024-03-02,3,,,")
    monkeypatch.setattr(os, "link", refused)
    _check_same(here.grown(), here.rebuilt())


# What comes after the first file, under which rules, and why everything is read again. The first file holds a line of
# 2 March, 23:30 in Berlin, with an amount that shows the decimal point.
AGAIN: list[tuple[str, dict[str, object], Sequence[str], str]] = [
    ("the same day", {}, ["b,2024-03-02 23:45,1,,,"], "begin on 2024-03-02"),
    ("a late row", {}, ["b,2024-03-04,1,,,", "b,2024-02-04,1,,,"], "begin on 2024-02-04"),
    ("a late row, duplicates dropped", {"duplicates": "drop"}, ["b,2024-02-04,1,,,"], "begin on 2024-02-04"),
    ("another decimal sign", {}, ['b,2024-03-04,"1,50",,,'], "written in more than one way"),
    ("another format of dates", {}, ["b,25/03/2024,1,,,"], "in another format"),
    ("with a zone", {}, ["b,2024-03-04T10:00Z,1,,,"], "with and without a zone"),
    ("too many bad lines", {"max_bad_share": 0.3}, ["b,2024-03-04,x,,,"], "too many lines"),
]


@pytest.mark.parametrize(("rules", "lines", "why"), [c[1:] for c in AGAIN], ids=[c[0] for c in AGAIN])
def test_what_cannot_be_added_exactly_is_read_again_with_the_reason(
    shop: Callable[..., Shop], rules: dict[str, object], lines: Sequence[str], why: str
) -> None:
    here, said = shop(**rules), list[str]()
    here.add("1", "a,2024-03-02 23:30,1.50,,,")
    here.grown()
    here.add("2", *lines)
    found = list[str]()
    for make in (lambda: here.grown(said), here.rebuilt):
        try:
            found.append(make().manifest.fingerprint)
        except RegularsError as error:
            found.append(str(error))
    assert found[0] == found[1]  # The same ledger, or word for word the same error.
    assert any(s.startswith("everything is read again") and why in s for s in said), said


def test_late_rows_are_merged_in_when_every_line_is_kept(shop: Callable[..., Shop]) -> None:
    here, said = shop(duplicates="keep"), list[str]()
    here.add("1", "a,2024-03-02 10:00,1.50,o2,,", "b,2024-03-02,4,,,")
    here.grown()
    here.add("0", "a,2024-03-02 10:00,1.25,o1,Tee,", "a,2024-03-02 10:00,1.25,o2,,", "a,2024-01-01,1,,,")
    ledger = here.grown(said)
    assert "adding 1 of 2 files to what is known" in said
    # At one instant o1 comes before o2, and of o2's lines the smaller amount first.
    assert [str(v) for v in ledger.table()["amount"].to_pylist()] == ["1.0000", "1.2500", "1.2500", "1.5000", "4.0000"]
    _check_same(ledger, here.rebuilt())


def test_an_undecided_base_follows_the_files_that_decide(shop: Callable[..., Shop]) -> None:
    # Whole numbers alone leave the decimal sign open; the second file proves the comma.
    here, said = shop(), list[str]()
    here.add("1", "a,2024-03-02,12,,,")
    assert here.grown().manifest.grammar == {"amount": "decimal .", "purchased_at": "YYYY-MM-DD"}
    here.add("2", 'a,2024-03-03,"1,50",,,')
    ledger = here.grown(said)
    assert ledger.manifest.money["used"] == "13.5000"
    assert ledger.manifest.grammar["amount"] == "decimal ,"


def test_the_order_of_day_and_month_that_the_base_proved_holds_for_new_files(shop: Callable[..., Shop]) -> None:
    here, said = shop(), list[str]()
    here.add("b", "a,25/12/2023,1,,,")
    here.grown()
    here.add("a", "a,03/01/2024,2,,,")  # By itself this might be 1 March.
    here.add("c", "a,04/01/2024,2,,,")
    ledger = here.grown(said)
    assert str(ledger.ends) == "2024-01-05"
    assert [n.split(" of ")[-1] for n in ledger.manifest.notes] == [
        "a.csv is taken from the other files",
        "c.csv is taken from the other files",
    ]
    assert not any("again" in s for s in said)
    _check_same(ledger, here.rebuilt())


def test_two_deliveries_that_overlap_among_the_new_files_are_merged(shop: Callable[..., Shop]) -> None:
    here = shop()
    here.add("1", "a,2024-03-02,1,,,")
    here.grown()
    lines = [f"c{i},2024-03-03 10:{i // 60:02}:{i % 60:02},{i}.50,o{i},," for i in range(150)]
    here.add("2", *lines)
    here.add("3", *lines, "z,2024-03-04,1,,,")
    ledger = here.grown()
    assert ledger.manifest.lines["merged"] == 150
    _check_same(ledger, here.rebuilt())


def test_a_block_of_copies_across_the_boundary_is_found(shop: Callable[..., Shop]) -> None:
    # 60 doubled lines at the end of the first file and 60 at the beginning of the second are 120 surplus lines in one
    # run of instants, though neither file has the hundred that make a block.
    here, said = shop(), list[str]()
    last = [f"c{i},2024-03-02 23:00:{i:02},1.50,o{i},," for i in range(60)]
    here.add("1", "a,2024-03-01,1,,,", *last, *last)
    assert here.grown().manifest.lines["merged"] == 0
    first = [f"c{i},2024-03-03 01:00:{i:02},1.50,p{i},," for i in range(60)]
    here.add("2", *first, *first)
    ledger = here.grown(said)
    assert any("lines stand twice at the end" in s for s in said)
    assert ledger.manifest.lines["merged"] == here.rebuilt().manifest.lines["merged"] == 120


def test_a_future_line_whose_day_has_come_is_looked_at_again(
    shop: Callable[..., Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, said = shop(), list[str]()
    soon = time.gmtime(time.time() + 3 * 86_400)
    here.add("1", "a,2024-03-02,1,,,", f"b,{time.strftime('%Y-%m-%d', soon)},7,,,")
    assert here.grown().manifest.lines["quarantined"] == 1
    here.add("2", "a,2024-03-03,1,,,")
    assert here.grown(said).manifest.lines["quarantined"] == 1
    assert not any("again" in s for s in said)
    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now + 9 * 86_400 * 10**9)
    here.add("3", "a,2024-03-04,1,,,")
    assert here.grown(said).manifest.lines["quarantined"] == 0
    assert any("in the future" in s for s in said)


def test_a_file_without_a_line_that_counts_changes_the_facts_alone(shop: Callable[..., Shop]) -> None:
    here = shop()
    here.add("1", "a,2024-03-02,1,,,")
    here.grown()
    here.add("2", ",2024-03-03,1,,,", "a,x,1,,,")
    ledger = here.grown()
    assert (ledger.manifest.lines["guest"], str(ledger.ends)) == (1, "2024-03-04")
    assert len(line_files(_folder(ledger))) == 1
    _check_same(ledger, here.rebuilt())


def test_many_segments_or_large_ones_become_one_file(
    shop: Callable[..., Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growth, "MOST_SEGMENTS", 2)
    here, said = shop(), list[str]()
    here.add("01", *(f"c{i},2024-03-01,1,,," for i in range(100)))
    here.grown()
    counts = []
    for day in range(2, 6):
        here.add(f"{day:02}", f"c{day},2024-03-{day:02},1,,,")
        counts.append(len(line_files(_folder(here.grown(said)))))
    # Base and one, base and two, merged, base and one.
    assert counts == [2, 3, 1, 2]
    monkeypatch.setattr(growth, "LARGEST_SHARE", 0.25)
    here.add("06", *(f"c{i},2024-03-06,1,,," for i in range(40)))
    ledger = here.grown()
    assert len(line_files(_folder(ledger))) == 1  # 41 lines are more than a quarter of 103.
    _check_same(ledger, here.rebuilt())


def test_other_rules_or_changed_files_are_not_built_upon(shop: Callable[..., Shop]) -> None:
    here, said = shop(), list[str]()
    here.add("1", "a,2024-03-02,1,,,")
    here.grown()
    here.add("2", "a,2024-03-03,1,,,")
    Shop(here.root, {**here.rules, "count_free": True}).grown(said)
    assert not any(s.startswith("adding") for s in said)
    here.add("1", "a,2024-03-02,9,,,")
    assert here.grown(said).manifest.money["used"] == "10.0000"
    assert not any(s.startswith("adding") for s in said)


def _age(folder: Path, days: int) -> None:
    then = time.time() - days * 86_400
    os.utime(folder, (then, then))


@pytest.mark.soak
def test_superfluous_ledgers_are_swept_but_for_the_newest_and_the_young(shop: Callable[..., Shop]) -> None:
    here, folders = shop(), list[Path]()
    other = Shop(here.root, {**here.rules, "count_free": True})
    for day in range(1, 8):
        here.add(f"{day}", f"a,2024-03-{day:02},1,,,")
        folders.append(_folder(here.grown()))
        if day == 1:
            stranger = _folder(other.grown())
            _age(stranger, 9)
        if day != 2:
            _age(folders[-1], 20 - day)
    # Of the six before the last, 2 is young (and so the newest), 6 and 5 are the next newest; 1, 3 and 4 are gone.
    assert [f.exists() for f in folders] == [False, True, False, False, True, True, True]
    assert stranger.exists()
    assert open_ledger(folders[-1]).manifest.lines["used"] == 7


def test_what_was_fitted_to_a_ledger_goes_with_it_but_not_on_the_same_day(shop: Callable[..., Shop]) -> None:
    here = shop()
    here.add("1", "a,2024-03-01,1,,,")
    root, known = _folder(here.grown()).parent, here.grown().manifest.fingerprint
    kept = {
        name: priors_of(root, fingerprint)
        for name, fingerprint in (("known", known), ("old", "b" * 64), ("new", "c" * 64))
    }
    for folder in kept.values():
        folder.mkdir(parents=True)
        (folder / "2024-03-02.json").write_text("{}")
    for name in ("known", "old"):
        _age(kept[name], 2)
    here.add("2", "a,2024-03-02,1,,,")
    here.grown()  # The ledger of the first day is young, so it stays, and with it what was fitted to it.
    assert {name: folder.exists() for name, folder in kept.items()} == {"known": True, "old": False, "new": True}


KILLED = """
import os, signal, sys
from pathlib import Path
from regulars.config import Config
from regulars.disk import publish
    from regulars.intake import build, build_ledger, segments

step = sys.argv[2]

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

if step in ("_seal", "_move"):
    setattr(publish, step, die)
if step in ("share_lines", "write_facts"):
    setattr(build, step, die)
config = Config.of(customer_id="id", purchased_at="when", amount="money", timezone="Europe/Berlin",
    purchases={"path": sys.argv[1] + "/data", "max_bad_share": 1.0, "order_id": "o", "category": "kind",
    "known_at": "seen"})
config = config.model_copy(update={"folder": Path(sys.argv[1]) / "grown"})
build_ledger(config, lambda said: die() if said.startswith(step) else None)
"""


@pytest.mark.soak  # By default test_crash.py kills at steps all over, in processes that start faster.
@pytest.mark.parametrize("step", ["sorting", "share_lines", "write_facts", "_seal", "_move"])
def test_a_kill_while_adding_leaves_the_old_ledger_and_the_next_run_needs_no_hand(
    shop: Callable[..., Shop], step: str
) -> None:
    here = shop()
    here.add("1", "a,2024-03-02,1.50,,,")
    old = here.grown()
    here.add("2", "a,2024-03-03,2,,,")
    paths = os.pathsep.join([str(Path(__file__).parents[2] / ".imports"), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", KILLED, str(here.root), step]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": paths}, check=False)
    assert done.returncode == -signal.SIGKILL
    assert open_ledger(_folder(old)).table().num_rows == 1
    ledgers = [f.name for f in _folder(old).parent.iterdir() if f.is_dir() and not f.name.startswith(".")]
    assert ledgers == [_folder(old).name]
    _check_same(here.grown(), here.rebuilt())


def test_a_damaged_ledger_is_nobodys_base(shop: Callable[..., Shop]) -> None:
    here, said = shop(), list[str]()
    here.add("1", "a,2024-03-02,1.50,,,")
    path = _folder(here.grown()) / "purchases.parquet"
    path.write_bytes(path.read_bytes()[:-1])
    here.add("2", "a,2024-03-03,2,,,")
    assert here.grown(said).table().num_rows == 2
    assert not any(s.startswith("adding") for s in said)


def test_a_full_disk_while_adding_is_no_reason_to_read_everything(
    shop: Callable[..., Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    here, said = shop(), list[str]()
    here.add("1", "a,2024-03-02,1.50,,,")
    here.grown()
    here.add("2", "a,2024-03-03,2,,,")
    monkeypatch.setattr(build, "write_facts", full)
    with pytest.raises(RegularsError, match="No space left on device"):
        here.grown(said)
    assert not any("again" in s for s in said)
