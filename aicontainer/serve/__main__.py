"""``python -m aicontainer.serve``: the server as a process, told what to do by its environment (see ``settings``).

It ends with 0 on SIGTERM, after the requests that it has begun; anything that is wrong ends with one message.
"""

import contextlib
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from aicontainer import model
from aicontainer.errors import AicontainerError
from aicontainer.model import Model
from aicontainer.serve import lifecycle, listening
from aicontainer.serve.app import Application
from aicontainer.serve.counters import Counters
from aicontainer.serve.logs import ErrorStream, Log
from aicontainer.serve.metrics import Metrics
from aicontainer.serve.reload import Mark, Watch, mark
from aicontainer.serve.settings import Settings, read_settings
from aicontainer.serve.workers import Place, Workers

SECONDS_TO_EXIT = 2.0


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    seen = mark(settings.model_file)
    served = model.load(settings.model_file)
    listeners = listening.listen(settings.host, settings.port, settings.workers)
    about = {"model": served.name, "version": served.version, "sha256": served.digest}
    Log(sys.stderr).say("serves", **about, port=settings.port, workers=settings.workers)
    if settings.workers == 1:
        _work(settings, served, seen, lambda: True, Place.alone(), listeners[0])
    else:
        parent = os.getpid()
        # a worker does not outlive the process that looks after it
        work = partial(_work, settings, served, seen, lambda: os.getppid() == parent)
        Workers(work, listeners, settings.drain_seconds + settings.finish_seconds + SECONDS_TO_EXIT).run()


def _work(
    settings: Settings, served: Model, seen: Mark, wanted: Callable[[], bool], place: Place, listener: socket.socket
) -> None:
    served, seen = _newest(settings.model_file, place.spare, served, seen)
    counters = [Counters(place.counters(index)) for index in range(place.count)]
    metrics = Metrics(served, counters, place.index)
    application = Application(served, settings.row_limit, metrics, Log(sys.stderr, settings.log_per_second))
    watch = Watch(settings.model_file, seen, partial(_read, place.spare), application.serve, application.refused)
    # what is here now stays for ever; left out of each collection, they take microseconds instead of milliseconds
    gc.collect()
    gc.freeze()

    def beat() -> bool:
        place.beat()
        return wanted()

    lifecycle.run(application, listener, settings, watch.begin, beat)


def _newest(path: Path, spare: Path | None, served: Model, seen: Mark) -> tuple[Model, Mark]:
    """For a worker that takes another's place: the file may have changed since the parent read it, and be bad now."""
    now = mark(path)
    if now != seen:
        with contextlib.suppress(AicontainerError):  # a bad file has not been seen yet: the watch will say so
            return _read(spare, path), now
    if spare and spare.stat().st_size:
        with contextlib.suppress(AicontainerError):  # the worker before this one ended while it wrote
            return model.load(spare), seen
    return served, seen


def _read(spare: Path | None, path: Path) -> Model:
    """A new model; its file is kept for the worker that may have to take this one's place."""
    found = model.load(path)
    if spare:
        with contextlib.suppress(OSError):  # that worker would begin with the model of the start
            spare.write_bytes(path.read_bytes())
    return found


def _errors() -> ErrorStream:
    if sys.stderr is None:  # it was closed: without this, the next connection would get its number, and the log
        return ErrorStream(os.open(os.devnull, os.O_WRONLY))
    return ErrorStream(sys.stderr.fileno())


def _stop(signum: int, frame: Any) -> None:
    sys.exit(0)


def main() -> None:
    """Serve as the environment says, and exit."""
    # until the event loop takes over: process 1 of a container ignores every signal that it has no handler for, and
    # SIGHUP would end any other; the file is about to be read anyway
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with contextlib.redirect_stderr(_errors()):
            serve(read_settings(os.environ))
    except AicontainerError as error:
        print(f"cannot serve: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    finally:
        # a second SIGTERM while Python ends would make a clean end look like a killed one
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


if __name__ == "__main__":
    main()
