"""The maintainers' tool for notebooks, on a tiny source."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner

ROOT = Path(__file__).parent.parent

SOURCE = """\
---
kernelspec:
  display_name: Python 3 (ipykernel)
  language: python
  name: python3
aicontainer:
  needs: none
  minutes: 5
---

# Try a thing

```{code-cell} ipython3
print("same")
```

```{code-cell} ipython3
:tags: [stub]

answer = None
```

```{code-cell} ipython3
:tags: [solution]

answer = 42
```

```{code-cell} ipython3
print("same")
```

```{code-cell} ipython3
answer
```
"""


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("notebooks_tool", ROOT / "tools" / "notebooks.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tool = _load()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "01_a.md").write_text(SOURCE)
    return tmp_path


def call(root: Path, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(tool.cli, ["--root", str(root), *words])
    return result.exit_code, result.output


def sources(path: Path) -> list[str]:
    return ["".join(cell["source"]) for cell in json.loads(path.read_text())["cells"]]


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_one_source_makes_two_forms(root: Path) -> None:
    assert call(root, "generate")[0] == 0
    assert "answer = None" in sources(root / "01_a.ipynb")
    assert "answer = 42" not in sources(root / "01_a.ipynb")
    assert "answer = 42" in sources(root / "solutions" / "01_a.ipynb")
    assert "answer = None" not in sources(root / "solutions" / "01_a.ipynb")


def test_cells_keep_their_ids_when_another_comes_before_them(root: Path) -> None:
    def ids() -> dict[str, list[str]]:
        cells = json.loads((root / "01_a.ipynb").read_text())["cells"]
        found: dict[str, list[str]] = {}
        for cell in cells:
            found.setdefault("".join(cell["source"]), []).append(cell["id"])
        return found

    call(root, "generate")
    before = ids()
    assert len({one for several in before.values() for one in several}) == 5  # the repeated cell included
    change(root / "source" / "01_a.md", "# Try a thing\n", "# Try a thing\n\n```{code-cell} ipython3\n1 + 1\n```\n")
    call(root, "generate")
    after = ids()
    assert after.pop("1 + 1")
    assert after == before


def test_executed_twice_the_stored_file_is_the_same_and_in_step(root: Path) -> None:
    call(root, "generate")
    assert call(root, "execute")[0] == 0
    first = (root / "solutions" / "01_a.ipynb").read_bytes()
    assert call(root, "execute", "01", "--form", "solutions")[0] == 0
    assert (root / "solutions" / "01_a.ipynb").read_bytes() == first
    assert call(root, "check") == (0, "1 sources, 0 problems\n")
    stored = json.loads(first)
    assert [c["execution_count"] for c in stored["cells"] if c["cell_type"] == "code"] == [1, 2, 3, 4]
    assert set(stored["metadata"]) == {"aicontainer", "kernelspec", "language_info"}
    assert stored["metadata"]["language_info"] == {"name": "python"}
    assert all(set(cell["metadata"]) <= {"tags"} for cell in stored["cells"])


def test_outputs_outlive_a_change_of_prose_but_not_of_code(root: Path) -> None:
    call(root, "generate")
    call(root, "execute", "--form", "solutions")
    change(root / "source" / "01_a.md", "# Try a thing", "# Try another thing")
    assert "solutions/01_a.ipynb: text updated" in call(root, "generate")[1]
    assert '"42"' in (root / "solutions" / "01_a.ipynb").read_text()
    change(root / "source" / "01_a.md", "answer = 42", "answer = 43")
    call(root, "generate")
    assert '"42"' not in (root / "solutions" / "01_a.ipynb").read_text()


@pytest.fixture
def in_step(root: Path) -> Path:
    call(root, "generate")
    call(root, "execute")
    return root


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("source/01_a.md", "# Try a thing", "# Try another", "cell 1 differs from the source"),
        ("source/01_a.md", "minutes: 5", "minutes: 6", "metadata differs"),
        ("source/01_a.md", "answer = 42", "answer = 43", "solutions/01_a.ipynb: cell 3 differs"),
        ("01_a.ipynb", '"execution_count": 2', '"execution_count": 7', "not run from top to bottom"),
        ("01_a.ipynb", '"execution_count": 4', '"execution_count": null', "not run from top to bottom"),
        ("01_a.ipynb", '"same\\n"', '"/home/someone/x\\n"', "shows a path of the machine"),
        ("01_a.ipynb", '"name": "stdout"', '"name": "stderr"', "wrote to stderr"),
    ],
)
def test_check_finds_drift(in_step: Path, file: str, old: str, new: str, told: str) -> None:
    change(in_step / file, old, new)
    code, said = call(in_step, "check")
    assert code == 1
    assert told in said


def test_check_finds_a_missing_form_and_one_without_a_source(in_step: Path) -> None:
    (in_step / "01_a.ipynb").rename(in_step / "02_b.ipynb")
    said = call(in_step, "check")[1]
    assert "01_a.ipynb: is missing" in said
    assert "02_b.ipynb: has no source" in said


def test_check_finds_a_stored_error(in_step: Path) -> None:
    path = in_step / "01_a.ipynb"
    stored = json.loads(path.read_text())
    stored["cells"][1]["outputs"] = [{"output_type": "error", "ename": "ValueError", "evalue": "", "traceback": []}]
    path.write_text(json.dumps(stored))
    assert "cell 2 holds an error: ValueError" in call(in_step, "check")[1]


def test_a_case_lies_one_folder_deeper_in_each_form_and_is_kept_in_step_too(in_step: Path) -> None:
    (in_step / "source" / "cases").mkdir()
    (in_step / "source" / "cases" / "b.md").write_text(SOURCE)
    assert "cases/b.ipynb: is missing" in call(in_step, "check")[1]
    call(in_step, "generate")
    assert call(in_step, "execute", "b")[0] == 0
    assert call(in_step, "check") == (0, "2 sources, 0 problems\n")
    assert "answer = 42" in sources(in_step / "solutions" / "cases" / "b.ipynb")
    change(in_step / "source" / "cases" / "b.md", "answer = 42", "answer = 43")
    assert "solutions/cases/b.ipynb: cell 3 differs" in call(in_step, "check")[1]
    (in_step / "source" / "cases" / "b.md").unlink()
    assert "cases/b.ipynb: has no source" in call(in_step, "check")[1]
