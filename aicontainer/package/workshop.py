"""A helper container in which a learner makes a container by hand; nothing of it touches the machine itself.

It has the engine's usual rights and those that namespaces and mounts need, no more than that where it is enough. Its
only program reads from a connection that this Python holds: when the connection ends, however it ends, so does the
program, and the engine removes the container.
"""

from __future__ import annotations

import time
import weakref
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any

from aicontainer.errors import AicontainerError, EngineError, Gone, TimedOut
from aicontainer.package.engine import LABELS, connect, mapped

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

HOSTNAME = "helper"
PROCESSES = 256
MEMORY = "256m"
RUN_SECONDS = 60
PATIENCE = 2  # seconds between asking a program to end and killing it
ENDED_BY_LIMIT = (124, 137)  # how `timeout` ends: it asked the program to end, or had to kill it
# a shell waits for every process that lost its parent, as process number 1 has to; cat ends when nobody holds its input
KEEPER = ("sh", "-c", "cat; exit")
OPEN_AGAIN = "run the cell again that opens the workshop"

# The least that lets a program make namespaces and mount. AppArmor's and SELinux's usual profiles forbid mounting.
LEAST = {"cap_add": ["SYS_ADMIN"], "security_opt": ["apparmor=unconfined", "label=disable"]}
# Some engines (rootless, with remapped users) hide parts of /proc, and the kernel then allows no new one.
RIGHTS: tuple[dict[str, Any], ...] = (LEAST, {"privileged": True})

# /cgroup becomes the place for groups of processes, the same for both versions of cgroups: pids.max and cgroup.procs
# have one form in both. Version 2 hands a controller on only from a group that holds no process itself.
PREPARE = """
mkdir -p /cgroup
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
  mount --bind /sys/fs/cgroup /cgroup
  mount -o remount,bind,rw /cgroup
  mkdir -p /cgroup/helper
  for process in $(cat /cgroup/cgroup.procs); do echo $process > /cgroup/helper/cgroup.procs || true; done
  echo +pids > /cgroup/cgroup.subtree_control
else
  mount --bind /sys/fs/cgroup/pids /cgroup
  mount -o remount,bind,rw /cgroup
fi
mkdir /cgroup/probe
test -f /cgroup/probe/pids.max
rmdir /cgroup/probe
"""
# a program of its own: an old engine cannot run a second one once the first group has handed its controllers on
TRY = "unshare --pid --fork --mount-proc --uts --ipc --net true"


@dataclass(frozen=True, eq=False)
class Workshop:
    """A helper container that runs programs until ``close()``, the end of a ``with`` block, or the end of this Python.

    Its hostname is ``helper``; ``/cgroup`` in it is the folder for groups of processes (see cgroups(7)).
    """

    id: str = field(repr=False)
    _client: DockerClient = field(repr=False)
    _lifeline: Any = field(repr=False)

    def run(self, *argv: str, limit: float = RUN_SECONDS) -> str:
        """Run a program in the helper, as root, and return what it printed, without the last line's end.

        Raises
        ------
        EngineError
            When it ends with a failure or cannot be started: with what it wrote.
        TimedOut
            When it does not end within ``limit`` seconds; it is killed then.
        Gone
            When the helper is not there any more.
        """
        begun = time.monotonic()
        container = self._container()
        bounded = ["timeout", f"--kill-after={PATIENCE}", str(limit), *argv]
        with mapped(f"run {argv[0]} in the workshop"):
            code, (said, complained) = container.exec_run(bounded, demux=True)
        if code == 0:
            return (said or b"").decode(errors="replace").strip()
        words = (complained or said or b"").decode(errors="replace")
        if code in ENDED_BY_LIMIT and time.monotonic() - begun >= limit:
            raise TimedOut(f"{argv[0]} in the workshop: not within {limit:.0f} s", seen=words, waited=limit)
        raise EngineError(f"{argv[0]} in the workshop ended with {code}", seen=words)

    def shell(self, script: str, limit: float = RUN_SECONDS) -> str:
        """Run lines of a shell, which stop at the first failure; returns and raises what ``run`` does."""
        return self.run("sh", "-euc", script, limit=limit)

    def inspect(self) -> dict[str, Any]:
        """What the engine says about the helper, as ``docker inspect`` prints it. Raises ``Gone``, ``EngineError``."""
        return dict(self._container().attrs)

    def close(self) -> None:
        """Remove the helper and all that is in it; a second time changes nothing."""
        import docker.errors

        with mapped("close the workshop"), suppress(docker.errors.NotFound):
            try:
                self._client.containers.get(self.id).remove(force=True, v=True)
            except docker.errors.APIError as error:
                if error.status_code != 409:  # its removal goes on already
                    raise
        _hang_up(self._client, self._lifeline)

    def __enter__(self) -> Workshop:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _container(self) -> Container:
        import docker.errors

        with mapped("find the workshop"):
            try:
                container = self._client.containers.get(self.id)
            except docker.errors.NotFound as error:
                raise Gone("the workshop was closed", next_step=OPEN_AGAIN) from error
        if container.status != "running":
            raise Gone("the workshop has ended", seen=f"it is {container.status}", next_step=OPEN_AGAIN)
        return container


def start(base: str, rights: tuple[dict[str, Any], ...] = RIGHTS) -> Workshop:
    """Start a helper container of an image with Python and util-linux, such as the course's base image.

    Parameters
    ----------
    rights
        What to ask the engine for, the least first: the first that lets it make namespaces, mounts and groups is taken.

    Raises
    ------
    EngineError
        When none of them is enough: with what was refused last.
    ImageNotFound, EngineUnavailable
        When the image or the engine is not there.
    """
    refused = ""
    for asked in rights:
        workshop = _open(base, asked)
        try:
            workshop.shell(PREPARE)
            workshop.shell(TRY)
        except BaseException as error:
            workshop.close()
            if not isinstance(error, EngineError):
                raise
            refused = error.seen
        else:
            return workshop
    raise EngineError(
        "this engine lets no container make namespaces and groups of its own",
        seen=refused,
        next_step="leave out the cells that use the workshop; all others work without it",
    )


def _open(base: str, rights: dict[str, Any]) -> Workshop:
    import docker.errors

    client = connect()
    try:
        with mapped(f"start a helper container of {base}"):
            container = client.containers.create(
                base,
                list(KEEPER),
                entrypoint="",
                user="0",
                labels=LABELS,
                hostname=HOSTNAME,
                stdin_open=True,
                auto_remove=True,
                cgroupns="private",
                pids_limit=PROCESSES,
                mem_limit=MEMORY,
                # the official Python finds its library by a cache in /etc, which a root of one's own does not have
                environment={"LD_LIBRARY_PATH": "/usr/local/lib"},
                **rights,
            )
            try:
                lifeline = container.attach_socket(params={"stdin": 1, "stream": 1})
                container.start()
            except BaseException:
                with suppress(docker.errors.APIError):  # the engine may have removed it already
                    container.remove(force=True)
                raise
    except AicontainerError:
        client.close()
        raise
    workshop = Workshop(container.id, client, lifeline)
    weakref.finalize(workshop, _hang_up, client, lifeline)
    return workshop


def _hang_up(client: DockerClient, lifeline: Any) -> None:
    with suppress(OSError):
        lifeline.close()
    client.close()
