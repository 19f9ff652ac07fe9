"""Becoming root, with a stand-in for sudo on PATH: it notes how it was called and runs what it was given.

The stand-in is a double of sudo, and of nothing else; what a real one remembers and asks is not tested here.
"""

import os
import sys
from pathlib import Path

import pytest

from aicontainer.errors import CommandError, MachineError, TimedOut
from aicontainer.sources.packages import privilege

SUDO = """#!/bin/sh
printf '%s\n' "$*" >> {calls}
[ -e {locked} ] && {{ echo "sudo: a password is required" >&2; exit 1; }}
shift
exec "$@"
"""


class _Sudo:
    def __init__(self, folder: Path) -> None:
        self.note, self.locked = folder / "calls", folder / "locked"
        self.folder = folder / "bin"
        self.folder.mkdir()

    def install(self) -> None:
        program = self.folder / "sudo"
        program.write_text(SUDO.format(calls=self.note, locked=self.locked))
        program.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        return self.note.read_text().splitlines()


@pytest.fixture
def sudo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> _Sudo:
    """This process as one that is not root, on a machine without sudo until a test installs it."""
    found = _Sudo(tmp_path)
    for name in ("env", "timeout", "sh", "true", "touch"):
        real = next(Path(folder, name) for folder in ("/usr/bin", "/bin") if Path(folder, name).exists())
        (found.folder / name).symlink_to(real)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    monkeypatch.setenv("PATH", str(found.folder))
    return found


def test_root_needs_no_sudo(sudo: _Sudo, monkeypatch: pytest.MonkeyPatch) -> None:
    sudo.install()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert privilege.reason_against() == ""
    assert privilege.run(["sh", "-c", "echo $WORD"], limit=30, env={"WORD": "direct"}) == "direct"
    assert not sudo.note.exists()
    assert privilege.command("apt-get purge x") == "apt-get purge x"


def test_sudo_runs_it_with_its_settings_and_a_limit(sudo: _Sudo) -> None:
    sudo.install()
    assert privilege.reason_against() == ""
    assert privilege.run(["sh", "-c", "echo $WORD"], limit=30, env={"WORD": "by sudo"}) == "by sudo"
    assert sudo.calls[-1].startswith("-n env WORD=by sudo timeout")
    assert privilege.command("apt-get purge x") == "sudo apt-get purge x"


def test_a_failure_under_sudo_is_the_commands_own(sudo: _Sudo) -> None:
    sudo.install()
    with pytest.raises(CommandError) as error:
        privilege.run(["sh", "-c", "echo no space left; exit 7"], limit=30)
    assert error.value.code == 7
    assert "no space left" in error.value.seen


def test_what_runs_as_root_has_its_limit_too(sudo: _Sudo) -> None:
    sudo.install()
    with pytest.raises(TimedOut):
        privilege.run(["sh", "-c", "echo begun; while true; do :; done"], limit=1)


def test_nobody_to_ask_is_said_and_nothing_is_run(sudo: _Sudo, tmp_path: Path) -> None:
    sudo.install()
    sudo.locked.touch()
    assert "terminal" in privilege.reason_against()
    with pytest.raises(MachineError) as error:
        privilege.run(["touch", tmp_path / "made"], limit=30)
    assert "aicontainer up" in error.value.next_step
    assert not (tmp_path / "made").exists()


def test_on_a_terminal_sudo_may_ask_but_a_wrong_password_ends_it(sudo: _Sudo, monkeypatch: pytest.MonkeyPatch) -> None:
    sudo.install()
    sudo.locked.touch()
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    assert privilege.reason_against() == ""
    with pytest.raises(MachineError) as error:
        privilege.run(["true"], limit=30)
    assert "did not let" in error.value.what
    assert sudo.calls[-1] == "-v"


def test_without_root_and_sudo_there_is_a_reason(sudo: _Sudo) -> None:
    assert "no sudo" in privilege.reason_against()
    with pytest.raises(MachineError):
        privilege.run(["true"], limit=30)
