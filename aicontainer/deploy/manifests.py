"""Manifests: the YAML in ``manifests/``, which kubectl reads too, as plain dictionaries."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from aicontainer.errors import ObjectRefused

Manifest = dict[str, Any]

LABELS = {"app.kubernetes.io/part-of": "aicontainer", "app.kubernetes.io/managed-by": "aicontainer"}


def load_manifests(folder: Path, image: str | None = None) -> list[Manifest]:
    """The manifests that a folder's ``kustomization.yaml`` lists, in its order.

    Parameters
    ----------
    image
        Stands in for every image of the same repository, whatever its registry and tag; the rest is as in the files.

    Raises
    ------
    ObjectRefused
        When a file is missing or is no manifest.
    """
    try:
        names = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]
        texts = [(folder / name).read_text(encoding="utf-8") for name in names]
        manifests = [doc for text in texts for doc in yaml.safe_load_all(text) if doc]
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise ObjectRefused(f"the manifests in {folder.name}/ cannot be read", seen=str(error)) from error
    for manifest in manifests:
        if not isinstance(manifest, dict) or not {"apiVersion", "kind", "metadata"} <= manifest.keys():
            raise ObjectRefused(f"a document in {folder.name}/ is no manifest", seen=str(manifest)[:80])
        for container in containers(manifest):
            if image and repository(container["image"]) == repository(image):
                container["image"] = image
    return manifests


def containers(manifest: Manifest) -> list[Manifest]:
    """The containers in a manifest's pod template, or in a pod itself; those that start before them come last."""
    spec = manifest.get("spec") or {}
    pod = (spec.get("template") or {}).get("spec") or spec
    return [*(pod.get("containers") or []), *(pod.get("initContainers") or [])]


def repository(image: str) -> str:
    """An image's name alone: of ``localhost:5001/aicontainer/model:1`` it is ``aicontainer/model``."""
    name = image.partition("@")[0]
    first, slash, rest = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        name = rest
    return name.partition(":")[0]


def placed(manifest: Manifest, namespace: str) -> Manifest:
    """A copy of a manifest with our labels, meant for a namespace (which a Namespace takes as its own name)."""
    body = deepcopy(manifest)
    metadata = body.setdefault("metadata", {})
    metadata["labels"] = {**metadata.get("labels", {}), **LABELS}
    if body.get("kind") == "Namespace":
        metadata["name"] = namespace
    else:
        metadata.pop("namespace", None)
    return body
