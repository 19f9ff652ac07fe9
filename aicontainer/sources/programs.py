"""The cluster's programs, kind and kubectl: found here, whoever has put them here."""

import re
import shutil
from pathlib import Path

from aicontainer.commands import run
from aicontainer.errors import AicontainerError
from aicontainer.sources.official import pins
from aicontainer.sources.official import programs as downloads
from aicontainer.sources.packages import recipe

WORDS = {"kind": ("version",), "kubectl": ("version", "--client")}
LIMIT_SECONDS = 30


def find(name: str) -> Path | None:
    """The program that the course uses: built here by the current recipe, downloaded here, or on PATH and working.

    None where there is none of these.
    """
    return next((path for path in candidates(name) if says(path)), None)


def candidates(name: str) -> tuple[Path, ...]:
    """Where the program lies, in the order in which it is looked for, whether it works there or not."""
    pinned = pins.read().programs.get(name)
    on_path = shutil.which(name)
    downloaded = [downloads.place(pinned)] if pinned else []
    found = [recipe.programs() / name, *downloaded, *([Path(on_path)] if on_path else [])]
    return tuple(path for path in found if path.exists())


def says(path: Path) -> str:
    """What the program says of its version, in one line; empty where it is not there or does not work."""
    try:
        return run([path, *WORDS[path.name]], limit=LIMIT_SECONDS).partition("\n")[0].strip()
    except AicontainerError:
        return ""


def version(path: Path) -> str:
    """The version in what the program says, such as ``v0.33.0``; empty where there is none."""
    found = re.search(r"v\d+\.\d+\.\d+\S*", says(path))
    return found[0] if found else ""
