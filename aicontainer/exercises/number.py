"""The check of an answer that is one number: right to three digits, and each usual slip known by its value."""

import math
from collections.abc import Mapping
from typing import Any

from aicontainer.exercises.check import Check, not_done, right, wrong

DIGITS = 3  # enough for an answer, and what the exercises ask at least
ROUNDED = 2  # a slip is still known when it is written so short
NEAR = 0.05  # relative: so close is no other way of thinking, but rounding


def check_number(name: str, given: Any, wanted: float, slips: Mapping[str, float], told: str) -> Check:
    """Check one number.

    Parameters
    ----------
    name
        What the notebook calls it.
    given
        The learner's answer.
    wanted
        The right one.
    slips
        For each hint the value that asks for it. The first that fits is given.
    told
        What a right answer is told.
    """
    if given is None:
        return not_done(f"{name} is None; put in a number")
    value = as_number(given)
    if value is None:
        return wrong(f"{name} must be one number")
    if agrees(value, wanted, DIGITS):
        return right(told)
    exact = _first(slips, value, DIGITS)
    if exact:
        return wrong(exact)
    if math.isclose(value, wanted, rel_tol=NEAR):
        return wrong("near, but rounded too far: three digits are wanted")
    return wrong(_first(slips, value, ROUNDED) or f"{value:.6g} is not it")


def as_number(given: Any) -> float | None:
    """The answer as a finite number, or None when it is none."""
    try:
        value = float(given)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None


def agrees(value: float, number: float, digits: int) -> bool:
    """Whether ``value`` is ``number``, or what is left of it when it is rounded to that many digits or more."""
    if number == 0:
        return value == 0
    last = 10.0 ** (math.floor(math.log10(abs(number))) - digits + 1)
    return abs(value - number) <= last / 2 * (1 + 1e-9)


def _first(slips: Mapping[str, float], value: float, digits: int) -> str:
    return next((hint for hint, slip in slips.items() if agrees(value, slip, digits)), "")
