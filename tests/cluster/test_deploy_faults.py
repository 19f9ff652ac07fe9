"""Pods that do not come up, each for a reason of its own: what a learner reads, and what to do against just this."""

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from aicontainer import places
from aicontainer.deploy import cluster as clusters
from aicontainer.deploy import manifests, objects
from aicontainer.deploy.manifests import Manifest
from aicontainer.deploy.release import DEPLOYMENT, Release
from aicontainer.errors import Failed
from aicontainer.package import image, registry

Record = Callable[[str, object], None]

OUT_OF_MEMORY = "x = b'x' * 200_000_000"
FAULTS: list[tuple[str, Manifest, tuple[str, ...], str]] = [
    (
        "pod that crashes",
        {"command": ["python3", "-c", "print('no model', flush=True); raise SystemExit(3)"]},
        ("ended with 3", "no model"),  # seen waiting for its next start, or in its third run
        "kubectl logs --previous",
    ),
    (
        "pod whose image cannot be pulled",
        {"image": "127.0.0.1:1/aicontainer/model:1"},
        ("127.0.0.1:1/aicontainer/model:1", "refused"),
        "pushed",
    ),
    (
        "pod whose image has no valid name",
        {"image": "Not A Name"},
        ("InvalidImageName", "Not A Name"),
        "host:port/name:tag",
    ),
    (
        "pod that cannot be scheduled",
        {"resources": {"requests": {"memory": "100Ti"}}},
        ("Unschedulable", "Insufficient memory"),
        "resources.requests",
    ),
    (
        "pod that is OOM-killed",
        {"command": ["python3", "-c", OUT_OF_MEMORY], "resources": {"limits": {"memory": "64Mi"}}},
        ("OOMKilled", "more memory than resources.limits.memory"),
        "raise resources.limits.memory",
    ),
    (
        "pod whose ConfigMap is missing",
        {"envFrom": [{"configMapRef": {"name": "nowhere"}}]},
        ("CreateContainerConfigError", "nowhere"),
        "apply it first",
    ),
    (
        "pod whose program is missing",
        {"command": ["/no/such/program"]},
        ("/no/such/program",),
        "look at command",
    ),
    (
        "pod that the cluster refuses",
        {"securityContext": {"privileged": True}},
        ("FailedCreate", "privileged"),
        "change what it names",
    ),
]


@pytest.fixture(scope="module")
def reference(cluster: Any) -> str:
    """The base image under the name by which the node pulls it."""
    return registry.push(image.find(cluster.base_image), clusters.find().registry)


@pytest.fixture
def release(cluster: Any) -> Iterator[Release]:
    """Where nothing is released yet: a namespace of the test's own."""
    release = Release(clusters.find(), f"test-{secrets.token_hex(5)}")
    yield release
    objects.ask_to_delete(release.cluster, "Namespace", release.namespace)


def _deployment(reference: str, change: Manifest) -> list[Manifest]:
    """The course's namespace and Deployment, with one container that only sleeps, and a change to it."""
    namespace, deployment, _ = manifests.load_manifests(places.clone() / "manifests" / "base")
    deployment["spec"]["replicas"] = 1
    deployment["spec"]["template"]["spec"]["securityContext"]["runAsUser"] = 65534
    (container,) = manifests.containers(deployment)
    for probe in ("readinessProbe", "livenessProbe", "lifecycle"):
        del container[probe]
    container.update({"image": reference, "command": ["sleep", "1000"], **change})
    if change:  # nothing probes it: without this a pod counts as available in the moment before it is killed
        deployment["spec"]["minReadySeconds"] = 10
    return [namespace, deployment]


def test_without_a_fault_it_becomes_available(release: Release, reference: str) -> None:
    objects.apply(release.cluster, _deployment(reference, {}), release.namespace)
    assert len(release.wait_available()) == 1


@pytest.mark.parametrize(("fault", "change", "words", "next_step"), FAULTS, ids=[fault[0] for fault in FAULTS])
def test_what_keeps_a_pod_from_running_is_told_with_its_own_next_step(
    release: Release,
    reference: str,
    record_fault: Record,
    fault: str,
    change: Manifest,
    words: tuple[str, ...],
    next_step: str,
) -> None:
    objects.apply(release.cluster, _deployment(reference, change), release.namespace)
    with pytest.raises(Failed) as caught:
        release.wait_available()
    record_fault(fault, caught.value)
    assert DEPLOYMENT in caught.value.what
    for word in words:
        assert word in caught.value.seen
    assert next_step in caught.value.next_step
