"""From a model file to an image: the build context, the build, and what an image is made of."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aicontainer import commands, model, places
from aicontainer.errors import BuildError, CommandError, ImageNotFound, InputError, TimedOut
from aicontainer.events import Event, Listener, silent
from aicontainer.package import build_log, wheels
from aicontainer.package.engine import COURSE, IMAGE_LABEL, buildx_environment, connect, engine, mapped, our_names

if TYPE_CHECKING:
    from docker.models.images import Image as EngineImage

REPOSITORY = "aicontainer/model"
VERSION_LABEL = "org.opencontainers.image.version"
LIMIT_SECONDS = 900
STEP = "image"

# of our package, only these go into an image: what answers a request, and nothing that learns, builds or deploys
SERVER_FILES = ("__init__.py", "errors.py", "model.py", "training.py")
# of serve/, what asks a server or starts one as a process of this machine stays outside too
OUTSIDE_FILES = ("client.py", "process.py")

# instructions that change an image's settings; every other one makes a layer
_SETTINGS = frozenset(
    {"ARG", "CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "ONBUILD", "SHELL", "STOPSIGNAL", "USER"}
    | {"MAINTAINER", "VOLUME"}
)


@dataclass(frozen=True)
class Image:
    """An image in the engine: its name with tag, its id (the digest of its content), and its size in bytes."""

    name: str
    id: str
    size: int

    def __repr__(self) -> str:
        return f"Image({self.name}, {self.size / 1e6:.0f} MB)"


def split_name(name: str) -> tuple[str, str]:
    """Repository and tag of an image's name; without a tag it is ``latest``, as everywhere in Docker."""
    before, slash, last = name.rpartition("/")  # the registry before the last slash may have a port
    repository, _, tag = last.partition(":")
    return f"{before}{slash}{repository}", tag or "latest"


@dataclass(frozen=True)
class Layer:
    """One step of an image's history: the instruction, the bytes it added, and the digest of its layer.

    ``digest`` is empty for an instruction that only changes settings (``CMD``, ``USER``, ...).
    """

    instruction: str
    size: int
    digest: str = ""

    def __repr__(self) -> str:
        return f"Layer({self.instruction}, {self.size / 1e6:.1f} MB)"


def build(model_file: Path, base: str, tag: str | None = None, tell: Listener = silent) -> Image:
    """Build the image that serves a model file, or find that nothing has changed (every step is then taken from cache).

    Parameters
    ----------
    model_file
        The model; its numpy version goes into the image, its version is the tag.
    base
        The image with Python that it stands on.
    tag
        Another name than ``aicontainer/model:<version>``.

    Raises
    ------
    BuildError
        When a step fails: with the step, its last words, and the log.
    ModelFileError, EngineUnavailable, MachineError
        When there is no model, no engine, or the packages cannot be had.
    """
    connect().close()  # without an engine, say so before the downloads
    version = model.load(model_file).version
    name = tag or f"{REPOSITORY}:{version}"
    with context(model_file, tell=tell) as folder:
        return build_folder(folder, name, args={"BASE": base}, labels={VERSION_LABEL: version}, tell=tell)


@contextmanager
def context(model_file: Path, tell: Listener = silent) -> Iterator[Path]:
    """A folder with everything that the Dockerfile copies, and nothing else; it is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="aicontainer-context-") as name:
        assemble(model_file, Path(name), tell=tell)
        yield Path(name)


def assemble(model_file: Path, into: Path, tell: Listener = silent) -> Path:
    """Write the build context: Dockerfile, requirements.txt, wheels/, the server's part of this package, model.json."""
    needed = model.load(model_file)
    shutil.copytree(places.clone() / "images" / "model", into, dirs_exist_ok=True)
    folder = wheels.resolve(wheels.requirements(needed.numpy), tell=tell)
    shutil.copytree(folder, into / "wheels", dirs_exist_ok=True)
    (into / "requirements.txt").write_text(wheels.pinned(folder), encoding="utf-8")
    package = places.clone() / "aicontainer"
    server = into / "aicontainer"
    server.mkdir()
    for name in SERVER_FILES:
        shutil.copyfile(package / name, server / name)
    shutil.copytree(package / "serve", server / "serve", ignore=shutil.ignore_patterns("__pycache__", *OUTSIDE_FILES))
    shutil.copyfile(model_file, into / "model.json")
    _readable(into)
    return into


def _readable(folder: Path) -> None:
    # The program in the image runs as another user; and a build's cache looks at the modes too, which in a clone
    # depend on the umask of whoever made it.
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def build_folder(
    folder: Path,
    name: str,
    *,
    args: dict[str, str] | None = None,
    labels: dict[str, str] | None = None,
    tell: Listener = silent,
) -> Image:
    """Build the Dockerfile in a folder without network, give the image our label, and load it into the engine.

    Raises
    ------
    BuildError
        When a step fails: with the step, its last words, and the log.
    """
    log = places.logs() / f"build-{re.sub(r'[^a-z0-9.]+', '-', name)}.log"
    log.unlink(missing_ok=True)
    tell(Event(STEP, "started", name, estimate=10))
    begun = time.monotonic()
    reused: list[str] = []

    def follow(line: str) -> None:
        if re.match(r"#\d+ CACHED", line):
            reused.append(line)
        elif step := re.match(r"#\d+ (\[.*)", line):
            tell(Event(STEP, "progress", step[1]))

    try:
        commands.run(
            _command(folder, name, args or {}, labels or {}),
            limit=LIMIT_SECONDS,
            env=buildx_environment(),
            log=log,
            on_line=follow,
        )
    except (CommandError, TimedOut) as error:
        tell(Event(STEP, "failed", name))
        raise _failure(name, error, log) from error
    image = find(name)
    tell(Event(STEP, "made", f"{image} in {time.monotonic() - begun:.1f} s, {len(reused)} steps reused"))
    return image


def _command(folder: Path, name: str, args: dict[str, str], labels: dict[str, str]) -> list[str | Path]:
    settings = [word for key, value in sorted(args.items()) for word in ("--build-arg", f"{key}={value}")]
    every = sorted({IMAGE_LABEL: COURSE, **labels}.items())
    named = [word for key, value in every for word in ("--label", f"{key}={value}")]
    # An attestation would carry the time of the build, and with it no two builds would be the same image.
    fixed = ("--load", "--progress=plain", "--provenance=false", "--network=none")
    return ["docker", "buildx", "build", *fixed, *settings, *named, "--tag", name, folder]


def _failure(name: str, error: CommandError | TimedOut, log: Path) -> BuildError:
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    step, words = build_log.failing_step(text)
    return BuildError(
        f"the image {name} could not be built" + (f": it stopped at {step}" if step else ""),
        seen=words or error.seen,
        next_step=f"read its log: {log}",
    )


def find(name: str) -> Image:
    """The image of that name in the engine.

    Raises
    ------
    ImageNotFound
        When there is none.
    """
    with engine() as client, mapped(f"find the image {name}"):
        found = client.images.get(name)
        return Image(name, str(found.id), int(found.attrs["Size"]))


def layers(image: Image | str) -> tuple[Layer, ...]:
    """What an image is made of, from its first layer to its last setting.

    Raises
    ------
    ImageNotFound
        When the engine does not have it.
    """
    with _looking_into(image) as found:
        return read_history(found.history(), found.attrs["RootFS"].get("Layers") or [])


def read_history(history: list[dict[str, object]], digests: list[str]) -> tuple[Layer, ...]:
    """Pair the engine's history (newest first) with the layers' digests (oldest first)."""
    steps = [(shorten(str(entry.get("CreatedBy") or "")), _bytes(entry)) for entry in reversed(history)]
    layered = [is_layer(instruction, size) for instruction, size in steps]
    # An older builder writes no layer where nothing changed; then only steps that added bytes can be paired.
    if sum(layered) != len(digests):
        layered = [size > 0 for _, size in steps]
    remaining = iter(digests if sum(layered) == len(digests) else [])
    return tuple(
        Layer(instruction, size, next(remaining, "") if has_layer else "")
        for (instruction, size), has_layer in zip(steps, layered, strict=True)
    )


def _bytes(entry: dict[str, object]) -> int:
    size = entry.get("Size")
    return size if isinstance(size, int) else 0


def is_layer(instruction: str, size: int) -> bool:
    """Whether an instruction writes a layer (``RUN``, ``COPY``, ``WORKDIR``) rather than a setting."""
    return size > 0 or instruction.split(" ", 1)[0] not in _SETTINGS


def shorten(created_by: str, longest: int = 90) -> str:
    """An instruction as it stands in the Dockerfile, in one line: without the builder's additions."""
    text = re.sub(r"\s*# buildkit$", "", created_by.strip())
    text = re.sub(r"^/bin/sh -c #\(nop\)\s*", "", text)
    text = re.sub(r"^RUN (\|\d+ .*?)?/bin/sh -c ", "RUN ", text)
    text = re.sub(r"^/bin/sh -c ", "RUN ", text)
    text = " ".join(text.split()) or "(base)"
    return text if len(text) <= longest else text[: longest - 1] + "…"


def user(image: Image | str) -> str:
    """The user that the image's program runs as; an empty text means root.

    Raises
    ------
    ImageNotFound
        When the engine does not have it.
    """
    with _looking_into(image) as found:
        return str(found.attrs["Config"].get("User") or "")


@contextmanager
def _looking_into(image: Image | str) -> Iterator[EngineImage]:
    name = image if isinstance(image, str) else image.id
    with engine() as client, mapped(f"look into the image {name}"):
        yield client.images.get(name)


def exists(name: str) -> bool:
    """Whether the engine has an image of that name."""
    try:
        find(name)
    except ImageNotFound:
        return False
    return True


def remove(name: str) -> bool:
    """Remove an image of ours by name; False when there was none.

    Raises
    ------
    InputError
        When the name is not one that the course gives.
    """
    import docker.errors

    if not our_names([name]):
        raise InputError(f"{name} is not an image of the course", next_step=f"docker image rm {name}")
    with engine() as client, mapped(f"remove the image {name}"):
        try:
            client.images.remove(name)
        except docker.errors.ImageNotFound:
            return False
    return True
