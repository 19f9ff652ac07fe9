"""The way to the Docker Engine: connecting, turning its errors into ours, and finding what is ours by label.

Everything that the course makes in an engine carries `LABEL`; nothing without it is ever removed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aicontainer import places
from aicontainer.errors import (
    NO_ROOM,
    AicontainerError,
    BuildError,
    EngineError,
    EngineForbidden,
    EngineUnavailable,
    ImageNotFound,
    InputError,
    disk_full,
    plainly,
)
from aicontainer.events import Event, Listener, silent

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container
    from docker.models.images import Image as EngineImage
    from docker.models.networks import Network
    from docker.models.volumes import Volume

LABEL = "io.github.aicontainer"
# Images have a label of their own: a container inherits its image's labels, and a container that a user starts from one
# of our images is the user's.
IMAGE_LABEL = "io.github.aicontainer.image"
COURSE = "course"
LABELS = {LABEL: COURSE}
OURS = {"label": f"{LABEL}={COURSE}"}
OUR_IMAGES = {"label": f"{IMAGE_LABEL}={COURSE}"}

# docker-py's own limit of 60 s is too short for loading or pushing an image on a slow disk
LIMIT_SECONDS = 600
# whether an engine answers at all: one that was stopped in mid-air takes connections and keeps silent
ANSWER_SECONDS = 30


def buildx_environment() -> dict[str, str]:
    """Variables for ``docker buildx``: its notes go into our cache, and a builder that the user has chosen stays out.

    Without them buildx would make a folder in the user's home, and build where that folder says.
    """
    return {"BUILDX_CONFIG": str(places.cache() / "buildx"), "BUILDX_BUILDER": ""}


def connect() -> docker.DockerClient:
    """A client of the Docker Engine that the ``docker`` command would talk to (DOCKER_HOST, then its context).

    Raises
    ------
    EngineUnavailable
        When no engine answers; the kind `EngineForbidden` when one runs and this user may not use it.
    """
    import docker

    client: docker.DockerClient | None = None
    try:
        with mapped("reach the Docker Engine"):
            client = docker.from_env(timeout=ANSWER_SECONDS)
            client.ping()
            client.api.timeout = LIMIT_SECONDS
            return client
    except AicontainerError as error:
        if client is not None:
            client.close()
        if isinstance(error, EngineUnavailable):
            raise
        raise _unavailable(error.seen) from error


@contextmanager
def engine() -> Iterator[docker.DockerClient]:
    """A connection for a few calls, closed afterwards; whatever Docker refuses meanwhile is raised as one of ours."""
    client = connect()
    try:
        with mapped("work with the Docker Engine"):
            yield client
    finally:
        client.close()


@contextmanager
def mapped(doing: str) -> Iterator[None]:
    """Turn every error of docker-py and of the HTTP libraries under it into one of ours.

    ``doing`` completes the sentence "could not ...".
    """
    import docker.credentials.errors
    import docker.errors
    import requests.exceptions
    import urllib3.exceptions

    foreign = (
        docker.errors.DockerException,
        docker.errors.StreamParseError,  # the one that is outside docker-py's own tree
        docker.credentials.errors.StoreError,
        requests.exceptions.RequestException,
        urllib3.exceptions.HTTPError,
    )
    try:
        yield
    except foreign as error:
        raise _ours(error, doing) from error


def _ours(error: Exception, doing: str) -> AicontainerError:
    import docker.errors
    import requests.exceptions
    import urllib3.exceptions

    what, seen = f"could not {doing}", _words(error)
    if NO_ROOM in seen.lower():
        return disk_full(what, seen)
    match error:
        case docker.errors.ImageNotFound():
            return ImageNotFound(what, seen=seen, next_step="docker images lists what the engine has")
        case docker.errors.BuildError() | docker.errors.ImageLoadError():
            return BuildError(what, seen=seen)
        case docker.errors.APIError():
            return EngineError(what, seen=seen)
        case docker.errors.InvalidArgument() | docker.errors.InvalidRepository() | docker.errors.NullResource():
            return InputError(what, seen=seen)
        case requests.exceptions.RequestException() | urllib3.exceptions.HTTPError():
            return _unavailable(seen)
        case (
            docker.errors.TLSParameterError()
            | docker.errors.InvalidConfigFile()
            | docker.errors.ContextException()
            | docker.errors.ContextNotFound()
            | docker.errors.MissingContextParameter()
        ):
            return EngineUnavailable(
                "the settings of Docker on this machine cannot be used",
                seen=seen,
                next_step="docker context ls shows them; DOCKER_HOST overrides them",
            )
        case docker.errors.DockerException() if "Error while fetching server API version" in seen:
            return _unavailable(seen)
    return EngineError(what, seen=seen)


def _words(error: Exception) -> str:
    import docker.errors

    if isinstance(error, docker.errors.ContainerError) and error.stderr:
        written: str | bytes = error.stderr
        return written.decode(errors="replace") if isinstance(written, bytes) else written
    # an APIError's text repeats the address of the engine; its explanation is what Docker itself said
    return str(getattr(error, "explanation", None) or error) or type(error).__name__


def _unavailable(seen: str) -> EngineUnavailable:
    if "PermissionError" in seen:  # the operating system's, inside the text of a library's
        return EngineForbidden(
            "a Docker Engine runs, and you may not use it",
            seen=seen,
            next_step="sudo usermod -aG docker $USER, then log out and in again (id -nG must list docker)",
        )
    return EngineUnavailable("no Docker Engine answers", seen=plainly(seen), next_step="aicontainer up")


def containers(client: docker.DockerClient) -> list[Container]:
    """Our containers, running or not."""
    with mapped("list the containers"):
        return list(client.containers.list(all=True, filters=OURS, ignore_removed=True))


def networks(client: docker.DockerClient) -> list[Network]:
    """Our networks."""
    with mapped("list the networks"):
        return list(client.networks.list(filters=OURS))


def volumes(client: docker.DockerClient) -> list[Volume]:
    """Our volumes."""
    with mapped("list the volumes"):
        return list(client.volumes.list(filters=OURS))


def images(client: docker.DockerClient) -> list[EngineImage]:
    """The images that carry our label.

    Labels are inherited: an image that a user builds on ours is in this list too, under a name of the user's.
    """
    with mapped("list the images"):
        return list(client.images.list(filters=OUR_IMAGES))


def our_names(tags: list[str]) -> list[str]:
    """Those of an image's names that the course gives: ``aicontainer/...``, here or in a registry of this machine."""
    return [tag for tag in tags if tag.startswith("aicontainer/") or _in_local_registry(tag)]


def _in_local_registry(tag: str) -> bool:
    host, _, rest = tag.partition("/")
    return host.startswith(("localhost:", "127.0.0.1:")) and rest.startswith("aicontainer/")


@dataclass(frozen=True)
class Removed:
    """How many things of ours were removed from the engine."""

    containers: int = 0
    networks: int = 0
    volumes: int = 0
    images: int = 0


def remove_ours(client: docker.DockerClient, tell: Listener = silent) -> Removed:
    """Remove our containers, networks and volumes, in this order; images stay (see `remove_images`)."""
    counts: dict[str, int] = {}
    for kind, found in (("containers", containers), ("networks", networks), ("volumes", volumes)):
        for thing in found(client):
            tell(Event("remove", "progress", f"{kind[:-1]} {thing.name}"))
            _remove(thing, f"remove the {kind[:-1]} {thing.name}")
            counts[kind] = counts.get(kind, 0) + 1
    return Removed(**counts)


def _remove(thing: Any, doing: str) -> None:
    import docker.errors
    from docker.models.containers import Container

    # NotFound: another process removed it first
    with mapped(doing), suppress(docker.errors.NotFound):
        thing.remove(force=True, v=True) if isinstance(thing, Container) else thing.remove()


def remove_images(client: docker.DockerClient, tell: Listener = silent) -> Removed:
    """Remove the images that carry our label, under our names only: a user's image that was built on ours stays."""
    count = 0
    for image in images(client):
        names = our_names(image.tags)
        for name in names:
            tell(Event("remove", "progress", f"image {name}"))
            _remove_image(client, name)
        if not image.tags:
            _remove_image(client, image.id)
        count += bool(names) or not image.tags
    return Removed(images=count)


def _remove_image(client: docker.DockerClient, name: str) -> None:
    import docker.errors

    with mapped(f"remove the image {name}"):
        try:
            client.images.remove(name, force=True)
        except docker.errors.NotFound:
            pass  # it went with its parent, or another process removed it
        except docker.errors.APIError as error:
            if error.status_code != 409:  # a user's image or container stands on it: it is theirs as well now
                raise
