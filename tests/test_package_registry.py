"""Under which name an image is pushed; the pushes themselves are in tests/cluster/test_deploy.py."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from aicontainer.package import image, registry


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("aicontainer/model:1", ("aicontainer/model", "1")),
        ("aicontainer/mine", ("aicontainer/mine", "latest")),
        ("mine", ("mine", "latest")),
        ("mine:2", ("mine", "2")),
        ("localhost:5001/mine", ("localhost:5001/mine", "latest")),
        ("localhost:5001/mine:3", ("localhost:5001/mine", "3")),
    ],
)
def test_the_tag_stands_after_the_last_slash(name: str, parts: tuple[str, str]) -> None:
    assert image.split_name(name) == parts


class _Engine:
    """Takes every call, and keeps the names that it was given."""

    def __init__(self) -> None:
        self.images, self.named = self, list[str]()

    def get(self, name: str) -> "_Engine":
        return self

    def tag(self, repository: str, tag: str) -> None:
        self.named.append(f"{repository}:{tag}")

    def push(self, repository: str, tag: str, **options: Any) -> Iterator[dict[str, Any]]:
        self.named.append(f"{repository}:{tag}")
        yield {"aux": {"Digest": "sha256:a"}}

    def remove(self, name: str, noprune: bool) -> None:
        self.named.append(name)


@pytest.mark.parametrize(("name", "target"), [("aicontainer/mine", "aicontainer/mine:latest"), ("mine:2", "mine:2")])
def test_an_image_without_a_tag_is_pushed_as_latest(monkeypatch: pytest.MonkeyPatch, name: str, target: str) -> None:
    docker = _Engine()

    @contextmanager
    def engine() -> Iterator[_Engine]:
        yield docker

    monkeypatch.setattr(registry, "engine", engine)
    reference = registry.push(image.Image(name, "sha256:b", 1), "localhost:5001")
    assert reference == f"localhost:5001/{target}@sha256:a"
    assert set(docker.named) == {f"localhost:5001/{target}"}
