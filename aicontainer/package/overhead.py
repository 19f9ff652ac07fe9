"""What it costs to run a program in a container, measured beside the same program without one. All times in seconds.

Each number is the least of several tries: what the machine needs when nothing else disturbs it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping

from aicontainer.model import Array
from aicontainer.package.engine import LABELS, engine, mapped
from aicontainer.package.workshop import Workshop
from aicontainer.serve.client import Server

TRIES = 5
REQUESTS = 200
PROGRAM = ("python", "-c", "pass")

# run inside the helper, so that no call of the engine is in the times
_STARTS = """
import json, subprocess, sys, time
least = []
for argv in json.loads(sys.argv[1]):
    times = []
    for _ in range(int(sys.argv[2])):
        begun = time.perf_counter()
        subprocess.run(argv, check=True)
        times.append(time.perf_counter() - begun)
    least.append(min(times))
print(json.dumps(least))
"""
_BOXED = ("unshare", "--pid", "--fork", "--mount-proc", "--uts", "--ipc", "--net")


def starts(workshop: Workshop, base: str) -> dict[str, float]:
    """How long Python takes to start and end: as a process, in namespaces made by hand, and by ``docker run``.

    The first two run in the workshop, the third in a fresh container of ``base``, which is removed each time.

    Raises
    ------
    EngineError, EngineUnavailable, ImageNotFound, Gone, TimedOut
        What the workshop and the engine raise.
    """
    ways = json.dumps([PROGRAM, (*_BOXED, *PROGRAM)])
    process, by_hand = json.loads(workshop.run("python", "-c", _STARTS, ways, str(TRIES)))
    with engine() as client, mapped(f"run {base}"):

        def docker_run() -> None:
            client.containers.run(base, list(PROGRAM), entrypoint="", labels=LABELS, remove=True)

        container = _least(docker_run, TRIES)
    return {"a process": process, "by hand": by_hand, "docker run": container}


def requests(servers: Mapping[str, Server], rows: Array) -> dict[str, float]:
    """How long each of some servers takes to answer a request for ``rows``, shape (n, d), asked in turns.

    Raises
    ------
    ServerError
        When one of them does not answer.
    """
    times: dict[str, float] = dict.fromkeys(servers, float("inf"))
    for _ in range(REQUESTS):
        for name, server in servers.items():
            times[name] = min(times[name], _seconds(lambda server=server: server.infer(rows)))  # type: ignore[misc]
    return times


def _least(action: Callable[[], object], tries: int) -> float:
    return min(_seconds(action) for _ in range(tries))


def _seconds(action: Callable[[], object]) -> float:
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun
