"""The doctor as a whole: it looks at this real machine, and changes nothing on it."""

import threading
import time
from concurrent.futures import Future
from pathlib import Path
from typing import NoReturn

import pytest

from aicontainer import places
from aicontainer.doctor import advice, looks
from aicontainer.doctor.findings import Advice, Seen
from aicontainer.doctor.looks import Look
from aicontainer.errors import EngineUnavailable

FAMILIES = ("debian", "fedora", "macos", "windows", "other")
ADVICE = {name: value for name, value in vars(advice).items() if isinstance(value, Advice)}


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


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", ADVICE)
def test_there_is_a_mend_for_each_thing_on_each_system(name: str, family: str) -> None:
    text = ADVICE[name].on(family)  # type: ignore[arg-type]
    assert len(text.split()) >= 3
    assert text[0].islower() or text.startswith("Docker")


def test_every_look_has_a_mend_that_is_listed_as_one() -> None:
    assert [look.name for look in looks.LOOKS if look.advice not in ADVICE.values()] == []


def test_a_command_of_one_system_is_not_given_on_another() -> None:
    for name, text in ADVICE.items():
        for family, foreign in (
            ("debian", ("dnf", "brew", "wsl --", "grubby", "update-ca-trust")),
            ("fedora", ("apt-get", "brew", "wsl --", "update-grub", "update-ca-certificates")),
            ("macos", ("apt-get", "dnf", "wsl --", "systemctl", "sysctl", "/proc")),
            ("windows", ("dnf", "brew", "systemctl")),
        ):
            found = [word for word in foreign if word in text.on(family)]  # type: ignore[arg-type]
            assert not found, f"{name} on {family}: {found}"


def _only(monkeypatch: pytest.MonkeyPatch, *sees: object) -> None:
    listed = tuple(Look(f"look {number}", advice.DISK, see) for number, see in enumerate(sees))  # type: ignore[arg-type]
    monkeypatch.setattr(looks, "LOOKS", listed)


def test_a_look_without_end_holds_up_nobody_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()
    _only(monkeypatch, lambda here: never.wait(300), lambda here: Seen("quick"))
    began = time.monotonic()
    slow, quick = looks.examine(limit=1.0)
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


def _here(engine: "Future[looks.Engine]", choice: "Future[looks.Choice]") -> looks.Here:
    return looks.Here(looks.system.find(), {}, engine, choice, 1.0)


def test_what_can_do_without_engine_and_source_is_told_without_them() -> None:
    here = _here(Future(), Future())  # neither ever answers
    assert here.engine_if_any() is None
    assert here.gigabytes_for_images() == 0.0
    disk = next(look for look in looks.LOOKS if look.name == "disk")
    assert "GB free" in disk.see(here).found


def test_without_any_source_the_reasons_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # neither kind nor kubectl nor apt-get
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    found = {finding.name: finding for finding in looks.examine()}
    for name in ("Docker", "kind", "kubectl", "image source"):
        assert found[name].state == "not enough", name
    assert "kind" in found["image source"].found
    assert found["Docker's memory"].state == "not known"
    assert found["Python"].state == "fine"
