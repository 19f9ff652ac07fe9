"""A check of notebook 05_deploy: the learner's own control loop, run against the real cluster from several states."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from aicontainer.deploy import diagnosis, objects, rooms, single
from aicontainer.errors import AicontainerError, ClusterError
from aicontainer.exercises.check import Check, not_done, right, wrong
from aicontainer.exercises.limit import RanTooLong, at_most
from aicontainer.waiting import Seen, pending, ready, wait

if TYPE_CHECKING:
    from aicontainer.deploy.cluster import Cluster
    from aicontainer.deploy.manifests import Manifest

NAMESPACE = "aicontainer-loop-check"
# stands in for the cluster's own namespace, where a function that forgets its namespace ends up
OTHER_ROOM = "aicontainer-loop-other"
DESIRED = 2
ROUNDS = 4
LABELS, STRANGERS = {"app": "kept"}, {"app": "of-somebody-else"}
SECONDS_A_CALL = 30.0
RUNNING_SECONDS = 60.0
SLOW_SECONDS = 60

Reconcile = Callable[[Any, str, "Manifest", int], object]


class _Hint(Exception):
    """What was found is wrong; its text is the hint."""


def check_reconcile(cluster: Cluster, reconcile: Any) -> Check:
    """Check ``reconcile(cluster, namespace, pod, desired)``: called four times, it comes to ``desired`` pods.

    It is run in a namespace of the check's own from no pod, from one (beside one that is ending) and from three; it
    must leave alone those that are fine, those with other labels and those in other namespaces.
    """
    if reconcile is None:
        return not_done("reconcile is None; write it as a function of cluster, namespace, pod and desired")
    if not _takes_four(reconcile):
        return wrong("reconcile must be a function of four arguments: cluster, namespace, pod, desired")
    try:
        with _trial(cluster, reconcile) as trial:
            _from_none(trial)
            _beside_strangers(trial)
            _from_one(trial)
            _from_three(trial)
    except _Hint as hint:
        return wrong(str(hint))
    except AicontainerError as error:  # of the check's own: what the learner's function raises is a hint
        return wrong(error.what)
    return right("from none, one and three pods it comes to two, and touches nothing else")


def _takes_four(reconcile: Any) -> bool:
    try:
        inspect.signature(reconcile).bind(None, "", {}, DESIRED)
    except (TypeError, ValueError):
        return False
    return True


@dataclass(frozen=True)
class _Trial:
    """The learner's function and the two rooms of the check; ``cluster`` has the second as its own namespace."""

    cluster: Cluster
    reconcile: Reconcile
    image: str

    def pod(self, labels: dict[str, str], grace: int = 1) -> Manifest:
        slow = {"lifecycle": {"preStop": {"sleep": {"seconds": grace}}}} if grace > 1 else {}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"generateName": "kept-", "labels": dict(labels)},
            "spec": {
                "terminationGracePeriodSeconds": grace,
                "automountServiceAccountToken": False,
                "containers": [{"name": "sleeper", "image": self.image, **slow}],
            },
        }

    def make(self, count: int, labels: dict[str, str] = LABELS, room: str = NAMESPACE) -> set[str]:
        return {single.create(self.cluster, self.pod(labels), room) for _ in range(count)}

    def alive(self, labels: dict[str, str] = LABELS, room: str = NAMESPACE) -> set[str]:
        found = objects.listed(self.cluster, "Pod", room, labels=labels)
        return {pod["metadata"]["name"] for pod in diagnosis.alive(found)}

    def clear(self, room: str = NAMESPACE) -> None:
        for pod in objects.listed(self.cluster, "Pod", room):
            single.end(self.cluster, pod["metadata"]["name"], room, grace=0)

    def run(self, desired: int = DESIRED, rounds: int = ROUNDS) -> set[str]:
        """Call the function some times, one call after the other, and return the pods that are alive then."""
        for _ in range(rounds):
            self._call(desired)
        return self.alive()

    def _call(self, desired: int) -> None:
        try:
            with at_most(SECONDS_A_CALL):
                self.reconcile(self.cluster, NAMESPACE, deepcopy(self.pod(LABELS)), desired)
        except RanTooLong:
            raise _Hint("one call does not come back: it shall look once and act once; the caller repeats it") from None
        except ClusterError as error:
            if error.status == 409:
                raise _Hint(
                    "the cluster says 409, already exists: two pods cannot have one name; leave it to generateName"
                ) from error
            raise _Hint(f"reconcile failed: {error.what}") from error
        except Exception as error:
            raise _Hint(f"reconcile raised {type(error).__name__}: {error}") from error

    def wait_running(self) -> None:
        def look() -> Seen:
            found = objects.listed(self.cluster, "Pod", NAMESPACE)
            waiting = sum(pod["status"].get("phase") != "Running" for pod in found)
            return pending(f"{waiting} pods do not run yet") if waiting else ready()

        wait("the pods of the check to run", look, limit=RUNNING_SECONDS, pause=0.2)


@contextmanager
def _trial(cluster: Cluster, reconcile: Reconcile) -> Iterator[_Trial]:
    trial = _Trial(replace(cluster, namespace=OTHER_ROOM), reconcile, single.sleeper(cluster))
    for room in (NAMESPACE, OTHER_ROOM):
        rooms.fresh(cluster, room)
    try:
        yield trial
    finally:
        for room in (NAMESPACE, OTHER_ROOM):
            trial.clear(room)


def _from_none(trial: _Trial) -> None:
    others = trial.make(DESIRED, room=OTHER_ROOM)
    found = trial.run()
    outside = trial.alive(room=OTHER_ROOM)
    if others - outside:
        raise _Hint("it ended pods of another namespace: say `namespace` when you delete")
    if outside - others:
        raise _Hint("it made pods in another namespace: say `namespace` when you create")
    if not found:
        trial.clear(OTHER_ROOM)
        if trial.run():
            raise _Hint("it counted pods of another namespace: say `namespace` when you list")
        raise _Hint("there was no pod, and four calls later there is still none: make what is missing")
    again = trial.run(rounds=1)
    if len(found) <= DESIRED and again != found:
        raise _Hint("it never rests: where two pods are there, the next call shall change nothing")
    if len(found) < DESIRED:
        raise _Hint(f"there was no pod, and four calls later there is {len(found)}: has every pod the same name?")
    if len(found) > DESIRED:
        trial.wait_running()
        if len(trial.run(rounds=1)) <= len(again):
            raise _Hint("it made more than two, and stopped once they ran: a pod that still starts counts too")
        raise _Hint(f"it made {len(found)} pods in four calls: make the difference to what is there already")


def _beside_strangers(trial: _Trial) -> None:
    trial.clear()
    strangers = trial.make(3, STRANGERS)
    found = trial.run()
    if strangers - trial.alive(STRANGERS):
        raise _Hint("it ended pods that carry other labels: list only those with the pod's labels")
    if len(found) < DESIRED:
        raise _Hint("it counted pods that carry other labels: list only those with the pod's labels")


def _from_one(trial: _Trial) -> None:
    trial.clear()
    ending = single.create(trial.cluster, trial.pod(LABELS, SLOW_SECONDS), NAMESPACE)
    fine = trial.make(1)
    trial.wait_running()
    objects.ask_to_delete(trial.cluster, "Pod", ending, NAMESPACE)
    found = trial.run()
    if fine - found:
        raise _Hint("one pod was fine and is gone: keep what is there and make only what is missing")
    if len(found) == 1:
        raise _Hint("beside a pod that is ending it made none: one with metadata.deletionTimestamp no longer counts")
    if len(found) != DESIRED:
        raise _Hint(f"one pod was there, and it came to {len(found)}: make the difference, not `desired`")


def _from_three(trial: _Trial) -> None:
    trial.clear()
    fine = trial.make(3)
    trial.wait_running()
    found = trial.run()
    if len(found) == len(fine):
        raise _Hint("three pods were there, and three stay: when there are too many, end the surplus")
    if len(found) < DESIRED:
        raise _Hint(f"three pods were there, and it left {len(found)}: end only the surplus")
    if found - fine:
        raise _Hint("three pods were there, and it ended some that could have stayed: end only the surplus")
    left = trial.run(desired=1)
    if len(left) != 1:
        raise _Hint(f"told to keep one pod it keeps {len(left)}: use `desired`, not a number of your own")
