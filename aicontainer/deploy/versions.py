"""Versions of a model in one place: files on the pods' volumes, and a ConfigMap that says which of them answers.

The article (its section 3.2, step 4) names the two parts and no more; ``manifests/versions/`` has them in full.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from aicontainer import model, places
from aicontainer.deploy import diagnosis, manifests, objects, rooms, serving, shelves, stateful
from aicontainer.deploy.manifests import Manifest
from aicontainer.deploy.release import SERVICE, Release
from aicontainer.deploy.serving import Serving
from aicontainer.deploy.shelves import Version
from aicontainer.errors import ClusterError, ObjectNotFound, ObjectRefused, WaitError
from aicontainer.events import Event, Listener, silent
from aicontainer.serve.client import Server
from aicontainer.serve.shelf import check_version
from aicontainer.waiting import wait

if TYPE_CHECKING:
    from aicontainer.deploy.cluster import Cluster

NAMESPACE = "aicontainer-versions"
STATEFUL_SET = "ai-model"
CONFIG_MAP = "ai-model-active"
NODE_PORT = 30084
ACTIVE = "aicontainer/active"
PREVIOUS = "aicontainer/previous"
STEP = "versions"

ENDING_SECONDS = 120
ANSWER_SECONDS = 60
# the cluster's words about a field of a StatefulSet that can never be changed
_IMMUTABLE = "updates to statefulset spec"


@dataclass(frozen=True, repr=False)
class Versions:
    """The StatefulSet with the shelves, the ConfigMap and the Service, in one namespace of a cluster.

    ``model`` is the name that all versions on the shelves have.
    """

    cluster: Cluster
    namespace: str = NAMESPACE
    node_port: int = NODE_PORT
    model: str = "education"

    def __repr__(self) -> str:
        return f"Versions({self.namespace})"

    def ensure(self, image: str, model_file: Path, tell: Listener = silent) -> None:
        """See to it that the pods run ``image``, hold ``model_file`` whole, and all answer with it; from any state.

        Other versions stay. Only where the first version on the shelves is another model, where the StatefulSet cannot
        be changed to the present form, or where there are no volumes yet, the namespace is made anew.

        Raises
        ------
        Failed, TimedOut
            When the pods do not become ready; with what the cluster says.
        ObjectRefused
            When the cluster refuses an object for another reason, such as a node port that is taken. Nothing is lost.
        ModelFileError, ClusterError
        """
        rooms.wait_not_ending(self.cluster, self.namespace, limit=ENDING_SECONDS, tell=tell)
        error = self._hindrance(image, model_file, tell)
        if error is not None:
            tell(Event(STEP, "started", f"making {self.namespace} anew: {error.what}", estimate=60))
            objects.delete(self.cluster, "Namespace", self.namespace, limit=ENDING_SECONDS, tell=tell)
            self._apply(image, model_file, tell)
            self._fill(model_file, tell)

    def publish(self, model_file: Path, tell: Listener = silent) -> Version:
        """Lay a model file on every pod's shelf, where it is not yet there whole; nobody is answered with it yet.

        Raises
        ------
        ObjectRefused
            When that version is there with another content, or the shelves are for another model. Nothing is changed.
        ClusterError
            When a pod does not hold the same content afterwards.
        ModelFileError, InputError
            When the file is no model, or its version cannot be a name.
        """
        given = model.load(model_file)
        pods, before = self._shelf_pods(tell), self.published()
        held = shelves.find(before, check_version(given.version))
        shelves.refuse_another(given, held, before)
        lacking = [pod for pod in pods if held is None or pod not in held.holders]
        content = model_file.read_bytes()
        for pod in lacking:
            tell(Event(STEP, "progress", f"version {given.version} to {pod}"))
            shelves.place(self.cluster, pod, content, self.namespace)
        after = self._whole(given.version)
        if after.digest != given.digest:
            raise ClusterError(f"version {given.version} did not arrive as it was", seen=after.digest)
        self._restart_crashed()
        tell(Event(STEP, "made" if lacking else "found", f"version {given.version} on {len(pods)} pods"))
        return after

    def published(self) -> tuple[Version, ...]:
        """What is on the shelves of the pods, by version, each file read and checked anew."""
        return shelves.look(self.cluster, self._shelf_pods(), self.namespace)

    def active(self) -> str:
        """The version that the ConfigMap names. Raises ``ObjectNotFound`` when there is no such ConfigMap."""
        return str((self._config().get("data") or {}).get("version", ""))

    def previous(self) -> str:
        """The version that was active before, as the ConfigMap records it; empty when there was none."""
        return str((self._config()["metadata"].get("annotations") or {}).get(PREVIOUS, ""))

    def serving(self, name: str = "") -> tuple[Serving, ...]:
        """With which version of a model each pod answers, asked inside it: a Service would not say which pod it was."""
        return tuple(serving.ask(self.cluster, pod, name or self.model, self.namespace) for pod in self.pods())

    def pods(self) -> tuple[str, ...]:
        """The names of the pods that are not being deleted."""
        found = stateful.pods(self.cluster, STATEFUL_SET, self.namespace)
        return tuple(str(pod["metadata"]["name"]) for pod in diagnosis.alive(found))

    def switch(self, version: str, tell: Listener = silent) -> Version:
        """Make a version the active one, restart the pods one after the other, and wait until every answer names it.

        Raises
        ------
        ObjectNotFound
            When it is on no shelf; with the list of what is. Nothing is changed.
        ClusterError
            When it is not whole on every pod; with what is wrong where. Nothing is changed.
        Failed, TimedOut
            When the pods do not become ready with it. `roll_back` leads back.
        """
        wanted, before = self._whole(version), self._rolled_out()
        tell(Event(STEP, "started", f"version {before} -> {version}", estimate=20))
        change: Manifest = {"data": {"version": version}}
        if version != before:
            change["metadata"] = {"annotations": {PREVIOUS: before}}
        objects.patch(self.cluster, "ConfigMap", CONFIG_MAP, change, self.namespace)
        template = {"spec": {"template": {"metadata": {"annotations": {ACTIVE: version}}}}}
        objects.patch(self.cluster, stateful.KIND, STATEFUL_SET, template, self.namespace)
        self._settle(wanted, tell)
        tell(Event(STEP, "made", f"every answer names version {version}"))
        return wanted

    def roll_back(self, tell: Listener = silent) -> Version:
        """Switch to the version before the present one; a second time leads forth again.

        Raises
        ------
        ObjectNotFound
            When none is recorded.
        ClusterError, Failed, TimedOut
            As `switch`.
        """
        previous = self.previous()
        if not previous:
            raise ObjectNotFound("no version before this one is recorded", seen=f"active is {self.active()}")
        return self.switch(previous, tell)

    def wait_ready(self, *, limit: float = stateful.READY_SECONDS, tell: Listener = silent) -> None:
        """Wait until all pods are there and ready, whatever they answer with.

        Raises
        ------
        Failed, Gone, TimedOut
        """
        stateful.wait_ready(self.cluster, STATEFUL_SET, self.namespace, limit=limit, tell=tell)

    def server(self, name: str = "", tell: Listener = silent) -> Server:
        """The model server behind the Service, once it answers; ``name`` is the model's.

        Raises
        ------
        ClusterError, TimedOut
        """
        return Release(self.cluster, self.namespace, service=SERVICE).server(name or self.model, tell=tell)

    def _hindrance(self, image: str, model_file: Path, tell: Listener) -> ObjectRefused | WaitError | None:
        """Try it in the namespace that is there; what is in the way, where only a new namespace helps against that."""
        try:
            self._apply(image, model_file, tell)
        except ObjectRefused as error:
            if _IMMUTABLE not in error.seen:
                raise
            return error
        try:
            self._fill(model_file, tell)
        except ObjectRefused as error:  # the shelves hold another first version
            return error
        except WaitError as error:
            if self._has_volumes():
                raise
            return error
        return None

    def _apply(self, image: str, model_file: Path, tell: Listener) -> None:
        version = model.load(model_file).version
        objects.apply(self.cluster, self._manifests(image, version), self.namespace, tell)

    def _fill(self, model_file: Path, tell: Listener) -> None:
        published = self.publish(model_file, tell)
        self._settle(self._whole(published.name), tell)

    def _manifests(self, image: str, version: str) -> list[Manifest]:
        wanted = manifests.load_manifests(places.clone() / "manifests" / "versions", image)
        by_kind = {each["kind"]: each for each in reversed(wanted)}  # of the two Services, the one with the node port
        by_kind["Service"]["spec"]["ports"][0]["nodePort"] = self.node_port
        by_kind["ConfigMap"]["data"]["version"] = version
        by_kind[stateful.KIND]["spec"]["template"]["metadata"]["annotations"][ACTIVE] = version
        return wanted

    def _has_volumes(self) -> bool:
        claims = objects.listed(self.cluster, "PersistentVolumeClaim", self.namespace)
        return any((claim.get("status") or {}).get("phase") == "Bound" for claim in claims)

    def _config(self) -> Manifest:
        return objects.read(self.cluster, "ConfigMap", CONFIG_MAP, self.namespace)

    def _rolled_out(self) -> str:
        # not what the ConfigMap says: somebody may have changed it alone, and then nobody was told
        found = objects.read(self.cluster, stateful.KIND, STATEFUL_SET, self.namespace)
        return str(found["spec"]["template"]["metadata"]["annotations"].get(ACTIVE, ""))

    def _shelf_pods(self, tell: Listener = silent) -> list[str]:
        return stateful.wait_running(self.cluster, STATEFUL_SET, self.namespace, shelves.CONTAINER, tell=tell)

    def _whole(self, version: str) -> Version:
        every = self.published()
        held = shelves.find(every, version)
        if held is None:
            raise ObjectNotFound(
                f"there is no version {version} on the shelves",
                seen="there are " + ", ".join(each.name for each in every),
                next_step="publish it first",
            )
        if not held.whole:
            raise ClusterError(
                f"version {version} is not whole on every pod",
                seen=held.told(),
                next_step="publish it again: that mends it",
            )
        return held

    def _restart_crashed(self) -> None:
        # their cause may be mended, and the cluster waits longer each time before it tries again
        for pod in stateful.crashed(self.cluster, STATEFUL_SET, self.namespace):
            objects.ask_to_delete(self.cluster, "Pod", pod, self.namespace)

    def _settle(self, wanted: Version, tell: Listener) -> None:
        self._restart_crashed()
        self.wait_ready(tell=tell)
        stale = self._stale(wanted)
        for pod in stale:  # it read the ConfigMap at another time than the others
            objects.ask_to_delete(self.cluster, "Pod", pod, self.namespace)
        if stale:
            self.wait_ready(tell=tell)
            if stale := self._stale(wanted):
                raise ClusterError(f"{', '.join(stale)} does not answer with version {wanted.name}")
        look = partial(serving.all_name, self.server(wanted.model, tell), wanted.name)
        wait(f"answers of version {wanted.name}", look, limit=ANSWER_SECONDS, tell=tell)

    def _stale(self, wanted: Version) -> list[str]:
        found = self.serving(wanted.model)
        return [each.pod for each in found if (each.version, each.digest) != (wanted.name, wanted.digest)]
