"""What a Linux system says of itself: its os-release file (os-release(5)), found and read."""

import re
import shlex
from pathlib import Path

PLACES = ("etc/os-release", "usr/lib/os-release")


def text(root: Path) -> str:
    """The file of the system below ``root``; empty where there is none."""
    return next((found for found in (_read(root / place) for place in PLACES) if found), "")


def parse(text: str) -> dict[str, str]:
    """The assignments of such a file: shell-like, with or without quotes; a damaged line does no harm."""
    found = {}
    for line in text.splitlines():
        name, is_assignment, value = line.strip().partition("=")
        if is_assignment and re.fullmatch(r"[A-Z][A-Z0-9_]*", name):
            found[name] = _unquoted(value)
    return found


def _unquoted(value: str) -> str:
    try:
        return " ".join(shlex.split(value))
    except ValueError:  # a quote that nobody closed
        return value


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
