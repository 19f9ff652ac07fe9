"""The checks of notebook 02b on ``finance``: right answers pass by any route, each usual mistake gets its own hint."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from aicontainer.exercises.logistic import check_accuracy, check_impossible_rows, check_leaks
from aicontainer.learn import data

FINANCE = data.load("finance")
AGE = FINANCE.X[:, FINANCE.features.index("age")]
MONTHS = FINANCE.X[:, FINANCE.features.index("months")]
YOUNG = [78, 323, 434, 461, 655, 658, 1194]  # read in the file


@pytest.mark.parametrize(
    "rows", [YOUNG, YOUNG[::-1], np.array(YOUNG), np.nonzero(AGE < 1), AGE < 18, list(AGE < 18), np.argsort(AGE)[:7]]
)
def test_the_seven_rows_are_right_in_any_form(rows):
    check = check_impossible_rows(rows)
    assert check.state == "right"
    assert "7 rows" in check.text


@pytest.mark.parametrize(
    ("rows", "hint"),
    [
        ([], "your list is empty"),
        (np.sort(AGE)[:7], "these are ages"),
        ([row + 1 for row in YOUNG], "positions count from 0"),
        (YOUNG[:3], "4 more of that kind"),
        (np.flatnonzero(MONTHS > 12 * AGE), "only its age betrays it"),
        ([*YOUNG, int(np.argmax(AGE))], "people above eighty do apply"),
        (np.flatnonzero(AGE < 18.3), "18.2 years old, and that can be; 1 such"),
        ([*YOUNG, 1319], "1319 is no position"),
        ([-1], "-1 is no position"),
        ([78.5], "78.5 is no position"),
        (7, "must be a list of positions"),
        (FINANCE.X[YOUNG], "must be a list of positions"),
        ("age", "must hold positions"),
        ([[1], [2, 3]], "must hold positions"),
    ],
)
def test_each_wrong_list_of_rows_gets_its_own_hint(rows, hint):
    check = check_impossible_rows(rows)
    assert check.state == "wrong"
    assert hint in check.text


SPLIT = data.hold_out(FINANCE, share=0.25, seed=1)
SCALER = StandardScaler().fit(SPLIT.train.X)
MODEL = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(SCALER.transform(SPLIT.train.X), SPLIT.train.y)


def share_right(part, border=0.0):
    return np.mean((MODEL.decision_function(SCALER.transform(part.X)) > border) == part.y)


HELD_OUT = SPLIT.held_out
ACCURACY = share_right(HELD_OUT)
SCORES = MODEL.decision_function(SCALER.transform(HELD_OUT.X))


@pytest.mark.parametrize("value", [ACCURACY, float(ACCURACY), np.array(ACCURACY), str(ACCURACY), 0.839, 0.8394])
def test_the_accuracy_that_scikit_learn_finds_is_right(value):
    check = check_accuracy(value)
    assert check.state == "right"
    assert f"{round(ACCURACY * 330)} of 330" in check.text


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (share_right(HELD_OUT, border=0.5), "scores are taken for probabilities"),
        (share_right(SPLIT.train), "it has seen those answers"),
        (share_right(FINANCE), "the share of all rows"),
        (1 - ACCURACY, "the model tells wrong"),
        (np.mean((SCORES < 0) == HELD_OUT.y), "yes is a score above 0"),
        (ACCURACY * 330, "a count of rows"),
        (ACCURACY * 100, "in per cent"),
        (HELD_OUT.y.mean(), "the baseline"),
        (np.mean(SCORES > 0), "how often the model says yes"),
        (np.mean(HELD_OUT.y == SCORES), "no score is exactly 0 or 1"),
        (np.mean((HELD_OUT.X @ MODEL.coef_[0] + MODEL.intercept_ > 0) == HELD_OUT.y), "the rows are raw"),
        (roc_auc_score(HELD_OUT.y, SCORES), "judges the order"),
        (round(100 * ACCURACY, 1), "in per cent"),
        (0.84, "rounded too far"),
        (0.5, "row by row"),
        (1.7, "is no share"),
        (float("nan"), "is no share"),
        (SCORES > 0, "must be one number"),
        ("most", "must be one number"),
    ],
)
def test_each_wrong_accuracy_gets_its_own_hint(value, hint):
    check = check_accuracy(value)
    assert check.state == "wrong"
    assert hint in check.text


@pytest.mark.parametrize("names", [["share", "expenditure"], ("expenditure", "share"), {"share", "expenditure"}])
def test_both_leaking_columns_are_right(names):
    assert check_leaks(names).state == "right"


@pytest.mark.parametrize(
    ("names", "hint"),
    [
        ([], "an empty list"),
        (["share"], "expenditure still tells the answer"),
        ("expenditure", "share still tells the answer"),
        (["share", "expenditure", "reports"], "telling a lot is not yet leaking"),
        (["active"], "with others, before the decision"),
        (["majorcards", "share"], "another bank's"),
        (["income"], "stands in the application"),
        (["accepted"], "is the target"),
        (["Share"], "no column Share"),
        ([9, 10], "must be a list of names"),
        (2, "must be a list of names"),
    ],
)
def test_each_wrong_list_of_leaks_gets_its_own_hint(names, hint):
    check = check_leaks(names)
    assert check.state == "wrong"
    assert hint in check.text


def test_nothing_given_is_not_done_yet():
    for check in (check_impossible_rows(None), check_accuracy(None), check_leaks(None)):
        assert repr(check).startswith("not done yet: ")
