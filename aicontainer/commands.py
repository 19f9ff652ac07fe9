"""The one way to run a program: an argument list, a limit, output to a log, and an error that can be acted upon."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from aicontainer.errors import (
    NO_ROOM,
    AicontainerError,
    CommandError,
    MachineError,
    TimedOut,
    disk_full,
    disk_full_told,
    shorten,
)

KEPT_LINES = 2000
PR_SET_PDEATHSIG = 1
GRACE_SECONDS = 10.0  # between asking a program to end and ending it: time to unmount what it has mounted
# loaded here, because little may be done between fork and exec
LIBC = ctypes.CDLL(None)

# Programs started here that have not ended: known so that an interrupted process takes them along.
_running: set["subprocess.Popen[str]"] = set()


def run(
    argv: Sequence[str | Path],
    *,
    limit: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
    on_line: Callable[[str], None] | None = None,
    gently: bool = False,
) -> str:
    """Run a program to its end and return what it printed (stdout and stderr together, the last 2,000 lines).

    Parameters
    ----------
    argv
        Program and arguments; never a shell line.
    limit
        Seconds; then the program and its children are ended.
    env
        Variables set in addition to this process's own.
    log
        A file to which every line is appended as it comes.
    on_line
        Called with each line as it comes, without its newline.
    gently
        Run at low priority, so that what the learner looks at stays quick.

    Raises
    ------
    CommandError
        When it ends with another code than 0: with its last words and its log.
    DiskFull
        When it says that no room is left on a disk, or its log finds none.
    MachineError
        When there is no such program.
    TimedOut
        When the limit passes: with the last line seen.
    """
    words = [str(word) for word in argv]
    lines: deque[str] = deque(maxlen=KEPT_LINES)
    process = _start(words, cwd=cwd, env=env, niceness=10 if gently else 0)
    _running.add(process)
    expired = threading.Event()
    timer = threading.Timer(limit, _expire, args=(process, expired))
    timer.start()
    try:
        _read(process, lines, log, on_line)
        code = process.wait()
    except BaseException:
        _end(process)
        process.wait()
        raise
    finally:
        timer.cancel()
        _running.discard(process)
    output = "\n".join(lines)
    if expired.is_set():
        raise TimedOut(
            f"{Path(words[0]).name} ran longer than {limit:.0f} s: {shorten(' '.join(words), 200)}",
            seen=lines[-1] if lines else "it printed nothing",
            next_step=f"read its log: {log}" if log else "",
            waited=limit,
        )
    if code != 0:
        raise _of_its_end(CommandError(words, code, output=output, log=log), output)
    return output


def _of_its_end(error: CommandError, output: str) -> AicontainerError:
    # a full disk makes many programs fail in many ways: told as what it is, nothing else is taken for damaged
    said = [line for line in output.splitlines() if NO_ROOM in line.lower()]
    if not said:
        return error
    full = disk_full(f"{Path(error.argv[0]).name} failed", said[-1])
    full.__cause__ = error
    return full


def end_all() -> None:
    """End every program that this process is running; each `run` then raises in its own thread."""
    for process in tuple(_running):
        _end(process)


def _start(
    words: list[str], *, cwd: Path | None, env: Mapping[str, str] | None, niceness: int
) -> "subprocess.Popen[str]":
    def in_child() -> None:
        os.nice(niceness)
        if sys.platform == "linux":
            # a killed parent takes the program along, so that the next run does not meet it half-way
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

    try:
        return subprocess.Popen(
            words,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,  # ended as a whole; and still of this terminal's session, where sudo remembers its user
            preexec_fn=in_child,
        )
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        raise MachineError(
            f"the program {words[0]} {'is not on this machine' if missing else 'cannot be started'}",
            seen="" if missing else str(error),
            next_step="aicontainer doctor lists what is missing and how to get it",
        ) from error


def _read(
    process: "subprocess.Popen[str]",
    lines: deque[str],
    log: Path | None,
    on_line: Callable[[str], None] | None,
) -> None:
    assert process.stdout is not None
    record_path = log or Path(os.devnull)
    with disk_full_told(record_path), process.stdout:
        record_path.parent.mkdir(parents=True, exist_ok=True)
        _follow(process.stdout, lines, record_path, on_line)


def _follow(output: IO[str], lines: deque[str], record_path: Path, on_line: Callable[[str], None] | None) -> None:
    with record_path.open("a", encoding="utf-8") as record:
        for raw in output:
            line = raw.rstrip("\n")
            lines.append(line)
            record.write(line + "\n")
            record.flush()
            if on_line:
                on_line(line)


def _expire(process: "subprocess.Popen[str]", expired: threading.Event) -> None:
    expired.set()
    _end(process)


def _end(process: "subprocess.Popen[str]") -> None:
    """Ask the program and its children to end; what is left of them after a while is ended without asking."""
    _signal_group(process, signal.SIGTERM)
    last = threading.Timer(GRACE_SECONDS, _signal_group, args=(process, signal.SIGKILL))
    last.daemon = True
    last.start()


def _signal_group(process: "subprocess.Popen[str]", sent: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):  # it has ended already, or runs as root under sudo
        os.killpg(process.pid, sent)
