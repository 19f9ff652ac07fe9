"""Which systems the course installs on, from the text that each says of itself; on every other it gives advice only."""

from pathlib import Path

import pytest

from aicontainer.sources import packages
from aicontainer.sources.packages import apt, daemon, fetching, privilege, system
from aicontainer.sources.packages import images as built_images

BOOKWORM = "VERSION_CODENAME=bookworm"
TEXTS = {
    "Debian 12": f'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\n{BOOKWORM}\nID=debian\n',
    "Debian 13": 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nVERSION_ID="13"\nVERSION_CODENAME=trixie\nID=debian\n',
    "Ubuntu 22.04": 'PRETTY_NAME="Ubuntu 22.04.5 LTS"\nVERSION_ID="22.04"\nID=ubuntu\nID_LIKE=debian\n',
    "Ubuntu 24.04": 'PRETTY_NAME="Ubuntu 24.04.3 LTS"\nVERSION_ID="24.04"\nID=ubuntu\nID_LIKE=debian\n',
    "Ubuntu 20.04": 'PRETTY_NAME="Ubuntu 20.04.6 LTS"\nVERSION_ID="20.04"\nID=ubuntu\nID_LIKE=debian\n',
    "Debian 11": 'PRETTY_NAME="Debian GNU/Linux 11 (bullseye)"\nVERSION_ID="11"\nID=debian\n',
    "Mint": 'NAME="Linux Mint"\nPRETTY_NAME="Linux Mint 22"\nVERSION_ID="22"\nID=linuxmint\nID_LIKE="ubuntu debian"\n',
    "Fedora": 'NAME="Fedora Linux"\nVERSION_ID=43\nID=fedora\nPRETTY_NAME="Fedora Linux 43 (Workstation)"\n',
    "empty": "",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Debian 12", system.DEBIAN_12),
        ("Debian 13", system.DEBIAN_13),
        ("Ubuntu 22.04", system.UBUNTU),
        ("Ubuntu 24.04", system.UBUNTU),
        *((other, None) for other in ("Ubuntu 20.04", "Debian 11", "Mint", "Fedora", "empty")),
    ],
)
def test_each_system_is_known_by_what_it_says(text: str, expected: system.System | None) -> None:
    assert system.known(TEXTS[text]) == expected


@pytest.fixture
def on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The os-release of a system without Docker; tests write it."""
    path = tmp_path / "etc" / "os-release"
    path.parent.mkdir()
    monkeypatch.setattr(system, "ROOT", tmp_path)
    monkeypatch.setattr(daemon, "answers", lambda: False)
    monkeypatch.setattr(daemon, "_has_buildx", lambda: False)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}" if name == "apt-get" else None)
    monkeypatch.setattr(privilege, "reason_against", lambda: "")
    monkeypatch.setattr(fetching, "reason_against", lambda: "")
    monkeypatch.setattr(apt, "missing", lambda wanted: wanted)
    return path


def test_ubuntu_gets_its_own_docker_and_debians_keys(on: Path) -> None:
    on.write_text(TEXTS["Ubuntu 24.04"])
    needed = packages.Packages()._needed()
    assert {"docker.io", "docker-buildx", "mmdebstrap", "zstd", "debian-archive-keyring"} <= set(needed)
    assert not any("/" in package or package.startswith("golang") for package in needed)
    assert packages.Packages().reason_against() == ""


def test_debian_12_gets_docker_of_debian_13(on: Path) -> None:
    on.write_text(TEXTS["Debian 12"])
    assert {"docker.io/trixie", "docker-cli/trixie", "docker-buildx/trixie"} <= set(packages.Packages()._needed())


def test_where_docker_is_nothing_of_it_is_installed(on: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on.write_text(TEXTS["Ubuntu 24.04"])
    monkeypatch.setattr(daemon, "answers", lambda: True)
    monkeypatch.setattr(daemon, "_has_buildx", lambda: True)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(built_images, "are_loaded", lambda: False)
    assert packages.Packages()._needed() == ("zstd", "mmdebstrap", "debian-archive-keyring")


def test_an_engine_elsewhere_needs_a_client_here(on: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on.write_text(TEXTS["Debian 13"])
    monkeypatch.setattr(daemon, "answers", lambda: True)
    assert daemon.packages() == ("docker-cli", "docker-buildx")


@pytest.mark.parametrize("text", ["Fedora", "Mint", "Ubuntu 20.04", "empty"])
def test_elsewhere_nothing_is_ever_installed(on: Path, text: str) -> None:
    on.write_text(TEXTS[text])
    reason = packages.Packages().reason_against()
    assert "Debian 12, Debian 13 and Ubuntu" in reason
    assert system.name(TEXTS[text]) in reason


def test_a_line_that_nobody_closed_does_not_stop_up(on: Path) -> None:
    on.write_text(f"{TEXTS['Debian 13']}NAME='half a\n")
    assert system.here() == system.DEBIAN_13


def test_the_second_place_of_the_file_counts_too(on: Path) -> None:
    second = on.parent.parent / "usr" / "lib" / "os-release"
    second.parent.mkdir(parents=True)
    second.write_text(TEXTS["Debian 13"])
    assert system.here() == system.DEBIAN_13


def test_without_a_debian_mirror_the_reason_says_how_to_name_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(fetching.MIRROR_VARIABLE, raising=False)
    monkeypatch.setattr(fetching, "run", lambda *args, **options: "noble http://mirror.example.org/ubuntu\n")
    reason = fetching.reason_against()
    assert fetching.MIRROR_VARIABLE in reason
    monkeypatch.setenv(fetching.MIRROR_VARIABLE, "http://mirror.example.org/debian")
    assert fetching.reason_against() == ""
    assert fetching.mirror() == "http://mirror.example.org/debian"
