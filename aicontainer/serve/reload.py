"""A new model file takes the old one's place while requests go on.

It is looked for each second, and at once after SIGHUP. ``stat`` follows links, so it sees both ways in which files are
replaced whole: a rename, and the swap of the link ``..data`` by which Kubernetes changes a mounted ConfigMap.

The file is read in a thread of its own: a network volume that hangs holds up this thread, and neither the answers nor
the end of the process. The model is handed to the event loop only when it is whole; a request in between sees the old
one. A file that was copied over the old one instead of renamed is half there for a moment: its checksum does not fit,
and as long as it still changes that is no news.
"""

import signal
import threading
import traceback
from asyncio import AbstractEventLoop
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from aicontainer.errors import AicontainerError
from aicontainer.model import Model

LOOK_SECONDS = 1.0

T = TypeVar("T")
Mark = tuple[int, ...]


def mark(path: Path) -> Mark:
    """What changes when the file at ``path`` does; the empty tuple where there is none."""
    try:
        seen = path.stat()
    except OSError:
        return ()
    return seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns


class Watch:
    """Looks at a model file, and says what became of it.

    Parameters
    ----------
    path
        The model file.
    seen
        Its `mark` before it was read for the first time.
    read
        Reads it, in the thread that looks; raises an ``AicontainerError`` when it is no model file.
    serve, refuse
        Called in the event loop: with a new model, or with the reason why the new file cannot be used.
    """

    def __init__(
        self,
        path: Path,
        seen: Mark,
        read: Callable[[Path], Model],
        serve: Callable[[Model], None],
        refuse: Callable[[str], None],
    ) -> None:
        self._path = path
        self._seen = seen
        self._read = read
        self._serve = serve
        self._refuse = refuse
        self._asked = threading.Event()

    def __repr__(self) -> str:
        return f"Watch({self._path.name})"

    def begin(self, loop: AbstractEventLoop) -> None:
        """Look from now on."""
        loop.add_signal_handler(signal.SIGHUP, self._asked.set)
        threading.Thread(target=self._look_for_ever, args=(loop,), name="reload", daemon=True).start()

    def _look_for_ever(self, loop: AbstractEventLoop) -> None:
        unread: Mark | None = None  # the mark of a file that could not be used when it was read last
        while True:
            asked = self._asked.wait(LOOK_SECONDS)
            self._asked.clear()
            now = mark(self._path)
            if now == self._seen and not asked:
                continue
            reason = self._take(loop)
            if not reason or asked or now == unread:
                self._seen = now
                unread = None
                if reason:
                    _call(loop, self._refuse, reason)
            else:
                unread = now

    def _take(self, loop: AbstractEventLoop) -> str:
        """Hand on the model, or return why there is none."""
        try:
            found = self._read(self._path)
        except AicontainerError as error:
            return str(error)
        except Exception as error:  # whatever a file can do to a reader: the old model is there, and stays
            traceback.print_exc()
            return f"{self._path.name} cannot be read: {error!r}"
        _call(loop, self._serve, found)
        return ""


def _call(loop: AbstractEventLoop, what: Callable[[T], None], given: T) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(what, given)
