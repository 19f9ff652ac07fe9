"""The doctor as a whole: it looks at this real machine, and changes nothing on it."""

import socket
import tempfile
import threading
import time
from pathlib import Path
from typing import NoReturn

import pytest

from aicontainer import places
from aicontainer.doctor import advice, looks
from aicontainer.doctor.findings import Seen
from aicontainer.doctor.looks import Look
from aicontainer.errors import EngineUnavailable


def test_it_looks_at_all_that_the_course_needs() -> None:
    assert [finding.name for finding in looks.examine()] == [
        *("system", "Python", "memory", "disk", "inotify", "Docker", "Docker's memory", "cgroups", "kind", "kubectl"),
        *("ports", "proxies", "TLS", "image source"),
    ]


def test_every_finding_says_what_was_found_and_what_mends_it() -> None:
    findings = looks.examine()
    assert [finding.name for finding in findings if not finding.found or not finding.mend] == []


def test_it_leaves_nothing_behind() -> None:
    looks.examine()
    assert not places.cache().exists()
    assert not places.work().exists()


def _only(monkeypatch: pytest.MonkeyPatch, *sees: object) -> None:
    listed = tuple(Look(f"look {number}", advice.DISK, see) for number, see in enumerate(sees))  # type: ignore[arg-type]
    monkeypatch.setattr(looks, "LOOKS", listed)


def test_a_look_without_end_holds_up_nobody_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()
    _only(monkeypatch, lambda here: never.wait(300), lambda here: Seen("quick"))
    began = time.monotonic()
    slow, quick = looks.examine(limit=5.0)
    assert time.monotonic() - began < 100
    never.set()
    assert (slow.state, slow.enough) == ("not known", True)
    assert "no answer" in slow.found
    assert quick.found == "quick"


def test_a_look_that_stumbles_says_over_what(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumbles(here: looks.Here) -> NoReturn:
        raise ValueError("line 3 is no number")

    def refused(here: looks.Here) -> NoReturn:
        raise EngineUnavailable("no engine answers", seen="refused")

    _only(monkeypatch, stumbles, refused)
    first, second = looks.examine()
    assert first.state == second.state == "not known"
    assert "line 3" in first.found and second.found == "no engine answers: refused"
    assert first.mend and second.mend


def test_an_engine_that_takes_the_question_and_never_answers_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX) as silent:  # a socket's path has a limit
        silent.bind(f"{short}/docker.sock")
        silent.listen()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{short}/docker.sock")
        found = {finding.name: finding for finding in looks.examine(limit=15.0)}
    assert found["Docker"].state == "not enough"
    assert "no answer" in found["Docker"].found
    assert found["Docker's memory"].state == "not known"
    assert found["disk"].state != "not known"  # what can do without an engine is not held up


def test_without_any_source_the_reasons_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AICONTAINER_SOURCE", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))  # neither kind nor kubectl nor apt-get
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    found = {finding.name: finding for finding in looks.examine()}
    for name in ("Docker", "kind", "kubectl", "image source"):
        assert found[name].state == "not enough", name
    assert "registry: no Docker Engine answers" in found["image source"].found
    assert "packages: " in found["image source"].found
    assert found["Docker's memory"].state == "not known"
    assert found["Python"].state == "fine"
