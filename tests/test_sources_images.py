"""How far a pull is, and what its end is called; the pulls themselves are in tests/cluster/test_sources_official.py."""

import pytest

from aicontainer.errors import AicontainerError, EngineError, ImageNotFound
from aicontainer.sources.official import images
from aicontainer.sources.official.pins import Pin

PIN = Pin("python", "3.13-slim", f"sha256:{'a' * 64}")


def _line(layer: str, status: str, current: int = 0, total: int = 0) -> dict[str, object]:
    detail = {"current": current, "total": total} if total else {}
    return {"id": layer, "status": status, "progressDetail": detail}


def test_the_bytes_of_all_layers_make_the_fraction() -> None:
    layers = images._Layers()
    layers.take({"id": "3.13-slim", "status": "Pulling from library/python"})
    for line in (
        _line("a", "Pulling fs layer"),
        _line("b", "Pulling fs layer"),
        _line("a", "Downloading", 30_000_000, 60_000_000),
        _line("b", "Downloading", 10_000_000, 20_000_000),
    ):
        layers.take(line)
    assert layers.fraction == pytest.approx(0.5)
    assert layers.text == "0 of 2 layers, 40 of 80 MB"
    assert layers.fetching
    for line in (_line("a", "Download complete"), _line("b", "Pull complete"), _line("a", "Extracting", 1, 60)):
        layers.take(line)
    assert layers.fraction == pytest.approx(1.0)
    assert layers.text.startswith("1 of 2 layers")
    assert not layers.fetching  # from now on a longer silence is no trouble: layers are unpacked


@pytest.mark.parametrize(
    ("words", "kind", "advice"),
    [
        ("toomanyrequests: You have reached your pull rate limit.", EngineError, "docker login"),
        (
            "manifest for python@sha256:a not found: manifest unknown: manifest unknown",
            ImageNotFound,
            "AICONTAINER_PINS",
        ),
        ("pull access denied for python, repository does not exist", ImageNotFound, "AICONTAINER_PINS"),
        ('Get "http://127.0.0.1:5000/v2/": dial tcp: connection refused', EngineError, "again"),
    ],
)
def test_each_refusal_has_its_own_advice(words: str, kind: type[AicontainerError], advice: str) -> None:
    error = images._refused(PIN, words, None)
    assert type(error) is kind
    assert words in error.seen
    assert advice in error.next_step


def test_a_silence_is_told_as_one_and_a_limit_as_one() -> None:
    layers = images._Layers()
    assert "silent for 60 s" in images._too_slow(PIN, layers, False, 60, 1800).what
    assert "not whole within 1800 s" in images._too_slow(PIN, layers, True, 60, 1800).what
