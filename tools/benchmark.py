#!/usr/bin/env python3
"""Measures what the README states: sizes on this machine, and the way of an image into the cluster.

Run it after ``make course`` (it needs the cluster): ``.venv/bin/python tools/benchmark.py``. What the course does and
what a user would do instead are measured in turns in one run, and the ratio is printed.
"""

import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import click

from aicontainer import environment, places
from aicontainer.commands import run
from aicontainer.deploy import cluster as kind_cluster
from aicontainer.events import silent
from aicontainer.package import engine as docker_engine
from aicontainer.sources.choose import choose
from aicontainer.sources.packages import images

ROUNDS = 5
SMALL_CHANGE = 10_000  # bytes that are new in each round's image


def folder_size(folder: Path) -> float:
    """Megabytes of the files below a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink()) / 1e6


def print_sizes() -> None:
    """Sizes of what lies on this machine."""
    click.echo("size on this machine, MB")
    for name, folder in ((".venv", places.clone() / ".venv"), ("cache of the user", places.cache())):
        click.echo(f"  {name:42} {folder_size(folder):7.0f}")
    with docker_engine.engine() as client:
        for image in docker_engine.images(client):
            for tag in docker_engine.our_names(image.tags):
                click.echo(f"  image {tag:36} {image.attrs['Size'] / 1e6:7.0f}")
        node = client.containers.get(kind_cluster.NODE)
        memory = node.stats(stream=False)["memory_stats"]
        used = memory["usage"] - memory.get("stats", {}).get("total_inactive_file", 0)
        click.echo(f"  memory of the cluster's node{'':15} {used / 1e6:7.0f}")


def timed(*commands: Sequence[str | Path]) -> float:
    """Seconds that commands take, one after the other."""
    begun = time.perf_counter()
    for words in commands:
        run(words, limit=300)
    return time.perf_counter() - begun


def image_into_the_node() -> None:
    """The course's way (push to the registry, pull by the node) against ``kind load``, in turns."""
    cluster = kind_cluster.find()
    supply = choose().source.supply(silent)
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(ROUNDS):
            pushed = f"{cluster.registry}/aicontainer/benchmark:{number}"
            loaded = f"aicontainer/benchmark:{number}"
            _build(Path(folder), number, pushed, loaded)
            pull = ["docker", "exec", kind_cluster.NODE, "ctr", "-n", "k8s.io", "images", "pull"]
            pull += ["--hosts-dir", "/etc/containerd/certs.d", pushed]
            ours.append(timed(["docker", "push", "-q", pushed], pull))
            load: list[str | Path] = [supply.kind, "load", "docker-image", loaded, "--name", kind_cluster.NAME]
            theirs.append(timed(load))
            run(["docker", "rmi", pushed, loaded], limit=60)
    # the first round also carries the base, which both have afterwards
    mine, other = statistics.median(ours[1:]), statistics.median(theirs[1:])
    click.echo(f"an image with {SMALL_CHANGE // 1000} KB that are new into the node, median of {ROUNDS - 1}")
    click.echo(f"  kind load docker-image                  {other:6.2f} s")
    click.echo(f"  push to the registry, pull by the node  {mine:6.2f} s   {other / mine:.1f} times faster")


def _build(folder: Path, number: int, *tags: str) -> None:
    (folder / "new").write_bytes(number.to_bytes(2) * (SMALL_CHANGE // 2))
    (folder / "Dockerfile").write_text(f"FROM {images.BASE}\nCOPY new /new\n")
    names = [word for tag in tags for word in ("--tag", tag)]
    run(["docker", "buildx", "build", "--load", *names, folder], limit=300)


@click.command()
def main() -> None:
    """Print what the README states."""
    environment.up()
    print_sizes()
    image_into_the_node()


if __name__ == "__main__":
    main()
