from typing import Any

import pytest

from aicontainer.deploy import diagnosis
from aicontainer.deploy.diagnosis import Patience, Trouble

REVISION = "deployment.kubernetes.io/revision"


def deployment(wanted: int = 2, generation: int = 3, **status: Any) -> Any:
    return {
        "metadata": {"name": "d", "generation": generation, "annotations": {REVISION: "3"}},
        "spec": {"replicas": wanted},
        "status": {"observedGeneration": 3, **status},
    }


def pod(name: str = "p", **container: Any) -> Any:
    return {"metadata": {"name": name, "labels": {}}, "status": {"containerStatuses": [container]}}


def waiting(reason: str, message: str = "") -> Any:
    return {"waiting": {"reason": reason, "message": message}}


@pytest.mark.parametrize(
    ("status", "complete"),
    [
        ({"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}, True),
        ({"replicas": 2, "updatedReplicas": 1, "availableReplicas": 2}, False),
        ({"replicas": 3, "updatedReplicas": 2, "availableReplicas": 3}, False),
        ({"replicas": 2, "updatedReplicas": 2, "availableReplicas": 1}, False),
        ({}, False),
    ],
)
def test_a_rollout_is_complete_under_the_conditions_of_kubectl(status: dict[str, int], complete: bool) -> None:
    assert diagnosis.progress(deployment(**status))[0] is complete


def test_a_status_from_before_the_change_proves_nothing() -> None:
    old = deployment(generation=4, replicas=2, updatedReplicas=2, availableReplicas=2)
    assert not diagnosis.progress(old)[0]


def test_no_pods_wanted_is_complete_with_none() -> None:
    assert diagnosis.progress(deployment(wanted=0))[0]


@pytest.mark.parametrize(
    "reason",
    ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError", "CreateContainerError"],
)
def test_a_container_that_cannot_start_is_trouble_with_the_clusters_message(reason: str) -> None:
    (found,) = diagnosis.troubles(deployment(), [pod(state=waiting(reason, "because"))])
    assert (found.reason, found.message, found.crashed) == (reason, "because", False)


def test_a_node_that_has_not_heard_of_a_configmap_yet_is_no_trouble() -> None:
    state = waiting("CreateContainerConfigError", "failed to sync configmap cache: timed out waiting for the condition")
    assert diagnosis.troubles(deployment(), [pod(state=state)]) == []


@pytest.mark.parametrize("reason", ["ContainerCreating", "PodInitializing"])
def test_a_container_that_is_being_made_is_no_trouble(reason: str) -> None:
    assert diagnosis.troubles(deployment(), [pod(state=waiting(reason))]) == []


@pytest.mark.parametrize(
    ("container", "is_trouble"),
    [
        ({"state": waiting("CrashLoopBackOff"), "restartCount": 1}, True),
        ({"state": {"running": {}}, "restartCount": 2, "ready": False}, True),
        ({"state": {"running": {}}, "restartCount": 1, "ready": False}, False),
        ({"state": {"running": {}}, "restartCount": 5, "ready": True}, False),
    ],
)
def test_one_crash_is_tolerated_and_a_loop_is_not(container: dict[str, Any], is_trouble: bool) -> None:
    ended = {"lastState": {"terminated": {"exitCode": 3, "reason": "Error"}}}
    found = diagnosis.troubles(deployment(), [pod(**container, **ended)])
    assert bool(found) is is_trouble
    assert all(each.crashed and "3" in each.message for each in found)


def test_a_program_that_took_too_much_memory_is_told_apart_from_one_that_crashed() -> None:
    killed = {"lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}
    (found,) = diagnosis.troubles(deployment(), [pod(state=waiting("CrashLoopBackOff"), restartCount=1, **killed)])
    assert found.reason == "OOMKilled"
    assert "limits.memory" in found.next_step


def test_a_program_that_cannot_be_started_is_no_crash_however_late_one_looks() -> None:
    never = {"lastState": {"terminated": {"exitCode": 128, "reason": "StartError", "message": "no such file"}}}
    (found,) = diagnosis.troubles(deployment(), [pod(state=waiting("CrashLoopBackOff"), restartCount=2, **never)])
    assert (found.reason, found.message, found.crashed) == ("RunContainerError", "no such file", False)


@pytest.mark.parametrize("reason", sorted(diagnosis._WAITING_FOR_EVER))
def test_what_a_container_can_wait_for_in_vain_has_a_next_step(reason: str) -> None:
    (found,) = diagnosis.troubles(deployment(), [pod(state=waiting(reason))])
    assert found.next_step


def test_the_trouble_of_the_template_before_does_not_count() -> None:
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    failing = pod(state=waiting("ErrImagePull"))
    assert diagnosis.troubles(deployment(generation=4, conditions=[late]), [failing]) == []


def test_a_pod_that_is_being_deleted_does_not_count() -> None:
    dying = pod(state=waiting("ImagePullBackOff"))
    dying["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert diagnosis.troubles(deployment(), [dying]) == []


def test_refused_pods_and_a_passed_deadline_are_told_by_the_deployment_itself() -> None:
    refused = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "forbidden"}
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "late"}
    fine = {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"}
    found = diagnosis.troubles(deployment(conditions=[fine, refused, late]), [])
    assert [each.reason for each in found] == ["FailedCreate", "ProgressDeadlineExceeded"]


def test_no_room_is_told_but_given_time() -> None:
    full = {"metadata": {"name": "p", "labels": {}}, "status": {"conditions": [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}]}}  # fmt: skip
    (found,) = diagnosis.troubles(deployment(), [full])
    assert found.patience > 1


def replica_set(revision: int) -> Any:
    return {"metadata": {"name": f"r{revision}", "annotations": {REVISION: str(revision)}}}


def test_undo_goes_to_the_revision_before_the_present_one() -> None:
    sets = [replica_set(each) for each in (1, 3, 2)]
    assert diagnosis.newest(deployment(), sets) is sets[1]
    assert diagnosis.previous(deployment(), sets) is sets[2]
    assert diagnosis.previous(deployment(), sets[1:2]) is None


def test_patience_counts_looks_in_a_row_only() -> None:
    full = Trouble("p", "Unschedulable")
    looks = Patience()
    for _ in range(full.patience - 1):
        assert looks.worst([full]) == full
        assert not looks.exhausted(full)
    assert looks.worst([]) is None
    for _ in range(full.patience - 1):
        looks.worst([full])
        assert not looks.exhausted(full)
    looks.worst([full])
    assert looks.exhausted(full)


@pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff", "CrashLoopBackOff"])
def test_what_the_learner_has_to_mend_is_told_at_the_first_look(reason: str) -> None:
    looks, trouble = Patience(), Trouble("p", reason)
    looks.worst([trouble])
    assert looks.exhausted(trouble)


def test_what_is_final_is_told_before_what_may_pass() -> None:
    looks = Patience()
    passing, final = Trouble("a", "Unschedulable"), Trouble("b", "CrashLoopBackOff")
    assert looks.worst([passing, final]) == final
