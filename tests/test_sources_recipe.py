"""What is built from what: a change in any part must give another key, or something stale would be used."""

import shutil
from pathlib import Path

import pytest

from aicontainer import places
from aicontainer.sources.packages import recipe


@pytest.fixture
def own_clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the image sources that a test may change."""
    shutil.copytree(places.clone() / "images", tmp_path / "clone" / "images")
    monkeypatch.setattr(places, "clone", lambda: tmp_path / "clone")
    return tmp_path / "clone"


@pytest.mark.parametrize(
    "changed", ["node.Dockerfile", "entrypoint", "program/main.go", "files/kind/manifests/default-cni.yaml"]
)
def test_each_file_counts_for_the_images(own_clone: Path, changed: str) -> None:
    before = recipe.archive()
    with (own_clone / "images" / "node" / changed).open("a") as file:
        file.write("\n")
    assert recipe.archive() != before


def test_only_the_go_module_counts_for_the_program(own_clone: Path) -> None:
    before = recipe.programs()
    (own_clone / "images" / "node" / "entrypoint").write_text("another")
    assert recipe.programs() == before
    (own_clone / "images" / "node" / "program" / "go.sum").write_text("another")
    assert recipe.programs() != before


def test_a_root_of_other_packages_lies_elsewhere() -> None:
    root = recipe.ROOTS[0]
    other = recipe.Root(root.name, root.release, root.variant, (*root.packages, "vim"))
    assert other.archive != root.archive


def test_the_module_and_the_linker_name_the_same_kubernetes() -> None:
    module = (recipe.files() / "program" / "go.mod").read_text()
    assert f"k8s.io/kubernetes {recipe.KUBERNETES}" in module
    assert f"gitVersion={recipe.KUBERNETES}" in recipe.LINKER
    staged = {line.split()[-1] for line in module.splitlines() if "=> k8s.io/" in line}
    assert staged == {recipe.KUBERNETES.replace("v1.", "v0.")}
