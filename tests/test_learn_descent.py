"""Gradient descent, against the closed solution and against the theory of its rate."""

import itertools
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from aicontainer.errors import DataError
from aicontainer.learn import data, fit
from aicontainer.learn.descent import Stop, descend, descend_in_batches
from aicontainer.learn.loss import linear, mean_squared_error
from aicontainer.learn.objective import CROSS_ENTROPY, SQUARED_ERROR, with_l2
from aicontainer.learn.reference import newton


@pytest.fixture(scope="module")
def rows():
    dataset = data.load("education")
    return fit.standardise(dataset.X)(dataset.X), dataset.y


def largest_curvature(X):
    A = np.column_stack([X, np.ones(len(X))])
    return float(np.linalg.eigvalsh(2 / len(X) * A.T @ A)[-1])


def test_it_arrives_at_least_squares(rows):
    X, y = rows
    A = np.column_stack([X, np.ones(len(X))])
    best, *_ = np.linalg.lstsq(A, y, rcond=None)
    found = descend(X, y, fit.RATE, fit.STEPS)
    np.testing.assert_allclose(np.append(found.weights, found.bias), best, rtol=1e-10)
    assert found.losses[-1] == pytest.approx(float(np.mean((A @ best - y) ** 2)), rel=1e-12)


def test_the_default_steps_reach_the_point_where_only_rounding_moves(rows):
    losses = descend(*rows, fit.RATE, fit.STEPS).losses
    assert losses[-1] == pytest.approx(losses[-fit.STEPS // 3], rel=1e-14)


def test_each_loss_is_that_of_the_weights_after_that_many_steps(rows):
    X, y = rows
    long = descend(X, y, 0.3, 5)
    assert len(long.losses) == 6
    assert long.losses[0] == mean_squared_error(np.zeros(len(y)), y)
    for steps in range(6):
        short = descend(X, y, 0.3, steps)
        assert short.losses[:-1] == long.losses[:steps]
        assert short.losses[-1] == pytest.approx(long.losses[steps], rel=1e-14)
        # the last one is exact: it is the one that the whole course goes on with
        assert mean_squared_error(linear(X, short.weights, short.bias), y) == short.losses[-1]


def test_twice_the_same_descent_gives_the_same_bits(rows):
    one, two = (descend(*rows, 0.3, 50) for _ in range(2))
    assert one.weights.tobytes() == two.weights.tobytes()
    assert one.losses == two.losses


@pytest.mark.parametrize("share", [0.5, 0.99])
def test_below_two_over_the_largest_curvature_the_loss_never_rises(rows, share):
    losses = descend(*rows, share * 2 / largest_curvature(rows[0]), 60).losses
    assert all(after < before for before, after in itertools.pairwise(losses))


@pytest.mark.parametrize(("share", "steps"), [(1.01, 2000), (1.5, 100), (100.0, 5000)])
def test_above_it_the_rate_is_refused_with_the_last_finite_loss(rows, share, steps):
    X, y = rows
    with pytest.raises(DataError, match="is too large") as caught:
        descend(X, y, share * 2 / largest_curvature(X), steps)
    last = float(caught.value.seen.split(",")[1].split()[0])
    assert np.isfinite(last)
    assert last > mean_squared_error(np.zeros(len(y)), y)


def test_at_the_minimum_from_the_start_it_stays_there():
    X = np.array([[-1.0], [1.0]])
    assert descend(X, np.zeros(2), 0.3, 10).losses == (0.0,) * 11


@pytest.mark.parametrize("rate", [0.0, -0.1, float("nan"), float("inf")])
def test_rates_without_a_meaning_are_refused(rows, rate):
    with pytest.raises(DataError, match="rate must be above 0"):
        descend(*rows, rate, 5)


@pytest.mark.parametrize("steps", [-1, 2.5, float("nan"), float("inf")])
def test_steps_without_a_meaning_are_refused(rows, steps):
    with pytest.raises(DataError, match="whole number"):
        descend(*rows, 0.1, steps)


def test_the_thread_begins_at_the_loss_it_always_had(rows):
    # the last digits may differ from one processor to the next, the first nine are printed in every notebook
    assert f"{descend(*rows, fit.RATE, fit.STEPS).losses[-1]:.9g}" == "69.0740843"


def test_squared_error_is_what_is_made_small_unless_told_otherwise(rows):
    assert descend(*rows, 0.3, 20).losses == descend(*rows, 0.3, 20, objective=SQUARED_ERROR).losses


@pytest.fixture(scope="module")
def cases():
    dataset = data.load("finance")
    return fit.standardise(dataset.X)(dataset.X), dataset.y


def test_on_the_cross_entropy_it_arrives_where_newton_arrives(cases):
    X, y = cases
    A, theta = np.column_stack([X, np.ones(len(X))]), np.zeros(X.shape[1] + 1)
    for _ in range(20):
        p = 1 / (1 + np.exp(-A @ theta))
        theta -= np.linalg.solve(A.T @ (A * (p * (1 - p))[:, None]), A.T @ (p - y))
    found = descend(X, y, 1.0, 3000, CROSS_ENTROPY)
    np.testing.assert_allclose(np.append(found.weights, found.bias), theta, rtol=1e-8)
    assert found.losses[0] == np.log(2)


def test_at_a_rate_below_the_safe_one_the_cross_entropy_never_rises(cases):
    X, y = cases
    A = np.column_stack([X, np.ones(len(X))])
    safe = 2 / np.linalg.eigvalsh(A.T @ A / (4 * len(X)))[-1]  # p (1 - p) is at most 1/4
    losses = descend(X, y, 0.99 * safe, 100, CROSS_ENTROPY).losses
    assert all(after < before for before, after in itertools.pairwise(losses))


@pytest.mark.parametrize(
    ("X", "y", "says"),
    [
        (np.ones(3), np.ones(3), "shape (3,)"),
        (np.ones((0, 2)), np.ones(0), "shape (0, 2)"),
        (np.ones((3, 1)), np.ones((3, 1)), "targets y of shape (3, 1)"),
        (np.ones((3, 1)), np.ones(4), "targets y of shape (4,)"),
        (np.array([[1.0], [np.nan]]), np.ones(2), "NaN"),
        (np.ones((2, 1)), np.array([1.0, np.inf]), "1 of 2 are NaN or infinite"),
        (np.ones((2, 1)), 1.0, "X of shape (2, 1), targets y of shape ()"),
        (np.ones((2, 1)), ["yes", "no"], "'yes'"),
    ],
)
@pytest.mark.parametrize("objective", [SQUARED_ERROR, CROSS_ENTROPY])
def test_rows_that_cannot_be_used_are_refused_with_what_is_wrong_with_them(X, y, says, objective):
    with pytest.raises(DataError) as caught:
        descend(X, y, 0.1, 3, objective)
    assert says in caught.value.seen


@pytest.mark.parametrize("walk", [descend, partial(descend_in_batches, batch=2)])
def test_targets_as_a_column_are_told_to_be_passed_as_a_vector(walk):
    with pytest.raises(DataError, match="targets y") as caught:
        walk(np.ones((3, 1)), np.ones((3, 1)), 0.1, 3)
    assert "y[:, 0]" in caught.value.next_step


def test_a_bad_target_beyond_the_first_block_is_found_where_it_is():
    X, y = np.ones((120_000, 1)), np.zeros(120_000)
    y[100_000] = np.nan
    with pytest.raises(DataError) as caught:
        descend(X, y, 0.1, 1)
    assert "targets y[100000]; shape (120000,)" in caught.value.seen
    y[100_000] = 0.5
    with pytest.raises(DataError, match="must be 0 or 1") as caught:
        descend(X, y, 0.1, 1, CROSS_ENTROPY)
    assert "in the block that begins at row 98304" in caught.value.seen


def test_raw_rows_let_the_cross_entropy_grow_and_are_refused():
    dataset = data.load("medicine")
    with pytest.raises(DataError, match="too large"):
        descend(dataset.X, dataset.y, 0.3, 50, CROSS_ENTROPY)


def test_a_column_major_table_gives_the_same_bits(rows):
    X, y = rows
    assert descend(np.asfortranarray(X), y, 0.3, 9).losses == descend(X, y, 0.3, 9).losses


def test_the_gradient_norms_are_those_of_the_formula_at_the_same_places(rows):
    X, y = rows
    norms = descend(X, y, 0.3, 4).gradient_norms
    for steps, norm in enumerate(norms):
        at = descend(X, y, 0.3, steps)
        dw, db = SQUARED_ERROR.gradient(X, y, at.weights, at.bias)
        assert norm == pytest.approx(np.sqrt(dw @ dw + db * db), rel=1e-12)


@pytest.mark.parametrize(
    ("stop", "by"), [(Stop(gradient_norm=1.0), "gradient norm"), (Stop(loss=100.0), "loss"), (Stop(), "budget")]
)
def test_it_ends_at_the_first_place_that_reaches_a_limit(rows, stop, by):
    whole, ended = descend(*rows, 0.3, 100), descend(*rows, 0.3, 100, stop=stop)
    reached = {
        "gradient norm": next(i for i, norm in enumerate(whole.gradient_norms) if norm <= 1.0),
        "loss": next(i for i, loss in enumerate(whole.losses) if loss <= 100.0),
        "budget": 100,
    }
    assert (ended.stopped_by, ended.steps) == (by, reached[by])
    assert len(ended.losses) == len(ended.gradient_norms) == ended.steps + 1


@pytest.mark.parametrize("limits", [{"loss": -1.0}, {"gradient_norm": float("nan")}])
def test_limits_without_a_meaning_are_refused_by_name(limits):
    (name,) = limits
    with pytest.raises(DataError, match=name):
        Stop(**limits)


def test_a_descent_in_two_parts_takes_the_steps_of_one(rows):
    first = descend(*rows, 0.3, 7)
    second = descend(*rows, 0.3, 5, start=(first.weights, first.bias))
    assert second.weights.tobytes() == descend(*rows, 0.3, 12).weights.tobytes()


@pytest.mark.parametrize(
    "start", [(np.zeros(3), 0.0), (np.full(7, np.nan), 0.0), (np.zeros(7), np.zeros(2)), np.zeros(8)]
)
def test_a_start_that_does_not_fit_is_refused(rows, start):
    with pytest.raises(DataError, match=r"weights of shape \(7,\)") as caught:
        descend(*rows, 0.3, 1, start=start)
    assert "fit.weights" in caught.value.next_step


def test_an_objective_of_ones_own_takes_the_steps_of_its_formula(cases):
    X, y = cases
    own = replace(CROSS_ENTROPY, name="mine", loss=lambda scores, truth: CROSS_ENTROPY.loss(scores, truth))
    theirs, mine = descend(X, y, 0.5, 20, CROSS_ENTROPY), descend(X, y, 0.5, 20, own)
    np.testing.assert_allclose(mine.weights, theirs.weights, rtol=1e-12)
    np.testing.assert_allclose(mine.losses, theirs.losses, rtol=1e-13)


def test_a_batch_of_all_rows_is_a_step_of_full_descent(rows):
    X, y = rows
    whole, batches = descend(X, y, 0.3, 30), descend_in_batches(X, y, 0.3, 30, len(y))
    np.testing.assert_allclose(batches.losses, whole.losses, rtol=1e-12)
    np.testing.assert_allclose(batches.weights, whole.weights, rtol=1e-9)


@pytest.mark.parametrize("batch", [1, 7, 32, 419])
def test_a_pass_in_batches_takes_the_steps_of_the_formula_over_each_batch(rows, batch):
    X, y = rows
    weights, bias = np.zeros(X.shape[1]), 0.0
    order = np.random.default_rng(5).permutation(len(y))
    drawn = [order[first : first + batch] for first in range(0, len(y), batch)]
    for part in drawn:
        dw, db = SQUARED_ERROR.gradient(X[part], y[part], weights, bias)
        weights, bias = weights - 0.001 * dw, bias - 0.001 * db
    found = descend_in_batches(X, y, 0.001, 1, batch, seed=5)
    np.testing.assert_allclose(np.append(found.weights, found.bias), np.append(weights, bias), rtol=1e-10)
    assert (found.steps, found.every) == (len(drawn), len(drawn))
    assert found.losses[-1] == mean_squared_error(linear(X, found.weights, found.bias), y)


def test_the_same_seed_gives_the_same_bits_and_another_one_others(cases):
    runs = [descend_in_batches(*cases, 0.1, 2, 16, CROSS_ENTROPY, seed=seed) for seed in (3, 3, 4)]
    assert runs[0].losses == runs[1].losses
    assert runs[0].weights.tobytes() == runs[1].weights.tobytes() != runs[2].weights.tobytes()


def test_batches_stop_between_two_passes(rows):
    found = descend_in_batches(*rows, 0.01, 200, 32, stop=Stop(loss=100.0))
    assert found.stopped_by == "loss"
    assert found.losses[-1] <= 100.0 < found.losses[-2]
    assert found.steps == found.every * (len(found.losses) - 1)


def test_a_rate_too_large_for_batches_is_refused(rows):
    with pytest.raises(DataError, match="is too large") as caught:
        descend_in_batches(*rows, 0.3, 50, 1)
    assert np.isfinite(float(caught.value.seen.split(",")[1].split()[0]))


def test_the_noise_of_batches_around_the_minimum_is_not_taken_for_divergence(rows):
    best = descend(*rows, fit.RATE, fit.STEPS)
    noisy = descend_in_batches(*rows, 0.01, 3, 8, start=(best.weights, best.bias))
    assert noisy.losses[-1] > best.losses[-1]


@pytest.mark.parametrize("batch", [0, -1, 421, 2.5])
def test_batches_without_a_meaning_are_refused(rows, batch):
    with pytest.raises(DataError, match="a batch is"):
        descend_in_batches(*rows, 0.1, 1, batch)


def test_the_penalty_is_in_each_step_of_batches_and_in_their_losses(cases):
    X, y = cases
    objective = with_l2(CROSS_ENTROPY, 0.3)
    found = descend_in_batches(X, y, 0.01, 30, 50, objective)
    penalty = 0.15 * found.weights @ found.weights
    without = CROSS_ENTROPY.loss(linear(X, found.weights, found.bias), y)
    assert found.losses[-1] == pytest.approx(without + penalty, rel=1e-14)
    assert found.losses[-1] == pytest.approx(newton(X, y, objective).value, rel=2e-2)  # else 11 % above


def test_full_descent_with_a_penalty_reaches_newtons_minimum(cases):
    objective = with_l2(CROSS_ENTROPY, 0.05)
    found = descend(*cases, 1.0, 2000, objective, stop=Stop(gradient_norm=1e-9))
    assert found.stopped_by == "gradient norm"
    assert found.losses[-1] == pytest.approx(newton(*cases, objective).value, rel=1e-12)
