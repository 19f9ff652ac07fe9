"""The data sets that come with the package."""

import csv
from importlib import resources

import numpy as np
import pytest

from aicontainer.errors import DataError
from aicontainer.learn import data, fit

ROWS = {"education": 420, "finance": 1319, "medicine": 569, "traffic": 108}
# published beside the data: condition numbers of X'X, standardised and with a column of ones
CONDITION = {"education": 24.8, "finance": 4.5, "medicine": 1.0e5, "traffic": 40.5}


@pytest.mark.parametrize("name", data.NAMES)
def test_each_data_set_is_whole_and_cannot_be_changed(name):
    dataset = data.load(name)
    assert dataset.X.shape == (ROWS[name], len(dataset.features))
    assert dataset.y.shape == (ROWS[name],)
    assert dataset.target not in dataset.features
    assert np.isfinite(dataset.X).all()
    assert dataset.X.flags.c_contiguous
    assert not dataset.X.flags.writeable
    assert not dataset.y.flags.writeable
    assert dataset.source
    assert dataset.licence


@pytest.mark.parametrize("name", data.NAMES)
def test_the_default_features_have_the_published_condition_number(name):
    X = data.load(name).X
    A = np.column_stack([fit.standardise(X)(X), np.ones(len(X))])
    assert np.linalg.cond(A) ** 2 == pytest.approx(CONDITION[name], rel=0.03)


@pytest.mark.parametrize(
    ("name", "left_out"), [("education", {"district"}), ("finance", {"share", "expenditure"}), ("traffic", {"year"})]
)
def test_identifiers_and_leaking_columns_are_no_features_unless_asked_for(name, left_out):
    assert not left_out & set(data.load(name).features)
    asked = sorted(left_out)
    assert data.load(name, features=asked).features == tuple(asked)


def test_columns_come_in_the_order_asked_for():
    dataset = data.load("education", features=["income", "lunch"])
    text = (resources.files("aicontainer.learn") / "datasets" / "education.csv").read_text()
    first = next(csv.DictReader(text.splitlines()))
    assert dataset.X[0].tolist() == [float(first["income"]), float(first["lunch"])]
    assert dataset.y[0] == float(first["test_score"])


def test_the_fingerprint_tells_other_rows_or_other_columns():
    whole = data.load("education")
    assert data.load("education").fingerprint == whole.fingerprint
    assert data.load("education", features=whole.features[::-1]).fingerprint != whole.fingerprint
    assert len({data.load(name).fingerprint for name in data.NAMES}) == len(data.NAMES)


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(DataError, match="no data set 'educaton'") as caught:
        data.load("educaton")
    assert all(name in caught.value.next_step for name in ROWS)


@pytest.mark.parametrize("features", [["incomes"], ["income", "test_score"], []])
def test_unknown_features_the_target_and_none_are_refused(features):
    with pytest.raises(DataError) as caught:
        data.load("education", features=features)
    assert "income" in caught.value.next_step


def test_the_notes_come_with_the_package_and_name_each_file():
    notes = (resources.files("aicontainer.learn") / "datasets" / "README.md").read_text()
    assert all(f"`{name}.csv`" in notes for name in data.NAMES)
