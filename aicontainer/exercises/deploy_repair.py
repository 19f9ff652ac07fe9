"""A check of notebook 05_deploy: a release with three faults, given to the learner, found and mended in the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aicontainer import places
from aicontainer.deploy import endpoints, manifests, objects, rooms
from aicontainer.deploy.release import Pod, Release
from aicontainer.errors import ClusterError, ObjectNotFound, ServerError, WaitError
from aicontainer.exercises.check import Check, not_done, right, wrong
from aicontainer.exercises.look_twice import look_twice, wait_noticed
from aicontainer.learn import data, fit
from aicontainer.learn.objective import for_link
from aicontainer.model import load

if TYPE_CHECKING:
    from aicontainer.deploy.cluster import Cluster
    from aicontainer.deploy.manifests import Manifest

NAMESPACE = "aicontainer-repair"
NODE_PORT = 30089
PODS = 2
SECONDS_BETWEEN = 3.0
ANSWER_SECONDS = 5.0

# the three faults
WRONG_PATH = "/healthz"
WRONG_SELECTOR = {"app": "ai-modell"}
WRONG_PORT = 8000


def give(cluster: Cluster, image: str, model: str = fit.DEFAULT) -> Release:
    """Apply the release that has to be repaired, as broken as ever, and return it without waiting for it."""
    rooms.fresh(cluster, NAMESPACE)
    objects.apply(cluster, broken(image), NAMESPACE)
    return Release(cluster, NAMESPACE, model=model)


def broken(image: str) -> list[Manifest]:
    """The manifests of the course's release with three faults in them, and a node port of its own."""
    given = manifests.load_manifests(places.clone() / "manifests" / "base", image)
    _, deployment, service = given
    manifests.containers(deployment)[0]["readinessProbe"]["httpGet"]["path"] = WRONG_PATH
    service["spec"]["selector"] = dict(WRONG_SELECTOR)
    service["spec"]["ports"][0].update(targetPort=WRONG_PORT, nodePort=NODE_PORT)
    return given


def check_repaired(cluster: Cluster, model: str = fit.DEFAULT) -> Check:
    """Check the release in ``aicontainer-repair``: two ready pods that last, and a Service that leads to them.

    How it was repaired does not count. The cluster is looked at twice, and the Service is asked for its loss.
    """
    release = Release(cluster, NAMESPACE, model=model)
    try:
        return look_twice(lambda: _look(release), SECONDS_BETWEEN) or _ask(release)
    except ObjectNotFound as error:
        return wrong(f"{error.what}: it belongs to the release; apply it again")
    except (ClusterError, WaitError) as error:
        return wrong(error.what)


def _look(release: Release) -> tuple[Pod, ...] | Check:
    if not objects.listed(release.cluster, "Deployment", release.namespace):
        return not_done(f"there is no Deployment in {NAMESPACE}; the cell with give() puts the release there")
    wait_noticed(release)
    deployment = objects.read(release.cluster, "Deployment", release.name, release.namespace)
    service = objects.read(release.cluster, "Service", release.service, release.namespace)
    probe = manifests.containers(deployment)[0].get("readinessProbe")
    path = ((probe or {}).get("httpGet") or {}).get("path")
    if path == WRONG_PATH and _is_as_given(service):
        return not_done(f"the release in {NAMESPACE} is as broken as it was given")
    wanted = deployment["spec"].get("replicas", 1)
    if wanted != PODS:
        return wrong(f"the Deployment asks for {wanted} pods, not {PODS}: the number was no fault")
    if probe is None:
        return wrong("the readiness probe is gone: without it a pod counts as ready before its model is loaded")
    pods = release.pods()
    ready = sum(pod.ready for pod in pods)
    if ready != PODS or len(pods) != PODS:
        return wrong(_not_ready(ready, len(pods), path))
    if path is not None and not path.endswith("/ready"):
        return wrong(f"the readiness probe asks {path}, which says yes too early: the server has a path for ready")
    return _behind(release, service) or pods


def _is_as_given(service: Manifest) -> bool:
    port = service["spec"]["ports"][0]
    return bool(service["spec"].get("selector") == WRONG_SELECTOR and port.get("targetPort") == WRONG_PORT)


def _not_ready(ready: int, count: int, path: Any) -> str:
    if path == WRONG_PATH:
        return f"{ready} of {count} pods are ready, though they run: their events say what the readiness probe gets"
    return f"{ready} of {count} pods are ready, {PODS} are wanted: release.wait_available() tells why"


def _behind(release: Release, service: Manifest) -> Check | None:
    found = [each for each in endpoints.find(release.cluster, release.service, release.namespace) if each.ready]
    if len({each.address for each in found}) != PODS:
        selector = ", ".join(f"{key}={value}" for key, value in (service["spec"].get("selector") or {}).items())
        return wrong(f"{len(found)} of {PODS} pods are behind the Service, which looks for {selector or 'no label'}")
    node_port = service["spec"]["ports"][0].get("nodePort")
    if node_port != NODE_PORT:
        return wrong(f"the Service has node port {node_port or 'none'}; its users know it at {NODE_PORT}")
    return None


def _ask(release: Release) -> Check:
    dataset, trained = data.load(release.model), load(fit.ensure_model(release.model))
    try:
        answer = release.server(limit=ANSWER_SECONDS).infer(dataset.X)
    except (ServerError, WaitError):
        return wrong(_silent(release))
    loss = for_link(dataset.link).loss
    if loss(answer.score, dataset.y) != loss(trained.score(dataset.X), dataset.y):
        return wrong(f'version "{answer.model_version}" answers with another loss: the image was no fault')
    return right("two ready pods that last, both behind the Service, and the loss that you know")


def _silent(release: Release) -> str:
    ports = sorted({each.port for each in endpoints.find(release.cluster, release.service, release.namespace)})
    asked = " and ".join(map(str, ports))
    return f"two ready pods are behind the Service, which asks them at port {asked}: at which does the server listen?"
