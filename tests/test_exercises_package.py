from typing import Any, cast

import pytest

from aicontainer.exercises import package
from aicontainer.package.workshop import Workshop

NOWHERE = cast(Workshop, None)  # a box that is no list of words is never started


def test_nothing_yet_and_something_else_are_told_apart() -> None:
    assert package.check_second_version(None).state == "not done yet"
    assert package.check_second_version(2).state == "wrong"


def test_no_pair_of_images_is_told_apart_from_none() -> None:
    assert package.check_order(None).state == "not done yet"
    for given in ("aicontainer/mine:1", ("aicontainer/mine:1",), (None, None)):
        assert "must be a pair" in package.check_order(given).text


@pytest.mark.parametrize(
    "names",
    [
        ("aicontainer/mine:latest", "aicontainer/mine:1"),
        ("aicontainer/mine:1", "aicontainer/mine"),
        ("localhost:5001/aicontainer/mine", "aicontainer/mine:1"),
    ],
)
def test_a_name_that_says_no_version_is_told(names: tuple[str, str]) -> None:
    check = package.check_order(names)
    assert check.state == "wrong"
    assert "called latest" in check.text


def test_no_box_yet_is_told_apart_from_one_that_is_no_list_of_words() -> None:
    assert package.check_box(NOWHERE, None).state == "not done yet"
    given: Any
    for given in ("unshare --pid", [], [1], 3):
        assert "must be a list of words" in package.check_box(NOWHERE, given).text
