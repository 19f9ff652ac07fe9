"""Which system this is, from the files and names that the real ones have."""

from pathlib import Path

import pytest

from aicontainer.doctor import system

DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nNAME="Debian GNU/Linux"\nVERSION_ID="13"\nID=debian\n'
UBUNTU = 'PRETTY_NAME="Ubuntu 24.04.3 LTS"\nNAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\n'
MINT = 'NAME="Linux Mint"\nID=linuxmint\nID_LIKE="ubuntu debian"\nPRETTY_NAME="Linux Mint 22"\n'
FEDORA = 'NAME="Fedora Linux"\nID=fedora\nPRETTY_NAME="Fedora Linux 43 (Workstation Edition)"\n'
ROCKY = "NAME='Rocky Linux'\nID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\nPRETTY_NAME='Rocky Linux 9.6'\n"
ALPINE = 'NAME="Alpine Linux"\nID=alpine\nPRETTY_NAME="Alpine Linux v3.22"\n'
KERNEL = "6.12.48+deb13-amd64"
WSL2 = "5.15.167.4-microsoft-standard-WSL2"
WSL1 = "4.4.0-19041-Microsoft"
HOME = Path("/home/me/course")


def _root(folder: Path, release: str, kernel: str) -> Path:
    for path, text in ((folder / "etc/os-release", release), (folder / "proc/sys/kernel/osrelease", f"{kernel}\n")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize(
    ("release", "kernel", "family", "name"),
    [
        (DEBIAN, KERNEL, "debian", "Debian GNU/Linux 13 (trixie)"),
        (UBUNTU, "6.8.0-86-generic", "debian", "Ubuntu 24.04.3 LTS"),
        (MINT, KERNEL, "debian", "Linux Mint 22"),
        (FEDORA, "6.17.7-300.fc43.x86_64", "fedora", "Fedora Linux 43 (Workstation Edition)"),
        (ROCKY, KERNEL, "fedora", "Rocky Linux 9.6"),
        (ALPINE, KERNEL, "other", "Alpine Linux v3.22"),
        (UBUNTU, WSL2, "windows", "Ubuntu 24.04.3 LTS"),
        ("", KERNEL, "other", "Linux"),
    ],
)
def test_each_system_is_known_by_its_files(tmp_path: Path, release: str, kernel: str, family: str, name: str) -> None:
    found = system.find(_root(tmp_path, release, kernel), "linux")
    assert (found.family, found.name, found.kernel) == (family, name, kernel)


def test_macos_and_others_are_known_without_files(tmp_path: Path) -> None:
    assert system.find(tmp_path, "darwin").family == "macos"
    assert system.find(tmp_path, "freebsd14").family == "other"


def test_the_second_place_of_the_file_counts_too(tmp_path: Path) -> None:
    (tmp_path / "usr/lib").mkdir(parents=True)
    (tmp_path / "usr/lib/os-release").write_text(FEDORA)
    assert system.find(tmp_path, "linux").family == "fedora"


@pytest.mark.parametrize(
    ("kernel", "version"),
    [(WSL2, 2), (WSL1, 1), ("6.6.87.2-microsoft-standard-WSL2+", 2), ("5.10.1-my-microsoft-build", 2), (KERNEL, 0)],
)
def test_wsl_is_known_by_the_kernel(kernel: str, version: int) -> None:
    assert system.wsl_version(kernel) == version


def test_wsl1_is_not_enough_since_docker_cannot_run_in_it(tmp_path: Path) -> None:
    seen = system.look(system.find(_root(tmp_path, UBUNTU, WSL1), "linux"), HOME)
    assert (seen.state, "WSL1" in seen.found) == ("not enough", True)


def test_on_wsl2_the_place_of_the_course_matters(tmp_path: Path) -> None:
    here = system.find(_root(tmp_path, UBUNTU, WSL2), "linux")
    assert system.look(here, HOME).state == "fine"
    slow = system.look(here, Path("/mnt/c/Users/me/course"))
    assert slow.state == "worth knowing"
    assert slow.advice is not None and "/mnt" in slow.advice.windows


def test_a_disk_below_mnt_is_nothing_special_elsewhere(tmp_path: Path) -> None:
    here = system.find(_root(tmp_path, DEBIAN, KERNEL), "linux")
    assert system.look(here, Path("/mnt/data/course")).state == "fine"


def test_an_unknown_system_is_told_that_it_is_one(tmp_path: Path) -> None:
    assert system.look(system.find(_root(tmp_path, ALPINE, KERNEL), "linux"), HOME).state == "worth knowing"
