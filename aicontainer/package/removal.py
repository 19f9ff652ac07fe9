"""Remove a container, even one that cannot be killed.

With cgroup v1 a frozen process takes no signal, SIGKILL neither. runc freezes the processes of a pod for the moment in
which it kills them; when the node around it is killed in just that moment, nobody thaws them any more, and Docker waits
in vain for the node's end. (With cgroup v2 the kernel lets SIGKILL through.)
"""

from contextlib import suppress
from typing import TYPE_CHECKING

from aicontainer.package.engine import COURSE, LABEL

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container

_DOES_NOT_END = "did not receive an exit event"
_THAW = 'find /freezer -path "*$1*" -name freezer.state | while read -r state; do echo THAWED >"$state"; done'
_FREEZER = {"/sys/fs/cgroup/freezer": {"bind": "/freezer", "mode": "rw"}}


def remove(client: "docker.DockerClient", container: "Container") -> None:
    """Kill and remove a container with its volumes; where frozen processes hold it, thaw them first."""
    import docker.errors

    try:
        container.remove(force=True, v=True)
    except docker.errors.APIError as error:
        if _DOES_NOT_END not in str(error):
            raise
        with suppress(docker.errors.DockerException):  # where it does not help, the words of the last try are told
            _thaw(client, container)
        container.remove(force=True, v=True)


def _thaw(client: "docker.DockerClient", container: "Container") -> None:
    """From a container of the same image, which need not be pulled: the user may not write to the machine's cgroups."""
    client.containers.run(
        container.attrs["Image"],
        ["-c", _THAW, "thaw", container.id],
        entrypoint=["sh"],
        privileged=True,
        network_mode="none",
        volumes=_FREEZER,
        labels={LABEL: COURSE},
        remove=True,
    )
