"""What Docker tells of itself, as three kinds of it tell it; and the cluster's programs."""

from pathlib import Path
from typing import Any

import pytest

from aicontainer.doctor import advice, engine
from aicontainer.errors import EngineUnavailable
from aicontainer.sources.packages import recipe

DEBIAN = {
    "ServerVersion": "26.1.5+dfsg1",
    "OperatingSystem": "Debian GNU/Linux 12 (bookworm)",
    "MemTotal": 8_324_345_856,
    "CgroupVersion": "1",
    "DockerRootDir": "/var/lib/docker",
    "HttpProxy": "",
    "HttpsProxy": "",
}
DESKTOP = {
    "ServerVersion": "28.5.1",
    "OperatingSystem": "Docker Desktop",
    "MemTotal": 2_061_496_320,
    "CgroupVersion": "2",
    "DockerRootDir": "/var/lib/docker",
    "HttpProxy": "http.docker.internal:3128",
    "HttpsProxy": "http.docker.internal:3128",
}
OLD: dict[str, Any] = {"ServerVersion": "19.03.15", "OperatingSystem": "CentOS 7", "MemTotal": 8_000_000_000}


def test_an_engine_of_the_system_is_read_as_it_tells() -> None:
    found = engine.parse(DEBIAN)
    assert (found.version, found.cgroups, found.root, found.https_proxy) == ("26.1.5+dfsg1", "1", "/var/lib/docker", "")
    assert not found.is_desktop


def test_docker_desktop_is_known_and_its_memory_is_its_own() -> None:
    found = engine.parse(DESKTOP)
    assert found.is_desktop
    seen = engine.judge_memory(found)
    assert seen.state == "not enough"
    assert "2.1 GB" in seen.found and "Docker Desktop" in seen.found
    assert engine.judge_memory(engine.parse({**DESKTOP, "MemTotal": 4_109_000_000})).state == "fine"
    assert engine.judge_memory(engine.parse(DEBIAN)).state == "fine"


def test_an_engine_that_leaves_things_out_is_read_too() -> None:
    found = engine.parse(OLD)
    assert (found.cgroups, found.http_proxy) == ("", "")
    assert engine.judge_memory(engine.parse({**OLD, "MemTotal": 0})).state == "not known"
    assert engine.parse({}).version == ""


@pytest.mark.parametrize(
    ("version", "state"),
    [
        *(("26.1.5+dfsg1", "fine"), ("20.10.0", "fine"), ("20.9.9", "not enough"), ("19.03.15", "not enough")),
        *(("9.12", "not enough"), ("dev", "fine"), ("", "fine")),
    ],
)
def test_an_old_docker_is_told_and_one_without_a_number_does_no_harm(version: str, state: str) -> None:
    assert engine.judge_engine(engine.parse({"ServerVersion": version})).state == state


def test_no_engine_and_one_that_refuses_have_different_mends() -> None:
    refused = EngineUnavailable("no Docker Engine answers", seen="PermissionError(13, 'Permission denied')")
    absent = EngineUnavailable("no Docker Engine answers", seen="FileNotFoundError(2, 'No such file or directory')")
    assert engine.judge_refusal(refused).advice == advice.DOCKER_REFUSED
    assert engine.judge_refusal(absent).advice == advice.DOCKER_ABSENT
    assert {engine.judge_refusal(error).state for error in (refused, absent)} == {"not enough"}
    assert "usermod" in advice.DOCKER_REFUSED.on("debian")


@pytest.mark.parametrize(
    ("version", "kubernetes", "state"),
    [
        ("2", "v1.36.0", "fine"),
        ("1", "v1.34.4", "worth knowing"),
        ("1", "v1.35.0", "not enough"),
        ("1", "2.0", "not enough"),
        ("1", "", "worth knowing"),
        ("", "v1.36.0", "not known"),
    ],
)
def test_the_old_cgroups_are_refused_by_a_newer_kubernetes_only(version: str, kubernetes: str, state: str) -> None:
    assert engine.judge_cgroups(version, kubernetes).state == state


def test_the_version_of_cgroups_is_seen_on_the_system_itself(tmp_path: Path) -> None:
    assert engine.cgroups_of_system(tmp_path) == ""
    folder = tmp_path / "sys/fs/cgroup"
    folder.mkdir(parents=True)
    assert engine.cgroups_of_system(tmp_path) == "1"
    (folder / "cgroup.controllers").write_text("cpu memory pids\n")
    assert engine.cgroups_of_system(tmp_path) == "2"


def _program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_a_program_is_told_with_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert engine.program("kind").state == "not enough"
    _program(tmp_path / "bin" / "kind", "#!/bin/sh\necho kind v9\n")
    assert engine.program("kind").found == "kind v9"
    _program(recipe.programs() / "kind", "#!/bin/sh\necho kind v10\n")
    assert engine.program("kind").found == "kind v10"


@pytest.mark.parametrize("text", ["#!/bin/sh\nexit 4\n", "#!/no/such/interpreter\n"])
def test_a_program_that_does_not_work_is_not_enough(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    broken = _program(recipe.programs() / "kind", text)
    seen = engine.program("kind")
    assert seen.state == "not enough"
    assert str(broken) in seen.found
    assert seen.advice == advice.PROGRAM_BROKEN


def test_a_silent_program_is_told_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    _program(recipe.programs() / "kubectl", "#!/bin/sh\n")
    assert "says nothing" in engine.program("kubectl").found
