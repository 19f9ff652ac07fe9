from pathlib import Path
from typing import Any

import pytest

from aicontainer import places
from aicontainer.deploy import manifests
from aicontainer.errors import ObjectRefused
from aicontainer.serve.__main__ import SECONDS_TO_EXIT
from aicontainer.serve.settings import read_settings

BASE = places.clone() / "manifests" / "base"


@pytest.fixture
def deployment() -> Any:
    return next(each for each in manifests.load_manifests(BASE) if each["kind"] == "Deployment")


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("localhost:5001/aicontainer/model:1", "aicontainer/model"),
        ("localhost:5001/aicontainer/model:1@sha256:abc", "aicontainer/model"),
        ("registry.example/aicontainer/model", "aicontainer/model"),
        ("aicontainer/model:1", "aicontainer/model"),
        ("localhost/a:1", "a"),
        ("python", "python"),
    ],
)
def test_an_images_name_is_without_registry_tag_and_digest(image: str, name: str) -> None:
    assert manifests.repository(image) == name


def test_only_images_of_the_same_name_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: [pod.yaml]\n")
    (tmp_path / "pod.yaml").write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"
        "spec: {containers: [{name: a, image: 'localhost:5001/x/model:1'}, {name: b, image: 'x/other:1'}]}\n"
    )
    (pod,) = manifests.load_manifests(tmp_path, "localhost:6000/x/model:2")
    assert [each["image"] for each in manifests.containers(pod)] == ["localhost:6000/x/model:2", "x/other:1"]


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"kustomization.yaml": "resources: [a.yaml]"},
        {"kustomization.yaml": "resources: [a.yaml]", "a.yaml": "- just\n- a list"},
        {"kustomization.yaml": "resources: [a.yaml]", "a.yaml": "a: [unclosed"},
        {"kustomization.yaml": "nothing: here"},
    ],
)
def test_a_folder_that_is_no_set_of_manifests_is_refused(files: dict[str, str], tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(ObjectRefused):
        manifests.load_manifests(tmp_path)


def test_every_manifest_in_the_folder_is_listed_and_carries_our_label() -> None:
    import yaml

    listed = yaml.safe_load((BASE / "kustomization.yaml").read_text())["resources"]
    assert set(listed) == {path.name for path in BASE.glob("*.yaml")} - {"kustomization.yaml"}
    for manifest in manifests.load_manifests(BASE):
        assert manifest["metadata"]["labels"]["app.kubernetes.io/part-of"] == "aicontainer"


def test_placing_names_the_namespace_and_leaves_the_original_alone() -> None:
    namespace, deployment, _ = originals = manifests.load_manifests(BASE)
    placed = [manifests.placed(each, "elsewhere") for each in originals]
    assert placed[0]["metadata"]["name"] == "elsewhere"
    assert namespace["metadata"]["name"] == "aicontainer"
    assert placed[1] == deployment


def test_the_deployment_keeps_what_the_article_promises(deployment: Any) -> None:
    (container,) = manifests.containers(deployment)
    assert deployment["spec"]["replicas"] >= 2
    assert {"readinessProbe", "livenessProbe", "resources"} <= container.keys()
    assert not container["image"].endswith(":latest")


def test_the_service_leads_port_80_to_the_port_of_the_container(deployment: Any) -> None:
    service = next(each for each in manifests.load_manifests(BASE) if each["kind"] == "Service")
    (container,) = manifests.containers(deployment)
    (port,) = service["spec"]["ports"]
    assert (port["port"], port["targetPort"]) == (80, container["ports"][0]["containerPort"])
    assert service["spec"]["selector"].items() <= deployment["spec"]["template"]["metadata"]["labels"].items()


@pytest.mark.parametrize(("folder", "kind"), [("base", "Deployment"), ("versions", "StatefulSet")])
def test_a_pod_has_the_time_to_end_well(folder: str, kind: str) -> None:
    found = manifests.load_manifests(BASE.parent / folder)
    pod = next(each for each in found if each["kind"] == kind)["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    given = {each["name"]: each.get("value", "") for each in container.get("env", [])}
    server = read_settings(given | {"MODEL_FILE": "m.json"})
    server_end = server.drain_seconds + server.finish_seconds + SECONDS_TO_EXIT
    assert pause + server_end < pod["terminationGracePeriodSeconds"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/v2/health/ready"
    assert container["livenessProbe"]["httpGet"]["path"] == "/v2/health/live"
