import io
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from aicontainer import model
from aicontainer.errors import InputError, MachineError, ModelFileError
from aicontainer.learn import data, fit
from aicontainer.serve import shelf


@pytest.fixture(scope="module")
def trained() -> model.Model:
    return fit.train(data.load("education"), steps=3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


def as_bytes(given: model.Model, tmp_path: Path) -> bytes:
    return given.save(tmp_path / "given.json").read_bytes()


def test_what_is_placed_is_what_the_server_reads(trained: model.Model, folder: Path, tmp_path: Path) -> None:
    content = as_bytes(trained, tmp_path)
    assert shelf.place(folder, content) == shelf.Entry("1", "education", trained.digest)
    assert (folder / "1.json").read_bytes() == content
    assert model.load(folder / "1.json").digest == trained.digest
    assert [path.name for path in folder.iterdir()] == ["1.json"]
    assert (folder / "1.json").stat().st_mode & 0o444 == 0o444


def test_a_version_never_changes_and_the_same_content_is_no_change(
    trained: model.Model, folder: Path, tmp_path: Path
) -> None:
    content = as_bytes(trained, tmp_path)
    shelf.place(folder, content)
    shelf.place(folder, content)
    other = replace(trained, bias=0.0)
    with pytest.raises(InputError) as caught:
        shelf.place(folder, as_bytes(other, tmp_path))
    assert trained.digest in caught.value.seen
    assert other.digest in caught.value.seen
    assert (folder / "1.json").read_bytes() == content


def test_a_damaged_file_is_told_and_may_be_written_over(trained: model.Model, folder: Path, tmp_path: Path) -> None:
    content = as_bytes(trained, tmp_path)
    shelf.place(folder, content)
    path = folder / "1.json"
    path.write_text(path.read_text().replace('"bias": ', '"bias": 1'))
    (found,) = shelf.entries(folder)
    assert "1.json was changed" in found.problem
    assert shelf.place(folder, content).problem == ""
    assert path.read_bytes() == content


def test_a_file_under_another_versions_name_is_a_problem(trained: model.Model, folder: Path, tmp_path: Path) -> None:
    (folder / "2.json").write_bytes(as_bytes(trained, tmp_path))
    (found,) = shelf.entries(folder)
    assert "holds version 1" in found.problem


def test_what_is_no_whole_model_leaves_the_shelf_as_it_was(trained: model.Model, folder: Path, tmp_path: Path) -> None:
    for content in (b"", b"{}", as_bytes(trained, tmp_path)[:-40]):
        with pytest.raises(ModelFileError):
            shelf.place(folder, content)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("version", ["", "../1", ".hidden", "a/b", "a b", "x" * 64, "1\n", "$(HOME)"])
def test_a_version_that_is_no_file_name_is_refused(
    version: str, trained: model.Model, folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError):
        shelf.place(folder, as_bytes(replace(trained, version=version), tmp_path))
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("version", ["1", "1-shifted", "2026.11_a", "x" * 63])
def test_usual_names_of_versions_are_taken(version: str) -> None:
    assert shelf.check_version(version) == version


def test_a_shelf_that_is_not_there_is_told(trained: model.Model, tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="nowhere"):
        shelf.place(tmp_path / "nowhere", as_bytes(trained, tmp_path))


def test_the_images_own_model_fills_an_empty_shelf_and_mends_a_damaged_file_only(
    trained: model.Model, folder: Path, tmp_path: Path
) -> None:
    own = trained.save(tmp_path / "own.json")
    environment = {"SHELF": str(folder), "MODEL_FILE": str(own)}
    shelf.run(["seed"], environment, io.BytesIO())
    assert [each.digest for each in shelf.entries(folder)] == [trained.digest]
    (folder / "1.json").write_text("{")
    shelf.run(["seed"], environment, io.BytesIO())
    assert [each.digest for each in shelf.entries(folder)] == [trained.digest]
    other = replace(trained, bias=0.0)
    other.save(folder / "1.json")
    shelf.run(["seed"], environment, io.BytesIO())
    assert [each.digest for each in shelf.entries(folder)] == [other.digest]


def test_the_command_line_takes_as_many_bytes_as_it_is_told(trained: model.Model, folder: Path, tmp_path: Path) -> None:
    content, environment = as_bytes(trained, tmp_path), {"SHELF": str(folder)}
    with pytest.raises(ModelFileError, match="whole"):
        shelf.run(["place", str(len(content) + 1)], environment, io.BytesIO(content))
    placed = json.loads(shelf.run(["place", str(len(content))], environment, io.BytesIO(content + b"more")))
    assert [placed] == json.loads(shelf.run(["list"], environment, io.BytesIO()))
    assert placed["digest"] == trained.digest


@pytest.mark.parametrize(
    "words", [[], ["place"], ["place", "many"], ["place", str(shelf.LARGEST + 1)], ["remove", "1"]]
)
def test_a_command_line_that_makes_no_sense_is_refused(words: list[str], folder: Path) -> None:
    with pytest.raises(InputError):
        shelf.run(words, {"SHELF": str(folder)}, io.BytesIO())


def test_as_a_program_it_tells_a_refusal_in_one_message_and_keeps_still_until_it_is_ended(folder: Path) -> None:
    environment = {**os.environ, "SHELF": str(folder)}
    program = [sys.executable, "-m", "aicontainer.serve.shelf"]
    refused = subprocess.run([*program, "nonsense"], env=environment, capture_output=True, text=True)
    assert refused.returncode == InputError.exit_code
    assert "seed, keep, list, place" in refused.stderr
    assert "Traceback" not in refused.stderr
    kept = subprocess.Popen([*program, "keep"], env=environment)
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            kept.wait(timeout=3)
        kept.send_signal(signal.SIGTERM)
        assert kept.wait(timeout=60) in (0, -signal.SIGTERM)
    finally:
        kept.kill()
