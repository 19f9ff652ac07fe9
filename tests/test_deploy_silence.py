"""A cluster that accepts connections and says nothing: every call to it ends by itself, with an error of ours."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from kubernetes import client as api

from aicontainer.deploy import connection, inside, objects
from aicontainer.deploy.cluster import Cluster
from aicontainer.errors import ClusterError

KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters: [{{name: here, cluster: {{server: "{}"}}}}]
users: [{{name: me, user: {{}}}}]
contexts: [{{name: kind-here, context: {{cluster: here, user: me}}}}]
current-context: kind-here
"""
ENDS_SECONDS = 60


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server that never says a word; the limits are short."""
    monkeypatch.setattr(connection, "READ_SECONDS", 0.2)
    monkeypatch.setattr(inside, "READ_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def here(silent: str, tmp_path: Path) -> Cluster:
    (tmp_path / "config").write_text(KUBECONFIG.format(silent))
    return Cluster("here", tmp_path / "config", "localhost:1", {})


def ended(call: object) -> BaseException | None:
    """What a call ends with. In a thread, so that one that hangs is a failed test and no hanging one."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            call()  # type: ignore[operator]
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(ENDS_SECONDS)
    assert not thread.is_alive(), "it still waits"
    return raised[0] if raised else None


def test_asking_what_kinds_there_are_ends(here: Cluster) -> None:
    error = ended(lambda: objects.read(here, "Pod", "any"))
    assert isinstance(error, ClusterError)
    assert (error.what, error.next_step) == ("the cluster does not answer", "aicontainer up")


def test_the_way_into_a_pod_ends(here: Cluster, silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = api.ApiClient(configuration=api.Configuration(host=silent))
    monkeypatch.setattr(inside, "connect", lambda cluster: SimpleNamespace(client=found))
    error = ended(lambda: inside.run(here, "any", ["true"]))
    assert isinstance(error, ClusterError)
    assert (error.what, error.next_step) == ("the cluster does not answer", "aicontainer up")
    assert "timed out" in error.seen
