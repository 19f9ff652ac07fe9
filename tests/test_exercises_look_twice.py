from collections.abc import Iterator

import pytest

from aicontainer.deploy.release import Pod
from aicontainer.exercises.check import Check, wrong
from aicontainer.exercises.look_twice import look_twice

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
