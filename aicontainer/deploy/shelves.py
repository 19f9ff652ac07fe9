"""The shelves of the pods, asked and filled from outside. What runs in the pod is ``aicontainer.serve.shelf``.

Each pod has a shelf of its own, and a version is only there when it is whole on all of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aicontainer.deploy import inside
from aicontainer.errors import ClusterError, ObjectRefused
from aicontainer.model import Model
from aicontainer.serve.shelf import Entry

if TYPE_CHECKING:
    from aicontainer.deploy.cluster import Cluster

CONTAINER = "shelf"
MISSING = "it is missing"
PROGRAM = ("python", "-m", "aicontainer.serve.shelf")


@dataclass(frozen=True, repr=False)
class Version:
    """One version over all pods: which hold it whole, and for each of the others what is wrong there."""

    name: str
    model: str
    digest: str
    holders: tuple[str, ...]
    troubles: Mapping[str, str]

    @property
    def whole(self) -> bool:
        """Whether every pod holds it, the same and undamaged."""
        return not self.troubles

    def __repr__(self) -> str:
        if self.whole:
            return f"Version({self.name} of {self.model}: whole on {', '.join(self.holders)})"
        return f"Version({self.name}: {self.told()})"

    def told(self) -> str:
        """What is wrong, pod by pod; empty when nothing is."""
        return "; ".join(f"{pod}: {trouble}" for pod, trouble in self.troubles.items())


def look(cluster: Cluster, pods: Sequence[str], namespace: str) -> tuple[Version, ...]:
    """What the shelves of these pods hold.

    Raises
    ------
    ClusterError, CommandError
        When a pod cannot be asked, or its shelf cannot be read.
    """
    return gathered({pod: _entries(inside.run(cluster, pod, _list(), namespace, container=CONTAINER)) for pod in pods})


def place(cluster: Cluster, pod: str, content: bytes, namespace: str) -> Entry:
    """Lay a model file on the shelf of one pod; it is there whole or not at all.

    Raises
    ------
    ClusterError, CommandError
        When the pod cannot be asked, or refuses: another content has that version.
    """
    argv = [*PROGRAM, "place", str(len(content))]
    (placed,) = _entries(f"[{inside.run(cluster, pod, argv, namespace, container=CONTAINER, stdin=content)}]")
    return placed


def gathered(by_pod: Mapping[str, Sequence[Entry]]) -> tuple[Version, ...]:
    """The versions over all pods, by name. Where whole files differ, the first pod's counts."""
    names = sorted({entry.version for entries in by_pod.values() for entry in entries})
    return tuple(_version(name, by_pod) for name in names)


def find(every: Sequence[Version], name: str) -> Version | None:
    """The version of that name, or None."""
    return next((each for each in every if each.name == name), None)


def refuse_another(given: Model, held: Version | None, every: Sequence[Version]) -> None:
    """See to it that a version never changes, and that the shelves hold versions of one model only.

    Raises
    ------
    ObjectRefused
        When ``held`` is another content than ``given`` under the same version, or ``every`` is of another model.
    """
    if held and held.digest and held.digest != given.digest:
        raise ObjectRefused(
            f"version {given.version} is published with another content, and a version never changes",
            seen=f"published {held.digest}, given {given.digest}",
            next_step="give the new model another version",
            status=409,
        )
    others = sorted({each.model for each in every if each.model} - {given.name})
    if others:
        raise ObjectRefused(
            f"these shelves hold versions of {', '.join(others)}, not of {given.name}",
            next_step="versions of another model belong into a namespace of their own",
        )


def _version(name: str, by_pod: Mapping[str, Sequence[Entry]]) -> Version:
    found = {pod: next((each for each in entries if each.version == name), None) for pod, entries in by_pod.items()}
    first = next((each for each in found.values() if each and not each.problem), Entry(name))
    troubles = {}
    for pod, entry in found.items():
        if entry is None:
            troubles[pod] = MISSING
        elif entry.problem:
            troubles[pod] = entry.problem
        elif entry.digest != first.digest:
            troubles[pod] = "its content differs from that of the other pods"
    holders = tuple(pod for pod in by_pod if pod not in troubles)
    return Version(name, first.model, first.digest, holders, troubles)


def _list() -> list[str]:
    return [*PROGRAM, "list"]


def _entries(text: str) -> list[Entry]:
    try:
        return [Entry(**each) for each in json.loads(text)]
    except (ValueError, TypeError) as error:
        raise ClusterError("a pod does not tell what is on its shelf", seen=text[:200]) from error
