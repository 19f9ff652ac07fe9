"""What a Prometheus reads: counted once, under few label values, added up over the workers, never falling."""

from dataclasses import replace

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from aicontainer.model import Model, Scaling
from aicontainer.serve import counters
from aicontainer.serve.counters import SIZE, VERSIONS, Counters
from aicontainer.serve.metrics import DISTANCE_BOUNDS, HELD_PREDICTIONS, Metrics, prediction_bounds

INFER = "/v2/models/{name}/infer"


def a_model(version: str = "1", link: str = "identity") -> Model:
    scaling = Scaling(np.array([10.0, 0.0]), np.array([2.0, 1.0]))
    return Model("m", version, np.array([1.0, 0.5]), 100.0, link, scaling, ("a", "b"), "t", "rows")


def samples(metrics: Metrics, name: str) -> dict[tuple[str, ...], float]:
    """The samples of that name by their label values, labels in alphabetical order."""
    families = text_string_to_metric_families(metrics.render("")[0].decode())
    found = [sample for family in families for sample in family.samples if sample.name == name]
    return {tuple(value for _, value in sorted(sample.labels.items())): sample.value for sample in found}


def workers(count: int) -> list[Counters]:
    return [Counters(memoryview(bytearray(SIZE))) for _ in range(count)]


def predict(metrics: Metrics, model: Model, rows: list[list[float]]) -> None:
    metrics.predicted(model.scaling(np.array(rows)), model.score(rows))


def test_the_row_counter_is_there_before_the_first_row() -> None:
    assert samples(Metrics(a_model("3")), "predicted_rows_total") == {("m", "3"): 0.0}


def test_a_latency_falls_into_its_buckets() -> None:
    metrics = Metrics(a_model())
    metrics.answered("/v2", 200, 0.02)
    buckets = samples(metrics, "http_request_duration_seconds_bucket")
    below = {float(labels[0]) for labels, count in buckets.items() if count == 0}
    above = {float(labels[0]) for labels, count in buckets.items() if count == 1}
    assert max(below) == 0.01
    assert min(above) == 0.025
    assert samples(metrics, "http_request_duration_seconds_sum") == {("/v2", "200"): 0.02}


def test_rows_are_distributed_as_numpy_would_do_it_however_they_came() -> None:
    model, random = a_model(), np.random.default_rng(0)
    metrics = Metrics(model)
    rows = random.normal([10.0, 0.0], [4.0, 2.0], size=(500, 2))
    for begin in range(0, HELD_PREDICTIONS + 40):
        predict(metrics, model, rows[begin : begin + 1].tolist())
    predict(metrics, model, rows[HELD_PREDICTIONS + 40 :].tolist())
    predictions = samples(metrics, "prediction_bucket")
    for bound in prediction_bounds(model):
        expected = int((model.predict(rows) <= bound).sum())
        assert predictions[str(bound), "m", "1"] == expected
    distances = samples(metrics, "input_distance_deviations_bucket")
    farthest = np.abs((rows - [10.0, 0.0]) / [2.0, 1.0]).max(axis=1)
    for bound in DISTANCE_BOUNDS:
        assert distances[str(bound), "m", "1"] == int((farthest <= bound).sum())
    assert samples(metrics, "prediction_sum")["m", "1"] == pytest.approx(model.predict(rows).sum(), rel=1e-12)
    assert samples(metrics, "predicted_rows_total") == {("m", "1"): 500.0}


@pytest.mark.parametrize("accept", ["application/openmetrics-text;version=:1.0.0", "text/plain; version=1..2", "x"])
def test_a_format_that_makes_no_sense_gets_the_one_that_everybody_reads(accept: str) -> None:
    content, kind = Metrics(a_model()).render(accept)
    assert kind.startswith("text/plain; version=0.0.4")
    assert b"predicted_rows_total" in content


def test_an_input_far_from_training_shows_where_one_that_is_usual_does_not() -> None:
    model = a_model()
    metrics = Metrics(model)
    predict(metrics, model, [[11.0, 0.1], [10.0, 250.0]])
    beyond = samples(metrics, "input_distance_deviations_count")["m", "1"]
    within = samples(metrics, "input_distance_deviations_bucket")
    assert (within["4.0", "m", "1"], within["100.0", "m", "1"], beyond) == (1.0, 1.0, 2.0)


@pytest.mark.parametrize("link", ["identity", "logistic"])
@pytest.mark.parametrize("scale", [0.0, 1e-9, 1.0, 1e9])
def test_the_bounds_of_predictions_rise_for_models_of_any_size(link: str, scale: float) -> None:
    bounds = prediction_bounds(replace(a_model(link=link), weights=np.array([scale, 0.0]), bias=654.0))
    assert list(bounds) == sorted(set(bounds))
    assert len(bounds) == counters.PREDICTIONS


def test_what_the_workers_have_counted_is_added_up_whoever_is_asked() -> None:
    model, places = a_model(), workers(3)
    every = [Metrics(model, places, index) for index in range(3)]
    for number, metrics in enumerate(every, start=1):
        for _ in range(number):
            metrics.answered(INFER, 200, 0.001)
            predict(metrics, model, [[10.0, 0.0]])
        metrics.in_flight(number)
    for metrics in every:
        metrics.distribute()
    for metrics in every:
        assert samples(metrics, "http_request_duration_seconds_count") == {(INFER, "200"): 6.0}
        assert samples(metrics, "predicted_rows_total") == {("m", "1"): 6.0}
        assert samples(metrics, "prediction_count") == {("m", "1"): 6.0}
        assert samples(metrics, "http_requests_in_flight") == {(): 6.0}


def test_a_worker_in_the_place_of_a_dead_one_goes_on_counting_from_there() -> None:
    model, places = a_model(), workers(1)
    dead = Metrics(model, places)
    predict(dead, model, [[10.0, 0.0]])
    dead.in_flight(1)
    successor = Metrics(model, places)
    assert samples(successor, "http_requests_in_flight") == {(): 0.0}
    predict(successor, model, [[10.0, 0.0]])
    assert samples(successor, "predicted_rows_total") == {("m", "1"): 2.0}


def test_each_version_keeps_its_own_count_and_more_versions_than_places_do_no_harm() -> None:
    metrics = Metrics(a_model("0"))
    for number in range(1, VERSIONS + 4):
        model = a_model(str(number))
        metrics.serves(model)
        predict(metrics, model, [[10.0, 0.0]] * number)
    found = samples(metrics, "predicted_rows_total")
    assert found["m", str(VERSIONS + 3)] == VERSIONS + 3
    assert all(value == float(version) for (_, version), value in found.items())
    assert len(found) == VERSIONS
    assert samples(metrics, "model_reloads_total") == {(): VERSIONS + 3.0}


def test_a_refused_file_is_told_until_another_is_taken_up() -> None:
    metrics = Metrics(a_model())
    metrics.refused()
    assert samples(metrics, "model_file_refused") == {(): 1.0}
    metrics.serves(a_model("2"))
    assert samples(metrics, "model_file_refused") == {(): 0.0}
    assert samples(metrics, "model_reloads_refused_total") == {(): 1.0}


def test_the_model_and_the_process_are_told() -> None:
    metrics = Metrics(a_model("5"))
    (labels,) = samples(metrics, "model_info")
    assert labels == ("m", a_model("5").digest, "5")
    assert samples(metrics, "process_resident_memory_bytes")[()] > 1e7
    assert samples(metrics, "process_open_fds")[()] > 2


def test_two_servers_in_one_process_do_not_mix() -> None:
    one, other = Metrics(a_model()), Metrics(a_model())
    predict(one, a_model(), [[10.0, 0.0]])
    assert samples(other, "predicted_rows_total") == {("m", "1"): 0.0}


def test_a_prometheus_gets_the_format_that_it_asks_for() -> None:
    text, content_type = Metrics(a_model()).render("application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    assert text.endswith(b"# EOF\n")
    assert Metrics(a_model()).render("*/*")[1].startswith("text/plain")
