"""Derivatives of any function by its values alone, to check a formula with: central differences and the complex step.

Central differences subtract two almost equal numbers, so about ten digits is all they give, whatever the step. The
complex step subtracts nothing: ``f(a + ih) = f(a) + ih f'(a) - ...`` has the derivative in its imaginary part, where
an h of 1e-200 costs no digit. Its price: the function must be analytic, so no ``abs``, ``max`` or comparison of the
complex number on its way (Squire and Trapp, Using complex variables to estimate derivatives of real functions, 1998).
"""

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from aicontainer.errors import DataError
from aicontainer.model import Array

TINY = 1e-200  # its square is 0 in float64, so nothing of higher order is left
ALLOWED = 1e-4  # relative: what the complex step may differ from central differences, which have ten digits
ROUNDING = 1e-9  # of the function's value: what rounding can do to central differences near a level place


def central(function: Callable[[Array], float], at: Array, step: float | None = None) -> Array:
    """The derivatives of ``function`` by central differences ``(f(a + h) - f(a - h)) / 2h``, one for each entry.

    Parameters
    ----------
    function
        Takes a vector of shape (d,) and returns a number.
    at
        The point, shape (d,).
    step
        The h of each entry, above 0. Without it the cube root of float64's precision, 6e-6, times the size of the
        entry where that is above 1: there the error of rounding and that of the curve are about equal.

    Raises
    ------
    DataError
        When the step is not above 0 or too small to move an entry at all, when ``at`` is no vector of finite numbers,
        and when the function does not return one finite number.
    """
    point = _point(at)
    steps = _default_steps(point) if step is None else np.full(len(point), float(step))
    if not (np.isfinite(steps).all() and (steps > 0).all()) or (point + steps == point).any():
        raise DataError(
            "the step must be above 0 and large enough to move each entry",
            seen=f"step {step}, largest entry {np.abs(point).max():g}",
            next_step="leave the step out, or take 1e-5 for entries near 1",
        )
    slopes = np.empty(len(point))
    for j, h in enumerate(steps):
        above, below = point.copy(), point.copy()
        above[j] += h
        below[j] -= h
        slopes[j] = (_value(function, above) - _value(function, below)) / (above[j] - below[j])
    return slopes


def complex_step(function: Callable[[Any], Any], at: Array) -> Array:
    """The derivatives of ``function`` by the complex step ``Im f(a + ih) / h``, right to the last digits.

    Parameters
    ----------
    function
        Takes a complex vector of shape (d,) and returns a number; an analytic function, which hands on the imaginary
        part from its first line to its last.
    at
        The point, shape (d,).

    Raises
    ------
    DataError
        When ``at`` is no vector of finite numbers, when the function does not return one finite number, and when it
        drops the imaginary part somewhere: altogether, or so that the result is far from central differences.
    """
    point = _point(at)
    slopes = np.empty(len(point))
    for j in range(len(point)):
        moved = point.astype(np.complex128)
        moved[j] += 1j * TINY
        slopes[j] = _imaginary(function, moved) / TINY
    _refuse_lost_part(function, point, slopes)
    return slopes


def relative_error(got: Any, want: Any) -> float:
    """How far ``got`` is from ``want``, both of one shape: the norm of the difference over the norm of ``want``.

    0 where both are 0, infinite where ``want`` alone is 0.

    Raises
    ------
    DataError
        When the shapes differ: numpy would stretch one to the other.
    """
    a, b = np.asarray(got, dtype=np.float64), np.asarray(want, dtype=np.float64)
    if a.shape != b.shape:
        raise DataError(
            "what is compared must have one shape",
            seen=f"got of shape {a.shape}, want of shape {b.shape}",
            next_step="append the derivative by the bias to those by the weights: np.append(dw, db)",
        )
    apart, size = float(np.linalg.norm(a - b)), float(np.linalg.norm(b))
    if size == 0:
        return 0.0 if apart == 0 else math.inf
    return apart / size


def _point(at: Any) -> Array:
    point = np.array(at, dtype=np.float64)
    if point.ndim != 1 or not point.size or not np.isfinite(point).all():
        raise DataError(
            "at must be a vector of finite numbers, shape (d,)",
            seen=f"at of shape {point.shape}: {point}",
            next_step="put weights and bias into one vector with np.append(weights, bias)",
        )
    return point


def _default_steps(point: Array) -> Array:
    steps: Array = np.cbrt(np.finfo(np.float64).eps) * np.maximum(1.0, np.abs(point))
    return steps


def _value(function: Callable[[Array], float], at: Array) -> float:
    value = function(at)
    if np.shape(value) != () or np.iscomplexobj(value) or not math.isfinite(value):
        raise DataError(
            "the function must return one finite number",
            seen=f"it returned {value!r:.200}",
            next_step="a loss is one number: take the mean over the rows",
        )
    return float(value)


def _imaginary(function: Callable[[Any], Any], at: Any) -> float:
    with warnings.catch_warnings():
        # float() of a complex number of numpy only warns
        warnings.simplefilter("error", np.exceptions.ComplexWarning)
        try:
            value = function(at)
        except (TypeError, np.exceptions.ComplexWarning) as error:
            raise _dropped(f"{type(error).__name__}: {error}") from error
    if np.shape(value) != () or not np.isfinite(value):
        raise DataError(
            "the function must return one finite number",
            seen=f"it returned {value!r:.200}",
            next_step="a loss is one number: take the mean over the rows",
        )
    if not np.iscomplexobj(value):
        raise _dropped(f"it returned the real number {value!r}")
    return float(np.imag(value))


def _refuse_lost_part(function: Callable[[Any], Any], point: Array, slopes: Array) -> None:
    """A part lost on one branch alone leaves a plausible wrong number: ten digits of differences tell."""
    by_differences = central(lambda a: float(np.real(function(a))), point)
    apart = np.abs(slopes - by_differences)
    allowed = ALLOWED * float(np.abs(by_differences).max()) + ROUNDING * abs(float(np.real(function(point))))
    worst = int(np.argmax(apart))
    if not apart[worst] <= allowed:
        raise _dropped(
            f"derivative {worst}: {slopes[worst]:.9g} by the complex step, {by_differences[worst]:.9g} by differences"
        )


def _dropped(seen: str) -> DataError:
    return DataError(
        "the function drops the imaginary part, in which the complex step finds the derivative",
        seen=seen,
        next_step="let it take complex numbers all the way: no abs, max, float() or comparison of them (compare "
        "z.real), np.exp instead of math.exp; where that cannot be, take central",
    )
