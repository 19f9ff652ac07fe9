"""Several processes that answer at one port, and the one that looks after them.

Python computes with one core at a time, so a second core needs a second process. The workers share nothing but a piece
of memory: each has its own socket (the kernel spreads the connections), its own model, its own counters. Their parent
answers nobody. It passes signals on, and puts a new process in the place of one that died or is stuck; the socket stays
open in the parent meanwhile, so that who connects then only waits for a moment.
"""

import contextlib
import mmap
import os
import select
import signal
import socket
import struct
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from aicontainer.serve.logs import Log

# a worker says four times a second that it is not stuck; the slowest request takes a fraction of a second
STUCK_SECONDS = 30.0
# one that ends at once, ends at once again: not in a busy loop
AGAIN_SECONDS = 1.0
LOOK_SECONDS = 0.5
COUNTERS = 64 * 1024
_BEAT = struct.Struct("d")
_PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(frozen=True)
class Place:
    """One worker's place among ``count``: its number, and the memory that all of them see.

    The memory is zero at first, and a worker that takes the place of a dead one finds what that one left: counters
    never go back. A worker writes into its own part only, and reads all of them. ``spare`` is a file in memory, empty
    at first, for this place alone: what its worker leaves to the next one. None where the system has no such files.
    """

    index: int
    count: int
    memory: mmap.mmap
    spare: Path | None = None

    @classmethod
    def alone(cls) -> "Place":
        """The place of the only worker, in which no other one follows."""
        return cls(0, 1, _memory(1))

    def counters(self, index: int) -> memoryview:
        """``COUNTERS`` bytes of one worker."""
        begin = self.count * _BEAT.size + index * COUNTERS
        return memoryview(self.memory)[begin : begin + COUNTERS]

    def beat(self) -> None:
        """Say that this worker is not stuck."""
        _BEAT.pack_into(self.memory, self.index * _BEAT.size, time.monotonic())

    def silence(self) -> float:
        """Seconds since the last beat."""
        (last,) = _BEAT.unpack_from(self.memory, self.index * _BEAT.size)
        return time.monotonic() - float(last)


def places(count: int) -> list[Place]:
    """The places of ``count`` workers, in memory that processes forked from this one share."""
    memory = _memory(count)
    return [Place(index, count, memory, _spare()) for index in range(count)]


def _memory(count: int) -> mmap.mmap:
    return mmap.mmap(-1, count * (_BEAT.size + COUNTERS))


def _spare() -> Path | None:
    # not a temporary file: in a container there may be no folder that can be written
    return Path(f"/proc/self/fd/{os.memfd_create('spare')}") if sys.platform == "linux" else None


Work = Callable[[Place, socket.socket], None]


class Workers:
    """The parent of the workers.

    Parameters
    ----------
    work
        What a worker does, in its own process, until SIGTERM.
    listeners
        One socket for each worker.
    end_seconds
        How long a worker may take to end.
    """

    def __init__(self, work: Work, listeners: Sequence[socket.socket], end_seconds: float) -> None:
        self._work = work
        self._listeners = listeners
        self._end_seconds = end_seconds
        self._log = Log(sys.stderr)
        self._places = places(len(listeners))
        self._running: dict[int, Place] = {}
        self._begun = [float("-inf")] * len(listeners)

    def __repr__(self) -> str:
        return f"Workers({len(self._running)} of {len(self._listeners)} run)"

    def run(self) -> None:
        """Look after the workers until SIGTERM or SIGINT, then until all have ended."""
        with _noticed() as read:
            while True:
                self._bury()
                self._kill_stuck()
                self._fill()
                signals = _wait(read, LOOK_SECONDS)
                for number in signals.intersection(_PASSED_ON):
                    self._pass_on(number)
                if signals & {signal.SIGTERM, signal.SIGINT}:
                    break
            for listener in self._listeners:
                listener.close()  # the workers hold their own; with ours open, the port would go on taking connections
            self._await_end(read)

    def _fill(self) -> None:
        taken = {place.index for place in self._running.values()}
        now = time.monotonic()
        for place in self._places:
            if place.index not in taken and now - self._begun[place.index] >= AGAIN_SECONDS:
                self._begun[place.index] = now
                self._fork(place)

    def _fork(self, place: Place) -> None:
        place.beat()  # it has until `STUCK_SECONDS` from now to say it by itself
        sys.stderr.flush()
        signals = {*_PASSED_ON, signal.SIGCHLD}
        # a signal that came to the child before it has handlers of its own would be told to the parent
        signal.pthread_sigmask(signal.SIG_BLOCK, signals)
        pid = os.fork()
        if not pid:
            _work_and_exit(self._work, place, self._listeners, signals)
        self._running[pid] = place
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)

    def _bury(self) -> None:
        for pid in tuple(self._running):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                place = self._running.pop(pid)
                code = os.waitstatus_to_exitcode(status)
                if code:
                    self._log.say("a worker ended", level="error", worker=place.index, process=pid, code=code)

    def _kill_stuck(self) -> None:
        for pid, place in self._running.items():
            if place.silence() > STUCK_SECONDS:
                self._log.say("a worker is stuck and gets killed", level="error", worker=place.index, process=pid)
                place.beat()  # once is enough
                os.kill(pid, signal.SIGKILL)

    def _pass_on(self, number: int) -> None:
        for pid in self._running:
            os.kill(pid, number)  # not buried yet, so the number is still this worker's

    def _await_end(self, read: int) -> None:
        end = time.monotonic() + self._end_seconds
        while self._running and time.monotonic() < end:
            _wait(read, 0.1)
            self._bury()
        self._pass_on(signal.SIGKILL)
        while self._running:
            _wait(read, 0.1)
            self._bury()


def _work_and_exit(work: Work, place: Place, listeners: Sequence[socket.socket], blocked: set[signal.Signals]) -> None:
    """What the child does; it never returns into the parent's code."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in blocked:
            signal.signal(number, signal.SIG_IGN if number == signal.SIGHUP else signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, blocked)
        for listener in listeners:
            if listener is not listeners[place.index]:
                listener.close()
        work(place, listeners[place.index])
        code = 0
    except BaseException:  # its words; then the parent sees the code
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


@contextlib.contextmanager
def _noticed() -> Iterator[int]:
    """Signals as bytes that can be read: one can wait for them with a limit, and none is lost in between."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    os.set_blocking(write, False)
    before = signal.set_wakeup_fd(write)
    kept = {number: signal.signal(number, lambda number, frame: None) for number in (*_PASSED_ON, signal.SIGCHLD)}
    try:
        yield read
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(before)
        os.close(read)
        os.close(write)


def _wait(read: int, seconds: float) -> set[int]:
    ready, _, _ = select.select([read], [], [], seconds)
    return set(os.read(read, 512)) if ready else set()
