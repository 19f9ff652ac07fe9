"""Looking at a release: not before the cluster has, and twice, so that pods that come and go do not pass."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from aicontainer.deploy import diagnosis, objects
from aicontainer.deploy.manifests import Manifest
from aicontainer.deploy.release import Pod, Release
from aicontainer.errors import TimedOut
from aicontainer.exercises.check import Check, wrong
from aicontainer.waiting import Seen, pending, ready, wait

NOTICED_SECONDS = 5.0


def look_twice(look: Callable[[], tuple[Pod, ...] | Check], pause: float) -> Check | None:
    """A hint when one of two looks, ``pause`` seconds apart, has one, or when they saw different pods; else None."""
    first = look()
    if isinstance(first, Check):
        return first
    time.sleep(pause)
    second = look()
    if isinstance(second, Check):
        return second
    if first != second:
        return wrong("between two looks pods were replaced or restarted: wait until the rollout is over")
    return None


def wait_noticed(release: Release, limit: float = NOTICED_SECONDS) -> None:
    """Wait until the cluster has made the pods of the last change, ready or not, or ``limit`` seconds have passed.

    Just after an apply, the pods are still those of before, and would be judged for what was changed.

    Raises
    ------
    ObjectNotFound
        When there is no Deployment.
    ClusterError
    """

    def look() -> Seen:
        deployment = objects.read(release.cluster, "Deployment", release.name, release.namespace)
        owned = diagnosis.owned(objects.listed(release.cluster, "ReplicaSet", release.namespace), deployment)
        return ready() if is_noticed(deployment, owned) else pending("the cluster has not made its pods yet")

    # pods that the cluster cannot make at all are for the look that follows
    with suppress(TimedOut):
        wait("the cluster to look at the change", look, limit=limit, pause=0.1)


def is_noticed(deployment: Manifest, replica_sets: Iterable[Manifest]) -> bool:
    """Whether the Deployment's last change has reached its ReplicaSets, and these have as many pods as they should."""
    return _is_observed(deployment) and all(
        _is_observed(each) and each["status"].get("replicas", 0) == each["spec"].get("replicas", 1)
        for each in replica_sets
    )


def _is_observed(thing: Manifest) -> bool:
    seen = (thing.get("status") or {}).get("observedGeneration", 0)
    return bool(seen >= thing["metadata"]["generation"])
