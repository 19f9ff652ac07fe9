import inspect
import io

import docker.credentials.errors
import docker.errors
import pytest
import requests.exceptions
import urllib3.exceptions

from aicontainer.errors import AicontainerError, EngineUnavailable, ImageNotFound
from aicontainer.package import engine

WORDS = "words-of-the-engine"

SPECIAL = {
    docker.errors.ContainerError: lambda cls: cls("a container", 1, "sleep", "an image", WORDS.encode()),
    docker.errors.BuildError: lambda cls: cls(WORDS, iter([])),
    docker.errors.APIError: lambda cls: cls(WORDS, response=None, explanation=WORDS),
}


def every_docker_error() -> list[type[Exception]]:
    classes = (each for _, each in inspect.getmembers(docker.errors, inspect.isclass))
    return [each for each in classes if issubclass(each, Exception) and each.__module__ == "docker.errors"]


def sample(cls: type[Exception]) -> Exception:
    for known, make in SPECIAL.items():
        if issubclass(cls, known):
            return make(cls)
    return cls(WORDS)


@pytest.mark.parametrize("cls", every_docker_error())
def test_every_error_of_docker_becomes_one_of_ours_with_its_words_and_its_cause(cls: type[Exception]) -> None:
    original = sample(cls)
    with pytest.raises(AicontainerError) as caught, engine.mapped("do it"):
        raise original
    assert caught.value.__cause__ is original
    assert WORDS in caught.value.seen


def test_the_walk_over_dockers_errors_finds_the_well_known_ones() -> None:
    assert {docker.errors.NotFound, docker.errors.StreamParseError, docker.errors.ContextNotFound} <= set(
        every_docker_error()
    )


@pytest.mark.parametrize(
    "error",
    [
        requests.exceptions.ReadTimeout(WORDS),
        requests.exceptions.ConnectionError(WORDS),
        urllib3.exceptions.ProtocolError(WORDS),
    ],
)
def test_a_broken_connection_means_that_no_engine_answers(error: Exception) -> None:
    with pytest.raises(EngineUnavailable) as caught, engine.mapped("do it"):
        raise error
    assert caught.value.next_step == "aicontainer up"


def test_a_missing_credential_helper_is_mapped_too() -> None:
    with pytest.raises(AicontainerError), engine.mapped("do it"):
        raise docker.credentials.errors.CredentialsNotFound(WORDS)


def test_a_missing_image_keeps_its_kind_and_other_errors_pass() -> None:
    with pytest.raises(ImageNotFound), engine.mapped("do it"):
        raise docker.errors.ImageNotFound(WORDS, response=None, explanation=WORDS)
    with pytest.raises(io.UnsupportedOperation), engine.mapped("do it"):
        raise io.UnsupportedOperation


@pytest.mark.parametrize("host", ["unix:///nowhere/docker.sock", "tcp://127.0.0.1:1", "nonsense://host"])
def test_without_an_engine_the_next_step_is_named(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(EngineUnavailable) as caught:
        engine.connect()
    assert caught.value.next_step
    assert caught.value.__cause__ is not None


def test_only_names_that_the_course_gives_are_ours() -> None:
    ours = ["aicontainer/model:1", "localhost:5001/aicontainer/model:1", "127.0.0.1:5001/aicontainer/model:2"]
    theirs = ["python:3.13-slim", "mine/aicontainer:1", "ghcr.io/aicontainer/model:1", "my-aicontainer/model:1"]
    assert engine.our_names([*ours, *theirs]) == ours
