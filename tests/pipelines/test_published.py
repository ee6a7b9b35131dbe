"""Published scores: whole runs, links that lead to the newest, and what a killed writer or a tamperer leaves."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from contextvars import Context
from pathlib import Path

import pytest

from regulars.clock import Cutoff
from regulars.disk.whole import TEMPORARY
from regulars.errors import Busy, StorageError
from regulars.pipelines.published import CSV, FACTS, LATEST, MANIFEST, RUNS, SCORES, Book, Run


def run_of(book: Book, day: str, version: str = "1", key: str = "0000000a", text: str = "x") -> Run:
    """A run of three small files, with its links."""
    name = f"{day}-v{version}-{key}"
    with book.filling(name) as place:
        (place / SCORES).write_text(text)
        (place / CSV).write_text(text)
        (place / FACTS).write_text(json.dumps({"as_of": day, "model": {"run_id": f"run of {version}"}}))
    run = Run(book.folder / RUNS / name)
    book.point(run)
    return run


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path / "scores")


def test_nothing_is_published_in_a_folder_that_is_not_there(book: Book) -> None:
    assert (book.runs(), book.published(), book.latest, book.of("2024-01-01")) == ((), (), None, None)


def test_a_run_says_its_day_its_version_and_who_trained_it(book: Book) -> None:
    run = run_of(book, "2024-01-08", "12", "0123abcd")
    assert (run.name, run.as_of, run.version) == ("2024-01-08-v12-0123abcd", Cutoff.parse("2024-01-08"), "12")
    assert run.run_id == "run of 12"
    assert run.verified() is run
    assert sorted(json.loads(run.path(MANIFEST).read_text())) == [FACTS, CSV, SCORES]


def test_links_lead_to_the_newest_run_of_a_day_and_of_all(book: Book) -> None:
    first, second = run_of(book, "2024-01-01"), run_of(book, "2024-01-08")
    again = run_of(book, "2024-01-01", "2", "0000000b")
    assert book.published() == (again, second)
    assert book.runs() == (first, again, second)
    assert (book.latest, book.of("2024-01-01"), book.of(Cutoff.parse("2024-01-08"))) == (second, again, second)
    # An earlier day that is scored later leaves `latest` where it is; the same day scored again moves it.
    assert (book.folder / LATEST).readlink() == Path(RUNS) / second.name
    newer = run_of(book, "2024-01-08", "2", "0000000c")
    assert book.latest == newer
    assert (book.folder / LATEST / SCORES).read_text() == "x"


def test_the_run_before_a_day_is_the_newest_of_the_last_earlier_day(book: Book) -> None:
    first, second = run_of(book, "2024-01-01"), run_of(book, "2024-01-08")
    days = ("2024-01-01", "2024-01-02", "2024-01-08", "2024-01-09")
    assert [book.before(Cutoff.parse(day)) for day in days] == [None, first, first, second]


def test_pointing_again_moves_nothing_and_pointing_back_moves_the_day(book: Book) -> None:
    old = run_of(book, "2024-01-01")
    new = run_of(book, "2024-01-01", "2", "0000000b")
    assert (book.point(new), book.latest) == (False, new)
    # After a rollback the older version speaks again.
    assert (book.point(old), book.latest, book.of("2024-01-01")) == (True, old, old)


def test_runs_of_days_before_one_go_with_their_links_but_for_the_one_that_is_spared(book: Book) -> None:
    days = ("2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04")
    first, _, third, fourth = (run_of(book, day) for day in days)
    again = run_of(book, "2024-01-01", "2", "0000000b")
    # Before the 3rd: both runs of the 1st and that of the 2nd; the newer of the 1st is spared, and its link with it.
    assert book.drop_before(Cutoff.parse("2024-01-03"), but=again) == 2
    assert book.runs() == book.published() == (again, third, fourth)
    assert book.latest == fourth
    assert not first.folder.exists()
    assert sorted(p.name for p in book.folder.iterdir()) == ["2024-01-01", "2024-01-03", "2024-01-04", LATEST, RUNS]
    assert book.drop_before(Cutoff.parse("2024-01-01")) == 0


def test_everything_is_for_its_owner_alone(book: Book) -> None:
    run_of(book, "2024-01-01")
    there = [p for p in (book.folder, *book.folder.rglob("*")) if not p.is_symlink()]
    modes = {p.name: oct(stat.S_IMODE(p.stat().st_mode)) for p in there}
    assert set(modes.values()) == {"0o700", "0o600"}
    assert {name for name, mode in modes.items() if mode == "0o700"} == {"scores", RUNS, "2024-01-01-v1-0000000a"}


def _flipped(run: Run) -> None:
    run.path(SCORES).write_bytes(b"y")


def _gone(run: Run) -> None:
    run.path(CSV).unlink()


def _added(run: Run) -> None:
    run.path("more.csv").write_text("x")


def _linked(run: Run) -> None:
    run.path(CSV).rename(run.folder.parent / "elsewhere")
    run.path(CSV).symlink_to(run.folder.parent / "elsewhere")


def _unlisted(run: Run) -> None:
    run.path(MANIFEST).write_text(json.dumps({FACTS: json.loads(run.path(MANIFEST).read_text())[FACTS]}))


@pytest.mark.parametrize(
    ("tamper", "found"),
    [(_flipped, SCORES), (_gone, CSV), (_added, "more.csv"), (_linked, CSV), (_unlisted, MANIFEST)],
)
def test_a_run_that_was_changed_is_refused_and_says_what(book: Book, tamper: Callable[[Run], None], found: str) -> None:
    run = run_of(book, "2024-01-01")
    tamper(run)
    assert run.differences() == (found,)
    with pytest.raises(StorageError, match="is not as it was published") as refused:
        run.verified()
    assert (refused.value.code, refused.value.offending, refused.value.exit_code) == ("RG331", (found,), 74)


def test_a_run_whose_facts_are_gone_says_so_and_a_foreign_folder_is_no_run(book: Book) -> None:
    run = run_of(book, "2024-01-01")
    run.path(FACTS).unlink()
    with pytest.raises(StorageError, match="cannot be read") as refused:
        _ = run.facts
    assert refused.value.code == "RG330"
    with pytest.raises(StorageError, match="is no run of scores"):
        _ = Run(book.folder).as_of
    (book.folder / RUNS / "notes").mkdir()
    assert book.runs() == (run,)


def test_a_link_to_nothing_or_out_of_the_folder_is_no_run(book: Book, tmp_path: Path) -> None:
    run = run_of(book, "2024-01-01")
    outside = Book(tmp_path / "other")
    foreign = run_of(outside, "2024-01-02")
    (book.folder / "2024-01-02").symlink_to(foreign.folder)
    (book.folder / "2024-01-03").symlink_to(Path(RUNS) / "2024-01-03-v1-00000000")
    assert book.published() == (run,)
    assert [book.of(day) for day in ("2024-01-02", "2024-01-03", "../other/2024-01-02")] == [None, None, None]


def test_what_a_killed_writer_left_is_no_run_and_is_gone_when_the_next_one_writes(book: Book) -> None:
    run = run_of(book, "2024-01-01")
    left = book.folder / RUNS / f"{TEMPORARY}2024-01-02-v1-00000000-abc"
    left.mkdir()
    (left / SCORES).write_text("half")
    (book.folder / f"{TEMPORARY}latest-1234").symlink_to(RUNS)
    assert (book.runs(), book.published()) == ((run,), (run,))
    with book.writing("a test"):
        assert not [p for p in book.folder.rglob("*") if p.name.startswith(TEMPORARY)]


def test_a_writer_that_fails_leaves_nothing(book: Book) -> None:
    def stopped() -> None:
        with book.filling("2024-01-01-v1-0000000a") as place:
            (place / SCORES).write_text("half")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        stopped()
    assert list((book.folder / RUNS).iterdir()) == []


def test_only_one_writes_at_a_time(book: Book) -> None:
    def elsewhere() -> None:
        with book.writing("another test"):
            pass

    with book.writing("a test"), pytest.raises(Busy, match="a test"):
        Context().run(elsewhere)


def test_a_file_in_the_place_of_a_link_is_not_overwritten_by_half(book: Book) -> None:
    run = run_of(book, "2024-01-01")
    (book.folder / "2024-01-02").mkdir()
    (book.folder / "2024-01-02" / "mine.txt").write_text("kept")
    with pytest.raises(StorageError, match="cannot be pointed") as refused:
        run_of(book, "2024-01-02")
    assert refused.value.code == "RG332"
    assert book.latest == run
    assert (book.folder / "2024-01-02" / "mine.txt").read_text() == "kept"
