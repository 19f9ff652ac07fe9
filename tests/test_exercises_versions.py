from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aicontainer import model
from aicontainer.deploy.cluster import Cluster
from aicontainer.deploy.versions import Versions
from aicontainer.exercises import versions as exercise
from aicontainer.learn import data, fit
from aicontainer.learn.objective import for_link

NOWHERE = Versions(Cluster("here", Path("nowhere"), "localhost:1", {}))
DAMAGED = exercise.Damage("2", "ai-model-1", "aa", "bb")


def loss_of(given: model.Model) -> float:
    dataset = data.load(given.name)
    return float(for_link(dataset.link).loss(given.score(dataset.X), dataset.y))


@pytest.mark.parametrize(
    ("answer", "state", "hint"),
    [
        (None, "not done yet", "my_answer is None"),
        ("summer", "wrong", "must be a pair"),
        (("summer", 3), "wrong", "must be a pair"),
        (("winter", {"lunch", "income"}), "wrong", "the candidates are"),
        (("spring", exercise.SWAPPED), "wrong", "stopped early"),
        (("autumn", exercise.SWAPPED), "wrong", "to nine digits"),
        ((exercise.MIXED, {"lunch", "income"}), "wrong", "two differ"),
        ((exercise.MIXED, {"calworks"}), "wrong", "two differ"),
    ],
)
def test_each_usual_wrong_candidate_has_its_hint(answer: Any, state: str, hint: str) -> None:
    check = exercise.check_candidates(answer, NOWHERE)
    assert check.state == state
    assert hint in check.text


def test_the_right_candidate_is_taken_in_any_order_of_its_features_and_then_the_service_is_asked() -> None:
    for features in (exercise.SWAPPED, list(exercise.SWAPPED[::-1]), set(exercise.SWAPPED)):
        check = exercise.check_candidates((exercise.MIXED, features), NOWHERE)
        assert "no cluster" in check.text


@pytest.mark.parametrize(
    "check",
    [
        lambda shelf: exercise.check_third_version(shelf),
        lambda shelf: exercise.check_candidates((exercise.MIXED, exercise.SWAPPED), shelf),
        lambda shelf: exercise.check_mended(DAMAGED, shelf),
    ],
)
def test_without_shelves_or_a_cluster_the_checks_say_so(check: Any) -> None:
    assert "must be the Versions" in check(None).text
    assert "no cluster" in check(NOWHERE).text


def test_what_was_damaged_has_to_be_told() -> None:
    assert "exercise.damage" in exercise.check_mended(None, NOWHERE).text


def judged(**how: Any) -> Any:
    dataset = data.load("education")
    return exercise._judge_third("3", fit.train(dataset, **how).score(dataset.X))


@pytest.mark.parametrize("steps", [40, 100, 200, 250, 300])
def test_a_third_version_is_right_as_long_as_it_can_be_told_from_the_first(steps: int) -> None:
    assert judged(steps=steps).state == "right"


@pytest.mark.parametrize(
    ("how", "hint"),
    [
        ({}, "a copy under another name"),
        ({"steps": 5}, "train longer"),
        ({"steps": 500}, "not stopped early"),
        ({"steps": 999}, "not stopped early"),
        ({"rate": 0.2, "steps": 1000}, "not stopped early"),
    ],
)
def test_each_usual_wrong_third_version_has_its_hint(how: dict[str, Any], hint: str) -> None:
    check = judged(**how)
    assert check.state == "wrong"
    assert hint in check.text


@pytest.mark.parametrize("case", fit.RECIPES)
def test_a_tenth_of_the_usual_steps_makes_a_third_version_of_any_case(case: str) -> None:
    stopped = fit.train_case(case, steps=fit.RECIPES[case].steps // 10)
    assert exercise._judge_third("3", stopped.score(data.load(case).X), case).state == "right"


@pytest.mark.parametrize("case", fit.RECIPES)
def test_the_loss_alone_accuses_the_wrong_candidate(case: str) -> None:
    by_name = {each.version: loss_of(each) for each in exercise.models(case)}
    assert tuple(by_name) == exercise.CANDIDATES
    assert max(by_name, key=lambda name: by_name[name]) == "spring"


@pytest.mark.parametrize("case", fit.RECIPES)
def test_the_weights_behind_the_scores_tell_which_candidate_it_is(case: str) -> None:
    dataset, trained = data.load(case), model.load(fit.ensure_model(case))
    rows = np.column_stack([trained.scaling(dataset.X), np.ones(len(dataset.X))])
    different = {}
    for each in exercise.models(case):
        found, *_ = np.linalg.lstsq(rows, each.score(dataset.X), rcond=None)
        different[each.version] = {
            name for name, a, b in zip(dataset.features, found, trained.weights, strict=False) if abs(a - b) > 1e-6
        }
    count = {name: len(names) for name, names in different.items()}
    assert count == {"spring": len(dataset.features), "summer": 2, "autumn": 0}
    assert different[exercise.MIXED] == set(exercise.SWAPPED_OF[case])


@pytest.mark.parametrize("case", fit.RECIPES)
def test_the_colleagues_model_is_wrong_in_the_unit_of_one_feature_alone(case: str) -> None:
    trained, theirs = model.load(fit.ensure_model(case)), model.load(exercise.from_a_colleague(case))
    feature, factor = exercise.OTHER_UNIT[case]
    place = trained.features.index(feature)
    np.testing.assert_allclose(theirs.weights, trained.weights, rtol=1e-6)
    ratio = theirs.scaling.deviation / trained.scaling.deviation
    assert np.allclose(ratio, [factor if each == place else 1 for each in range(len(ratio))])
    assert theirs.trained_on != trained.trained_on
    assert loss_of(theirs) > 1.01 * loss_of(trained)
