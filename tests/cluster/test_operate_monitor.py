"""Prometheus and Alertmanager in the real cluster, beside a release in a namespace of its own."""

import time
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from aicontainer import commands, places
from aicontainer.deploy import manifests, objects
from aicontainer.errors import InputError, NoData, ObjectNotFound, QueryRefused
from aicontainer.learn import data
from aicontainer.operate import monitor, traffic

X = data.load("education").X
RULE = """
groups:
  - name: mine
    rules:
      - alert: Mine
        expr: {expression}
        for: {lasting}
"""


def eventually(look: Callable[[], bool], limit: float = 120) -> bool:
    until = time.monotonic() + limit
    while time.monotonic() < until:
        if look():
            return True
        time.sleep(0.3)
    return look()


def test_each_pod_is_found_and_the_rows_that_were_sent_are_counted(watched: Any) -> None:
    watching = watched.monitor
    names = {pod.name for pod in watched.release.pods()}
    assert {target.labels["pod"] for target in watching.targets()} == names
    before = watching.value("sum(predicted_rows_total)")
    for start in range(0, 100, 10):
        watched.server.infer(X[start : start + 10])
    assert eventually(lambda: watching.value("sum(predicted_rows_total)") == before + 100)


def test_a_rate_is_what_was_sent_in_a_second(watched: Any) -> None:
    with traffic.sending(watched.server, [X[:5]], 10, refused_of_ten=2) as sent:

        def window() -> bool:  # a busy machine may skip a scrape: then the next ten seconds are compared
            begun, rows, refused = time.monotonic(), sent.rows, sent.refused
            time.sleep(10)
            length = time.monotonic() - begun
            found = watched.monitor.value("sum(rate(predicted_rows_total[10s]))")
            failing = watched.monitor.value('sum(rate(http_request_duration_seconds_count{status=~"4.."}[10s]))')
            as_sent = pytest.approx((sent.rows - rows) / length, rel=0.3)
            as_refused = pytest.approx((sent.refused - refused) / length, rel=0.4)
            return bool(found == as_sent and failing == as_refused)

        time.sleep(4)
        assert eventually(window)
    assert sent.failed == 0
    over_time = watched.monitor.query_range("sum(rate(predicted_rows_total[10s]))", 20)
    assert len(over_time) == 1
    assert over_time[0].values.max() > 0


def test_an_alert_goes_from_pending_to_firing_to_resolved_while_the_pods_are_gone_and_back(watched: Any) -> None:
    watching, begun = watched.monitor, time.time()
    assert watching.state("NobodyServes") == "inactive"
    assert not watching.received("NobodyServes")
    watched.release.scale(0)
    alert = watching.wait_firing("NobodyServes")
    assert (alert.state, alert.labels["severity"]) == ("active", "page")
    assert alert.annotations["first_step"].startswith("kubectl get pods")
    watching.wait_targets(0)
    assert watching.query("up == 0") == ()  # with the pods their series are gone: the obvious rule stays silent
    watched.release.scale(2)
    watched.release.wait_available()
    watching.wait_resolved("NobodyServes")
    assert watching.history("NobodyServes", begun) == ("inactive", "pending", "firing", "inactive")
    watching.wait_targets(2)


def test_a_pod_that_is_replaced_shows_as_another_series(watched: Any) -> None:
    watching = watched.monitor
    victim = watched.release.pods()[0].name
    watched.release.delete_pod(victim)
    watched.release.wait_replaced(victim)
    watching.wait_targets(2)
    assert victim not in {target.labels["pod"] for target in watching.targets()}
    seen = watching.query_range('up{job="model"}', 240)
    assert victim in {series.labels["pod"] for series in seen}
    assert len(seen) >= 3


def test_what_prometheus_does_not_understand_is_told_in_its_words(watched: Any) -> None:
    watching = watched.monitor
    with pytest.raises(QueryRefused) as caught:
        watching.query("sum(rate(predicted_rows_total[10s])")
    assert "parse error" in caught.value.seen
    with pytest.raises(QueryRefused) as caught:
        watching.query("predicted_rows_total[10s]")
    assert "matrix" in caught.value.seen
    with pytest.raises(NoData):
        watching.value("no_such_metric")
    with pytest.raises(NoData, match="2 series"):
        watching.value("predicted_rows_total")


def test_rules_are_taken_up_refused_and_taken_away_without_a_new_pod(watched: Any) -> None:
    watching = watched.monitor
    release = watching._release()
    pod = release.pods()
    watching.use_rules(RULE.format(expression="vector(1) > 0", lasting="0s"))
    watching.wait_firing("Mine")
    for expression, lasting, words in (("vector(1) > > 0", "0s", "parse error"), ("vector(1)", "long", "long")):
        with pytest.raises(QueryRefused) as caught:
            watching.use_rules(RULE.format(expression=expression, lasting=lasting))
        assert words in caught.value.seen
        assert watching.state("Mine") == "firing"  # the rule before is still in force
    with pytest.raises(InputError):
        watching.use_rules("groups: none")
    watching.use_rules(RULE.format(expression="vector(1) > 2", lasting="0s"))
    watching.wait_resolved("Mine")
    watching.drop_rules()
    assert watching.prometheus.rule_files() == {"rules.yml"}
    assert release.pods() == pod


def test_it_can_be_put_there_again_and_needs_the_namespace_of_what_it_watches(watched: Any, cluster: Any) -> None:
    found = watched.release.cluster
    services = (monitor.PROMETHEUS, monitor.ALERTMANAGER)
    ports = {
        name: objects.read(found, "Service", name, watched.release.namespace)["spec"]["ports"][0]["nodePort"]
        for name in services
    }
    pods = watched.monitor._release().pods()
    again = monitor.ensure(found, cluster, watched.release.namespace, node_ports=ports)
    assert again == watched.monitor
    assert again._release().pods() == pods
    with pytest.raises(ObjectNotFound):
        monitor.ensure(found, cluster, "aicontainer-nowhere", node_ports=ports)


def test_prometheus_may_list_pods_of_its_namespace_and_nothing_else(watched: Any, cluster: Any) -> None:
    found, name = watched.release.cluster, watched.release.namespace
    user = f"system:serviceaccount:{name}:prometheus"

    def may(verb: str, what: str, where: str) -> bool:
        words = [cluster.kubectl, *found.kubectl_options, "auth", "can-i", verb, what, "-n", where, "--as", user]
        try:
            return commands.run(words, limit=120).strip() == "yes"
        except commands.CommandError:
            return False

    assert may("list", "pods", name)
    assert not may("list", "pods", "default")
    assert not may("delete", "pods", name)
    assert not may("list", "secrets", name)


def test_the_folder_is_what_kubectl_reads_too(cluster: Any) -> None:
    folder = places.clone() / "manifests" / "monitor"
    text = commands.run([cluster.kubectl, "kustomize", folder], limit=120)

    def content(found: list[Any]) -> dict[Any, Any]:
        keys = ("spec", "data", "rules")
        return {(each["kind"], each["metadata"]["name"]): [each.get(key) for key in keys] for each in found}

    assert content(list(yaml.safe_load_all(text))) == content(manifests.load_manifests(folder))
