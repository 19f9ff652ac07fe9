"""The model and its file: no bit is lost, nothing damaged is taken for whole, no row's score depends on the others."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aicontainer.errors import DataError, ModelFileError
from aicontainer.model import NAME, Model, Scaling, load
from aicontainer.training import Training

numbers = st.floats(allow_nan=False, allow_infinity=False)
positive = st.floats(min_value=1e-300, allow_nan=False, allow_infinity=False)


def make(weights=(1.5, -2.0), bias=0.25, mean=(1.0, 2.0), deviation=(0.5, 3.0), **other) -> Model:
    fields = {
        "name": "tiny",
        "version": "1",
        "link": "identity",
        "features": tuple(f"x{i}" for i in range(len(weights))),
        "target": "y",
        "trained_on": "nothing",
        "unit": "points",
        "training": Training(5, 100, 0.3, 0, 69.0, [0.0] * len(weights), [9.0] * len(weights)),
    }
    return Model(weights=weights, bias=bias, scaling=Scaling(mean, deviation), **(fields | other))


@given(
    st.lists(st.tuples(numbers, numbers, positive), min_size=1, max_size=5),
    numbers,
    st.from_regex(NAME, fullmatch=True),
)
def test_a_file_gives_back_every_bit(tmp_path_factory, columns, bias, name):
    weights, mean, deviation = zip(*columns, strict=True)
    model = make(weights, bias, mean, deviation, name=name)
    loaded = load(model.save(tmp_path_factory.mktemp("models") / "any.json"))
    assert loaded.weights.tobytes() == model.weights.tobytes()
    assert loaded.bias.hex() == model.bias.hex()
    assert loaded.scaling.mean.tobytes() == model.scaling.mean.tobytes()
    assert loaded.scaling.deviation.tobytes() == model.scaling.deviation.tobytes()
    assert (loaded.name, loaded.features, loaded.numpy) == (model.name, model.features, model.numpy)
    assert loaded.digest == model.digest


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_the_score_of_a_row_does_not_depend_on_its_batch(width, count, seed):
    random = np.random.default_rng(seed)
    model = make(random.normal(size=width), 3.0, random.normal(size=width), random.uniform(0.1, 9, width))
    rows = random.normal(scale=100, size=(count, width))
    whole = model.score(rows)
    assert whole.tobytes() == np.concatenate([model.score(row[None]) for row in rows]).tobytes()
    assert whole.tobytes() == model.score(np.asfortranarray(rows)).tobytes()
    assert whole[::-1].tobytes() == model.score(rows[::-1]).tobytes()


@pytest.mark.parametrize("width", [8192, 8193, 20_000])
def test_nor_does_it_when_a_row_is_longer_than_numpys_buffer(width):
    rng = np.random.default_rng(width)
    names = tuple(f"x{number}" for number in range(width))
    scaling = Scaling(np.zeros(width), np.ones(width))
    model = Model("m", "1", rng.normal(size=width), 0.5, "identity", scaling, names, "t", "x")
    rows = rng.normal(size=(5, width))
    together = model.score(rows)
    assert [model.score(rows[number : number + 1])[0] for number in range(5)] == together.tolist()
    assert model.score(rows[1:4]).tolist() == together[1:4].tolist()


def test_the_score_is_the_linear_function_of_standardised_features():
    # ((2 - 1) / 0.5) * 1.5 + ((5 - 2) / 3) * -2 + 0.25
    assert make().score([[2.0, 5.0]]).tolist() == [1.25]


def test_the_logistic_link_stays_a_probability_at_extreme_scores():
    model = make((1.0,), 0.0, (0.0,), (1.0,), link="logistic")
    given_rows = [[-1000.0], [-2.0], [0.0], [2.0], [1000.0]]
    expected = [0.0, 1 / (1 + math.exp(2)), 0.5, 1 / (1 + math.exp(-2)), 1.0]
    np.testing.assert_allclose(model.predict(given_rows), expected, rtol=1e-15)


def test_what_is_saved_is_readable_by_the_user_in_the_image_and_leaves_nothing_beside(tmp_path):
    path = make().save(tmp_path / "new" / "model.json")
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(path.parent.iterdir()) == [path]


def test_a_model_cannot_be_changed_in_place():
    with pytest.raises(ValueError, match="read-only"):
        make().weights[0] = 7.0


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda text: text[: len(text) // 2], "cannot be read as JSON"),
        (lambda text: "", "cannot be read as JSON"),
        (lambda text: "[1, 2]", "not a model file"),
        (lambda text: text.replace("aicontainer-model/1", "aicontainer-model/9"), "not a model file"),
        (lambda text: text.replace("-2.0", "-2.5"), "was changed after it was written"),
        (lambda text: text.replace('"bias": 0.25', '"bias": NaN'), "does not describe a model"),
        (lambda text: text.replace('"identity"', '"cubic"'), "does not describe a model"),
        (lambda text: text.replace('"bias": 0.25', '"bias": 1e999'), "does not describe a model"),
        (lambda text: text.replace('"bias": 0.25', '"bias": "0.25"'), "does not describe a model"),
        (lambda text: text.replace('"bias": 0.25', '"bias": true'), "does not describe a model"),
        (lambda text: text.replace('"bias": 0.25', '"bias": 0.25, "bias": 0.25'), "cannot be read as JSON"),
        (lambda text: text.replace('"bias": 0.25', '"bias": 0.25, "code": "import os"'), "does not describe a model"),
        (lambda text: "[" * 100_000, "cannot be read as JSON"),
        (lambda text: text.replace('"x1"', '"x0"'), "does not describe a model"),
        (lambda text: text.replace('"tiny"', '"../tiny"'), "does not describe a model"),
        (lambda text: text.replace('"rows": 5', '"rows": 0'), "does not describe a model"),
        (lambda text: text.replace('"rows": 5', '"rows": 6'), "was changed after it was written"),
        (lambda text: json.dumps({k: v for k, v in json.loads(text).items() if k != "bias"}), "lacks the field 'bias'"),
    ],
)
def test_a_damaged_file_is_refused_with_what_is_wrong_and_what_to_do(tmp_path, damage, says):
    path = make().save(tmp_path / "model.json")
    path.write_text(damage(path.read_text()))
    with pytest.raises(ModelFileError, match=says) as caught:
        load(path)
    assert "02_descent" in caught.value.next_step


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ModelFileError, match=r"there is no model file gone\.json"):
        load(tmp_path / "gone.json")


@pytest.mark.parametrize(
    "rows",
    [[1.0, 2.0], [[1.0, 2.0, 3.0]], [[1.0, math.nan]], [[1.0, math.inf]], [["a", "b"]], [[1.0], [1.0, 2.0]]],
)
def test_rows_that_cannot_be_scored_are_refused(rows):
    with pytest.raises(DataError):
        make().score(rows)


@pytest.mark.parametrize(
    "parts",
    [{"bias": math.nan}, {"features": ("one",)}, {"mean": (0.0,), "deviation": (1.0,)}, {"deviation": (1.0, 0.0)}],
)
def test_parts_that_do_not_fit_together_are_refused(parts):
    with pytest.raises(DataError):
        make(**parts)


def test_no_cut_and_no_flipped_bit_makes_another_model_of_a_file(tmp_path):
    model = make()
    path = model.save(tmp_path / "model.json")
    whole = path.read_bytes()
    damaged = [whole[:end] for end in range(0, len(whole) - 2, 7)]
    for at in range(0, len(whole), 3):
        damaged.append(whole[:at] + bytes([whole[at] ^ (1 << at % 8)]) + whole[at + 1 :])
    refused = 0
    for content in damaged:
        path.write_bytes(content)
        try:
            assert load(path).digest == model.digest  # a space that became another one says the same
        except ModelFileError:
            refused += 1
    assert refused > 0.98 * len(damaged)


def test_the_same_model_gives_the_same_bytes(tmp_path):
    first, second = (make().save(tmp_path / name).read_bytes() for name in ("a.json", "b.json"))
    assert first == second


@pytest.mark.parametrize("width", [1, 50_000])
def test_a_narrow_and_a_wide_model_are_read_back(tmp_path, width):
    random = np.random.default_rng(width)
    columns = random.normal(size=width), 3.0, random.normal(size=width), random.uniform(0.1, 9, width)
    model = make(*columns)
    assert load(model.save(tmp_path / "wide.json")).weights.tobytes() == model.weights.tobytes()


def test_what_it_was_trained_on_comes_back_and_no_range_makes_a_model_of_another_width(tmp_path):
    loaded = load(make().save(tmp_path / "model.json"))
    assert loaded.unit == "points"
    assert loaded.training.content() == make().training.content()
    with pytest.raises(DataError, match="ranges"):
        make(training=Training(5, 100, 0.3, 0, 69.0, [0.0], [9.0]))


@pytest.mark.parametrize(
    "wrong", [{"rows": 0}, {"steps": -1}, {"seed": 1.5}, {"loss": math.nan}, {"low": [8.0, 1.0], "high": [7.0, 2.0]}]
)
def test_a_training_that_cannot_have_been_is_refused(wrong):
    known = {"rows": 5, "steps": 1, "rate": 0.3, "seed": 0, "loss": 1.0, "low": [0.0, 0.0], "high": [1.0, 1.0]}
    with pytest.raises(DataError):
        Training(**(known | wrong))
