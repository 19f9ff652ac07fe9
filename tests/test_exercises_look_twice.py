from collections.abc import Iterator
from typing import Any

import pytest

from aicontainer.deploy.release import Pod
from aicontainer.exercises.check import Check, wrong
from aicontainer.exercises.look_twice import is_noticed, look_twice

POD = Pod("a", True, 0, "image", "Running")
RESTARTED = Pod("a", True, 1, "image", "Running")
HINT = wrong("a hint")


@pytest.mark.parametrize(
    ("looks", "hint"),
    [
        ([HINT], "a hint"),
        ([(POD,), HINT], "a hint"),
        ([(POD,), (RESTARTED,)], "between two looks"),
        ([(POD,), ()], "between two looks"),
    ],
)
def test_a_hint_of_either_look_counts_and_so_does_a_change_between_them(
    looks: list[tuple[Pod, ...] | Check], hint: str
) -> None:
    left: Iterator[tuple[Pod, ...] | Check] = iter(looks)
    check = look_twice(lambda: next(left), 0)
    assert check is not None
    assert hint in check.text


def test_pods_that_are_the_same_twice_give_no_hint() -> None:
    assert look_twice(lambda: (POD,), 0) is None


def thing(generation: int, observed: int | None = None, wanted: int = 1, pods: int = 0) -> dict[str, Any]:
    status = {} if observed is None else {"observedGeneration": observed, "replicas": pods}
    return {"metadata": {"generation": generation}, "spec": {"replicas": wanted}, "status": status}


@pytest.mark.parametrize(
    ("deployment", "replica_sets", "noticed"),
    [
        (thing(1), [], False),
        (thing(2, 1, 3, 3), [thing(1, 1, 3, 3)], False),
        (thing(2, 2, 3, 3), [thing(1, 1, 3, 3), thing(1)], False),
        (thing(2, 2, 3, 3), [thing(1, 1, 3, 3), thing(1, 1, 1, 0)], False),
        (thing(2, 2, 3, 3), [thing(1, 1, 3, 3), thing(1, 1, 1, 1)], True),
        (thing(1, 1, 3, 3), [thing(2, 2, 3, 3), thing(4, 4, 0, 0)], True),
    ],
)
def test_a_change_is_noticed_when_its_pods_are_made(
    deployment: dict[str, Any], replica_sets: list[dict[str, Any]], noticed: bool
) -> None:
    assert is_noticed(deployment, replica_sets) is noticed
