"""A release in the real cluster, each test in a namespace of its own."""

import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from aicontainer import model, places, thread
from aicontainer.deploy import cluster as clusters
from aicontainer.deploy import manifests, objects
from aicontainer.deploy.manifests import Manifest
from aicontainer.deploy.release import DEPLOYMENT, Release
from aicontainer.errors import AicontainerError, Failed, Gone, ObjectNotFound, ObjectRefused
from aicontainer.learn import data, fit
from aicontainer.package import image, registry
from aicontainer.package.engine import engine as connection


@dataclass(frozen=True)
class Room:
    """A namespace of a test's own, with a door to this machine."""

    release: Release
    node_port: int

    def manifests(self, reference: str) -> list[Manifest]:
        wanted = manifests.load_manifests(places.clone() / "manifests" / "base", reference)
        wanted[2]["spec"]["ports"][0]["nodePort"] = self.node_port
        return wanted

    def apply(self, wanted: list[Manifest]) -> list[str]:
        return [each.verdict for each in objects.apply(self.release.cluster, wanted, self.release.namespace)]


@pytest.fixture
def room(cluster: Any, node_port: int) -> Iterator[Room]:
    found = clusters.find()
    name = f"test-{secrets.token_hex(5)}"
    yield Room(Release(found, name), node_port)
    # the node port is freed at once, the namespace in its own time
    objects.ask_to_delete(found, "Service", "ai-model-service", name)
    objects.ask_to_delete(found, "Namespace", name)


@pytest.fixture(scope="module")
def push(
    cluster: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[float], tuple[model.Model, str]]]:
    """Pushes a model with another bias, under a version that nobody has used before."""
    names: list[str] = []

    def one(shift: float = 0.0) -> tuple[model.Model, str]:
        trained = model.load(fit.ensure_model())
        fresh = replace(trained, version=f"test-{secrets.token_hex(6)}", bias=trained.bias + shift)
        file = fresh.save(tmp_path_factory.mktemp("model") / "model.json")
        built = image.build(file, cluster.base_image)
        names.append(built.name)
        return fresh, registry.push(built, clusters.find().registry)

    yield one
    for name in names:
        image.remove(name)


@pytest.fixture(scope="module")
def pushed(push: Any) -> tuple[model.Model, str]:
    result: tuple[model.Model, str] = push()
    return result


def test_what_is_pushed_is_what_the_registry_holds_and_leaves_no_name_behind(push: Any) -> None:
    fresh, reference = push()
    name, _, digest = reference.partition("@")
    host, _, rest = name.partition("/")
    repository, _, tag = rest.rpartition(":")
    assert (repository, tag) == (image.REPOSITORY, fresh.version)
    kinds = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"
    answer = httpx.get(f"http://{host}/v2/{repository}/manifests/{tag}", headers={"Accept": kinds}, trust_env=False)
    assert answer.headers["Docker-Content-Digest"] == digest
    with connection() as client:
        assert client.images.get(f"{repository}:{tag}").tags == [f"{repository}:{tag}"]


def test_two_that_push_the_same_image_at_once_do_not_disturb_each_other(push: Any, tmp_path: Path) -> None:
    fresh, reference = push()
    built, address = image.find(f"{image.REPOSITORY}:{fresh.version}"), clusters.find().registry
    with ThreadPoolExecutor(4) as pool:
        references = list(pool.map(lambda _: registry.push(built, address), range(12)))
    assert set(references) == {reference}
    with connection() as client:
        assert client.images.get(built.name).tags == [built.name]


def test_a_release_answers_through_its_service_with_the_same_loss_and_scales(room: Room, pushed: Any) -> None:
    fresh, reference = pushed
    assert room.apply(room.manifests(reference)) == ["made", "made", "made"]
    assert len(room.release.wait_available()) == 2
    server = room.release.server()
    measured = thread.take("test", lambda X: server.infer(X).score, data.load("education"))
    assert thread.same(measured)
    assert server.infer(data.load("education").X[:1]).model_version == fresh.version
    room.release.scale(3)
    assert len(room.release.wait_available()) == 3
    room.release.scale(1)
    assert len(room.release.wait_available()) == 1
    assert thread.same(thread.take("test", lambda X: server.infer(X).score, data.load("education")))


def test_applying_twice_is_applying_once_and_a_change_is_taken_back(room: Room, pushed: Any) -> None:
    wanted = room.manifests(pushed[1])
    room.apply(wanted)
    room.release.wait_available()
    names = [pod.name for pod in room.release.pods()]
    assert room.apply(wanted) == ["unchanged", "unchanged", "unchanged"]
    assert [pod.name for pod in room.release.pods()] == names
    room.release.scale(1)
    assert room.apply(wanted) == ["unchanged", "changed", "unchanged"]
    assert len(room.release.wait_available()) == 2


def test_a_deleted_pod_is_replaced_and_no_request_is_lost(room: Room, pushed: Any) -> None:
    room.apply(room.manifests(pushed[1]))
    before = {pod.name for pod in room.release.wait_available()}
    server, rows = room.release.server(), data.load("education").X
    victim = sorted(before)[0]
    room.release.delete_pod(victim)
    failures, asked, until = [], 0, time.monotonic() + 120
    while asked < 200 or victim in every_pod(room):  # those that are still ending are listed too
        assert time.monotonic() < until, "the pod does not end"
        asked += 1
        try:
            server.infer(rows[asked % len(rows)][None, :])
        except AicontainerError as error:
            failures.append(str(error))
    assert failures == []
    after = {pod.name for pod in room.release.wait_replaced(victim)}
    assert victim not in after
    assert len(after) == 2
    assert len(before & after) == 1
    assert thread.same(thread.take("test", lambda X: server.infer(X).score, data.load("education")))


def every_pod(room: Room) -> list[str]:
    return [each["metadata"]["name"] for each in objects.listed(room.release.cluster, "Pod", room.release.namespace)]


def test_a_rollout_and_its_undo_seen_by_the_loss(room: Room, pushed: Any, push: Any) -> None:
    dataset = data.load("education")
    shifted, other = push(1.0)
    room.apply(room.manifests(pushed[1]))
    room.release.wait_available()
    server = room.release.server()

    def measure() -> thread.Measurement:
        return thread.take("test", lambda X: server.infer(X).score, dataset)

    before = measure()
    room.release.roll_out(other)
    room.release.wait_available()
    assert server.infer(dataset.X[:1]).model_version == shifted.version
    # at the minimum the residuals add up to 0, so one point more in each makes the loss larger by 1
    assert measure().loss - before.loss == pytest.approx(1.0, abs=1e-9)
    room.release.undo()
    room.release.wait_available()
    assert measure().equals(before)
    assert thread.same(before)
    assert {pod.image for pod in room.release.pods()} == {pushed[1]}


def test_a_failed_rollout_leaves_the_old_pods_answering(room: Room, pushed: Any) -> None:
    room.apply(room.manifests(pushed[1]))
    room.release.wait_available()
    room.release.roll_out("127.0.0.1:1/missing:1")
    with pytest.raises(Failed):
        room.release.wait_available(limit=100)
    answer = room.release.server().infer(data.load("education").X[:1])
    assert answer.model_version == pushed[0].version
    room.release.undo()
    assert len(room.release.wait_available()) == 2


def test_what_is_not_there_is_told(room: Room, pushed: Any) -> None:
    with pytest.raises(Gone):
        room.release.wait_available(limit=100)
    room.apply(room.manifests(pushed[1]))
    room.release.wait_available()
    with pytest.raises(ObjectNotFound):
        room.release.undo()
    with pytest.raises(ObjectNotFound):
        room.release.delete_pod("nobody")
    cluster, namespace = room.release.cluster, room.release.namespace
    assert objects.delete(cluster, "Deployment", DEPLOYMENT, namespace)
    assert objects.listed(cluster, "Pod", namespace) == []
    assert not objects.delete(cluster, "Deployment", DEPLOYMENT, namespace)


def test_a_manifest_that_makes_no_sense_is_refused_with_the_clusters_words(room: Room, pushed: Any) -> None:
    wanted = room.manifests(pushed[1])
    wanted[1]["spec"]["replicas"] = "many"
    with pytest.raises(ObjectRefused) as caught:
        room.apply(wanted)
    assert "replicas" in caught.value.seen
    unknown = {"apiVersion": "example.org/v1", "kind": "Nonsense", "metadata": {"name": "x"}}
    with pytest.raises(ObjectRefused):
        room.apply([unknown])


def test_the_folder_is_what_kubectl_reads_too(cluster: Any, tmp_path: Path) -> None:
    from aicontainer import commands

    folder = places.clone() / "manifests" / "base"
    text = commands.run([cluster.kubectl, "kustomize", folder], limit=120)
    import yaml

    by_kubectl = {each["kind"]: each["spec"] for each in yaml.safe_load_all(text) if "spec" in each}
    by_us = {each["kind"]: each["spec"] for each in manifests.load_manifests(folder) if "spec" in each}
    assert by_kubectl == by_us
