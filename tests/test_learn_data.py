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


def test_a_target_of_yes_and_no_goes_with_the_logistic_link():
    for name in data.NAMES:
        dataset = data.load(name)
        assert (set(dataset.y.tolist()) == {0.0, 1.0}) == (dataset.link == "logistic")
    assert data.load("medicine").link == "logistic"


@pytest.mark.parametrize(("share", "kept"), [(0.25, 142), (0.5, 284), (0.001, 1)])
def test_a_split_holds_each_row_once_and_keeps_their_order(share, kept):
    whole = data.load("medicine")
    split = data.hold_out(whole, share, seed=3)
    assert len(split.held_out.y) == kept
    rows = {row.tobytes(): i for i, row in enumerate(np.column_stack([whole.X, whole.y]))}
    positions = [
        [rows[row.tobytes()] for row in np.column_stack([part.X, part.y])] for part in (split.train, split.held_out)
    ]
    assert sorted(positions[0] + positions[1]) == list(range(569))
    assert all(sorted(part) == part for part in positions)


def test_the_same_seed_holds_out_the_same_rows_whatever_the_features_and_another_seed_others():
    one = data.hold_out(data.load("medicine"), seed=1)
    same = data.hold_out(data.load("medicine", features=["mean_area"]), seed=1)
    area = one.held_out.X[:, one.held_out.features.index("mean_area")]
    assert same.held_out.X[:, 0].tolist() == area.tolist()
    again, other = (data.hold_out(data.load("medicine"), seed=seed) for seed in (1, 2))
    assert again.held_out.fingerprint == one.held_out.fingerprint != other.held_out.fingerprint


def test_the_rows_that_seed_1_holds_out_never_change():
    # notebook 02 prints losses on these rows
    assert data.hold_out(data.load("medicine"), seed=1).held_out.fingerprint.startswith("4dbac8f87db26b0d")


def test_each_part_is_a_data_set_with_a_fingerprint_of_its_own():
    whole = data.load("finance")
    split = data.hold_out(whole)
    assert len({whole.fingerprint, split.train.fingerprint, split.held_out.fingerprint}) == 3
    assert (split.train.features, split.train.link, split.train.name) == (whole.features, "logistic", "finance")
    assert not split.held_out.X.flags.writeable
    assert whole.take(range(len(whole.y))).fingerprint == whole.fingerprint
    assert repr(split) == "Split(finance: 989 rows to train on, 330 held out)"


def test_a_split_by_time_never_learns_from_the_future():
    whole = data.load("traffic")
    split = data.hold_out_last(whole, 1 / 3)
    month = whole.features.index("month_index")
    assert split.train.X[:, month].tolist() == list(range(1, 73))  # six of nine years
    assert split.held_out.X[:, month].tolist() == list(range(73, 109))
    assert split.held_out.y.tolist() == whole.y[72:].tolist()


@pytest.mark.parametrize("hold_out", [data.hold_out, data.hold_out_last])
@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, 1.5, 0.0001, float("nan")])
def test_a_split_with_an_empty_part_is_refused(hold_out, share):
    with pytest.raises(DataError, match="at least one row") as caught:
        hold_out(data.load("medicine"), share)
    assert "569 rows" in caught.value.seen


@pytest.mark.parametrize("rows", [[], [0, 420], [-1]])
def test_rows_that_are_not_there_cannot_be_taken(rows):
    with pytest.raises(DataError) as caught:
        data.load("education").take(rows)
    assert "420 rows" in caught.value.seen


def test_the_name_of_one_feature_is_told_to_be_put_into_a_list():
    with pytest.raises(DataError, match="a list of names") as caught:
        data.load("education", features="income")
    assert "['income']" in caught.value.next_step
