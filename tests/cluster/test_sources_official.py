"""The registry source on the real engine, with a real registry behind a door of the test's own."""

import hashlib
import http.client
import io
import json
import secrets
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from door import Door

from aicontainer import commands
from aicontainer.errors import EngineError, ImageNotFound, TimedOut
from aicontainer.events import Event, silent
from aicontainer.package.engine import LABELS
from aicontainer.package.engine import engine as connection
from aicontainer.sources.official import images, pins
from aicontainer.sources.official.pins import Pin
from aicontainer.sources.official.source import OfficialImages
from aicontainer.waiting import pending, ready, wait


@pytest.fixture(scope="module")
def registry(engine: Any) -> Iterator[int]:
    """The port of a registry that is empty, in a container of its own."""
    with connection() as client:
        container = client.containers.run(
            engine.registry_image, detach=True, labels=LABELS, ports={"5000/tcp": ("127.0.0.1", 0)}
        )
        try:
            container.reload()
            port = int(container.ports["5000/tcp"][0]["HostPort"])
            wait("the registry", lambda: ready() if _answers(port) else pending("no answer"), limit=60)
            yield port
        finally:
            container.remove(force=True, v=True)


def _answers(port: int) -> bool:
    try:
        behind = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        behind.request("GET", "/v2/")
        return behind.getresponse().status == 200
    except OSError:
        return False


@pytest.fixture
def door(registry: int) -> Iterator[Door]:
    door = Door(registry)
    threading.Thread(target=door.serve_forever, daemon=True).start()
    yield door
    door.release.set()
    door.shutdown()
    door.server_close()


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """The engine; names that are given, and the note of what was pulled, are the test's own."""
    prefix = f"aicontainer/test-{secrets.token_hex(4)}"
    monkeypatch.setattr(pins, "PREFIX", prefix)
    monkeypatch.setattr(images, "PREFIX", prefix)
    monkeypatch.setattr(images, "_note", lambda: tmp_path / "official" / "pulled")
    with connection() as found:
        yield found
        images.remove(found, silent)


@pytest.fixture
def publish(registry: int) -> Callable[[str], Pin]:
    """Puts an image of one layer of noise into the registry and into no engine; returns its pin at an address."""

    def one(address: str) -> Pin:
        repository, tag = f"library/{secrets.token_hex(6)}", "3.13-slim"
        here = f"http://127.0.0.1:{registry}/v2/{repository}"
        layer = _tar({"noise": secrets.token_bytes(2_000_000)})
        config = json.dumps(
            {
                **{"architecture": pins.machine().partition("-")[2], "os": "linux", "config": {"Cmd": ["/noise"]}},
                "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
            }
        ).encode()
        kind = "application/vnd.docker.distribution.manifest.v2+json"
        manifest = {
            **{"schemaVersion": 2, "mediaType": kind},
            "config": _described(config, "application/vnd.docker.container.image.v1+json"),
            "layers": [_described(layer, "application/vnd.docker.image.rootfs.diff.tar")],
        }
        content = json.dumps(manifest).encode()
        with httpx.Client(trust_env=False, timeout=60) as web:
            for blob in (layer, config):
                begun = httpx.URL(web.post(f"{here}/blobs/uploads/").headers["Location"])
                web.put(begun.copy_add_param("digest", _digest(blob)), content=blob).raise_for_status()
            web.put(f"{here}/manifests/{tag}", content=content, headers={"Content-Type": kind}).raise_for_status()
        return Pin(f"{address}/{repository}", tag, _digest(content))

    return one


def _tar(files: dict[str, bytes]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for name, content in files.items():
            about = tarfile.TarInfo(name)
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))
    return written.getvalue()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _described(content: bytes, kind: str) -> dict[str, Any]:
    return {"mediaType": kind, "size": len(content), "digest": _digest(content)}


def _kinds(events: list[Event]) -> list[str]:
    return [event.kind for event in events if event.kind != "progress"]


def test_an_image_is_pulled_by_digest_once_named_and_removed_again(
    client: Any, door: Door, publish: Callable[[str], Pin]
) -> None:
    pin = publish(door.address)
    images.resolve(client, pin)
    assert not images.is_there(client, pin)
    events: list[Event] = []
    images.ensure(client, pin, events.append)
    images.ensure(client, pin, events.append)
    assert _kinds(events) == ["started", "made", "found"]
    assert images.is_there(client, pin)
    assert client.images.get(pin.local).attrs["Config"]["Cmd"] == ["/noise"]
    other = Pin(pin.repository, pin.tag, f"sha256:{'b' * 64}")
    assert not images.is_there(client, other)  # the same name, and not what is pinned
    images.remove(client, silent)
    assert images._get(client, pin.local) is None
    assert images._get(client, pin.asked) is None


def test_what_the_user_had_before_is_named_and_stays(client: Any, door: Door, publish: Callable[[str], Pin]) -> None:
    pin = publish(door.address)
    commands.run(["docker", "pull", pin.asked], limit=120)
    events: list[Event] = []
    try:
        images.ensure(client, pin, events.append)
        assert _kinds(events) == ["made"]  # named, without being pulled
        images.remove(client, silent)
        assert images._get(client, pin.local) is None
        assert images._get(client, pin.asked) is not None
    finally:
        client.images.remove(pin.asked)


def test_a_name_without_a_digest_is_pulled_by_its_tag(client: Any, door: Door, publish: Callable[[str], Pin]) -> None:
    pin = publish(door.address)
    by_tag = Pin(pin.repository, pin.tag)
    images.ensure(client, by_tag, silent)
    assert images.is_there(client, by_tag)
    assert images._has_digest(client.images.get(by_tag.asked), pin.digest)  # and it is that image


def test_a_digest_that_is_not_there_is_told_with_the_name(client: Any, door: Door) -> None:
    pin = Pin(f"{door.address}/library/python", "3.13-slim", f"sha256:{'c' * 64}")
    with pytest.raises(ImageNotFound) as error:
        images.ensure(client, pin, silent)
    assert pin.asked in error.value.what
    assert "AICONTAINER_PINS" in error.value.next_step
    with pytest.raises(EngineError):
        images.resolve(client, pin)


def test_a_registry_that_falls_silent_in_the_middle_is_told_as_that(
    client: Any, door: Door, publish: Callable[[str], Pin]
) -> None:
    pin = publish(door.address)
    door.mode = "silent"
    with pytest.raises(TimedOut) as error:
        images.pull(client, pin, silent, silent=3)
    assert "silent for 3 s" in error.value.what
    assert "layers" in error.value.seen
    assert "again" in error.value.next_step


def test_the_whole_limit_is_told_as_that(client: Any, door: Door, publish: Callable[[str], Pin]) -> None:
    pin = publish(door.address)
    door.mode = "silent"
    with pytest.raises(TimedOut) as error:
        images.pull(client, pin, silent, limit=3)
    assert "not whole within 3 s" in error.value.what
    assert not images.is_there(client, pin)
    door.mode = "whole"
    door.release.set()
    images.ensure(client, pin, silent)  # the advice was: run the same command again
    assert images.is_there(client, pin)


def test_a_registry_that_is_gone_is_no_missing_engine(client: Any, door: Door, publish: Callable[[str], Pin]) -> None:
    pin = publish(door.address)
    door.mode = "gone"
    with pytest.raises(EngineError) as error:
        images.ensure(client, pin, silent)
    assert not isinstance(error.value, ImageNotFound)
    assert "registry" in error.value.what
    assert error.value.seen


def test_the_source_supplies_what_is_pinned_and_finds_it_again(
    client: Any,
    door: Door,
    publish: Callable[[str], Pin],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    engine: Any,
) -> None:
    wanted = {role: publish(door.address) for role in ("base", "node")}
    kind = commands.run([engine.kind, "version"], limit=120).split()[1]
    lines = {role: f'"{pin.repository}:{pin.tag}@{pin.digest}"' for role, pin in wanted.items()}
    file = tmp_path / "pins.toml"
    roles = "\n".join(f"{role} = {lines['base']}" for role in pins.ROLES)
    file.write_text(f'[images]\n{roles}\n[nodes]\n"{kind}" = {lines["node"]}\n')
    monkeypatch.setenv(pins.VARIABLE, str(file))
    monkeypatch.setenv("PATH", str(engine.kind.parent), prepend=":")
    source = OfficialImages()
    assert source.reason_against() == ""
    assert source.plan().minutes > 0
    assert not source.plan().installs
    supply = source.supply(silent)
    assert supply.base_image == wanted["base"].local
    assert supply.node_image == wanted["node"].local
    assert source.plan().minutes == 0
    door.mode = "gone"
    assert source.reason_against() == ""  # everything is here: no registry is asked
    assert source.supply(silent) == supply


def test_a_registry_that_cannot_be_reached_is_the_reason_against_the_source(
    client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: Any
) -> None:
    file = tmp_path / "pins.toml"
    file.write_text(f'[images]\nbase = "127.0.0.1:1/library/python:3.13-slim@sha256:{"d" * 64}"\n')
    monkeypatch.setenv(pins.VARIABLE, str(file))
    reason = OfficialImages().reason_against()
    assert "cannot resolve 127.0.0.1:1/library/python:3.13-slim" in reason
    assert "connection refused" in reason
