"""Which node is kept, and which one is made anew, by what Docker says of its container."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aicontainer.deploy import cluster, kind
from aicontainer.package import removal
from aicontainer.sources.base import Supply

SUPPLY = Supply(Path("kind"), Path("kubectl"), "node:1", "base", "registry", "prometheus", "alertmanager")


def node(image: str, ports: range) -> Any:
    bindings = {f"{port}/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port + 1000)}] for port in ports}
    attrs = {"HostConfig": {"PortBindings": bindings}}
    return SimpleNamespace(status="running", attrs=attrs, image=SimpleNamespace(tags=[image]))


@pytest.mark.parametrize(
    ("found", "made"),
    [
        (node("node:1", kind.NODE_PORTS), []),
        (node("node:0", kind.NODE_PORTS), ["deleted", "created"]),
        (node("node:1", range(30080, 30085)), ["deleted", "created"]),
        (None, ["created"]),
    ],
)
def test_a_node_of_another_image_or_without_one_of_the_doors_is_made_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, found: Any, made: list[str]
) -> None:
    done: list[str] = []
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text("of the old node")

    @contextmanager
    def engine() -> Iterator[None]:
        yield

    monkeypatch.setattr(cluster.docker_engine, "engine", engine)
    monkeypatch.setattr(cluster, "container", lambda client, name: found)
    monkeypatch.setattr(cluster, "kubeconfig", lambda: kubeconfig)
    monkeypatch.setattr(kind, "api_answers", lambda supply: True)
    monkeypatch.setattr(removal, "remove", lambda client, container: done.append("deleted"))
    monkeypatch.setattr(kind, "create", lambda supply, tell: done.append("created"))
    cluster._ensure_node(SUPPLY, lambda event: None)
    assert done == made
    assert kubeconfig.exists() == ("deleted" not in made)
