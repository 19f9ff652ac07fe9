"""The check of one number: rounding is no mistake as long as three digits are left."""

import numpy as np
import pytest

from aicontainer.exercises.number import agrees, check_number


@pytest.mark.parametrize("number", [0.0009995, 0.17298, 1.004, 9.996, 2918.414, -0.38025, 1e300])
def test_a_number_written_with_three_digits_or_more_agrees_and_its_neighbours_do_not(number):
    for digits in (3, 4, 9):
        assert agrees(float(f"{number:.{digits}g}"), number, 3)
    assert not agrees(number * 1.011, number, 3)
    assert not agrees(-number, number, 3)


def test_nothing_but_zero_agrees_with_zero():
    assert agrees(0.0, 0.0, 3)
    assert not agrees(1e-12, 0.0, 3)


@pytest.mark.parametrize(
    ("given", "state", "text"),
    [
        (None, "not done yet", "mine is None"),
        ("many", "wrong", "one number"),
        (np.inf, "wrong", "one number"),
        (np.array([0.25, 0.5]), "wrong", "one number"),
        ("0.2537", "right", "a quarter"),
        (0.26, "wrong", "rounded too far"),  # no slip is taken for the reason when the answer is that near
        (0.262, "wrong", "a slip nearby"),
        (0.746, "wrong", "the other side"),
        (0.75, "wrong", "the other side"),
        (7, "wrong", "7 is not it"),
    ],
)
def test_a_right_answer_comes_before_a_slip_and_a_slip_before_rounding(given, state, text):
    slips = {"the same": 0.2537, "a slip nearby": 0.2621, "the other side": 1 - 0.2537}
    check = check_number("mine", given, 0.2537, slips, "a quarter")
    assert check.state == state
    assert text in check.text
