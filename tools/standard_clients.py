#!/usr/bin/env python3
"""Talks to the course's server with clients of the field, unmodified: ``.venv/bin/python tools/standard_clients.py``.

Each comes from PyPI into an environment of its own in the user's cache, and is told by its script in ``tools/clients``
what to ask. It knows nothing of this server: how it asks, and how it reads the answers, is the Open Inference Protocol
as its makers understand it. What it is told is printed, and its scores are compared with the model's own, to the last
bit. The exit code is 0 when all was as expected. ``tools/standard_clients.py triton`` lets one of them talk.
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aicontainer import places
from aicontainer.commands import run
from aicontainer.errors import CommandError
from aicontainer.learn import data, fit
from aicontainer.model import Model
from aicontainer.serve import process

SCRIPTS = Path(__file__).parent / "clients"
ROWS = 5
INSTALL_SECONDS = 1800
TALK_SECONDS = 120


@dataclass(frozen=True)
class Client:
    """A client by its name, which is that of its script too, and what it is called on PyPI."""

    name: str
    requirement: str

    def python(self) -> Path:
        """The interpreter that has the client; its environment is made at the first use and kept."""
        folder = places.cache() / "standard-clients" / self.name
        found, made = folder / "bin" / "python", folder / "made-for"
        if not made.exists() or made.read_text() != self.requirement:
            print(f"making the environment of {self.requirement}", file=sys.stderr, flush=True)
            log = places.logs() / f"standard-clients-{self.name}.log"
            run([sys.executable, "-m", "venv", "--clear", folder], limit=INSTALL_SECONDS, log=log)
            pip: list[str | Path] = [found, "-m", "pip", "install", "--disable-pip-version-check"]
            run([*pip, self.requirement], limit=INSTALL_SECONDS, log=log, gently=True)
            made.write_text(self.requirement)
        return found


CLIENTS = {client.name: client for client in (Client("triton", "tritonclient[http]"), Client("kserve", "kserve"))}


def talk(python: Path, name: str, address: str, model: str, folder: Path) -> bool:
    """Let a client ask, and print what it is told; whether all was as expected."""
    words: list[str | Path] = [python, SCRIPTS / f"{name}_talk.py", address, model, folder]
    try:
        run(words, limit=TALK_SECONDS, on_line=lambda line: print(line, flush=True))
    except CommandError as error:
        print(f"{name}: {error.what}", file=sys.stderr)
        return False
    return True


def write_rows(model: Model, folder: Path) -> None:
    """One file for each datatype: rows, and the model's own scores of what is left of them in that datatype."""
    exact = data.load("education").X[:ROWS]
    for datatype, kept in (("FP64", "f8"), ("FP32", "f4")):
        rows = exact.astype(kept)
        np.savez(folder / f"{datatype}.npz", rows=rows, scores=model.score(rows.astype("f8")))


def main() -> int:
    """Train, serve, and let the clients talk, one after the other; 0 when all were told what they should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"who talks, of {', '.join(CLIENTS)}; without any all")
    names = parser.parse_args().names or list(CLIENTS)
    if unknown := set(names) - set(CLIENTS):
        parser.error(f"no client named {', '.join(sorted(unknown))}")
    clients = [(CLIENTS[each].python(), each) for each in names]
    model = fit.train(data.load("education"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_rows(model, folder)
        with process.serving(model.save(folder / "education.json")) as server:
            right = [talk(python, each, server.address, model.name, folder) for python, each in clients]
    return 0 if all(right) else 1


if __name__ == "__main__":
    sys.exit(main())
