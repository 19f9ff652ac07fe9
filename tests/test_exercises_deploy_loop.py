from pathlib import Path
from typing import Any

import pytest

from aicontainer.deploy.cluster import Cluster
from aicontainer.exercises import deploy_loop, deploy_repair

CLUSTER = Cluster("here", Path("nowhere"), "localhost:1", {})


def three(cluster: Any, namespace: Any, pod: Any) -> None:
    return None


def four(cluster: Any, namespace: Any, pod: Any, desired: Any) -> None:
    return None


def test_nothing_written_yet_is_not_done_and_asks_no_cluster() -> None:
    assert deploy_loop.check_reconcile(CLUSTER, None).state == "not done yet"


@pytest.mark.parametrize("given", ["reconcile", 2, three, lambda: None])
def test_what_cannot_be_called_with_four_arguments_is_told(given: Any) -> None:
    check = deploy_loop.check_reconcile(CLUSTER, given)
    assert check.state == "wrong"
    assert "four arguments: cluster, namespace, pod, desired" in check.text


def test_without_a_cluster_the_checks_say_so_and_do_not_raise() -> None:
    for check in (deploy_loop.check_reconcile(CLUSTER, four), deploy_repair.check_repaired(CLUSTER)):
        assert check.state == "wrong"
        assert "no cluster" in check.text


def test_the_release_to_repair_has_its_three_faults_and_a_door_of_its_own() -> None:
    _, deployment, service = deploy_repair.broken("localhost:1/aicontainer/model:1")
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    assert container["readinessProbe"]["httpGet"]["path"] == deploy_repair.WRONG_PATH
    assert service["spec"]["selector"].items() - deployment["spec"]["template"]["metadata"]["labels"].items()
    assert service["spec"]["ports"][0]["targetPort"] != container["ports"][0]["containerPort"]
    assert service["spec"]["ports"][0]["nodePort"] == deploy_repair.NODE_PORT
