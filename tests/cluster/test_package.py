"""Images on the real engine. Each test builds with words of its own, so that no cache of an earlier run can pass it."""

import secrets
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aicontainer import model, places
from aicontainer.errors import BuildError, EngineError, Failed, ImageNotFound, TimedOut
from aicontainer.learn import data, fit
from aicontainer.package import container, image, registry
from aicontainer.package.engine import containers
from aicontainer.package.engine import engine as connection

Make = Callable[[], tuple[model.Model, Path]]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes model files that nobody has made before; their images are removed afterwards."""
    made: list[str] = []

    def one() -> tuple[model.Model, Path]:
        trained = fit.train(data.load("education"))
        version = f"test-{secrets.token_hex(6)}"
        made.append(f"{image.REPOSITORY}:{version}")
        fresh = replace(trained, version=version, bias=trained.bias + secrets.randbelow(1000) / 7)
        return fresh, fresh.save(tmp_path / f"{version}.json")

    yield one
    for name in made:
        image.remove(name)


@pytest.fixture
def build_text(engine: Any, tmp_path: Path) -> Iterator[Callable[[str], image.Image]]:
    """Builds a Dockerfile given as text, on the base image; removed afterwards."""
    made: list[str] = []

    def one(dockerfile: str) -> image.Image:
        (tmp_path / "Dockerfile").write_text(f"ARG BASE\nFROM ${{BASE}}\n{dockerfile}\n")
        made.append(f"aicontainer/test:{secrets.token_hex(6)}")
        return image.build_folder(tmp_path, made[-1], args={"BASE": engine.base_image})

    yield one
    for name in made:
        image.remove(name)


def test_an_image_answers_with_the_bits_of_its_model_and_without_rights(engine: Any, make: Make) -> None:
    fresh, file = make()
    rows = data.load("education").X
    built = image.build(file, engine.base_image)
    with container.running(built) as running:
        answer = running.server.infer(rows)
    assert answer.score.tobytes() == fresh.score(rows).tobytes()
    assert answer.model_version == fresh.version
    assert running.read_only
    assert container.output(built, "id", "-u").isdigit()
    assert container.output(built, "id", "-u") != "0"


def test_an_unchanged_build_is_the_same_image_and_a_changed_model_one_new_layer(engine: Any, make: Make) -> None:
    (_, file), (_, other) = make(), make()
    first, again = image.build(file, engine.base_image), image.build(file, engine.base_image)
    assert first.id == again.id
    changed = image.build(other, engine.base_image)
    have = {layer.digest for layer in image.layers(first)}
    new = [layer for layer in image.layers(changed) if layer.digest and layer.digest not in have]
    assert [layer.instruction for layer in new] == ["COPY model.json model.json"]
    assert changed.id != first.id


def test_the_layers_add_up_to_the_image(engine: Any, make: Make) -> None:
    built = image.build(make()[1], engine.base_image)
    with connection() as client:
        digests = client.images.get(built.id).attrs["RootFS"]["Layers"]
    assert [layer.digest for layer in image.layers(built) if layer.digest] == digests


def test_the_image_holds_the_server_and_the_models_numpy_and_not_the_rest_of_us(engine: Any, make: Make) -> None:
    fresh, file = make()
    built = image.build(file, engine.base_image)
    asked = "import numpy, aicontainer.serve.app; print(numpy.__version__)"
    assert container.output(built, "python", "-c", asked) == fresh.numpy == np.__version__
    with pytest.raises(EngineError) as caught:
        container.output(built, "python", "-c", "import aicontainer.learn")
    assert "No module named 'aicontainer.learn'" in caught.value.seen


def test_a_build_has_no_network(build_text: Callable[[str], image.Image]) -> None:
    # any address will do: where a proxy answers for all of them, this connection would succeed
    word = secrets.token_hex(8)
    asked = f"import socket; print('{word}'); socket.create_connection(('192.0.2.1', 80), 3)"
    with pytest.raises(BuildError) as caught:
        build_text(f'RUN python3 -c "{asked}"')
    assert word in caught.value.seen
    assert "unreachable" in caught.value.seen


def test_a_failing_step_is_named_with_its_last_words_and_its_log(build_text: Callable[[str], image.Image]) -> None:
    word = secrets.token_hex(8)
    with pytest.raises(BuildError) as caught:
        build_text(f"RUN echo {word}-said && false")
    assert f"RUN echo {word}-said && false" in caught.value.what
    assert caught.value.seen == f"{word}-said"
    log = Path(caught.value.next_step.removeprefix("read its log: "))
    assert word in log.read_text()
    assert places.logs() in log.parents


def test_a_program_that_ends_stops_the_wait_with_the_end_of_its_log(build_text: Callable[[str], image.Image]) -> None:
    word = secrets.token_hex(8)
    built = build_text(f'CMD ["sh", "-c", "echo {word}; exit 3"]\nEXPOSE 8080')
    with pytest.raises(Failed) as caught, container.running(built):
        pass
    assert "ended with 3" in caught.value.seen
    assert word in caught.value.seen
    assert not running_from(built)


def test_a_container_that_cannot_be_started_does_not_stay(build_text: Callable[[str], image.Image]) -> None:
    built = build_text('CMD ["/no/such/program"]\nEXPOSE 8080')
    with pytest.raises(EngineError) as caught, container.running(built):
        pass
    assert "/no/such/program" in caught.value.seen
    with pytest.raises(EngineError):
        container.output(built, "/no/such/program")
    assert not running_from(built)


def test_a_program_that_does_not_end_is_ended_at_its_limit(build_text: Callable[[str], image.Image]) -> None:
    built = build_text("EXPOSE 8080")
    with pytest.raises(TimedOut):
        container.output(built, "sleep", "1000", limit=1)
    assert not running_from(built)


def test_a_container_is_on_the_loopback_only_and_goes_even_when_its_block_fails(engine: Any, make: Make) -> None:
    built = image.build(make()[1], engine.base_image)
    port = 0
    with pytest.raises(ZeroDivisionError), container.running(built) as running:
        port = int(running.server.address.rpartition(":")[2])
        (found,) = running_from(built)
        (binding,) = found.attrs["NetworkSettings"]["Ports"]["8080/tcp"]
        assert binding["HostIp"] == "127.0.0.1"
        raise ZeroDivisionError
    assert not running_from(built)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 3)


def running_from(built: image.Image) -> list[Any]:
    with connection() as client:
        return [each for each in containers(client) if each.attrs["Config"]["Image"] == built.name]


def test_an_image_that_is_not_there_is_told(engine: Any) -> None:
    missing = f"aicontainer/missing:{secrets.token_hex(4)}"
    with pytest.raises(ImageNotFound):
        image.find(missing)
    with pytest.raises(ImageNotFound):
        image.layers(missing)
    assert not image.exists(missing)
    assert not image.remove(missing)


def test_a_registry_that_is_not_there_is_told(engine: Any, make: Make) -> None:
    built = image.build(make()[1], engine.base_image)
    with pytest.raises(EngineError) as caught:
        registry.push(built, "localhost:1")
    assert "refused" in caught.value.seen
    with connection() as client:
        assert client.images.get(built.id).tags == [built.name]
