"""Pods that do not become ready, as the cluster tells of them: the wait ends with the reason and with what helps."""

from pathlib import Path
from typing import Any

import pytest

from aicontainer.deploy import objects, stateful
from aicontainer.deploy.cluster import Cluster
from aicontainer.deploy.manifests import Manifest
from aicontainer.deploy.release import Release
from aicontainer.errors import Failed

HERE = Cluster("here", Path("nowhere"), "localhost:1", {})
METADATA = {"name": "it", "uid": "1", "generation": 1, "annotations": {"deployment.kubernetes.io/revision": "1"}}
OWNER: Manifest = {
    "metadata": METADATA,
    "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "it"}}},
    "status": {"observedGeneration": 1, "updateRevision": "r"},
}
REPLICA_SET = {
    "metadata": {**METADATA, "labels": {"pod-template-hash": "r"}, "ownerReferences": [{"uid": "1"}]},
}
LABELS = {stateful.REVISION_LABEL: "r", "pod-template-hash": "r"}


@pytest.fixture(params=["Deployment", "StatefulSet"])
def wait_for(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Waits for one pod with this state of its container and these logs, and returns the error."""

    def wait(state: Manifest, logs: dict[bool, str]) -> Failed:
        pod = {"metadata": {"name": "it-0", "labels": LABELS}, "status": {"containerStatuses": [state]}}
        listed = {"Pod": [pod], "ReplicaSet": [REPLICA_SET]}
        monkeypatch.setattr(objects, "read", lambda *words, **options: OWNER)
        monkeypatch.setattr(objects, "listed", lambda cluster, kind, *words, **options: listed[kind])
        monkeypatch.setattr(objects, "log_end", lambda *words, previous: logs[previous])
        with pytest.raises(Failed) as caught:
            if request.param == "Deployment":
                Release(HERE, "room", "it").wait_available()
            else:
                stateful.wait_ready(HERE, "it", "room")
        return caught.value

    return wait


def test_the_next_step_is_the_one_against_just_this_trouble(wait_for: Any) -> None:
    error = wait_for({"name": "c", "state": {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}}, {})
    assert "no such image" in error.seen
    assert "was it pushed" in error.next_step


@pytest.mark.parametrize(
    ("logs", "word"),
    [
        ({True: "the one before", False: "the present one"}, "the one before"),
        ({True: "", False: "the present one"}, "the present one"),
        ({True: "", False: ""}, "no log"),
    ],
)
def test_a_crash_is_told_with_the_log_that_there_is(wait_for: Any, logs: dict[bool, str], word: str) -> None:
    error = wait_for({"name": "c", "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}, logs)
    assert word in error.seen
    assert "kubectl logs" in error.next_step
