"""Building beside and renaming, and what is left behind; the builds themselves run in tests/cluster through ``up``."""

from pathlib import Path

import pytest

from aicontainer.errors import MachineError
from aicontainer.events import Event
from aicontainer.sources.packages import build, fetching, recipe


def test_what_is_whole_is_not_built_again() -> None:
    recipe.programs().mkdir(parents=True)
    for root in recipe.ROOTS:
        root.archive.touch()
    events: list[Event] = []
    build.programs(events.append)
    build.roots(events.append)
    assert [event.kind for event in events] == ["found"] * 4


def test_a_half_built_program_is_not_taken_for_a_whole_one(monkeypatch: pytest.MonkeyPatch) -> None:
    half = recipe.programs().with_name(recipe.programs().name + ".partial")
    half.mkdir(parents=True)
    (half / "program").write_text("half of it")
    assert not recipe.programs().exists()

    class Needed(Exception):
        pass

    def go() -> Path:
        raise Needed

    monkeypatch.setattr(build, "_go", go)
    with pytest.raises(Needed):  # so Go is needed still
        build.programs(lambda event: None)


def test_leftovers_go_and_results_stay() -> None:
    folder = recipe.folder()
    modules = folder / "go" / "modules" / "some" / "module"
    modules.mkdir(parents=True)
    (modules / "file.go").touch()
    modules.chmod(0o500)  # as Go leaves its modules
    (folder / "programs-0123456789ab").mkdir()  # an older build
    (folder / "root-node-0123456789ab.tar").touch()
    recipe.programs().mkdir()
    recipe.archive().touch()
    build.remove_leftovers()
    assert set(folder.iterdir()) == {recipe.programs(), recipe.archive()}


def test_the_program_gets_its_names() -> None:
    recipe.programs().mkdir(parents=True)
    (recipe.programs() / "program").write_text("")
    build.link_programs()
    build.link_programs()
    assert {path.resolve() for path in map(recipe.programs().joinpath, recipe.NAMES)} == {
        (recipe.programs() / "program").resolve()
    }


def test_an_old_go_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text("#!/bin/sh\necho go version go1.19.8 linux/amd64\n")
    go.chmod(0o755)
    monkeypatch.setenv("PATH", str(go.parent), prepend=":")
    unpacked: list[str] = []

    def unpack(package: str, into: Path) -> None:
        into.mkdir(parents=True, exist_ok=True)
        unpacked.append(package)

    monkeypatch.setattr(fetching, "unpack", unpack)
    assert build._go() == recipe.folder() / "golang" / build.GO_IN_PACKAGES
    assert build._go() == recipe.folder() / "golang" / build.GO_IN_PACKAGES
    assert unpacked == list(build.GO_PACKAGES)  # once, into the cache, and nothing onto the system
    go.write_text("#!/bin/sh\necho go version go1.26.8 linux/amd64\n")
    assert build._go() == go


def test_nothing_is_removed_where_something_is_mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = tmp_path / "scratch" / "sys"
    inside.mkdir(parents=True)
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"30 23 0:21 / {inside} rw - sysfs sys rw\n")
    monkeypatch.setattr(build, "MOUNTS", mounts)
    with pytest.raises(MachineError) as error:
        build.remove(tmp_path / "scratch")
    assert inside.exists()
    assert f"umount {inside}" in error.value.next_step
    mounts.write_text("")
    build.remove(tmp_path / "scratch")
    assert not inside.exists()
