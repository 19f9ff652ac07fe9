"""Rooms that are given empty and removed, single pods, and what a Service leads to, in the real cluster."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from aicontainer.deploy import cluster as clusters
from aicontainer.deploy import endpoints, objects, rooms, single
from aicontainer.deploy.cluster import Cluster
from aicontainer.deploy.manifests import Manifest
from aicontainer.deploy.release import Release
from aicontainer.errors import ObjectNotFound, ObjectRefused

LABELS = {"app": "sleeper"}


@pytest.fixture(scope="module")
def here(cluster: Any) -> Cluster:
    return clusters.find()


@pytest.fixture
def room(here: Cluster) -> Iterator[str]:
    name = f"aicontainer-test-{secrets.token_hex(4)}"
    yield rooms.fresh(here, name)
    for pod in objects.listed(here, "Pod", name):
        single.end(here, pod["metadata"]["name"], name, grace=0)
    objects.ask_to_delete(here, "Namespace", name)


def sleeper(cluster: Cluster, **more: Any) -> Manifest:
    container = {"name": "sleeper", "image": single.sleeper(cluster)}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 1, **more}
    return {"metadata": {"generateName": "sleeper-", "labels": LABELS}, "spec": spec}


def deployment(cluster: Cluster) -> Manifest:
    template = {"metadata": {"labels": LABELS}, "spec": sleeper(cluster)["spec"]}
    spec = {"replicas": 2, "selector": {"matchLabels": LABELS}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "kept"}, "spec": spec}


def names(cluster: Cluster, room: str) -> set[str]:
    return {pod["metadata"]["name"] for pod in objects.listed(cluster, "Pod", room)}


def test_making_a_pod_twice_makes_two_and_one_of_a_name_that_is_taken_is_refused(here: Cluster, room: str) -> None:
    first, second = (single.create(here, sleeper(here), room) for _ in range(2))
    assert first != second
    assert names(here, room) == {first, second}
    assert objects.read(here, "Pod", first, room)["metadata"]["labels"]["app.kubernetes.io/part-of"] == "aicontainer"
    with pytest.raises(ObjectRefused) as caught:
        single.create(here, {**sleeper(here), "metadata": {"name": first}}, room)
    assert caught.value.status == 409
    with pytest.raises(ObjectNotFound):
        single.create(here, sleeper(here), "aicontainer-nowhere")
    assert single.end(here, first, room, grace=0)
    assert names(here, room) == {second}
    assert not single.end(here, first, room)


def test_a_room_that_is_used_is_given_back_empty(here: Cluster, room: str) -> None:
    objects.apply(here, [deployment(here)], room)
    Release(here, room, "kept").wait_available()
    # a pod that is already ending, and takes its time
    slow = sleeper(here, terminationGracePeriodSeconds=60)
    slow["spec"]["containers"][0]["lifecycle"] = {"preStop": {"sleep": {"seconds": 60}}}
    objects.ask_to_delete(here, "Pod", single.create(here, slow, room), room)
    assert rooms.fresh(here, room) == room
    assert names(here, room) == set()
    assert objects.listed(here, "Deployment", room) == []
    assert objects.listed(here, "ReplicaSet", room) == []


def test_rooms_are_removed_together_and_can_be_had_again_while_they_still_end(here: Cluster, room: str) -> None:
    other = rooms.fresh(here, f"{room}-2")
    objects.apply(here, [deployment(here)], other)
    assert rooms.remove(here, room, other, "aicontainer-nowhere") == (room, other)
    left = {each["metadata"]["name"] for each in objects.listed(here, "Namespace")}
    assert not left & {room, other}
    rooms.fresh(here, other)
    objects.ask_to_delete(here, "Namespace", other)
    assert rooms.fresh(here, other) == other
    assert single.create(here, sleeper(here), other)
    assert rooms.remove(here, other) == (other,)


def test_a_service_leads_to_ready_pods_with_its_labels_and_follows_a_changed_label(here: Cluster, room: str) -> None:
    port = {"port": 80, "targetPort": 8080}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "door"}}
    objects.apply(here, [deployment(here), {**service, "spec": {"selector": LABELS, "ports": [port]}}], room)
    kept = Release(here, room, "kept")
    kept.wait_available()
    before = endpoints.settled(here, "door", room)
    assert len(before) == 2
    assert {(each.port, each.ready) for each in endpoints.find(here, "door", room)} == {(8080, True)}
    aside = kept.pods()[0].name
    objects.patch(here, "Pod", aside, {"metadata": {"labels": {"app": "set-aside"}}}, room)
    kept.wait_replaced(aside)
    after = endpoints.settled(here, "door", room)
    assert len(after) == 2
    assert objects.read(here, "Pod", aside, room)["status"]["podIP"] in set(before) - set(after)
    with pytest.raises(ObjectNotFound):
        endpoints.settled(here, "nobody", room)
