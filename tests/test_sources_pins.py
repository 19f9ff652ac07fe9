"""What is pinned: the course's own file, a mirror's, and what is wrong with a file, by its line."""

from pathlib import Path

import pytest

from aicontainer.errors import InputError
from aicontainer.sources.official import pins


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "pins.toml"
    monkeypatch.setenv(pins.VARIABLE, str(path))
    return path


def test_everything_that_the_course_uses_is_pinned_by_digest() -> None:
    pinned = pins.read()
    assert set(pinned.images) == set(pins.ROLES)
    assert all(pin.digest for pin in (*pinned.images.values(), *pinned.nodes.values()))
    assert pinned.nodes[pinned.programs["kind"].version].repository == "kindest/node"


@pytest.mark.parametrize("system", ["linux", "darwin"])
@pytest.mark.parametrize(("cpu", "named"), [("x86_64", "amd64"), ("aarch64", "arm64"), ("arm64", "arm64")])
def test_each_usual_machine_has_its_programs(
    monkeypatch: pytest.MonkeyPatch, system: str, cpu: str, named: str
) -> None:
    monkeypatch.setattr("sys.platform", system)
    monkeypatch.setattr("platform.machine", lambda: cpu)
    programs = pins.read().programs
    assert set(programs) == set(pins.PROGRAMS)
    for program in programs.values():
        assert system in program.address
        assert named in program.address
        assert program.version in program.address


def test_a_machine_without_programs_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    assert pins.read().programs == {}


def test_a_mirror_names_what_it_has_and_the_rest_stays(given: Path) -> None:
    own = f"registry.example.org:5000/library/python:3.13-slim@sha256:{'a' * 64}"
    given.write_text(f'[images]\nbase = "{own}"\nregistry = "registry.example.org/registry:2.8.3"\n')
    images = pins.read().images
    assert images["base"].asked == f"registry.example.org:5000/library/python@sha256:{'a' * 64}"
    assert images["base"].local == "aicontainer/official/python:3.13-slim"
    assert images["registry"].asked == "registry.example.org/registry:2.8.3"
    assert str(images["registry"]).endswith("(by tag)")
    assert images["prometheus"] == pins.reference(_ours("prometheus"))


def _ours(role: str) -> str:
    import tomllib

    return str(tomllib.loads(pins.OURS.read_text())["images"][role])


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ('# one\n[images]\nbase = "python"\n', 3, "python"),
        (f'[images]\nregistry = "registry:2"\n\nbase = "python:3@sha256:{"a" * 63}"\n', 4, "base"),
        ('[images]\npython = "python:3"\n', 2, "python"),
        ("[images]\nbase = 3\n", 2, "base"),
        ('[nodes]\n"v1" = "Kindest/Node:v1"\n', 2, "v1"),
        ("[image]\n", 1, "image"),
        ("\nimages = 3\n", 2, "images"),
        ("[programs.helm]\n", 1, "helm"),
        ('[programs.kind]\nversion = "v1"\n', 1, "kind"),
        ('[programs.kind]\nversion="v1"\naddress="x"\n[programs.kind.sha256]\nlinux-amd64 = "12"\n', 5, "12"),
        ("[images]\nbase = \n", 2, "line 2"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(given: Path, text: str, line: int, word: str) -> None:
    given.write_text(text)
    with pytest.raises(InputError) as error:
        pins.read()
    assert str(given) in error.value.what
    assert f"line {line}" in error.value.what
    assert word in error.value.what


def test_a_file_that_is_not_there_is_named(given: Path) -> None:
    with pytest.raises(InputError) as error:
        pins.read()
    assert str(given) in error.value.what
    assert pins.VARIABLE in error.value.next_step
