"""The lists of faults and hints, and the notes that they are made from."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner

from aicontainer import places
from aicontainer.exercises.check import Check, right, wrong
from aicontainer.exercises.loss import check_article_gradient

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("faults_tool", ROOT / "tools" / "faults.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """Where this file's tests leave their notes."""
    return tmp_path / "notes"


@pytest.fixture
def logs(notes: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same folder, made, and read by the tool."""
    notes.mkdir()
    monkeypatch.setattr(places, "logs", lambda: notes)
    return notes


def test_a_fault_is_listed_with_its_last_message(tool: ModuleType, logs: Path, record_fault) -> None:
    record_fault("node stopped", "an old message")
    record_fault("disk full", "the disk | is full\n  next: df <-h>")
    record_fault("node stopped", ValueError("it is stopped"))
    said = CliRunner().invoke(tool.main, [])
    assert said.exit_code == 0
    assert said.output.splitlines() == [
        "| fault | message |",
        "| --- | --- |",
        "| disk full | the disk \\| is full<br>next: df &lt;-h> |",
        "| node stopped | it is stopped |",
    ]


def test_every_wrong_answer_is_noted_without_being_asked_for(tool: ModuleType, logs: Path) -> None:
    assert check_article_gradient(lambda X, y, w, b: 3.0).state == "wrong"
    wrong("outside of an exercise")
    right("no hint")
    said = CliRunner().invoke(tool.main, ["--hints"])
    _, _, row = said.output.splitlines()
    assert row.startswith("| loss | test_every_wrong_answer_is_noted_without_being_asked_for |")
    assert "return a pair" in row


def test_two_hints_of_one_test_are_both_listed_and_a_repeated_one_once(tool: ModuleType, logs: Path) -> None:
    notes = [{"exercise": "loss", "test": "t", "hint": hint} for hint in ("b", "a", "b")]
    (logs / "hints.jsonl").write_text("".join(json.dumps(note) + "\n" for note in notes))
    assert tool.hints(logs) == [("loss", "t", "a"), ("loss", "t", "b")]


def test_without_notes_the_next_step_is_named(tool: ModuleType, logs: Path) -> None:
    said = CliRunner().invoke(tool.main, [])
    assert said.exit_code != 0
    assert "make test" in said.output


def test_an_answer_is_the_same_with_its_note() -> None:
    assert Check("wrong", "x") == wrong("x")
    assert repr(wrong("x")) == "wrong: x"
