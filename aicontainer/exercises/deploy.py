"""A check of notebook 05_deploy: a second release beside the first, looked at twice in the real cluster."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from aicontainer.deploy import manifests, objects
from aicontainer.deploy.release import Pod, Release
from aicontainer.errors import ClusterError, ObjectNotFound, ServerError, WaitError
from aicontainer.exercises.check import Check, not_done, right, wrong
from aicontainer.exercises.look_twice import look_twice, wait_noticed
from aicontainer.learn import data, fit
from aicontainer.learn.objective import for_link
from aicontainer.model import load

NAMESPACE = "aicontainer-exercise"
PODS = 3
NODE_PORT = 30081
VERSION = "1-shifted"
SECONDS_BETWEEN = 3.0
ANSWER_SECONDS = 10.0
CLOSE = 1e-9


def check_second_release(my_release: Any) -> Check:
    """Check a release of the shifted model in a namespace of its own: three pods that last, behind their Service.

    The cluster is looked at twice, some seconds apart: pods that crash and come back do not pass. Nor does a first
    release that was changed on the way.
    """
    if my_release is None:
        return not_done(f"my_release is None; apply the manifests to the namespace {NAMESPACE}")
    if not isinstance(my_release, Release):
        return wrong("my_release must be a Release: Release(cluster, namespace)")
    if my_release.namespace != NAMESPACE:
        return wrong(f"the release must be in the namespace {NAMESPACE}, beside the first one")
    try:
        return look_twice(lambda: _look(my_release), SECONDS_BETWEEN) or _ask(my_release)
    except ObjectNotFound as error:
        return wrong(f"{error.what}: apply all manifests there")
    except (ClusterError, WaitError) as error:
        return wrong(f"{error.what}: {error.seen}" if error.seen else error.what)


def _look(release: Release) -> tuple[Pod, ...] | Check:
    wait_noticed(release)
    wanted = objects.read(release.cluster, "Deployment", release.name, release.namespace)["spec"].get("replicas", 1)
    pods = release.pods()
    ready = sum(pod.ready for pod in pods)
    if wanted != PODS:
        return wrong(f"the Deployment asks for {wanted} pods, not {PODS}: set spec.replicas")
    if ready != PODS or len(pods) != PODS:
        return wrong(f"{ready} of {len(pods)} pods are ready, {PODS} are wanted: release.wait_available() tells why")
    return pods


def _image_of_the_first(release: Release) -> str | None:
    try:
        first = objects.read(release.cluster, "Deployment", release.name)
    except ObjectNotFound:
        return None  # whoever has removed it has not changed it
    return str(manifests.containers(first)[0]["image"])


def _ask(release: Release) -> Check:
    service = objects.read(release.cluster, "Service", release.service, release.namespace)
    node_port = service["spec"]["ports"][0].get("nodePort")
    if node_port not in (None, NODE_PORT):  # without one there is no way in at all, which the question below tells
        return wrong(f"the Service has node port {node_port}; asked for is {NODE_PORT}")
    dataset = data.load(release.model)
    try:
        answer = release.server(limit=ANSWER_SECONDS).infer(dataset.X)
    except (ServerError, WaitError) as error:
        return wrong(f"the pods run, but the Service does not answer: {error.what}")
    if answer.model_version != VERSION:
        return wrong(f'the Service answers with version "{answer.model_version}", not "{VERSION}"')
    loss, trained = for_link(dataset.link).loss, load(fit.ensure_model(release.model))
    before = loss(trained.score(dataset.X), dataset.y)
    grown = loss(answer.score, dataset.y) - before
    wanted = loss(replace(trained, bias=trained.bias + 1).score(dataset.X), dataset.y) - before
    if abs(grown - wanted) > CLOSE:
        return wrong(f"the loss there is larger by {grown:.9f}; a bias shifted by one makes it {wanted:.6g}")
    if _image_of_the_first(release) in {pod.image for pod in release.pods()}:
        return wrong("the first release runs the same image: Release(cluster, cluster.namespace).undo() takes it back")
    return right(f"{PODS} pods that last, behind their Service, with a loss that is larger by {wanted:.6g}")
