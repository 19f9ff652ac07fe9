"""The estimate of a learner's time, and that no notebook states another time than it takes."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import nbformat
import pytest

from aicontainer import syllabus

ROOT = Path(__file__).parent.parent
FACTOR = 1.6  # the waiting for a cluster is not in the estimate, and learners differ


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reading_tool", ROOT / "tools" / "reading.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


tool = _load()
NOTEBOOKS = syllabus.listing(ROOT / "notebooks")


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.name)
def test_the_stated_minutes_are_near_the_estimate(notebook: syllabus.Notebook) -> None:
    estimate = tool.reading(notebook.path).minutes
    assert estimate / FACTOR <= notebook.minutes <= estimate * FACTOR, (
        f"states {notebook.minutes}, takes {estimate:.0f}"
    )


def test_words_cells_exercises_and_predictions_are_counted(tmp_path: Path) -> None:
    new = nbformat.v4
    cells = [
        new.new_markdown_cell("# Title\n\nfour more words here"),
        new.new_code_cell("a = 1\nb = 2"),
        new.new_code_cell("my_prediction = None  # a number"),
        new.new_code_cell("mine = None", metadata={"tags": ["stub"]}),
    ]
    path = tmp_path / "01_a.ipynb"
    nbformat.write(new.new_notebook(cells=cells), path)
    found = tool.reading(path)
    assert found == tool.Reading(words=6, cells=3, lines=4, exercises=1, predictions=1)
    assert found.minutes == pytest.approx(6 / 130 + (3 * 15 + 4 * 4) / 60 + 5 + 0.5)
