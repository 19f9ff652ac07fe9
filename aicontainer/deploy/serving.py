"""With which version of a model pods answer: each one asked inside it, or all of them through their Service."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aicontainer.deploy import inside, shelves
from aicontainer.errors import ClusterError, CommandError, ServerError
from aicontainer.serve.client import Server
from aicontainer.waiting import Seen, pending, ready

if TYPE_CHECKING:
    from aicontainer.deploy.cluster import Cluster

# each over a connection of its own, which the Service gives to any of the pods
ANSWERS_ASKED = 8

_WHO_ANSWERS = "from urllib.request import urlopen as u; print(u('http://127.0.0.1:8080/v2/models/{}').read().decode())"


@dataclass(frozen=True)
class Serving:
    """With which version one pod answers; empty texts where it does not answer."""

    pod: str
    version: str
    digest: str

    def __repr__(self) -> str:
        return f"Serving({self.pod}: version {self.version or 'none'})"


def ask(cluster: Cluster, pod: str, model: str, namespace: str) -> Serving:
    """With which version of the model of that name one pod answers, asked inside it."""
    argv = ["python", "-c", _WHO_ANSWERS.format(model)]
    try:
        said = json.loads(inside.run(cluster, pod, argv, namespace, container=shelves.CONTAINER))
        return Serving(pod, str(said["versions"][0]), str(said["parameters"]["sha256"]))
    except (CommandError, ClusterError, ValueError):
        return Serving(pod, "", "")


def all_name(server: Server, version: str) -> Seen:
    """Ready when each of several answers names that version; to be waited for."""
    try:
        named = {str(server.metadata()["versions"][0]) for _ in range(ANSWERS_ASKED)}
    except (ServerError, KeyError, IndexError) as error:
        return pending(str(error))
    return ready() if named == {version} else pending(f"versions {', '.join(sorted(named))} answer")
