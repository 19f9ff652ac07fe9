"""From a data set to the model file that all later notebooks serve."""

import numpy as np
import pytest

from aicontainer import places
from aicontainer.errors import DataError
from aicontainer.events import Event
from aicontainer.learn import data, evaluation, fit
from aicontainer.learn.cross_entropy import mean_cross_entropy
from aicontainer.learn.descent import descend
from aicontainer.learn.loss import mean_squared_error
from aicontainer.learn.objective import CROSS_ENTROPY, for_link, with_l2
from aicontainer.learn.reference import closed_form, newton
from aicontainer.model import load


def told() -> tuple[list[str], object]:
    kinds: list[str] = []

    def listen(event: Event) -> None:
        kinds.append(event.kind)

    return kinds, listen


def test_standardised_columns_have_mean_0_and_deviation_1():
    X = data.load("medicine").X
    Z = fit.standardise(X)(X)
    np.testing.assert_allclose(Z.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(Z.std(axis=0), 1, rtol=1e-12)


@pytest.mark.parametrize("value", [1.0, 0.1, -1e9])  # the deviation of a column of 0.1 is not 0 but rounding
def test_a_constant_column_is_refused_and_named(value):
    X = np.column_stack([np.arange(7.0), np.full(7, value)])
    with pytest.raises(DataError, match="deviation") as caught:
        fit.standardise(X)
    assert "column 1 of X of shape (7, 2)" in caught.value.seen


@pytest.mark.parametrize("X", [np.ones((1, 3)), np.arange(3.0), np.array([[1.0], [np.nan]])])
def test_one_row_no_table_and_missing_values_are_refused(X):
    with pytest.raises(DataError):
        fit.standardise(X)


def test_a_classifier_is_trained_on_the_cross_entropy_and_its_file_answers_with_probabilities(tmp_path):
    split = data.hold_out(data.load("medicine"), seed=1)
    ended = descend(fit.standardise(split.train.X)(split.train.X), split.train.y, 0.3, 300, CROSS_ENTROPY)
    model = load(fit.train(split.train, 0.3, 300).save(tmp_path / "medicine.json"))
    assert mean_cross_entropy(model.score(split.train.X), split.train.y).hex() == ended.losses[-1].hex()
    assert (model.link, model.trained_on) == ("logistic", split.train.fingerprint)
    chances = model.predict(split.held_out.X)
    assert ((chances > 0.5) == (model.score(split.held_out.X) > 0)).all()
    assert evaluation.accuracy(model.score(split.held_out.X), split.held_out.y) > 0.95


def test_the_model_has_the_loss_at_which_its_descent_ended_to_the_last_bit(tmp_path):
    dataset = data.load("education")
    ended = descend(fit.standardise(dataset.X)(dataset.X), dataset.y, fit.RATE, fit.STEPS)
    loaded = load(fit.train(dataset).save(tmp_path / "model.json"))
    assert mean_squared_error(loaded.score(dataset.X), dataset.y).hex() == ended.losses[-1].hex()
    assert loaded.features == dataset.features
    assert loaded.trained_on == dataset.fingerprint


def test_the_model_beats_the_mean_by_far():
    dataset = data.load("education")
    loss = mean_squared_error(fit.train(dataset).score(dataset.X), dataset.y)
    assert loss < 0.25 * dataset.y.var()


def test_a_missing_model_file_is_made_and_a_whole_one_left_alone():
    kinds, listen = told()
    path = fit.ensure_model(tell=listen)
    assert path == fit.model_path("education") == places.work() / "models" / "education.json"
    before = path.stat().st_mtime_ns, path.read_bytes()
    assert fit.ensure_model(tell=listen) == path
    assert (path.stat().st_mtime_ns, path.read_bytes()) == before
    assert kinds == ["made", "found"]


@pytest.mark.parametrize("content", ["", "{}", "half a fi"])
def test_a_damaged_model_file_is_mended(content):
    good = fit.ensure_model().read_bytes()
    fit.model_path("education").write_text(content)
    kinds, listen = told()
    assert fit.ensure_model(tell=listen).read_bytes() == good
    assert kinds == ["mended"]


def test_a_model_of_other_rows_under_that_name_is_mended():
    fit.train(data.load("traffic"), 0.01, 5).save(fit.model_path("education"))
    kinds, listen = told()
    assert load(fit.ensure_model(tell=listen)).trained_on == data.load("education").fingerprint
    assert kinds == ["mended"]


def test_a_learners_own_model_of_the_same_rows_is_kept():
    own = fit.train(data.load("education"), 0.1, 20)
    own.save(fit.model_path("education"))
    assert load(fit.ensure_model()).digest == own.digest


@pytest.mark.parametrize("case", data.NAMES)
def test_each_case_has_a_model_that_has_arrived_at_the_minimum_of_its_objective(case):
    dataset, recipe = data.load(case), fit.RECIPES[case]
    model = load(fit.ensure_model(case))
    assert (model.name, model.trained_on) == (case, dataset.fingerprint)
    rows, objective = model.scaling(dataset.X), with_l2(for_link(dataset.link), recipe.l2)
    logistic = dataset.link == "logistic"
    best = newton(rows, dataset.y, objective) if logistic else closed_form(rows, dataset.y)
    assert recipe.rate < 2 / objective.curvature_bound(rows)
    assert model.score(dataset.X) == pytest.approx(rows @ best.weights + best.bias, rel=1e-9, abs=1e-9)


def test_the_weights_of_medicine_stay_small_only_with_l2():
    recipe, dataset = fit.RECIPES["medicine"], data.load("medicine")
    small, large = fit.train_case("medicine"), fit.train(dataset, recipe.rate, recipe.steps)
    assert np.abs(small.weights).max() < 0.6 < 1 < np.abs(large.weights).max()


def test_there_is_no_fifth_case():
    with pytest.raises(DataError, match="no case 'weather'") as caught:
        fit.train_as("weather", data.load("traffic"))
    assert "education, finance, medicine, traffic" in caught.value.next_step


@pytest.mark.parametrize("case", ["education", "finance"])
def test_the_file_remembers_the_training_and_the_loss_of_what_will_be_served(case, tmp_path):
    dataset = data.load(case)
    trained = load(fit.train_case(case, steps=50).save(tmp_path / "model.json"))
    assert (trained.training.rows, trained.training.steps) == (len(dataset.y), 50)
    assert (trained.training.low == dataset.X.min(axis=0)).all()
    assert (trained.training.high == dataset.X.max(axis=0)).all()
    score = trained.score(dataset.X)
    served = for_link(dataset.link).loss(score, dataset.y)
    assert trained.training.loss.hex() == served.hex()
    assert trained.unit == dataset.unit
