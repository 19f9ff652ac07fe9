"""Versions on the shelves of a StatefulSet in the real cluster; the tests share a namespace and begin with ensure."""

import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from aicontainer import commands, model, places, thread
from aicontainer.deploy import cluster as clusters
from aicontainer.deploy import inside, manifests, objects
from aicontainer.deploy.versions import CONFIG_MAP, SERVICE, STATEFUL_SET, Versions
from aicontainer.errors import ClusterError, CommandError, Failed, ObjectNotFound, ObjectRefused, TimedOut
from aicontainer.events import Event
from aicontainer.learn import data, fit
from aicontainer.package import image, registry

POD = "ai-model-1"
SPOIL = "import pathlib, sys; path = pathlib.Path(sys.argv[1]); path.write_text(path.read_text().replace('1', '2'))"
WRITE = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text(sys.argv[2])"


@dataclass(frozen=True)
class Room:
    """The versions of a namespace of the tests' own, what they begin with, and a folder for model files."""

    shelf: Versions
    reference: str
    first: Path
    folder: Path

    def begin(self, tell: Callable[[Event], None] = lambda event: None) -> Versions:
        self.shelf.ensure(self.reference, self.first, tell)
        return self.shelf

    def file(self, version: str, shift: float) -> Path:
        first = model.load(self.first)
        return replace(first, version=version, bias=first.bias + shift).save(self.folder / f"{version}-{shift}.json")

    def in_shelf(self, pod: str, *argv: str) -> str:
        return inside.run(self.shelf.cluster, pod, argv, self.shelf.namespace, container="shelf")


@pytest.fixture(scope="module")
def room(
    cluster: Any, free_node_ports: Callable[[], list[int]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Room]:
    found, first = clusters.find(), fit.ensure_model()
    reference = registry.push(image.build(first, cluster.base_image), found.registry)
    shelf = Versions(found, f"aicontainer-test-{secrets.token_hex(4)}", free_node_ports()[0])
    yield Room(shelf, reference, first, tmp_path_factory.mktemp("models"))
    # the node port is freed at once, the namespace in its own time
    objects.ask_to_delete(found, "Service", SERVICE, shelf.namespace)
    objects.ask_to_delete(found, "Namespace", shelf.namespace)


def names(shelf: Versions) -> set[str]:
    return {each.version for each in shelf.serving()}


def measured(shelf: Versions) -> thread.Measurement:
    server = shelf.server()
    return thread.take(
        "test", lambda X: [s for i in range(0, 420, 42) for s in server.infer(X[i : i + 42]).score], ROWS
    )


ROWS = data.load("education")


def test_publish_switch_and_roll_back_while_somebody_always_answers(room: Room) -> None:
    shelf = room.begin()
    assert shelf.active() == "1"
    with pytest.raises(ObjectNotFound):
        shelf.roll_back()
    before = measured(shelf)
    assert thread.same(before)
    published = shelf.publish(room.file("2", 1.0))
    assert published.whole
    assert names(shelf) == {"1"}
    server, answered, over = shelf.server(), set(), threading.Event()

    def ask() -> None:
        while not over.is_set():
            answered.add(server.infer(ROWS.X[:1]).model_version)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        shelf.switch("2")
    finally:
        over.set()
        asking.join(timeout=60)
    assert answered == {"1", "2"}  # a request that fails would have ended the thread before version 2
    assert names(shelf) == {"2"}
    # at the minimum the residuals add up to 0, so one point more in each makes the loss larger by 1
    assert measured(shelf).loss - before.loss == pytest.approx(1.0, abs=1e-9)
    assert shelf.previous() == "1"
    shelf.roll_back()
    assert names(shelf) == {"1"}
    assert measured(shelf).equals(before)


def test_what_may_not_be_is_refused_and_nothing_is_changed(room: Room) -> None:
    shelf = room.begin()
    file = room.file("2", 1.0)
    given = shelf.publish(file)
    assert shelf.publish(file).digest == given.digest
    pods = [pod["metadata"]["uid"] for pod in objects.listed(shelf.cluster, "Pod", shelf.namespace)]
    with pytest.raises(ObjectRefused) as caught:
        shelf.publish(room.file("2", 5.0))
    assert given.digest in caught.value.seen
    assert model.load(room.file("2", 5.0)).digest in caught.value.seen
    other = replace(model.load(room.first), name="medicine", version="3").save(room.folder / "medicine.json")
    with pytest.raises(ObjectRefused, match="education"):
        shelf.publish(other)
    with pytest.raises(ObjectNotFound) as missing:
        shelf.switch("9")
    assert "1, 2" in missing.value.seen
    assert [each.digest for each in shelf.published() if each.name == "2"] == [given.digest]
    assert (shelf.active(), shelf.previous()) == ("1", "")
    assert [pod["metadata"]["uid"] for pod in objects.listed(shelf.cluster, "Pod", shelf.namespace)] == pods


def test_a_file_that_is_damaged_on_one_pod_is_found_and_mended(room: Room) -> None:
    shelf = room.begin()
    file = room.file("2", 1.0)
    shelf.publish(file)
    room.in_shelf(POD, "python", "-c", SPOIL, "/models/2.json")
    with pytest.raises(ClusterError) as caught:
        shelf.switch("2")
    assert POD in caught.value.seen
    assert "2.json" in caught.value.seen
    assert "ai-model-0" not in caught.value.seen
    assert shelf.active() == "1"
    assert shelf.publish(file).whole
    room.in_shelf(POD, "rm", "/models/2.json")
    assert [each.holders for each in shelf.published() if each.name == "2"] == [("ai-model-0",)]
    assert shelf.publish(file).whole


def test_a_pod_that_cannot_start_says_why_and_a_published_file_brings_it_back(room: Room) -> None:
    shelf = room.begin()
    shelf.publish(room.file("2", 1.0))
    # the name alone, as somebody would do by hand, and then the file goes: the next start of a pod fails
    objects.patch(shelf.cluster, "ConfigMap", CONFIG_MAP, {"data": {"version": "2"}}, shelf.namespace)
    room.in_shelf(POD, "rm", "/models/2.json")
    objects.ask_to_delete(shelf.cluster, "Pod", POD, shelf.namespace)
    with pytest.raises(Failed) as caught:
        shelf.wait_ready()
    assert POD in caught.value.seen
    assert "no model file 2.json" in caught.value.seen
    shelf.publish(room.file("2", 1.0))
    shelf.wait_ready()
    assert [(each.pod, each.version) for each in shelf.serving()] == [("ai-model-0", "1"), (POD, "2")]
    shelf.switch("1")
    assert names(shelf) == {"1"}


def test_ensure_takes_back_what_was_changed_by_hand_and_keeps_the_other_versions(room: Room) -> None:
    shelf = room.begin()
    shelf.publish(room.file("2", 1.0))
    objects.patch(shelf.cluster, "ConfigMap", CONFIG_MAP, {"data": {"version": "2"}}, shelf.namespace)
    objects.ask_to_delete(shelf.cluster, "Pod", POD, shelf.namespace)
    objects.delete(shelf.cluster, "Service", SERVICE, shelf.namespace)
    shelf.wait_ready()
    room.in_shelf("ai-model-0", "python", "-c", SPOIL, "/models/1.json")
    room.begin()
    assert names(shelf) == {"1"}
    assert [(each.name, each.whole) for each in shelf.published()] == [("1", True), ("2", True)]
    assert thread.same(measured(shelf))


def test_ensure_makes_anew_what_holds_another_first_version_or_is_being_deleted(room: Room) -> None:
    shelf = room.begin()
    foreign = room.file("1", 3.0).read_text()
    for pod in shelf.pods():
        room.in_shelf(pod, "python", "-c", WRITE, "/models/1.json", foreign)
    told: list[str] = []
    room.begin(lambda event: told.append(event.text))
    assert any("anew" in text for text in told)
    assert thread.same(measured(shelf))
    for _ in range(2):  # also what is ending already may be deleted once more
        assert objects.ask_to_delete(shelf.cluster, "Namespace", shelf.namespace)
    room.begin()
    assert thread.same(measured(shelf))


def test_a_node_port_that_is_taken_is_told_and_costs_nothing_of_what_was_published(
    room: Room, free_node_ports: Callable[[], list[int]]
) -> None:
    shelf = room.begin()
    shelf.publish(room.file("2", 1.0))
    port = free_node_ports()[0]
    spec = {"type": "NodePort", "ports": [{"port": 80, "nodePort": port}]}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "in-the-way"}, "spec": spec}
    objects.apply(shelf.cluster, [service], shelf.namespace)
    try:
        with pytest.raises(ObjectRefused) as caught:
            replace(shelf, node_port=port).ensure(room.reference, room.first)
    finally:
        objects.delete(shelf.cluster, "Service", "in-the-way", shelf.namespace)
    assert str(port) in caught.value.seen
    assert [(each.name, each.whole) for each in shelf.published()] == [("1", True), ("2", True)]


def test_a_stateful_set_whose_form_cannot_be_changed_is_made_anew(room: Room) -> None:
    shelf = room.begin()
    wanted = shelf._manifests(room.reference, "1")
    (stateful_set,) = (each for each in wanted if each["kind"] == "StatefulSet")
    stateful_set["spec"]["serviceName"] = "another"
    objects.delete(shelf.cluster, "StatefulSet", STATEFUL_SET, shelf.namespace)
    objects.apply(shelf.cluster, [stateful_set], shelf.namespace)
    told: list[str] = []
    room.begin(lambda event: told.append(event.text))
    assert any("anew" in text for text in told)
    assert names(shelf) == {"1"}


def test_a_program_in_a_pod_is_heard_and_its_failures_are_ours(room: Room) -> None:
    shelf = room.begin()
    place = {"namespace": shelf.namespace, "container": "shelf"}
    large = b"x" * 300_000
    counted = inside.run(shelf.cluster, POD, ["head", "-c", str(len(large))], stdin=large, **place)
    assert counted == large.decode()
    with pytest.raises(CommandError) as ended:
        inside.run(shelf.cluster, POD, ["sh", "-c", "echo said >&2; exit 7"], **place)
    assert (ended.value.code, ended.value.seen) == (7, "said")
    with pytest.raises(ObjectNotFound):
        inside.run(shelf.cluster, "nobody", ["true"], **place)
    with pytest.raises(ClusterError, match="nonsense"):
        inside.run(shelf.cluster, POD, ["nonsense"], **place)
    with pytest.raises(TimedOut):
        inside.run(shelf.cluster, POD, ["sleep", "60"], limit=0.5, **place)


def test_the_folder_is_what_kubectl_reads_too(cluster: Any) -> None:
    import yaml

    folder = places.clone() / "manifests" / "versions"
    text = commands.run([cluster.kubectl, "kustomize", folder], limit=120)
    by_kubectl = {(each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(text)}
    by_us = {(each["kind"], each["metadata"]["name"]): each for each in manifests.load_manifests(folder)}
    assert by_kubectl.keys() == by_us.keys()
    key = ("StatefulSet", STATEFUL_SET)
    assert by_kubectl[key]["spec"] == by_us[key]["spec"]
