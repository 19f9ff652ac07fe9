"""The check of the learner's control loop: right ones pass, and each usual wrong one gets a hint of its own."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from aicontainer.deploy import cluster as clusters
from aicontainer.deploy import objects, rooms, single
from aicontainer.deploy.cluster import Cluster
from aicontainer.deploy.manifests import Manifest
from aicontainer.exercises import deploy_loop as exercise

Reconcile = Callable[[Cluster, str, Manifest, int], None]


@pytest.fixture(scope="module")
def found(cluster: Any) -> Iterator[Cluster]:
    here = clusters.find()
    yield here
    rooms.remove(here, exercise.NAMESPACE, exercise.OTHER_ROOM)


def listed(cluster: Cluster, namespace: str | None, pod: Manifest) -> list[Manifest]:
    return objects.listed(cluster, "Pod", namespace, labels=pod["metadata"]["labels"])


def alive(found: list[Manifest]) -> list[str]:
    return [each["metadata"]["name"] for each in found if "deletionTimestamp" not in each["metadata"]]


def difference(cluster: Cluster, namespace: str, pod: Manifest, desired: int) -> None:
    names = alive(listed(cluster, namespace, pod))
    for _ in range(desired - len(names)):
        single.create(cluster, pod, namespace)
    for name in names[desired:]:
        objects.ask_to_delete(cluster, "Pod", name, namespace)


def one_step_a_call(cluster: Cluster, namespace: str, pod: Manifest, desired: int) -> None:
    names = alive(listed(cluster, namespace, pod))
    if len(names) < desired:
        single.create(cluster, pod, namespace)
    if len(names) > desired:
        single.end(cluster, names[-1], namespace, grace=0)


def names_of_its_own(cluster: Cluster, namespace: str, pod: Manifest, desired: int) -> None:
    names = alive(listed(cluster, namespace, pod))
    free = [name for name in (f"kept-{i}" for i in range(10)) if name not in names]
    for name in free[: max(0, desired - len(names))]:
        named = {"name": name, "labels": pod["metadata"]["labels"]}
        objects.apply(cluster, [{**pod, "metadata": named}], namespace)
    for name in names[desired:]:
        single.end(cluster, name, namespace, grace=0)


@pytest.mark.parametrize("reconcile", [difference, one_step_a_call, names_of_its_own])
def test_a_loop_that_does_the_difference_is_right_by_any_route(found: Cluster, reconcile: Reconcile) -> None:
    check = exercise.check_reconcile(found, reconcile)
    assert check.state == "right", check
    for room in (exercise.NAMESPACE, exercise.OTHER_ROOM):
        assert objects.listed(found, "Pod", room) == []  # nothing of the check goes on


def nothing(cluster: Cluster, namespace: str, pod: Manifest, desired: int) -> None:
    listed(cluster, namespace, pod)


def always_two_more(cluster: Cluster, namespace: str, pod: Manifest, desired: int) -> None:
    for _ in range(desired):
        single.create(cluster, pod, namespace)


def only_running(cluster: Cluster, namespace: str, pod: Manifest, desired: int) -> None:
    running = [each for each in listed(cluster, namespace, pod) if each["status"]["phase"] == "Running"]
    for _ in range(desired - len(running)):
        single.create(cluster, pod, namespace)
    for each in running[desired:]:
        objects.ask_to_delete(cluster, "Pod", each["metadata"]["name"], namespace)


def ending_counts(cluster: Cluster, namespace: str, pod: Manifest, desired: int) -> None:
    names = [each["metadata"]["name"] for each in listed(cluster, namespace, pod)]
    for _ in range(desired - len(names)):
        single.create(cluster, pod, namespace)


def same_name(cluster: Cluster, namespace: str, pod: Manifest, desired: int) -> None:
    pod["metadata"]["name"] = "kept"
    for _ in range(desired - len(alive(listed(cluster, namespace, pod)))):
        single.create(cluster, pod, namespace)


def same_name_applied(cluster: Cluster, namespace: str, pod: Manifest, desired: int) -> None:
    named = {"name": "kept", "labels": pod["metadata"]["labels"]}
    objects.apply(cluster, [{**pod, "metadata": named}] * desired, namespace)


def keeps_surplus(cluster: Cluster, namespace: str, pod: Manifest, desired: int) -> None:
    for _ in range(desired - len(alive(listed(cluster, namespace, pod)))):
        single.create(cluster, pod, namespace)


def starts_anew(cluster: Cluster, namespace: str, pod: Manifest, desired: int) -> None:
    names = alive(listed(cluster, namespace, pod))
    if len(names) == desired:
        return
    for name in names:
        objects.ask_to_delete(cluster, "Pod", name, namespace)
    for _ in range(desired):
        single.create(cluster, pod, namespace)


def surplus_starts_anew(cluster: Cluster, namespace: str, pod: Manifest, desired: int) -> None:
    names = alive(listed(cluster, namespace, pod))
    if len(names) > desired:
        for name in names:
            objects.ask_to_delete(cluster, "Pod", name, namespace)
        names = []
    for _ in range(desired - len(names)):
        single.create(cluster, pod, namespace)


def desired_when_too_few(cluster: Cluster, namespace: str, pod: Manifest, desired: int) -> None:
    if len(alive(listed(cluster, namespace, pod))) < desired:
        always_two_more(cluster, namespace, pod, desired)


def no_labels(cluster: Cluster, namespace: str, pod: Manifest, desired: int) -> None:
    for _ in range(desired - len(alive(objects.listed(cluster, "Pod", namespace)))):
        single.create(cluster, pod, namespace)


def no_labels_and_ends_the_surplus(cluster: Cluster, namespace: str, pod: Manifest, desired: int) -> None:
    no_labels(cluster, namespace, pod, desired)
    for name in alive(objects.listed(cluster, "Pod", namespace))[desired:]:
        objects.ask_to_delete(cluster, "Pod", name, namespace)


def lists_elsewhere(cluster: Cluster, namespace: str, pod: Manifest, desired: int) -> None:
    for _ in range(desired - len(alive(listed(cluster, None, pod)))):
        single.create(cluster, pod, namespace)


def creates_elsewhere(cluster: Cluster, namespace: str, pod: Manifest, desired: int) -> None:
    for _ in range(desired - len(alive(listed(cluster, namespace, pod)))):
        single.create(cluster, pod)


def one_too_many(cluster: Cluster, namespace: str, pod: Manifest, desired: int) -> None:
    names = alive(listed(cluster, namespace, pod))
    for _ in range(desired - len(names)):
        single.create(cluster, pod, namespace)
    for name in names[desired - 1 :]:
        objects.ask_to_delete(cluster, "Pod", name, namespace)


def two_for_ever(cluster: Cluster, namespace: str, pod: Manifest, desired: int) -> None:
    difference(cluster, namespace, pod, 2)


def mistyped(cluster: Cluster, namespace: str, pod: Manifest, desired: int) -> None:
    raise KeyError("deletionTimestamp")


def refused(cluster: Cluster, namespace: str, pod: Manifest, desired: int) -> None:
    single.create(cluster, pod, "aicontainer-nowhere")


WRONG = [
    (nothing, "still none"),
    (always_two_more, "make the difference to what is there already"),
    (only_running, "still starts counts too"),
    (ending_counts, "metadata.deletionTimestamp no longer counts"),
    (same_name, "409"),
    (same_name_applied, "has every pod the same name"),
    (keeps_surplus, "three stay"),
    (starts_anew, "one pod was fine and is gone"),
    (surplus_starts_anew, "some that could have stayed"),
    (desired_when_too_few, "it came to 3"),
    (no_labels, "counted pods that carry other labels"),
    (no_labels_and_ends_the_surplus, "ended pods that carry other labels"),
    (lists_elsewhere, "when you list"),
    (creates_elsewhere, "when you create"),
    (one_too_many, "never rests"),
    (two_for_ever, "not a number of your own"),
    (mistyped, "KeyError"),
    (refused, "could not make a pod"),
]


@pytest.mark.parametrize(("reconcile", "hint"), WRONG, ids=[each.__name__ for each, _ in WRONG])
def test_each_usual_wrong_loop_has_its_own_hint(found: Cluster, reconcile: Reconcile, hint: str) -> None:
    check = exercise.check_reconcile(found, reconcile)
    assert check.state == "wrong"
    assert hint in check.text
    assert [other for _, other in WRONG if other in check.text] == [hint]


def test_a_call_that_never_ends_is_ended(found: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    def loops(cluster: Cluster, namespace: str, pod: Manifest, desired: int) -> None:
        while True:
            with suppress(Exception):
                difference(cluster, namespace, pod, desired)

    monkeypatch.setattr(exercise, "SECONDS_A_CALL", 2.0)
    check = exercise.check_reconcile(found, loops)
    assert check.state == "wrong"
    assert "the caller repeats it" in check.text
