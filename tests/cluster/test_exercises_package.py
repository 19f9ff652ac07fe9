"""The checks of notebook 04 on the real engine: every usual wrong answer is recognised, and has a hint of its own."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from aicontainer import model
from aicontainer.exercises import package
from aicontainer.learn import data, fit
from aicontainer.package import image, workshop

UNSHARE = ["unshare", "--pid", "--fork"]
PACKAGES = "RUN python -m pip install --no-index --find-links=wheels --root-user-action=ignore -r requirements.txt"
MOUNTED = f"RUN --mount=type=bind,target=/context cd /context && {PACKAGES.removeprefix('RUN ')}"
CMD = 'CMD ["python", "-m", "aicontainer.serve"]'
NAMED = "COPY requirements.txt ./\nCOPY wheels wheels"
ENV = "ENV MODEL_FILE=/app/model.json"
RIGHT = (NAMED, PACKAGES, "COPY aicontainer aicontainer", "COPY model.json ./", ENV, "USER 10001", CMD)


@pytest.fixture(scope="module")
def shop(engine: Any) -> Iterator[workshop.Workshop]:
    """A helper with the notebook's /box, and boxes that are filled wrongly."""
    with workshop.start(engine.base_image) as opened:
        opened.shell(
            """
            for box in /box /with-etc; do
              mkdir -p $box/usr $box/proc
              cp --archive /bin /sbin /lib* $box
              mount --bind /usr $box/usr
            done
            mkdir /with-etc/etc /empty /all
            mount --bind /etc /with-etc/etc
            mount --bind / /all
            """
        )
        yield opened


@pytest.mark.parametrize(
    "box",
    [
        [*UNSHARE, "--root=/box", "--wd=/", "--mount-proc"],
        [*UNSHARE, "chroot", "/box"],
        ("chroot", "/box", *UNSHARE),
        [*UNSHARE, "--mount", "sh", "-c", 'mount -t proc proc /box/proc; cd /box; exec chroot /box "$@"', "box"],
        [*UNSHARE, "--mount", "sh", "-c", 'mount -t tmpfs none /etc; exec "$@"', "box"],
        ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--root=/box"],
    ],
)
def test_any_route_into_a_box_is_right_twice(shop: workshop.Workshop, box: list[str]) -> None:
    first = package.check_box(shop, box)
    assert first.state == "right", first
    assert package.check_box(shop, box) == first


@pytest.mark.parametrize(
    ("box", "hint"),
    [
        (["chroot", "/box"], "no pid namespace of its own"),
        (["unshare", "--pid"], "let unshare --fork"),
        (["unshare", "--pid", "--root=/box"], "let unshare --fork"),
        (UNSHARE, "its root is that of the helper"),
        ([*UNSHARE, "--root=/all"], "its root is that of the helper"),
        ([*UNSHARE, "--root=/with-etc"], "the helper's /etc is in there"),
        ([*UNSHARE, "sh", "-c", '"$@"; true', "box"], "is number 2 in its namespace"),
        ([*UNSHARE, "--root=/empty"], "no program starts in your box: unshare: failed to execute"),
        ([*UNSHARE, "--root=/nowhere"], "no program starts in your box: unshare: cannot change root"),
        (["no-such-program"], "no program starts in your box: No such file or directory: no-such-program"),
        (["true"], "was never run"),
    ],
)
def test_each_wrong_box_gets_its_own_hint(shop: workshop.Workshop, box: list[str], hint: str) -> None:
    check = package.check_box(shop, box)
    assert check.state == "wrong"
    assert hint in check.text


def test_the_check_leaves_nothing_running(shop: workshop.Workshop) -> None:
    package.check_box(shop, [*UNSHARE, "--root=/box"])
    assert "sleep" not in shop.shell("cat /proc/[0-9]*/cmdline | tr '\\0' ' '").split()


def test_a_closed_workshop_is_told(engine: Any) -> None:
    with workshop.start(engine.base_image) as opened:
        pass
    assert "the workshop is closed" in package.check_box(opened, UNSHARE).text


@dataclass(frozen=True)
class Kitchen:
    """Builds images of the model, of the shifted one and of others, each time with bits that no cache has seen."""

    base: str
    folder: Path
    made: list[str]

    def file(self, version: str, shift: float) -> Path:
        trained = model.load(fit.ensure_model())
        other = replace(trained, version=version, bias=trained.bias + shift)
        return other.save(self.folder / f"{version}-{secrets.token_hex(4)}.json")

    def pair(self, *lines: str, versions: tuple[str, str] = ("1", "1-shifted")) -> tuple[image.Image, image.Image]:
        first, second = (self.one(self.file(version, place / 7), *lines) for place, version in enumerate(versions))
        return first, second

    def one(self, file: Path, *lines: str) -> image.Image:
        self.made.append(f"aicontainer/test:{secrets.token_hex(6)}")
        with image.context(file) as folder:
            (folder / "Dockerfile").write_text("\n".join(["ARG BASE", "FROM ${BASE}", "WORKDIR /app", *lines, ""]))
            return image.build_folder(folder, self.made[-1], args={"BASE": self.base})


@pytest.fixture
def kitchen(engine: Any, tmp_path: Path) -> Iterator[Kitchen]:
    cook = Kitchen(engine.base_image, tmp_path, [])
    yield cook
    for name in cook.made:
        image.remove(name)


def test_one_small_layer_and_no_root_is_right_twice(kitchen: Kitchen) -> None:
    pair = kitchen.pair(*RIGHT)
    first = package.check_order(pair)
    assert first.state == "right", first
    assert package.check_order([each.name for each in pair]) == first


def without(*left_out: str) -> tuple[str, ...]:
    return tuple(line for line in RIGHT if line not in left_out)


@pytest.mark.parametrize(
    ("lines", "hint"),
    [
        (("COPY . /app", PACKAGES, ENV, "USER 10001", CMD), "the model comes in with the whole folder"),
        (("COPY model.json ./", *without("COPY model.json ./")), "the model comes in first, and COPY below it"),
        (
            (NAMED, PACKAGES, "COPY . .", ENV, "USER 10001", CMD),
            "more than the model is copied there",
        ),
        ((MOUNTED, *without(NAMED, PACKAGES)), "from RUN on: it sees the model"),
        (without("USER 10001"), "runs as root"),
        (without(ENV), "does not become ready"),
        ((*without(CMD), 'CMD ["/no/such/program"]'), "cannot be started"),
    ],
)
def test_each_wrong_order_gets_its_own_hint(kitchen: Kitchen, lines: tuple[str, ...], hint: str) -> None:
    check = package.check_order(kitchen.pair(*lines))
    assert check.state == "wrong"
    assert hint in check.text


def twice_the_same(kitchen: Kitchen) -> Any:
    made = kitchen.one(kitchen.file("1", 0), *RIGHT)
    return made, made


@pytest.mark.parametrize(
    ("pair", "hint"),
    [
        (twice_the_same, "build it of the shifted model file"),
        (lambda kitchen: kitchen.pair(*RIGHT, versions=("1", "3")), 'the second image serves version "3"'),
        (lambda kitchen: kitchen.pair(*RIGHT, versions=("1-shifted", "1")), 'the first image serves version "1-shif'),
        (lambda kitchen: ("aicontainer/test:none", "aicontainer/test:neither"), "no such image: aicontainer/test:none"),
    ],
)
def test_each_wrong_pair_gets_its_own_hint(kitchen: Kitchen, pair: Callable[[Kitchen], Any], hint: str) -> None:
    check = package.check_order(pair(kitchen))
    assert check.state == "wrong"
    assert hint in check.text


def second_version(
    kitchen: Kitchen, *, version: str = "2", steps: int = 100, lines: tuple[str, ...] = ()
) -> image.Image:
    """Built from the course's own Dockerfile, or from the given lines."""
    trained = replace(fit.train(data.load(fit.DEFAULT), steps=steps), version=version)
    file = trained.save(kitchen.folder / "second.json")
    if lines:
        return kitchen.one(file, *lines)
    kitchen.made.append(f"aicontainer/test:{secrets.token_hex(6)}")
    return image.build(file, kitchen.base, kitchen.made[-1])


@pytest.fixture
def first_version(engine: Any) -> None:
    """The image that the notebook has built before."""
    image.build(fit.ensure_model(), engine.base_image)


@pytest.mark.usefixtures("first_version")
def test_a_second_version_is_right_twice(kitchen: Kitchen) -> None:
    made = second_version(kitchen)
    first = package.check_second_version(made)
    assert first.state == "right", first
    assert package.check_second_version(made.name) == first


@pytest.mark.usefixtures("first_version")
@pytest.mark.parametrize(
    ("made", "hint"),
    [
        (lambda kitchen: "aicontainer/test:none", "no such image"),
        (lambda kitchen: second_version(kitchen, version="1"), 'serves version "1", not "2"'),
        (lambda kitchen: second_version(kitchen, steps=3), "train it longer"),
        (lambda kitchen: second_version(kitchen, lines=without("USER 10001")), "runs as root"),
        (lambda kitchen: second_version(kitchen, lines=without(ENV)), "does not become ready"),
        (lambda kitchen: second_version(kitchen, lines=RIGHT), "layers are new"),
    ],
)
def test_each_wrong_second_version_gets_its_own_hint(
    kitchen: Kitchen, made: Callable[[Kitchen], Any], hint: str
) -> None:
    check = package.check_second_version(made(kitchen))
    assert check.state == "wrong"
    assert hint in check.text
