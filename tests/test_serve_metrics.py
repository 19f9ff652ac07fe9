"""What a Prometheus reads: counted once, under few label values, each server by itself."""

import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from aicontainer.model import Model, Scaling
from aicontainer.serve.metrics import Metrics


def a_model(version: str = "1") -> Model:
    return Model("m", version, np.ones(1), 0.0, "identity", Scaling(np.zeros(1), np.ones(1)), ("a",), "t", "rows")


def samples(metrics: Metrics, name: str) -> dict[tuple[str, ...], float]:
    """The samples of that name by their label values, labels in alphabetical order."""
    text = metrics.render("")[0].decode()
    families = text_string_to_metric_families(text)
    found = [sample for family in families for sample in family.samples if sample.name == name]
    return {tuple(value for _, value in sorted(sample.labels.items())): sample.value for sample in found}


def test_the_row_counter_is_there_before_the_first_row() -> None:
    assert samples(Metrics(a_model("3")), "predicted_rows_total") == {("m", "3"): 0.0}


def test_rows_add_up() -> None:
    metrics = Metrics(a_model())
    metrics.predicted(420)
    metrics.predicted(1)
    assert samples(metrics, "predicted_rows_total") == {("m", "1"): 421.0}


def test_a_latency_falls_into_its_buckets() -> None:
    metrics = Metrics(a_model())
    metrics.answered("/v2", "GET", 200, 0.02)
    buckets = samples(metrics, "http_request_duration_seconds_bucket")
    below = {float(labels[0]) for labels, count in buckets.items() if count == 0}
    above = {float(labels[0]) for labels, count in buckets.items() if count == 1}
    assert max(below) == 0.01
    assert min(above) == 0.025
    assert samples(metrics, "http_request_duration_seconds_sum") == {("GET", "/v2", "200"): 0.02}


def test_a_method_that_nobody_knows_makes_no_series_of_its_own() -> None:
    metrics = Metrics(a_model())
    for number in range(5):
        metrics.answered("/v2", f"METHOD{number}", 405, 0.001)
    assert samples(metrics, "http_request_duration_seconds_count") == {("other", "/v2", "405"): 5.0}


def test_two_servers_in_one_process_do_not_mix() -> None:
    one, other = Metrics(a_model()), Metrics(a_model())
    one.predicted(5)
    assert samples(other, "predicted_rows_total") == {("m", "1"): 0.0}


def test_a_prometheus_gets_the_format_that_it_asks_for() -> None:
    text, content_type = Metrics(a_model()).render("application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    assert text.endswith(b"# EOF\n")
    assert Metrics(a_model()).render("*/*")[1].startswith("text/plain")
