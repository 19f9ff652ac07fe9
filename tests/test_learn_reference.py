"""The minimum by formula and by Newton's method, against exact fractions and against what descent reaches."""

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from aicontainer.errors import DataError
from aicontainer.learn import data, fit
from aicontainer.learn.curvature import safe_rate
from aicontainer.learn.descent import descend
from aicontainer.learn.objective import CROSS_ENTROPY, SQUARED_ERROR, with_l2
from aicontainer.learn.reference import closed_form, newton


def standardised(name):
    dataset = data.load(name)
    return fit.standardise(dataset.X)(dataset.X), dataset.y


def solved(matrix, right):
    """Gauss's elimination in fractions."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for i in range(len(rows)):
        pivot = next(j for j in range(i, len(rows)) if rows[j][i])
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [entry / rows[i][i] for entry in rows[i]]
        for j in range(len(rows)):
            if j != i:
                rows[j] = [a - rows[j][i] * b for a, b in zip(rows[j], rows[i], strict=True)]
    return [row[-1] for row in rows]


@pytest.mark.parametrize("l2", [0.0, 0.25])
def test_the_closed_form_is_the_exact_solution_of_the_equations(l2):
    random = np.random.default_rng(0)
    X, y = random.integers(-9, 10, (12, 3)), random.integers(-9, 10, 12)
    A = [[Fraction(int(entry)) for entry in [*row, 1]] for row in X]
    penalty = [Fraction(l2) / 2] * 3 + [Fraction(0)]
    # 1/n sum (A w - y) A + l2/2 w = 0
    matrix = [[sum(r[i] * r[j] for r in A) / 12 + (penalty[i] if i == j else 0) for j in range(4)] for i in range(4)]
    right = [sum(r[i] * int(t) for r, t in zip(A, y, strict=True)) / 12 for i in range(4)]
    best = closed_form(X, y, l2)
    np.testing.assert_allclose([*best.weights, best.bias], [float(v) for v in solved(matrix, right)], rtol=1e-13)
    assert best.value == with_l2(SQUARED_ERROR, l2).value(X, y, best.weights, best.bias)


@pytest.mark.parametrize(
    ("name", "objective", "steps"),
    [
        ("education", SQUARED_ERROR, 1000),
        ("traffic", SQUARED_ERROR, 2000),
        ("finance", CROSS_ENTROPY, 1000),
        ("medicine", with_l2(CROSS_ENTROPY, 0.01), 3000),
    ],
)
def test_descent_reaches_the_references_to_ten_digits(name, objective, steps):
    X, y = standardised(name)
    best = newton(X, y, objective)
    if objective is SQUARED_ERROR:
        assert closed_form(X, y).value == pytest.approx(best.value, rel=1e-13)
    reached = descend(X, y, 0.9 * safe_rate(objective, X), steps, objective)
    value = objective.value(X, y, reached.weights, reached.bias)
    assert best.value * (1 - 1e-13) <= value <= best.value * (1 + 1e-10)


@pytest.mark.parametrize(
    "objective", [CROSS_ENTROPY, with_l2(CROSS_ENTROPY, 0.01), with_l2(SQUARED_ERROR, 2.0)], ids=repr
)
def test_at_newtons_minimum_the_gradient_is_nothing_and_every_way_leads_up(objective):
    X, y = standardised("finance")
    best = newton(X, y, objective)
    assert np.abs(np.append(*objective.gradient(X, y, best.weights, best.bias))).max() < 1e-14
    for direction in np.random.default_rng(1).normal(size=(20, X.shape[1] + 1)):
        away = 1e-4 * direction
        assert objective.value(X, y, best.weights + away[:-1], best.bias + away[-1]) > best.value
    with pytest.raises(ValueError, match="read-only"):
        best.weights[0] = 1.0


def test_newton_comes_back_from_a_full_step_that_goes_too_far():
    random = np.random.default_rng(3)
    X = np.concatenate([random.normal(size=50), [400.0, -350.0]])[:, None]
    y = np.concatenate([(random.random(50) < 0.5).astype(float), [0.0, 0.0]])
    best = newton(X, y, CROSS_ENTROPY)
    assert np.abs(np.append(*CROSS_ENTROPY.gradient(X, y, best.weights, best.bias))).max() < 1e-9


def test_medicine_has_no_minimum_until_l2_holds_the_weights():
    X, y = standardised("medicine")
    with pytest.raises(DataError, match="linearly separable") as caught:
        newton(X, y, CROSS_ENTROPY)
    assert "all 569 rows are on the right side" in caught.value.seen
    assert "X of shape (569, 30)" in caught.value.seen
    assert "with_l2" in caught.value.next_step
    assert newton(X, y, with_l2(CROSS_ENTROPY, 1e-6)).value > 0


def test_rows_that_touch_the_separating_plane_have_no_minimum_either():
    """At 0 both truths occur, beyond it only ones, before it only zeros: the loss falls for ever towards that of the
    rows at 0, and every one of its last steps is tiny."""
    X = np.array([-2.0, -1.0, 0.0, 0.0, 0.0, 1.0, 2.0])[:, None]
    y = np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0])
    with pytest.raises(DataError, match="linearly separable") as caught:
        newton(X, y, CROSS_ENTROPY)
    assert "every row is certain" in caught.value.seen


@pytest.mark.parametrize("l2", [0.0, 0.1])
def test_targets_of_one_class_have_no_minimum_with_or_without_l2(l2):
    X = np.random.default_rng(2).normal(size=(9, 2))
    with pytest.raises(DataError, match="all targets y are 1") as caught:
        newton(X, np.ones(9), with_l2(CROSS_ENTROPY, l2))
    assert "both classes" in caught.value.next_step


def by_closed_form(X, y):
    return closed_form(X, y)


def by_newton(X, y):
    return newton(X, y, CROSS_ENTROPY)


GOOD = np.random.default_rng(4).normal(size=(12, 3))
TRUTH = np.arange(12) % 2
HOLED = np.where(np.arange(36).reshape(12, 3) == 7, math.nan, GOOD)


@pytest.mark.parametrize("reference", [by_closed_form, by_newton])
@pytest.mark.parametrize(
    ("X", "y", "what", "seen", "remedy"),
    [
        (GOOD[:, 0], TRUTH, "X must be a table", "X of shape (12,)", "X[:, None]"),
        (GOOD, TRUTH[:-1], "one number for each row", "targets y of shape (11,)", "y[:, 0]"),
        (GOOD, TRUTH[:, None], "one number for each row", "targets y of shape (12, 1)", "y[:, 0]"),
        (
            HOLED,
            TRUTH,
            "X must be finite",
            "1 of 36 are NaN or infinite, the first is X[2, 1]; shape (12, 3)",
            "missing",
        ),
        (GOOD, np.where(TRUTH, math.inf, 0.0), "targets y must be finite", "6 of 12", "missing"),
        (
            np.column_stack([GOOD, np.full(12, 2.5)]),
            TRUTH,
            "constant",
            "column 3 of X of shape (12, 4)",
            "leave it out",
        ),
        (
            np.column_stack([GOOD, GOOD @ [1, 2, 3]]),
            TRUTH,
            "follow from others",
            "only 3 of its 4 columns",
            "leave out",
        ),
        (GOOD[:3], TRUTH[:3], "more rows than columns", "X of shape (3, 3)", "add L2"),
    ],
)
def test_rows_without_a_single_minimum_are_refused_with_the_remedy(reference, X, y, what, seen, remedy):
    with pytest.raises(DataError, match=what) as caught:
        reference(X, y)
    assert seen in caught.value.seen
    assert remedy in caught.value.next_step


def test_one_row_is_refused():
    with pytest.raises(DataError, match="more rows than columns"):
        closed_form(GOOD[:1], TRUTH[:1])
    with pytest.raises(DataError, match="all targets y are 0"):
        newton(GOOD[:1], TRUTH[:1], CROSS_ENTROPY)


def test_l2_makes_one_minimum_out_of_many():
    doubled = np.column_stack([GOOD, GOOD[:, 0]])
    for best in (closed_form(doubled, TRUTH, 0.1), newton(doubled, TRUTH, with_l2(CROSS_ENTROPY, 0.1))):
        assert best.weights[0] == pytest.approx(best.weights[3], rel=1e-9)


def test_targets_that_are_no_classes_are_refused_by_the_cross_entropy():
    with pytest.raises(DataError, match="must be 0 or 1") as caught:
        newton(GOOD, np.arange(12.0), CROSS_ENTROPY)
    assert "10 of 12 are neither, the first is 2; targets y of shape (12,)" in caught.value.seen


def test_a_limit_that_passes_is_an_error_with_the_value_reached():
    X, y = standardised("finance")
    with pytest.raises(DataError, match="within 2 steps") as caught:
        newton(X, y, CROSS_ENTROPY, limit=2)
    assert "value 0." in caught.value.seen


def test_newton_ends_on_a_line_that_fits_exactly():
    best = newton(GOOD, GOOD @ [1.0, -2.0, 3.0] + 4.0, SQUARED_ERROR)
    np.testing.assert_allclose([*best.weights, best.bias], [1.0, -2.0, 3.0, 4.0], rtol=1e-12)


def test_a_flat_place_is_no_traceback_of_numpy():
    flat = replace(with_l2(CROSS_ENTROPY, 0.1), loss_hessian=lambda X, y, weights, bias: np.zeros((4, 4)))
    with pytest.raises(DataError, match="flat") as caught:
        newton(GOOD, TRUTH, flat)
    assert "X of shape (12, 3)" in caught.value.seen
