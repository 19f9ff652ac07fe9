"""What standard clients are told is held against the model's own scores: a single wrong bit makes the tool fail.

The clients themselves take minutes to install; here the standard library asks in their place, from what they are given.
"""

import importlib.util
import json
import sys
import urllib.request
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from aicontainer.learn import data, fit
from aicontainer.serve import process

TOOLS = Path(__file__).parent.parent / "tools"


def _load(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


tool = _load("standard_clients_tool", TOOLS / "standard_clients.py")
asked_module = _load("asked_by_clients", TOOLS / "clients" / "asked.py")


@pytest.fixture
def asked(tmp_path: Path) -> Any:
    tool.write_rows(fit.train(data.load("education"), steps=50), tmp_path)
    return asked_module.Asked("http://nowhere", "education", tmp_path)


@pytest.mark.parametrize("datatype", asked_module.DATATYPES)
def test_the_scores_that_are_wanted_are_those_of_the_server(datatype: str, tmp_path: Path) -> None:
    model = fit.train(data.load("education"), steps=50)
    tool.write_rows(model, tmp_path)
    with process.serving(model.save(tmp_path / "education.json")) as server:
        asked = asked_module.Asked(server.address, model.name, tmp_path)
        rows = asked.rows(datatype)
        tensor = {"name": "rows", "shape": rows.shape, "datatype": datatype, "data": rows.ravel().tolist()}
        body = json.dumps({"inputs": [tensor], "outputs": [{"name": "score"}]}).encode()
        with urllib.request.urlopen(f"{server.address}/v2/models/education/infer", body, timeout=30) as answer:  # noqa: S310
            said = json.load(answer)
    transcript = asked_module.Transcript(asked)
    transcript.scores(datatype, "JSON", np.array(said["outputs"][0]["data"]))
    assert transcript.right


def test_fp32_rows_have_other_scores(asked: Any) -> None:
    assert (asked.scores("FP64") != asked.scores("FP32")).all()


def test_what_is_as_expected_keeps_a_transcript_right(asked: Any, capsys: pytest.CaptureFixture[str]) -> None:
    transcript = asked_module.Transcript(asked)
    transcript.yes("live", True)
    transcript.scores("FP64", "JSON", asked.scores("FP64"))
    transcript.refusal("too few features", ValueError("400"))
    assert transcript.right
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "live: True"
    assert said[1].endswith("same to the last bit: True")
    assert said[2] == "too few features: 400"


def test_one_bit_one_no_and_one_missing_refusal_each_make_it_wrong(asked: Any) -> None:
    near = asked.scores("FP64")
    near[-1] = np.nextafter(near[-1], 0)
    for told in (
        lambda transcript: transcript.scores("FP64", "JSON", near),
        lambda transcript: transcript.scores("FP32", "JSON", asked.scores("FP64")),
        lambda transcript: transcript.yes("ready", False),
        lambda transcript: transcript.refusal("too few features", None),
    ):
        transcript = asked_module.Transcript(asked)
        told(transcript)
        transcript.yes("live", True)  # what comes later does not make it right again
        assert not transcript.right


def test_a_client_whose_script_ends_with_an_error_makes_the_tool_fail(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tool, "SCRIPTS", tmp_path)
    for code in (0, 1):
        (tmp_path / "some_talk.py").write_text(f"raise SystemExit({code})")
        assert tool.talk(Path(sys.executable), "some", "http://nowhere", "education", tmp_path) == (code == 0)


def test_each_client_has_its_script() -> None:
    for name in tool.CLIENTS:
        assert (TOOLS / "clients" / f"{name}_talk.py").is_file()
