from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from aicontainer import places
from aicontainer.deploy import manifests, objects, rooms, shelves, stateful, versions
from aicontainer.deploy.cluster import Cluster
from aicontainer.deploy.manifests import Manifest
from aicontainer.deploy.versions import Versions
from aicontainer.errors import ClusterError, ObjectRefused
from aicontainer.learn import data, fit
from aicontainer.serve import shelf
from aicontainer.serve.shelf import Entry

FOLDER = places.clone() / "manifests" / "versions"
ONE, OTHER = Entry("1", "education", "aa"), Entry("1", "education", "bb")
DAMAGED = Entry("1", problem="1.json was changed")


@pytest.fixture
def by_kind() -> dict[str, Any]:
    return {
        each["kind"]: each for each in reversed(manifests.load_manifests(FOLDER, "localhost:1/aicontainer/model:9"))
    }


@pytest.fixture
def pod_spec(by_kind: dict[str, Any]) -> Any:
    return by_kind["StatefulSet"]["spec"]["template"]["spec"]


def test_a_version_is_whole_when_every_pod_holds_the_same() -> None:
    (version,) = shelves.gathered({"a": [ONE], "b": [ONE]})
    assert version.whole
    assert (version.name, version.model, version.digest, version.holders) == ("1", "education", "aa", ("a", "b"))


@pytest.mark.parametrize(
    ("by_pod", "troubled", "word"),
    [
        ({"a": [ONE], "b": []}, {"b"}, "missing"),
        ({"a": [ONE], "b": [DAMAGED]}, {"b"}, "1.json was changed"),
        ({"a": [DAMAGED], "b": [ONE]}, {"a"}, "1.json was changed"),
        ({"a": [ONE], "b": [OTHER]}, {"b"}, "differs"),
        ({"a": [DAMAGED], "b": [DAMAGED]}, {"a", "b"}, "1.json was changed"),
    ],
)
def test_a_version_that_is_not_whole_tells_where_and_why(by_pod: Any, troubled: set[str], word: str) -> None:
    (version,) = shelves.gathered(by_pod)
    assert not version.whole
    assert set(version.troubles) == troubled
    assert set(version.holders) == set(by_pod) - troubled
    for pod in troubled:
        assert pod in repr(version)
    assert word in repr(version)


def test_versions_come_by_name_and_a_file_that_one_pod_has_counts() -> None:
    two = Entry("2", "education", "cc")
    found = shelves.gathered({"a": [ONE], "b": [two, ONE]})
    assert [(each.name, each.whole) for each in found] == [("1", True), ("2", False)]


def pod(name: str, revision: str = "new", ready: bool = True, ending: bool = False) -> Manifest:
    metadata: Manifest = {"name": name, "labels": {stateful.REVISION_LABEL: revision}}
    if ending:
        metadata["deletionTimestamp"] = "2026-11-25T00:00:00Z"
    return {"metadata": metadata, "status": {"conditions": [{"type": "Ready", "status": str(ready)}]}}


@pytest.mark.parametrize(
    ("pods", "observed", "complete"),
    [
        ([pod("a"), pod("b")], 3, True),
        ([pod("a"), pod("b")], 2, False),
        ([pod("a")], 3, False),
        ([pod("a"), pod("b", ready=False)], 3, False),
        ([pod("a"), pod("b", revision="old")], 3, False),
        ([pod("a"), pod("b"), pod("c", ending=True)], 3, False),
        ([], 3, False),
    ],
)
def test_pods_are_complete_when_all_are_new_and_ready_and_none_is_ending(
    pods: list[Manifest], observed: int, complete: bool
) -> None:
    status = {"observedGeneration": observed, "updateRevision": "new"}
    found = {"metadata": {"generation": 3}, "spec": {"replicas": 2}, "status": status}
    assert stateful.progress(found, pods)[0] is complete


def test_a_container_that_starts_before_the_others_counts_as_running() -> None:
    def one(state: str) -> Manifest:
        return {"status": {"initContainerStatuses": [{"name": "shelf", "state": {state: {}}}]}}

    assert stateful.runs(one("running"), "shelf")
    assert not stateful.runs(one("terminated"), "shelf")
    assert not stateful.runs(one("running"), "ai-model")
    assert not stateful.runs({}, "shelf")


def test_without_a_cluster_it_says_so() -> None:
    nowhere = Versions(Cluster("here", Path("nowhere"), "localhost:1", {}))
    for ask in (nowhere.published, nowhere.active, nowhere.roll_back, nowhere.serving):
        with pytest.raises(ClusterError, match="no cluster"):
            ask()


@pytest.mark.parametrize(
    ("refusal", "removed"),
    [
        ("spec.ports[0].nodePort: Invalid value: 30084: provided port is already allocated", 0),
        ("StatefulSet.apps is invalid: spec: Forbidden: updates to statefulset spec for fields other than", 1),
    ],
)
def test_only_a_form_that_cannot_be_changed_costs_what_was_published(
    monkeypatch: pytest.MonkeyPatch, refusal: str, removed: int
) -> None:
    gone: list[str] = []

    def apply(*words: Any) -> None:
        if not gone:
            raise ObjectRefused("could not apply it", seen=refusal, status=422)

    monkeypatch.setattr(rooms, "wait_not_ending", lambda *words, **options: None)
    monkeypatch.setattr(objects, "apply", apply)
    monkeypatch.setattr(objects, "delete", lambda cluster, kind, name, **options: gone.append(name))
    monkeypatch.setattr(Versions, "_fill", lambda *words: None)
    here = Versions(Cluster("here", Path("nowhere"), "localhost:1", {}))
    with suppress(ObjectRefused):
        here.ensure("image", fit.ensure_model())
    assert len(gone) == removed


def test_every_manifest_is_listed_and_carries_our_label() -> None:
    listed = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]
    assert set(listed) == {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}
    for manifest in manifests.load_manifests(FOLDER):
        assert manifest["metadata"]["labels"]["app.kubernetes.io/part-of"] == "aicontainer"


def test_the_manifests_name_what_the_code_looks_for(by_kind: dict[str, Any]) -> None:
    assert by_kind["Namespace"]["metadata"]["name"] == versions.NAMESPACE
    assert by_kind["StatefulSet"]["metadata"]["name"] == versions.STATEFUL_SET
    assert by_kind["ConfigMap"]["metadata"]["name"] == versions.CONFIG_MAP
    assert by_kind["Service"]["metadata"]["name"] == versions.SERVICE
    assert by_kind["Service"]["spec"]["ports"][0]["nodePort"] == versions.NODE_PORT
    annotations = by_kind["StatefulSet"]["spec"]["template"]["metadata"]["annotations"]
    assert annotations == {versions.ACTIVE: by_kind["ConfigMap"]["data"]["version"]}
    assert by_kind["ConfigMap"]["metadata"]["annotations"] == {versions.PREVIOUS: ""}


def test_all_containers_run_the_image_that_was_asked_for(pod_spec: Any) -> None:
    every = [*pod_spec["containers"], *pod_spec["initContainers"]]
    assert len(every) == 3
    assert {each["image"] for each in every} == {"localhost:1/aicontainer/model:9"}


def test_the_server_reads_the_active_version_and_cannot_write(by_kind: dict[str, Any], pod_spec: Any) -> None:
    (server,) = pod_spec["containers"]
    (mount,) = server["volumeMounts"]
    assert mount["readOnly"] is True
    variables = {each["name"]: each for each in server["env"]}
    (key,) = by_kind["ConfigMap"]["data"]
    reference = variables["ACTIVE_VERSION"]["valueFrom"]["configMapKeyRef"]
    assert reference == {"name": versions.CONFIG_MAP, "key": key}
    assert variables["MODEL_FILE"]["value"] == f"{mount['mountPath']}/$(ACTIVE_VERSION).json"
    # a variable is filled in from those that stand above it only
    assert list(variables) == ["ACTIVE_VERSION", "MODEL_FILE"]


def test_the_shelf_stands_beside_the_server_on_the_same_volume(by_kind: dict[str, Any], pod_spec: Any) -> None:
    seed, keeper = pod_spec["initContainers"]
    assert keeper["name"] == shelves.CONTAINER
    assert keeper["restartPolicy"] == "Always"
    assert "restartPolicy" not in seed
    (template,) = by_kind["StatefulSet"]["spec"]["volumeClaimTemplates"]
    for container in (seed, keeper, *pod_spec["containers"]):
        assert container["volumeMounts"][0]["name"] == template["metadata"]["name"]
        assert container["volumeMounts"][0]["mountPath"] == shelf.FOLDER
        assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_both_services_lead_to_the_pods(by_kind: dict[str, Any]) -> None:
    labels = by_kind["StatefulSet"]["spec"]["template"]["metadata"]["labels"]
    services = [each for each in manifests.load_manifests(FOLDER) if each["kind"] == "Service"]
    assert len(services) == 2
    for service in services:
        assert service["spec"]["selector"].items() <= labels.items()
    headless = next(each for each in services if each["spec"].get("clusterIP") == "None")
    assert headless["metadata"]["name"] == by_kind["StatefulSet"]["spec"]["serviceName"]


def test_a_version_may_not_change_and_another_model_may_not_come_between() -> None:
    given = fit.train(data.load("education"), steps=1)
    (same,) = shelves.gathered({"a": [Entry("1", "education", given.digest)], "b": [DAMAGED]})
    shelves.refuse_another(given, same, [same])
    shelves.refuse_another(given, None, [])
    (lost,) = shelves.gathered({"a": [DAMAGED], "b": []})
    shelves.refuse_another(given, lost, [lost])
    (other,) = shelves.gathered({"a": [ONE], "b": [ONE]})
    with pytest.raises(ObjectRefused, match="never changes"):
        shelves.refuse_another(given, other, [other])
    (medicine,) = shelves.gathered({"a": [Entry("9", "medicine", "aa")]})
    with pytest.raises(ObjectRefused, match="medicine"):
        shelves.refuse_another(given, None, [medicine])
