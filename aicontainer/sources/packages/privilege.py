"""Commands that need root: run as they are by root, by way of sudo for everybody else.

sudo is asked for as little as can be: installing packages, starting the engine, assembling a root file system. What
runs in the user's name otherwise stays the user's.
"""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from aicontainer import commands
from aicontainer.errors import AicontainerError, CommandError, MachineError, TimedOut

LIMIT_SECONDS = 30
PASSWORD_SECONDS = 300
LIMIT_PASSED = 124  # how timeout(1) tells it
NO_TERMINAL = "sudo asks for a password, and here is no terminal to ask on"
_asking = threading.Lock()


def reason_against() -> str:
    """Why nothing can be done as root; empty when it can: by root, by sudo, or by sudo after it has asked."""
    if os.geteuid() == 0:
        return ""
    if shutil.which("sudo") is None:
        return "needs root, and there is no sudo (it installs Docker and assembles Debian roots)"
    return "" if _is_allowed() or sys.stdin.isatty() else f"needs root: {NO_TERMINAL}; run aicontainer up in a terminal"


def run(argv: list[str | Path], *, limit: float, env: dict[str, str] | None = None, **options: Any) -> str:
    """Run a program as root; arguments, return and errors as in `aicontainer.commands.run`.

    Raises
    ------
    MachineError
        When nobody can become root here.
    """
    if os.geteuid() == 0:
        return commands.run(argv, limit=limit, env=env, **options)
    ask()
    settings = [f"{name}={value}" for name, value in (env or {}).items()]  # sudo hands none on
    # what runs as root cannot be ended by a user: a program of root's own holds the limit
    words: list[str | Path] = ["sudo", "-n", "env", *settings, "timeout", "--kill-after=10", str(int(limit)), *argv]
    try:
        return commands.run(words, limit=limit + LIMIT_SECONDS, **options)
    except CommandError as error:
        if error.code != LIMIT_PASSED:
            raise
        what = f"{Path(argv[0]).name} ran longer than {limit:.0f} s as root"
        raise TimedOut(what, seen=error.seen, next_step=error.next_step, waited=limit) from error


def command(words: str) -> str:
    """How a person would run that command as root, for advice."""
    return words if os.geteuid() == 0 else f"sudo {words}"


def _is_allowed() -> bool:
    try:
        commands.run(["sudo", "-n", "true"], limit=LIMIT_SECONDS)
    except AicontainerError:
        return False
    return True


def ask() -> None:
    """Let sudo ask for the password now, where it will be needed; root, and who is not asked, notice nothing.

    Raises
    ------
    MachineError
        When nobody can become root here.
    """
    if os.geteuid() == 0:
        return
    with _asking:
        if shutil.which("sudo") is None or _is_allowed():
            return
        if not sys.stdin.isatty():
            raise MachineError(f"root is needed: {NO_TERMINAL}", next_step="run in a terminal: aicontainer up")
        try:
            # the one program that talks to the user itself: on this terminal, with the prompt of sudo
            subprocess.run(["sudo", "-v"], check=True, timeout=PASSWORD_SECONDS)  # noqa: S607 -- as PATH has it
        except subprocess.SubprocessError as error:
            raise MachineError(
                "sudo did not let this user become root",
                seen=str(error),
                next_step="let an administrator install Docker; with it the course needs no root",
            ) from error
