"""The shelf: a folder with one model file for each version. Runs inside the image, in a pod, beside the server.

    python -m aicontainer.serve.shelf seed          lay the image's own model on the shelf, if it is not there whole
    python -m aicontainer.serve.shelf keep          keep still until SIGTERM: the two below are run beside it
    python -m aicontainer.serve.shelf list          write what is there as JSON, one entry for each version
    python -m aicontainer.serve.shelf place SIZE    take a model file of SIZE bytes from the standard input

SHELF        the folder; /models
MODEL_FILE   the image's own model (for ``seed``)

A version never changes: a file that is whole is never written over by another content. A damaged one is.
"""

import json
import os
import re
import signal
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from aicontainer.errors import AicontainerError, InputError, MachineError, ModelFileError
from aicontainer.model import Model, load

FOLDER = "/models"
LARGEST = 1024 * 1024
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@dataclass(frozen=True)
class Entry:
    """One version on the shelf; ``problem`` says what is wrong with its file, and then the digest may be empty."""

    version: str
    model: str = ""
    digest: str = ""
    problem: str = ""


def check_version(version: str) -> str:
    """``version``, which becomes the name of a file and the value of an environment variable.

    Raises
    ------
    InputError
        When it has other characters than letters, digits, dot, dash and underscore, or more than 63.
    """
    if not VERSION.fullmatch(version):
        raise InputError("a version is named with up to 63 letters, digits, '.', '-' and '_'", seen=version[:80])
    return version


def entry(path: Path) -> Entry:
    """What one file of the shelf holds."""
    version = path.stem
    try:
        held = load(path)
    except ModelFileError as error:
        return Entry(version, problem=error.what)
    problem = "" if held.version == version else f"{path.name} holds version {held.version}"
    return Entry(version, held.name, held.digest, problem)


def entries(folder: Path) -> list[Entry]:
    """Everything on the shelf, by version; files that are being written have other endings."""
    return [entry(path) for path in sorted(folder.glob("*.json"))]


def place(folder: Path, content: bytes) -> Entry:
    """Lay a model file on the shelf under the version that it names, whole or not at all.

    Raises
    ------
    ModelFileError
        When the content is no model, or was damaged on its way.
    InputError
        When that version is on the shelf already with another content.
    MachineError
        When the folder cannot be written.
    """
    try:
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".part", delete=False) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # else a rename may reach the disk before the content does
    except OSError as error:
        raise MachineError(f"the shelf {folder} cannot be written", seen=str(error)) from error
    beside = Path(file.name)
    try:
        return _put(beside, load(beside), folder)
    finally:
        beside.unlink(missing_ok=True)


def _put(beside: Path, given: Model, folder: Path) -> Entry:
    target = folder / f"{check_version(given.version)}.json"
    held = entry(target) if target.exists() else None
    if held and not held.problem and held.digest != given.digest:
        raise InputError(
            f"version {given.version} is on the shelf with another content, and a version never changes",
            seen=f"held {held.digest}, given {given.digest}",
            next_step="give the new model another version",
        )
    if held is None or held.problem:
        beside.chmod(0o644)
        beside.replace(target)
    return entry(target)


def seed(folder: Path, own: Path) -> str:
    """Lay the image's own model on the shelf; what is there whole under its version stays, whatever it is."""
    given = load(own)
    held = folder / f"{given.version}.json"
    if held.exists() and not entry(held).problem:
        return f"version {given.version} is on the shelf"
    place(folder, own.read_bytes())
    return f"version {given.version} was laid on the shelf"


def keep() -> None:
    """Return at SIGTERM or SIGINT: as process 1 of a container there is no default handler for either."""
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


def _received(stream: BinaryIO, size: str) -> bytes:
    # the length is told beforehand: not every way into a pod can say that the input has ended
    if not (size.isascii() and size.isdigit() and int(size) <= LARGEST):
        raise InputError(f"the size of a model file is a number of bytes up to {LARGEST}", seen=size[:40])
    content = stream.read(int(size))
    if len(content) != int(size):
        raise ModelFileError("the model file did not arrive whole", seen=f"{len(content)} of {size} bytes")
    return content


def run(words: list[str], environment: Mapping[str, str], stdin: BinaryIO) -> str:
    """Do what the command line says, and return what it writes.

    Raises
    ------
    AicontainerError
        With a message for whoever called.
    """
    folder = Path(environment.get("SHELF") or FOLDER)
    match words:
        case ["seed"]:
            return seed(folder, Path(environment.get("MODEL_FILE") or "/srv/model.json"))
        case ["keep"]:
            keep()
            return ""
        case ["list"]:
            return json.dumps([asdict(each) for each in entries(folder)])
        case ["place", size]:
            return json.dumps(asdict(place(folder, _received(stdin, size))))
    raise InputError("say one of: seed, keep, list, place SIZE", seen=" ".join(words)[:80])


def main() -> None:
    """Run the command line, and exit."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT} if sys.argv[1:] == ["keep"] else set())
    try:
        said = run(sys.argv[1:], os.environ, sys.stdin.buffer)
    except AicontainerError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    if said:
        print(said)


if __name__ == "__main__":
    main()
