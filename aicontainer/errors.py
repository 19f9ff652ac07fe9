"""Every error that a learner can meet, in one tree. Nothing foreign (docker-py, urllib3, kubernetes) gets past a room.

    AicontainerError                what happened, what was seen last, what to do next
    ├── InputError                  what you gave cannot be used
    │   ├── DataError               a data set or an array of the wrong form
    │   ├── ModelFileError          a file that is no model, or a damaged one
    │   └── RequestError            a request that the model server refuses (with path and HTTP status)
    ├── MachineError                this machine lacks something
    │   ├── EngineUnavailable       no Docker Engine answers
    │   │   └── EngineForbidden     one runs, and this user may not use it
    │   ├── PortTaken               a port on 127.0.0.1 is in use
    │   ├── DiskFull                no room is left where something is written
    │   └── SourceUnavailable       no place to get images from
    │       └── SourceLost          there was one, and it went away while it was used
    ├── CommandError                a program ended with a failure (argument list, exit code, its last words)
    ├── EngineError                 Docker refused or failed
    │   ├── ImageNotFound
    │   └── BuildError
    ├── ClusterError                Kubernetes refused or failed (with the HTTP status)
    │   ├── ClusterMissing          there is no cluster of the course
    │   ├── ClusterUnfinished       making it was interrupted, or still goes on
    │   ├── ClusterStopped          its node, or the image registry beside it, does not run
    │   ├── KubeconfigDamaged       the file that says where it is and who we are cannot be used
    │   ├── ObjectNotFound
    │   └── ObjectRefused           it was understood and rejected: invalid, forbidden, conflicting
    ├── MonitorError                Prometheus or Alertmanager refused or failed (with the HTTP status)
    │   ├── QueryRefused            a query or a rule that Prometheus does not understand
    │   └── NoData                  an answer without the number that was asked for
    ├── ServerError                 a model server answered with something else than a prediction
    ├── NotebookError               a cell of a notebook failed (with the notebook, the cell's number and its source)
    └── WaitError                   something outside did not become what was awaited
        ├── TimedOut                the limit passed
        ├── Failed                  it reached a state from which it will not recover
        └── Gone                    it was deleted meanwhile

This file goes into the model's image, so it imports the standard library only.
"""

import errno
import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

LONGEST_FOREIGN_TEXT = 600


def shorten(text: str, longest: int = LONGEST_FOREIGN_TEXT) -> str:
    """The end of a foreign text, where programs write what went wrong; cut at ``longest`` characters."""
    text = text.strip()
    return text if len(text) <= longest else "… " + text[-longest:]


def plainly(text: str) -> str:
    """An HTTP library's text about a connection that failed, as its address and the system's words; else the text."""
    where = re.search(r"host='([^']+)', port=(\d+)", text)
    why = re.search(r"\[Errno -?\d+\] ([^\"'()]+)|Error\(\d+, '([^']+)'\)|(Read timed out)", text)
    if not where or not why:
        return text
    return f"{where[1]}:{where[2]}: {next(words for words in why.groups() if words)}"


class AicontainerError(Exception):
    """What happened, what was seen last, and what to do next.

    Parameters
    ----------
    what
        One sentence for a person: what could not be done.
    seen
        The last state that was seen, or the words of the part that failed. May be empty.
    next_step
        What the reader can do now, as a command where there is one. May be empty.
    """

    exit_code = 1

    def __init__(self, what: str, *, seen: str = "", next_step: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.seen = shorten(seen)
        self.next_step = next_step

    def __str__(self) -> str:
        lines = [self.what]
        if self.seen:
            lines.append(f"  seen: {self.seen}")
        if self.next_step:
            lines.append(f"  next: {self.next_step}")
        return "\n".join(lines)


class InputError(AicontainerError):
    """What was given cannot be used."""

    exit_code = 2


class DataError(InputError):
    """A data set that is not there, or an array of the wrong form."""


class ModelFileError(InputError):
    """A file that is no model, or one that was damaged."""


class RequestError(InputError):
    """A request that the model server refuses.

    ``path`` names the place of the fault in the request (``inputs[0].data[3]``), ``status`` is the HTTP status.
    """

    def __init__(self, what: str, *, path: str, status: int = 400) -> None:
        super().__init__(what, seen=path)
        self.path = path
        self.status = status


class MachineError(AicontainerError):
    """This machine lacks something that is needed."""

    exit_code = 3


class EngineUnavailable(MachineError):
    """No Docker Engine answers."""


class EngineForbidden(EngineUnavailable):
    """A Docker Engine runs, and this user may not use it."""


class PortTaken(MachineError):
    """A port on 127.0.0.1 is in use by something else."""


class DiskFull(MachineError):
    """No room is left where something is written; what stood there before is still whole."""


class SourceUnavailable(MachineError):
    """Images can be had from nowhere on this machine."""


class SourceLost(SourceUnavailable):
    """Where the images come from does not answer any more; what has been fetched so far is kept."""


def means_no_engine(error: AicontainerError) -> bool:
    """Whether a set-up ended because this machine cannot have a Docker Engine, which is no failure of the set-up."""
    return isinstance(error, EngineUnavailable | SourceUnavailable) and not isinstance(error, SourceLost)


class CommandError(AicontainerError):
    """A program ended with a failure. ``argv`` and ``code`` are kept; ``command`` can be pasted into a shell."""

    def __init__(self, argv: Sequence[str], code: int, *, output: str = "", log: Path | None = None) -> None:
        self.argv = tuple(argv)
        self.code = code
        self.log = log
        self.command = shlex.join(self.argv)
        super().__init__(
            f"{Path(self.argv[0]).name} ended with {code}: {shorten(self.command, 200)}",
            seen=output,
            next_step=f"read its log: {log}" if log else "",
        )


class EngineError(AicontainerError):
    """Docker refused or failed."""


class ImageNotFound(EngineError):
    """The engine has no such image, or could not pull it."""


class BuildError(EngineError):
    """An image could not be built."""


class ClusterError(AicontainerError):
    """Kubernetes refused or failed; ``status`` is the HTTP status, 0 where there was no answer."""

    def __init__(self, what: str, *, seen: str = "", next_step: str = "", status: int = 0) -> None:
        super().__init__(what, seen=seen, next_step=next_step)
        self.status = status


class ClusterMissing(ClusterError):
    """There is no cluster of the course."""


class ClusterUnfinished(ClusterError):
    """Making the cluster was interrupted, or still goes on."""


class ClusterStopped(ClusterError):
    """The cluster's node, or the image registry beside it, does not run."""


class KubeconfigDamaged(ClusterError):
    """The kubeconfig, which says where the cluster is and who we are, cannot be used."""


class ObjectNotFound(ClusterError):
    """The cluster has no such object."""


class ObjectRefused(ClusterError):
    """The cluster understood the object and rejected it: invalid, forbidden or conflicting."""


class MonitorError(AicontainerError):
    """Prometheus or Alertmanager refused or failed; ``status`` is the HTTP status, 0 where there was no answer."""

    def __init__(self, what: str, *, seen: str = "", next_step: str = "", status: int = 0) -> None:
        super().__init__(what, seen=seen, next_step=next_step)
        self.status = status


class QueryRefused(MonitorError):
    """A query or a rule that Prometheus does not understand or cannot work out; ``seen`` holds its own words."""


class NoData(MonitorError):
    """An answer without the number that was asked for: no series, or more than one."""


class ServerError(AicontainerError):
    """A model server answered with something else than a prediction.

    ``status`` is the HTTP status, 0 where none came; ``path`` is the place of the fault in the request, if named.
    """

    def __init__(self, what: str, *, seen: str = "", next_step: str = "", status: int = 0, path: str = "") -> None:
        super().__init__(what, seen=seen, next_step=next_step)
        self.status = status
        self.path = path


class NotebookError(AicontainerError):
    """A cell of a notebook failed; ``cell`` is its number (1 is the first cell), ``source`` what stands in it."""

    def __init__(self, what: str, *, seen: str = "", next_step: str = "", cell: int = 0, source: str = "") -> None:
        super().__init__(what, seen=seen, next_step=next_step)
        self.cell = cell
        self.source = source

    def __str__(self) -> str:
        head, *rest = super().__str__().split("\n")
        return "\n".join([head, *(f"  | {line}" for line in self.source.splitlines()), *rest])


class WaitError(AicontainerError):
    """Something outside did not become what was awaited; ``waited`` is in seconds."""

    def __init__(self, what: str, *, seen: str = "", next_step: str = "", waited: float = 0.0) -> None:
        super().__init__(what, seen=seen, next_step=next_step)
        self.waited = waited


class TimedOut(WaitError):
    """The limit of the wait passed."""


class Failed(WaitError):
    """A state was reached from which it will not recover by itself."""


class Gone(WaitError):
    """What was awaited was deleted meanwhile."""


NO_ROOM = "no space left on device"  # the same words from the kernel, Docker, apt, tar and zstd


@contextmanager
def disk_full_told(path: Path) -> Iterator[None]:
    """Turn the operating system's "no room" (disk or quota) while ``path`` is written into `DiskFull`."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise disk_full(f"{path.name} could not be written", f"{error.strerror}: {path.parent}") from error


def disk_full(what: str, seen: str) -> DiskFull:
    """The error for a disk without room; ``what`` is the sentence for what could not be done."""
    return DiskFull(
        f"{what}: the disk is full", seen=seen, next_step="df -h shows which disk; free some room, then run it again"
    )
