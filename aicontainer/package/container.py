"""A container of the model's image on this machine: run, asked, looked at, and removed whatever happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aicontainer.errors import EngineError
from aicontainer.events import Listener, silent
from aicontainer.package.engine import LABELS, engine, mapped
from aicontainer.package.image import Image
from aicontainer.serve.client import Server
from aicontainer.waiting import Seen, failed, gone, pending, ready, wait

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

PORT = 8080
READY_SECONDS = 60
OUTPUT_SECONDS = 60
MEMORY_LIMIT = "256m"
LOG_LINES = 15


@dataclass(frozen=True)
class Running:
    """A container that answers: its server, and what the engine says about it.

    ``user`` is what its program runs as (empty: root), ``memory`` the limit in bytes.
    """

    server: Server = field(repr=False)
    image: str
    user: str
    memory: int
    read_only: bool


@contextmanager
def running(
    image: Image | str,
    *,
    model: str = "education",
    env: dict[str, str] | None = None,
    limit: float = READY_SECONDS,
    tell: Listener = silent,
) -> Iterator[Running]:
    """Run an image as a cluster would (no privileges, nothing writable), wait until its server is ready, remove it.

    It is published on a free port of 127.0.0.1 only. ``model`` is the name of the model in it.

    Raises
    ------
    Failed
        When the program ends instead of answering: with the end of its log.
    TimedOut
        When it does not answer within ``limit`` seconds.
    ImageNotFound, EngineUnavailable, EngineError
        When it cannot be started.
    """
    name = image if isinstance(image, str) else image.name
    published = {f"{PORT}/tcp": ("127.0.0.1", None)}
    with engine() as client, _started(client, name, environment=env or {}, ports=published) as container:
        server = wait(
            f"the server in {name}",
            lambda: look(container, model),
            limit=limit,
            pause=0.1,
            next_step=f"run it in a terminal and watch: docker run --rm {name}",
            tell=tell,
        )
        yield _facts(container, server, name)


@contextmanager
def _started(client: DockerClient, name: str, **settings: Any) -> Iterator[Container]:
    """A container without rights. It is made, then started: one that cannot be started is there too, and must go."""
    with mapped(f"make a container of {name}"):
        container = client.containers.create(
            name,
            labels=LABELS,
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            mem_limit=MEMORY_LIMIT,
            **settings,
        )
    try:
        with mapped(f"run {name}"):
            container.start()
        yield container
    finally:
        _remove(container)


def look(container: Container, model: str) -> Seen:
    """One look at a container: is its server ready, does it still start, or has its program ended?"""
    import docker.errors

    with mapped("look at the container"):
        try:
            container.reload()
        except docker.errors.NotFound:
            return gone("the container was removed")
        state = container.attrs["State"]
        if state["Status"] in {"exited", "dead"}:
            return failed(_ended(state, container.logs(tail=LOG_LINES).decode(errors="replace")))
        published = container.ports.get(f"{PORT}/tcp")
    if not published:
        return pending(f"the container is {state['Status']}")
    server = Server(f"http://127.0.0.1:{published[0]['HostPort']}", model)
    return ready(server) if server.ready() else pending("the server is not ready yet")


def _ended(state: dict[str, Any], log: str) -> str:
    reason = " (out of memory)" if state.get("OOMKilled") else ""
    words = log.strip() or state.get("Error") or "it wrote nothing"
    return f"its program ended with {state['ExitCode']}{reason}; its log ends:\n{words}"


def _facts(container: Container, server: Server, name: str) -> Running:
    config, host = container.attrs["Config"], container.attrs["HostConfig"]
    return Running(
        server=server,
        image=name,
        user=config.get("User") or "",
        memory=int(host["Memory"]),
        read_only=bool(host["ReadonlyRootfs"]),
    )


def _remove(container: Container) -> None:
    import docker.errors

    # NotFound: someone else removed it, which is what was wanted
    with mapped("remove the container"), suppress(docker.errors.NotFound):
        container.remove(force=True, v=True)


def output(
    image: Image | str,
    *argv: str,
    limit: float = OUTPUT_SECONDS,
    hostname: str | None = None,
    processes: int | None = None,
) -> str:
    """What a program prints in a fresh container of an image: without network, as the image's own user, then removed.

    Parameters
    ----------
    hostname
        The name that it has for its machine; a random one where none is given.
    processes
        How many processes it may have at once, itself among them; the engine's own limit where none is given.

    Raises
    ------
    EngineError
        When the program ends with a failure, or cannot be started: with what it wrote.
    TimedOut
        When it does not end within ``limit`` seconds.
    ImageNotFound, EngineUnavailable
        When the image or the engine is not there.
    """
    name = image if isinstance(image, str) else image.name
    settings: dict[str, Any] = {"command": list(argv), "entrypoint": "", "network_mode": "none"}
    settings |= {"hostname": hostname, "pids_limit": processes}
    with engine() as client, _started(client, name, **settings) as container:
        state = wait(f"{argv[0]} in {name}", lambda: _look_for_the_end(container), limit=limit, pause=0.1)
        with mapped("read what it wrote"):
            said, complained = _words(container, stdout=True), _words(container, stdout=False)
    if state["ExitCode"] != 0:
        raise EngineError(f"{argv[0]} in {name} ended with {state['ExitCode']}", seen=complained or said)
    return said


def _words(container: Container, *, stdout: bool) -> str:
    text: bytes = container.logs(stdout=stdout, stderr=not stdout)
    return text.decode(errors="replace").strip()


def _look_for_the_end(container: Container) -> Seen:
    with mapped("look at the container"):
        container.reload()
    state = container.attrs["State"]
    return ready(state) if state["Status"] in {"exited", "dead"} else pending(f"it is {state['Status']}")
