"""Every notebook has the form that learners know from the others. They are found by listing: none is forgotten."""

import re
from pathlib import Path

import nbformat
import pytest

from aicontainer import syllabus
from aicontainer.learn import data

ROOT = Path(__file__).parent.parent / "notebooks"
SOURCES = syllabus.files(ROOT / "source", ".md")
STORED = [*syllabus.files(ROOT), *syllabus.files(ROOT / "solutions")]
NAMES = sorted(
    {
        path.relative_to(folder).with_suffix("").as_posix()
        for folder, ending in ((ROOT, ".ipynb"), (ROOT / "solutions", ".ipynb"), (ROOT / "source", ".md"))
        for path in syllabus.files(folder, ending)
    }
)
LONGEST_CELL = 15


def _id(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def _prose(path: Path) -> str:
    return "\n\n".join(cell.source for cell in _read(path).cells if cell.cell_type == "markdown")


def test_there_are_notebooks() -> None:
    assert len(NAMES) >= 5


@pytest.mark.parametrize("name", NAMES)
def test_source_and_both_forms_exist(name: str) -> None:
    for path in (ROOT / "source" / f"{name}.md", ROOT / f"{name}.ipynb", ROOT / "solutions" / f"{name}.ipynb"):
        assert path.is_file(), f"{_id(path)} is missing"


@pytest.mark.parametrize("path", STORED, ids=_id)
def test_it_opens_with_title_end_skills_needs_and_time(path: Path) -> None:
    opening = _read(path).cells[0].source
    assert re.match(r"# (\d\d[a-z]?|Case) \S+ \S+", opening)
    for part in ("**At the end you will have**", "**You will be able to**", "**You need**"):
        assert part in opening
    minutes = re.search(r"\*\*Time\*\* (\d+) minutes", opening)
    about = next(notebook for notebook in syllabus.listing(path.parent) if notebook.path == path)
    assert minutes and int(minutes[1]) == about.minutes


@pytest.mark.parametrize("path", STORED, ids=_id)
def test_it_closes_with_what_to_remember_practice_and_clean_up(path: Path) -> None:
    prose = _prose(path)
    for heading in ("What to remember", "In practice", "Clean up"):
        assert re.search(rf"^## {heading}", prose, re.M), heading


@pytest.mark.parametrize("path", STORED, ids=_id)
def test_code_cells_are_short(path: Path) -> None:
    cells = [cell.source for cell in _read(path).cells if cell.cell_type == "code"]
    assert [source for source in cells if len(source.splitlines()) > LONGEST_CELL] == []


@pytest.mark.parametrize("path", STORED, ids=_id)
def test_it_asks_for_a_prediction_and_takes_it_up(path: Path) -> None:
    cells = [cell.source for cell in _read(path).cells if cell.cell_type == "code"]
    asked = [index for index, source in enumerate(cells) if re.match(r"my_prediction = None", source)]
    assert asked
    assert any("my_prediction" in source for source in cells[asked[0] + 1 :])


@pytest.mark.parametrize("path", STORED, ids=_id)
def test_it_has_an_exercise_whose_check_answers(path: Path) -> None:
    notebook = _read(path)
    tag = "solution" if ROOT / "solutions" in path.parents else "stub"
    tagged = [index for index, cell in enumerate(notebook.cells) if tag in cell.metadata.get("tags", [])]
    assert tagged
    later = [cell for cell in notebook.cells[tagged[-1] + 1 :] if cell.cell_type == "code"]
    answers = [output.data["text/plain"] for cell in later for output in cell.outputs if "data" in output]
    expected = "not done yet" if tag == "stub" else "right"
    assert any(answer.startswith(expected) for answer in answers), answers


@pytest.mark.parametrize("path", STORED, ids=_id)
def test_no_widget_leaves_a_text_that_differs_from_run_to_run(path: Path) -> None:
    outputs = [output for cell in _read(path).cells for output in cell.get("outputs", [])]
    texts = [output.data.get("text/plain", "") for output in outputs if "data" in output]
    assert [text for text in texts if re.search(r"\w+\((children|value|layout)=|Output\(\)|HBox|VBox", text)] == []


@pytest.mark.parametrize("name", [name for name in NAMES if re.match(r"0[3-7]b?_", name)])
def test_one_cell_says_which_case_it_is_and_nothing_else_names_a_data_set(name: str) -> None:
    cells = [cell.source for cell in _read(ROOT / "solutions" / f"{name}.ipynb").cells if cell.cell_type == "code"]
    assert cells.count('case = "education"') == 1
    others = [source for source in cells[: cells.index('case = "education"')] if "case" in source]
    rest = [source for source in cells if source != 'case = "education"']
    named = [source for source in rest if re.search(f"[\"']({'|'.join(data.NAMES)})[\"']", source)]
    assert (others, named) == ([], [])
    assert not [source for source in rest if re.search(r"ensure_model\(\)|mean_squared_error", source)]
