"""Feature families in files of the user's own: how they are found, run, checked and told wrong."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from regulars.errors import ConfigError
from regulars.features import family as catalogue
from regulars.features.family import Feature, families, plan_for
from regulars.features.modules import Source, register, register_sources, sources_of, unfit_for, user_families
from regulars.features.shape import Shape

Write = Callable[..., str]

HEAD = """import numpy as np
from regulars import Feature, family

"""
GOOD = (
    HEAD
    + """@family("mine")
def mine(past, reference):
    yield Feature("orders_45d", "orders", "purchases of the last 45 days", past.last(45).sum("purchase"), "not covered")
"""
)


@pytest.fixture(autouse=True)
def _own_catalogue() -> Iterator[None]:
    """Families that a test registers are gone after it."""
    families()
    before = dict(catalogue._REGISTERED)
    yield
    catalogue._REGISTERED.clear()
    catalogue._REGISTERED.update(before)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file of features and gives its path."""

    def file(text: str, name: str = "mine.py") -> str:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return str(tmp_path / name)

    return file


def refused(*files: str) -> str:
    with pytest.raises(ConfigError) as caught:
        register(files)
    return str(caught.value)


def test_a_family_of_a_file_of_ones_own_comes_after_ours(write: Write) -> None:
    assert register([write(GOOD)]) == ("mine",)
    assert [f.name for f in user_families()] == ["mine"]
    plan = plan_for(Shape())
    assert plan.names[-1] == "orders_45d"
    assert plan.entries[-1].family == "mine"
    assert 45 in plan.offsets


def test_a_family_that_is_off_by_default_is_used_when_asked_for(write: Write) -> None:
    register([write(GOOD.replace('"mine")', '"mine", default=False)'))])
    assert "orders_45d" not in plan_for(Shape()).names
    assert plan_for(Shape(families=("mine",))).names == ("orders_45d",)


def test_a_file_is_run_once(write: Write, tmp_path: Path) -> None:
    file = write(GOOD + f'with open({str(tmp_path / "runs")!r}, "a") as file:\n    file.write("run ")\n')
    register([file])
    register([file])
    plan_for(Shape())
    assert (tmp_path / "runs").read_text() == "run "


def test_an_edited_file_replaces_what_it_was(write: Write) -> None:
    register([write(GOOD)])
    register([write(GOOD.replace("45", "46"))])
    assert plan_for(Shape(families=("mine",))).names == ("orders_46d",)


def test_of_two_configurations_each_gets_its_own_families(write: Write) -> None:
    register([write(GOOD)])
    register([write(GOOD.replace("mine", "other").replace("45", "46"), "other.py")])
    names = plan_for(Shape()).names
    assert "orders_46d" in names
    assert "orders_45d" not in names
    # By its name the first is still known: a model that was trained with it can go on.
    assert plan_for(Shape(families=("mine",))).names == ("orders_45d",)
    register([])
    assert "orders_46d" not in plan_for(Shape()).names


def test_a_family_is_found_again_in_another_process(write: Write) -> None:
    register([write(GOOD)])
    (mine,) = families(["mine"])
    sent = pickle.dumps(mine)
    Path(write("")).unlink()
    assert pickle.loads(sent) == mine
    # From text alone, as it travels with a model.
    catalogue._REGISTERED.pop("mine")
    assert register_sources([Source("mine.py", GOOD)]) == ("mine",)
    assert plan_for(Shape(families=("mine",))).names == ("orders_45d",)


def test_sources_are_the_text_of_the_files(write: Write) -> None:
    file = write(GOOD)
    assert sources_of([file]) == (Source(file, GOOD),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\ny = (\n", "mine.py, line 2 (`y = (`): SyntaxError"),
        ("x = 1\n1 / 0\n", "mine.py, line 2 (`1 / 0`): ZeroDivisionError"),
        ("import neighbour\n", "stands alone"),
        ("raise SystemExit(3)\n", "line 1"),
        ("x = 1\n", "RG035.*registers no feature family"),
        (GOOD.replace('"mine"', '"rfm"'), "RG030.*line 4.*already a feature family `rfm`"),
    ],
)
def test_a_broken_file_is_told_with_its_line(write: Write, text: str, said: str) -> None:
    message = refused(write(text))
    assert all(part in message for part in said.split(".*"))
    assert not user_families()


def test_a_missing_file_and_one_that_is_no_text_are_told(write: Write, tmp_path: Path) -> None:
    assert "there is no file" in refused(str(tmp_path / "nowhere.py"))
    (tmp_path / "bytes.py").write_bytes(b"\xff\xfe")
    assert "cannot be read" in refused(str(tmp_path / "bytes.py"))


def test_two_files_cannot_have_a_family_of_the_same_name(write: Write) -> None:
    assert "a family `mine`, as another file does" in refused(write(GOOD), write(GOOD, "again.py"))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("x = 1 / 0", "line 6 (`x = 1 / 0`): ZeroDivisionError"),
        ('past.all().sum("purchse")', "did you mean `purchase`"),
        ('past.history.lines.money["zzz"]', "past.has(column)"),
        ("yield 3", "int was yielded"),
        ('yield Feature("a b", "unit", "meaning", np.zeros(past.n_rows))', "'a b' is no name"),
        ('yield Feature("cutoff", "unit", "meaning", np.zeros(past.n_rows))', "'cutoff' is no name"),
        ('yield Feature("a", "", "meaning", np.zeros(past.n_rows))', "lacks a unit"),
        ('yield Feature("a", "unit", "meaning", 3.0)', "values as float"),
        ('yield Feature("a", "unit", "meaning", np.zeros(past.n_rows, object))', "values of type object"),
        ('yield Feature("a", "unit", "meaning", np.zeros(past.n_rows + 1))', "shape (1,) for 0 rows"),
        ("return", ""),
    ],
)
def test_a_family_that_stops_is_told_with_its_line(write: Write, line: str, said: str) -> None:
    text = HEAD + f'@family("mine")\ndef mine(past, reference):\n    {line}\n    yield from ()\n'
    register([write(text)])
    if not said:
        assert plan_for(Shape(families=("mine",))).names == ()
        return
    with pytest.raises(ConfigError) as caught:
        plan_for(Shape(families=("mine",)))
    assert said in str(caught.value)
    assert "mine.py" in str(caught.value)
    assert "`mine`" in str(caught.value)


def test_an_infinite_value_is_refused_and_a_missing_one_is_not() -> None:
    assert unfit_for(Feature("a", "unit", "meaning", np.array([1.0, np.nan])), 2) == ""
    assert "infinite for 1 of 2 rows" in unfit_for(Feature("a", "unit", "meaning", np.array([1.0, np.inf])), 2)
