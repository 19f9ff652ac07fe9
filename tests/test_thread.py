"""The thread: a loss that differs in its last bit, or comes from other rows, is never called the same."""

import dataclasses
import json
import math

import numpy as np
import pytest
from sklearn import metrics

from aicontainer import places, thread
from aicontainer.errors import DataError
from aicontainer.learn import data, fit
from aicontainer.model import load


@pytest.fixture
def dataset():
    return data.load("education")


@pytest.fixture
def model():
    return load(fit.ensure_model())


def test_a_later_stage_with_the_same_scores_is_the_same(dataset, model):
    first = thread.measure("02_descent", model.score, dataset, model.digest)
    later = thread.measure("03_serve", lambda X: [model.score(row[None])[0] for row in X], dataset, model.digest)
    assert thread.same(later)
    assert later.loss == first.loss
    assert repr(later) == f"loss {first.loss:#.9g} on 420 rows; same to the last bit: True"
    assert later.model_digest == model.digest


def test_one_score_that_moves_by_little_is_seen(dataset, model):
    thread.measure("02_descent", model.score, dataset)

    def nearly(X):
        scores = model.score(X)
        scores[7] += 1e-9
        return scores

    measured = thread.measure("03_serve", nearly, dataset)
    assert not thread.same(measured)
    assert "same to the last bit: False" in repr(measured)
    assert repr(measured.loss) in repr(measured)


def test_the_neighbouring_float_is_another_loss(dataset, model):
    first = thread.measure("02_descent", model.score, dataset)
    assert thread.same(first)
    assert not thread.same(dataclasses.replace(first, loss=math.nextafter(first.loss, math.inf)))


def test_the_same_loss_on_other_rows_is_not_the_same(dataset, model):
    thread.measure("02_descent", model.score, dataset)
    other = dataclasses.replace(dataset, X=dataset.X[::-1], y=dataset.y[::-1], fingerprint="reversed")
    measured = thread.measure("03_serve", model.score, other)
    assert measured.loss == thread.reference().loss
    assert not thread.same(measured)
    assert "other rows" in repr(measured)


def test_a_notebook_that_starts_directly_finds_its_reference(dataset, model):
    measured = thread.measure("05_deploy", model.score, dataset)
    assert thread.same(measured)
    assert thread.table().rows[0] == thread.Row("02_descent", None, None)


def test_a_damaged_record_is_measured_again(dataset, model):
    thread.measure("02_descent", model.score, dataset)
    (places.work() / "thread" / "02_descent.json").write_text("{")
    assert thread.same(thread.measure("03_serve", model.score, dataset))


def test_the_record_keeps_every_bit_and_nothing_half_written(dataset, model):
    measured = thread.measure("02_descent", model.score, dataset, model.digest)
    assert [path.name for path in (places.work() / "thread").iterdir()] == ["02_descent.json"]
    content = json.loads((places.work() / "thread" / "02_descent.json").read_text())
    assert float.fromhex(content["loss"]) == measured.loss
    assert content["fingerprint"] == dataset.fingerprint
    assert content["rows"] == 420


def test_take_leaves_no_record(dataset, model):
    thread.take("05_deploy", model.score, dataset)
    assert not (places.work() / "thread").exists()


def test_the_table_lists_every_stage_in_order(dataset, model):
    thread.measure("02_descent", model.score, dataset)
    thread.measure("03_serve", model.score, dataset)
    thread.measure("04_package", lambda X: model.score(X) + 1, dataset)
    thread.measure("06_monitor", model.score, dataset)
    thread.measure("cases_own", model.score, dataset)
    table = thread.table()
    assert [(row.stage, row.same) for row in table.rows] == [
        ("02_descent", True),
        ("03_serve", True),
        ("04_package", False),
        ("05_deploy", None),
        ("06_monitor", True),
        ("07_versions", None),
        ("cases_own", True),
    ]
    lines = repr(table).splitlines()
    assert lines[1].split() == ["02_descent", f"{table.rows[0].loss:#.9g}", "reference"]
    assert lines[3].endswith("False")
    assert lines[4].endswith("not measured")
    assert table.broken(set()) == ("04_package",)


def test_a_stage_that_passed_without_measuring_breaks_the_thread(dataset, model):
    for stage in thread.STAGES:
        thread.measure(stage, model.score, dataset)
    passed = {"01_loss", "01b_cross_entropy", *thread.STAGES}  # these two measure nothing, and need not
    assert thread.table().broken(passed) == ()
    thread.forget("03_serve")
    thread.forget("03_serve")
    assert thread.table().broken(passed) == ("03_serve",)
    assert thread.table().broken(passed - {"03_serve"}) == ()


@pytest.mark.parametrize(
    "score",
    [
        lambda X: np.full(len(X), np.nan),
        lambda X: np.full(len(X), np.inf),
        lambda X: np.zeros(len(X) - 1),
        lambda X: np.zeros((len(X), 1)),
    ],
)
def test_scores_that_are_missing_or_not_finite_are_refused(dataset, score):
    with pytest.raises(DataError):
        thread.measure("03_serve", score, dataset)


def test_a_stage_cannot_point_out_of_its_folder(dataset, model):
    with pytest.raises(DataError, match="named like its notebook"):
        thread.measure("../03_serve", model.score, dataset)


@pytest.mark.parametrize("case", ["finance", "medicine"])
def test_a_yes_or_no_case_has_the_cross_entropy_of_its_own_model_file_for_reference(case):
    known, trained = data.load(case), load(fit.ensure_model(case))
    measured = thread.measure("03_serve", trained.score, known, trained.digest)
    assert measured.loss == pytest.approx(metrics.log_loss(known.y, trained.predict(known.X)), rel=1e-12)
    assert repr(measured).endswith("same to the last bit: True")
    assert thread.same(measured)
    assert [row.same for row in thread.table().rows if row.stage == "03_serve"] == [True]


def test_a_probability_served_in_the_place_of_a_score_is_seen():
    known, trained = data.load("finance"), load(fit.ensure_model("finance"))
    measured = thread.take("03_serve", trained.predict, known, trained.digest)
    assert "same to the last bit: False (finance.json measured" in repr(measured)


def test_each_case_is_set_against_its_own_reference(dataset, model):
    thread.measure("02_descent", model.score, dataset, model.digest)
    traffic = load(fit.ensure_model("traffic"))
    assert thread.same(thread.measure("03_serve", traffic.score, data.load("traffic"), traffic.digest))
    assert thread.same(thread.measure("04_package", model.score, dataset, model.digest))
    assert [row.same for row in thread.table().rows[:3]] == [True, True, True]


def test_a_model_file_written_anew_is_the_reference_and_an_old_record_is_not(dataset, model):
    thread.measure("02_descent", model.score, dataset, model.digest)
    own = fit.train(dataset, 0.1, 20)
    own.save(fit.model_path("education"))
    assert thread.same(thread.take("03_serve", own.score, dataset, own.digest))
    assert not thread.same(thread.take("03_serve", model.score, dataset, model.digest))
