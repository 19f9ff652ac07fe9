"""Questions that nobody has to wait for, and what a finding says of itself."""

import threading
from typing import NoReturn

import pytest

from aicontainer.doctor.findings import Finding, State, ask


@pytest.mark.parametrize(
    ("state", "enough"), [("fine", True), ("worth knowing", True), ("not known", True), ("not enough", False)]
)
def test_only_what_is_not_enough_stands_against_the_course(state: State, enough: bool) -> None:
    assert Finding("disk", "1 GB", state, "free some").enough is enough


def test_an_answer_comes_back_and_so_does_an_error() -> None:
    def fails() -> NoReturn:
        raise LookupError("nowhere")

    assert ask(lambda: 42).result(60) == 42
    with pytest.raises(LookupError, match="nowhere"):
        ask(fails).result(60)


def test_questions_are_asked_side_by_side() -> None:
    both = threading.Barrier(2)
    asked = [ask(lambda: both.wait(60)), ask(lambda: both.wait(60))]  # one after the other would never end
    assert sorted(future.result(60) for future in asked) == [0, 1]
