"""Faults of what images are made from: a full disk, a mirror that is gone, each caused for real and told."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aicontainer import environment
from aicontainer.commands import run
from aicontainer.errors import (
    DiskFull,
    SourceLost,
)
from aicontainer.events import silent
from aicontainer.sources.choose import Choice
from aicontainer.sources.packages import Packages, apt, images, recipe

Record = Callable[[str, object], None]


pytestmark = pytest.mark.usefixtures("cluster")


@pytest.fixture
def small_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of its own on a file system of 4 MB."""
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("needs Linux, as root")
    folder = tmp_path / "small-disk"
    folder.mkdir()
    run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", folder], limit=30)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    recipe.folder().mkdir(parents=True)
    yield folder
    run(["umount", "--lazy", folder], limit=30)


def _needs_packages() -> Path:
    archive = recipe.archive()
    if not archive.exists():
        pytest.skip("the images of this machine do not come from packages")
    return archive


def test_an_archive_of_images_that_finds_no_room_is_not_taken_for_one(
    request: pytest.FixtureRequest, record_fault: Record
) -> None:
    _needs_packages()
    request.getfixturevalue("small_cache")
    with pytest.raises(DiskFull) as caught:
        images.keep(silent)
    record_fault("disk full, while the images are kept", caught.value)
    assert not recipe.archive().exists()
    assert caught.value.next_step


def test_an_archive_that_finds_no_room_to_unpack_is_not_taken_for_a_damaged_one(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, record_fault: Record
) -> None:
    real = _needs_packages()
    request.getfixturevalue("small_cache")
    recipe.archive().symlink_to(real)
    with pytest.raises(DiskFull) as caught:
        images.load(silent)
    record_fault("disk full, while the images are unpacked", caught.value)
    assert recipe.archive().exists()


def test_a_mirror_that_is_gone_in_the_middle_is_told_as_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_fault: Record
) -> None:
    _needs_packages()
    apt.install(("mmdebstrap", "zstd"), silent)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("AICONTAINER_DEBIAN_MIRROR", "http://127.0.0.1:1/debian")
    monkeypatch.setattr(recipe, "key", lambda: "another")  # so that the images have to be built
    monkeypatch.setattr(environment, "choose", lambda: Choice(Packages(), ()))
    recipe.programs().mkdir(parents=True)  # Go's part is done, Debian's begins
    with pytest.raises(SourceLost) as caught:
        environment.ensure("engine")
    record_fault("image source gone in the middle", caught.value)
    assert "127.0.0.1" in caught.value.seen
    assert "aicontainer up" in caught.value.next_step
    assert not any(root.archive.exists() for root in recipe.ROOTS)


# seconds, of about half a minute that `up` takes; the same moments on every run
