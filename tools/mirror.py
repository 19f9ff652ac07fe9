#!/usr/bin/env python3
"""Runs a command on a machine that has Docker and an image registry: one that is made here, and removed afterwards.

    python tools/mirror.py [--store containerd] aicontainer run 04 05

No image registry has to be reachable. The images that the packages source has built are put, under the official names,
into a registry on loopback; a second Docker Engine has it as its mirror; a file of pins holds their digests; kind and
kubectl are on PATH. Command, engine and registry live in namespaces of their own (network, processes, mounts), without
a way out: names, ports and firewall rules of the first engine cannot be touched, and whatever is asked of Docker Hub
fails. The cache is another one too; of the first it has only the wheels.

Needs Linux, root, and what ``aicontainer up`` has made from packages.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import httpx

from aicontainer import places
from aicontainer.commands import run
from aicontainer.errors import AicontainerError, MachineError
from aicontainer.sources import programs
from aicontainer.sources.official import pins
from aicontainer.sources.packages import images, recipe
from aicontainer.waiting import Seen, failed, pending, ready, wait

OFFICIAL = {
    "base": ("library/python", "3.13-slim", images.BASE),
    "registry": ("library/registry", "2.8.3", images.REGISTRY),
    "prometheus": ("prom/prometheus", "v2.53.5", images.PROMETHEUS),
    "alertmanager": ("prom/alertmanager", "v0.28.1", images.ALERTMANAGER),
    "node": ("kindest/node", recipe.KUBERNETES, images.NODE),
}
PORT = 5055  # free on a loopback of one's own; 5001 is left to the course's registry
NAMESPACES = ("unshare", "--net", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc")
LIMIT = 600.0


@contextmanager
def registry(folder: Path, port: int) -> Iterator[None]:
    """The registry program of the course's image, in its own root, on this loopback."""
    address = f"127.0.0.1:{port}"
    with (folder / "registry.log").open("ab") as log:
        process = subprocess.Popen(
            ["/usr/sbin/chroot", folder / "registry", "/usr/bin/docker-registry", "serve", "/etc/registry.yml"],
            env={**os.environ, "REGISTRY_HTTP_ADDR": address, "OTEL_TRACES_EXPORTER": "none"},
            stdout=log,
            stderr=log,
        )

    def look() -> Seen:
        if process.poll() is not None:
            return failed((folder / "registry.log").read_text()[-400:])
        words = ["curl", "--noproxy", "*", "-sf", "-o", "/dev/null", f"http://{address}/v2/"]
        return ready() if subprocess.run(words, check=False).returncode == 0 else pending("it does not answer yet")

    try:
        wait("the registry to answer", look, limit=30)
        yield
    finally:
        process.terminate()
        process.wait()


def unpack_registry(folder: Path) -> None:
    """The file system of the course's registry image as a folder."""
    root, archive = folder / "registry", folder / "registry.tar"
    root.mkdir()
    name = run(["docker", "create", images.REGISTRY], limit=60).strip()
    try:
        run(["docker", "export", "-o", archive, name], limit=LIMIT)
    finally:
        run(["docker", "rm", name], limit=60)
    run(["tar", "-xf", archive, "-C", root], limit=LIMIT)
    archive.unlink()


def fill(port: int) -> dict[str, str]:
    """Push the images under their official names; returns how each is pinned."""
    pinned = {}
    for role, (repository, tag, image) in OFFICIAL.items():
        name = f"127.0.0.1:{port}/{repository}:{tag}"
        run(["docker", "tag", image, name], limit=60)
        try:
            said = run(["docker", "push", name], limit=LIMIT)
        finally:
            run(["docker", "rmi", "--no-prune", name], limit=60)
        manifest = said.partition("digest: ")[2].split()[0]
        digest = put_index(f"http://127.0.0.1:{port}/v2/{repository}", tag, manifest)
        pinned[role] = f"{repository.removeprefix('library/')}:{tag}@{digest}"
        click.echo(f"the mirror has {pinned[role]}")
    return pinned


def put_index(repository: str, tag: str, manifest: str) -> str:
    """Put an index over this processor's image and an empty one of another, as official images are; its digest."""
    here = pins.machine().partition("-")[2]
    other = {"architecture": "arm64" if here == "amd64" else "amd64", "os": "linux"}
    config = json.dumps({**other, "rootfs": {"type": "layers", "diff_ids": []}, "config": {}}).encode()
    with httpx.Client(trust_env=False, timeout=60) as client:
        begun = httpx.URL(client.post(f"{repository}/blobs/uploads/").headers["Location"])
        client.put(begun.copy_add_param("digest", _digest(config)), content=config).raise_for_status()
        kind = "application/vnd.docker.distribution.manifest.v2+json"
        empty = {"schemaVersion": 2, "mediaType": kind, "layers": []}
        empty["config"] = _described(config, "application/vnd.docker.container.image.v1+json")
        written = json.dumps(empty).encode()
        _put(client, f"{repository}/manifests/{_digest(written)}", written, kind)
        found = client.get(f"{repository}/manifests/{manifest}", headers={"Accept": kind}).content
        manifests = [
            {**_described(found, kind), "platform": {"architecture": here, "os": "linux"}},
            {**_described(written, kind), "platform": other},
        ]
        kind = "application/vnd.docker.distribution.manifest.list.v2+json"
        index = json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": manifests}).encode()
        _put(client, f"{repository}/manifests/{tag}", index, kind)
    return _digest(index)


def _put(client: httpx.Client, address: str, content: bytes, kind: str) -> None:
    client.put(address, content=content, headers={"Content-Type": kind}).raise_for_status()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _described(content: bytes, kind: str) -> dict[str, Any]:
    return {"mediaType": kind, "size": len(content), "digest": _digest(content)}


def write_settings(folder: Path, pinned: dict[str, str], store: str) -> None:
    """The pins of the mirror's images, and the second engine's configuration."""
    kind = programs.version(recipe.programs() / "kind")
    lines = ["[images]", *(f'{role} = "{name}"' for role, name in pinned.items() if role != "node")]
    lines += ["[nodes]", f'"{kind}" = "{pinned["node"]}"']
    (folder / "pins.toml").write_text("\n".join(lines) + "\n")
    settings = {
        "registry-mirrors": [f"http://127.0.0.1:{PORT}"],
        "features": {"containerd-snapshotter": store == "containerd"},
        "data-root": str(folder / "data"),
        "exec-root": str(folder / "exec"),
        "pidfile": str(folder / "docker.pid"),
        "hosts": [f"unix://{folder / 'docker.sock'}"],
    }
    (folder / "daemon.json").write_text(json.dumps(settings))


def environment(folder: Path) -> dict[str, str]:
    """What the command gets: another engine, another cache, other pins, kind and kubectl on PATH."""
    cache = folder / "cache" / "aicontainer"
    cache.mkdir(parents=True)
    wheels = places.cache() / "wheels"
    if wheels.is_dir():  # packages of Python come from an index, which is not there inside
        shutil.copytree(wheels, cache / "wheels")
    path = [str(Path(sys.executable).parent), str(recipe.programs()), os.environ["PATH"]]
    return {
        "DOCKER_HOST": f"unix://{folder / 'docker.sock'}",
        "XDG_CACHE_HOME": str(folder / "cache"),
        "AICONTAINER_PINS": str(folder / "pins.toml"),
        "AICONTAINER_SOURCE": "registry",
        "PATH": os.pathsep.join(path),
    }


@contextmanager
def engine(folder: Path) -> Iterator[None]:
    """The second engine; ended together with all its containers."""
    log = folder / "dockerd.log"
    with log.open("ab") as record:
        process = subprocess.Popen(
            [shutil.which("dockerd") or "/usr/sbin/dockerd", "--config-file", folder / "daemon.json"],
            stdout=record,
            stderr=record,
            start_new_session=True,
        )

    def look() -> Seen:
        if process.poll() is not None:
            return failed(log.read_text(errors="replace")[-400:])
        words = ["docker", "version"]
        answers = subprocess.run(words, capture_output=True, check=False).returncode == 0
        return ready() if answers else pending("it does not answer yet")

    try:
        wait("the second engine to answer", look, limit=90)
        yield
    finally:
        containers = run(["docker", "ps", "-aq"], limit=60).split() if process.poll() is None else []
        if containers:
            run(["docker", "rm", "-f", "-v", *containers], limit=120)
        process.terminate()
        process.wait()


def inside(folder: Path, command: list[str]) -> int:
    """In the namespaces: registry, engine, and the command on them; its exit code."""
    run(["ip", "link", "set", "lo", "up"], limit=10)
    with registry(folder, PORT), engine(folder):
        return subprocess.run(command, check=False).returncode


def outside(command: list[str], store: str) -> int:
    """Prepare everything beside the first engine, run the command in its namespaces, and remove it all."""
    if sys.platform != "linux" or os.geteuid() != 0:
        raise MachineError("a second engine in namespaces of its own needs Linux and root")
    if not images.are_loaded():
        raise MachineError("there are no images to put into the mirror", next_step="aicontainer up")
    folder = Path(tempfile.mkdtemp(prefix="aicontainer-mirror-"))
    begun = time.monotonic()
    try:
        unpack_registry(folder)
        with registry(folder, PORT):
            write_settings(folder, fill(PORT), store)
        env = environment(folder)
        click.echo(f"the mirror is ready after {time.monotonic() - begun:.0f} s; image store: {store}")
        words = [*NAMESPACES, sys.executable, __file__, "--inside", str(folder), *command]
        return subprocess.run(words, env={**os.environ, **env}, check=False).returncode
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():
            click.echo(f"could not be removed whole: {folder}", err=True)


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--store", type=click.Choice(["classic", "containerd"]), default="classic", help="Docker's image store.")
@click.option("--inside", "folder", type=click.Path(path_type=Path), hidden=True)
@click.argument("command", nargs=-1, required=True)
def main(store: str, folder: Path | None, command: tuple[str, ...]) -> None:
    """Run COMMAND with a Docker Engine whose images come from a registry on loopback."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # and clean up on the way out
    try:
        sys.exit(inside(folder, list(command)) if folder else outside(list(command), store))
    except AicontainerError as error:
        click.echo(str(error), err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
