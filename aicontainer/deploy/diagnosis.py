"""Why a rollout does not come to its end: read from what the cluster says about a Deployment and its pods.

Pure functions over plain dictionaries; `release` asks the cluster and calls them.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from aicontainer.deploy.manifests import Manifest

# How many looks in a row a trouble is given before it counts as a failure. A pod can be unschedulable while its
# predecessors still go; the others count at once. So does a failed pull, although the node tries again after 10 s: a
# learner who has mistyped a name is told at the first failure, in the registry's words.
PATIENCE = {"Unschedulable": 20}

_WAITING_FOR_EVER = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"}
    | {"CrashLoopBackOff", "CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
)
# the beginning of the message of a node that has not heard of a ConfigMap or a Secret yet, and is about to ask again
_NOT_HEARD_YET = "failed to sync "
_CRASHES_TOLERATED = 1
OUT_OF_MEMORY = "OOMKilled"
_NEVER_RAN = "StartError"  # what RunContainerError becomes when the node has tried again

_OF_THE_IMAGE = "is the name right, and was it pushed? package.registry.push returns the one to use"
_OF_THE_CONFIGURATION = "kubectl describe pod names the ConfigMap, Secret or volume; apply it first"
_OF_THE_COMMAND = "the message names what the node could not start: look at command, image and user in the manifest"
_NEXT_STEPS = {
    OUT_OF_MEMORY: "raise resources.limits.memory in the manifest, or let the program need less",
    "CrashLoopBackOff": "kubectl logs --previous shows all of its log; mend the program or its settings, apply again",
    "crashed": "kubectl logs --previous shows all of its log; mend the program or its settings, apply again",
    "ErrImagePull": _OF_THE_IMAGE,
    "ImagePullBackOff": _OF_THE_IMAGE,
    "InvalidImageName": "write the image as host:port/name:tag",
    "ErrImageNeverPull": "push the image and take imagePullPolicy: Never out of the manifest",
    "CreateContainerConfigError": _OF_THE_CONFIGURATION,
    "CreateContainerError": _OF_THE_COMMAND,
    "RunContainerError": _OF_THE_COMMAND,
    "Unschedulable": "kubectl describe nodes shows what is free; lower resources.requests or the number of replicas",
    "FailedCreate": "the cluster refuses such pods: change what it names in the manifest",
    "ProgressDeadlineExceeded": "kubectl describe pods and kubectl logs tell what the pods wait for",
}


@dataclass(frozen=True)
class Trouble:
    """What keeps one pod, or the whole Deployment, from becoming available.

    ``reason`` is the cluster's word for it, ``crashed`` tells that there is a log of a container that ended.
    """

    subject: str
    reason: str
    message: str = ""
    crashed: bool = False

    @property
    def patience(self) -> int:
        """The number of looks after which it counts as a failure."""
        return PATIENCE.get(self.reason, 1)

    @property
    def next_step(self) -> str:
        """What helps against just this; empty where nobody knows."""
        return _NEXT_STEPS.get(self.reason, "")

    def __str__(self) -> str:
        return f"{self.subject}: {self.reason}" + (f": {self.message}" if self.message else "")


def progress(deployment: Manifest) -> tuple[bool, str]:
    """Whether a rollout is complete, and where it stands; the same conditions as ``kubectl rollout status``."""
    spec, status = deployment["spec"], deployment.get("status") or {}
    wanted = int(spec.get("replicas", 1))
    updated, available = int(status.get("updatedReplicas", 0)), int(status.get("availableReplicas", 0))
    total = int(status.get("replicas", 0))
    if not _is_observed(deployment):
        return False, "the cluster has not looked at the change yet"
    if updated < wanted:
        return False, f"{updated} of {wanted} new pods started"
    if total > updated:
        return False, f"{total - updated} old pods are still to end"
    if available < updated:
        return False, f"{available} of {wanted} pods available"
    return True, f"{available} of {wanted} pods available"


def _is_observed(deployment: Manifest) -> bool:
    status = deployment.get("status") or {}
    return int(status.get("observedGeneration", 0)) >= int(deployment["metadata"]["generation"])


def newest(deployment: Manifest, replica_sets: Iterable[Manifest]) -> Manifest | None:
    """The ReplicaSet of the Deployment's present template: the one that carries its revision."""
    wanted = revision(deployment)
    return next((each for each in replica_sets if revision(each) == wanted), None)


def previous(deployment: Manifest, replica_sets: Iterable[Manifest]) -> Manifest | None:
    """The ReplicaSet that ``kubectl rollout undo`` goes back to: the highest revision below the present one."""
    earlier = [each for each in replica_sets if 0 < revision(each) < revision(deployment)]
    return max(earlier, key=revision, default=None)


def revision(thing: Manifest) -> int:
    """The number of the rollout that a Deployment or ReplicaSet stands at; 0 before the first."""
    annotations = thing["metadata"].get("annotations") or {}
    return int(annotations.get("deployment.kubernetes.io/revision", 0))


def owned(things: Iterable[Manifest], owner: Manifest) -> list[Manifest]:
    """Those of ``things`` that ``owner`` made."""
    uid = owner["metadata"]["uid"]
    return [each for each in things if any(o["uid"] == uid for o in each["metadata"].get("ownerReferences") or [])]


def alive(pods: Iterable[Manifest]) -> list[Manifest]:
    """The pods that are not being deleted."""
    return [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]


def is_ready(pod: Manifest) -> bool:
    """Whether a pod takes requests."""
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def outdated(pods: Iterable[Manifest], newest: Manifest) -> list[Manifest]:
    """The pods of earlier templates, those that are still ending too: they may answer as long as they are there."""
    label = "pod-template-hash"
    wanted = newest["metadata"]["labels"].get(label)
    return [pod for pod in pods if pod["metadata"]["labels"].get(label) != wanted]


def troubles(deployment: Manifest, pods: Iterable[Manifest]) -> list[Trouble]:
    """What stands in the way, worst first: of the pods of the newest ReplicaSet, then of the Deployment itself.

    Nothing while the cluster has not looked at a change: what is seen until then is the trouble of the template before.
    """
    if not _is_observed(deployment):
        return []
    found = [trouble for pod in alive(pods) for trouble in _of_pod(pod)]
    return sorted(found, key=lambda trouble: trouble.patience) + _of_deployment(deployment)


def _of_pod(pod: Manifest) -> list[Trouble]:
    name, status = pod["metadata"]["name"], pod.get("status") or {}
    found = [
        Trouble(name, "Unschedulable", condition.get("message", ""))
        for condition in status.get("conditions") or []
        if condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable"
    ]
    for container in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        found += _of_container(name, container)
    return found


def _of_container(pod: str, container: Manifest) -> list[Trouble]:
    waiting = (container.get("state") or {}).get("waiting") or {}
    reason, restarts = waiting.get("reason", ""), int(container.get("restartCount", 0))
    ended = (container.get("lastState") or {}).get("terminated") or {}
    if reason == "CrashLoopBackOff" or (restarts > _CRASHES_TOLERATED and not container.get("ready")):
        if ended.get("reason") == _NEVER_RAN:
            return [Trouble(pod, "RunContainerError", ended.get("message", ""))]
        if ended.get("reason") == OUT_OF_MEMORY:
            return [Trouble(pod, OUT_OF_MEMORY, _too_large(restarts), crashed=True)]
        return [Trouble(pod, reason or "crashed", _ending(ended, restarts), crashed=True)]
    message = waiting.get("message", "")
    if reason in _WAITING_FOR_EVER and not message.startswith(_NOT_HEARD_YET):
        return [Trouble(pod, reason, message)]
    return []


def _too_large(restarts: int) -> str:
    return f"the kernel ended its program, which took more memory than resources.limits.memory; {_times(restarts)}"


def _times(restarts: int) -> str:
    return f"{restarts} restart" + ("s" if restarts != 1 else "")


def _ending(ended: Manifest, restarts: int) -> str:
    if not ended:
        return _times(restarts)
    why = ended.get("reason", "Error")
    return f"its program ended with {ended.get('exitCode')} ({why}), {_times(restarts)}"


def _of_deployment(deployment: Manifest) -> list[Trouble]:
    name = deployment["metadata"]["name"]
    return [
        Trouble(name, condition.get("reason", condition["type"]), condition.get("message", ""))
        for condition in (deployment.get("status") or {}).get("conditions") or []
        if (condition["type"] == "ReplicaFailure" and condition["status"] == "True")
        or condition.get("reason") == "ProgressDeadlineExceeded"
    ]


class Patience:
    """How often in a row each trouble was seen during one wait."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], int] = {}

    def worst(self, troubles: list[Trouble]) -> Trouble | None:
        """Count these troubles, forget those that have passed, and return the first that is final, else the first."""
        self._seen = {key: self._seen.get(key, 0) + 1 for key in ((each.subject, each.reason) for each in troubles)}
        return next((each for each in troubles if self.exhausted(each)), troubles[0] if troubles else None)

    def exhausted(self, trouble: Trouble) -> bool:
        """Whether it was seen often enough to count as a failure."""
        return self._seen.get((trouble.subject, trouble.reason), 0) >= trouble.patience
