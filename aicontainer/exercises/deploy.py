"""The check of notebook 05_deploy: a second release beside the first, looked at twice in the real cluster."""

from __future__ import annotations

import time
from typing import Any

from aicontainer.deploy import objects
from aicontainer.deploy.release import Pod, Release
from aicontainer.errors import ClusterError, ObjectNotFound, ServerError, WaitError
from aicontainer.exercises.check import Check, not_done, right, wrong
from aicontainer.learn import data, fit
from aicontainer.learn.loss import mean_squared_error
from aicontainer.model import load

NAMESPACE = "aicontainer-exercise"
PODS = 3
VERSION = "1-shifted"
SECONDS_BETWEEN = 3.0
CLOSE = 1e-9


def check_second_release(my_release: Any) -> Check:
    """Check a release of the shifted model in a namespace of its own: three pods that last, behind their Service.

    The cluster is looked at twice, some seconds apart: pods that crash and come back do not pass.
    """
    if my_release is None:
        return not_done(f"my_release is None; apply the manifests to the namespace {NAMESPACE}")
    if not isinstance(my_release, Release):
        return wrong("my_release must be a Release: Release(cluster, namespace)")
    if my_release.namespace != NAMESPACE:
        return wrong(f"the release must be in the namespace {NAMESPACE}, beside the first one")
    try:
        first = _look(my_release)
        if isinstance(first, Check):
            return first
        time.sleep(SECONDS_BETWEEN)
        second = _look(my_release)
        if isinstance(second, Check):
            return second
        if first != second:
            return wrong("between two looks pods were replaced or restarted: wait until the rollout is over")
        return _ask(my_release)
    except ObjectNotFound as error:
        return wrong(f"{error.what}: apply all manifests there")
    except (ClusterError, WaitError) as error:
        return wrong(error.what)


def _look(release: Release) -> tuple[Pod, ...] | Check:
    wanted = objects.read(release.cluster, "Deployment", release.name, release.namespace)["spec"].get("replicas", 1)
    pods = release.pods()
    ready = sum(pod.ready for pod in pods)
    if wanted != PODS:
        return wrong(f"the Deployment asks for {wanted} pods, not {PODS}: set spec.replicas")
    if ready != PODS or len(pods) != PODS:
        return wrong(f"{ready} of {len(pods)} pods are ready, {PODS} are wanted: release.wait_available() tells why")
    return pods


def _ask(release: Release) -> Check:
    dataset = data.load(fit.DEFAULT)
    try:
        answer = release.server().infer(dataset.X)
    except ServerError as error:
        return wrong(f"the pods run, but the Service does not answer: {error.what}")
    if answer.model_version != VERSION:
        return wrong(f'the Service answers with version "{answer.model_version}", not "{VERSION}"')
    grown = mean_squared_error(answer.score, dataset.y)
    grown -= mean_squared_error(load(fit.ensure_model()).score(dataset.X), dataset.y)
    if abs(grown - 1) > CLOSE:
        return wrong(f"the loss there is larger by {grown:.9f}; a bias shifted by one point makes it 1")
    return right(f"{PODS} pods that last, behind their Service, with a loss that is larger by exactly 1")
