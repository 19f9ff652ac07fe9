"""Why the registry source cannot be used, when the engine fails before, or while, it asks the registry."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from aicontainer.errors import AicontainerError, CommandError, EngineError, EngineUnavailable
from aicontainer.sources.official import images, source

FAILED = EngineError("could not work with the Docker Engine", seen="layer store is damaged")


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that is there; kind and kubectl are, too."""

    @contextmanager
    def connection() -> Iterator[None]:
        yield

    monkeypatch.setattr(source.docker_engine, "engine", connection)
    monkeypatch.setattr(source.found_programs, "find", lambda name: Path(name))
    monkeypatch.setattr(source.found_programs, "version", lambda path: "v0")


def fails(error: AicontainerError) -> Any:
    def call(*words: Any) -> None:
        raise error

    return call


@pytest.mark.parametrize(
    ("error", "word"),
    [(FAILED, "layer store is damaged"), (CommandError(["kind", "version"], 1), "kind ended with 1")],
)
def test_what_fails_before_the_registry_is_asked_is_a_reason(
    monkeypatch: pytest.MonkeyPatch, error: AicontainerError, word: str
) -> None:
    monkeypatch.setattr(images, "is_there", fails(error))
    assert word in source.OfficialImages().reason_against()


@pytest.mark.parametrize(
    ("error", "word"),
    [(FAILED, "layer store is damaged"), (EngineUnavailable("no Docker Engine answers"), "no Docker Engine answers")],
)
def test_an_image_that_cannot_be_resolved_is_a_reason(
    monkeypatch: pytest.MonkeyPatch, error: AicontainerError, word: str
) -> None:
    monkeypatch.setattr(images, "is_there", lambda client, pin: False)
    monkeypatch.setattr(images, "resolve", fails(error))
    reason = source.OfficialImages().reason_against()
    assert word in reason
    assert ("cannot resolve" in reason) is isinstance(error, EngineError)
