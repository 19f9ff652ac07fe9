from aicontainer.deploy import single
from aicontainer.deploy.manifests import Manifest


def node(*images: list[str]) -> Manifest:
    return {"status": {"images": [{"names": names} for names in images]}}


def test_the_pause_image_is_found_by_its_tag_among_what_nodes_report() -> None:
    nodes = [
        node(["registry.k8s.io/pause@sha256:0", "registry.k8s.io/pause:3.10"], ["registry.k8s.io/etcd:3.6"]),
        node(["registry.k8s.io/pause:3.10"], []),
    ]
    assert single.sleepers(nodes) == ["registry.k8s.io/pause:3.10"]


def test_nodes_that_report_no_images_are_not_stumbled_over() -> None:
    assert single.sleepers([{"status": {}}, {"status": {"images": [{"names": None}]}}]) == []
