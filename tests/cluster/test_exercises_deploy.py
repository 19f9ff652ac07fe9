"""The checks of a second release and of a repaired one: right ones pass, and each usual wrong one gets its own hint."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import node_ports
import pytest

from aicontainer import model, places
from aicontainer.deploy import cluster as clusters
from aicontainer.deploy import manifests, objects, rooms
from aicontainer.deploy.cluster import Cluster
from aicontainer.deploy.manifests import Manifest
from aicontainer.deploy.release import DEPLOYMENT, SERVICE, Release
from aicontainer.exercises import deploy, deploy_repair, look_twice
from aicontainer.learn import fit
from aicontainer.package import image, registry
from aicontainer.waiting import Seen, pending, ready, wait

FIRST_ROOM = "aicontainer-exercise-first"


@dataclass(frozen=True)
class Here:
    """The cluster, and the images of version 1, of the shifted version, and of one that is shifted twice as far."""

    cluster: Cluster
    first: str
    shifted: str
    too_far: str


@pytest.fixture(scope="module")
def here(cluster: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    found = clusters.find()

    def pushed(version: str, shift: float, tag: str | None = None) -> str:
        trained = model.load(fit.ensure_model())
        file = replace(trained, version=version, bias=trained.bias + shift).save(
            tmp_path_factory.mktemp("m") / "m.json"
        )
        return registry.push(image.build(file, cluster.base_image, tag), found.registry)

    too_far = f"{image.REPOSITORY}:test-too-far"
    yield Here(found, pushed("1", 0), pushed("1-shifted", 1), pushed("1-shifted", 2, too_far))
    rooms.remove(found, deploy.NAMESPACE, deploy_repair.NAMESPACE, FIRST_ROOM)
    image.remove(too_far)


def prompt(given: list[Manifest]) -> list[Manifest]:
    """The same manifests with pods that end at once: no client is served here."""
    pod = given[1]["spec"]["template"]["spec"]
    del pod["containers"][0]["lifecycle"]
    pod["terminationGracePeriodSeconds"] = 1
    return given


def second(here: Here, reference: str = "", replicas: int = 3) -> list[Manifest]:
    given = prompt(manifests.load_manifests(places.clone() / "manifests" / "base", reference or here.shifted))
    given[1]["spec"]["replicas"] = replicas
    given[2]["spec"]["ports"][0]["nodePort"] = deploy.NODE_PORT
    return given


@pytest.fixture
def release(here: Here, monkeypatch: pytest.MonkeyPatch) -> Release:
    """The second release as it should be."""
    monkeypatch.setattr(deploy, "SECONDS_BETWEEN", 1.0)
    monkeypatch.setattr(deploy, "ANSWER_SECONDS", 3.0)
    objects.apply(here.cluster, second(here), deploy.NAMESPACE)
    made = Release(here.cluster, deploy.NAMESPACE)
    answering(made)
    return made


def answering(release: Release) -> None:
    release.wait_available()
    node_ports.wait_answered(release)


def test_a_second_release_as_it_should_be_is_right(release: Release) -> None:
    check = deploy.check_second_release(release)
    assert check.state == "right", check


def two_pods(here: Here, release: Release) -> None:
    release.scale(2)
    release.wait_available()


def no_such_image(here: Here, release: Release) -> None:
    release.roll_out(f"{here.cluster.registry}/nobody:1")


def the_first_model(here: Here, release: Release) -> None:
    release.roll_out(here.first)
    answering(release)


def shifted_too_far(here: Here, release: Release) -> None:
    release.roll_out(here.too_far)
    answering(release)


def no_service(here: Here, release: Release) -> None:
    objects.delete(here.cluster, "Service", SERVICE, release.namespace)


def no_deployment(here: Here, release: Release) -> None:
    objects.delete(here.cluster, "Deployment", DEPLOYMENT, release.namespace)


def no_door(here: Here, release: Release) -> None:
    objects.delete(here.cluster, "Service", SERVICE, release.namespace)
    inner = second(here)[2]
    inner["spec"] |= {"type": "ClusterIP"}
    del inner["spec"]["ports"][0]["nodePort"]
    objects.apply(here.cluster, [inner], release.namespace)


def another_node_port(here: Here, release: Release) -> None:
    change = [{"op": "replace", "path": "/spec/ports/0/nodePort", "value": 30088}]
    objects.patch(here.cluster, "Service", SERVICE, change, release.namespace, form="json")


def nobody_behind(here: Here, release: Release) -> None:
    change = {"spec": {"selector": {"app": "nobody"}}}
    objects.patch(here.cluster, "Service", SERVICE, change, release.namespace)
    node_ports.wait_silent(release)


SECOND_WRONG: list[tuple[Callable[[Here, Release], None], str]] = [
    (two_pods, "asks for 2 pods, not 3"),
    (no_such_image, "3 of 4 pods are ready"),
    (the_first_model, 'version "1", not "1-shifted"'),
    (shifted_too_far, "the loss there is larger by 4"),
    (no_service, "could not read the Service"),
    (no_deployment, "could not read the Deployment"),
    (no_door, "cannot be reached from this machine: node port None"),
    (another_node_port, "has node port 30088"),
    (nobody_behind, "the Service does not answer"),
]


@pytest.mark.parametrize(("spoil", "hint"), SECOND_WRONG, ids=[each.__name__ for each, _ in SECOND_WRONG])
def test_each_usual_wrong_second_release_has_its_own_hint(
    here: Here, release: Release, spoil: Callable[[Here, Release], None], hint: str
) -> None:
    spoil(here, release)
    check = deploy.check_second_release(release)
    assert check.state == "wrong"
    assert [each for _, each in SECOND_WRONG if each in check.text] == [hint], check


def test_pods_that_are_replaced_between_the_looks_do_not_pass(
    release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replaced(seconds: float) -> None:
        victim = release.pods()[0].name
        release.delete_pod(victim)
        release.wait_replaced(victim)

    monkeypatch.setattr(look_twice.time, "sleep", replaced)
    check = deploy.check_second_release(release)
    assert "between two looks" in check.text


def test_a_first_release_that_was_changed_too_does_not_pass(here: Here, release: Release) -> None:
    rooms.fresh(here.cluster, FIRST_ROOM)
    objects.apply(here.cluster, second(here, replicas=0)[:2], FIRST_ROOM)
    check = deploy.check_second_release(replace(release, cluster=replace(here.cluster, namespace=FIRST_ROOM)))
    assert check.state == "wrong"
    assert "the first release runs the same image" in check.text


def mended(reference: str) -> list[Manifest]:
    """What is left when the three faults are mended."""
    given = prompt(deploy_repair.broken(reference))
    manifests.containers(given[1])[0]["readinessProbe"]["httpGet"]["path"] = "/v2/health/ready"
    given[2]["spec"]["selector"] = {"app": "ai-model"}
    given[2]["spec"]["ports"][0]["targetPort"] = 8080
    return given


@pytest.fixture
def repaired(here: Here, monkeypatch: pytest.MonkeyPatch) -> Release:
    """The repaired release, by the route of applying it anew."""
    monkeypatch.setattr(deploy_repair, "SECONDS_BETWEEN", 1.0)
    objects.apply(here.cluster, mended(here.first), deploy_repair.NAMESPACE)
    release = Release(here.cluster, deploy_repair.NAMESPACE)
    answering(release)
    return release


def probe_still_wrong(here: Here, given: list[Manifest]) -> None:
    manifests.containers(given[1])[0]["readinessProbe"]["httpGet"]["path"] = deploy_repair.WRONG_PATH


def selector_still_wrong(here: Here, given: list[Manifest]) -> None:
    given[2]["spec"]["selector"] = dict(deploy_repair.WRONG_SELECTOR)


def port_still_wrong(here: Here, given: list[Manifest]) -> None:
    given[2]["spec"]["ports"][0]["targetPort"] = deploy_repair.WRONG_PORT


def no_probe(here: Here, given: list[Manifest]) -> None:
    del manifests.containers(given[1])[0]["readinessProbe"]


def live_instead_of_ready(here: Here, given: list[Manifest]) -> None:
    manifests.containers(given[1])[0]["readinessProbe"]["httpGet"]["path"] = "/v2/health/live"


def one_pod(here: Here, given: list[Manifest]) -> None:
    given[1]["spec"]["replicas"] = 1


def another_door(here: Here, given: list[Manifest]) -> None:
    given[2]["spec"]["ports"][0]["nodePort"] = 30088


def another_image(here: Here, given: list[Manifest]) -> None:
    manifests.containers(given[1])[0]["image"] = here.shifted


def probe_at_another_wrong_path(here: Here, given: list[Manifest]) -> None:
    manifests.containers(given[1])[0]["readinessProbe"]["httpGet"]["path"] = "/ready"


def at_once(release: Release) -> None:
    """Nothing is to be awaited: the pods do not get ready, or the check does not get as far as asking them."""


REPAIR_WRONG: list[tuple[Callable[[Here, list[Manifest]], None], Callable[[Release], None], str]] = [
    (probe_still_wrong, at_once, "their events say what the readiness probe gets"),
    (probe_at_another_wrong_path, at_once, "wait_available() tells why"),
    (selector_still_wrong, node_ports.wait_silent, "which looks for app=ai-modell"),
    (port_still_wrong, node_ports.wait_silent, "asks them at port 8000"),
    (no_probe, at_once, "the readiness probe is gone"),
    (live_instead_of_ready, answering, "says yes too early"),
    (one_pod, answering, "the number was no fault"),
    (another_door, answering, "its users know it at 30089"),
    (another_image, answering, "the image was no fault"),
]


@pytest.mark.parametrize(("spoil", "settles", "hint"), REPAIR_WRONG, ids=[each.__name__ for each, *_ in REPAIR_WRONG])
def test_each_half_repair_has_its_own_hint(
    here: Here,
    repaired: Release,
    spoil: Callable[[Here, list[Manifest]], None],
    settles: Callable[[Release], None],
    hint: str,
) -> None:
    given = mended(here.first)
    spoil(here, given)
    objects.apply(here.cluster, given, repaired.namespace)
    settles(repaired)
    check = deploy_repair.check_repaired(here.cluster)
    assert check.state == "wrong"
    assert [each for *_, each in REPAIR_WRONG if each in check.text] == [hint], check


def told(release: Release, word: str) -> Seen:
    events = objects.listed(release.cluster, "Event", release.namespace)
    return ready() if any(word in event["message"] for event in events) else pending(f"{len(events)} events")


def test_a_release_as_it_was_given_is_not_done_and_one_that_is_mended_is_right(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploy_repair, "SECONDS_BETWEEN", 1.0)
    rooms.fresh(here.cluster, deploy_repair.NAMESPACE)
    assert deploy_repair.check_repaired(here.cluster).state == "not done yet"
    given = deploy_repair.give(here.cluster, here.first)
    check = deploy_repair.check_repaired(here.cluster)
    assert (check.state, "as broken as it was given" in check.text) == ("not done yet", True)
    wait("the events to tell the cause, as the notebook says", lambda: told(given, "404"), limit=60)
    objects.delete(here.cluster, "Service", SERVICE, given.namespace)
    assert "could not read the Service" in deploy_repair.check_repaired(here.cluster).text
    objects.apply(here.cluster, mended(here.first), given.namespace)
    answering(given)
    check = deploy_repair.check_repaired(here.cluster)
    assert check.state == "right", check
