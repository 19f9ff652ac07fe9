import inspect
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import kubernetes.client.exceptions
import kubernetes.dynamic.exceptions
import pytest
import urllib3.exceptions
from kubernetes.config.config_exception import ConfigException

from aicontainer.deploy import objects
from aicontainer.deploy.cluster import Cluster
from aicontainer.deploy.connection import mapped
from aicontainer.errors import ClusterError, ObjectNotFound, ObjectRefused

WORDS = "words-of-the-cluster"
MODULES = (kubernetes.client.exceptions, kubernetes.dynamic.exceptions)

KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters: [{name: here, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: me, user: {}}]
contexts: [{name: kind-here, context: {cluster: here, user: me}}]
current-context: kind-here
"""


def every_error() -> list[type[Exception]]:
    classes = {each for module in MODULES for _, each in inspect.getmembers(module, inspect.isclass)}
    return sorted((each for each in classes if issubclass(each, Exception)), key=lambda each: each.__name__)


def sample(cls: type[Exception]) -> Exception:
    if issubclass(cls, kubernetes.dynamic.exceptions.DynamicApiError):
        return cls(SimpleNamespace(status=418, reason="", body=json.dumps({"message": WORDS}), headers={}))
    if issubclass(cls, kubernetes.client.exceptions.ApiException):
        return cls(status=418, body=json.dumps({"message": WORDS}))
    return cls(WORDS)


@pytest.mark.parametrize("cls", every_error())
def test_every_error_of_the_client_becomes_one_of_ours_with_its_words_and_its_cause(cls: type[Exception]) -> None:
    original = sample(cls)
    with pytest.raises(ClusterError) as caught, mapped("do it"):
        raise original
    assert caught.value.__cause__ is original
    assert WORDS in caught.value.seen


def test_the_walk_finds_both_trees_of_the_client() -> None:
    wanted = {
        kubernetes.client.exceptions.ApiException,
        kubernetes.dynamic.exceptions.ConflictError,
        kubernetes.dynamic.exceptions.ResourceNotFoundError,
    }
    assert wanted <= set(every_error())


@pytest.mark.parametrize(
    ("status", "expected"),
    [(404, ObjectNotFound), (403, ObjectRefused), (409, ObjectRefused), (422, ObjectRefused), (500, ClusterError)],
)
def test_the_http_status_decides_the_kind_and_is_kept(status: int, expected: type[ClusterError]) -> None:
    with pytest.raises(ClusterError) as caught, mapped("do it"):
        raise kubernetes.client.exceptions.ApiException(status=status, reason=WORDS)
    assert type(caught.value) is expected
    assert caught.value.status == status


def test_a_broken_connection_and_a_bad_kubeconfig_name_the_next_step() -> None:
    for error in (urllib3.exceptions.ProtocolError(WORDS), ConfigException(WORDS)):
        with pytest.raises(ClusterError) as caught, mapped("do it"):
            raise error
        assert caught.value.next_step.startswith("aicontainer up")


def test_without_a_cluster_the_next_step_is_named(tmp_path: Path) -> None:
    cluster = Cluster("here", tmp_path / "config", "localhost:1", {})
    with pytest.raises(ClusterError) as missing:
        objects.read(cluster, "Pod", "any")
    assert missing.value.next_step == "aicontainer up"
    (tmp_path / "config").write_text(KUBECONFIG)
    with pytest.raises(ClusterError) as refused:
        objects.read(cluster, "Pod", "any")
    assert refused.value.next_step == "aicontainer up"
    with pytest.raises(ClusterError):
        objects.read(replace(cluster, name="elsewhere"), "Pod", "any")
