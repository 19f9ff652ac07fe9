"""The machine itself: the limits between the states, from plain values and a /proc of our own."""

from collections import namedtuple
from pathlib import Path

import pytest

from aicontainer.doctor import machine

Usage = namedtuple("Usage", "total used free")


@pytest.mark.parametrize(
    ("version", "state"), [((3, 10, 14), "not enough"), ((3, 11, 0), "fine"), ((3, 13, 1), "fine"), ((4, 0, 0), "fine")]
)
def test_an_old_python_is_not_enough(version: tuple[int, int, int], state: str) -> None:
    assert machine.python(version).state == state


@pytest.mark.parametrize(("gigabytes", "state"), [(2.1, "not enough"), (3.4, "not enough"), (4.1, "fine")])
def test_memory_is_judged_in_gigabytes(gigabytes: float, state: str) -> None:
    seen = machine.judge_memory(int(gigabytes * 10**9))
    assert (seen.state, seen.found.startswith(f"{gigabytes} GB")) == (state, True)


@pytest.mark.parametrize(
    ("instances", "watches", "state"),
    [
        (64, 524288, "not enough"),
        (128, 4096, "not enough"),
        (128, 524288, "worth knowing"),
        (512, 8192, "worth knowing"),
        (512, 524288, "fine"),
    ],
)
def test_inotify_limits_are_read_and_judged(tmp_path: Path, instances: int, watches: int, state: str) -> None:
    folder = tmp_path / "proc/sys/fs/inotify"
    folder.mkdir(parents=True)
    (folder / "max_user_instances").write_text(f"{instances}\n")
    (folder / "max_user_watches").write_text(f"{watches}\n")
    seen = machine.inotify(tmp_path)
    assert seen.state == state
    assert str(instances) in seen.found and str(watches) in seen.found


def test_where_there_is_no_inotify_nothing_is_wrong(tmp_path: Path) -> None:
    assert machine.inotify(tmp_path).state == "fine"


@pytest.mark.parametrize(
    ("free", "for_images", "state"),
    [(2, 0.0, "not enough"), (4, 0.0, "fine"), (4, 2.5, "fine"), (8, 10.0, "not enough"), (11, 10.0, "fine")],
)
def test_more_room_is_asked_for_only_where_images_are_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, for_images: float, state: str
) -> None:
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda path: Usage(10**12, 10**12, free * 10**9))
    seen = machine.disk([tmp_path / "not" / "yet"], for_images)
    assert seen.state == state
    assert str(tmp_path) in seen.found and "not" not in seen.found.split(str(tmp_path))[1].split(",")[0]


def test_the_fullest_of_several_disks_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = tmp_path / "docker"
    full.mkdir()
    monkeypatch.setattr(
        machine.shutil, "disk_usage", lambda path: Usage(10**12, 0, (1 if Path(path) == full else 90) * 10**9)
    )
    seen = machine.disk([tmp_path, full], 0.0)
    assert (seen.state, str(full) in seen.found) == ("not enough", True)
