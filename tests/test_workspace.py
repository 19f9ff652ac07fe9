"""The learner's working copy: what they changed is never overwritten."""

import json
from pathlib import Path

import nbformat
import pytest

from aicontainer import workspace


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "course").mkdir()
    return tmp_path / "course", tmp_path / "mine"


def put(path: Path, source: str, **metadata: str) -> None:
    cell = nbformat.v4.new_code_cell(source, id="a")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata=metadata), path)


def source(path: Path) -> str:
    return str(nbformat.read(path, as_version=4).cells[0].source)


def done(course: Path, mine: Path) -> list[tuple[str, str]]:
    return [(copied.path.name, copied.done) for copied in workspace.hand_out(course, mine)]


def test_the_first_time_all_are_copied_and_the_second_time_nothing(folders: tuple[Path, Path]) -> None:
    course, mine = folders
    put(course / "01_a.ipynb", "x = 1")
    assert done(course, mine) == [("01_a.ipynb", "copied")]
    assert done(course, mine) == [("01_a.ipynb", "left")]
    assert workspace.first(mine) == mine / "01_a.ipynb"


def test_an_untouched_copy_is_updated(folders: tuple[Path, Path]) -> None:
    course, mine = folders
    put(course / "01_a.ipynb", "x = 1")
    done(course, mine)
    put(mine / "01_a.ipynb", "x = 1", saved_by="JupyterLab")  # opened and saved, not changed
    put(course / "01_a.ipynb", "x = 2")
    assert done(course, mine) == [("01_a.ipynb", "updated")]
    assert source(mine / "01_a.ipynb") == "x = 2"


def test_a_changed_copy_stays_and_its_update_lies_beside(folders: tuple[Path, Path]) -> None:
    course, mine = folders
    put(course / "01_a.ipynb", "x = 1")
    done(course, mine)
    put(mine / "01_a.ipynb", "x = my own")
    assert done(course, mine) == [("01_a.ipynb", "left")]  # no update: nothing to lay beside
    put(course / "01_a.ipynb", "x = 2")
    copied = workspace.hand_out(course, mine)
    assert [(one.path.name, one.done) for one in copied] == [("01_a.new.ipynb", "beside")]
    assert "01_a.new.ipynb" in copied[0].line
    assert source(mine / "01_a.ipynb") == "x = my own"
    assert source(mine / "01_a.new.ipynb") == "x = 2"
    put(course / "01_a.ipynb", "x = 3")
    assert done(course, mine) == [("01_a.new.ipynb", "beside")]
    assert source(mine / "01_a.new.ipynb") == "x = 3"


def test_an_update_in_which_the_learner_works_stays_too(folders: tuple[Path, Path]) -> None:
    course, mine = folders
    put(course / "01_a.ipynb", "x = 1")
    done(course, mine)
    put(mine / "01_a.ipynb", "mine")
    put(course / "01_a.ipynb", "x = 2")
    done(course, mine)
    put(mine / "01_a.new.ipynb", "mine too")
    put(course / "01_a.ipynb", "x = 3")
    assert done(course, mine) == [("01_a.new.ipynb", "left")]
    assert source(mine / "01_a.new.ipynb") == "mine too"


def test_a_copy_of_unknown_origin_counts_as_changed(folders: tuple[Path, Path]) -> None:
    course, mine = folders
    mine.mkdir()
    put(course / "01_a.ipynb", "x = 1")
    (mine / "01_a.ipynb").write_text("no notebook at all")
    assert done(course, mine) == [("01_a.new.ipynb", "beside")]
    assert (mine / "01_a.ipynb").read_text() == "no notebook at all"


@pytest.mark.parametrize("text", [None, "", '{"01_a.ipynb": "4f', "[]", "\udcff"])
def test_a_lost_or_damaged_record_costs_no_work(folders: tuple[Path, Path], text: str | None) -> None:
    course, mine = folders
    put(course / "01_a.ipynb", "x = 1")
    done(course, mine)
    put(mine / "01_a.ipynb", "mine")
    assert json.loads((mine / workspace.RECORD).read_text())
    record = mine / workspace.RECORD
    record.unlink() if text is None else record.write_text(text, encoding="utf-8", errors="surrogateescape")
    assert done(course, mine) == [("01_a.new.ipynb", "beside")]
    assert source(mine / "01_a.ipynb") == "mine"
    assert done(course, mine) == [("01_a.new.ipynb", "left")]  # the record is whole again


def test_the_cases_have_a_folder_of_their_own_and_a_changed_one_stays(folders: tuple[Path, Path]) -> None:
    course, mine = folders
    (course / "cases").mkdir()
    put(course / "01_a.ipynb", "x = 1")
    put(course / "cases" / "01_a.ipynb", "y = 1")  # the same name as another notebook
    assert [copied.path for copied in workspace.hand_out(course, mine)] == [
        mine / "01_a.ipynb",
        mine / "cases" / "01_a.ipynb",
    ]
    put(mine / "cases" / "01_a.ipynb", "y = my own")
    put(course / "cases" / "01_a.ipynb", "y = 2")
    assert done(course, mine) == [("01_a.ipynb", "left"), ("01_a.new.ipynb", "beside")]
    assert source(mine / "cases" / "01_a.ipynb") == "y = my own"
    assert source(mine / "cases" / "01_a.new.ipynb") == "y = 2"
    assert done(course, mine) == [("01_a.ipynb", "left"), ("01_a.new.ipynb", "left")]
