"""What every source of images gives: an engine that answers, two programs, and the names of the images.

A source is one answer to "where do Docker, kind and the images come from on this machine?". ``environment.up`` asks
the sources in a fixed order and uses the first one that can work here.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from aicontainer.events import Listener


@dataclass(frozen=True)
class Plan:
    """What a source would do to this machine, said before it does it; ``minutes`` is 0 when nothing is missing."""

    installs: tuple[str, ...]
    minutes: float
    gigabytes_while_building: float
    gigabytes_kept: float


@dataclass(frozen=True)
class Supply:
    """What a source has put in place.

    ``node_image`` is the image of the cluster's nodes; empty means the one that this kind has pinned. ``base_image``
    is given to every Dockerfile as ``BASE``. ``registry_image`` is the registry that runs beside the cluster.
    ``prometheus_image`` and ``alertmanager_image`` have the program as entrypoint; the manifests give its options.
    """

    kind: Path
    kubectl: Path
    node_image: str
    base_image: str
    registry_image: str
    prometheus_image: str
    alertmanager_image: str


class Source(Protocol):
    """One place that engine, programs and images can come from."""

    name: str

    def reason_against(self) -> str:
        """Why this source cannot be used on this machine; empty when it can."""
        ...

    def plan(self) -> Plan:
        """What is still missing, as far as can be told without doing it."""
        ...

    def engine(self, tell: Listener) -> None:
        """See to it that a Docker Engine answers: found, started, mended or installed."""
        ...

    def supply(self, tell: Listener) -> Supply:
        """See to it that programs and images are there; needs an engine that answers."""
        ...

    def tidy(self, tell: Listener) -> None:
        """Once everything runs: keep what helps the next time, remove what is needed no more."""
        ...
