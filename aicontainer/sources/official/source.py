"""The registry source: what it needs, and what it puts in place."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aicontainer.errors import AicontainerError, EngineError, EngineUnavailable, MachineError
from aicontainer.events import Event, Listener
from aicontainer.package import engine as docker_engine
from aicontainer.sources import programs as found_programs
from aicontainer.sources.base import Plan, Supply
from aicontainer.sources.official import images, pins, programs
from aicontainer.sources.official.pins import Pin, Pins

# base, registry, monitoring and node, unpacked; and the two programs
GIGABYTES = 1.7
MINUTES_PER_IMAGE = 0.6


@dataclass(frozen=True)
class _Missing:
    images: tuple[Pin, ...]
    programs: tuple[str, ...]


class OfficialImages:
    """Official images from an image registry that the engine reaches; kind and kubectl found or downloaded."""

    name = "registry"

    def reason_against(self) -> str:
        """Why it cannot be used: no engine, nothing that the engine can resolve, or no way to the programs."""
        try:
            wanted = pins.read()
            with docker_engine.engine() as client:
                missing = _missing(client, wanted)
                for pin in missing.images[:1]:  # what the registry says of one, it would say of all
                    if reason := _unresolved(client, pin):
                        return reason
        except AicontainerError as error:
            return f"{error.what}: {error.seen}" if isinstance(error, EngineError) else error.what
        for name in missing.programs:
            if name not in wanted.programs:
                return f"{name} is not on PATH, and none is pinned for {pins.machine()}"
            if reason := programs.reason_against(wanted.programs[name]):
                return reason
        return ""

    def plan(self) -> Plan:
        """What is not in the engine and not in the cache yet."""
        with docker_engine.engine() as client:
            missing = _missing(client, pins.read())
        count = len(missing.images) + len(missing.programs)
        gigabytes = GIGABYTES if count else 0.0
        return Plan((), minutes=count * MINUTES_PER_IMAGE, gigabytes_while_building=gigabytes, gigabytes_kept=gigabytes)

    def engine(self, tell: Listener) -> None:
        """Only looks: this source installs nothing on the system."""
        docker_engine.connect().close()
        tell(Event("engine", "found"))

    def supply(self, tell: Listener) -> Supply:
        """Download the programs that are missing, and pull the images that are missing.

        Raises
        ------
        ImageNotFound, TimedOut, EngineError, MachineError
            With the image or the program that could not be had.
        """
        wanted = pins.read()
        kind, kubectl = (_program(name, wanted, tell) for name in pins.PROGRAMS)
        node = _node(wanted, kind)
        with docker_engine.engine() as client:
            for pin in (*wanted.images.values(), *([node] if node else [])):
                images.ensure(client, pin, tell)
        return Supply(
            kind=kind,
            kubectl=kubectl,
            node_image=node.local if node else "",
            base_image=wanted.images["base"].local,
            registry_image=wanted.images["registry"].local,
            prometheus_image=wanted.images["prometheus"].local,
            alertmanager_image=wanted.images["alertmanager"].local,
        )

    def tidy(self, tell: Listener) -> None:
        """Nothing to do: the engine keeps the images."""


def _program(name: str, wanted: Pins, tell: Listener) -> Path:
    if path := found_programs.find(name):
        tell(Event(name, "found", found_programs.version(path)))
        return path
    if name not in wanted.programs:
        raise MachineError(
            f"{name} is not on PATH, and none is pinned for {pins.machine()}", next_step=f"install {name}"
        )
    return programs.ensure(wanted.programs[name], tell)


def _node(wanted: Pins, kind: Path | None) -> Pin | None:
    """The node's image for this kind; None lets kind use the one that it has pinned itself."""
    version = found_programs.version(kind) if kind else wanted.programs["kind"].version
    return wanted.nodes.get(version)


def _unresolved(client: Any, pin: Pin) -> str:
    try:
        images.resolve(client, pin)
    except EngineUnavailable:
        raise
    except AicontainerError as error:
        return f"the engine cannot resolve {pin}: {error.seen or error.what}"
    return ""


def _missing(client: Any, wanted: Pins) -> _Missing:
    absent = tuple(name for name in pins.PROGRAMS if found_programs.find(name) is None)
    kind = found_programs.find("kind")
    node = _node(wanted, kind) if kind or "kind" in wanted.programs else None
    needed = (*wanted.images.values(), *([node] if node else []))
    return _Missing(tuple(pin for pin in needed if not images.is_there(client, pin)), absent)
