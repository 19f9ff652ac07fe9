"""A release: one Deployment and its Service, from the first apply to an answer, and what can be done with it.

Each function asks the cluster anew; a `Release` only says where to look.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aicontainer import places
from aicontainer.deploy import diagnosis, manifests, objects
from aicontainer.deploy.diagnosis import Patience
from aicontainer.deploy.manifests import Manifest
from aicontainer.deploy.verdict import judged
from aicontainer.errors import ClusterError, ObjectNotFound
from aicontainer.events import Listener, silent
from aicontainer.learn import fit
from aicontainer.package import image, registry
from aicontainer.serve.client import Server
from aicontainer.waiting import Seen, gone, pending, ready, wait

if TYPE_CHECKING:
    from aicontainer.deploy.cluster import Cluster

DEPLOYMENT = "ai-model-deployment"
SERVICE = "ai-model-service"
CONTAINER = "ai-model"

AVAILABLE_SECONDS = 120
ANSWER_SECONDS = 30


@dataclass(frozen=True)
class Pod:
    """One pod of a release: its name, whether it takes requests, its restarts, and the image that it runs."""

    name: str
    ready: bool
    restarts: int
    image: str
    phase: str

    def __repr__(self) -> str:
        return f"Pod({self.name}, {'ready' if self.ready else self.phase}, {self.restarts} restarts)"


@dataclass(frozen=True, repr=False)
class Release:
    """A Deployment and the Service in front of it, in one namespace of a cluster; ``model`` is what it serves."""

    cluster: Cluster
    namespace: str
    name: str = DEPLOYMENT
    service: str = SERVICE
    model: str = "education"

    def __repr__(self) -> str:
        return f"Release({self.name} behind {self.service})"

    def roll_out(self, image: str) -> None:
        """Let the Deployment run another image; returns at once (see `wait_available`)."""
        containers = [{"name": CONTAINER, "image": image}]
        change = {"spec": {"template": {"spec": {"containers": containers}}}}
        objects.patch(self.cluster, "Deployment", self.name, change, self.namespace, form="strategic")

    def scale(self, replicas: int) -> None:
        """Ask for another number of pods; returns at once."""
        objects.patch(self.cluster, "Deployment", self.name, {"spec": {"replicas": replicas}}, self.namespace)

    def undo(self) -> None:
        """Go back to the template before the present one, as ``kubectl rollout undo`` does; returns at once.

        Raises
        ------
        ObjectNotFound
            When there is no earlier one.
        """
        deployment = self._deployment()
        earlier = diagnosis.previous(deployment, self._replica_sets(deployment))
        if earlier is None:
            raise ObjectNotFound(
                f"{self.name} has no earlier revision to go back to",
                seen=f"revision {diagnosis.revision(deployment)}",
            )
        template = earlier["spec"]["template"]
        # the controller adds this label to tell its ReplicaSets apart; it is not part of the template
        template["metadata"]["labels"].pop("pod-template-hash", None)
        change = [
            # refuse rather than overwrite what someone else rolled out since the look above
            {"op": "test", "path": "/metadata/generation", "value": deployment["metadata"]["generation"]},
            {"op": "replace", "path": "/spec/template", "value": template},
        ]
        objects.patch(self.cluster, "Deployment", self.name, change, self.namespace, form="json")

    def pods(self) -> tuple[Pod, ...]:
        """The pods of the Deployment that are not being deleted, by name."""
        found = objects.listed(self.cluster, "Pod", self.namespace, labels=self._selector())
        return tuple(sorted((_pod(each) for each in diagnosis.alive(found)), key=lambda pod: pod.name))

    def delete_pod(self, name: str) -> None:
        """Ask the cluster to delete one pod; returns at once, while it still ends.

        Raises
        ------
        ObjectNotFound
            When there is no such pod.
        """
        if not objects.ask_to_delete(self.cluster, "Pod", name, self.namespace):
            raise ObjectNotFound(
                f"there is no pod {name}", next_step=f"kubectl get pods -n {self.namespace}", status=404
            )

    def wait_available(self, *, limit: float = AVAILABLE_SECONDS, tell: Listener = silent) -> tuple[Pod, ...]:
        """Wait until every pod runs the present template and is available, and return them.

        Pods of an earlier template are gone by then: from here on every answer is of the present one.

        Raises
        ------
        Failed
            As soon as the cluster says why it will not be: an image that cannot be pulled, a program that crashes
            (with the end of its log), a missing configuration, no room on any node.
        Gone
            When the Deployment is deleted meanwhile.
        TimedOut
            After ``limit`` seconds.
        """
        looks = Patience()
        wait(
            f"the rollout of {self.name}",
            lambda: self._look(looks),
            limit=limit,
            next_step=f"kubectl describe pods -n {self.namespace} tells more",
            tell=tell,
        )
        return self.pods()

    def wait_replaced(self, name: str, *, limit: float = AVAILABLE_SECONDS, tell: Listener = silent) -> tuple[Pod, ...]:
        """Wait until a deleted pod is gone and as many pods as asked for are ready again, and return them.

        Raises
        ------
        TimedOut, Failed, Gone
            As `wait_available`.
        """

        def look() -> Seen:
            found = objects.listed(self.cluster, "Pod", self.namespace, labels=self._selector())
            if any(pod["metadata"]["name"] == name for pod in found):
                return pending(f"{name} is still ending")
            wanted, pods = int(self._deployment()["spec"].get("replicas", 1)), self.pods()
            count = sum(pod.ready for pod in pods)
            return ready() if count == wanted == len(pods) else pending(f"{count} of {wanted} pods are ready")

        wait(f"a successor of {name}", look, limit=limit, tell=tell)
        return self.wait_available(limit=limit, tell=tell)

    def server(self, model: str = "", *, limit: float = ANSWER_SECONDS, tell: Listener = silent) -> Server:
        """The model server behind the Service, reached from this machine, once it answers.

        ``model`` is the name that it is asked for; without it that of the release.

        A rollout that is complete does not yet mean an answer: the nodes' routes follow up to a second later.

        Raises
        ------
        ClusterError
            When the Service has no door to this machine.
        TimedOut
            When nothing answers within ``limit`` seconds.
        """
        server = Server(self.address(), model or self.model)
        wait(
            f"an answer through {self.service}",
            lambda: (
                ready(server) if server.ready() else pending("the Service does not answer, or its pods are not ready")
            ),
            limit=limit,
            pause=0.2,
            next_step=f"kubectl get endpointslices -n {self.namespace} lists the pods behind it",
            tell=tell,
        )
        return server

    def address(self) -> str:
        """The address of the Service on this machine.

        Raises
        ------
        ClusterError
            When its node port is not among the cluster's doors.
        """
        ports = objects.read(self.cluster, "Service", self.service, self.namespace)["spec"]["ports"]
        node_port = ports[0].get("nodePort")
        door = self.cluster.doors.get(node_port)
        if door is None:
            raise ClusterError(
                f"{self.service} cannot be reached from this machine",
                seen=f"node port {node_port}; doors are {', '.join(map(str, sorted(self.cluster.doors)))}",
                next_step="set its type to NodePort and its nodePort to one of the doors",
            )
        return f"http://127.0.0.1:{door}"

    def _deployment(self) -> Manifest:
        return objects.read(self.cluster, "Deployment", self.name, self.namespace)

    def _replica_sets(self, deployment: Manifest) -> list[Manifest]:
        found = objects.listed(self.cluster, "ReplicaSet", self.namespace, labels=_labels(deployment))
        return diagnosis.owned(found, deployment)

    def _selector(self) -> dict[str, str]:
        return _labels(self._deployment())

    def _look(self, looks: Patience) -> Seen:
        try:
            deployment = self._deployment()
        except ObjectNotFound:
            return gone(f"there is no Deployment {self.name} in {self.namespace}")
        complete, text = diagnosis.progress(deployment)
        newest = diagnosis.newest(deployment, self._replica_sets(deployment))
        if newest is None:
            return pending("the cluster has not looked at the Deployment yet")
        pods = objects.listed(self.cluster, "Pod", self.namespace, labels=_labels(deployment))
        old = diagnosis.outdated(pods, newest)
        if complete and not old:
            return ready(text=text)
        if complete:
            return pending(f"{text}; {len(old)} old pods are still ending")
        pods = [pod for pod in pods if pod not in old]
        return judged(self.cluster, self.namespace, looks, diagnosis.troubles(deployment, pods), text)


def ensure(
    cluster: Cluster,
    base_image: str,
    namespace: str | None = None,
    tell: Listener = silent,
    *,
    case: str = fit.DEFAULT,
) -> Release:
    """See to it that the model file of a case is served as ``manifests/base`` says, whatever was there before.

    Builds and pushes its image, applies the manifests, and waits for pods and an answer; where nothing is missing it
    changes nothing.

    Parameters
    ----------
    base_image
        The image with Python that the model's stands on: ``Supply.base_image``.
    namespace
        Where it goes; the cluster's own by default.
    case
        Whose model it serves.

    Raises
    ------
    WaitError
        When the pods do not come up, with the cluster's reason, or do not answer.
    BuildError, EngineError, ClusterError
        When the image cannot be built or pushed, or the cluster refuses the manifests.
    """
    built = image.build(fit.ensure_model(case), base_image, tell=tell)
    reference = registry.push(built, cluster.registry, tell)
    release = Release(cluster, namespace or cluster.namespace, model=case)
    wanted = manifests.load_manifests(places.clone() / "manifests" / "base", reference)
    objects.apply(cluster, wanted, release.namespace, tell)
    release.wait_available(tell=tell)
    release.server(tell=tell)
    return release


def _labels(owner: Manifest) -> dict[str, str]:
    labels: dict[str, str] = owner["spec"]["selector"]["matchLabels"]
    return labels


def _pod(pod: Manifest) -> Pod:
    status: dict[str, Any] = pod.get("status") or {}
    statuses = status.get("containerStatuses") or []
    return Pod(
        name=pod["metadata"]["name"],
        ready=diagnosis.is_ready(pod),
        restarts=sum(int(each.get("restartCount", 0)) for each in statuses),
        image=str(manifests.containers(pod)[0]["image"]),
        phase=str(status.get("phase", "Pending")),
    )
