"""The course with another case than the default: one cell is changed, and every notebook that has it runs all the same.

Runs the solved forms, so that the exercises' checks speak of that case too, each case in a working copy of its own.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from aicontainer import places, runner, syllabus, thread
from aicontainer.learn import fit
from aicontainer.syllabus import Notebook

pytestmark = pytest.mark.long

CHOICE = f'case = "{fit.DEFAULT}"'
CHECKED = ("right: ", "wrong: ", "not done yet: ")
SAID = ("True", "False")


def _having_the_choice() -> Iterator[Notebook]:
    for notebook in syllabus.solutions():
        if any(cell.source == CHOICE for cell in syllabus.read(notebook.path).cells):
            yield notebook


NOTEBOOKS = tuple(_having_the_choice())
ALL_THE_WAY = "finance"  # ten minutes a case: the others end before the cluster, where unit tests speak for them
RUNS = [
    pytest.param(case, notebook, id=f"{case}-{notebook.name}")
    for case in fit.RECIPES
    for notebook in NOTEBOOKS
    if case == ALL_THE_WAY or (case != fit.DEFAULT and notebook.needs != "cluster")
]


def chosen(notebook: Notebook, case: str) -> Any:
    """The content of a notebook in which just that one cell is another."""
    content = syllabus.read(notebook.path)
    (cell,) = [each for each in content.cells if each.source == CHOICE]
    cell.source = f'case = "{case}"'
    return content


def lines(content: Any) -> Iterator[tuple[int, str]]:
    """Each line of the outputs, with the number of its cell."""
    for number, cell in enumerate(content.cells, 1):
        for output in cell.get("outputs", []):
            text = output.get("text") or output.get("data", {}).get("text/plain", "")
            yield from ((number, line) for line in text.splitlines())


def checked(content: Any) -> list[tuple[int, str]]:
    """What the exercises' checks answered."""
    return [(number, line) for number, line in lines(content) if line.startswith(CHECKED)]


def verdicts(content: Any) -> list[tuple[int, str]]:
    """The cells that say of something whether it is so, and their last word on it: the lesson, in every case."""
    return [(number, line.split()[-1]) for number, line in lines(content) if line.endswith(SAID)]


def test_it_is_the_notebooks_from_03_on_that_have_the_one_cell() -> None:
    assert [each.name.split("_")[0] for each in NOTEBOOKS] == ["03", "03b", "04", "05", "06", "07"]


@pytest.mark.parametrize(("case", "notebook"), RUNS)
def test_one_changed_cell_is_all_it_takes(
    case: str,
    notebook: Notebook,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    if notebook.needs != "none":
        request.getfixturevalue(notebook.needs)
    monkeypatch.setenv(places.WORK_VARIABLE, str(tmp_path_factory.getbasetemp() / case))
    content = chosen(notebook, case)
    runner.execute(content, notebook.name)
    stored = syllabus.read(notebook.path)
    assert [said for said in checked(content) if not said[1].startswith("right")] == []
    assert [number for number, _ in checked(content)] == [number for number, _ in checked(stored)]
    assert verdicts(content) == verdicts(stored)
    assert all(row.same for row in thread.table().rows if row.stage == notebook.name)
