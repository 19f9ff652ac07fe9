"""The doctor: it looks at this real machine, and changes nothing on it."""

from collections import namedtuple
from pathlib import Path

import pytest

from aicontainer import doctor, places


def test_it_looks_at_all_that_the_course_needs() -> None:
    names = [finding.name for finding in doctor.examine()]
    assert names == [
        *("Python", "memory", "disk", "Docker", "cgroups", "kind", "kubectl", "ports", "image source"),
    ]


def test_whatever_is_not_enough_says_how_to_mend_it() -> None:
    for finding in doctor.examine():
        assert finding.found
        assert finding.enough or finding.mend


@pytest.mark.parametrize(
    ("version", "enough"),
    [("26.1.5+dfsg1", True), ("20.10.0", True), ("20.9.9", False), ("9.12", False), ("dev", True), ("", True)],
)
def test_an_old_docker_is_told_and_one_without_a_number_does_no_harm(version: str, enough: bool) -> None:
    assert doctor._is_enough(version) is enough


def test_a_full_disk_is_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: usage(10**12, 10**12, 2 * 10**9))
    disk = next(finding for finding in doctor.examine() if finding.name == "disk")
    assert not disk.enough
    assert disk.found.startswith("2 GB free")


def test_a_program_that_does_not_work_is_not_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = places.cache() / "packages" / "programs-x" / "kind"
    broken.parent.mkdir(parents=True)
    broken.write_text("#!/bin/sh\nexit 4\n")
    broken.chmod(0o755)
    kind = next(finding for finding in doctor.examine() if finding.name == "kind")
    assert not kind.enough
    assert "ended with 4" in kind.found
