"""The registry source, first form: official images, nothing installed on the system.

It uses the engine, kind and kubectl that it finds; kind brings the node image that it has pinned by digest.
"""

import shutil
from pathlib import Path
from typing import Any

from aicontainer.errors import AicontainerError, EngineUnavailable
from aicontainer.events import Event, Listener
from aicontainer.package import engine as docker_engine
from aicontainer.sources.base import Plan, Supply

BASE_IMAGE = "python:3.13-slim"
REGISTRY_IMAGE = "registry:2"
PROMETHEUS_IMAGE = "prom/prometheus:v2.53.3"
ALERTMANAGER_IMAGE = "prom/alertmanager:v0.28.1"
IMAGES = (BASE_IMAGE, REGISTRY_IMAGE, PROMETHEUS_IMAGE, ALERTMANAGER_IMAGE)


class OfficialImages:
    """Official images from an image registry that the engine reaches."""

    name = "registry"

    def reason_against(self) -> str:
        """Why it cannot be used: no engine, no kind or kubectl, or no registry that the engine itself can ask."""
        missing = [program for program in ("kind", "kubectl") if not shutil.which(program)]
        if missing:
            return f"{' and '.join(missing)} not found on PATH"
        try:
            with docker_engine.engine() as client:
                if not _missing(client):
                    return ""
                # the engine asks, not this process: behind a proxy "something answered" would prove nothing
                client.images.get_registry_data(BASE_IMAGE)
        except EngineUnavailable as error:
            return error.what
        except AicontainerError as error:
            return f"the engine cannot resolve {BASE_IMAGE}: {error.seen or error.what}"
        return ""

    def plan(self) -> Plan:
        """The images that are not in the engine yet."""
        with docker_engine.engine() as client:
            missing = len(_missing(client))
        return Plan((), minutes=missing, gigabytes_while_building=1.5, gigabytes_kept=1.5)

    def engine(self, tell: Listener) -> None:
        """Only looks: this source installs nothing on the system."""
        docker_engine.connect().close()
        tell(Event("engine", "found"))

    def supply(self, tell: Listener) -> Supply:
        """Pull the images that are missing."""
        with docker_engine.engine() as client:
            missing = _missing(client)
            for name in IMAGES:
                if name not in missing:
                    tell(Event(f"image {name}", "found"))
                    continue
                tell(Event(f"image {name}", "started", estimate=30))
                client.images.pull(name)
                tell(Event(f"image {name}", "made"))
        return Supply(
            kind=_found("kind"),
            kubectl=_found("kubectl"),
            node_image="",
            base_image=BASE_IMAGE,
            registry_image=REGISTRY_IMAGE,
            prometheus_image=PROMETHEUS_IMAGE,
            alertmanager_image=ALERTMANAGER_IMAGE,
        )

    def tidy(self, tell: Listener) -> None:
        """Nothing to do: the engine keeps the images."""


def _missing(client: Any) -> set[str]:
    return set(IMAGES) - {tag for image in client.images.list() for tag in image.tags}


def _found(program: str) -> Path:
    path = shutil.which(program)
    assert path is not None  # reason_against() looked
    return Path(path)
