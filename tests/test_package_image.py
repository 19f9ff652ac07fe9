import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from aicontainer import model, places, serve
from aicontainer.errors import InputError
from aicontainer.learn import fit
from aicontainer.package import image, wheels

KeptWheels = Callable[[tuple[str, ...]], Path]


@pytest.mark.parametrize(
    ("created_by", "instruction"),
    [
        ("RUN /bin/sh -c pip install numpy # buildkit", "RUN pip install numpy"),
        ("RUN |1 BASE=python /bin/sh -c pip install numpy # buildkit", "RUN pip install numpy"),
        ('/bin/sh -c #(nop)  CMD ["python"]', 'CMD ["python"]'),
        ("/bin/sh -c apt-get update", "RUN apt-get update"),
        ("COPY model.json model.json # buildkit", "COPY model.json model.json"),
        ("", "(base)"),
    ],
)
def test_an_instruction_is_shown_as_it_stands_in_the_dockerfile(created_by: str, instruction: str) -> None:
    assert image.shorten(created_by) == instruction


def test_layers_are_paired_with_their_digests_in_order() -> None:
    newest_first = [
        {"CreatedBy": 'CMD ["python"]', "Size": 0},
        {"CreatedBy": "COPY model.json model.json # buildkit", "Size": 7},
        {"CreatedBy": "WORKDIR /srv", "Size": 0},
        {"CreatedBy": "ENV A=1", "Size": 0},
        {"CreatedBy": "", "Size": 100},
    ]
    layers = image.read_history(newest_first, ["sha256:base", "sha256:dir", "sha256:model"])
    assert [layer.digest for layer in layers] == ["sha256:base", "", "sha256:dir", "sha256:model", ""]
    assert sum(layer.size for layer in layers) == 107


def test_a_builder_that_writes_no_empty_layers_is_understood_too() -> None:
    newest_first = [{"CreatedBy": "COPY a a", "Size": 7}, {"CreatedBy": "WORKDIR /", "Size": 0}]
    assert [each.digest for each in image.read_history(newest_first, ["sha256:a"])] == ["", "sha256:a"]


def test_digests_that_cannot_be_paired_are_left_out_rather_than_guessed() -> None:
    layers = image.read_history([{"CreatedBy": "COPY a a", "Size": 7}], ["sha256:a", "sha256:b"])
    assert [layer.digest for layer in layers] == [""]


def test_the_context_holds_the_server_and_nothing_that_learns_or_deploys(
    tmp_path: Path, kept_wheels: KeptWheels
) -> None:
    model_file = fit.ensure_model()
    folder = kept_wheels(wheels.requirements(model.load(model_file).numpy))
    (folder / "numpy-1-py3-none-any.whl").write_bytes(b"wheel")
    into = image.assemble(model_file, tmp_path / "context")
    assert {path.name for path in into.iterdir()} == {
        *("Dockerfile", "requirements.txt", "wheels", "aicontainer", "model.json")
    }
    package = into / "aicontainer"
    # of the server everything but what runs on the learner's machine; it is kept flat
    server = {path.name for path in Path(serve.__file__).parent.iterdir() if path.is_file()} - {
        "client.py",
        "process.py",
    }
    assert {"__main__.py", "connection.py", "page.html"} < server
    assert {path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file()} == {
        *("__init__.py", "errors.py", "model.py", "training.py"),
        *(f"serve/{name}" for name in server),
    }


def test_what_the_context_holds_the_image_copies() -> None:
    lines = (places.clone() / "images" / "model" / "Dockerfile").read_text().splitlines()
    copied = {word for line in lines if line.startswith("COPY ") for word in line.split()[1:-1]}
    assert copied == {*(f"aicontainer/{name}" for name in image.SERVER_FILES), "aicontainer/serve/", "model.json"}


def test_every_file_of_the_context_can_be_read_by_another_user(tmp_path: Path, kept_wheels: KeptWheels) -> None:
    model_file = fit.ensure_model()
    model_file.chmod(0o600)
    folder = kept_wheels(wheels.requirements(model.load(model_file).numpy))
    (folder / "numpy-1-py3-none-any.whl").write_bytes(b"wheel")
    (folder / "numpy-1-py3-none-any.whl").chmod(0o600)
    for path in image.assemble(model_file, tmp_path / "context").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o755 if path.is_dir() else 0o644), path


def test_an_image_of_the_users_is_not_removed() -> None:
    with pytest.raises(InputError):
        image.remove("python:3.13-slim")
