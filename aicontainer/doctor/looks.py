"""All looks, side by side: each within the limit, none that raises; what was not found out says so."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from aicontainer import places
from aicontainer.doctor import advice, engine, machine, network, system, tls
from aicontainer.doctor.engine import Engine
from aicontainer.doctor.findings import Advice, Family, Finding, Seen, ask
from aicontainer.doctor.system import System
from aicontainer.errors import AicontainerError, EngineUnavailable
from aicontainer.sources.choose import Choice, choose
from aicontainer.sources.packages import recipe

LIMIT_SECONDS = 25.0
# a look that can do without the engine or the source waits for them this part of the limit, and then goes on
SHARE = 0.6
ROOT = Path("/")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Here:
    """What several looks need, asked once; ``until`` (of the monotonic clock) is when they go on without an answer.

    ``room`` is what the source of images will need on the disk, in GB: much where it has to build them.
    """

    system: System
    variables: Mapping[str, str]
    engine: Future[Engine]
    choice: Future[Choice]
    room: Future[float]
    until: float

    def left(self) -> float:
        """Seconds until the looks go on."""
        return max(0.0, self.until - time.monotonic())

    def soon(self, future: Future[Answer]) -> Answer | None:
        """An answer; None where there is none, or not in time."""
        try:
            return future.result(self.left())
        except (AicontainerError, TimeoutError):
            return None


@dataclass(frozen=True)
class Look:
    """A name, what mends it, and the question itself."""

    name: str
    advice: Advice
    see: Callable[[Here], Seen]


def examine(limit: float = LIMIT_SECONDS) -> tuple[Finding, ...]:
    """Look at everything that the course needs, in the order in which it is needed; ``limit`` in seconds for all."""
    begun = time.monotonic()
    choice = ask(choose)
    here = Here(
        system=system.find(),
        variables=dict(os.environ),
        engine=ask(engine.describe),
        choice=choice,
        room=ask(lambda: choice.result().source.plan().gigabytes_while_building),
        until=begun + SHARE * limit,
    )
    asked = [(look, ask(partial(look.see, here))) for look in LOOKS]
    return tuple(_finding(look, answer, begun + limit, here.system.family) for look, answer in asked)


def _finding(look: Look, answer: Future[Seen], end: float, family: Family) -> Finding:
    try:
        seen = answer.result(max(0.0, end - time.monotonic()))
    except TimeoutError:
        seen = Seen("no answer in time", "not known")
    except AicontainerError as error:
        seen = Seen(f"{error.what}: {error.seen}" if error.seen else error.what, "not known")
    except Exception as error:  # a look that stumbles over an unusual machine must not hide the others
        seen = Seen(f"{type(error).__name__}: {error}", "not known")
    return Finding(look.name, seen.found, seen.state, (seen.advice or look.advice).on(family))


def _system(here: Here) -> Seen:
    return system.look(here.system, places.clone())


def _disk(here: Here) -> Seen:
    found = here.soon(here.engine)
    # with Docker Desktop, or an engine elsewhere, that folder is not on this machine
    of_docker = [Path(found.root)] if found and not found.is_desktop and Path(found.root).is_dir() else []
    return machine.disk([places.cache(), *of_docker], here.soon(here.room) or 0.0)


def _docker(here: Here) -> Seen:
    try:
        return engine.judge_engine(here.engine.result(here.left()))
    except EngineUnavailable as error:
        return engine.judge_refusal(error)
    except TimeoutError:
        return Seen("one takes the question and gives no answer", "not enough")


def _docker_memory(here: Here) -> Seen:
    found = here.soon(here.engine)
    return engine.judge_memory(found) if found else Seen("no engine to ask", "not known", advice.DOCKER_ABSENT)


def _cgroups(here: Here) -> Seen:
    found = here.soon(here.engine)
    version = found.cgroups if found and found.cgroups else engine.cgroups_of_system(ROOT)
    choice = here.soon(here.choice)
    builds = choice is not None and choice.source.name == "packages"
    return engine.judge_cgroups(version, recipe.KUBERNETES if builds else "")


def _source(here: Here) -> Seen:
    try:
        return network.image_source(here.choice.result())
    except AicontainerError as error:
        return Seen(error.seen or error.what, "not enough")


LOOKS = (
    Look("system", advice.SYSTEM, _system),
    Look("Python", advice.PYTHON, lambda here: machine.python()),
    Look("memory", advice.MEMORY, lambda here: machine.memory()),
    Look("disk", advice.DISK, _disk),
    Look("inotify", advice.INOTIFY, lambda here: machine.inotify(ROOT)),
    Look("Docker", advice.DOCKER_ABSENT, _docker),
    Look("Docker's memory", advice.DOCKER_MEMORY, _docker_memory),
    Look("cgroups", advice.CGROUPS, _cgroups),
    Look("kind", advice.PROGRAM, lambda here: engine.program("kind")),
    Look("kubectl", advice.PROGRAM, lambda here: engine.program("kubectl")),
    Look("ports", advice.PORTS, lambda here: network.ports()),
    Look("proxies", advice.PROXY_ENGINE, lambda here: network.proxies(here.variables, here.soon(here.engine))),
    Look("TLS", advice.TLS_ASK, lambda here: tls.look(here.variables)),
    Look("image source", advice.SOURCE, _source),
)
