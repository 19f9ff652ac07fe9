"""From program and roots to the images of this source, and one archive of them for the next time."""

from pathlib import Path

from aicontainer import places
from aicontainer.commands import run
from aicontainer.errors import BuildError, CommandError, MachineError
from aicontainer.events import Event, Listener
from aicontainer.package import engine as docker_engine
from aicontainer.sources.packages import fetching, recipe

NODE = f"aicontainer/node:{recipe.KUBERNETES}"
BASE = "aicontainer/python:3.13"
REGISTRY = "aicontainer/registry:2.8.3"
PROMETHEUS = "aicontainer/prometheus:2.53.3"
ALERTMANAGER = "aicontainer/alertmanager:0.28.1"
KEPT = (NODE, BASE, REGISTRY, PROMETHEUS, ALERTMANAGER)
PODS = ("kube", "coredns", "pause")
# Debian package, Dockerfile, its target, and the image that is made of them
FROM_PACKAGES = (
    ("docker-registry", "registry", "registry", REGISTRY),
    ("prometheus", "monitor", "prometheus", PROMETHEUS),
    ("prometheus-alertmanager", "monitor", "alertmanager", ALERTMANAGER),
)
RECIPE_LABEL = "io.github.aicontainer.recipe"
LOAD_LIMIT = 600


def are_loaded() -> bool:
    """Whether the engine has them all, made by this very recipe, and the programs are there."""
    with docker_engine.engine() as client:
        labelled = client.images.list(filters={"label": f"{RECIPE_LABEL}={recipe.key()}"})
    names = {tag for image in labelled for tag in image.tags}
    return set(KEPT) <= names and recipe.programs().exists()


def assemble_from_debian(tell: Listener) -> None:
    """Make in the engine what needs the roots and Debian's packages only: this can go on while Go still builds."""
    step = "images from Debian packages"
    tell(Event(step, "started", "roots", estimate=20))
    for root in recipe.ROOTS:
        _import(root)
    for number, (package, file, target, name) in enumerate(FROM_PACKAGES):
        tell(Event(step, "progress", target, fraction=0.4 + number / 5))
        unpacked = recipe.folder() / package
        fetching.unpack(package, unpacked)
        _build(file, "python", name, target=target, folders={"package": unpacked})
    tell(Event(step, "made", ", ".join(name for *_, name in FROM_PACKAGES)))


def assemble(tell: Listener) -> None:
    """Make the node's image in the engine, of what `assemble_from_debian` has imported and of the program."""
    step = "node image"
    tell(Event(step, "started", estimate=30))
    built = recipe.programs()
    for number, name in enumerate(PODS):
        tell(Event(step, "progress", name, fraction=number / 10))
        file, base = ("node", "node") if name == "pause" else ("kube", "kube")
        _build(file, base, f"aicontainer/{name}:node", target=name, folders={"built": built})
    pods = recipe.folder() / "pods"
    pods.mkdir(exist_ok=True)
    run(["docker", "save", "-o", pods / "pods.tar", *(f"aicontainer/{name}:node" for name in PODS)], limit=LOAD_LIMIT)
    tell(Event(step, "progress", "node", fraction=0.5))
    _build("node", "node", NODE, target="node", folders={"built": built, "pods": pods})
    # roots and pods were steps on the way; their layers stay with the images that are kept
    run(["docker", "rmi", *(_root_name(root) for root in recipe.ROOTS)], limit=60)
    run(["docker", "rmi", *(f"aicontainer/{name}:node" for name in PODS)], limit=60)
    tell(Event(step, "made", NODE))


def _root_name(root: recipe.Root) -> str:
    return f"aicontainer/root-{root.name}:{recipe.key()}"


def _import(root: recipe.Root) -> None:
    labels = (f"LABEL {docker_engine.IMAGE_LABEL}={docker_engine.COURSE}", f"LABEL {RECIPE_LABEL}={recipe.key()}")
    changes = [word for label in labels for word in ("--change", label)]
    run(["docker", "import", *changes, root.archive, _root_name(root)], limit=LOAD_LIMIT)
    if root.name == "python":
        run(["docker", "tag", _root_name(root), BASE], limit=30)


def _build(file: str, root_name: str, tag: str, *, target: str, folders: dict[str, Path]) -> None:
    root = next(root for root in recipe.ROOTS if root.name == root_name)
    log = places.logs() / f"image-{target}.log"
    try:
        run(
            [
                *("docker", "buildx", "build", "--builder", "default", "--load", "--progress=plain"),
                *("--file", recipe.files() / f"{file}.Dockerfile", "--target", target, "--tag", tag),
                *("--build-arg", f"ROOT={_root_name(root)}", "--build-arg", f"VERSION={recipe.KUBERNETES}"),
                *("--label", f"{RECIPE_LABEL}={recipe.key()}"),
                *(word for name, path in folders.items() for word in ("--build-context", f"{name}={path}")),
                recipe.files(),
            ],
            limit=LOAD_LIMIT,
            env=docker_engine.buildx_environment(),
            log=log,
        )
    except CommandError as error:
        raise BuildError(f"the image {tag} could not be built", seen=error.seen, next_step=f"read {log}") from error


def keep(tell: Listener) -> None:
    """Write the images as one archive into the cache, beside its place first."""
    step = "archive of the images"
    tell(Event(step, "started", estimate=20))
    archive, plain = recipe.archive(), recipe.folder() / "images.tar"
    beside = archive.with_name(archive.name + ".partial")
    run(["docker", "save", "-o", plain, *KEPT], limit=LOAD_LIMIT)
    # the program is in the node image twice: only a window of 1 GiB sees that
    run(["zstd", "-3", "--long=30", "-q", "-f", "-o", beside, plain], limit=LOAD_LIMIT, gently=True)
    plain.unlink()
    beside.replace(archive)
    tell(Event(step, "made", f"{archive.stat().st_size / 1e6:.0f} MB"))


def load(tell: Listener) -> None:
    """Load the images from the archive in the cache.

    Raises
    ------
    MachineError
        When the archive is damaged: it is removed then, and the next run builds it anew.
    """
    step = "images"
    tell(Event(step, "started", "loading from the cache", estimate=15))
    plain = recipe.folder() / "images.tar"
    try:
        run(["zstd", "-d", "--long=30", "-q", "-f", "-o", plain, recipe.archive()], limit=LOAD_LIMIT)
    except CommandError as error:
        recipe.archive().unlink()
        raise MachineError(
            "the archive of the images in the cache was damaged, and is removed",
            seen=error.seen,
            next_step="run the same command again: it builds the images anew",
        ) from error
    run(["docker", "load", "-q", "-i", plain], limit=LOAD_LIMIT)
    plain.unlink()
    tell(Event(step, "made", "loaded from the cache"))
