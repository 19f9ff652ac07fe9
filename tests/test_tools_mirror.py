"""The settings that the mirror writes are those that the registry source and an engine read."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from aicontainer import places
from aicontainer.sources import programs
from aicontainer.sources.official import pins


@pytest.fixture(scope="module")
def mirror() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mirror", places.clone() / "tools" / "mirror.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pins_of_the_mirror_are_read_by_the_source(
    mirror: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "version", lambda path: "v9.9.9")
    pinned = {
        role: f"{repository.removeprefix('library/')}:{tag}@sha256:{'e' * 64}"
        for role, (repository, tag, _) in mirror.OFFICIAL.items()
    }
    mirror.write_settings(tmp_path, pinned, "containerd")
    monkeypatch.setenv(pins.VARIABLE, str(tmp_path / "pins.toml"))
    read = pins.read()
    everything = {**read.images, "node": read.nodes["v9.9.9"]}
    assert {role: f"{pin.repository}:{pin.tag}@{pin.digest}" for role, pin in everything.items()} == pinned
    settings = json.loads((tmp_path / "daemon.json").read_text())
    assert settings["features"]["containerd-snapshotter"] is True
    assert all(str(tmp_path) in settings[key] for key in ("data-root", "exec-root", "pidfile"))


def test_the_mirror_holds_under_official_names_all_that_the_course_pins(mirror: ModuleType) -> None:
    ours = pins.read()
    held = {repository.removeprefix("library/") for repository, _, _ in mirror.OFFICIAL.values()}
    assert held == {pin.repository for pin in (*ours.images.values(), *ours.nodes.values())}
